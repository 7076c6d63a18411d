"""Responses that attack a client, one for each way.

Each sends at most some megabytes, so that a client without limits does not fill the machine.
"""

import asyncio
import gzip
import random  # noqa: TID251 - seeded, so that the octets are the same each time
import socket
import struct
import zlib
from dataclasses import dataclass

from crawler.demo.answers import RedirectLoop, RedirectsTo, status
from crawler.demo.misbehaviour import (
    BadStatusLine,
    BreaksChunking,
    DropsConnection,
    EndlessBody,
    EndlessHeaders,
    GzipBomb,
    NeverAnswers,
    ResetsHalfway,
    SendsSlowly,
    StopsHalfway,
)

MEGABYTE = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PAGE = b"<!doctype html><title>A page</title><p>words"
# What a response that nobody asked for says; it must never be taken for an answer.
SMUGGLED = b'<meta name="tdm-reservation" content="0">smuggled'


@dataclass(frozen=True)
class Octets:
    """Sends `begin`, then `again` up to `limit` octets; `waits` seconds before each piece."""

    begin: bytes
    again: bytes = b""
    limit: int = 4 * MEGABYTE
    waits: float = 0.0
    keeps_open: bool = False

    async def play(self, exchange):
        await exchange.send(self.begin)
        for _ in range(self.limit // len(self.again) if self.again else 0):
            if self.waits:
                await asyncio.sleep(self.waits)
            await exchange.send(self.again)
        return self.keeps_open


@dataclass(frozen=True)
class Resets:
    """Sends `begin`, then resets the connection."""

    begin: bytes = b""

    async def play(self, exchange):
        if self.begin:
            await exchange.send(self.begin)
        connection = exchange.writer.get_extra_info("socket")
        # With a linger time of zero the kernel sends RST in place of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.writer.transport.abort()
        return False


@dataclass(frozen=True)
class RedirectsOn:
    """Redirects to another path each time, without end."""

    async def play(self, exchange):
        return await RedirectsTo(f"{exchange.request.path}x", 302).play(exchange)


def fixed(content, *fields):
    """A whole response with these header fields, as octets."""
    lines = b"".join(b"%s\r\n" % line for line in fields)
    return OK + lines + b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


def interim(number, fields=b""):
    return b"HTTP/1.1 %d Wait\r\n%s\r\n" % (number, fields)


def deflated(megabytes):
    return zlib.compress(b" " * megabytes * MEGABYTE, 9)


NOISE = random.Random(1).randbytes(2000)
SQUEEZED = gzip.compress(PAGE)

#: Answers to a request for a page, with the outcomes that it may have. `responded` stands where
#: the client may read what came.
RESPONSES = {
    # Slow
    "never answers": (NeverAnswers(30), "timed_out"),
    "head, slowly": (Octets(b"HTTP/1.1 200 OK\r\nX: ", b"x", 600, 0.05), "timed_out"),
    "body, slowly": (SendsSlowly(b"slowly " * 100, 0.05), "timed_out"),
    "chunks, slowly": (Octets(CHUNKED, b"1\r\nx\r\n", 3600, 0.05), "timed_out"),
    # Small pieces, without end
    "chunks of an octet": (
        Octets(CHUNKED, b"1\r\nx\r\n" * 5000, 6 * MEGABYTE),
        "too_large broken timed_out",
    ),
    "chunk extensions": (
        Octets(CHUNKED, b"1;" + b"x" * 4000 + b"\r\nx\r\n", 6 * MEGABYTE),
        "broken too_large timed_out",
    ),
    "one chunk extension": (
        Octets(CHUNKED + b"1;", b"x" * 65536, 16 * MEGABYTE),
        "broken timed_out",
    ),
    "trailers": (
        Octets(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 5000, 16 * MEGABYTE),
        "broken timed_out responded",
    ),
    "one trailer": (
        Octets(CHUNKED + b"1\r\nx\r\n0\r\nX: ", b"y" * 65536, 16 * MEGABYTE),
        "broken timed_out responded",
    ),
    "interim 100": (Octets(b"", interim(100) * 2000, 16 * MEGABYTE), "broken"),
    "interim 103": (
        Octets(b"", interim(103, b"Link: </a>; rel=preload\r\n") * 500, 16 * MEGABYTE),
        "broken",
    ),
    "empty lines": (Octets(b"", b"\r\n" * 20000, 16 * MEGABYTE), "broken timed_out"),
    # Header sections
    "headers without end": (EndlessHeaders(), "broken"),
    "a header line without end": (
        Octets(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536, 16 * MEGABYTE),
        "broken",
    ),
    "a header name without end": (
        Octets(b"HTTP/1.1 200 OK\r\n", b"x" * 65536, 16 * MEGABYTE),
        "broken",
    ),
    "a status line without end": (Octets(b"HTTP/1.1 200 ", b"x" * 65536, 16 * MEGABYTE), "broken"),
    "a header of 1 MiB": (Octets(fixed(PAGE, b"X: " + b"x" * MEGABYTE)), "broken"),
    "10,000 headers": (Octets(fixed(PAGE, *[b"X-%d: x" % n for n in range(10_000)])), "broken"),
    "cookies": (
        Octets(fixed(PAGE, *[b"Set-Cookie: c%d=%s" % (n, b"x" * 4000) for n in range(100)])),
        "responded broken",
    ),
    "folded headers": (Octets(fixed(PAGE, b"X: a" + b"\r\n b" * 2000)), "responded broken"),
    "controls in headers": (
        Octets(fixed(PAGE, b"X: \x1b[2J\x1b]0;owned\x07\x9b31m", b"Y: \xe2\x80\xae")),
        "responded broken",
    ),
    "NUL in a header": (Octets(fixed(PAGE, b"X: a\0b")), "broken"),
    "octets in headers": (
        Octets(fixed(PAGE, b"X: \xfc\xff\xfe", b"X-Robots-Tag: \xff")),
        "responded broken",
    ),
    "a space before the colon": (Octets(fixed(PAGE, b"Content-Length : 3")), "broken"),
    # Lengths
    "longer than said": (Octets(OK + b"Content-Length: 3\r\n\r\n" + PAGE), "responded"),
    "shorter than said": (StopsHalfway(PAGE * 50), "broken"),
    "a length of words": (Octets(OK + b"Content-Length: many\r\n\r\n" + PAGE), "broken"),
    "a negative length": (Octets(OK + b"Content-Length: -1\r\n\r\n" + PAGE), "broken"),
    "two lengths": (Octets(fixed(PAGE, b"Content-Length: 1")), "broken"),
    "a huge length": (
        Octets(OK + b"Content-Length: 99999999999999999999999\r\n\r\n" + PAGE),
        "broken",
    ),
    "a length and chunks": (
        Octets(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        "broken responded",
    ),
    "no number for a chunk": (BreaksChunking(PAGE), "broken"),
    "a negative chunk": (Octets(CHUNKED + b"-1\r\nx\r\n0\r\n\r\n"), "broken"),
    "a huge chunk": (Octets(CHUNKED + b"f" * 30 + b"\r\n" + PAGE), "broken"),
    "a chunk of 4 GiB": (Octets(CHUNKED + b"ffffffff\r\n" + PAGE), "broken"),
    "a chunk cut short": (Octets(CHUNKED + b"ff\r\n" + PAGE), "broken"),
    "no last chunk": (Octets(CHUNKED + b"%x\r\n%s\r\n" % (len(PAGE), PAGE)), "broken"),
    # Codings
    "a gzip bomb": (GzipBomb(), "too_large"),
    "a deflate bomb": (Octets(fixed(deflated(50), b"Content-Encoding: deflate")), "too_large"),
    "100,000 gzip members": (
        Octets(fixed(gzip.compress(b"") * 100_000, b"Content-Encoding: gzip")),
        "broken",
    ),
    "gzip in gzip": (
        Octets(
            fixed(
                gzip.compress(gzip.compress(b" " * 50 * MEGABYTE)), b"Content-Encoding: gzip, gzip"
            )
        ),
        "broken",
    ),
    "1,000 codings": (Octets(fixed(SQUEEZED, b"Content-Encoding: " + b"gzip, " * 1000)), "broken"),
    "brotli": (Octets(fixed(b"\x0b\x02\x80User-agent\x03", b"Content-Encoding: br")), "broken"),
    "gzip that is cut": (Octets(fixed(SQUEEZED[:-5], b"Content-Encoding: gzip")), "broken"),
    "gzip of another sum": (
        Octets(fixed(SQUEEZED[:-8] + b"\0" * 8, b"Content-Encoding: gzip")),
        "broken",
    ),
    "a gzip name without end": (
        Octets(fixed(b"\x1f\x8b\x08\x08" + b"x" * 2 * MEGABYTE, b"Content-Encoding: gzip")),
        "broken too_large",
    ),
    "gzip in a transfer coding": (
        Octets(
            OK
            + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            % (len(SQUEEZED), SQUEEZED)
        ),
        "broken",
    ),
    "an unknown transfer coding": (Octets(OK + b"Transfer-Encoding: xyz\r\n\r\n" + PAGE), "broken"),
    # Redirects
    "redirects to itself": (RedirectLoop(), "redirect_limit"),
    "redirects without end": (RedirectsOn(), "redirect_limit responded"),
    "redirects to loopback": (RedirectsTo("http://127.0.0.2/admin"), "blocked_address withheld"),
    "redirects to metadata": (
        RedirectsTo("http://169.254.169.254/latest/meta-data/"),
        "blocked_address withheld",
    ),
    "redirects to an octal address": (
        RedirectsTo("http://0177.0.0.2/"),
        "blocked_address withheld",
    ),
    "redirects to a number": (RedirectsTo("http://2130706434/"), "blocked_address withheld"),
    "redirects to IPv6 loopback": (RedirectsTo("http://[::1]:22/"), "blocked_address withheld"),
    "redirects to mapped IPv4": (
        RedirectsTo("http://[::ffff:127.0.0.2]/"),
        "blocked_address withheld",
    ),
    "redirects to a file": (RedirectsTo("file:///etc/passwd"), "broken"),
    "redirects to a script": (RedirectsTo("javascript:alert(1)"), "broken"),
    "redirects to data": (RedirectsTo("data:text/html,words"), "broken"),
    "redirects nowhere": (
        Octets(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", keeps_open=True),
        "responded",
    ),
    "redirects to 8 KB": (RedirectsTo("/" + "x" * 8000), "broken redirect_limit responded"),
    "redirects to controls": (
        Octets(
            b"HTTP/1.1 302 Found\r\nLocation: /\x1b[2J\xe2\x80\xae\x07\r\nContent-Length: 0\r\n\r\n"
        ),
        "broken redirect_limit responded",
    ),
    "redirects to a user": (
        RedirectsTo("http://user:secret@127.0.0.2/"),
        "blocked_address withheld broken",
    ),
    # Connections that end
    "drops": (DropsConnection(), "broken"),
    "resets at once": (Resets(), "broken"),
    "resets in the head": (Resets(b"HTTP/1.1 200 OK\r\nX: "), "broken"),
    "resets after the head": (Resets(OK + b"Content-Length: 900\r\n\r\n"), "broken"),
    "resets in the body": (ResetsHalfway(PAGE * 50), "broken"),
    "resets in a chunk": (Resets(CHUNKED + b"ff\r\nx"), "broken"),
    "ends in the head": (Octets(b"HTTP/1.1 200 OK\r\nX: "), "broken"),
    # Bodies without end
    "a body without end": (EndlessBody(), "too_large"),
    "chunks without end": (
        Octets(CHUNKED, b"10000\r\n%s\r\n" % (b"x" * 65536), 16 * MEGABYTE),
        "too_large",
    ),
    # Another protocol
    "SMTP": (BadStatusLine(), "broken"),
    "HTTP/0.9": (Octets(PAGE), "broken"),
    "noise": (Octets(NOISE), "broken"),
    "NULs": (Octets(b"", b"\0" * 65536), "broken"),
    "HTTP/2": (Octets(b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 18), "broken"),
    "HTTP/9.9": (Octets(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok"), "broken responded"),
    # Status codes
    "status 999": (
        Octets(b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", keeps_open=True),
        "responded broken",
    ),
    "status 099": (Octets(b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"), "responded broken"),
    "status 20": (Octets(b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"), "broken"),
    "status -200": (Octets(b"HTTP/1.1 -200 OK\r\nContent-Length: 2\r\n\r\nok"), "broken"),
    "switching protocols": (
        Octets(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            NOISE,
        ),
        "broken timed_out responded too_large",
    ),
    "304 unasked": (
        Octets(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', keeps_open=True),
        "broken",
    ),
    "206 unasked": (
        Octets(
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/4000\r\n"
            b"Content-Length: 4\r\n\r\n<p>x",
            keeps_open=True,
        ),
        "responded",
    ),
    "204 with a body": (
        Octets(b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n<p>x"),
        "responded broken",
    ),
    "Retry-After for ever": (status(503, ("Retry-After", "9" * 400)), "responded"),
    "Retry-After in the past": (status(429, ("Retry-After", "-1")), "responded"),
    "Retry-After in 9999": (
        status(429, ("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")),
        "responded",
    ),
    # Responses that nobody asked for
    "a second response": (
        Octets(fixed(PAGE) + fixed(SMUGGLED), keeps_open=True),
        "responded broken",
    ),
    "1,000 responses": (
        Octets(fixed(PAGE) + fixed(SMUGGLED) * 1000, keeps_open=True),
        "responded broken",
    ),
    "a response in the body": (
        Octets(fixed(PAGE)[:-1] + fixed(SMUGGLED), keeps_open=True),
        "responded broken",
    ),
}
