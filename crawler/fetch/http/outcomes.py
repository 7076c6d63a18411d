"""Translate exceptions of a request into outcomes and notes, in one table.

Rules for editors: notes are stored as evidence and appear in reports, so their wording is stable.
"""

import ssl

import aiohttp

from crawler.fetch.http.address_guard import BlockedAddressError
from crawler.vocab import Outcome


class HostNotFoundError(Exception):
    """DNS has no address for a name, or does not answer."""


class BrokenAnswerError(Exception):
    """A response began and cannot be used. The message says what was received."""


# The first class that matches decides, so subclasses come before their bases:
# TimeoutError, for example, is an OSError, and every aiohttp error here is a ClientError.
_OUTCOMES: tuple[tuple[type[Exception], Outcome, str], ...] = (
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
    """Return the outcome of a request that raised, and a note of at most 300 characters.

    An exception that is not in the table is a fault of this program; its note begins with
    `internal:`.
    """
    # Exactly this class: its subclasses, for TLS and for timeouts, have rows of their own.
    if type(error) is aiohttp.ClientConnectorError:
        return _connection_outcome(error.os_error), _note("connecting", error)
    for kind, outcome, prefix in _OUTCOMES:
        if isinstance(error, kind):
            return outcome, _note(prefix, error)
    return Outcome.BROKEN, f"internal: {error!r}"[:300]


def _connection_outcome(cause: OSError) -> Outcome:
    """Return the outcome of a connection that failed; no route to a host counts as `refused`."""
    if isinstance(cause, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        # TCP refuses before a connection exists, so a reset of one comes from the TLS handshake.
        return Outcome.TLS_FAILED
    return Outcome.TIMED_OUT if isinstance(cause, TimeoutError) else Outcome.REFUSED


def _note(prefix: str, error: BaseException) -> str:
    text = " ".join(_cause(error).split())
    return ": ".join(part for part in (prefix, text) if part)[:300]


def _cause(error: BaseException) -> str:
    """Return the operating system's message inside an aiohttp error, which repeats the host."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _os_message(error.os_error)
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return ""
    if isinstance(error, TimeoutError):
        return str(error) or "no answer in time"
    return _os_message(error) if isinstance(error, OSError) else str(error)


def _os_message(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
