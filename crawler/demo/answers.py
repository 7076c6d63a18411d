"""How a server may answer well: plain responses, redirects, and HTTP/1.0 (RFC 1945)."""

import asyncio
import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked: `host` without port, `path` with its query, `time` monotonic."""

    method: str
    host: str
    path: str
    headers: Headers
    port: int
    time: float

    def header(self, name: str) -> str:
        """The first value of a header, compared without case; empty when it is not there."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and the connection on which to answer it."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write, and wait until the client has made room."""
        self.writer.write(data)
        await self.writer.drain()


class Answer(Protocol):
    """One way of answering, or of not answering."""

    async def play(self, exchange: Exchange, /) -> bool:
        """Answer one request; True keeps the connection open for the next."""


def head(status: int, headers: Headers, version: str = "1.1") -> bytes:
    """A status line and header lines, with the empty line that ends them."""
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/{version} {status} {phrase}", *(f"{n}: {v}" for n, v in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A well-formed response; `headers` are sent as given, repeated ones repeatedly."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""

    @property
    def etag(self) -> str:
        """A strong validator of the body, so that a second visit may be answered with 304."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'

    async def play(self, exchange: Exchange, /) -> bool:
        """Send it whole, or 304 to who has it already (RFC 9110, 13.1.2)."""
        etag = ("ETag", self.etag)
        if self.status != 200:
            await exchange.send(self._wire(self.status, self.headers, exchange))
        elif exchange.request.header("if-none-match") == self.etag:
            await exchange.send(head(304, (*self.headers, etag)))
        else:
            await exchange.send(self._wire(200, (*self.headers, etag), exchange))
        return True

    def _wire(self, status: int, headers: Headers, exchange: Exchange) -> bytes:
        length = ("Content-Length", str(len(self.body)))
        body = b"" if exchange.request.method == "HEAD" else self.body
        return head(status, (*headers, length)) + body


@dataclass(frozen=True, slots=True)
class RedirectsTo:
    """Sends the client elsewhere: `url` is put into `Location` as it stands."""

    url: str
    status: int = 302

    async def play(self, exchange: Exchange, /) -> bool:
        """Redirect, without a body."""
        where = (("Location", self.url), ("Content-Length", "0"))
        await exchange.send(head(self.status, where))
        return True


@dataclass(frozen=True, slots=True)
class RedirectLoop:
    """Sends the client to where it already is."""

    async def play(self, exchange: Exchange, /) -> bool:
        """Redirect to the very same path."""
        return await RedirectsTo(exchange.request.path, 301).play(exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldHttp:
    """An HTTP/1.0 answer without a length: the end of the connection ends it. Not an error."""

    headers: Headers = ()
    body: bytes = b""

    async def play(self, exchange: Exchange, /) -> bool:
        """Send and close."""
        await exchange.send(head(200, self.headers, "1.0") + self.body)
        return False


def text(body: str | bytes, media_type: str = "text/plain; charset=utf-8") -> Plain:
    """A 200 with a body; text is encoded as UTF-8."""
    octets = body.encode() if isinstance(body, str) else body
    return Plain(headers=(("Content-Type", media_type),), body=octets)


def json_text(body: str | bytes) -> Plain:
    """A 200 that says it is JSON, whether or not it is."""
    return text(body, "application/json")


def html(*, in_head: str = "", in_body: str = "", headers: Headers = ()) -> Plain:
    """An ordinary page with something in its head, its body or its response headers."""
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>A page</title>\n'
        f"{in_head}</head>\n<body><h1>A page</h1><p>Some words worth reading.</p>\n"
        f"{in_body}</body></html>\n"
    )
    kind = ("Content-Type", "text/html; charset=utf-8")
    return Plain(headers=(kind, *headers), body=page.encode())


def status(code: int, *headers: tuple[str, str]) -> Plain:
    """A response that says no more than its status."""
    body = f"{code} {HTTPStatus(code).phrase}\n".encode()
    return Plain(status=code, headers=(("Content-Type", "text/plain"), *headers), body=body)


NOT_FOUND = status(404)
