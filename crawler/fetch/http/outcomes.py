"""Translate exceptions of a request into outcomes and notes, in one table.

Every error of the operating system is the fault of the host, of this machine or of the path
between them; it is classed here and nowhere else.

Rules for editors: notes are stored as evidence and appear in reports, so their wording is stable.
"""

import errno
import socket
import ssl

import aiohttp

from crawler.fetch.http.address_guard import BlockedAddressError
from crawler.fetch.reach import Reach
from crawler.vocab import Outcome


class HostNotFoundError(Exception):
    """DNS has no address for a name, or does not answer."""


class ResolverSilentError(HostNotFoundError):
    """The resolver of this machine gave no answer about a name, or could not get one."""


class LocalFailureError(Exception):
    """This machine or process lacks what a request needs. The message says what."""


class BrokenAnswerError(Exception):
    """A response began and cannot be used. The message says what was received."""


# Of this machine and process: descriptors, memory, buffers, local ports, a local firewall, a
# network interface that is down.
_OURS = frozenset(
    getattr(errno, name)
    for name in (
        "EMFILE ENFILE ENOMEM ENOBUFS EADDRNOTAVAIL EADDRINUSE EACCES EPERM ENETDOWN "
        "EAFNOSUPPORT EAGAIN"
    ).split()
)
# Of the path: `crawler.fetch.reach` finds out if it is the only one, and then of this machine.
_PATH = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN))
# OSErrors whose `errno` counts something else.
_OTHER_NUMBERS = (ssl.SSLError, socket.gaierror, socket.herror)

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
    if is_local(error):
        return Outcome.LOCAL_FAILURE, _note("", error) or "out of memory"
    if _number(error) in _PATH:
        return Outcome.TIMED_OUT, _note("connecting", error)
    # Exactly this class: its subclasses, for TLS and for timeouts, have rows of their own.
    if type(error) is aiohttp.ClientConnectorError:
        return _connection_outcome(error.os_error), _note("connecting", error)
    for kind, outcome, prefix in _OUTCOMES:
        if isinstance(error, kind):
            return outcome, _note(prefix, error)
    return Outcome.BROKEN, f"internal: {error!r}"[:300]


def is_local(error: BaseException) -> bool:
    """Return whether an error is a fault or shortage of this machine, not of the host."""
    if isinstance(error, LocalFailureError | MemoryError):
        return True
    # CPython has no separate class for this.
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return True
    return _number(error) in _OURS


def reach_of(error: Exception, address: str) -> Reach:
    """Return how far a request came that raised; `address` is the peer, if one was connected."""
    if isinstance(error, BlockedAddressError):
        return Reach.UNASKED
    if isinstance(error, ResolverSilentError) or is_local(error) or _number(error) in _PATH:
        return Reach.NO_PATH
    is_unheard = outcome_of(error)[0] in (Outcome.NOT_FOUND_HOST, Outcome.TIMED_OUT)
    return Reach.NOTHING if is_unheard and not address else Reach.ANSWERED


def _number(error: BaseException) -> int | None:
    """Return the number of an error of the operating system, also if it is inside another."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if not isinstance(cause, OSError) or isinstance(cause, _OTHER_NUMBERS):
        return None
    return cause.errno


def _connection_outcome(cause: OSError) -> Outcome:
    """Return the outcome of a connection that failed."""
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
