"""Connect: where `--connect-to` says, only where the guard lets us, and by TLS with its facts."""

import asyncio
import functools
import hashlib
import ssl
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from crawler.fetch.http import address_guard, connect_to
from crawler.fetch.http.outcomes import HostNotFoundError
from crawler.fetch.options import FetchOptions

#: Seconds that an answer of DNS is believed.
DNS_SECONDS = 300
VERIFIED = "ok"


class TlsFacts(NamedTuple):
    """A connection's TLS: protocol version, SHA-256 of the server's certificate, and `ok` or
    why the certificate did not verify. All empty for plain HTTP.
    """

    version: str = ""
    certificate: str = ""
    verified: str = ""


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """What a request has to know on its way (the port its origin is written with, and the octets
    it may take if not those of the options), and what it learned there.
    """

    own_port: int = 0
    cap: int = 0
    started_at: str = ""
    elapsed_ms: int = 0
    address: str = ""
    tls: TlsFacts = field(default_factory=TlsFacts)


#: aiohttp asks its connector for an address by host and port alone; what else is to be known of
#: a request travels with the task that serves it.
trip: ContextVar[RequestContext] = ContextVar("trip")


class TlsRecordingHandler(ResponseHandler):
    """Hands the parser a head before what follows it, and remembers the TLS it runs over.

    Given at once, a body that is longer than its `Content-Length` would spoil the whole
    message, so that the answer hung on how the network cut it into packets. And a body that
    cannot be parsed ends at once: aiohttp closes the connection, but leaves its reader waiting.
    """

    tls = TlsFacts()

    def data_received(self, data: bytes) -> None:
        """Pass on what came, in two pieces where a head ends in it."""
        head, end, rest = data.partition(b"\r\n\r\n")
        super().data_received(head + end)
        if rest:
            super().data_received(rest)
        error, payload = self.exception(), self._payload
        if error is not None and payload is not None and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError(str(error)))


class Connector(aiohttp.TCPConnector):
    """Connects only to addresses that the guard lets pass.

    What `_resolve_host` returns is numeric and is what aiohttp connects to, so the address
    that was checked is the one that is used, for both connections where one must be repeated.
    """

    def __init__(
        self,
        options: FetchOptions,
        *,
        resolver: AbstractResolver | None = None,
        dns_seconds: float = DNS_SECONDS,
    ) -> None:
        super().__init__(
            limit=0,
            ssl=_context(verifies=True),
            resolver=resolver,
            ttl_dns_cache=cast("int", dns_seconds),
            keepalive_timeout=5 + 2 * options.delay,
        )
        wire = functools.partial(TlsRecordingHandler, loop=self._loop)
        self._factory = cast("functools.partial[ResponseHandler]", wire)
        self._unverified = _context(verifies=False)
        self._rules = tuple(map(connect_to.parse, options.connect_to))
        self._allowed = address_guard.networks(options.allow_network)
        self._dns_timeout = options.connect_timeout

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[aiohttp.tracing.Trace] | None = None
    ) -> list[ResolveResult]:
        if address_guard.is_literal(host) and (why := self.refusal(host.strip("[]"), port)):
            # An address that a URL spells out: `--connect-to` does not excuse it.
            raise address_guard.BlockedAddressError(why)
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
            raise address_guard.BlockedAddressError(refusals[0])
        return [address for address, why in zip(found, refusals, strict=True) if not why]

    async def key_of(self, host: str, port: int) -> str:
        """One of the addresses of a host, always the same, to count who is in flight there."""
        return min(address["host"] for address in await self._resolve_host(host, port))

    def refusal(self, address: str, port: int) -> str:
        """Why nothing is sent to an address, empty if it may be."""
        return address_guard.refusal(address, port, trip.get().own_port, self._allowed)

    async def _wrap_create_connection(
        self, *args: Any, **kwargs: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """Connect, and where only the certificate is wrong connect once more without verifying
        it: what a server publishes about itself is read, and how it failed is kept.
        """
        verified = VERIFIED
        try:
            made = await super()._wrap_create_connection(*args, **kwargs)
        except aiohttp.ClientConnectorCertificateError as error:
            verified = _reason(error.certificate_error)
            kwargs["ssl"] = self._unverified
            made = await super()._wrap_create_connection(*args, **kwargs)
        transport, wire = made
        over = transport.get_extra_info("ssl_object")
        if over is not None:
            cast("TlsRecordingHandler", wire).tls = _facts(over, verified)
        return transport, wire


def _context(*, verifies: bool) -> ssl.SSLContext:
    """Python's defaults without the strictness about old certificates that newer ones added."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if verifies:
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: Exception) -> str:
    """In OpenSSL's words why a certificate did not verify (RFC 5280, 6; RFC 9525)."""
    said = getattr(error, "verify_message", "") or str(error)
    return " ".join(said.split()).rstrip(".")[:200] or "not verified"


def _facts(over: ssl.SSLObject, verified: str) -> TlsFacts:
    certificate = over.getpeercert(binary_form=True)
    digest = hashlib.sha256(certificate).hexdigest() if certificate else ""
    return TlsFacts(over.version() or "", digest, verified)
