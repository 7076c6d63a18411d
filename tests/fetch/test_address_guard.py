"""Which addresses and ports a crawl may be sent to."""

import pytest

from crawler.fetch.http.address_guard import parse_networks, refusal

NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.192 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254
ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 2002:7f00:1::1 2002:808:808::1 2001::1 2001:db8::1 3fff::1 100::1 4000::1
""".split()
PUBLIC = "8.8.8.8 172.32.0.1 100.128.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808".split()


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(address):
    assert refusal(address, 80, 80, ()) == f"not a public address: {address}"


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    assert refusal(address, 443, 443, ()) == ""


@pytest.mark.parametrize(
    ("port", "own_port", "expected"),
    [
        (80, 443, ""),
        (8443, 443, ""),
        (9000, 9000, ""),
        (9000, 443, "not a port for the web: 9000"),
        (22, 22, "not a port for the web: 22"),
        (6379, 80, "not a port for the web: 6379"),
    ],
)
def test_ports(port, own_port, expected):
    assert refusal("8.8.8.8", port, own_port, ()) == expected


@pytest.mark.parametrize(
    ("address", "allowed", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1/32",), ""),
        ("127.0.0.2", ("127.0.0.1/32",), "not a public address: 127.0.0.2"),
        ("127.9.9.9", ("127.0.0.1/8",), ""),
        ("::1", ("127.0.0.0/8",), "not a public address: ::1"),
        ("::1", ("127.0.0.0/8", "::1/128"), ""),
    ],
)
def test_allowed_networks_are_allowed_with_all_their_ports(address, allowed, expected):
    assert refusal(address, 22, 80, parse_networks(allowed)) == expected


def test_what_is_no_address_is_refused():
    assert refusal("localhost", 80, 80, ()) == "not an address: localhost"


def test_networks_refuse_what_is_none():
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        parse_networks(("10.0.0.0/33",))
