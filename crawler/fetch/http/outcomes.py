"""Translate what goes wrong out there into our vocabulary, in one table."""

import ssl

import aiohttp

from crawler.fetch.http.address_guard import BlockedAddressError
from crawler.vocab import Outcome


class HostNotFoundError(Exception):
    """DNS has no address for a name, or does not answer."""


class BrokenAnswerError(Exception):
    """An answer began and cannot be used; the text says what was received."""


# The first line that fits decides, so the more specific stand first.
_TABLE: tuple[tuple[type[Exception], Outcome, str], ...] = (
    (BlockedAddressError, Outcome.BLOCKED_ADDRESS, ""),
    (BrokenAnswerError, Outcome.BROKEN, ""),
    (HostNotFoundError, Outcome.NOT_FOUND_HOST, "DNS"),
    (aiohttp.ClientConnectorCertificateError, Outcome.TLS_FAILED, "certificate"),
    (aiohttp.ClientSSLError, Outcome.TLS_FAILED, "TLS handshake"),
    (ssl.SSLError, Outcome.TLS_FAILED, "TLS"),
    (aiohttp.ConnectionTimeoutError, Outcome.TIMED_OUT, "connecting"),
    (TimeoutError, Outcome.TIMED_OUT, ""),
    (aiohttp.ServerDisconnectedError, Outcome.BROKEN, "closed without an answer"),
    (aiohttp.InvalidURL, Outcome.BROKEN, "not a URL that can be sent"),
    (aiohttp.ClientResponseError, Outcome.BROKEN, "not HTTP"),
    (aiohttp.ClientPayloadError, Outcome.BROKEN, "body"),
    (aiohttp.ClientError, Outcome.BROKEN, ""),
    (OSError, Outcome.BROKEN, ""),
)


def outcome_of(error: Exception) -> tuple[Outcome, str]:
    """The outcome of an attempt that raised, and why in a few words.

    What is not in the table is our own fault, and is said to be.
    """
    if type(error) is aiohttp.ClientConnectorError:
        return _connecting(error.os_error), _words("connecting", error)
    for kind, outcome, prefix in _TABLE:
        if isinstance(error, kind):
            return outcome, _words(prefix, error)
    return Outcome.BROKEN, f"internal: {error!r}"[:300]


def _connecting(cause: OSError) -> Outcome:
    """What kept a connection from being made; no route to a host is filed with `refused`."""
    if isinstance(cause, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        # TCP refuses where it does not accept: who leaves later leaves the TLS handshake.
        return Outcome.TLS_FAILED
    return Outcome.TIMED_OUT if isinstance(cause, TimeoutError) else Outcome.REFUSED


def _words(prefix: str, error: BaseException) -> str:
    text = " ".join(_cause(error).split())
    return ": ".join(part for part in (prefix, text) if part)[:300]


def _cause(error: BaseException) -> str:
    """The sentence of the system inside aiohttp's, which repeats the host."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _of_system(error.os_error)
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return ""
    if isinstance(error, TimeoutError):
        return str(error) or "no answer in time"
    return _of_system(error) if isinstance(error, OSError) else str(error)


def _of_system(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
