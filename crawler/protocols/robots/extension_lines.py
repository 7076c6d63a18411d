"""Lines of other protocols in the groups of robots.txt, and the statements made of them.

RFC 9309, 2.2.4, lets a file hold records that it does not define. Some of them, it is said
elsewhere, belong to the group they stand in and may begin with a path pattern.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import NamedTuple

from crawler.model import Issue, Reading, Statement
from crawler.protocols.parsing.json_document import capped
from crawler.protocols.parsing.path_patterns import Pattern, compile_pattern
from crawler.protocols.robots.document import File, read_file
from crawler.protocols.robots.groups import Robots
from crawler.protocols.robots.line_reader import AGENT, DISALLOW, OTHER, shown
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Stance

#: How many lines of a file are read, and how many statements are kept: files can be hostile.
_LINES, _STATEMENTS = 200, 200
_RAW, _TOKEN = 500, 200
_PATH = re.compile(r"(/[^ \t]*)[ \t]*(.*)", re.DOTALL)


class ExtensionLine(NamedTuple):
    """A line: its number, the position of its group (None before any), its key in lower case.

    `value` is without comment and white space around it; octets may be surrogates.
    """

    number: int
    group: int | None
    key: str
    value: str
    text: str

    def issue(self, code: str, excerpt: str = "") -> Issue:
        """An issue that quotes the line, or something of it."""
        return Issue(code=code, line=self.number, excerpt=shown(excerpt or self.text.strip())[:200])


class ParsedDirective(NamedTuple):
    """One thing that a line says; one that is not `strict` is shown and does not count."""

    rule: str
    stance: Stance
    purpose: Purpose
    tier: int
    policy: str | None = None
    strict: bool = True


class ParsedLine(NamedTuple):
    """A line, the path it is limited to (empty for all), and what it says.

    `valid` says that it is in force; else what it says is only what was meant.
    """

    line: ExtensionLine
    path: str
    said: tuple[ParsedDirective, ...]
    clause: str
    declared_by: DeclaredBy = DeclaredBy.ORIGIN_FILE
    valid: bool = True


class _GroupAgent(NamedTuple):
    """A token as written and the number of its line; without one, everybody."""

    token: str
    number: int | None


class ExtensionRule(NamedTuple):
    """A line: its group, its pattern, its statements for each agent, and whether it is in force."""

    group: int | None
    pattern: Pattern
    statements: tuple[Statement, ...]
    is_in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRules:
    """What answers questions: the groups of the file and the lines in order."""

    robots: Robots
    lines: tuple[ExtensionRule, ...]


def open_file(body: bytes) -> File | None:
    """A file that records may stand in; None for UTF-16, and for markup without a group."""
    file = read_file(body)
    if file is None or (file.html and not {AGENT, DISALLOW} <= set(file.lines.kinds)):
        return None
    return file


def group_lines(file: File, keys: frozenset[str]) -> list[ExtensionLine]:
    """The lines with one of the keys; a group reaches from its first agent to the next group's.

    Of very many lines those for everybody are kept first.
    """
    found = list(_extras(file, keys))
    if len(found) > _LINES:
        star = file.robots.by_token.get("*", ())
        found = sorted(sorted(found, key=lambda line: line.group not in star)[:_LINES])
    return found


def _extras(file: File, keys: frozenset[str]) -> Iterator[ExtensionLine]:
    lines = file.lines
    starts = [group.agents[0] for group in file.robots.groups]
    columns = zip(lines.kinds, lines.keys, lines.values, lines.texts, strict=True)
    for number, (kind, written, value, text) in enumerate(columns, start=1):
        key = written.lower() if kind is OTHER else ""
        if key in keys:
            at = bisect_right(starts, number) - 1
            yield ExtensionLine(number, at if at >= 0 else None, key, value, text)


def places(file: File, lines: list[ExtensionLine], family: str) -> Iterator[Issue]:
    """Lines before any group, and lines between the agents of one.

    RFC 9309, 2.2.4: another record must not end a group. A reader that knows the line takes it
    for a rule, and so for the end of the agents above. RFC 9309 decides, and an issue says so.
    """
    for line in lines:
        if line.group is None:
            yield line.issue(f"{family}.outside_group")
        elif file.robots.groups[line.group].agents[-1] > line.number:
            yield line.issue(f"{family}.group_disputed")


def split_path(value: str) -> tuple[str, str]:
    """A path that stands before a value, and the value.

    AIPREF attach, 'Content-Usage rule': from a `/` to the first space or tab.
    """
    match = _PATH.match(value)
    return (match[1], match[2]) if match else ("", value)


def reading(file: File, told: list[ParsedLine], issues: list[Issue], family: str) -> Reading:
    """The reading of a file with lines of a protocol; malformed if none of them is valid."""
    made, total = _rules(file.robots, told)
    if total > _STATEMENTS or len(told) == _LINES:
        text = f"{len(told)} lines, {total} statements; at most {_STATEMENTS} are kept"
        issues.insert(0, Issue(code=f"{family}.too_many", excerpt=text))
    rules = ExtensionRules(robots=file.robots, lines=tuple(_numbered(made)))
    return Reading(
        presence=Presence.PRESENT if any(one.valid for one in told) else Presence.MALFORMED,
        statements=tuple(s for rule in rules.lines for s in rule.statements),
        issues=capped(issues, family),
        rules=rules,
    )


def _rules(robots: Robots, told: list[ParsedLine]) -> tuple[list[ExtensionRule], int]:
    """The lines with their statements, those for everybody first, and how many there would be."""
    star = robots.by_token.get("*", ())
    agents: dict[int | None, list[_GroupAgent]] = {None: [_GroupAgent("*", None)]}
    made: dict[int, ExtensionRule] = {}
    total = 0
    for at, one in sorted(enumerate(told), key=lambda pair: pair[1].line.group not in star):
        group = one.line.group
        if group not in agents:
            agents[group] = _named(robots, group or 0)
        pairs = islice(product(agents[group], one.said), max(0, _STATEMENTS - total))
        total += len(agents[group]) * len(one.said)
        statements = tuple(_statement(robots, one, said, agent) for agent, said in pairs)
        is_in_force = one.valid and group is not None
        made[at] = ExtensionRule(group, compile_pattern(one.path or "/"), statements, is_in_force)
    return [made[at] for at in range(len(told))], total


def _numbered(rules: list[ExtensionRule]) -> Iterator[ExtensionRule]:
    start = 0
    for rule in rules:
        found = enumerate(rule.statements, start=start + 1)
        yield rule._replace(statements=tuple(replace(s, n=n) for n, s in found))
        start += len(rule.statements)


def _named(robots: Robots, group: int) -> list[_GroupAgent]:
    """The agents that a group names, each once; `*` alone if it is among them.

    A list in one line names nobody (RFC 9309, erratum 8895), nor does `*` with something behind.
    """
    found: dict[str, _GroupAgent] = {}
    for number in robots.groups[group].agents:
        value = robots.lines.values[number - 1]
        if value == "*":
            return [_GroupAgent(value, number)]
        if value and value[0] != "*" and "," not in value:
            found.setdefault(value.lower(), _GroupAgent(value, number))
    return list(found.values())


def _statement(
    robots: Robots, told: ParsedLine, said: ParsedDirective, agent: _GroupAgent
) -> Statement:
    """What a line says to an agent; before any group it addresses nobody (RFC 9309, 2.2)."""
    line = told.line
    strict = said.strict and told.valid and line.group is not None
    return Statement(
        rule=said.rule,
        stance=said.stance,
        purpose=said.purpose,
        tier=said.tier,
        place=f"robots.txt line {line.number}",
        raw=_raw(robots, line, agent),
        clause=told.clause,
        declared_by=told.declared_by,
        line=line.number,
        agent=shown(agent.token)[:_TOKEN],
        path=shown(told.path)[:_RAW] if told.path else None,
        policy=said.policy,
        reads=Reads.BOTH if strict else Reads.LENIENT,
        counts=strict,
    )


def _raw(robots: Robots, line: ExtensionLine, agent: _GroupAgent) -> str:
    text = line.text.strip(" \t")
    if agent.number is not None:
        text = f"{robots.lines.texts[agent.number - 1].strip()[:_TOKEN]}\n{text}"
    return shown(text[:_RAW])
