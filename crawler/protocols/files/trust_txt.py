"""trust.txt of JournalList: who controls whom, and `datatrainingallowed` for the whole site.

A line is `name=value`. The statement is about training, covers the whole origin, and has no
path, agent or file type to limit it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import (
    AppliedStatement,
    Document,
    Issue,
    Party,
    Question,
    Reading,
    Statement,
    numbered,
)
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Resource, Stance

NAME = "trust_txt"
VERSION = 1
TITLE = "trust.txt (JournalList)"
SPEC = "https://journallist.net/reference-document-for-trust-txt-specifications"
FAMILY = "trust_txt"
RANK = 1
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.TRUST_TXT})
HEADERS: tuple[str, ...] = ()

_TRAINING = "datatrainingallowed"
_EDGES = ("control", "controlledby", "member", "belongto", "contact")
_ROLES = {"control": "controlled", "controlledby": "controller"}
_NAMES = frozenset((_TRAINING, *_EDGES, "social", "vendor", "customer", "disclosure"))
_CLAUSE = "trust.txt specification, datatrainingallowed (2024-04-04)"
_LINE = re.compile(r"([A-Za-z][\w-]{0,39})[ \t]*([=:])[ \t]*(.*)")
_MOST_EDGES = 2000


class _TrustLine(NamedTuple):
    """A line with a variable: `name` as written, `mark` the equals sign or a colon."""

    number: int
    name: str
    mark: str
    value: str
    raw: str

    @property
    def strict(self) -> bool:
        """Whether it is written as the specification writes it."""
        return self.mark == "=" and self.name in _NAMES

    def issue(self, code: str) -> Issue:
        """An issue that quotes it."""
        return Issue(code=f"{FAMILY}.{code}", line=self.number, excerpt=excerpt(self.raw))


class Edge(NamedTuple):
    """Whom a file names as controlling, controlled, member, association or contact.

    It is one side's word: only where both files say the same is it more than a claim.
    `strict` is False for a line that departs from the specification.
    """

    kind: str
    value: str
    line: int
    strict: bool


class _Edges(NamedTuple):
    edges: tuple[Edge, ...]


def edges_of(reading: Reading) -> tuple[Edge, ...]:
    """The relations that a file declares, in its order."""
    return reading.rules.edges if isinstance(reading.rules, _Edges) else ()


def parse(document: Document, /) -> Reading:
    """Read a file; a page for people, another format or prose says nothing here."""
    text, quirk = json_document.decode(document.body)
    lines, prose = _lines(text, truncated=document.truncated)
    known = [line for line in lines if line.name.lower() in _NAMES]
    if nothing := _nothing(document, text, known):
        return Reading(presence=Presence.ABSENT, issues=(nothing,))
    issues = [Issue(code=f"{FAMILY}.{quirk}")] if quirk else []
    if document.truncated:
        issues.append(Issue(code=f"{FAMILY}.truncated"))
    given = [line for line in known if line.name.lower() == _TRAINING]
    statements = list(_statements(given, issues))
    issues += _remarks(lines, prose)
    bad = bool(given) and not any(statement.counts for statement in statements)
    edges = tuple(_edges(known))[:_MOST_EDGES]
    return Reading(
        presence=Presence.MALFORMED if bad else Presence.PRESENT,
        statements=numbered(statements),
        issues=json_document.capped(issues, FAMILY),
        parties=parties.unique(map(_party, edges), _MOST_EDGES),
        rules=_Edges(edges),
    )


def _lines(text: str, *, truncated: bool) -> tuple[list[_TrustLine], list[_TrustLine]]:
    """The lines with a variable and the lines of prose; a line that was cut off is neither."""
    fields, prose = [], []
    written = re.split(r"\r\n|\r|\n", text)
    for number, raw in enumerate(written[:-1] if truncated else written, start=1):
        line = re.split(r"(?:^|\s)#", raw.strip(), maxsplit=1)[0].strip()
        match = _LINE.fullmatch(line)
        if match:
            fields.append(_TrustLine(number, match[1], match[2], match[3].strip(), raw))
        elif line:
            prose.append(_TrustLine(number, "", "", line, raw))
    return fields, prose


def _nothing(document: Document, text: str, known: list[_TrustLine]) -> Issue | None:
    """Why a body is not a file of this format at all, if so."""
    if not text.strip():
        return Issue(code=f"{FAMILY}.empty")
    if text.lstrip()[0] == "<":
        return Issue(code=f"{FAMILY}.soft_404", line=1, excerpt=excerpt(text))
    if "\x00" in text:
        return Issue(code=f"{FAMILY}.binary", excerpt=excerpt(document.media_type))
    if known:
        return None
    code = "soft_404" if "html" in document.media_type else "other_format"
    return Issue(code=f"{FAMILY}.{code}", line=1, excerpt=excerpt(text))


def _statements(given: list[_TrustLine], issues: list[Issue]) -> Iterator[Statement]:
    """At most one statement is meant to be there; of two that disagree, `no` decides."""
    values = {line.value.lower() for line in given if line.strict}
    seen: set[tuple[str, bool]] = set()
    for line in given:
        value = line.value.lower()
        if value not in ("yes", "no"):
            issues.append(line.issue("value"))
            continue
        if seen:
            known = value in {other for other, _ in seen}
            issues.append(line.issue("repeated" if known else "contradictory"))
        if (value, line.strict) not in seen:
            seen.add((value, line.strict))
            outdone = value == "yes" and "no" in values
            yield _statement(line, value, counts=line.strict and not outdone)


def _statement(line: _TrustLine, value: str, *, counts: bool) -> Statement:
    return Statement(
        rule=f"{FAMILY}.{_TRAINING}.{value}",
        stance=Stance.RESERVED if value == "no" else Stance.PERMITTED,
        purpose=Purpose.AI_TRAIN,
        tier=2,
        place=f"trust.txt line {line.number}",
        raw=clean(line.raw.strip()[:1000]),
        clause=_CLAUSE,
        declared_by=DeclaredBy.ORIGIN_FILE,
        line=line.number,
        reads=Reads.BOTH if line.strict else Reads.LENIENT,
        counts=counts,
    )


def _remarks(lines: list[_TrustLine], prose: list[_TrustLine]) -> Iterator[Issue]:
    """Departures and unknown variables, each name once, and the first line of prose."""
    seen: set[tuple[str, str]] = set()
    for line in lines:
        code = _odd(line)
        key = (code, line.name.lower())
        if code and key not in seen:
            seen.add(key)
            yield line.issue(code)
    yield from (line.issue("prose") for line in prose[:1])


def _odd(line: _TrustLine) -> str:
    if line.name.lower() not in _NAMES:
        return "unknown_name"
    if line.mark == ":":
        return "colon"
    return "" if line.name in _NAMES else "name_case"


def _edges(known: list[_TrustLine]) -> Iterator[Edge]:
    for line in known:
        if line.name.lower() in _EDGES and line.value:
            yield Edge(line.name.lower(), clean(line.value[:1000]), line.number, line.strict)


def _party(edge: Edge) -> Party | None:
    """Whom a relation names; a claim, which the store calls sure when both files make it."""
    if edge.strict and edge.kind == "contact":
        source = f"{FAMILY}.contact"
        return parties.party(source, "contact", parties.LOW, contact=(edge.value,))
    if not edge.strict or edge.kind not in _ROLES:
        return None
    domain = parties.domain_of(edge.value)
    return parties.party(f"{FAMILY}.{edge.kind}", _ROLES[edge.kind], parties.LOW, uid=domain)


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the file says, for the whole origin, the counting first."""
    ordered = sorted(reading.statements, key=lambda statement: not statement.counts)
    return tuple(AppliedStatement(statement=statement) for statement in ordered)
