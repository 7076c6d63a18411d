"""ai.txt of Spawning: file types and paths that data sets for AI training may not take.

It looks like robots.txt and is not: `*.jpg` is a file extension, compared without case at
the end of the path, and a rule about a type beats one about everything. No grammar was ever
published; where readers could differ, the stricter reading is taken.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement, numbered
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, path_patterns
from crawler.protocols.parsing.json_document import excerpt
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Resource, Stance

NAME = "ai_txt"
VERSION = 1
TITLE = "ai.txt (Spawning)"
SPEC = "https://spawning.substack.com/p/aitxt-a-new-way-for-websites-to-set"
FAMILY = "ai_txt"
RANK = 1
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.AI_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "Spawning ai.txt, announcement of 2023-05-30"
_EVERYTHING = frozenset(("/", "*", "/*"))
_TYPE = re.compile(r"/?\*\.([^\s./*$?]+)\$?")
# Agents times rules of a group; the longest generated file has some 120 rules for one agent.
_MOST = 10_000
_KEYS = {"useragent": "agent", "allow": "allow", "disallow": "disallow"}


class _AiTxtLine(NamedTuple):
    """A line with a field: `key` is agent, allow, disallow or, for any other, empty."""

    number: int
    key: str
    value: str
    raw: str


class _AiTxtRule(NamedTuple):
    """A statement, and the pattern of its path when it is about one."""

    statement: Statement
    pattern: path_patterns.Pattern | None = None

    @property
    def universal(self) -> bool:
        """Whether it is about everything."""
        return self.pattern is None and self.statement.media is None

    @property
    def extension(self) -> str:
        """The extension it is about, as those of normalised paths are written."""
        return path_patterns.normalise(self.statement.media or "").lower()

    @property
    def reserves(self) -> bool:
        return self.statement.stance is Stance.RESERVED


def parse(document: Document, /) -> Reading:
    """Read a file of this format; another one at the same address says nothing here."""
    text, quirk = json_document.decode(document.body)
    lines, prose = _lines(text, document.truncated)
    if nothing := _nothing(document, text, lines, prose):
        return Reading(presence=Presence.ABSENT, issues=(nothing,))
    issues = [Issue(code=f"ai_txt.{quirk}")] if quirk else []
    if document.truncated:
        issues.append(Issue(code="ai_txt.truncated"))
    if "html" in document.media_type:
        issues.append(Issue(code="ai_txt.media_type", excerpt=excerpt(document.media_type)))
    rules = list(islice(_rules(lines, issues), _MOST + 1))
    if len(rules) > _MOST:
        issues.append(Issue(code="ai_txt.too_many_rules"))
        rules.pop()
    statements = numbered([rule.statement for rule in rules])
    issues.extend(_unknown(lines, prose))
    issues.extend(_extensionless(rules))
    return Reading(
        presence=Presence.PRESENT,
        statements=statements,
        issues=json_document.capped(issues, FAMILY),
        rules=tuple(_AiTxtRule(s, r.pattern) for s, r in zip(statements, rules, strict=True)),
    )


def _lines(text: str, truncated: bool) -> tuple[list[_AiTxtLine], list[_AiTxtLine]]:
    """The lines with a field and the lines of prose; a line that was cut off is neither."""
    fields, prose = [], []
    written = re.split(r"\r\n|\r|\n", text)
    for number, raw in enumerate(written[:-1] if truncated else written, start=1):
        line = raw.partition("#")[0].strip()
        name, colon, value = line.partition(":")
        key = re.sub(r"[\s_-]", "", name).lower()
        if colon and re.fullmatch(r"[A-Za-z][\w .-]{0,39}", name):
            fields.append(_AiTxtLine(number, _KEYS.get(key, ""), value.strip(), raw))
        elif line:
            prose.append(_AiTxtLine(number, "", line, raw))
    return fields, prose


def _nothing(
    document: Document, text: str, lines: list[_AiTxtLine], prose: list[_AiTxtLine]
) -> Issue | None:
    """Why a body is not a file of this format at all, if so.

    A group makes it one, or rules without a group when nothing else stands in the file.
    """
    if not text.strip():
        return Issue(code="ai_txt.empty")
    if text.lstrip()[0] == "<":
        return Issue(code="ai_txt.soft_404", line=1, excerpt=excerpt(text))
    if "\x00" in text:
        return Issue(code="ai_txt.binary", excerpt=excerpt(document.media_type))
    rules = any(line.key in ("allow", "disallow") and _about(line.value) for line in lines)
    alone = not prose and all(line.key for line in lines)
    if rules and (alone or any(line.key == "agent" for line in lines)):
        return None
    code = "ai_txt.soft_404" if "html" in document.media_type else "ai_txt.other_format"
    return Issue(code=code, line=1, excerpt=excerpt(text))


def _about(value: str) -> bool:
    """Whether a rule's value has a meaning: empty, or from the root or a wildcard on."""
    return value == "" or value[0] in "/*"


def _rules(lines: list[_AiTxtLine], issues: list[Issue]) -> Iterator[_AiTxtRule]:
    """The rules of every group in order; agents on consecutive lines share a group."""
    agents: list[str] = []
    collecting = False
    for line in lines:
        if line.key == "agent":
            agents = agents if collecting else []
            agents.append(line.value)
            collecting = True
            if line.value == "*/":
                issues.append(_issue("agent_artefact", line))
        elif line.key:
            collecting = False
            if not agents:
                issues.append(_issue("no_agent", line))
            if not _about(line.value):
                issues.append(_issue("value", line))
            elif line.value:
                yield from (_rule(line, agent) for agent in agents or ["*"])


def _rule(line: _AiTxtLine, agent: str) -> _AiTxtRule:
    """One rule for one agent; `*/` is what the WordPress plugin made of `*`."""
    media = _TYPE.fullmatch(line.value)
    about = "type" if media else "all" if line.value in _EVERYTHING else "path"
    strict = agent != "*/"
    statement = Statement(
        rule=f"ai_txt.{line.key}.{about}",
        stance=Stance.RESERVED if line.key == "disallow" else Stance.PERMITTED,
        purpose=Purpose.AI_TRAIN,
        tier=2,
        place=f"ai.txt line {line.number}",
        raw=line.raw.strip()[:1000],
        clause=_CLAUSE,
        declared_by=DeclaredBy.ORIGIN_FILE,
        line=line.number,
        agent=agent if strict else "*",
        path=None if media else line.value,
        media=media[1].lower() if media else None,
        reads=Reads.BOTH if strict else Reads.LENIENT,
        counts=strict,
    )
    return _AiTxtRule(
        statement, path_patterns.compile_pattern(line.value) if about == "path" else None
    )


def _issue(code: str, line: _AiTxtLine) -> Issue:
    return Issue(code=f"ai_txt.{code}", line=line.number, excerpt=excerpt(line.raw))


def _unknown(lines: list[_AiTxtLine], prose: list[_AiTxtLine]) -> Iterator[Issue]:
    """Fields of other formats in the file, each name once, and the first line of prose."""
    seen: set[str] = set()
    for line in lines:
        name = line.raw.partition(":")[0].strip().lower()
        if not line.key and name not in seen:
            seen.add(name)
            yield _issue("unknown_field", line)
    yield from (_issue("prose", line) for line in prose[:1])


def _extensionless(rules: list[_AiTxtRule]) -> Iterator[Issue]:
    """Pages whose address has no extension escape a rule about their type."""
    universal = any(rule.universal and not rule.reserves for rule in rules)
    for rule in rules:
        if universal and rule.reserves and rule.statement.media in ("html", "htm"):
            one = rule.statement
            yield Issue(code="ai_txt.extensionless", line=one.line, excerpt=excerpt(one.raw))
            return


def limits_of(reading: Reading) -> tuple[tuple[str | None, path_patterns.Pattern | None], ...]:
    """What limits the rules of a file: a type, or the pattern of a path."""
    rules: tuple[_AiTxtRule, ...] = reading.rules if isinstance(reading.rules, tuple) else ()
    return tuple((rule.statement.media, rule.pattern) for rule in rules)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What decides for a path, or for the whole origin, the counting groups first.

    As in robots.txt, a group that names the agent asked about replaces the one for `*`.
    """
    rules: tuple[_AiTxtRule, ...] = reading.rules if isinstance(reading.rules, tuple) else ()
    groups: dict[tuple[bool, str], list[_AiTxtRule]] = {}
    for rule in rules:
        agent = rule.statement.agent.lower()
        groups.setdefault((not rule.statement.counts, agent), []).append(rule)
    asked = (question.agent or "*").lower()
    named = asked != "*" and (False, asked) in groups
    return tuple(
        AppliedStatement(
            statement=applied.statement,
            limited_to="agents" if asked == "*" != agent else applied.limited_to,
        )
        for (lenient, agent), group in sorted(groups.items(), key=lambda item: item[0][0])
        if asked in ("*", agent) or (agent == "*" and (lenient or not named))
        for applied in _group(group, question.path)
    )


def _group(rules: list[_AiTxtRule], path: str | None) -> Iterator[AppliedStatement]:
    return _everywhere(rules) if path is None else _at(rules, path)


def _at(rules: list[_AiTxtRule], path: str) -> Iterator[AppliedStatement]:
    """The rule that decides for a path: type and path before everything.

    Of a type and a path that disagree, and of equal rules, the one that reserves decides.
    """
    normal = path_patterns.normalise_path(path.partition("?")[0])
    media = _extension(normal)
    typed = [rule for rule in rules if media and rule.extension == media]
    pathed = [
        rule for rule in rules if rule.pattern and path_patterns.matches(rule.pattern, normal)
    ]
    found = [_strictest(typed), _strictest(_longest(pathed))]
    special = _strictest([rule for rule in found if rule])
    decides = special or _strictest([rule for rule in rules if rule.universal])
    if decides:
        yield AppliedStatement(statement=decides.statement)


def _extension(path: str) -> str:
    """The extension of a path in lower case: after the last dot of the last segment."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _longest(rules: list[_AiTxtRule]) -> list[_AiTxtRule]:
    most = max((rule.pattern.octets for rule in rules if rule.pattern), default=0)
    return [rule for rule in rules if rule.pattern and rule.pattern.octets == most]


def _strictest(rules: list[_AiTxtRule]) -> _AiTxtRule | None:
    """The first that reserves, else the first."""
    return next((rule for rule in rules if rule.reserves), next(iter(rules), None))


def _everywhere(rules: list[_AiTxtRule]) -> Iterator[AppliedStatement]:
    """Every rule that decides something, and what limits it."""
    universal = _strictest([rule for rule in rules if rule.universal])
    special = _prevailing([rule for rule in rules if not rule.universal])
    for rule in [universal] if universal else []:
        against = [other for other in special if other.reserves is not rule.reserves]
        parts = sorted(_part(other) for other in against)
        yield AppliedStatement(statement=rule.statement, limited_to=parts[-1] if parts else "")
    yield from (
        AppliedStatement(statement=rule.statement, limited_to=_part(rule)) for rule in special
    )


def _prevailing(rules: list[_AiTxtRule]) -> list[_AiTxtRule]:
    """Of rules about the same type or path, the one that decides."""
    same: dict[tuple[str | None, str | None], list[_AiTxtRule]] = {}
    for rule in rules:
        same.setdefault((rule.statement.media, rule.statement.path), []).append(rule)
    return [one for group in same.values() if (one := _strictest(group))]


def _part(rule: _AiTxtRule) -> str:
    return "file types" if rule.statement.media else "paths"
