"""Connect somewhere else than the URL says, with curl's `--connect-to` and its meaning."""

import re
from typing import NamedTuple

_HOST = r"(?:\[([^\]]*)\]|([^:\[\]]*))"
_RULE = re.compile(rf"{_HOST}:(\d*):{_HOST}:(\d*)\Z")


class ConnectTo(NamedTuple):
    """From `host` and `port` to `to_host` and `to_port`; an empty one matches or keeps."""

    host: str
    port: int | None
    to_host: str
    to_port: int | None


def parse(text: str) -> ConnectTo:
    """Read `HOST1:PORT1:HOST2:PORT2`; any part may be empty, IPv6 stands in brackets."""
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


def target(rules: tuple[ConnectTo, ...], host: str, port: int) -> tuple[str, int]:
    """Where to connect for a host and port of a URL; the first rule that matches decides."""
    name = host.lower().strip("[]").removesuffix(".")
    for rule in rules:
        if rule.host in ("", name) and rule.port in (None, port):
            return rule.to_host or host, rule.to_port or port
    return host, port
