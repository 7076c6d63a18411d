"""Faulty answers of the demo server: one class for each way to misbehave.

Each is bounded in time or size, so that a client without limits neither hangs nor fills a disk.
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
    """The connection closes without a byte."""

    async def play(self, exchange: Exchange, /) -> bool:  # noqa: ARG002 - nothing is sent
        """Close the connection."""
        return False


@dataclass(frozen=True, slots=True)
class StopsHalfway:
    """A body shorter than its `Content-Length`; then the connection closes."""

    body: bytes

    async def play(self, exchange: Exchange, /) -> bool:
        """Send half of the body, then close."""
        await exchange.send(_first_half(self.body))
        return False


@dataclass(frozen=True, slots=True)
class ResetsHalfway:
    """A body shorter than its `Content-Length`; then the connection is reset."""

    body: bytes

    async def play(self, exchange: Exchange, /) -> bool:
        """Send half of the body, then reset."""
        await exchange.send(_first_half(self.body))
        connection: socket.socket = exchange.writer.get_extra_info("socket")
        # With a linger time of zero the kernel sends RST in place of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.writer.transport.abort()
        return False


def _first_half(body: bytes) -> bytes:
    return head(200, (*_TEXT, ("Content-Length", str(len(body))))) + body[: len(body) // 2]


@dataclass(frozen=True, slots=True)
class NeverAnswers:
    """The request is accepted and never answered, for at most `seconds`."""

    seconds: float = 120.0

    async def play(self, exchange: Exchange, /) -> bool:
        """Wait until the client closes, or the time is over."""
        try:
            async with asyncio.timeout(self.seconds):
                await exchange.reader.read(1)
        except TimeoutError:
            pass
        return False


@dataclass(frozen=True, slots=True)
class SendsSlowly:
    """Headers at once, then a byte of the body each `interval` seconds."""

    body: bytes = b"slowly " * 40
    interval: float = 0.5

    async def play(self, exchange: Exchange, /) -> bool:
        """Send the body byte by byte, each within a usual read timeout."""
        await exchange.send(head(200, (*_HTML, ("Content-Length", str(len(self.body))))))
        for byte in self.body:
            await asyncio.sleep(self.interval)
            await exchange.send(bytes((byte,)))
        return True


@dataclass(frozen=True, slots=True)
class BreaksChunking:
    """A valid chunk, then a chunk size that is no number (RFC 9112, 7.1)."""

    body: bytes = b"[]"
    headers: Headers = _TEXT

    async def play(self, exchange: Exchange, /) -> bool:
        """Send the valid chunk, then the malformed one."""
        await exchange.send(head(200, (*self.headers, ("Transfer-Encoding", "chunked"))))
        await exchange.send(b"%x\r\n%s\r\nzz\r\nnonsense\r\n" % (len(self.body), self.body))
        return False


@dataclass(frozen=True, slots=True)
class EndlessBody:
    """A body without a `Content-Length` that does not end before `limit` bytes."""

    start: bytes = _PAGE_START
    filler: bytes = b"and so on, "
    headers: Headers = _HTML
    limit: int = 64 * _MEBIBYTE

    async def play(self, exchange: Exchange, /) -> bool:
        """Send until the client closes or the limit is reached."""
        await exchange.send(head(200, (*self.headers, ("Connection", "close"))) + self.start)
        block = self.filler * (65_536 // len(self.filler))
        for _ in range(self.limit // len(block)):
            await exchange.send(block)
        return False


@dataclass(frozen=True, slots=True)
class EndlessHeaders:
    """Header fields up to `limit` bytes, without the empty line that would end them."""

    limit: int = 16 * _MEBIBYTE

    async def play(self, exchange: Exchange, /) -> bool:
        """Send until the client closes or the limit is reached."""
        line = b"X-Again: " + b"and again, " * 90 + b"\r\n"
        block = line * 64
        await exchange.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(self.limit // len(block)):
            await exchange.send(block)
        return False


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """A page of some kilobytes in gzip that inflates to `size` bytes."""

    size: int = 50 * _MEBIBYTE

    async def play(self, exchange: Exchange, /) -> bool:
        """Send the page in gzip, even to a client that does not accept it."""
        body = await asyncio.to_thread(_bomb, self.size)
        encoding = ("Content-Encoding", "gzip")
        await exchange.send(
            head(200, (*_HTML, encoding, ("Content-Length", str(len(body))))) + body
        )
        return True


@functools.cache
def _bomb(size: int) -> bytes:
    compressor = zlib.compressobj(9, wbits=31)  # 31: a gzip wrapper with the largest window
    parts = [compressor.compress(_PAGE_START)]
    parts += [compressor.compress(b" " * _MEBIBYTE) for _ in range(size // _MEBIBYTE)]
    return b"".join(parts) + compressor.flush()


@dataclass(frozen=True, slots=True)
class BadStatusLine:
    """A first line that is not HTTP."""

    async def play(self, exchange: Exchange, /) -> bool:
        """Send a greeting of SMTP."""
        await exchange.send(b"220 mail.demo.test ready when you are\r\n\r\n")
        return False
