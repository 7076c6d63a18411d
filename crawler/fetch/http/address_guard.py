"""Address guard: refuse to connect to private addresses and unusual ports (SSRF protection).

Dataset rows and redirects are untrusted input. The guard looks at the numeric address that will be
connected to, after DNS, so that no name, redirect or notation of an address gets around it.

Rules for editors: refuse in doubt. Check after every resolution, for every hop, and never a name.
"""

import functools
import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Ports that any URL may name. The port of the origin itself is allowed, too, if it is above 1023:
#: below are the services that an attacker would like to reach (SSH, SMTP, ...).
PORTS = frozenset((80, 443, 8080, 8443))
_UNPRIVILEGED = 1024

# IANA IPv4 Special-Purpose Address Registry, multicast (224.0.0.0/4), and the metadata service of
# Azure on a public address (168.63.129.16). Python's `is_global` is not used: it differs between
# patch releases and admits multicast.
_NOT_GLOBAL_4 = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# RFC 4291, 2.4 and RFC 3587: global unicast is 2000::/3; these parts of it are reserved
# (Teredo, benchmarking, ORCHID and other protocol assignments, documentation, 6to4).
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NOT_GLOBAL_6 = tuple(
    ipaddress.IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# RFC 6052, 2.1: the well-known prefix carries an IPv4 address in its last 32 bits.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class BlockedAddressError(Exception):
    """The guard refused the address or port; nothing was sent."""


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse the networks of `--allow-network` (CIDR). Raises ValueError for anything else."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def is_public(address: Address) -> bool:
    """Return whether an address is globally routable unicast.

    An IPv4 address inside an IPv6 one (IPv4-mapped, NAT64) is checked as IPv4.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _NOT_GLOBAL_4)
    inner = address.ipv4_mapped
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner)
    return address in _GLOBAL_6 and not any(address in net for net in _NOT_GLOBAL_6)


@functools.lru_cache(maxsize=4096)  # called twice for every request
def is_literal(host: str) -> bool:
    """Return whether the host of a URL is an IP address."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=4096)
def refusal(text: str, port: int, own_port: int, allowed: tuple[Network, ...]) -> str:
    """Return why the guard refuses an address and port, or "" if it allows them.

    `text` is a numeric address, `port` that of the URL. `own_port` is the port of the origin that
    is visited. The networks in `allowed` are allowed with all their ports.
    """
    try:
        # `%` begins the zone of a link-local IPv6 address (RFC 4007, 11).
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return f"not an address: {text}"
    if any(address in net for net in allowed):
        return ""
    if not is_public(address):
        return f"not a public address: {text}"
    if port not in PORTS and not (port == own_port and port >= _UNPRIVILEGED):
        return f"not a port for the web: {port}"
    return ""
