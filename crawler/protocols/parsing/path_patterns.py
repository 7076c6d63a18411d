"""Path patterns with `*` and `$`: one normal form for pattern and URL, matched in linear time.

RFC 9309, 2.2.2: percent-encoded unreserved octets are decoded, octets outside US-ASCII and
reserved ones stay or become encoded, then octets are compared from the start of the path.
RFC 9309, 2.2.3: `*` is any octets, a final `$` the end; verbatim they are `%2A` and `%24`.
"""

import re
from typing import NamedTuple

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PLAIN = re.compile(r"[A-Za-z0-9\-._~/]*\Z")
_TRIPLET = re.compile(r"%([0-9A-Fa-f]{2})")
# Neither reserved nor unreserved (RFC 3986, 2): no client sends these as they are.
_TO_ENCODE = re.compile(r"""[^\x21-\x7e]+|["<>\\^`{|}]+""")
# RFC 9309, 2.2.2, table: `?baz=https://foo.bar` and its encoded form are the same query.
_IN_QUERY = {"%2F": "/", "%3A": ":"}


class Pattern(NamedTuple):
    """A compiled pattern: `text` is its normal form, `octets` its length for precedence."""

    text: str
    parts: tuple[str, ...]
    anchored: bool
    octets: int

    @property
    def universal(self) -> bool:
        """Whether it matches every path: `/`, `/*`, `*`, `/*$` and their like."""
        text = self.text.removesuffix("$") if self.anchored else self.text
        return text.strip("*") in ("", "/") and (not self.anchored or text.endswith("*"))


def _encode(match: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in match[0].encode("utf-8", "surrogateescape"))


def _triplet(match: re.Match[str]) -> str:
    octet = int(match[1], 16)
    return chr(octet) if octet in _UNRESERVED else f"%{octet:02X}"


def normalise(text: str) -> str:
    """Percent-encoding in normal form; in a query, `%2F` and `%3A` become plain."""
    if _PLAIN.match(text):
        return text
    text = _TRIPLET.sub(_triplet, _TO_ENCODE.sub(_encode, text))
    path, mark, query = text.partition("?")
    if "%" in query:
        for encoded, plain in _IN_QUERY.items():
            query = query.replace(encoded, plain)
    return path + mark + query


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern as written (white space around it removed) for `matches`."""
    anchored = text.endswith("$")
    normal = normalise(text[:-1] if anchored else text).replace("$", "%24")
    parts = tuple(re.sub(r"\*+", "*", normal).split("*"))
    return Pattern(normal + "$" * anchored, parts, anchored, len(normal) + anchored)


def normalise_path(path: str) -> str:
    """Path and query of a URL in the form that patterns are compared with; empty is `/`."""
    return normalise(path or "/").replace("*", "%2A").replace("$", "%24")


def matches(pattern: Pattern, path: str) -> bool:
    """Whether a pattern matches a path that went through `normalise_path`.

    Each part is sought once, leftmost first, so time is linear in the path for each part.
    """
    first, *rest = pattern.parts
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not pattern.anchored or at == len(path)
    last = rest.pop() if pattern.anchored else None
    for part in rest:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return last is None or (len(path) - len(last) >= at and path.endswith(last))
