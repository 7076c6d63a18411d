"""Carry one request out: where to connect, how long, how much, and what exactly came back.

Scrapy's aiohttp handler with another connector and another way to read. Its answers keep
headers as sent, and what goes wrong is raised as aiohttp raises it, for `outcomes`.
"""

import asyncio
import contextlib
import functools
import ipaddress
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from typing import cast

import aiohttp
import yarl
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from scrapy import Request
from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler, _ClientResponse
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.ssl import _make_ssl_context

from crawler.fetch import body, connect_to, guard
from crawler.fetch.clock import stamp
from crawler.fetch.options import FetchOptions
from crawler.fetch.outcomes import BrokenAnswerError, HostNotFoundError

# aiohttp asks its connector for an address by host and port alone; what else the guard has to
# know of the request travels with the task that serves it.
_own_port: ContextVar[int] = ContextVar("own_port", default=0)


class Received(Response):
    """A response as it came: `fields` in their order and case, body up to the cap."""

    def __init__(self, url: str, status: int, fields: tuple[tuple[str, str], ...], kept: body.Body):
        super().__init__(url, status=status, body=kept.octets)
        self.fields = fields
        self.truncated = kept.truncated
        self.note = kept.note


class _Wire(ResponseHandler):
    """Hands the parser a head before what follows it.

    Given at once, a body that is longer than its `Content-Length` would spoil the whole
    message, so that the answer hung on how the network cut it into packets. And a body that
    cannot be parsed ends at once: aiohttp closes the connection, but leaves its reader waiting.
    """

    def data_received(self, data: bytes) -> None:
        head, end, rest = data.partition(b"\r\n\r\n")
        super().data_received(head + end)
        if rest:
            super().data_received(rest)
        error, payload = self.exception(), self._payload
        if error is not None and payload is not None and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError(str(error)))


class Connector(aiohttp.TCPConnector):
    """Connects where `--connect-to` says, and only to addresses that the guard lets pass.

    What `_resolve_host` returns is numeric and is what aiohttp connects to, so the address
    that was checked is the one that is used.
    """

    def __init__(self, options: FetchOptions) -> None:
        idle = 5 + 2 * options.delay
        super().__init__(limit=0, ttl_dns_cache=300, keepalive_timeout=idle)
        wire = functools.partial(_Wire, loop=self._loop)
        self._factory = cast("functools.partial[ResponseHandler]", wire)
        self._rules = tuple(map(connect_to.parse, options.connect_to))
        self._allowed = guard.networks(options.allow_network)
        self._dns_timeout = options.connect_timeout

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[aiohttp.tracing.Trace] | None = None
    ) -> list[ResolveResult]:
        if why := self._literal_refusal(host, port):
            raise guard.BlockedAddressError(why)
        to_host, to_port = connect_to.target(self._rules, host, port)
        try:
            async with asyncio.timeout(self._dns_timeout):
                found = await super()._resolve_host(to_host, to_port, traces)
        except TimeoutError as error:
            raise HostNotFoundError(f"no answer in {self._dns_timeout:g} s") from error
        except OSError as error:
            raise HostNotFoundError(error.strerror or "not found") from error
        except UnicodeError as error:
            raise HostNotFoundError(str(error)) from error
        refusals = [self.refusal(address["host"], port) for address in found]
        if all(refusals):
            raise guard.BlockedAddressError(refusals[0])
        return [address for address, why in zip(found, refusals, strict=True) if not why]

    def _literal_refusal(self, host: str, port: int) -> str:
        """Why an address that a URL spells out is refused: `--connect-to` does not excuse it."""
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return ""
        return self.refusal(host.strip("[]"), port)

    async def key_of(self, host: str, port: int) -> str:
        """One of the addresses of a host, always the same, to count who is in flight there."""
        return min(address["host"] for address in await self._resolve_host(host, port))

    def refusal(self, address: str, port: int) -> str:
        """Why nothing is sent to an address, empty if it may be."""
        return guard.refusal(address, port, _own_port.get(), self._allowed)


class _Crowd:
    """At most so many at one address: shared hosting and CDNs are one machine to their owner."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._present: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def admitted(self, address: str) -> AsyncIterator[None]:
        gate = self._gates.setdefault(address, asyncio.Semaphore(self._limit))
        self._present[address] += 1
        try:
            async with gate:
                yield
        finally:
            self._present[address] -= 1
            if not self._present[address]:
                del self._present[address], self._gates[address]


class Handler(AiohttpDownloadHandler):
    """Scrapy's handler for http and https.

    A request brings `own_port` in its `meta` and takes `started_at`, `elapsed_ms` and
    `address` away in it, whether or not there was an answer.
    """

    experimental = False

    def __init__(self, crawler: Crawler) -> None:
        # The parent's own __init__ would open a connector without a guard.
        super(AiohttpDownloadHandler, self).__init__(crawler)
        options = cast("FetchOptions", crawler.spider.options)  # type: ignore[union-attr]
        self._ssl_context = _make_ssl_context(crawler.settings)
        self._cap = options.max_body
        self._crowd = _Crowd(options.per_address)
        self._timeout = aiohttp.ClientTimeout(
            total=options.timeout, sock_connect=options.connect_timeout
        )
        self._guarded = Connector(options)
        self._session = aiohttp.ClientSession(
            connector=self._guarded,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            response_class=_ClientResponse,
            headers={
                "User-Agent": options.user_agent,
                "Accept": "*/*",
                "Accept-Encoding": "gzip, deflate",
            },
        )

    async def download_request(self, request: Request) -> Response:
        """Send a request when its address has room, and time it from then on."""
        url = yarl.URL(request.url, encoded=True)
        _own_port.set(request.meta.get("own_port", 0))
        begun = _begin(request)
        try:
            key = await self._guarded.key_of(url.raw_host or "", url.port or 0)
            async with self._crowd.admitted(key):
                begun = _begin(request)
                return await self._get(url, request)
        finally:
            request.meta["elapsed_ms"] = round((time.monotonic() - begun) * 1000)

    async def _get(self, url: yarl.URL, request: Request) -> Received:
        """One GET (RFC 9110, 9.3.1); HEAD would not do, since its headers may differ."""
        async with self._session.get(
            url, timeout=self._timeout, ssl=self._ssl_context, allow_redirects=False
        ) as response:
            request.meta["address"] = self._peer(cast("_ClientResponse", response), url.port or 0)
            kept = await self._read(response)
            if kept.truncated:
                response.close()
            return Received(request.url, response.status, _fields(response), kept)

    def _peer(self, response: _ClientResponse, port: int) -> str:
        """Who is at the other end; checked once more, though the connector has done so."""
        host, peer_port = response._peername[:2] if response._peername else ("", 0)
        why = self._guarded.refusal(host, port)
        if why:
            raise guard.BlockedAddressError(why)
        return f"[{host}]:{peer_port}" if ":" in host else f"{host}:{peer_port}"

    async def _read(self, response: aiohttp.ClientResponse) -> body.Body:
        """The body; one that does not come whole is not an answer, whatever the headers said."""
        coding = response.headers.get("Content-Encoding", "")
        try:
            return await body.read(response.content.iter_any(), coding, self._cap)
        except TimeoutError as error:
            raise TimeoutError(_progress(response)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenAnswerError(_progress(response)) from error


def _begin(request: Request) -> float:
    request.meta["started_at"] = stamp()
    return time.monotonic()


def _progress(response: aiohttp.ClientResponse) -> str:
    length = response.headers.get("Content-Length")
    whole = f" of {length[:20]}" if length else ""
    return f"answered {response.status}, then {response.content.total_bytes} octets{whole}"


def _fields(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in response.raw_headers
    )
