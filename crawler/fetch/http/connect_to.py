"""Rules that connect elsewhere than the URL says, with the syntax of curl's `--connect-to`."""

import re
from typing import NamedTuple

_HOST = r"(?:\[([^\]]*)\]|([^:\[\]]*))"
_RULE = re.compile(rf"{_HOST}:(\d*):{_HOST}:(\d*)\Z")


class ConnectTo(NamedTuple):
    """A rule: connect to `to_host` and `to_port` for URLs of `host` and `port`.

    An empty `host` or `port` matches any; an empty `to_host` or `to_port` keeps the URL's.
    """

    host: str
    port: int | None
    to_host: str
    to_port: int | None


def parse(text: str) -> ConnectTo:
    """Parse `HOST1:PORT1:HOST2:PORT2`. Any part may be empty; IPv6 addresses have brackets.

    Raises ValueError for another form and for a port that does not exist.
    """
    match = _RULE.match(text)
    if match is None:
        raise ValueError(f"not of the form HOST1:PORT1:HOST2:PORT2: {text!r}")
    v6, name, port, to_v6, to_name, to_port = match.groups()
    return ConnectTo(
        host=(v6 or name or "").lower(),
        port=_port(port, text),
        to_host=(to_v6 or to_name or "").lower(),
        to_port=_port(to_port, text),
    )


def _port(digits: str, text: str) -> int | None:
    if not digits:
        return None
    if not 0 < int(digits) < 65536:
        raise ValueError(f"no such port: {text!r}")
    return int(digits)


def destination(rules: tuple[ConnectTo, ...], host: str, port: int) -> tuple[str, int]:
    """Return the host and port to connect to for those of a URL; the first matching rule wins."""
    # A trailing dot names the same host (RFC 1034, 3.1).
    name = host.lower().strip("[]").removesuffix(".")
    for rule in rules:
        if rule.host in ("", name) and rule.port in (None, port):
            return rule.to_host or host, rule.to_port or port
    return host, port
