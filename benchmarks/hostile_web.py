"""Hostile hosts on loopback: each misbehaves in one way, on every resource, within bounds."""

import asyncio
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from crawler.demo.answers import NOT_FOUND, Answer, Exchange, RedirectsTo, head, status, text
from crawler.demo.misbehaviour import (
    BreaksChunking,
    EndlessBody,
    EndlessHeaders,
    GzipBomb,
    NeverAnswers,
    SendsSlowly,
)
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site

_MIB = 1024 * 1024
_TEXT = (("Content-Type", "text/plain"),)
#: Seconds until a slow host answers: just within the timeout of a request.
SLOW_S = 3.5


@dataclass(frozen=True)
class Slow:
    """Answer 404 just within the timeout."""

    seconds: float = SLOW_S

    async def play(self, exchange: Exchange, /) -> bool:
        """Wait, then answer."""
        await asyncio.sleep(self.seconds)
        return await status(404).play(exchange)


@dataclass(frozen=True)
class Repeats:
    """Send a beginning once, then a block a number of times, as fast as the client reads."""

    beginning: bytes
    block: bytes
    times: int

    async def play(self, exchange: Exchange, /) -> bool:
        """Send until the client closes or all is sent."""
        await exchange.send(self.beginning)
        for _ in range(self.times):
            await exchange.send(self.block)
        return False


def _chunked(chunk: bytes, octets: int) -> Repeats:
    """Return an answer of that many octets, of which each chunk is one block of framing more."""
    block = b"%x\r\n%b\r\n" % (len(chunk), chunk) * 4096
    beginning = head(200, (*_TEXT, ("Transfer-Encoding", "chunked")))
    return Repeats(beginning, block, octets // 4096 // len(chunk))


def _empty_members(number: int) -> Answer:
    member = zlib.compressobj(9, wbits=31).flush()
    body = member * number
    fields = (*_TEXT, ("Content-Encoding", "gzip"), ("Content-Length", str(len(body))))
    return Repeats(head(200, fields), body, 1)


def _rules() -> Answer:
    lines = (f"Disallow: /{n}*a*b*c$\nAllow: /*{n}\n" for n in range(14_000))
    return text("User-agent: *\nUser-agent: tdm-audit\n" + "".join(lines))


def _page() -> Answer:
    element = '<meta name="tdm-reservation" content="{}"><a href="/terms/{}" rel="license">x</a>\n'
    elements = "".join(element.format(n, n) for n in range(13_000))
    return text("<!doctype html><html><head>" + elements[:_MIB], "text/html; charset=utf-8")


def _deep_json() -> Answer:
    return text("[" * 400_000 + "]" * 400_000, "application/json")


#: Name of a way to misbehave, and what answers every request; robots.txt too, except where the
#: other resources would then not be requested.
KINDS: Mapping[str, Answer] = MappingProxyType(
    {
        "slow answers": Slow(),
        "chunks of one octet": _chunked(b"x", 2 * _MIB),
        "pages of many elements": _page(),
        "bodies without end": EndlessBody(),
        "chunks of eight octets": _chunked(b"x" * 8, 2 * _MIB),
        "interim answers without end": Repeats(b"", b"HTTP/1.1 103 E\r\n\r\n" * 4096, 4096),
        "empty gzip members": _empty_members(100_000),
        "gzip bombs": GzipBomb(),
        "no answer": NeverAnswers(),
        "an octet each half second": SendsSlowly(),
        "header fields without end": EndlessHeaders(),
        "many rules": _rules(),
        "deep JSON": _deep_json(),
        "broken chunks": BreaksChunking(),
        "redirects that fan out": RedirectsTo("/next/hop?and=more"),
    }
)
_ROBOTS_ARE_MISSING = frozenset(
    ("pages of many elements", "bodies without end", "gzip bombs", "deep JSON")
)


def address(number: int) -> str:
    """Return the address of a hostile host, in 127.200.0.0 and above."""
    return f"127.200.0.{number + 1}"


def _site(number: int, kind: str) -> Site:
    robots = {"/robots.txt": NOT_FOUND} if kind in _ROBOTS_ARE_MISSING else {}
    return Site(host=address(number), about=kind, expect={}, pages=robots, otherwise=KINDS[kind])


@contextmanager
def serving(kinds: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Serve one host of each of some kinds for the `with` block, and yield their URLs."""
    sites = [_site(number, kind) for number, kind in enumerate(kinds)]
    listen = tuple((site.host, 0) for site in sites)
    with LoopbackWeb(sites, listen=listen, log_size=10_000) as web:
        yield tuple(f"http://{s.host}:{p}/" for s, p in zip(sites, web.ports, strict=True))
