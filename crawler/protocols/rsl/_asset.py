"""The asset of a `content`: the host that its `url` names, compared with the origin asked about.

RSL 1.0, 3.3: the `url` identifies the asset. A document about another host says nothing about
this one, however it was reached.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from crawler.model import Origin
from crawler.urls import canonical

_URL = re.compile(r"(?:(https?|\*):)?//([^\s/?#\\]+)([^\s#]*)(#\S*)?", re.IGNORECASE)
_PORT = re.compile(r"(.*?)(?::(\d{0,5}))?", re.DOTALL)
_DEFAULT_PORTS = frozenset((80, 443))


class Relation(StrEnum):
    """The relation of an asset to the origin asked about. `NEAR`: with or without `www.`."""

    SAME = "same"
    NEAR = "near"
    OTHER = "other"


class Asset(NamedTuple):
    """A host and port as a full URL names them. In `host`, `*` stands for any characters.

    `port` is None for the default port of `http` or `https`.
    """

    host: str
    port: int | None

    def relation_to(self, origin: str) -> Relation:
        """Return the relation to an origin, given as text (`Origin.url`).

        An unknown origin, empty text, is taken for the one that is meant.
        """
        if not origin:
            return Relation.SAME
        asked = _asset_of_origin(origin)
        if self.port != asked.port:
            return Relation.OTHER
        if _is_match(self.host, asked.host):
            return Relation.SAME
        is_near = _is_match(self.host.removeprefix("www."), asked.host.removeprefix("www."))
        return Relation.NEAR if is_near else Relation.OTHER


class FullUrl(NamedTuple):
    """A full URL of a `content`: its asset, and the path pattern in it."""

    asset: Asset
    path: str


def split_url(text: str) -> FullUrl | None:
    """Return the parts of a full URL, also of one without a scheme (`//host/`), else None."""
    match = _URL.fullmatch(text)
    if match is None:
        return None
    path = match[3] if match[3].startswith("/") else "/" + match[3]
    return FullUrl(_asset(match[1] or "*", match[2].rpartition("@")[2]), path)


def _asset(scheme: str, authority: str) -> Asset:
    """Return an authority as it is compared: in A-labels, without a trailing dot."""
    scheme = "https" if scheme == "*" else scheme
    origin = canonical.origin_of(f"{scheme}://{authority}/") if "*" not in authority else None
    if isinstance(origin, Origin):
        return Asset(origin.host, _port(origin.port))
    match = _PORT.fullmatch(authority)
    host, digits = (match[1], match[2]) if match else (authority, "")
    return Asset(host.lower().rstrip("."), _port(int(digits)) if digits else None)


def _port(number: int) -> int | None:
    return None if number in _DEFAULT_PORTS else number


@lru_cache(maxsize=64)
def _asset_of_origin(origin: str) -> Asset:
    parts = urlsplit(origin)
    return _asset(parts.scheme, parts.netloc)


@lru_cache(maxsize=256)
def _is_match(pattern: str, host: str) -> bool:
    """Return whether a host matches a pattern, in linear time for few asterisks."""
    if "*" not in pattern:
        return pattern == host
    first, *middle, last = re.sub(r"\*+", "*", pattern).split("*")
    if not host.startswith(first) or not host.endswith(last):
        return False
    at, end = len(first), len(host) - len(last)
    for part in middle:
        at = host.find(part, at, max(at, end))
        if at < 0:
            return False
        at += len(part)
    return at <= end
