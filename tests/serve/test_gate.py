"""Under which names a server may be asked for."""

import pytest

from crawler.serve.gate import HostNames, is_loopback


@pytest.mark.parametrize(
    ("listening", "host", "answered"),
    [
        ("127.0.0.1", "127.0.0.1:8001", True),
        ("127.0.0.1", "localhost:8001", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("::1", "[::1]:8001", True),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "evil.example:8001", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "192.0.2.7:8001", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.0.2.7:8001", True),
        ("::", "[2001:db8::7]:8001", True),
        ("0.0.0.0", "evil.example", False),
        ("audit.example", "Audit.example:80", True),
        ("audit.example", "evil.example", False),
    ],
)
def test_only_the_names_of_the_server_are_answered(listening, host, answered):
    assert (host in HostNames(listening)) is answered


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("audit.example", False),
    ],
)
def test_addresses_that_only_this_machine_reaches(host, loopback):
    assert is_loopback(host) is loopback
