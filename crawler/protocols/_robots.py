"""A line-level reader of robots.txt: every line kept, with what it was read as.

No library keeps groups, lines, unknown directives and whole tokens, and evidence needs all
four. Two readings are made: the strict one follows the grammar of RFC 9309, 2.2; the lenient
one adds what crawlers in the field accept. Each departure has a name (`Line.departure`).
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, overload

from crawler import agents
from crawler.model import Issue
from crawler.protocols._paths import Pattern, compile_pattern, matches

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
#: Reservation signals of other protocols that live in robots.txt.
SIGNALS = frozenset(
    "content-signal content-usage license disallowaitraining allowaitraining "
    "tdm-reservation tdm-policy tdmrep".split()
)
#: Files that a refused robot may still read leave the refusal whole.
_POLICY_FILES = ("/robots.txt", "/ai.txt", "/.well-known/", "/tdmrep.json", "/sitemap")
_EOL = re.compile(r"\r\n|\r|\n")
_IDENTIFIER = re.compile(r"(?:[A-Za-z_-]+|\*)\Z")
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(rb"[\s\x00]*<[!?A-Za-z/]")
_PER_CODE = 20
#: How many effective rules are listed for an agent, and how many are looked at to find them.
_EFFECTIVE, _PROBED = 50, 2000


class Line(NamedTuple):
    """One line: `number` from 1, what it was read as, and the departure that took."""

    number: int
    kind: str
    key: str
    value: str
    departure: str
    text: str


class Lines(Sequence[Line]):
    """All lines of a file, column by column: a `Line` is made when somebody asks for one.

    Most lines are only counted past, and a tuple for each would be most of the work.
    """

    __slots__ = ("departures", "keys", "kinds", "texts", "values")

    def __init__(self, texts: list[str]) -> None:
        parts = [text.partition(":") for text in texts]
        self.texts = texts
        self.keys = [part[0] for part in parts]
        self.values = [part[2].strip(" \t") for part in parts]
        self.kinds = [_kind_of(key) or "" for key in self.keys]
        self.departures = [""] * len(texts)

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> list[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | list[Line]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        kind, key, value = self.kinds[at], self.keys[at], self.values[at]
        return Line(at + 1, kind, key, value, self.departures[at], self.texts[at])

    def take(self, at: int, kind: str, key: str, value: str, departure: str) -> None:
        """Say what a line was read as."""
        self.kinds[at], self.keys[at], self.values[at] = kind, key, value
        self.departures[at] = departure


class Rule(NamedTuple):
    """An allow or disallow line with a value: its number, and the group (by position) it is in."""

    number: int
    allow: bool
    group: int
    value: str

    @property
    def pattern(self) -> Pattern:
        """The compiled path pattern."""
        return _compiled(self.value)


class Group(NamedTuple):
    """Agents and the rules they share (RFC 9309, 2.1), by the numbers of their lines."""

    agents: tuple[int, ...]
    rules: tuple[int, ...]


class RuleSet:
    """The rules that an agent must follow, found by the literal start of their patterns."""

    __slots__ = ("_by_start", "_lengths", "rules")

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self._by_start: dict[str, list[tuple[Rule, Pattern]]] | None = None
        self._lengths: tuple[int, ...] = ()

    def decide(self, path: str) -> Rule | None:
        """The rule that decides about a normalised path, None if none matches.

        RFC 9309, 2.2.2: the match with most octets; where two are equal, allow.
        """
        starts = self._index() if self._by_start is None else self._by_start
        best: Rule | None = None
        most = -1
        for length in self._lengths:
            if length > len(path):
                break
            for rule, pattern in starts.get(path[:length], ()):
                octets = pattern.octets
                if octets < most or (octets == most and not rule.allow):
                    continue
                if matches(pattern, path):
                    best, most = rule, octets
        return best

    def reach(self) -> tuple[bool, list[Rule]]:
        """Whether everything is refused, and the disallow rules that take effect (up to 50).

        Coverage is computed, not read off one line: `/*` refuses as much as `/`, an `Allow:
        /robots.txt` beside it changes nothing, and a longer allow makes it a refusal in part.
        """
        refusing = [r for r in self.rules if not r.allow and _may_be_universal(r)]
        universal = [r for r in refusing if r.pattern.universal and self._takes_effect(r)]
        if universal:
            longest = max(universal, key=lambda rule: rule.pattern.octets)
            excepted = any(self._takes_effect(r) for r in self._some(allow=True))
            return not excepted, [longest, *islice(self._effective(longest), _EFFECTIVE - 1)]
        return False, list(islice(self._effective(None), _EFFECTIVE))

    def refuses_all(self) -> bool:
        """Whether everything is refused, without the cost of `reach` where it plainly is not."""
        return any(not r.allow and _may_be_universal(r) for r in self.rules) and self.reach()[0]

    def _effective(self, but: Rule | None) -> Iterator[Rule]:
        return (r for r in self._some(allow=False) if r is not but and self._takes_effect(r))

    def _some(self, *, allow: bool) -> Iterator[Rule]:
        """Rules of one kind, but for exceptions that leave a refusal whole; bounded work."""
        kind = (r for r in self.rules if r.allow == allow and not (allow and _is_policy_file(r)))
        return islice(kind, _PROBED)

    def _takes_effect(self, rule: Rule) -> bool:
        """Whether a rule decides about any of the paths that its own pattern suggests."""
        return any(
            (found := self.decide(path)) is not None and found.allow == rule.allow
            for path in _probes(rule.pattern)
        )

    def _index(self) -> dict[str, list[tuple[Rule, Pattern]]]:
        starts: dict[str, list[tuple[Rule, Pattern]]] = {}
        for rule in self.rules:
            pattern = rule.pattern
            starts.setdefault(pattern.parts[0], []).append((rule, pattern))
        self._lengths = tuple(sorted({len(start) for start in starts}))
        self._by_start = starts
        return starts


class Robots:
    """One reading of a file: its groups, and by lower-case token the groups that name it."""

    __slots__ = ("_sets", "by_token", "groups", "lines")

    def __init__(
        self, lines: Lines, groups: tuple[Group, ...], by_token: dict[str, tuple[int, ...]]
    ) -> None:
        self.lines = lines
        self.groups = groups
        self.by_token = by_token
        self._sets: dict[tuple[int, ...], RuleSet] = {}

    def rules_for(self, agent: str) -> tuple[RuleSet, bool]:
        """The rules that an agent must follow, and whether a group names it.

        RFC 9309, 2.2.1: all groups that match are combined; without one, those of `*` apply.
        """
        for form in agents.candidates(agent):
            if form in self.by_token and form != "*":
                return self._set(self.by_token[form]), True
        return self._set(self.by_token.get("*", ())), False

    def _set(self, positions: tuple[int, ...]) -> RuleSet:
        if positions not in self._sets:
            rules = tuple(
                Rule(
                    number, self.lines.kinds[number - 1] is ALLOW, at, self.lines.values[number - 1]
                )
                for at in positions
                for number in self.groups[at].rules
            )
            self._sets[positions] = RuleSet(rules)
        return self._sets[positions]

    def agent_line(self, agent: str, group: int) -> Line | None:
        """The line of a group that names an agent by its token in lower case."""
        for number in self.groups[group].agents:
            if agent in agents.candidates(self.lines.values[number - 1]):
                return self.lines[number - 1]
        return None


def _may_be_universal(rule: Rule) -> bool:
    return rule.value.strip("*$") in ("", "/")


def _is_policy_file(rule: Rule) -> bool:
    return rule.value.lower().startswith(_POLICY_FILES)


def _probes(pattern: Pattern) -> Iterator[str]:
    """Paths that a pattern suggests: its own text with `*` as nothing and as something."""
    text = pattern.text.removesuffix("$") if pattern.anchored else pattern.text
    for filler in ("", "x"):
        path = text.replace("*", filler)
        path = path if path.startswith("/") else "/" + path
        for probe in (path,) if pattern.anchored else (path, path + "tdm-audit-probe"):
            if matches(pattern, probe):
                yield probe


_compiled = lru_cache(maxsize=65536)(compile_pattern)


def decode(body: bytes) -> tuple[str, list[Issue], bool]:
    """Text of a file within the limit, what was odd about its bytes, and if it was cut.

    Octets that are not UTF-8 survive as surrogates, so paths keep their octets (RFC 9309, 2.3).
    """
    issues = []
    cut = len(body) > LIMIT
    if cut:
        end = max(body.rfind(b"\n", 0, LIMIT), body.rfind(b"\r", 0, LIMIT))
        body = body[: end + 1] if end >= 0 else body[:LIMIT]
    if body.startswith(_BOM):
        issues.append(Issue(code="robots.bom", line=1))
        while body.startswith(_BOM):
            body = body[3:]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        text = body.decode("utf-8", "surrogateescape")
        line = body.count(b"\n", 0, error.start) + 1
        issues.append(Issue(code="robots.not_utf8", line=line))
    return text, issues, cut


def is_utf16(body: bytes) -> bool:
    """Whether a file declares UTF-16, which nobody may expect to be read (RFC 9309, 2.3)."""
    return body.startswith(_UTF16)


def looks_like_html(body: bytes) -> bool:
    """Whether a body begins as markup."""
    return _HTML.match(body) is not None


def shown(text: str) -> str:
    """A line as people and databases can hold it: foreign octets read as Windows-1252."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        octets = text.encode("utf-8", "surrogateescape")
        return octets.decode("cp1252", "replace")
    return text


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
def _kind_of(key: str) -> str | None:
    return _STRICT.get(key.strip(" \t").lower())


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


def read_groups(lines: Lines, *, strict: bool) -> Robots:
    """The groups of a reading (RFC 9309, 2.2.1); in the strict one departures do not count.

    An agent line whose token is no `identifier` still ends the group before it: its rules
    were written for somebody else, and must not bleed into the agents above.
    """
    groups: list[Group] = []
    named: list[int] = []
    rules: list[int] = []
    open_rules = False
    columns = zip(lines.kinds, lines.values, lines.departures, strict=True)
    for number, (kind, value, departure) in enumerate(columns, start=1):
        if kind is AGENT:
            if strict and departure not in ("", "robots.token_shape"):
                continue
            if open_rules:
                groups.append(Group(tuple(named), tuple(rules)))
                named, rules, open_rules = [], [], False
            named.append(number)
        elif kind is DISALLOW or kind is ALLOW:
            if not named or (strict and departure):
                continue
            open_rules = True
            if value:
                rules.append(number)
    if named:
        groups.append(Group(tuple(named), tuple(rules)))
    return Robots(lines, tuple(groups), _by_token(lines, groups, strict=strict))


def _by_token(lines: Lines, groups: list[Group], *, strict: bool) -> dict[str, tuple[int, ...]]:
    """Lower-case tokens and the groups that name them, each group once and in order."""
    index: dict[str, tuple[int, ...]] = {}
    for at, group in enumerate(groups):
        for number in group.agents:
            value = lines.values[number - 1]
            odd = lines.departures[number - 1] == "robots.token_shape"
            for form in _loose_forms(value, strict=strict) if odd else (value.lower(),):
                places = index.get(form)
                if places is None:
                    index[form] = (at,)
                elif places[-1] != at:
                    index[form] = (*places, at)
    return index


def _loose_forms(value: str, *, strict: bool) -> tuple[str, ...]:
    # A `*` with something behind it is neither the star nor anybody's token (R40), and a list
    # of tokens in one line names nobody (RFC 9309, erratum 8895).
    if strict or not value or value[0] == "*" or "," in value:
        return ()
    return agents.candidates(value)


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


def line_issues(lines: Lines) -> Iterator[Issue]:
    """What a reader of this file should know, line by line."""
    named = ruled = False
    between: int | None = None
    columns = zip(lines.kinds, lines.departures, strict=True)
    for at, (kind, departure) in enumerate(columns):
        if departure and departure != "robots.bom":
            yield _issue(departure, lines, at)
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
    if key in SIGNALS:
        yield _issue("robots.directive.not_judged", lines, at)
    elif key not in _KNOWN_OTHERS:
        yield _issue("robots.directive.unknown", lines, at)


def _issue(code: str, lines: Lines, at: int) -> Issue:
    return Issue(code=code, line=at + 1, excerpt=shown(lines.texts[at]).strip()[:200])
