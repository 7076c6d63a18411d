"""What robots directives say about training, in a header as in a meta element.

The few words that speak of training become statements. Directives for search engines are
known and say nothing; readers ignore unknown ones, and so do we, but not silently.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from crawler import agents
from crawler.model import AppliedStatement, Issue, Question, Reading, Statement, numbered
from crawler.protocols.parsing.json_document import capped, clean
from crawler.protocols.robots_directives._tokens import (
    ISSUES,
    KNOWN,
    LONGEST,
    ROBOTS_TAG,
    DirectiveLine,
    Word,
    words,
)
from crawler.vocab import Presence, Purpose, Reads, Stance

FAMILY = "robots_directives"
SPEC = "https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag"

_WORDS, _STATEMENTS, _RAW = 5000, 200, 1000
_IMAGES = frozenset(
    "apng avif bmp gif heic heif ico jfif jpeg jpg jxl png svg tif tiff webp".split()
)


class _Meaning(NamedTuple):
    """What a directive says, where that is published, and whom it binds (empty: everybody)."""

    stance: Stance
    purpose: Purpose
    clause: str
    audience: tuple[str, ...] = ()


_BING = "Bing, webmaster guidance of September 2023"
_MEANINGS = {
    "noai": _Meaning(Stance.RESERVED, Purpose.AI_TRAIN, "DeviantArt, noai, 11 November 2022"),
    "noimageai": _Meaning(
        Stance.RESERVED, Purpose.AI_TRAIN, "DeviantArt, noimageai, 11 November 2022"
    ),
    "noml": _Meaning(Stance.RESERVED, Purpose.AI_TRAIN, "Mojeek, noml, 25 October 2023"),
    "noarchive": _Meaning(
        Stance.RESERVED,
        Purpose.GENAI_TRAIN,
        f"{_BING}, noarchive; Amazon, Amazonbot, noarchive",
        ("bingbot", "Amazonbot"),
    ),
    "nocache": _Meaning(Stance.CONDITIONAL, Purpose.GENAI_TRAIN, f"{_BING}, nocache", ("bingbot",)),
}


class Directive(NamedTuple):
    """A directive that speaks of training, for one agent, in one of the two readings."""

    name: str
    agent: str
    strict: bool
    line: DirectiveLine


def _said(word: Word, line: DirectiveLine) -> Iterator[Directive]:
    """What a word says: strictly for the agent named before it, leniently for everybody."""
    yield from _addressed(word.name, word.agent, not (word.odd or line.odd), line)
    if word.leaked:
        yield from _addressed(word.name, "*", False, line)


def _addressed(name: str, agent: str, strict: bool, line: DirectiveLine) -> Iterator[Directive]:
    audience = _MEANINGS[name].audience
    if not audience or any(a.lower() in agents.candidates(agent) for a in audience):
        yield Directive(name, agent, strict, line)
    elif agent == "*":
        yield from (Directive(name, one, strict, line) for one in audience)


def read(lines: list[DirectiveLine], passed: Iterable[DirectiveLine] = ()) -> Reading:
    """The reading of what one response says about itself; of `passed`, only what is odd."""
    issues = [line.issue(code) for line in passed for code in line.odd]
    every = ((word, line) for line in lines for word in _noted(line, issues))
    found = list(islice(every, _WORDS))
    if (beyond := next(every, None)) is not None:
        issues.insert(0, beyond[1].issue("more_words"))
    speaking = [(word, line) for word, line in found if word.name in _MEANINGS]
    said = _settled(said for word, line in speaking for said in _said(word, line))
    if len(said) > _STATEMENTS:
        issues.insert(0, said[_STATEMENTS].line.issue("more_statements"))
    understood = any(w.name in KNOWN and not (w.odd or line.odd) for w, line in found)
    malformed = bool(said) and not understood
    presence = Presence.PRESENT if lines else Presence.ABSENT
    return Reading(
        presence=Presence.MALFORMED if malformed else presence,
        statements=numbered([_statement(one) for one in said[:_STATEMENTS]]),
        issues=capped(list(dict.fromkeys(issues)), ISSUES),
    )


def _noted(line: DirectiveLine, issues: list[Issue]) -> Iterator[Word]:
    """The words of a line; what is to be said against them goes to the issues."""
    issues.extend(line.issue(code) for code in line.odd)
    if len(line.value) > LONGEST:
        issues.append(line.issue("too_long"))
    for word in words(line):
        issues.extend(line.issue(code, word.text) for code in _codes(word, line))
        yield word


def _codes(word: Word, line: DirectiveLine) -> Iterator[str]:
    # These are the grammar of Robots-Tag, whose name is the issue.
    grammar = {"separator", "agent_inside"} if line.name == ROBOTS_TAG else set()
    yield from (code for code in (*word.odd, *word.notes) if code not in grammar)
    if word.name and word.name not in KNOWN:
        yield "unknown"
    if word.leaked and word.name in _MEANINGS:
        yield "scope_ambiguous"


def _settled(said: Iterable[Directive]) -> list[Directive]:
    """Each directive once for each agent, strictly if it can be, and Bing's own precedence.

    Bing: where both stand, noarchive is treated as nocache.
    """
    best: dict[tuple[str, str], Directive] = {}
    for one in said:
        known = best.setdefault((one.name, one.agent.lower()), one)
        if one.strict and not known.strict:
            best[one.name, one.agent.lower()] = one
    cached = best.get(("nocache", "bingbot"))
    archived = best.get(("noarchive", "bingbot"))
    if cached and archived and cached.strict >= archived.strict:
        del best["noarchive", "bingbot"]
    return list(best.values())


def _statement(said: Directive) -> Statement:
    meaning, line = _MEANINGS[said.name], said.line
    return Statement(
        rule=f"directives.{line.carrier}.{said.name}",
        stance=meaning.stance,
        purpose=meaning.purpose,
        tier=2 if said.agent == "*" else 3,
        place=f"{line.carrier} {line.name}",
        raw=clean(line.raw[:_RAW]),
        clause=meaning.clause,
        declared_by=line.declared_by,
        line=line.number,
        agent=said.agent,
        media="image" if said.name == "noimageai" else None,
        reads=Reads.BOTH if said.strict else Reads.LENIENT,
        counts=said.strict,
    )


def statements_for(reading: Reading, question: Question) -> tuple[AppliedStatement, ...]:
    """What is said to the agent asked about, the counting first.

    draft-illyes-repext-00: an agent obeys the sum of its own rules and those for all.
    """
    asked = (question.agent or "*").strip().lower()
    found = [
        AppliedStatement(statement=s, limited_to=_part_of(s, asked, question.path))
        for s in reading.statements
        if s.agent == "*" or asked == "*" or asked in agents.candidates(s.agent)
    ]
    return tuple(sorted(found, key=lambda applied: not applied.statement.counts))


def _part_of(statement: Statement, asked: str, path: str | None) -> str:
    """What limits a statement: the agent it names, or that it is about images only."""
    if asked == "*" != statement.agent:
        return "agents"
    name = (path or "").partition("?")[0].rpartition("/")[2]
    image = "." in name and name.rpartition(".")[2].lower() in _IMAGES
    return "file types" if statement.media and not image else ""
