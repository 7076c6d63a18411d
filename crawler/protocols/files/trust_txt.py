"""trust.txt of JournalList: relations between sites, and `datatrainingallowed` for a whole site.

A line is `name=value`. `datatrainingallowed=yes|no` (since 2024-04-04) is a statement about
training. It covers the whole origin: the format cannot limit it to a path, agent or file type.
Sentences in comments are candidates.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import (
    AppliedStatement,
    Candidate,
    Document,
    Issue,
    Party,
    Question,
    Reading,
    Statement,
    numbered,
)
from crawler.protocols.files._training_lines import read_training_line
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.prose import text_search
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Resource, Stance

NAME = "trust_txt"
VERSION = 3
TITLE = "trust.txt (JournalList)"
SPEC = "https://journallist.net/reference-document-for-trust-txt-specifications"
FAMILY = "trust_txt"
RANK = 1
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.TRUST_TXT})
HEADERS: tuple[str, ...] = ()

_TRAINING = "datatrainingallowed"
_RELATIONS = ("control", "controlledby", "member", "belongto", "contact")
# Only these relations are control; `member` and `belongto` are associations.
_ROLES = {"control": "controlled", "controlledby": "controller"}
_NAMES = frozenset((_TRAINING, *_RELATIONS, "social", "vendor", "customer", "disclosure"))
_CLAUSE = "trust.txt specification, datatrainingallowed (2024-04-04)"
# A colon in place of `=` occurs in deployed files; such a line is read leniently.
_LINE = re.compile(r"([A-Za-z][\w.-]{0,39})[ \t]*([=:])[ \t]*(.*)")
# A name in words, such as `data training allowed`.
_SPACED = re.compile(r"([A-Za-z][\w. -]{0,39}?)[ \t]*([=:])[ \t]*(.*)")
_MAX_RELATIONS = 2000


class _TrustLine(NamedTuple):
    """A line with a variable. `name` is as written; `separator` is `=` or `:`."""

    number: int
    name: str
    separator: str
    value: str
    raw: str

    @property
    def strict(self) -> bool:
        """True if separator and case of the name are those of the specification."""
        return self.separator == "=" and self.name in _NAMES

    def issue(self, code: str) -> Issue:
        """Return an issue with this line as its excerpt."""
        return Issue(code=f"{FAMILY}.{code}", line=self.number, excerpt=excerpt(self.raw))


def parse(document: Document, /) -> Reading:
    """Return the reading of a file; HTML, prose and other formats are absent."""
    text, deviation = json_document.decode(document.body)
    lines, prose = _lines(text, truncated=document.truncated)
    known = [line for line in lines if line.name.lower() in _NAMES or _near_value(line)]
    if reason := _absence(document, text, known):
        is_text = reason.code == f"{FAMILY}.other_format"
        candidates = _candidates(text) if is_text else ()
        return Reading(presence=Presence.ABSENT, issues=(reason,), candidates=candidates)
    issues = [Issue(code=f"{FAMILY}.{deviation}")] if deviation else []
    if document.truncated:
        issues.append(Issue(code=f"{FAMILY}.truncated"))
    training = [line for line in known if line.name.lower() == _TRAINING or _near_value(line)]
    statements = list(_statements(training, issues))
    issues += _deviations(lines, prose)
    # A line about training that cannot be read must not pass for silence.
    is_malformed = bool(training) and not any(statement.counts for statement in statements)
    relations = [line for line in known if line.name.lower() in _RELATIONS and line.value]
    return Reading(
        presence=Presence.MALFORMED if is_malformed else Presence.PRESENT,
        statements=numbered(statements),
        issues=json_document.limit_issues(issues, FAMILY),
        candidates=_candidates(text),
        parties=parties.unique_parties(map(_party, relations[:_MAX_RELATIONS]), _MAX_RELATIONS),
    )


def _candidates(text: str) -> tuple[Candidate, ...]:
    return text_search.search_comments(text, "trust_txt_comment")


def _lines(text: str, *, truncated: bool) -> tuple[list[_TrustLine], list[_TrustLine]]:
    """Return the lines with a variable and the lines of prose.

    The last line of a truncated file is left out, since it may be incomplete.
    """
    fields, prose = [], []
    raw_lines = re.split(r"\r\n|\r|\n", text)
    for number, raw in enumerate(raw_lines[:-1] if truncated else raw_lines, start=1):
        # A `#` inside a value does not begin a comment: URLs keep their fragments.
        line = re.split(r"(?:^|\s)#", raw.strip(), maxsplit=1)[0].strip()
        match = _LINE.fullmatch(line)
        if match:
            fields.append(_TrustLine(number, match[1], match[2], match[3].strip(), raw))
        elif (spaced := _SPACED.fullmatch(line)) and _near_value(
            field := _TrustLine(number, spaced[1], spaced[2], spaced[3].strip(), raw)
        ):
            fields.append(field)
        elif line:
            prose.append(_TrustLine(number, "", "", line, raw))
    return fields, prose


def _absence(document: Document, text: str, known: list[_TrustLine]) -> Issue | None:
    """Return the reason why a body is not a trust.txt, or None if it is one."""
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


def _statements(training: list[_TrustLine], issues: list[Issue]) -> Iterator[Statement]:
    """Yield one statement for each value; add repetitions and unknown values to `issues`.

    The specification allows one line at most. Of two that disagree, `no` decides: a permission
    that another line contradicts does not count.
    """
    strict_values = {line.value.lower() for line in training if line.strict}
    seen: set[tuple[str, bool]] = set()
    for line in training:
        # JournalList's own tool accepts the value in any case.
        value = _near_value(line) or line.value.lower()
        if value not in ("yes", "no"):
            issues.append(line.issue("value"))
            continue
        if seen:
            is_same = value in {other for other, _ in seen}
            issues.append(line.issue("repeated" if is_same else "contradictory"))
        if (value, line.strict) not in seen:
            seen.add((value, line.strict))
            is_overruled = value == "yes" and "no" in strict_values
            yield _statement(line, value, counts=line.strict and not is_overruled)


def _near_value(line: _TrustLine) -> str:
    """Return `yes` or `no` for a line about training in other words, else an empty text.

    `data-training-allowed=no`, `aitrainingallowed=no` and `datatrainingdisallowed=yes` are meant.
    """
    if line.name.lower() in _NAMES:
        return ""
    meant = read_training_line(line.name, line.value)
    stance = meant.stance if meant else None
    return {Stance.RESERVED: "no", Stance.PERMITTED: "yes"}.get(stance, "") if stance else ""


def _statement(line: _TrustLine, value: str, *, counts: bool) -> Statement:
    return Statement(
        rule=f"{FAMILY}.{_TRAINING}.{value}",
        stance=Stance.RESERVED if value == "no" else Stance.PERMITTED,
        # The variable names AI training, not all mining; hence tier 2.
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


def _deviations(lines: list[_TrustLine], prose: list[_TrustLine]) -> Iterator[Issue]:
    """Yield issues for deviations and unknown names, each once, and for the first line of prose."""
    seen: set[tuple[str, str]] = set()
    for line in lines:
        code = _deviation(line)
        key = (code, line.name.lower())
        if code and key not in seen:
            seen.add(key)
            yield line.issue(code)
    yield from (line.issue("prose") for line in prose[:1])


def _deviation(line: _TrustLine) -> str:
    """Return the issue code of a line that departs from the specification, else an empty text."""
    if line.name.lower() not in _NAMES:
        return "near_miss" if _near_value(line) else "unknown_name"
    if line.separator == ":":
        return "colon"
    return "" if line.name in _NAMES else "name_case"


def _party(line: _TrustLine) -> Party | None:
    """Return the party that a relation names; None for `member`, `belongto` and deviations.

    Confidence is low: it is the claim of one side. The view `parties` raises it where the file
    of the other site makes the reverse claim.
    """
    name, value = line.name.lower(), clean(line.value[:1000])
    place = f"line {line.number}"
    if line.strict and name == "contact":
        return parties.make_party(
            f"{FAMILY}.contact", "contact", parties.LOW, contact=(value,), place=place
        )
    if not line.strict or name not in _ROLES:
        return None
    domain = parties.domain_of(value)
    return parties.make_party(
        f"{FAMILY}.{name}", _ROLES[name], parties.LOW, uid=domain, place=place
    )


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, for the whole origin; those that count come first."""
    ordered = sorted(reading.statements, key=lambda statement: not statement.counts)
    return tuple(AppliedStatement(statement=statement) for statement in ordered)
