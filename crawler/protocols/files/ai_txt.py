"""ai.txt of Spawning: file types and paths that data sets for AI training may not take.

Rules for editors. The format looks like robots.txt but differs from it: `*.jpg` is a file
extension, compared without case with the end of the path, and a rule about a type beats one
about everything. No grammar was ever published (announcement of 2023-05-30). Where readers could
differ, the stricter reading is taken. Lines of other dialects about training are lenient
readings (`_training_lines`), and a file with one that reserves permits nothing. Sentences in
comments and in other text are candidates.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from crawler.model import (
    AppliedStatement,
    Candidate,
    Document,
    Issue,
    Question,
    Reading,
    Statement,
    numbered,
)
from crawler.protocols.files import _training_lines
from crawler.protocols.files._training_lines import TrainingLine
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, path_patterns
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.prose import text_search
from crawler.protocols.url_patterns import ComparedPart, UrlPattern
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Resource, Stance

NAME = "ai_txt"
VERSION = 2
TITLE = "ai.txt (Spawning)"
SPEC = "https://spawning.substack.com/p/aitxt-a-new-way-for-websites-to-set"
FAMILY = "ai_txt"
RANK = 1
CARRIER = Carrier.BODY
# Spawning announced the root; files of its format at the other address mean the same.
RESOURCES = frozenset({Resource.AI_TXT, Resource.AI_TXT_WELL_KNOWN})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "Spawning ai.txt, announcement of 2023-05-30"
# The generator of Spawning writes both `/` and `*` for everything.
_EVERYTHING = frozenset(("/", "*", "/*"))
# A file type has one dot: `*.tar.gz` is a path pattern.
_TYPE = re.compile(r"/?\*\.([^\s./*$?]+)\$?")
# Pairs of agent and rule; the longest generated file has about 120 rules for one agent.
_MAX_RULES = 10_000
_MAX_DIALECT_LINES = 200
_OTHER_FORMAT = "ai_txt.other_format"
# What may stand around a field in Markdown and JSON.
_MARKUP = " \t-*•>{},|"
# A field with the separator of trust.txt.
_EQUAL = re.compile(r"([A-Za-z][\w .-]{0,39}?)[ \t]*=[ \t]*(.*)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_FIELD = re.compile(r"[ \t]*[A-Za-z][\w .-]{0,39}[:=]")
# Names are compared without case, blanks, `_` and `-`, since `USER_AGENT :` occurs.
_KEYS = {"useragent": "agent", "allow": "allow", "disallow": "disallow"}
_USUAL_KEYS = {"User-Agent": "agent", "Allow": "allow", "Disallow": "disallow"}
_SEPARATORS = re.compile(r"[\s_-]")
_NAME = re.compile(r"[A-Za-z][\w .-]{0,39}")


class _AiTxtLine(NamedTuple):
    """A line with a field. `key` is `agent`, `allow` or `disallow`, and empty for other fields.

    `training` is what a line of another dialect means about training or mining, else None.
    """

    number: int
    key: str
    value: str
    raw: str
    training: TrainingLine | None = None


class _AiTxtRule(NamedTuple):
    """A statement, with the compiled pattern if it is about a path.

    `is_dialect` marks a line of another dialect: it is compared with lines of its kind only.
    """

    statement: Statement
    pattern: path_patterns.Pattern | None = None
    is_dialect: bool = False

    @property
    def universal(self) -> bool:
        """True for a rule about everything."""
        return self.pattern is None and self.statement.media is None

    @property
    def extension(self) -> str:
        """The file extension in the form of normalised paths; empty if it has none."""
        return path_patterns.normalise(self.statement.media or "").lower()

    @property
    def reserves(self) -> bool:
        return self.statement.stance is not Stance.PERMITTED


def parse(document: Document, /) -> Reading:
    """Return the reading of a file; a file of another format at this address is absent."""
    text, deviation = json_document.decode(document.body)
    lines, prose = _lines(text, document.truncated)
    reason = _absence(document, text, lines, prose)
    dialect = _dialect(lines) if reason is None or reason.code == _OTHER_FORMAT else []
    candidates = _candidates(text) if reason is None or reason.code == _OTHER_FORMAT else ()
    if reason and not dialect:
        return Reading(presence=Presence.ABSENT, issues=(reason,), candidates=candidates)
    issues = [Issue(code=f"ai_txt.{deviation}")] if deviation else []
    issues += [reason] if reason else []
    if document.truncated:
        issues.append(Issue(code="ai_txt.truncated"))
    # The body decides what a file is; a wrong media type is only noted.
    if "html" in document.media_type:
        issues.append(Issue(code="ai_txt.media_type", excerpt=excerpt(document.media_type)))
    rules = [] if reason else list(islice(_rules(lines, issues), _MAX_RULES + 1))
    if len(rules) > _MAX_RULES:
        issues.append(Issue(code="ai_txt.too_many_rules"))
        rules.pop()
    refusal = _refusal(text)
    if refusal and not all(rule.reserves for rule in rules):
        issues.append(refusal)
    if refusal or any(rule.reserves for rule in dialect):
        # Whoever refuses training in words of his own did not mean the file to permit it.
        rules = [rule if rule.reserves else _without_effect(rule) for rule in rules]
    rules += dialect
    statements = numbered([rule.statement for rule in rules])
    # Of another format only the lines about training are of interest.
    ignored = ([line for line in lines if line.training], []) if reason else (lines, prose)
    issues.extend(_ignored_lines(*ignored))
    issues.extend(_extensionless(rules))
    return Reading(
        presence=Presence.MALFORMED if reason else Presence.PRESENT,
        statements=statements,
        issues=json_document.limit_issues(issues, FAMILY),
        candidates=candidates,
        rules=tuple(
            [
                rule if rule.statement is s else rule._replace(statement=s)
                for s, rule in zip(statements, rules, strict=True)
            ]
        ),
    )


def _candidates(text: str) -> tuple[Candidate, ...]:
    """Return the passages of comments, then those of other text, that may reserve."""
    comments = text_search.search_comments(text, "ai_txt_comment")
    return text_search.limit((*comments, *text_search.search_text(text, "ai_txt_text")))


def _refusal(text: str) -> Issue | None:
    """Return an issue for the first comment or line of prose that speaks against training."""
    for number, raw in enumerate(_LINE_END.split(text), start=1):
        line, _, comment = raw.partition("#")
        prose = "" if _FIELD.match(line) else line
        # Most lines have neither, and these files may have many lines.
        if any(map(_training_lines.speaks_against, filter(None, (prose, comment)))):
            return Issue(code="ai_txt.refusal_in_prose", line=number, excerpt=excerpt(raw))
    return None


def _lines(text: str, truncated: bool) -> tuple[list[_AiTxtLine], list[_AiTxtLine]]:
    """Return the lines with a field and the lines of prose.

    The last line of a truncated file is left out: a rule that was cut off means something else.
    """
    fields, prose = [], []
    raw_lines = _LINE_END.split(text)
    for number, raw in enumerate(raw_lines[:-1] if truncated else raw_lines, start=1):
        line = raw.partition("#")[0].strip()
        name, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(name):
            fields.append(_field(number, name, value.strip(), raw))
        elif (equal := _EQUAL.fullmatch(line)) and (
            training := _training_lines.read_training_line(equal[1], equal[2])
        ):
            fields.append(_AiTxtLine(number, "", equal[2], raw, training))
        elif line:
            if training := _in_markup(line):
                fields.append(_AiTxtLine(number, "", "", raw, training))
            prose.append(_AiTxtLine(number, "", line, raw))
    return fields, prose


def _field(number: int, name: str, value: str, raw: str) -> _AiTxtLine:
    """Return a line with a field; a rule whose value is a path is never a line of a dialect."""
    key = _USUAL_KEYS.get(name) or _KEYS.get(_SEPARATORS.sub("", name).lower(), "")
    is_known = key == "agent" or (bool(key) and _is_rule(value))
    training = None if is_known else _training_lines.read_training_line(name, value)
    return _AiTxtLine(number, key, value, raw, training)


def _in_markup(line: str) -> TrainingLine | None:
    """Return the meaning of a field in a list of Markdown or in JSON, None for other lines."""
    name, separator, value = line.strip(_MARKUP).replace("**", "").partition(":")
    name, value = name.strip(" \"'"), value.strip(" \"',")
    if not separator or not _NAME.fullmatch(name):
        return None
    return _training_lines.read_training_line(name, value)


def _dialect(lines: Iterable[_AiTxtLine]) -> list[_AiTxtRule]:
    """Return the rules of lines about training in other dialects, for the agents above them."""
    rules: list[_AiTxtRule] = []
    agents: list[str] = []
    collecting = False
    for line in lines:
        if line.key == "agent":
            agents = [*agents, line.value] if collecting else [line.value]
        elif line.training and line.training.stance and len(rules) < _MAX_DIALECT_LINES:
            rules += [_dialect_rule(line, line.training, agent) for agent in agents or ["*"]]
        collecting = line.key == "agent"
    return rules[:_MAX_DIALECT_LINES]


def _dialect_rule(line: _AiTxtLine, training: TrainingLine, agent: str) -> _AiTxtRule:
    path = training.path or "/"
    rule = _rule(line._replace(key="disallow", value=path), agent)
    statement = replace(
        rule.statement,
        rule="ai_txt.training_line",
        stance=training.stance or rule.statement.stance,
        purpose=training.purpose,
        agent="*" if agent == "*/" else agent,
        policy=training.policy and clean(training.policy),
        raw=clean(rule.statement.raw),
        clause="no specification; a line in words of its own",
        reads=Reads.LENIENT,
        counts=False,
    )
    return _AiTxtRule(statement, rule.pattern, is_dialect=True)


def _without_effect(rule: _AiTxtRule) -> _AiTxtRule:
    statement = replace(rule.statement, counts=False, reads=Reads.LENIENT)
    return rule._replace(statement=statement)


def _absence(
    document: Document, text: str, lines: list[_AiTxtLine], prose: list[_AiTxtLine]
) -> Issue | None:
    """Return the reason why a body is not an ai.txt of this format, or None if it is one."""
    if not text.strip():
        return Issue(code="ai_txt.empty")
    # Many sites answer every address with a page (soft 404).
    if text.lstrip()[0] == "<":
        return Issue(code="ai_txt.soft_404", line=1, excerpt=excerpt(text))
    if "\x00" in text:
        return Issue(code="ai_txt.binary", excerpt=excerpt(document.media_type))
    # Markdown and instructions to language models are at the same address. So a file needs a
    # rule in a group, or rules and nothing else, except lines about training.
    has_rules = any(line.key in ("allow", "disallow") and _is_rule(line.value) for line in lines)
    only_rules = not prose and all(line.key or line.training for line in lines)
    if has_rules and (only_rules or any(line.key == "agent" for line in lines)):
        return None
    code = "ai_txt.soft_404" if "html" in document.media_type else "ai_txt.other_format"
    return Issue(code=code, line=1, excerpt=excerpt(text))


def _is_rule(value: str) -> bool:
    """Return whether a rule's value has a meaning: it is empty, or starts with `/` or `*`."""
    return value == "" or value[0] in "/*"


def _rules(lines: list[_AiTxtLine], issues: list[Issue]) -> Iterator[_AiTxtRule]:
    """Yield the rules of all groups in order, once for each agent of their group."""
    agents: list[str] = []
    n = 0
    collecting = False  # agents on consecutive lines share a group, as in robots.txt
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
            if not _is_rule(line.value):
                # A line about training has an issue of its own (`_ignored_lines`).
                issues += [] if line.training else [_issue("value", line)]
            elif line.value:
                for agent in agents or ["*"]:
                    n += 1
                    yield _rule(line, agent, n)


def _rule(line: _AiTxtLine, agent: str, n: int = 0) -> _AiTxtRule:
    """Return one rule for one agent; `n` is its number."""
    # The type decides over the path syntax: `*.jpg` would also be a valid path pattern.
    media = _TYPE.fullmatch(line.value)
    about = "type" if media else "all" if line.value in _EVERYTHING else "path"
    # Version 1.0 of Spawning's WordPress plugin wrote `*/` for `*`: a lenient reading only.
    strict = agent != "*/"
    statement = Statement(
        rule=f"ai_txt.{line.key}.{about}",
        stance=Stance.RESERVED if line.key == "disallow" else Stance.PERMITTED,
        # The announcement names AI training; it lacks the words of Art. 4(3), hence tier 2.
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
        n=n,
    )
    return _AiTxtRule(
        statement, path_patterns.compile_pattern(line.value) if about == "path" else None
    )


def _issue(code: str, line: _AiTxtLine) -> Issue:
    return Issue(code=f"ai_txt.{code}", line=line.number, excerpt=excerpt(line.raw))


def _ignored_lines(lines: list[_AiTxtLine], prose: list[_AiTxtLine]) -> Iterator[Issue]:
    """Yield issues for unknown fields, each name once, and for the first line of prose."""
    seen: set[str] = set()
    for line in lines:
        name = line.raw.partition(":")[0].strip().lower()
        if line.training:
            yield _issue("training_line", line)
        elif not line.key and name not in seen:
            seen.add(name)
            yield _issue("unknown_field", line)
    yield from (_issue("prose", line) for line in prose[:1])


def _extensionless(rules: list[_AiTxtRule]) -> Iterator[Issue]:
    """Yield an issue where HTML is reserved and everything else permitted.

    Pages whose URL has no extension then fall under the permission.
    """
    permits_rest = any(rule.universal and not rule.reserves for rule in rules)
    for rule in rules:
        if permits_rest and rule.reserves and rule.statement.media in ("html", "htm"):
            html = rule.statement
            yield Issue(code="ai_txt.extensionless", line=html.line, excerpt=excerpt(html.raw))
            return


def named_agents(reading: Reading, /) -> Iterator[str]:
    """Yield the product tokens of groups apart from `*`, as written (a hook of `interface`)."""
    rules: tuple[_AiTxtRule, ...] = reading.rules if isinstance(reading.rules, tuple) else ()
    yield from dict.fromkeys(rule.statement.agent for rule in rules if rule.statement.agent != "*")


def url_patterns(reading: Reading, /) -> Iterator[UrlPattern]:
    """Yield the patterns that answers depend on: file types by the end of a path, and paths.

    Both are compared with the path without its query, as in `_for_path`.
    """
    rules: tuple[_AiTxtRule, ...] = reading.rules if isinstance(reading.rules, tuple) else ()
    for rule in rules:
        if rule.statement.media:
            ending = f".{rule.extension}"
            yield UrlPattern(
                ComparedPart.LOWER,
                path_patterns.Pattern(f"*{ending}$", ("", ending), True, len(ending) + 2),
            )
        elif rule.pattern and not rule.pattern.universal:
            yield UrlPattern(ComparedPart.BARE, rule.pattern)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements that decide for a path, or for the whole origin.

    Groups that count come first. As in robots.txt, a group that names the agent asked about
    replaces the group for `*`.
    """
    rules: tuple[_AiTxtRule, ...] = reading.rules if isinstance(reading.rules, tuple) else ()
    groups: dict[tuple[int, str], list[_AiTxtRule]] = {}
    for rule in rules:
        agent = rule.statement.agent.lower()
        effect = 0 if rule.statement.counts else 2 if rule.is_dialect else 1
        groups.setdefault((effect, agent), []).append(rule)
    asked = (question.agent or "*").lower()
    has_own_group = asked != "*" and (0, asked) in groups
    return tuple(
        AppliedStatement(
            statement=applied.statement,
            limited_to="agents" if asked == "*" != agent else applied.limited_to,
        )
        for (effect, agent), group in sorted(groups.items(), key=lambda item: item[0][0])
        if asked in ("*", agent) or (agent == "*" and (effect or not has_own_group))
        for applied in _group(group, question.path)
    )


def _group(rules: list[_AiTxtRule], path: str | None) -> Iterator[AppliedStatement]:
    return _for_origin(rules) if path is None else _for_path(rules, path)


def _for_path(rules: list[_AiTxtRule], path: str) -> Iterator[AppliedStatement]:
    """Yield the rule that decides for a path, without its query, if there is one.

    A rule about a type or a path beats one about everything; the longest path rule counts.
    """
    normal = path_patterns.normalise_path(path.partition("?")[0])
    extension = _extension(normal)
    type_rules = [rule for rule in rules if extension and rule.extension == extension]
    path_rules = [
        rule for rule in rules if rule.pattern and path_patterns.matches(rule.pattern, normal)
    ]
    specific = [_strictest(type_rules), _strictest(_longest(path_rules))]
    # Nothing says whether a type or a path weighs more, so the stricter of the two decides.
    decisive = _strictest([rule for rule in specific if rule]) or _strictest(
        [rule for rule in rules if rule.universal]
    )
    if decisive:
        yield AppliedStatement(statement=decisive.statement)


def _extension(path: str) -> str:
    """Return what follows the last dot of the last segment, in lower case; empty without a dot."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _longest(rules: list[_AiTxtRule]) -> list[_AiTxtRule]:
    """Return the path rules whose patterns are longest, in octets."""
    longest = max((rule.pattern.octets for rule in rules if rule.pattern), default=0)
    return [rule for rule in rules if rule.pattern and rule.pattern.octets == longest]


def _strictest(rules: list[_AiTxtRule]) -> _AiTxtRule | None:
    """Return the first rule that reserves, else the first rule, else None.

    In robots.txt `Allow` wins a tie (RFC 9309, 2.2.2); ai.txt defines no such rule.
    """
    return next((rule for rule in rules if rule.reserves), next(iter(rules), None))


def _for_origin(rules: list[_AiTxtRule]) -> Iterator[AppliedStatement]:
    """Yield every rule that decides for some URL, with the kind of URLs it is limited to."""
    universal = _strictest([rule for rule in rules if rule.universal])
    specific = _decisive_rules([rule for rule in rules if not rule.universal])
    if universal:
        exceptions = [other for other in specific if other.reserves is not universal.reserves]
        limits = sorted(_limit(other) for other in exceptions)
        yield AppliedStatement(
            statement=universal.statement, limited_to=limits[-1] if limits else ""
        )
    yield from (
        AppliedStatement(statement=rule.statement, limited_to=_limit(rule)) for rule in specific
    )


def _decisive_rules(rules: list[_AiTxtRule]) -> list[_AiTxtRule]:
    """Return one rule for each type or path: the strictest."""
    groups: dict[tuple[str | None, str | None], list[_AiTxtRule]] = {}
    for rule in rules:
        groups.setdefault((rule.statement.media, rule.statement.path), []).append(rule)
    return [decisive for group in groups.values() if (decisive := _strictest(group))]


def _limit(rule: _AiTxtRule) -> str:
    return "file types" if rule.statement.media else "paths"
