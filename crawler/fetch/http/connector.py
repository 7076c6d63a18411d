"""aiohttp connector: `--connect-to` rules, address guard, and facts about TLS.

Rules for editors: this overrides private methods of aiohttp (`_resolve_host`,
`_wrap_create_connection`, `_factory`), since there is no other place between DNS and the socket.
After an update of aiohttp, tests/fetch/test_client.py shows whether they are still called.
"""

import asyncio
import functools
import hashlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import aiohttp
from aiodns.error import (
    ARES_ECONNREFUSED,
    ARES_EFILE,
    ARES_ENOMEM,
    ARES_EREFUSED,
    ARES_ESERVFAIL,
    ARES_ETIMEOUT,
    DNSError,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

from crawler.fetch.charging import cpu_charged
from crawler.fetch.http import address_guard, connect_to
from crawler.fetch.http.outcomes import (
    BrokenAnswerError,
    HostNotFoundError,
    LocalFailureError,
    ResolverSilentError,
    is_local,
)
from crawler.fetch.options import FetchOptions
from crawler.fetch.slots import Slot, current_slot
from crawler.plan.budget import Spent
from crawler.protocols.context.certificate import names_organisation

#: Seconds that an answer of DNS is cached.
DNS_TTL_S = 300
#: Octets of framing in a chunked body (sizes, extensions, trailers) beyond a share of its content:
#: a quarter is that of chunks of 20 octets.
MAX_FRAMING_OCTETS, _CONTENT_PER_FRAMING = 64 * 1024, 4
#: Octets on the wire for one response, as a multiple of what is kept of its body, and in addition
#: for header fields. Empty lines before a response have no end, for example.
WIRE_FACTOR, WIRE_MORE = 4, 1024 * 1024
#: Interim responses before one final response, and octets of their header fields.
MAX_INTERIM, MAX_INTERIM_OCTETS = 20, 64 * 1024
_PIECE = 4096
# Seconds for closed connections to be freed, and in which a failure of DNS is put down to a
# shortage of descriptors.
_FREEING_S, _SHORTAGE_S = 0.05, 5.0
_SILENT_RESOLVER = frozenset(
    (ARES_ESERVFAIL, ARES_EREFUSED, ARES_ECONNREFUSED, ARES_ETIMEOUT, ARES_ENOMEM, ARES_EFILE)
)
#: The value of `tls_verified` for a certificate that verified.
VERIFIED = "ok"


class TlsFacts(NamedTuple):
    """TLS of a connection: protocol version, SHA-256 of the server's certificate in hexadecimal,
    and `ok` or why the certificate did not verify. All empty for plain HTTP.

    `document` is the certificate in DER, if it verified and names a validated organisation.
    """

    version: str = ""
    certificate: str = ""
    verified: str = ""
    document: bytes = b""


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """Input and output of a request that do not fit into Scrapy's or aiohttp's arguments.

    In: `own_port` of the origin visited, `cap` for the body in octets (0: that of the options), the
    `slot` of the visit, what it has `spent`, to which the request adds, and whether it `is_ending`,
    so that the request is not sent.
    Out, also for a request that raises: `started_at` in UTC, `elapsed_ms`, `address` as `IP:port`
    and `tls`.
    """

    own_port: int = 0
    cap: int = 0
    slot: Slot = field(default_factory=current_slot)
    spent: Spent = field(default_factory=Spent)
    is_ending: Callable[[], bool] = lambda: False
    started_at: str = ""
    elapsed_ms: int = 0
    address: str = ""
    tls: TlsFacts = field(default_factory=TlsFacts)


#: The context of the request that the current task serves. aiohttp passes only host and port to
#: its connector, so everything else about a request travels in this variable.
request_context: ContextVar[RequestContext] = ContextVar("request_context")


class TlsRecordingHandler(ResponseHandler):
    """Connection protocol that records its TLS and makes parsing independent of packets.

    It works around three habits of aiohttp:

    - A body longer than its `Content-Length` spoils the whole message if it arrives together with
      the header section, and only the body if it arrives later. Here it always arrives later.
    - After a body that cannot be parsed the connection is closed, but its reader is left waiting
      until the timeout. Here the reader gets the error at once.
    - Interim responses (RFC 9110, 15.2), and responses that no request asked for, are queued
      without a limit. Here the connection is closed at `MAX_INTERIM` of them.
    - Empty lines before a response are passed over without a limit. Here all octets of a response
      count, see `expect_response`.
    - Chunks are parsed one by one, however small (RFC 9112, 7.1). Here the connection is closed
      when a body has `MAX_FRAMING_OCTETS` more of framing than a quarter of its content.

    Octets and CPU time are charged to `spent`, which is that of the request in progress.
    """

    tls = TlsFacts()
    _body_octets = 0
    _interim = 0
    _interim_octets = 0
    _flood = ""
    _left = WIRE_MORE

    def expect_response(self, cap: int) -> None:
        """Begin to count the octets of a response of whose body at most `cap` are kept."""
        self._left = WIRE_FACTOR * cap + WIRE_MORE

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.spent = Spent()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Queue a message, unless it is one of a flood."""
        message, _ = data
        if self._flood:
            return
        if message.code < HTTPStatus.OK and message.code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._interim += 1
            self._interim_octets += sum(len(n) + len(v) for n, v in message.raw_headers)
        else:
            self._interim = self._interim_octets = 0
        if max(self._interim, len(self._buffer)) > MAX_INTERIM:
            self._flood = f"more than {MAX_INTERIM} interim responses"
        elif self._interim_octets > MAX_INTERIM_OCTETS:
            self._flood = f"interim responses of more than {MAX_INTERIM_OCTETS} octets"
        else:
            super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Pass data to the parser, in two pieces if the header section ends in it."""
        self.spent.octets += len(data)
        self._left -= len(data)
        if self._left < 0:
            self._flood = self._flood or "more octets than any response needs"
        with cpu_charged(self.spent):
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        for piece in self._pieces(data):
            in_body = self._payload is not None and not self._payload.is_eof()
            self._body_octets = self._body_octets + len(piece) if in_body else 0
            super().data_received(piece)
        self._note_framing()
        if self._flood:
            self._end_flood()
            return
        error, payload = self.exception(), self._payload
        if error is not None and payload is not None and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError(str(error)))

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        headers, separator, rest = data.partition(b"\r\n\r\n")
        yield headers + separator
        while rest and not self._flood:
            # Whole, but for a flood: the parser would make 16,000 messages of 256 KiB at once.
            size = _PIECE if self._interim else len(rest)
            yield rest[:size]
            rest = rest[size:]

    def _note_framing(self) -> None:
        """Look for a body with much framing, unless the parser has paused and holds data."""
        payload = self._payload
        if payload is None or payload.is_eof() or self._reading_paused:
            return
        framing = self._body_octets - payload.total_bytes
        if framing > MAX_FRAMING_OCTETS + payload.total_bytes // _CONTENT_PER_FRAMING:
            self._flood = f"chunks with {framing} octets of framing"

    def _end_flood(self) -> None:
        """Close the connection, and let its reader know why."""
        if self.transport is not None and not self.transport.is_closing():
            self._buffer.clear()
            error = BrokenAnswerError(self._flood)
            if self._payload is not None:
                self._payload.set_exception(error)
            self.set_exception(error)
            self.transport.abort()


class Connector(aiohttp.TCPConnector):
    """Connector that connects only to addresses that the guard allows.

    `_resolve_host` returns numeric addresses, and aiohttp connects to those: the address that was
    checked is the one that is used, also for the second connection after a certificate error.
    DNS answers that change in between (DNS rebinding) have no effect.
    """

    def __init__(
        self,
        options: FetchOptions,
        *,
        resolver: AbstractResolver | None = None,
        dns_ttl: float = DNS_TTL_S,
    ) -> None:
        super().__init__(
            limit=0,
            ssl=_ssl_context(verifies=True),
            resolver=resolver,
            ttl_dns_cache=cast("int", dns_ttl),
            # Long enough to outlast the wait between two requests to a host.
            keepalive_timeout=5 + 2 * options.delay,
        )
        factory = functools.partial(TlsRecordingHandler, loop=self._loop)
        self._factory = cast("functools.partial[ResponseHandler]", factory)
        self._unverified = _ssl_context(verifies=False)
        self._rules = tuple(map(connect_to.parse, options.connect_to))
        self._allowed = address_guard.parse_networks(options.allow_network)
        self._dns_timeout = options.connect_timeout
        self._short_until = 0.0

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[aiohttp.tracing.Trace] | None = None
    ) -> list[ResolveResult]:
        if address_guard.is_literal(host) and (why := self.refusal(host.strip("[]"), port)):
            # The URL names an address itself: refuse it even if a `--connect-to` rule leads away.
            raise address_guard.BlockedAddressError(why)
        to_host, to_port = connect_to.destination(self._rules, host, port)
        try:
            async with asyncio.timeout(self._dns_timeout):
                addresses = await super()._resolve_host(to_host, to_port, traces)
        except TimeoutError as error:
            self._raise_if_short()
            why = f"no answer in {self._dns_timeout:g} s"
            raise ResolverSilentError(why) from error
        except OSError as error:
            if is_local(error):
                raise
            # A resolver that is short of descriptors has many words for it.
            self._raise_if_short()
            kind = ResolverSilentError if _is_resolver_silent(error) else HostNotFoundError
            raise kind(error.strerror or "not found") from error
        except UnicodeError as error:
            raise HostNotFoundError(str(error)) from error
        refusals = [self.refusal(address["host"], port) for address in addresses]
        if all(refusals):
            raise address_guard.BlockedAddressError(refusals[0])
        return [address for address, why in zip(addresses, refusals, strict=True) if not why]

    def _raise_if_short(self) -> None:
        """Raise `LocalFailureError` if this process has no descriptor left, or had none lately."""
        try:
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
        except OSError as error:
            self._note_shortage()
            raise LocalFailureError(error.strerror or str(error)) from error
        if self._loop.time() < self._short_until:
            raise LocalFailureError("DNS: this process was short of descriptors")

    def _note_shortage(self) -> None:
        """Close idle connections, which hold descriptors and local ports."""
        self._short_until = self._loop.time() + _SHORTAGE_S
        for connections in self._conns.values():
            for handler, _ in connections:
                handler.close()
        self._conns.clear()

    async def key_of(self, host: str, port: int) -> str:
        """Return the address under which requests to a host are counted for `Turns`."""
        # The least, so that hosts with the same addresses in another order share a limit.
        return min(address["host"] for address in await self._resolve_host(host, port))

    def refusal(self, address: str, port: int) -> str:
        """Return why the guard refuses an address for the current request, or ""."""
        return address_guard.refusal(address, port, request_context.get().own_port, self._allowed)

    async def _wrap_create_connection(
        self, *args: Any, **kwargs: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """Connect; after a certificate error connect once more without verification.

        An audit reads what a server publishes, and records why its certificate did not verify.
        """
        verified = VERIFIED
        try:
            connection = await self._create_connection_twice(*args, **kwargs)
        except aiohttp.ClientConnectorCertificateError as error:
            verified = _reason(error.certificate_error)
            kwargs["ssl"] = self._unverified
            connection = await super()._wrap_create_connection(*args, **kwargs)
        transport, handler = connection
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is not None:
            cast("TlsRecordingHandler", handler).tls = _tls_facts(ssl_object, verified)
        return transport, handler

    async def _create_connection_twice(
        self, *args: Any, **kwargs: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """Connect; if this machine is short of something, free some of it and connect again."""
        try:
            return await super()._wrap_create_connection(*args, **kwargs)
        except (aiohttp.ClientConnectorError, OSError) as error:
            if not is_local(error):
                raise
        self._note_shortage()
        await asyncio.sleep(_FREEING_S)
        return await super()._wrap_create_connection(*args, **kwargs)


def _is_resolver_silent(error: OSError) -> bool:
    """Return whether a failure of DNS says nothing about the name that was asked for."""
    if isinstance(error, socket.gaierror):
        return error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM)
    cause = error.__cause__
    return isinstance(cause, DNSError) and bool(cause.args) and cause.args[0] in _SILENT_RESOLVER


def _ssl_context(*, verifies: bool) -> ssl.SSLContext:
    """Return a context with Python's defaults, but without `VERIFY_X509_STRICT`.

    Python 3.13 added that flag, which rejects certificates that browsers accept.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if verifies:
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: Exception) -> str:
    """Return in OpenSSL's words why a certificate did not verify (RFC 5280, 6; RFC 9525)."""
    message = getattr(error, "verify_message", "") or str(error)
    return " ".join(message.split()).rstrip(".")[:200] or "not verified"


def _tls_facts(ssl_object: ssl.SSLObject, verified: str) -> TlsFacts:
    certificate = ssl_object.getpeercert(binary_form=True)
    digest = hashlib.sha256(certificate).hexdigest() if certificate else ""
    is_kept = certificate and verified == VERIFIED and names_organisation(certificate)
    document = certificate if certificate and is_kept else b""
    return TlsFacts(ssl_object.version() or "", digest, verified, document)
