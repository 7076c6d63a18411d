"""The lines of robots.txt: every one kept, with what it was read as.

No library keeps groups, lines, unknown directives and whole tokens, and evidence needs all
four. Two readings are made of the lines: the strict one follows the grammar of RFC 9309, 2.2;
the lenient one adds what crawlers in the field accept. Each departure has a name
(`Line.departure`).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from crawler.model import Issue

#: RFC 9309, 2.5: a crawler must parse at least 500 KiB; what lies behind is cut off.
LIMIT = 500 * 1024

AGENT, ALLOW, DISALLOW, OTHER, COMMENT, BLANK, UNREADABLE = (
    "agent",
    "allow",
    "disallow",
    "other",
    "comment",
    "blank",
    "unreadable",
)
_READ = frozenset((AGENT, ALLOW, DISALLOW))
_STRICT = {"user-agent": AGENT, "allow": ALLOW, "disallow": DISALLOW}
# Misspellings that the reference parser of Google accepts for these three keys.
_TYPOS = {
    **dict.fromkeys(("useragent", "user agent"), AGENT),
    **dict.fromkeys(("dissallow", "dissalow", "disalow", "diasllow", "disallaw"), DISALLOW),
}
_KNOWN_OTHERS = frozenset(
    "sitemap site-map sitemaps crawl-delay host clean-param noindex nosnippet request-rate "
    "visit-time schemamap cache-delay comment".split()
)
#: Lines of other protocols that live in robots.txt; their own modules read them.
SIGNALS = frozenset(
    "content-signal content-usage license disallowaitraining allowaitraining "
    "tdm-reservation tdm-policy tdmrep".split()
)
_EOL = re.compile(r"\r\n|\r|\n")
_IDENTIFIER = re.compile(r"(?:[A-Za-z_-]+|\*)\Z")
# A byte order mark, also one that was taken for Windows-1252 and encoded again.
_BOMS = (b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf")
# White space and marks that no editor shows and that the grammar does not strip.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u2060\ufeff]"
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(rb"[\s\x00]*<[!?A-Za-z/]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PER_CODE = 20


class Line(NamedTuple):
    """One line: `number` from 1, what it was read as, and the departure that took."""

    number: int
    kind: str
    key: str
    value: str
    departure: str
    text: str


class Lines:
    """All lines of a file, column by column: a `Line` is made when somebody asks for one.

    Most lines are only counted past, and a tuple for each would be most of the work.
    """

    __slots__ = ("departures", "keys", "kinds", "texts", "values")

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.keys: list[str] = []
        self.values: list[str] = []
        add_key, add_value = self.keys.append, self.values.append
        for text in texts:
            key, _, value = text.partition(":")
            add_key(key)
            add_value(value.strip(" \t"))
        self.kinds = [_kind_of(key) for key in self.keys]
        self.departures = [""] * len(texts)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Line]:
        columns = (self.kinds, self.keys, self.values, self.departures, self.texts)
        return map(Line, count(1), *columns)

    def take(self, at: int, kind: str, key: str, value: str, departure: str) -> None:
        """Say what a line was read as."""
        self.kinds[at], self.keys[at], self.values[at] = kind, key, value
        self.departures[at] = departure


def decode(body: bytes) -> tuple[str, list[Issue], bool]:
    """Text of a file within the limit, what was odd about its bytes, and if it was cut.

    Octets that are not UTF-8 survive as surrogates, so paths keep their octets (RFC 9309, 2.3).
    """
    issues = []
    cut = len(body) > LIMIT
    if cut:
        end = max(body.rfind(b"\n", 0, LIMIT), body.rfind(b"\r", 0, LIMIT))
        body = body[: end + 1] if end >= 0 else body[:LIMIT]
    plain = without_bom(body)
    if plain is not body:
        issues.append(Issue(code="robots.bom", line=1))
        body = plain
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        text = body.decode("utf-8", "surrogateescape")
        line = body.count(b"\n", 0, error.start) + 1
        issues.append(Issue(code="robots.not_utf8", line=line))
    return text, issues, cut


def without_bom(body: bytes) -> bytes:
    """The body without the byte order marks that it begins with, however many."""
    while body.startswith(_BOMS):
        body = body[3:] if body.startswith(_BOMS[0]) else body[6:]
    return body


def is_utf16(body: bytes) -> bool:
    """Whether a file declares UTF-16, which nobody may expect to be read (RFC 9309, 2.3)."""
    return body.startswith(_UTF16)


def looks_like_html(body: bytes) -> bool:
    """Whether a body begins as markup."""
    return _HTML.match(without_bom(body[:4096])) is not None


def shown(text: str) -> str:
    """A line as people and databases can hold it.

    Foreign octets are read as Windows-1252, and what cannot be seen becomes U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return _CONTROL.sub("\ufffd", text)


def read_lines(text: str, *, bom: bool = False) -> Lines:
    """Every line with what it was read as. NL is CR, LF or CRLF and nothing else (2.2)."""
    texts = _EOL.split(text) if "\r" in text else text.split("\n")
    if not texts[-1]:
        texts.pop()
    lines = Lines(texts)
    values, departures = lines.values, lines.departures
    for at, (kind, value) in enumerate(zip(lines.kinds, values, strict=True)):
        if not kind:
            _read_other(lines, at)
            continue
        if "#" in value:
            value = values[at] = value.partition("#")[0].rstrip(" \t")
        if kind is AGENT:
            departures[at] = _shape(value)
        elif value and value[0] not in "/*":
            departures[at] = "robots.path.no_slash"
    if bom and texts and lines.kinds[0] in (AGENT, ALLOW, DISALLOW):
        departures[0] = "robots.bom"
    return lines


@lru_cache(maxsize=1024)
def _kind_of(key: str) -> str:
    return _STRICT.get(key.strip(" \t").lower(), "")


@lru_cache(maxsize=16384)
def _shape(token: str) -> str:
    return "" if _IDENTIFIER.match(token) else "robots.token_shape"


def _read_other(lines: Lines, at: int) -> None:
    """Read a line that the grammar does not define: typo, other record, comment, blank, noise."""
    content, mark, _ = lines.texts[at].partition("#")
    content = content.strip(" \t")
    if not content:
        lines.take(at, COMMENT if mark else BLANK, "", "", "")
        return
    key, colon, value = content.partition(":")
    if colon:
        kind = _TYPOS.get(key.strip(" \t").lower(), OTHER)
        departure = "" if kind is OTHER else "robots.typo"
        lines.take(at, kind, key.strip(" \t"), value.strip(" \t"), departure)
        return
    words = content.split()
    name = words[0].lower() if len(words) == 2 else ""
    found = _STRICT.get(name) or _TYPOS.get(name)
    if found:
        lines.take(at, found, words[0], words[1], "robots.missing_colon")
    else:
        lines.take(at, UNREADABLE, "", content, "")


def limited(issues: list[Issue]) -> tuple[Issue, ...]:
    """Issues with at most 20 of a code, and how many more there were: files can be hostile."""
    kept: list[Issue] = []
    count: dict[str, int] = {}
    for issue in issues:
        count[issue.code] = count.get(issue.code, 0) + 1
        if count[issue.code] <= _PER_CODE:
            kept.append(issue)
    more = {code: n - _PER_CODE for code, n in count.items() if n > _PER_CODE}
    kept += [Issue(code="robots.more", excerpt=f"{n} more of {code}") for code, n in more.items()]
    return tuple(kept)


def is_robots(lines: Lines) -> bool:
    """Whether anything in a file is a record of robots.txt: JSON has colons, too."""
    if not _READ.isdisjoint(lines.kinds):
        return True
    known = _KNOWN_OTHERS | SIGNALS
    pairs = zip(lines.kinds, lines.keys, strict=True)
    return any(kind is OTHER and key.lower() in known for kind, key in pairs)


def line_issues(lines: Lines) -> Iterator[Issue]:
    """What a reader of this file should know, line by line."""
    named = ruled = False
    between: int | None = None
    values = lines.values
    columns = zip(lines.kinds, lines.departures, strict=True)
    for at, (kind, departure) in enumerate(columns):
        if departure and departure != "robots.bom":
            yield _issue(departure, lines, at)
        if kind in _READ and not values[at].isascii() and _INVISIBLE.search(values[at]):
            yield _issue("robots.invisible", lines, at)
        if kind is AGENT:
            if between is not None and named and not ruled:
                # Readers that end a group here free the agents above; RFC 9309, 2.2.4 does not.
                yield _issue("robots.group.interrupted", lines, between)
            named, ruled, between = True, False, None
        elif kind is DISALLOW or kind is ALLOW:
            if not named:
                yield _issue("robots.rule.outside_group", lines, at)
            ruled, between = True, None
        elif kind is OTHER:
            between = at
            yield from _other_issues(lines, at)
        elif kind is UNREADABLE:
            yield _issue("robots.line.unreadable", lines, at)


def _other_issues(lines: Lines, at: int) -> Iterator[Issue]:
    key = lines.keys[at].lower()
    if key.startswith(("disallow", "allow")):
        # Readers that compare a prefix of the key take this for Disallow or Allow.
        yield _issue("robots.directive.prefix_hazard", lines, at)
    if key not in _KNOWN_OTHERS | SIGNALS:
        yield _issue("robots.directive.unknown", lines, at)


def _issue(code: str, lines: Lines, at: int) -> Issue:
    return Issue(code=code, line=at + 1, excerpt=shown(lines.texts[at]).strip()[:200])
