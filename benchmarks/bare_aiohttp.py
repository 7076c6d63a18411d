"""A minimal Python client for comparison: a bare aiohttp loop that drops every answer.

`python -m benchmarks.bare_aiohttp ORIGINS CONCURRENCY` prints the number of answers.
"""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from benchmarks.hosts import PATHS


async def work(session: aiohttp.ClientSession, origins: Iterator[str]) -> int:
    """Fetch from origins until none is left, and return the number of answers."""
    answers = 0
    for origin in origins:
        for path in PATHS:
            async with session.get(origin.rstrip("/") + path) as response:
                await response.read()
                answers += 1
    return answers


async def fetch_all(origins: list[str], concurrency: int) -> int:
    """Fetch all files of all origins in parallel, and return the number of answers."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=5, ssl=tls)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        shared = iter(origins)
        return sum(await asyncio.gather(*(work(session, shared) for _ in range(concurrency))))


if __name__ == "__main__":
    print(asyncio.run(fetch_all(Path(sys.argv[1]).read_text("utf-8").split(), int(sys.argv[2]))))
