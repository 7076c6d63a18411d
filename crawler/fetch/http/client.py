"""Carry one request out: how long, how much, in how large a crowd, and what exactly came back."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import cast

import aiohttp
import yarl
from aiohttp.connector import Connection
from scrapy.http import Response

from crawler.fetch.clock import stamp
from crawler.fetch.http import address_guard, body
from crawler.fetch.http.connector import Connector, RequestContext, TlsRecordingHandler, trip
from crawler.fetch.http.outcomes import BrokenAnswerError
from crawler.fetch.options import FetchOptions


class ReceivedResponse(Response):
    """A response as it came: `fields` in their order and case, body up to the cap."""

    def __init__(self, url: str, status: int, fields: tuple[tuple[str, str], ...], kept: body.Body):
        super().__init__(url, status=status, body=kept.octets)
        self.fields = fields
        self.truncated = kept.truncated
        self.note = kept.note


class _RawHeaderResponse(aiohttp.ClientResponse):
    """Notes where an answer comes from before any of it is read."""

    peer: tuple[str, int] = ("", 0)

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        wire, on = cast("TlsRecordingHandler", connection.protocol), trip.get()
        assert wire.transport is not None
        host, port = self.peer = wire.transport.get_extra_info("peername")[:2]
        on.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        on.tls = wire.tls
        return await super().start(connection)


class PerAddressLimit:
    """At most so many at one address: shared hosting and CDNs are one machine to their owner."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._present: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def acquire(self, address: str) -> AsyncIterator[None]:
        """Wait for a free place among the requests to an IP address, and hold it."""
        gate = self._gates.setdefault(address, asyncio.Semaphore(self._limit))
        self._present[address] += 1
        try:
            async with gate:
                yield
        finally:
            self._present[address] -= 1
            if not self._present[address]:
                del self._present[address], self._gates[address]


class Client:
    """Sends requests and reads answers within the limits of the options.

    What goes wrong is raised as aiohttp raises it, for `outcomes`.
    """

    def __init__(self, options: FetchOptions, connector: Connector | None = None) -> None:
        self._cap = options.max_body
        self._crowd = PerAddressLimit(options.per_address)
        self._connector = connector or Connector(options)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            response_class=_RawHeaderResponse,
            timeout=aiohttp.ClientTimeout(
                total=options.timeout, sock_connect=options.connect_timeout
            ),
            headers={
                "User-Agent": options.user_agent,
                "Accept": "*/*",
                "Accept-Encoding": "gzip, deflate",
            },
        )

    async def get(
        self, url: str, headers: Mapping[str, str], on: RequestContext
    ) -> ReceivedResponse:
        """Send a GET when its address has room, and time it from then on; `on` learns the rest."""
        place = yarl.URL(url, encoded=True)
        trip.set(on)
        begun = _begin(on)
        try:
            key = await self._connector.key_of(place.raw_host or "", place.port or 0)
            async with self._crowd.acquire(key):
                begun = _begin(on)
                return await self._get(place, url, headers)
        finally:
            on.elapsed_ms = round((time.monotonic() - begun) * 1000)

    async def _get(self, place: yarl.URL, url: str, headers: Mapping[str, str]) -> ReceivedResponse:
        """One GET (RFC 9110, 9.3.1); HEAD would not do, since its headers may differ."""
        async with self._session.get(place, headers=headers, allow_redirects=False) as response:
            # Checked once more who is at the other end, though the connector has done so.
            why = self._connector.refusal(
                cast("_RawHeaderResponse", response).peer[0], place.port or 0
            )
            if why:
                raise address_guard.BlockedAddressError(why)
            kept = await self._read(response)
            if kept.truncated:
                response.close()
            return ReceivedResponse(url, response.status, _fields(response), kept)

    async def _read(self, response: aiohttp.ClientResponse) -> body.Body:
        """The body; one that does not come whole is not an answer, whatever the headers said."""
        coding = ",".join(response.headers.getall("Content-Encoding", ()))
        try:
            return await body.read(response.content.iter_any(), coding, trip.get().cap or self._cap)
        except TimeoutError as error:
            raise TimeoutError(_progress(response)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenAnswerError(_progress(response)) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def _begin(on: RequestContext) -> float:
    on.started_at = stamp()
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
