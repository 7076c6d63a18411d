"""Find passages of prose that may reserve, by a list of patterns (`patterns.toml`).

Passages are found, not understood: a person must read a candidate. Courts disagree about what
such a passage is worth (docs/reference/protocols/page_text.md), so no protocol makes a statement
of it.

Rules for editors. Every pattern needs a word of `STEMS` in each text that it matches, or it will
never be tried. "All rights reserved." alone must match nothing: it is on nearly every page.
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

#: Limit for one document; honest texts stay far below.
MAX_CANDIDATES = 50
MAX_SNIPPET = 300  # characters
CANDIDATE, MENTION = "candidate", "mention"
#: Locations of passages that are about one page; all others are about the whole origin.
PAGE_LOCATIONS = frozenset(("page", "page_metadata"))
_IN_PAGES = PAGE_LOCATIONS | {"legal_page"}
#: Every sentence that a pattern matches contains one of these: a cheap test before the patterns.
STEMS = (
    *"mining mine tdm 44b 44_b 42h 2019/790 122-5-3 quater 24/2021 15o 39c 11b 11_b 15_a".split(),
    *"75.º 76.º 26³ 263 vorbehalt fouille miner estrazione eksploracj prospe utvinning".split(),
    *"vytěžování analýz machine ai ki ia llm learning lern intel language langage sprachm".split(),
    *"apprend apprent aprend strojov uczenia maskin scrap skra raspa crawl harvest".split(),
    *"automat robots_and moisson content_signals 4(3) 4_(3) 4.3 dsm directive generative".split(),
    *"train entra entren addestr tränin fine-tun feinabstimm".split(),
)
STEMS = tuple(stem.replace("_", " ") for stem in STEMS)
_MAX_LENGTH = 2000  # characters of a line or sentence
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+(?=[^\sa-z])")
# Full stops that end no sentence: abbreviations, and those of paragraphs of laws.
_ABBREVIATED = re.compile(
    r"\b(?:art|abs|no|nr|dir|incl|z\.b|e\.g|i\.e|cf|ust|par|inc|co|pt|l)\.$", re.IGNORECASE
)


class Sentence(NamedTuple):
    """A sentence or block of text.

    `line` is the line of the document on which it begins. A sentence that is not `strong` can
    only be a mention.
    """

    line: int
    text: str
    strong: bool = True


class ProsePattern(NamedTuple):
    """An entry of `patterns.toml`: a text must match every regular expression of `all`, and none
    of `none`.
    """

    id: str
    language: str
    kind: str
    strength: str
    all: tuple[re.Pattern[str], ...]
    none: tuple[re.Pattern[str], ...]

    def matches(self, text: str) -> bool:
        """Return whether a normalised text matches."""
        return all(words.search(text) for words in self.all) and not any(
            words.search(text) for words in self.none
        )


def find_candidates(
    sentences: Iterable[Sentence], location: str, lang: str = ""
) -> tuple[Candidate, ...]:
    """Return the sentences that a pattern matches, each once, at most 50.

    `location` is where they stand (see `model.Candidate`). `lang` is the language that the page
    declares (BCP 47): its patterns are tried first. A sentence that is not `strong` becomes a
    mention (N05).
    """
    seen: set[str] = set()
    return tuple(islice(_matches(sentences, location, lang[:2].lower(), seen), MAX_CANDIDATES))


def _matches(
    sentences: Iterable[Sentence], location: str, lang: str, seen: set[str]
) -> Iterator[Candidate]:
    for sentence in sentences:
        text = _normalised(sentence.text)
        pattern = _first_match(text, lang) if any(stem in text for stem in STEMS) else None
        # Templates repeat a sentence in many places; one candidate is enough.
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


def _first_match(text: str, lang: str) -> ProsePattern | None:
    return next((pattern for pattern in _patterns(lang) if pattern.matches(text)), None)


def snippet(text: str, around: re.Pattern[str]) -> str:
    """Return at most 300 characters of a text around a match, with white space collapsed."""
    text = " ".join(text.split())
    if len(text) <= MAX_SNIPPET:
        return text
    # Lower-casing may change the length of a text, so the match may be missing or shifted.
    match = around.search(_normalised(text))
    begin = max(0, (match.start() if match else 0) - MAX_SNIPPET // 2)
    return text[begin : begin + MAX_SNIPPET].strip()


def as_statement(candidate: Candidate) -> Statement:
    """Return a candidate as a reservation of mining, for rule sets that let prose count.

    The statement is made for one answer and never stored.
    """
    in_page = candidate.location in _IN_PAGES
    return Statement(
        rule=f"textual.{candidate.kind}",
        stance=Stance.RESERVED,
        purpose=Purpose.TDM,
        # Prose is the least explicit form of a reservation.
        tier=4,
        place=f"{candidate.location.replace('_', ' ')} line {candidate.line}",
        raw=candidate.snippet,
        clause="natural language, found by search; courts differ on what it is worth",
        declared_by=DeclaredBy.PAGE if in_page else DeclaredBy.ORIGIN_FILE,
        line=candidate.line,
    )


def split_sentences(lines: Iterable[tuple[int, str]]) -> Iterator[Sentence]:
    """Yield the sentences of a paragraph, given as (line number, text)."""
    text, starts, numbers = "", [], []
    for number, line in lines:
        starts.append(len(text))
        numbers.append(number)
        text += " ".join(line.split())[:_MAX_LENGTH] + " "
    begin = 0
    for end in (*_ends(text), len(text)):
        sentence = text[begin:end].strip()
        if sentence:
            line_index = bisect_right(starts, text.index(sentence, begin)) - 1
            yield Sentence(numbers[line_index], sentence)
        begin = end


def _ends(text: str) -> Iterator[int]:
    for match in _SENTENCE_END.finditer(text):
        if not _ABBREVIATED.search(text, max(0, match.start() - 8), match.start()):
            yield match.end()


def _normalised(text: str) -> str:
    """Return a text as patterns compare it: lower case, one space, straight apostrophes."""
    return " ".join(text.lower().replace("’", "'").split())[:_MAX_LENGTH]


def _any_word(words: list[str]) -> re.Pattern[str]:
    """Return a regular expression for any of the words; `*` stands for up to 20 letters."""
    # One alternation of literals instead of one expression for each word: `re` tries them in a
    # single pass over the text.
    forms = (re.escape(word.lower()).replace(r"\*", r"\w{0,20}") for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)")


@cache
def _patterns(lang: str) -> tuple[ProsePattern, ...]:
    """Return the patterns: templates, then those of a language, then others, then mentions."""
    ordered = sorted(load_patterns(), key=lambda p: (p.strength == MENTION, p.language != lang))
    templates = [p for p in ordered if p.kind == "template"]
    return (*templates, *(p for p in ordered if p.kind != "template"))


@cache
def load_patterns() -> tuple[ProsePattern, ...]:
    """Return the entries of `patterns.toml` in their order."""
    text = (files("crawler.protocols.prose") / "patterns.toml").read_text(encoding="utf-8")
    return tuple(
        ProsePattern(
            id=entry["id"],
            language=entry["language"],
            kind=entry["kind"],
            strength=entry["strength"],
            all=tuple(map(_any_word, entry["all"])),
            none=tuple(map(_any_word, entry.get("none", ()))),
        )
        for entry in tomllib.loads(text)["pattern"]
    )
