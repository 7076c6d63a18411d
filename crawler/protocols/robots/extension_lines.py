"""Lines of other protocols in the groups of robots.txt, and the statements made of them.

RFC 9309, 2.2.4, lets a file hold records that it does not define. Several drafts define such
records: each belongs to the group around it, and may begin with a path pattern.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, product
from typing import NamedTuple

from crawler.model import Issue, Reading, Statement
from crawler.protocols.parsing.json_document import limit_issues
from crawler.protocols.parsing.near_names import NearNames
from crawler.protocols.parsing.path_patterns import Pattern, compile_pattern
from crawler.protocols.robots import groups
from crawler.protocols.robots.document import RobotsFile, read_file, with_rules
from crawler.protocols.robots.groups import Group, Robots
from crawler.protocols.robots.line_reader import (
    AGENT,
    DISALLOW,
    EXTENSION_KEYS,
    OTHER,
    UNREADABLE,
    Lines,
    to_printable,
)
from crawler.protocols.url_patterns import UrlPattern, selective
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Stance

#: Limits for hostile files: lines read, statements kept, characters quoted of each.
_MAX_LINES, _MAX_STATEMENTS = 200, 200
_MAX_RAW, _MAX_TOKEN = 500, 200
_WORD = re.compile(r"([\w-]{1,40})[ \t]*[=-]?[ \t]*")
_PATH = re.compile(r"(/[^ \t]*)[ \t]*(.*)", re.DOTALL)


class ExtensionLine(NamedTuple):
    """A line with a key of another protocol.

    `number` is 1-based. `group` is the position of its group, None before the first group and in
    one that names no agent. `key`
    is in lower case. `value` is stripped and without the comment; it may hold surrogates.
    `is_near` says that the line was meant to have this key and does not: it is shown only.
    """

    number: int
    group: int | None
    key: str
    value: str
    text: str
    is_near: bool = False

    def issue(self, code: str, excerpt: str = "") -> Issue:
        """Make an issue that quotes the line, or the given part of it."""
        return Issue(
            code=code, line=self.number, excerpt=to_printable(excerpt or self.text.strip())[:200]
        )


class ParsedDirective(NamedTuple):
    """One directive: the stance of a line on one purpose, before it is addressed to an agent.

    A directive that is not `strict` is a lenient reading: it is shown and does not count.
    """

    rule: str
    stance: Stance
    purpose: Purpose
    tier: int
    policy: str | None = None
    strict: bool = True


class ParsedLine(NamedTuple):
    """A line after its value was parsed.

    `path` is the path pattern before the value, empty for all paths. A line that is not `valid`
    has no effect: its directives show only what was probably meant.
    """

    line: ExtensionLine
    path: str
    directives: tuple[ParsedDirective, ...]
    clause: str
    declared_by: DeclaredBy = DeclaredBy.ORIGIN_FILE
    valid: bool = True


class _GroupAgent(NamedTuple):
    """A product token as written and its line; `*` without a line before the first group."""

    token: str
    number: int | None


class ExtensionRule(NamedTuple):
    """A line as it answers questions.

    `group` is the position of its group, None before the first. `statements` holds one for each
    agent and directive. `is_effective` is False for lines that are shown only.
    """

    group: int | None
    pattern: Pattern
    statements: tuple[Statement, ...]
    is_effective: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRules:
    """The `Reading.rules` of these protocols: groups of the file, and its lines in order.

    `robots` holds the groups by the grammar of the protocol, `crawl` those of RFC 9309.
    """

    robots: Robots
    crawl: Robots
    lines: tuple[ExtensionRule, ...]


def read_extensible(body: bytes, rule_keys: frozenset[str] = frozenset()) -> RobotsFile | None:
    """Parse a body that may hold records. Return None for UTF-16 and for markup without groups.

    Lines with one of the `rule_keys` are rules of their group, which end its agent lines.
    """
    file = read_file(body)
    if file is None or (file.html and not {AGENT, DISALLOW} <= set(file.lines.kinds)):
        return None
    # Most files have no such line, and need no groups but their own.
    lowered = body.lower() if rule_keys else b""
    has_rules = any(key.encode() in lowered for key in rule_keys)
    return with_rules(file, rule_keys) if has_rules else file


def group_lines(file: RobotsFile, keys: frozenset[str]) -> list[ExtensionLine]:
    """Return the lines with one of the keys, at most 200, those in groups of `*` first.

    A group reaches from its first agent line to the first agent line of the next group.
    """
    lines = list(_lines_with(file, keys))
    if len(lines) > _MAX_LINES:
        star = file.robots.by_token.get("*", ())
        lines = sorted(sorted(lines, key=lambda line: line.group not in star)[:_MAX_LINES])
    return lines


def _lines_with(file: RobotsFile, keys: frozenset[str]) -> Iterator[ExtensionLine]:
    lines = file.lines
    starts = [group.agents[0] for group in file.robots.groups]
    nameless = {n for n, group in enumerate(file.robots.groups) if _is_nameless(lines, group)}
    columns = zip(lines.kinds, lines.keys, lines.values, lines.texts, strict=True)
    for number, (kind, written, value, text) in enumerate(columns, start=1):
        if kind is not OTHER and kind is not UNREADABLE:
            continue
        key, rest = written.lower(), value
        if kind is UNREADABLE:
            # A line without a colon, or with another mark in its place.
            word = _WORD.match(value)
            key, rest = (word[1].lower(), value[word.end() :]) if word else ("", "")
        meant = key if key in keys else _meant_key(key, keys)
        if meant:
            position = bisect_right(starts, number) - 1
            group = position if position >= 0 and position not in nameless else None
            is_near = key != meant or kind is UNREADABLE or bool(lines.deviations[number - 1])
            yield ExtensionLine(number, group, meant, rest, text, is_near)


def _is_nameless(lines: Lines, group: Group) -> bool:
    """Return whether a group names no agent, as with `User-agent:` and `User-agent: **`.

    Its lines are those of no group: shown for everybody, without effect.
    """
    tokens = [lines.values[number - 1] for number in group.agents]
    return all(not token or (token[0] == "*" and token != "*") for token in tokens)


@lru_cache(maxsize=4096)
def _meant_key(written: str, keys: frozenset[str]) -> str | None:
    """Return the key that a similar one means, None for keys that stand for something else."""
    return None if written in EXTENSION_KEYS else _spellings(keys).meant(written)


@lru_cache(maxsize=16)
def _spellings(keys: frozenset[str]) -> NearNames:
    return NearNames(sorted(keys))


def placement_issues(file: RobotsFile, lines: list[ExtensionLine], family: str) -> Iterator[Issue]:
    """Yield issues for lines before the first group, and between the agent lines of a group.

    RFC 9309, 2.2.4: another record must not end a group. For a reader that treats the line as a
    rule, it ends the agent lines above it. The two give the line to different agents.
    """
    starts = [group.agents[0] for group in file.crawl.groups]
    for line in lines:
        position = bisect_right(starts, line.number) - 1
        if line.is_near:
            yield line.issue(f"{family}.near_miss")
        if position < 0:
            yield line.issue(f"{family}.outside_group")
        elif line.group is None:
            yield line.issue(f"{family}.no_agent")
        elif file.crawl.groups[position].agents[-1] > line.number:
            yield line.issue(f"{family}.group_disputed")


def split_path(value: str) -> tuple[str, str]:
    """Split an optional path from the value behind it.

    draft-ietf-aipref-attach-05, 'Content-Usage rule': a path reaches from a leading `/` to the
    first space or tab.
    """
    match = _PATH.match(value)
    return (match[1], match[2]) if match else ("", value)


def build_reading(
    file: RobotsFile, parsed: list[ParsedLine], issues: list[Issue], family: str
) -> Reading:
    """Build the reading of a file from the parsed lines of one protocol.

    It is malformed if no line is valid. A line that no reading makes a statement of hides what it
    was meant to say, also next to lines that are valid. `family` prefixes the codes of issues about
    limits.
    """
    unnumbered, total = _rules(file.robots, parsed)
    if total > _MAX_STATEMENTS or len(parsed) == _MAX_LINES:
        text = f"{len(parsed)} lines, {total} statements; at most {_MAX_STATEMENTS} are kept"
        issues.insert(0, Issue(code=f"{family}.too_many", excerpt=text))
    rules = ExtensionRules(robots=file.robots, crawl=file.crawl, lines=tuple(_numbered(unnumbered)))
    return Reading(
        presence=Presence.PRESENT if any(map(_is_effective, parsed)) else Presence.MALFORMED,
        statements=tuple(s for rule in rules.lines for s in rule.statements),
        issues=limit_issues(issues, family),
        rules=rules,
        has_unread=any(not _is_effective(one) and not one.directives for one in parsed),
    )


def url_patterns(reading: Reading, /) -> Iterator[UrlPattern]:
    """Yield the path patterns that answers depend on: those of the lines and of the crawl rules."""
    rules = reading.rules
    if isinstance(rules, ExtensionRules):
        yield from groups.url_patterns(rules.crawl)
        yield from selective(rule.pattern for rule in rules.lines)


def named_agents(reading: Reading, /) -> Iterator[str]:
    """Yield the product tokens that have groups of their own, in the grammar of the protocol."""
    rules = reading.rules
    if isinstance(rules, ExtensionRules):
        yield from groups.named_agents(rules.robots)


def _is_effective(parsed: ParsedLine) -> bool:
    return parsed.valid and not parsed.line.is_near


def _rules(robots: Robots, parsed: list[ParsedLine]) -> tuple[list[ExtensionRule], int]:
    """Return the lines with their statements, and how many statements there are without a limit."""
    star = robots.by_token.get("*", ())
    agents: dict[int | None, list[_GroupAgent]] = {None: [_GroupAgent("*", None)]}
    rules: dict[int, ExtensionRule] = {}
    total = 0
    # Groups of `*` come first, so that the limit never drops what is said to all agents.
    for index, one in sorted(enumerate(parsed), key=lambda pair: pair[1].line.group not in star):
        group = one.line.group
        if group not in agents:
            agents[group] = _group_agents(robots, group or 0)
        pairs = islice(product(agents[group], one.directives), max(0, _MAX_STATEMENTS - total))
        total += len(agents[group]) * len(one.directives)
        statements = tuple(_statement(robots, one, directive, agent) for agent, directive in pairs)
        pattern = compile_pattern(one.path or "/")
        is_effective = _is_effective(one) and group is not None
        rules[index] = ExtensionRule(group, pattern, statements, is_effective)
    return [rules[index] for index in range(len(parsed))], total


def _numbered(rules: list[ExtensionRule]) -> Iterator[ExtensionRule]:
    start = 0
    for rule in rules:
        numbered = enumerate(rule.statements, start=start + 1)
        yield rule._replace(statements=tuple(replace(s, n=n) for n, s in numbered))
        start += len(rule.statements)


def _group_agents(robots: Robots, group: int) -> list[_GroupAgent]:
    """Return the agents that a group names, each once; only `*` if it is among them."""
    by_token: dict[str, _GroupAgent] = {}
    for number in robots.groups[group].agents:
        value = robots.lines.values[number - 1]
        if value == "*":
            return [_GroupAgent(value, number)]
        # RFC 9309, erratum 8895: a list of tokens in one line names no agent. Nor does `*`
        # followed by text (see `groups._lenient_forms`).
        if value and value[0] != "*" and "," not in value:
            by_token.setdefault(value.lower(), _GroupAgent(value, number))
    return list(by_token.values())


def _statement(
    robots: Robots, parsed: ParsedLine, directive: ParsedDirective, agent: _GroupAgent
) -> Statement:
    line = parsed.line
    # A line before the first group addresses no agent (RFC 9309, 2.2): it is shown only.
    strict = directive.strict and _is_effective(parsed) and line.group is not None
    return Statement(
        rule=directive.rule,
        stance=directive.stance,
        purpose=directive.purpose,
        tier=directive.tier,
        place=f"robots.txt line {line.number}",
        raw=_quote(robots, line, agent),
        clause=parsed.clause,
        declared_by=parsed.declared_by,
        line=line.number,
        agent=to_printable(agent.token)[:_MAX_TOKEN],
        path=to_printable(parsed.path)[:_MAX_RAW] if parsed.path else None,
        policy=directive.policy,
        reads=Reads.BOTH if strict else Reads.LENIENT,
        counts=strict,
        agent_line=agent.number,
    )


def _quote(robots: Robots, line: ExtensionLine, agent: _GroupAgent) -> str:
    text = line.text.strip(" \t")
    if agent.number is not None:
        text = f"{robots.lines.texts[agent.number - 1].strip()[:_MAX_TOKEN]}\n{text}"
    return to_printable(text[:_MAX_RAW])
