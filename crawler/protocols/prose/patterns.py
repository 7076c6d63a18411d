"""Passages of prose that may reserve, found by a list of patterns (`candidates.toml`).

They are found, not understood: a candidate asks for somebody to read it. Courts disagree about
what such a passage is worth (docs/protocols/page_text.md), so no protocol makes a statement of one.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import NamedTuple

from crawler.model import Candidate, Statement
from crawler.vocab import DeclaredBy, Purpose, Stance

#: Candidates of one document; no honest text comes near it.
MOST = 50
SNIPPET = 300
CANDIDATE, MENTION = "candidate", "mention"
#: One of these is in every sentence that a pattern matches: a cheap first look.
STEMS = (
    *"mining mine tdm 44b 44_b 42h 2019/790 122-5-3 quater 24/2021 15o 39c 11b 11_b 15_a".split(),
    *"75.º 76.º 26³ 263 vorbehalt fouille miner estrazione eksploracj prospe utvinning".split(),
    *"vytěžování analýz machine ai ki ia llm learning lern intel language langage sprachm".split(),
    *"apprend apprent aprend strojov uczenia maskin scrap skra raspa crawl harvest".split(),
    *"automat robots_and moisson content_signals 4(3) 4_(3) directive".split(),
)
STEMS = tuple(stem.replace("_", " ") for stem in STEMS)
_LONGEST = 2000
_END = re.compile(r"(?<=[.!?;])\s+(?=[^\sa-z])")
# Points that end no sentence: of abbreviations and of paragraphs of laws.
_ABBREVIATED = re.compile(
    r"\b(?:art|abs|no|nr|dir|incl|z\.b|e\.g|i\.e|cf|ust|par|inc|co|pt|l)\.$", re.IGNORECASE
)


class Sentence(NamedTuple):
    """A sentence or block of text; `line` is where it begins in its document."""

    line: int
    text: str
    strong: bool = True


class _Pattern(NamedTuple):
    id: str
    language: str
    kind: str
    strength: str
    all: tuple[re.Pattern[str], ...]
    none: tuple[re.Pattern[str], ...]

    def matches(self, text: str) -> bool:
        return all(words.search(text) for words in self.all) and not any(
            words.search(text) for words in self.none
        )


def candidates(given: Iterable[Sentence], location: str, lang: str = "") -> tuple[Candidate, ...]:
    """The sentences that a pattern matches, each once, up to 50.

    `location` is where they stand (see `model.Candidate`), `lang` the language that a page says
    it is in. A sentence that is not `strong` can only be a mention (N05).
    """
    seen: set[str] = set()
    return tuple(islice(_found(given, location, lang[:2].lower(), seen), MOST))


def _found(
    given: Iterable[Sentence], location: str, lang: str, seen: set[str]
) -> Iterator[Candidate]:
    for sentence in given:
        text = _folded(sentence.text)
        pattern = _first(text, lang) if any(stem in text for stem in STEMS) else None
        if pattern is None or text in seen:
            continue
        seen.add(text)
        yield Candidate(
            strength=pattern.strength if sentence.strong else MENTION,
            kind=pattern.kind,
            location=location,
            language=pattern.language,
            pattern=pattern.id,
            snippet=snippet(sentence.text, pattern.all[0]),
            line=sentence.line,
        )


def _first(text: str, lang: str) -> _Pattern | None:
    return next((pattern for pattern in _patterns(lang) if pattern.matches(text)), None)


def snippet(text: str, around: re.Pattern[str]) -> str:
    """A sentence as it stands with white space folded, at most 300 characters of it."""
    text = " ".join(text.split())
    if len(text) <= SNIPPET:
        return text
    match = around.search(_folded(text))
    begin = max(0, (match.start() if match else 0) - SNIPPET // 2)
    return text[begin : begin + SNIPPET].strip()


def as_statement(candidate: Candidate) -> Statement:
    """What a candidate says where a rule set lets prose count: a reservation of mining, made for
    one answer and never stored as a statement.
    """
    in_page = candidate.location != "robots_comment"
    return Statement(
        rule=f"textual.{candidate.kind}",
        stance=Stance.RESERVED,
        purpose=Purpose.TDM,
        tier=4,
        place=f"{candidate.location.replace('_', ' ')} line {candidate.line}",
        raw=candidate.snippet,
        clause="natural language, found by search; courts differ on what it is worth",
        declared_by=DeclaredBy.PAGE if in_page else DeclaredBy.ORIGIN_FILE,
        line=candidate.line,
    )


def sentences(lines: Iterable[tuple[int, str]]) -> Iterator[Sentence]:
    """The sentences of a paragraph that is written on lines, with the line each begins on."""
    text, starts, numbers = "", [], []
    for number, line in lines:
        starts.append(len(text))
        numbers.append(number)
        text += " ".join(line.split())[:_LONGEST] + " "
    at = 0
    for end in (*_ends(text), len(text)):
        part = text[at:end].strip()
        if part:
            yield Sentence(numbers[bisect_right(starts, text.index(part, at)) - 1], part)
        at = end


def _ends(text: str) -> Iterator[int]:
    for match in _END.finditer(text):
        if not _ABBREVIATED.search(text, max(0, match.start() - 8), match.start()):
            yield match.end()


def _folded(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())[:_LONGEST]


def _words(given: list[str]) -> re.Pattern[str]:
    """A pattern for one of these words; alternatives of literals take one look at each place."""
    forms = (re.escape(word.lower()).replace(r"\*", r"\w{0,20}") for word in given)
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)")


@cache
def _patterns(lang: str) -> tuple[_Pattern, ...]:
    """The patterns, those of a language first; the least telling stay last."""
    found = sorted(_read(), key=lambda p: (p.strength == MENTION, p.language != lang))
    templates = [p for p in found if p.kind == "template"]
    return (*templates, *(p for p in found if p.kind != "template"))


@cache
def _read() -> tuple[_Pattern, ...]:
    text = (files("crawler.protocols.prose") / "patterns.toml").read_text(encoding="utf-8")
    return tuple(
        _Pattern(
            id=given["id"],
            language=given["language"],
            kind=given["kind"],
            strength=given["strength"],
            all=tuple(map(_words, given["all"])),
            none=tuple(map(_words, given.get("none", ()))),
        )
        for given in tomllib.loads(text)["pattern"]
    )
