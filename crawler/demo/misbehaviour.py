"""How a server may answer badly: one small class for each way, and a bound on each.

The bounds keep a client without limits of its own from hanging or filling a disk.
"""

import asyncio
import functools
import socket
import struct
import zlib
from dataclasses import dataclass

from crawler.demo.answers import Exchange, Headers, head

_MEBIBYTE = 1024 * 1024
_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
_PAGE_START = b"<!doctype html><html><head><title>Long</title></head><body><p>"


@dataclass(frozen=True, slots=True)
class DropsConnection:
    """Closes without a byte."""

    async def play(self, exchange: Exchange, /) -> bool:  # noqa: ARG002 - that is the point
        """Say nothing and hang up."""
        return False


@dataclass(frozen=True, slots=True)
class StopsHalfway:
    """Announces a body by `Content-Length` and closes in the middle of it."""

    body: bytes

    async def play(self, exchange: Exchange, /) -> bool:
        """Send half of what was announced, then hang up properly."""
        await exchange.send(_first_half(self.body))
        return False


@dataclass(frozen=True, slots=True)
class ResetsHalfway:
    """Announces a body by `Content-Length` and resets the connection in the middle of it."""

    body: bytes

    async def play(self, exchange: Exchange, /) -> bool:
        """Send half of what was announced, then reset."""
        await exchange.send(_first_half(self.body))
        connection: socket.socket = exchange.writer.get_extra_info("socket")
        # Lingering for zero seconds is what makes the kernel send RST where it would send FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.writer.transport.abort()
        return False


def _first_half(body: bytes) -> bytes:
    return head(200, (*_TEXT, ("Content-Length", str(len(body))))) + body[: len(body) // 2]


@dataclass(frozen=True, slots=True)
class NeverAnswers:
    """Accepts the request and stays silent until the client leaves or the bound is reached."""

    seconds: float = 120.0

    async def play(self, exchange: Exchange, /) -> bool:
        """Wait for the client to give up."""
        try:
            async with asyncio.timeout(self.seconds):
                await exchange.reader.read(1)
        except TimeoutError:
            pass
        return False


@dataclass(frozen=True, slots=True)
class SendsSlowly:
    """Sends its headers at once and then a byte per `interval`."""

    body: bytes = b"slowly " * 40
    interval: float = 0.5

    async def play(self, exchange: Exchange, /) -> bool:
        """Drip the body; each byte arrives well within any read timeout."""
        await exchange.send(head(200, (*_HTML, ("Content-Length", str(len(self.body))))))
        for octet in self.body:
            await asyncio.sleep(self.interval)
            await exchange.send(bytes((octet,)))
        return True


@dataclass(frozen=True, slots=True)
class BreaksChunking:
    """Sends one good chunk and then a chunk size that is no number (RFC 9112, 7.1)."""

    body: bytes = b"[]"
    headers: Headers = _TEXT

    async def play(self, exchange: Exchange, /) -> bool:
        """Begin well, go on badly."""
        await exchange.send(head(200, (*self.headers, ("Transfer-Encoding", "chunked"))))
        await exchange.send(b"%x\r\n%s\r\nzz\r\nnonsense\r\n" % (len(self.body), self.body))
        return False


@dataclass(frozen=True, slots=True)
class EndlessBody:
    """A body without announced length that goes on, up to `limit` octets."""

    start: bytes = _PAGE_START
    filler: bytes = b"and so on, "
    headers: Headers = _HTML
    limit: int = 64 * _MEBIBYTE

    async def play(self, exchange: Exchange, /) -> bool:
        """Send until the client has enough."""
        await exchange.send(head(200, (*self.headers, ("Connection", "close"))) + self.start)
        block = self.filler * (65_536 // len(self.filler))
        for _ in range(self.limit // len(block)):
            await exchange.send(block)
        return False


@dataclass(frozen=True, slots=True)
class EndlessHeaders:
    """Header fields without end, up to `limit` octets, and no body."""

    limit: int = 16 * _MEBIBYTE

    async def play(self, exchange: Exchange, /) -> bool:
        """Send until the client has enough."""
        line = b"X-Again: " + b"and again, " * 90 + b"\r\n"
        block = line * 64
        await exchange.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(self.limit // len(block)):
            await exchange.send(block)
        return False


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """A page of some kilobytes in gzip that inflates to `size` octets."""

    size: int = 50 * _MEBIBYTE

    async def play(self, exchange: Exchange, /) -> bool:
        """Send it, encoded whether or not the client accepts that."""
        body = await asyncio.to_thread(_bomb, self.size)
        encoding = ("Content-Encoding", "gzip")
        await exchange.send(
            head(200, (*_HTML, encoding, ("Content-Length", str(len(body))))) + body
        )
        return True


@functools.cache
def _bomb(size: int) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)  # 31: a gzip wrapper with the largest window
    parts = [squeeze.compress(_PAGE_START)]
    parts += [squeeze.compress(b" " * _MEBIBYTE) for _ in range(size // _MEBIBYTE)]
    return b"".join(parts) + squeeze.flush()


@dataclass(frozen=True, slots=True)
class BadStatusLine:
    """Answers something that is not HTTP."""

    async def play(self, exchange: Exchange, /) -> bool:
        """Greet in another protocol."""
        await exchange.send(b"220 mail.demo.test ready when you are\r\n\r\n")
        return False
