"""Statements of robots directives about training, from a header or from meta elements.

Only the few directives about training become statements. Directives for search engines are
recognised and make none. Unknown directives are ignored, as Google documents, with an issue.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from crawler import agents
from crawler.model import AppliedStatement, Issue, Question, Reading, Statement, numbered
from crawler.protocols.parsing.json_document import clean, limit_issues
from crawler.protocols.robots_directives._tokens import (
    ISSUE_PREFIX,
    KNOWN,
    MAX_LENGTH,
    ROBOTS_TAG,
    DirectiveLine,
    DirectiveWord,
    split_words,
)
from crawler.vocab import Presence, Purpose, Reads, Stance

FAMILY = "robots_directives"
SPEC = "https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag"

# Limits of one response, which may be hostile: words, statements, characters quoted.
_MAX_WORDS, _MAX_STATEMENTS, _MAX_RAW = 5000, 200, 1000
_IMAGE_EXTENSIONS = frozenset(
    "apng avif bmp gif heic heif ico jfif jpeg jpg jxl png svg tif tiff webp".split()
)


class _Meaning(NamedTuple):
    """The published meaning of a directive.

    `audience` are the agents whose operators attach this meaning to it; empty for all agents.
    """

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


class AddressedDirective(NamedTuple):
    """A directive about training, for one agent or `*`, in the strict or the lenient reading."""

    name: str
    agent: str
    strict: bool
    line: DirectiveLine


def _addressed(word: DirectiveWord, line: DirectiveLine) -> Iterator[AddressedDirective]:
    """Yield a word strictly for the agent before it, and leniently for all after a comma."""
    strict = not (word.deviations or line.deviations)
    yield from _for_audience(word.name, word.agent, strict, line)
    if word.after_comma:
        yield from _for_audience(word.name, "*", False, line)


def _for_audience(
    name: str, agent: str, strict: bool, line: DirectiveLine
) -> Iterator[AddressedDirective]:
    """Yield a directive if its meaning is published for the agent; `*` means each of those."""
    audience = _MEANINGS[name].audience
    if not audience or any(a.lower() in agents.token_forms(agent) for a in audience):
        yield AddressedDirective(name, agent, strict, line)
    elif agent == "*":
        yield from (AddressedDirective(name, one, strict, line) for one in audience)


def build_reading(lines: list[DirectiveLine], inert: Iterable[DirectiveLine] = ()) -> Reading:
    """Build the reading of one response. `inert` lines have no effect but make issues.

    It is malformed if every directive about training is lenient and no other word is known.
    """
    issues = [line.issue(code) for line in inert for code in line.deviations]
    # A generator: words beyond the limit are never split.
    every = ((word, line) for line in lines for word in _words(line, issues))
    words = list(islice(every, _MAX_WORDS))
    if (beyond := next(every, None)) is not None:
        issues.insert(0, beyond[1].issue("more_words"))
    training = [(word, line) for word, line in words if word.name in _MEANINGS]
    directives = _settle(one for word, line in training for one in _addressed(word, line))
    if len(directives) > _MAX_STATEMENTS:
        issues.insert(0, directives[_MAX_STATEMENTS].line.issue("more_statements"))
    understood = any(w.name in KNOWN and not (w.deviations or line.deviations) for w, line in words)
    malformed = bool(directives) and not understood
    presence = Presence.PRESENT if lines else Presence.ABSENT
    return Reading(
        presence=Presence.MALFORMED if malformed else presence,
        statements=numbered([_statement(one) for one in directives[:_MAX_STATEMENTS]]),
        issues=limit_issues(list(dict.fromkeys(issues)), ISSUE_PREFIX),
    )


def _words(line: DirectiveLine, issues: list[Issue]) -> Iterator[DirectiveWord]:
    """Yield the words of a line. Add the issues with the line and its words to `issues`."""
    issues.extend(line.issue(code) for code in line.deviations)
    if len(line.value) > MAX_LENGTH:
        issues.append(line.issue("too_long"))
    for word in split_words(line):
        issues.extend(line.issue(code, word.text) for code in _codes(word, line))
        yield word


def _codes(word: DirectiveWord, line: DirectiveLine) -> Iterator[str]:
    # These are the grammar of Robots-Tag, whose name is the issue (draft-illyes-repext-00).
    grammar = {"separator", "agent_inside"} if line.name == ROBOTS_TAG else set()
    yield from (code for code in (*word.deviations, *word.notes) if code not in grammar)
    if word.name and word.name not in KNOWN:
        yield "unknown"
    if word.after_comma and word.name in _MEANINGS:
        yield "scope_ambiguous"


def _settle(directives: Iterable[AddressedDirective]) -> list[AddressedDirective]:
    """Return each directive once for each agent, strictly if any of them is strict.

    Bing, webmaster guidance: where both are given, `noarchive` is treated as `nocache`.
    """
    best: dict[tuple[str, str], AddressedDirective] = {}
    for one in directives:
        key = (one.name, one.agent.lower())
        kept = best.setdefault(key, one)
        if one.strict and not kept.strict:
            best[key] = one
    nocache = best.get(("nocache", "bingbot"))
    noarchive = best.get(("noarchive", "bingbot"))
    # A lenient `nocache` does not weaken a strict `noarchive`.
    if nocache and noarchive and nocache.strict >= noarchive.strict:
        del best["noarchive", "bingbot"]
    return list(best.values())


def _statement(directive: AddressedDirective) -> Statement:
    meaning, line = _MEANINGS[directive.name], directive.line
    return Statement(
        rule=f"directives.{line.carrier}.{directive.name}",
        stance=meaning.stance,
        purpose=meaning.purpose,
        tier=2 if directive.agent == "*" else 3,
        place=f"{line.carrier} {line.name}",
        raw=clean(line.raw[:_MAX_RAW]),
        clause=meaning.clause,
        declared_by=line.declared_by,
        line=line.number,
        agent=directive.agent,
        media="image" if directive.name == "noimageai" else None,
        reads=Reads.BOTH if directive.strict else Reads.LENIENT,
        counts=directive.strict,
    )


def statements_for(reading: Reading, question: Question) -> tuple[AppliedStatement, ...]:
    """Return the statements for the agent asked about, those that count first.

    draft-illyes-repext-00: an agent obeys the sum of its rules and those for all agents.
    """
    asked = (question.agent or "*").strip().lower()
    applicable = [
        AppliedStatement(statement=s, limited_to=_limit_of(s, asked, question.path))
        for s in reading.statements
        if s.agent == "*" or asked == "*" or asked in agents.token_forms(s.agent)
    ]
    return tuple(sorted(applicable, key=lambda applied: not applied.statement.counts))


def _limit_of(statement: Statement, asked: str, path: str | None) -> str:
    """Return what limits a statement: `agents`, `file types` (images of a page), or nothing."""
    if asked == "*" != statement.agent:
        return "agents"
    name = (path or "").partition("?")[0].rpartition("/")[2]
    is_image = "." in name and name.rpartition(".")[2].lower() in _IMAGE_EXTENSIONS
    return "file types" if statement.media and not is_image else ""
