"""Groups and rules of robots.txt: who is addressed, and which rule decides about a path."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from crawler import agents
from crawler.model import Issue
from crawler.protocols.parsing.path_patterns import Pattern, compile_pattern, matches
from crawler.protocols.robots.line_reader import AGENT, ALLOW, DISALLOW, Lines, shown

#: Files that a refused robot may still read leave the refusal whole.
_POLICY_FILES = ("/robots.txt", "/ai.txt", "/.well-known/", "/tdmrep.json", "/sitemap")
#: How many effective rules are listed for an agent, and how many are looked at to find them.
_EFFECTIVE, _PROBED = 50, 2000


class CrawlRule(NamedTuple):
    """An allow or disallow line with a value: its number, and the group (by position) it is in."""

    number: int
    allow: bool
    group: int
    value: str

    @property
    def pattern(self) -> Pattern:
        """The compiled path pattern."""
        return compiled(self.value)


class Group(NamedTuple):
    """Agents and the rules they share (RFC 9309, 2.1), by the numbers of their lines."""

    agents: tuple[int, ...]
    rules: tuple[int, ...]


class AgentRules:
    """The rules that an agent must follow, found by the literal start of their patterns."""

    __slots__ = ("_by_start", "_lengths", "rules")

    def __init__(self, rules: tuple[CrawlRule, ...]) -> None:
        self.rules = rules
        self._by_start: dict[str, list[tuple[CrawlRule, Pattern]]] | None = None
        self._lengths: tuple[int, ...] = ()

    def decide(self, path: str) -> CrawlRule | None:
        """The rule that decides about a normalised path, None if none matches.

        RFC 9309, 2.2.2: the match with most octets; where two are equal, allow.
        """
        starts = self._index() if self._by_start is None else self._by_start
        best: CrawlRule | None = None
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

    def reach(self) -> tuple[bool, list[CrawlRule]]:
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

    def _effective(self, but: CrawlRule | None) -> Iterator[CrawlRule]:
        return (r for r in self._some(allow=False) if r is not but and self._takes_effect(r))

    def _some(self, *, allow: bool) -> Iterator[CrawlRule]:
        """Rules of one kind, but for exceptions that leave a refusal whole; bounded work."""
        kind = (r for r in self.rules if r.allow == allow and not (allow and _is_policy_file(r)))
        return islice(kind, _PROBED)

    def _takes_effect(self, rule: CrawlRule) -> bool:
        """Whether a rule decides about any of the paths that its own pattern suggests."""
        return any(
            (found := self.decide(path)) is not None and found.allow == rule.allow
            for path in _probes(rule.pattern)
        )

    def _index(self) -> dict[str, list[tuple[CrawlRule, Pattern]]]:
        starts: dict[str, list[tuple[CrawlRule, Pattern]]] = {}
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
        self._sets: dict[tuple[int, ...], AgentRules] = {}

    def rules_for(self, agent: str) -> tuple[AgentRules, bool]:
        """The rules that an agent must follow, and whether a group names it.

        RFC 9309, 2.2.1: all groups that match are combined; without one, those of `*` apply.
        """
        for form in agents.candidates(agent):
            if form in self.by_token and form != "*":
                return self._set(self.by_token[form]), True
        return self._set(self.by_token.get("*", ())), False

    def _set(self, positions: tuple[int, ...]) -> AgentRules:
        if positions not in self._sets:
            rules = tuple(
                CrawlRule(
                    number, self.lines.kinds[number - 1] is ALLOW, at, self.lines.values[number - 1]
                )
                for at in positions
                for number in self.groups[at].rules
            )
            self._sets[positions] = AgentRules(rules)
        return self._sets[positions]

    def agent_line(self, agent: str, group: int) -> str:
        """The line of a group that names an agent by its token in lower case; empty if none."""
        for number in self.groups[group].agents:
            value = self.lines.values[number - 1]
            if agent == value or agent in agents.candidates(value.rstrip("*")):
                return self.lines.texts[number - 1]
        return ""


def _may_be_universal(rule: CrawlRule) -> bool:
    return rule.value.strip("*$") in ("", "/")


def _is_policy_file(rule: CrawlRule) -> bool:
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


compiled = lru_cache(maxsize=65536)(compile_pattern)


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
    index: dict[str, list[int]] = {}
    for at, group in enumerate(groups):
        for number in group.agents:
            value = lines.values[number - 1]
            odd = lines.departures[number - 1] == "robots.token_shape"
            for form in _loose_forms(value, strict=strict) if odd else (value.lower(),):
                places = index.setdefault(form, [])
                if not places or places[-1] != at:
                    places.append(at)
    return {token: tuple(places) for token, places in index.items()}


def _loose_forms(value: str, *, strict: bool) -> tuple[str, ...]:
    # A `*` with something behind it is neither the star nor anybody's token (R40), and a list
    # of tokens in one line names nobody (RFC 9309, erratum 8895). A star behind a token is
    # dropped, as crawlers in the field do.
    if strict or not value or value[0] == "*" or "," in value:
        return ()
    return agents.candidates(value.rstrip("*"))


def token_issues(robots: Robots) -> Iterator[Issue]:
    """Tokens that name nobody we know, but were probably meant for somebody."""
    for number in (number for group in robots.groups for number in group.agents):
        token = robots.lines.values[number - 1].rstrip("*") or "*"
        if token == "*" or any(agents.find(form) for form in agents.candidates(token)):
            continue
        meant = agents.near(token)
        if meant is not None:
            text = f"{shown(token)} is not {meant.token}"
            yield Issue(code="robots.agent.near_miss", line=number, excerpt=text[:200])
