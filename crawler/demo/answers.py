"""Well-formed answers of the demo server: responses, redirects, and HTTP/1.0 (RFC 1945)."""

import asyncio
import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: `host` without port, `path` with query, `time` in seconds of a monotonic clock."""

    method: str
    host: str
    path: str
    headers: Headers
    port: int
    time: float

    def header(self, name: str) -> str:
        """Return the first value of a header, whose name has no case; empty if it is missing."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and the connection on which it is answered."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write, and wait until the buffer of the connection has room again."""
        self.writer.write(data)
        await self.writer.drain()


class Answer(Protocol):
    """A way to answer a request, or to fail to."""

    async def play(self, exchange: Exchange, /) -> bool:
        """Answer one request; return whether the connection stays open for another one."""


def head(status: int, headers: Headers, version: str = "1.1") -> bytes:
    """Return a status line and header lines, with the empty line that ends them."""
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/{version} {status} {phrase}", *(f"{n}: {v}" for n, v in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A well-formed response; `headers` are sent as given, repeated names included."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""

    @property
    def etag(self) -> str:
        """Return a strong validator of the body (RFC 9110, 8.8.3), so that 304 is possible."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'

    async def play(self, exchange: Exchange, /) -> bool:
        """Send the response, or 304 if the client has this body already (RFC 9110, 13.1.2)."""
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
    """A redirect; `url` is sent as the `Location`, unchanged, with `headers` after it."""

    url: str
    status: int = 302
    headers: Headers = ()

    async def play(self, exchange: Exchange, /) -> bool:
        """Send the redirect, without a body."""
        headers = (("Location", self.url), *self.headers, ("Content-Length", "0"))
        await exchange.send(head(self.status, headers))
        return True


@dataclass(frozen=True, slots=True)
class RedirectLoop:
    """A redirect to the path that was asked for."""

    async def play(self, exchange: Exchange, /) -> bool:
        """Send 301 with the path of the request."""
        return await RedirectsTo(exchange.request.path, 301).play(exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldHttp:
    """An HTTP/1.0 answer without a length, which is valid: closing the connection ends it."""

    headers: Headers = ()
    body: bytes = b""

    async def play(self, exchange: Exchange, /) -> bool:
        """Send the response and close."""
        await exchange.send(head(200, self.headers, "1.0") + self.body)
        return False


def text(body: str | bytes, media_type: str = "text/plain; charset=utf-8") -> Plain:
    """Return a 200 with a body; text is encoded as UTF-8."""
    content = body.encode() if isinstance(body, str) else body
    return Plain(headers=(("Content-Type", media_type),), body=content)


def json_text(body: str | bytes) -> Plain:
    """Return a 200 whose `Content-Type` is JSON; the body may be malformed."""
    return text(body, "application/json")


def html(*, in_head: str = "", in_body: str = "", headers: Headers = ()) -> Plain:
    """Return an ordinary page with additions to its head, its body or its response headers."""
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>A page</title>\n'
        f"{in_head}</head>\n<body><h1>A page</h1><p>Some words worth reading.</p>\n"
        f"{in_body}</body></html>\n"
    )
    media_type = ("Content-Type", "text/html; charset=utf-8")
    return Plain(headers=(media_type, *headers), body=page.encode())


def status(code: int, *headers: tuple[str, str]) -> Plain:
    """Return a response whose body repeats its status."""
    body = f"{code} {HTTPStatus(code).phrase}\n".encode()
    return Plain(status=code, headers=(("Content-Type", "text/plain"), *headers), body=body)


NOT_FOUND = status(404)
