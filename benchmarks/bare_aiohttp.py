"""The least a client in Python does: a bare aiohttp loop that throws everything away.

`python -m benchmarks.bare_aiohttp ORIGINS CONCURRENCY` prints how many answers it had.
"""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from benchmarks.hosts import PATHS


async def work(session: aiohttp.ClientSession, origins: Iterator[str]) -> int:
    """Ask origins until none is left."""
    answers = 0
    for origin in origins:
        for path in PATHS:
            async with session.get(origin.rstrip("/") + path) as response:
                await response.read()
                answers += 1
    return answers


async def ask(origins: list[str], concurrency: int) -> int:
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=5, ssl=tls)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        shared = iter(origins)
        return sum(await asyncio.gather(*(work(session, shared) for _ in range(concurrency))))


if __name__ == "__main__":
    print(asyncio.run(ask(Path(sys.argv[1]).read_text("utf-8").split(), int(sys.argv[2]))))
