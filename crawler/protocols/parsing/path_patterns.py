"""Path patterns with `*` and `$`: one normal form for pattern and URL, matched in linear time.

RFC 9309, 2.2.2: percent-encoded unreserved octets are decoded. Octets outside US-ASCII and
reserved octets stay encoded or become encoded. Then octets are compared from the start of the
path. RFC 9309, 2.2.3: `*` is any octets, and a final `$` is the end of the path. To match the
characters themselves, authors write `%2A` and `%24`.

Rules for editors: `UrlPattern.sql_pattern` states the same match in SQL, and a property test
compares both. Do not build a regular expression of a pattern: files can be hostile, and `*`
repeated backtracks.
"""

import re
from typing import NamedTuple

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PLAIN = re.compile(r"[A-Za-z0-9\-._~/]*\Z")
_TRIPLET = re.compile(r"%([0-9A-Fa-f]{2})")
# Neither reserved nor unreserved (RFC 3986, 2): HTTP clients encode these before they send.
_TO_ENCODE = re.compile(r"""[^\x21-\x7e]+|["<>\\^`{|}]+""")
# RFC 9309, 2.2.2, table: `?baz=https://foo.bar` and its encoded form are the same query.
_IN_QUERY = {"%2F": "/", "%3A": ":"}


class Pattern(NamedTuple):
    """A compiled path pattern.

    `text` is its normal form. `parts` are the literal texts between its stars. `anchored` says
    that it ends in `$`. `octets` is its length for precedence (RFC 9309, 2.2.2).
    """

    text: str
    parts: tuple[str, ...]
    anchored: bool
    octets: int

    @property
    def universal(self) -> bool:
        """Return whether it matches every path, as `/`, `/*`, `*` and `/*$` do."""
        text = self.text.removesuffix("$") if self.anchored else self.text
        return text.strip("*") in ("", "/") and (not self.anchored or text.endswith("*"))


def _encode(match: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in match[0].encode("utf-8", "surrogateescape"))


def _triplet(match: re.Match[str]) -> str:
    octet = int(match[1], 16)
    return chr(octet) if octet in _UNRESERVED else f"%{octet:02X}"


def normalise(text: str) -> str:
    """Return a text with its percent-encoding in normal form.

    In a query, `%2F` and `%3A` are decoded (see `_IN_QUERY`).
    """
    # Most patterns and paths need no work.
    if _PLAIN.match(text):
        return text
    text = _TRIPLET.sub(_triplet, _TO_ENCODE.sub(_encode, text))
    path, mark, query = text.partition("?")
    if "%" in query:
        for encoded, plain in _IN_QUERY.items():
            query = query.replace(encoded, plain)
    return path + mark + query


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern as written, with white space around it removed, for `matches`."""
    # Most patterns need no work, and files can have tens of thousands of them.
    if _PLAIN.match(text):
        return Pattern(text, (text,), False, len(text))
    # Only a final `$` is special; any other is a literal character (RFC 9309, 2.2.3).
    anchored = text.endswith("$")
    normal = normalise(text[:-1] if anchored else text).replace("$", "%24")
    parts = tuple(re.sub(r"\*+", "*", normal).split("*"))
    return Pattern(normal + "$" * anchored, parts, anchored, len(normal) + anchored)


def normalise_path(path: str) -> str:
    """Return path and query of a URL in the form for `matches`; an empty path is `/`."""
    return normalise(path or "/").replace("*", "%2A").replace("$", "%24")


def matches(pattern: Pattern, path: str) -> bool:
    """Return whether a pattern matches a path that `normalise_path` returned.

    Each part is searched for once, leftmost first, so the time is linear in the path per part.
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
