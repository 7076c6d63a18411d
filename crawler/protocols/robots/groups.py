"""Groups and rules of robots.txt (RFC 9309, 2.2.1 and 2.2.2).

Which groups an agent must follow, which rule decides about a path, and how much is refused.

Rules for editors: `AgentRules.decide` runs for every URL that is planned or judged. Its index
by literal start is what keeps files with thousands of rules cheap. Every loop here is bounded,
because files can be hostile.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from crawler import agents
from crawler.model import Issue
from crawler.protocols.parsing.path_patterns import Pattern, compile_pattern, matches
from crawler.protocols.robots.line_reader import (
    AGENT,
    ALLOW,
    DISALLOW,
    OTHER,
    Lines,
    to_printable,
)
from crawler.protocols.url_patterns import ComparedPart, UrlPattern, selective

#: RFC 9309, 2.2.2: `/robots.txt` is implicitly allowed, whatever the rules say.
_ROBOTS_TXT = UrlPattern(ComparedPart.PATH, compile_pattern("/robots.txt$"))
#: An `Allow` for one of these files leaves a refusal of everything whole: it opens no content.
_POLICY_FILES = ("/robots.txt", "/ai.txt", "/.well-known/", "/tdmrep.json", "/sitemap")
#: Limits: rules listed for an agent, and rules tried to find them.
_MAX_EFFECTIVE, _MAX_PROBED = 50, 2000
#: Characters kept of a product token.
_MAX_TOKEN = 200


class CrawlRule(NamedTuple):
    """An allow or disallow line that has a value.

    `number` is the 1-based line, `group` the position of its group, `value` the path pattern as
    written.
    """

    number: int
    allow: bool
    group: int
    value: str

    @property
    def pattern(self) -> Pattern:
        """Return the compiled path pattern (cached)."""
        return compile_cached(self.value)


class Group(NamedTuple):
    """Line numbers of agent lines and of the rules that they share (RFC 9309, 2.1)."""

    agents: tuple[int, ...]
    rules: tuple[int, ...]


class AgentRules:
    """The rules that an agent must follow, indexed by the literal start of their patterns.

    The index is built on first use: many files are parsed and never asked about.
    """

    __slots__ = ("_by_start", "_lengths", "rules")

    def __init__(self, rules: tuple[CrawlRule, ...]) -> None:
        self.rules = rules
        self._by_start: dict[str, list[tuple[CrawlRule, Pattern]]] | None = None
        self._lengths: tuple[int, ...] = ()

    def decide(self, path: str) -> CrawlRule | None:
        """Return the rule that decides about a path, None if none matches.

        `path` must come from `path_patterns.normalise_path`. RFC 9309, 2.2.2: the match with
        the most octets decides; of equivalent allow and disallow rules, allow.
        """
        starts = self._index() if self._by_start is None else self._by_start
        best: CrawlRule | None = None
        best_octets = -1
        for length in self._lengths:
            if length > len(path):
                break
            for rule, pattern in starts.get(path[:length], ()):
                octets = pattern.octets
                if octets < best_octets or (octets == best_octets and not rule.allow):
                    continue
                if matches(pattern, path):
                    best, best_octets = rule, octets
        return best

    def refused_scope(self) -> tuple[bool, list[CrawlRule]]:
        """Return whether everything is refused, and up to 50 disallow rules that take effect.

        The scope is computed from all rules, not read off one line: `/*` refuses as much as
        `/`, `Allow: /robots.txt` changes nothing, and a longer allow makes it a partial refusal.
        """
        refusing = [r for r in self.rules if not r.allow and _may_be_universal(r)]
        universal = [r for r in refusing if r.pattern.universal and self._takes_effect(r)]
        if universal:
            longest = max(universal, key=lambda rule: rule.pattern.octets)
            has_exception = any(self._takes_effect(r) for r in self._content_rules(allow=True))
            return not has_exception, [
                longest,
                *islice(self._effective(longest), _MAX_EFFECTIVE - 1),
            ]
        return False, list(islice(self._effective(None), _MAX_EFFECTIVE))

    def refuses_all(self) -> bool:
        """Return whether everything is refused; cheaper than `refused_scope` for most files."""
        return (
            any(not r.allow and _may_be_universal(r) for r in self.rules)
            and self.refused_scope()[0]
        )

    def _effective(self, skipped: CrawlRule | None) -> Iterator[CrawlRule]:
        rules = self._content_rules(allow=False)
        return (r for r in rules if r is not skipped and self._takes_effect(r))

    def _content_rules(self, *, allow: bool) -> Iterator[CrawlRule]:
        """Yield the rules of one kind, without allows for policy files; at most 2000 rules."""
        kind = (r for r in self.rules if r.allow == allow and not (allow and _is_policy_file(r)))
        return islice(kind, _MAX_PROBED)

    def _takes_effect(self, rule: CrawlRule) -> bool:
        """Return whether a rule decides about any of the sample paths of its pattern."""
        return any(
            (deciding := self.decide(path)) is not None and deciding.allow == rule.allow
            for path in _sample_paths(rule.pattern)
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
    """The groups of a file under one reading, strict or lenient.

    `by_token` maps a product token in lower case to the positions of the groups that name it.
    """

    __slots__ = ("_rules_by_positions", "by_token", "groups", "lines")

    def __init__(
        self, lines: Lines, groups: tuple[Group, ...], by_token: dict[str, tuple[int, ...]]
    ) -> None:
        self.lines = lines
        self.groups = groups
        self.by_token = by_token
        self._rules_by_positions: dict[tuple[int, ...], AgentRules] = {}

    def rules_for(self, agent: str) -> tuple[AgentRules, bool]:
        """Return the rules that an agent must follow, and whether a group names the agent.

        RFC 9309, 2.2.1: matching groups are combined; without one, those of `*` apply.
        """
        for form in agents.token_forms(agent):
            if form in self.by_token and form != "*":
                return self._combined(self.by_token[form]), True
        return self._combined(self.by_token.get("*", ())), False

    def _combined(self, positions: tuple[int, ...]) -> AgentRules:
        if positions not in self._rules_by_positions:
            rules = tuple(
                CrawlRule(
                    number,
                    self.lines.kinds[number - 1] is ALLOW,
                    position,
                    self.lines.values[number - 1],
                )
                for position in positions
                for number in self.groups[position].rules
            )
            self._rules_by_positions[positions] = AgentRules(rules)
        return self._rules_by_positions[positions]

    def agent_line(self, agent: str, group: int) -> int | None:
        """Return the line of a group that names an agent, from 1; None if none does.

        `agent` is a product token in lower case.
        """
        for number in self.groups[group].agents:
            value = self.lines.values[number - 1]
            if agent == value or agent in agents.token_forms(value.rstrip("*")):
                return number
        return None


def _may_be_universal(rule: CrawlRule) -> bool:
    return rule.value.strip("*$") in ("", "/")


def _is_policy_file(rule: CrawlRule) -> bool:
    return rule.value.lower().startswith(_POLICY_FILES)


def _sample_paths(pattern: Pattern) -> Iterator[str]:
    """Yield paths that a pattern matches: its text with each `*` empty, then as `x`."""
    # Both fillers are needed: with `*` empty, `/*` and `/a*b` may only match the path of a
    # longer rule, and with `x` they may miss a rule about the bare path.
    text = pattern.text.removesuffix("$") if pattern.anchored else pattern.text
    for filler in ("", "x"):
        path = text.replace("*", filler)
        path = path if path.startswith("/") else "/" + path
        for sample in (path,) if pattern.anchored else (path, path + "tdm-audit-probe"):
            if matches(pattern, sample):
                yield sample


# The same patterns stand in very many files, so they are compiled once.
compile_cached = lru_cache(maxsize=65536)(compile_pattern)


def read_groups(lines: Lines, *, strict: bool, rule_keys: frozenset[str] = frozenset()) -> Robots:
    """Build the groups of a file (RFC 9309, 2.2.1).

    With `strict`, lines that deviate from the grammar are ignored, except agent lines whose
    token is no `identifier`. Lines with one of the `rule_keys` are rules too: like any rule,
    they end the agent lines above them.
    """
    # Such an agent line names no agent in the strict reading, but it ends the group before it:
    # its rules were written for another agent and must not apply to the agents above.
    groups: list[Group] = []
    agent_lines: list[int] = []
    rule_lines: list[int] = []
    has_rules = False
    columns = zip(lines.kinds, lines.values, lines.deviations, strict=True)
    for number, (kind, value, deviation) in enumerate(columns, start=1):
        if kind is AGENT:
            if strict and deviation not in ("", "robots.token_shape"):
                continue
            if has_rules:
                groups.append(Group(tuple(agent_lines), tuple(rule_lines)))
                agent_lines, rule_lines, has_rules = [], [], False
            agent_lines.append(number)
        elif kind is DISALLOW or kind is ALLOW:
            # RFC 9309, 2.2.2: rules that are not in any group are ignored.
            if not agent_lines or (strict and deviation):
                continue
            has_rules = True
            # An empty pattern restricts nothing, but it is a rule and closes the agent lines.
            if value:
                rule_lines.append(number)
        elif rule_keys and kind is OTHER and not deviation:
            has_rules = has_rules or (
                bool(agent_lines) and lines.keys[number - 1].lower() in rule_keys
            )
    if agent_lines:
        groups.append(Group(tuple(agent_lines), tuple(rule_lines)))
    return Robots(lines, tuple(groups), _by_token(lines, groups, strict=strict))


def _by_token(lines: Lines, groups: list[Group], *, strict: bool) -> dict[str, tuple[int, ...]]:
    """Map tokens in lower case to the positions of the groups that name them, in order."""
    index: dict[str, list[int]] = {}
    for position, group in enumerate(groups):
        for number in group.agents:
            value = lines.values[number - 1]
            deviates = lines.deviations[number - 1] == "robots.token_shape"
            for form in _lenient_forms(value, strict=strict) if deviates else (value.lower(),):
                positions = index.setdefault(form, [])
                if not positions or positions[-1] != position:
                    positions.append(position)
    return {token: tuple(positions) for token, positions in index.items()}


def _lenient_forms(value: str, *, strict: bool) -> tuple[str, ...]:
    # `*` followed by text is neither the star nor a token (PROTOCOLS.md, R40). A list of tokens
    # in one line names no agent (RFC 9309, erratum 8895). A star after a token is dropped, as
    # deployed crawlers do.
    if strict or not value or value[0] == "*" or "," in value:
        # Invisible characters around a star were removed; the strict reading has none.
        return ("*",) if value == "*" and not strict else ()
    return agents.token_forms(value.rstrip("*"))


def token_issues(robots: Robots) -> Iterator[Issue]:
    """Yield an issue for each token that is no catalogued agent but resembles one."""
    for number in (number for group in robots.groups for number in group.agents):
        token = robots.lines.values[number - 1].rstrip("*") or "*"
        if token == "*" or any(agents.find(form) for form in agents.token_forms(token)):
            continue
        similar = agents.suggest(token)
        if similar is not None:
            text = f"{to_printable(token)} is not {similar.token}"
            yield Issue(code="robots.agent.near_miss", line=number, excerpt=text[:200])


def named_agents(robots: Robots) -> Iterator[str]:
    """Yield the product tokens that have groups of their own, as written, each once.

    RFC 9309, erratum 8895: a list of tokens in one line names no agent.
    """
    seen = {"", "*"}
    for number in (number for group in robots.groups for number in group.agents):
        token = to_printable(robots.lines.values[number - 1]).rstrip("*")
        if token[:1] != "*" and "," not in token and token.lower() not in seen:
            seen.add(token.lower())
            yield token[:_MAX_TOKEN]


def url_patterns(robots: Robots) -> Iterator[UrlPattern]:
    """Yield the patterns of all rules in all groups.

    The groups of every agent are included, since a question may name any agent.
    """
    values = dict.fromkeys(
        robots.lines.values[n - 1] for group in robots.groups for n in group.rules
    )
    yield from selective(map(compile_cached, values))
    if values:
        yield _ROBOTS_TXT
