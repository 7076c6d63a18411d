"""HTTP client: timeouts, body cap, limit per address, raw header fields.

Rules for editors:

- Headers are kept in their order, case and octets, since they are evidence.
- A response counts only if its body came whole or was cut at the cap; anything else raises.
- Of a request only `RequestContext` survives an exception, so record there what must be stored.
"""

import time
from collections.abc import Mapping
from typing import cast

import aiohttp
import yarl
from aiohttp.connector import Connection
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES
from scrapy.http import Response

from crawler.clock import stamp
from crawler.fetch.charging import cpu_charged_steps
from crawler.fetch.http import address_guard, body
from crawler.fetch.http.connector import (
    Connector,
    RequestContext,
    TlsRecordingHandler,
    request_context,
)
from crawler.fetch.http.outcomes import BrokenAnswerError, is_local
from crawler.fetch.options import FetchOptions
from crawler.fetch.slots import Turns


class ReceivedResponse(Response):
    """A Scrapy response with its header `fields` as (name, value) in their order and case.

    `body` is decoded and cut at the cap; `truncated` says whether it was cut, and `note` what was
    wrong with its coding.
    """

    def __init__(
        self, url: str, status: int, fields: tuple[tuple[str, str], ...], received: body.Body
    ):
        super().__init__(url, status=status, body=received.octets)
        self.fields = fields
        self.truncated = received.truncated
        self.note = received.note


class _RawHeaderResponse(aiohttp.ClientResponse):
    """Response class that records the peer address and TLS before anything is read.

    So they are known of a response that fails halfway, too.
    """

    peer: tuple[str, int] = ("", 0)

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        handler = cast("TlsRecordingHandler", connection.protocol)
        context = request_context.get()
        assert handler.transport is not None
        host, port = self.peer = handler.transport.get_extra_info("peername")[:2]
        context.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        context.tls = handler.tls
        handler.spent = context.spent
        handler.expect_response(context.cap)
        return await super().start(connection)


class Client:
    """Send GET requests within the limits of the options.

    Raises the exceptions of aiohttp, `BlockedAddressError`, `HostNotFoundError` and
    `BrokenAnswerError`; `outcomes.outcome_of` translates them.
    """

    def __init__(self, options: FetchOptions, connector: Connector | None = None) -> None:
        self._cap = options.max_body
        # Shared hosting and CDNs serve thousands of hosts from one machine.
        self._addresses = Turns(options.per_address)
        self._connector = connector or Connector(options)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # aiohttp decompresses without a limit
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
        self, url: str, headers: Mapping[str, str], context: RequestContext
    ) -> ReceivedResponse:
        """Send a GET for a URL once it is the turn of `context.slot`, and return the response.

        Start, duration, address and TLS are recorded in `context`, also if this raises.
        The duration excludes the wait for a turn, and so does the time that is charged to
        `context.spent`, which includes DNS. Raises `BusyError` as `Turns.turn` does.
        """
        parsed = yarl.URL(url, encoded=True)
        context.cap = context.cap or self._cap
        request_context.set(context)
        begun = started = waits_from = _start_clock(context)
        try:
            address = await self._connector.key_of(parsed.raw_host or "", parsed.port or 0)
            waits_from = time.monotonic()
            async with self._addresses.turn(address, context.slot):
                started = _start_clock(context)
                return await self._get(parsed, url, headers)
        finally:
            ended = time.monotonic()
            context.elapsed_ms = round((ended - started) * 1000)
            context.spent.time += ended - begun - max(0.0, started - waits_from)

    async def _get(
        self, parsed: yarl.URL, url: str, headers: Mapping[str, str]
    ) -> ReceivedResponse:
        # GET, not HEAD: the header fields of HEAD may differ (RFC 9110, 9.3.2).
        async with self._session.get(parsed, headers=headers, allow_redirects=False) as response:
            # The connector has checked the address, too. This check also covers a connection that
            # was kept open for an origin with other permissions.
            peer_host = cast("_RawHeaderResponse", response).peer[0]
            why = self._connector.refusal(peer_host, parsed.port or 0)
            if why:
                raise address_guard.BlockedAddressError(why)
            spent = request_context.get().spent
            received = await cpu_charged_steps(self._read(response), spent)
            if received.truncated:
                response.close()  # the rest is not read, so the connection cannot be used again
            return ReceivedResponse(url, response.status, _raw_fields(response), received)

    async def _read(self, response: aiohttp.ClientResponse) -> body.Body:
        """Read the body. Raise TimeoutError or `BrokenAnswerError` if it does not come whole."""
        _refuse_transfer_codings(response)
        coding = ",".join(response.headers.getall("Content-Encoding", ()))
        cap = request_context.get().cap
        try:
            return await body.read(response.content.iter_any(), coding, cap)
        except TimeoutError as error:
            raise TimeoutError(_progress(response)) from error
        except (aiohttp.ClientError, OSError) as error:
            if is_local(error):
                raise
            raise BrokenAnswerError(_progress(response)) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def _refuse_transfer_codings(response: aiohttp.ClientResponse) -> None:
    """Raise `BrokenAnswerError` for a transfer coding that aiohttp does not undo.

    It undoes `chunked` alone, and no other was asked for (RFC 9110, 10.1.4; RFC 9112, 6.1 and 7):
    what is left of another is not the content.
    """
    text = ",".join(response.headers.getall("Transfer-Encoding", ()))
    codings = [word for part in text.split(",") if (word := part.strip().lower())]
    # RFC 9112, 6.1: a 304 names the codings that a 200 would have. `identity` is of RFC 2616, 3.6.
    has_content = response.status not in EMPTY_BODY_STATUS_CODES
    if has_content and [word for word in codings if word != "identity"] not in ([], ["chunked"]):
        raise BrokenAnswerError(f"Transfer-Encoding {text[:50]} was not asked for")


def _start_clock(context: RequestContext) -> float:
    context.started_at = stamp()
    return time.monotonic()


def _progress(response: aiohttp.ClientResponse) -> str:
    length = response.headers.get("Content-Length")
    announced = f" of {length[:20]}" if length else ""
    return f"answered {response.status}, then {response.content.total_bytes} octets{announced}"


def _raw_fields(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    # Octets that are not UTF-8 survive as surrogates, and are stored as such.
    return tuple(
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in response.raw_headers
    )
