"""A connection without a whole request is closed; one that is answered is not."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from crawler.serve import header_timeout


async def answer(scope, receive, send):
    await asyncio.sleep(0.3 if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def exchange(*parts):
    """Return what a server writes until it closes, when it is sent some parts."""
    config = uvicorn.Config(answer, timeout_keep_alive=30)
    config.load()
    loop = asyncio.get_running_loop()
    state = ServerState()
    server = await loop.create_server(
        lambda: header_timeout.HeaderTimeout(config, state, {}, loop), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.02)
        got = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        assert not state.connections
    return got.count(b"done")


REQUEST = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "answers"),
    [
        ((), 0),
        ((b"GET / HT",), 0),
        ((b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"X: y\r\n"), 0),
        ((REQUEST % b"", b"GET / HTTP/1.1\r\n"), 1),
        ((REQUEST % b"slow",), 1),
        ((REQUEST % b"slow" * 2,), 2),
    ],
    ids=["nothing", "half a line", "half a request", "half a second one", "slow", "two at once"],
)
def test_a_connection_without_a_whole_request_is_closed(monkeypatch, parts, answers):
    monkeypatch.setattr(header_timeout, "SECONDS", 0.2)
    assert asyncio.run(exchange(*parts)) == answers
