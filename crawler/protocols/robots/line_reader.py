"""Line reader for robots.txt: every line with its kind, key, value and deviation.

No library keeps groups, lines, unknown directives and whole tokens, and evidence needs all
four. The lines support two readings. The strict one follows the grammar of RFC 9309, 2.2. The
lenient one also takes what deployed crawlers accept, and each such line names its deviation
(`Line.deviation`).

Rules for editors: this is the hot loop of the parser (`python -m benchmarks.robots_parse`
checks the cost per KB and that it grows linearly). Keep the columns, and do work per line only
for lines that are not plain rules. Every regular expression must run in linear time.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import count, islice
from typing import NamedTuple

from crawler.model import Issue

#: RFC 9309, 2.5: a crawler must parse at least 500 KiB. Bytes beyond that are dropped.
MAX_BYTES = 500 * 1024

AGENT, ALLOW, DISALLOW, OTHER, COMMENT, BLANK, UNREADABLE = (
    "agent",
    "allow",
    "disallow",
    "other",
    "comment",
    "blank",
    "unreadable",
)
_CRAWL_KINDS = frozenset((AGENT, ALLOW, DISALLOW))
_KEYS = {"user-agent": AGENT, "allow": ALLOW, "disallow": DISALLOW}
# Misspellings that Google's reference parser accepts for these keys (robots.cc, 22b355f).
_MISSPELT_KEYS = {
    **dict.fromkeys(("useragent", "user agent"), AGENT),
    **dict.fromkeys(("dissallow", "dissalow", "disalow", "diasllow", "disallaw"), DISALLOW),
}
_OTHER_KEYS = frozenset(
    "sitemap site-map sitemaps crawl-delay host clean-param noindex nosnippet request-rate "
    "visit-time schemamap cache-delay comment".split()
)
#: Keys of other protocols with lines in robots.txt. The modules of those protocols read them.
EXTENSION_KEYS = frozenset(
    "content-signal content-usage license disallowaitraining allowaitraining "
    "tdm-reservation tdm-policy tdmrep".split()
)
# RFC 9309, 2.2: NL is CR, LF or CRLF. `str.splitlines` would also split at U+2028 and others.
_EOL = re.compile(r"\r\n|\r|\n")
# RFC 9309, 2.2: identifier = 1*(%x2D / %x41-5A / %x5F / %x61-7A); no digits, no spaces.
_IDENTIFIER = re.compile(r"(?:[A-Za-z_-]+|\*)\Z")
# A byte order mark, and one that was decoded as Windows-1252 and encoded again.
_BOMS = (b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf")
# Invisible characters that the grammar does not strip: they make a key or path differ unseen.
# U+DCA0 stands for the octet A0, the no-break space of Windows-1252 in a file that is not UTF-8.
_INVISIBLE_SET = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\udca0]"
)
_INVISIBLE = re.compile(_INVISIBLE_SET)
_INVISIBLE_START = re.compile(rf"(?:{_INVISIBLE_SET}|[ \t])++")
_INVISIBLE_END = re.compile(rf"(?<!{_INVISIBLE_SET})(?:{_INVISIBLE_SET})++\Z")
# Characters that look like the hyphen of a key.
_HYPHENS = re.compile(r"[\u2010-\u2015\u2212]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(rb"[\s\x00]*<[!?A-Za-z/]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MAX_PER_CODE = 20
_MAX_NAMED = 5


class Line(NamedTuple):
    """One line.

    `number` is 1-based. `kind` is one of the constants above (`AGENT`, `OTHER`, ...). `value`
    is stripped, and without the comment. `deviation` is the issue code of what the lenient
    reading had to accept, empty for a line of the grammar. `text` is the line as written.
    """

    number: int
    kind: str
    key: str
    value: str
    deviation: str
    text: str


class Lines:
    """All lines of a file, stored as columns. Iteration builds `Line` records on demand.

    The index of a column is the line number minus one.
    """

    # Columns, because most lines are only skipped: a tuple for each would be most of the work.

    __slots__ = ("deviations", "keys", "kinds", "texts", "values")

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
        self.deviations = [""] * len(texts)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Line]:
        columns = (self.kinds, self.keys, self.values, self.deviations, self.texts)
        return map(Line, count(1), *columns)

    def set_line(self, index: int, kind: str, key: str, value: str, deviation: str) -> None:
        """Set the columns of the line at `index`, except its text."""
        self.kinds[index], self.keys[index], self.values[index] = kind, key, value
        self.deviations[index] = deviation


def decode(body: bytes) -> tuple[str, list[Issue], bool]:
    """Return the text of a body, issues with its bytes, and whether it was cut at `MAX_BYTES`.

    Octets that are not UTF-8 become surrogates, so that paths keep them (RFC 9309, 2.2.2).
    """
    issues = []
    cut = len(body) > MAX_BYTES
    if cut:
        # Cut at the end of a line: half a rule could refuse more than the whole one.
        end = max(body.rfind(b"\n", 0, MAX_BYTES), body.rfind(b"\r", 0, MAX_BYTES))
        body = body[: end + 1] if end >= 0 else body[:MAX_BYTES]
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
    """Return the body without its leading byte order marks; there may be several."""
    while body.startswith(_BOMS):
        body = body[3:] if body.startswith(_BOMS[0]) else body[6:]
    return body


def is_utf16(body: bytes) -> bool:
    """Return whether a body declares UTF-16. The file must be UTF-8 (RFC 9309, 2.3)."""
    return body.startswith(_UTF16)


def looks_like_html(body: bytes) -> bool:
    """Return whether a body begins as markup."""
    return _HTML.match(without_bom(body[:4096])) is not None


def to_printable(text: str) -> str:
    """Return a text that can be stored and printed.

    Octets that are not UTF-8 are read as Windows-1252. Control characters become U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return _CONTROL.sub("\ufffd", text)


def read_lines(text: str, *, bom: bool = False) -> Lines:
    """Split a text into lines and classify each (RFC 9309, 2.2).

    `bom` says that a byte order mark was removed: strict readers lose the first line then.
    """
    texts = _EOL.split(text) if "\r" in text else text.split("\n")
    if not texts[-1]:
        texts.pop()
    lines = Lines(texts)
    values, deviations = lines.values, lines.deviations
    for index, (kind, value) in enumerate(zip(lines.kinds, values, strict=True)):
        if not kind:
            _read_other(lines, index)
            continue
        if "#" in value:
            value = values[index] = value.partition("#")[0].rstrip(" \t")
        if not value.isascii():
            value = values[index] = _visible_value(lines, index, value)
        if kind is AGENT:
            deviations[index] = deviations[index] or _token_deviation(value)
        elif value and value[0] not in "/*":
            deviations[index] = "robots.path.no_slash"
    if bom and texts and lines.kinds[0] in (AGENT, ALLOW, DISALLOW):
        deviations[0] = "robots.bom"
    return lines


@lru_cache(maxsize=1024)
def _kind_of(key: str) -> str:
    return _KEYS.get(key.strip(" \t").lower(), "")


@lru_cache(maxsize=16384)
def _token_deviation(token: str) -> str:
    return "" if _IDENTIFIER.match(token) else "robots.token_shape"


def _visible_value(lines: Lines, index: int, value: str) -> str:
    """Return a value as lenient readers see it, and set the deviation of its line.

    They strip white space of all kinds around it. A token has none inside either.
    """
    if lines.kinds[index] is AGENT:
        plain, deviation = _INVISIBLE.sub("", value), "robots.token_shape"
    else:
        plain = _INVISIBLE_END.sub("", value)
        start = _INVISIBLE_START.match(plain)
        plain, deviation = plain[start.end() :] if start else plain, "robots.invisible"
    plain = plain.strip(" \t")
    lines.deviations[index] = deviation if plain != value else ""
    return plain


def _visible_key(key: str) -> str:
    return _HYPHENS.sub("-", _INVISIBLE.sub("", key)).strip(" \t")


def _read_other(lines: Lines, index: int) -> None:
    """Classify a line that is no agent or rule line of the grammar, and set its columns."""
    content, mark, _ = lines.texts[index].partition("#")
    content = content.strip(" \t")
    if not content:
        lines.set_line(index, COMMENT if mark else BLANK, "", "", "")
        return
    key, colon, value = content.partition(":")
    if colon:
        key, value = key.strip(" \t"), value.strip(" \t")
        kind = _MISSPELT_KEYS.get(key.lower(), OTHER)
        deviation = "" if kind is OTHER else "robots.typo"
        plain = key if key.isprintable() and key.isascii() else _visible_key(key)
        if plain != key:
            name = plain.lower()
            meant = _KEYS.get(name) or _MISSPELT_KEYS.get(name)
            if meant or name in _OTHER_KEYS | EXTENSION_KEYS:
                kind, key, deviation = meant or OTHER, plain, "robots.invisible"
        lines.set_line(index, kind, key, value, deviation)
        if kind is not OTHER and not value.isascii():
            lines.values[index] = _visible_value(lines, index, value)
            lines.deviations[index] = deviation
        return
    # Google's parser takes white space for a missing colon only between exactly two words.
    words = content.split()
    name = words[0].lower() if len(words) == 2 else ""
    known = _KEYS.get(name) or _MISSPELT_KEYS.get(name)
    if known:
        lines.set_line(index, known, words[0], words[1], "robots.missing_colon")
    else:
        lines.set_line(index, UNREADABLE, "", content, "")


def limit_issues(issues: list[Issue]) -> tuple[Issue, ...]:
    """Return at most 20 issues of each code, then one that counts the rest of a code.

    Without a limit, a hostile file could flood the database.
    """
    kept: list[Issue] = []
    count: dict[str, int] = {}
    for issue in issues:
        count[issue.code] = count.get(issue.code, 0) + 1
        if count[issue.code] <= _MAX_PER_CODE:
            kept.append(issue)
    more = {code: n - _MAX_PER_CODE for code, n in count.items() if n > _MAX_PER_CODE}
    kept += [Issue(code="robots.more", excerpt=f"{n} more of {code}") for code, n in more.items()]
    return tuple(kept)


def is_robots(lines: Lines) -> bool:
    """Return whether any line is a known record of robots.txt.

    A colon alone is not enough: JSON and plain text have colons too.
    """
    if not _CRAWL_KINDS.isdisjoint(lines.kinds):
        return True
    known = _OTHER_KEYS | EXTENSION_KEYS
    pairs = zip(lines.kinds, lines.keys, strict=True)
    return any(kind is OTHER and key.lower() in known for kind, key in pairs)


def line_issues(lines: Lines) -> Iterator[Issue]:
    """Yield the issues of a file in line order: deviations, misplaced rules, unknown keys."""
    has_agents = has_rules = False
    # Another record since the last agent line, if any.
    record_index: int | None = None
    texts = lines.texts
    columns = zip(lines.kinds, lines.deviations, strict=True)
    for index, (kind, deviation) in enumerate(columns):
        if deviation and deviation not in ("robots.bom", "robots.invisible"):
            yield _issue(deviation, lines, index)
        if (kind in _CRAWL_KINDS or deviation) and not texts[index].isascii():
            yield from _invisible_issues(lines, index)
        if kind is AGENT:
            if record_index is not None and has_agents and not has_rules:
                # Some readers (Protego) end the group at the record, so that the agents above
                # have no rules. RFC 9309, 2.2.4: other records must not do that.
                yield _issue("robots.group.interrupted", lines, record_index)
            has_agents, has_rules, record_index = True, False, None
        elif kind is DISALLOW or kind is ALLOW:
            if not has_agents:
                yield _issue("robots.rule.outside_group", lines, index)
            has_rules, record_index = True, None
        elif kind is OTHER:
            record_index = index
            yield from _other_issues(lines, index)
        elif kind is UNREADABLE:
            yield _issue("robots.line.unreadable", lines, index)


def _other_issues(lines: Lines, index: int) -> Iterator[Issue]:
    key = lines.keys[index].lower()
    if key.startswith(("disallow", "allow")):
        # Readers that compare a prefix of the key (Google) take this for Disallow or Allow.
        yield _issue("robots.directive.prefix_hazard", lines, index)
    if key not in _OTHER_KEYS | EXTENSION_KEYS:
        yield _issue("robots.directive.unknown", lines, index)


def _invisible_issues(lines: Lines, index: int) -> Iterator[Issue]:
    """Yield an issue that names the characters of a line that cannot be seen, if there are any."""
    content = lines.texts[index].partition("#")[0]
    found = dict.fromkeys(_INVISIBLE.findall(content) + _HYPHENS.findall(content.partition(":")[0]))
    if found:
        # An octet that is not UTF-8 is a surrogate: U+DCxx.
        codes = (ord(mark) & 0xFF if "\udc80" <= mark <= "\udcff" else ord(mark) for mark in found)
        names = ", ".join(f"U+{code:04X}" for code in islice(codes, _MAX_NAMED))
        text = f"{names} in: {to_printable(content).strip()}"
        yield Issue(code="robots.invisible", line=index + 1, excerpt=text[:200])


def _issue(code: str, lines: Lines, index: int) -> Issue:
    return Issue(code=code, line=index + 1, excerpt=to_printable(lines.texts[index]).strip()[:200])
