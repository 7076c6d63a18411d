"""What is raised while fetching, and the one word for it."""

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from crawler.fetch.http.address_guard import BlockedAddressError
from crawler.fetch.http.outcomes import (
    BrokenAnswerError,
    HostNotFoundError,
    LocalFailureError,
    ResolverSilentError,
    outcome_of,
)

KEY = ConnectionKey("a.test", 443, True, True, None, None, None)


def connecting(error):
    return aiohttp.ClientConnectorError(KEY, error)


def of_system(number, text):
    return connecting(OSError(number, text))


@pytest.mark.parametrize(
    ("error", "outcome", "note"),
    [
        (HostNotFoundError("no such name"), "not_found_host", "DNS: no such name"),
        (of_system(errno.ECONNREFUSED, "no"), "refused", "connecting: no"),
        (of_system(errno.EHOSTUNREACH, "no route"), "timed_out", "connecting: no route"),
        (of_system(errno.ENETUNREACH, "no net"), "timed_out", "connecting: no net"),
        (aiohttp.ClientOSError(errno.EHOSTUNREACH, "lost"), "timed_out", "connecting: lost"),
        (of_system(errno.EMFILE, "full"), "local_failure", "full"),
        (of_system(errno.ENFILE, "full"), "local_failure", "full"),
        (of_system(errno.ENOMEM, "full"), "local_failure", "full"),
        (of_system(errno.ENOBUFS, "full"), "local_failure", "full"),
        (of_system(errno.EADDRNOTAVAIL, "no port"), "local_failure", "no port"),
        (of_system(errno.EACCES, "firewall"), "local_failure", "firewall"),
        (of_system(errno.EPERM, "firewall"), "local_failure", "firewall"),
        (of_system(errno.ENETDOWN, "down"), "local_failure", "down"),
        (OSError(errno.EMFILE, "full"), "local_failure", "full"),
        (aiohttp.ClientOSError(errno.ENOBUFS, "full"), "local_failure", "full"),
        (MemoryError(), "local_failure", "out of memory"),
        (RuntimeError("can't start new thread"), "local_failure", "can't start new thread"),
        (RuntimeError("other"), "broken", "internal: RuntimeError('other')"),
        (LocalFailureError("short"), "local_failure", "short"),
        (ResolverSilentError("late"), "not_found_host", "DNS: late"),
        (of_system(errno.ETIMEDOUT, "late"), "timed_out", "connecting: late"),
        (of_system(errno.ECONNRESET, "gone"), "tls_failed", "connecting: gone"),
        (connecting(ConnectionAbortedError()), "tls_failed", "connecting: ConnectionAbortedError"),
        (
            aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "wrong version")),
            "tls_failed",
            "TLS handshake: wrong version",
        ),
        (ssl.SSLError(1, "bad record"), "tls_failed", "TLS: bad record"),
        (aiohttp.ConnectionTimeoutError("to a.test"), "timed_out", "connecting: to a.test"),
        (TimeoutError(), "timed_out", "no answer in time"),
        (aiohttp.ServerDisconnectedError(), "broken", "closed without an answer"),
        (aiohttp.ClientOSError(errno.ECONNRESET, "reset"), "broken", "reset"),
        (
            aiohttp.ClientResponseError(None, (), status=400, message="bad\n  line"),
            "broken",
            "not HTTP: bad line",
        ),
        (aiohttp.InvalidURL("http://["), "broken", "not a URL that can be sent: http://["),
        (BrokenAnswerError("answered 200, then 1 octets"), "broken", "answered 200, then 1 octets"),
        (BlockedAddressError("not a public address: ::1"), "blocked_address", None),
        (ZeroDivisionError("ours"), "broken", "internal: ZeroDivisionError('ours')"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_outcome_of(error, outcome, note):
    assert outcome_of(error) == (outcome, str(error) if note is None else note)


def test_notes_are_short():
    assert len(outcome_of(BrokenAnswerError("x" * 9999))[1]) == 300
    assert len(outcome_of(ZeroDivisionError("x" * 9999))[1]) == 300
