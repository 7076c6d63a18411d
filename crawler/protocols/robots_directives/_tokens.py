"""Robots directives word by word: each with the agent it is for and what is odd about it.

The deployed grammar is `[agent ":"] directive *("," directive)`. Nobody says how far an agent
reaches; here up to the next one of the same line, and what stands after a comma is marked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from crawler.model import Issue
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.vocab import DeclaredBy

ISSUES = "directives"
#: draft-illyes-repext-00 asks for at least 8 KiB to be read; we read as much.
LONGEST = 8192

_AGENT = 64
_EDGE = " \t\n\f\r\"'"
_TOKEN = re.compile(r"\*|[A-Za-z0-9_.+/-][A-Za-z0-9_.+/ -]{0,63}")
_HEAD = re.compile(r"([^:=]*+)([:=])")
_DATE = re.compile(
    r"\s*(?:\d|(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b(?!\s*:))",
    re.IGNORECASE,
)
ROBOTS_TAG = "robots-tag"
_NO_AGENT = frozenset((ROBOTS_TAG, "x-robots-tag", "robots"))


_VALUED = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
_SEARCH = frozenset(
    (
        "all archive cache follow imageindex index indexifembedded nofollow noimageindex noindex"
        " none noodp nopreview nositelinkssearchbox nosnippet notranslate noyaca noydir snippet"
    ).split()
)
#: Those that speak of training; the others are for search engines.
TRAINING = frozenset(("noai", "noimageai", "noml", "noarchive", "nocache"))
KNOWN = _SEARCH | _VALUED | TRAINING


class DirectiveLine(NamedTuple):
    """A header line or a meta element: whom it is for, what it lists, what is odd about it."""

    declared_by: DeclaredBy
    name: str
    agent: str
    value: str
    number: int
    raw: str
    odd: tuple[str, ...] = ()

    @property
    def carrier(self) -> str:
        """`header` or `meta`."""
        return "header" if self.declared_by is DeclaredBy.HEADER else "meta"

    def issue(self, code: str, text: str = "") -> Issue:
        """An issue that quotes the line, or the part of it that is given."""
        return Issue(code=f"{ISSUES}.{code}", line=self.number, excerpt=excerpt(text or self.raw))


class Word(NamedTuple):
    """One directive: its name, the agent it is for, and whether the list began earlier.

    `odd` keeps it out of the strict reading, `notes` does not.
    """

    name: str
    text: str
    agent: str
    leaked: bool
    odd: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Scope:
    """Whom the words are for while a line is read; a comma after an agent makes it `leaked`."""

    line: DirectiveLine
    agent: str = ""
    prefixed: bool = False
    leaked: bool = False
    equals: bool = False
    odd: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """Begin anew, for whomever the line is for."""
        self.agent, self.prefixed, self.leaked, self.equals = self.line.agent, False, False, False
        self.odd, self.notes = [], []

    def enter(self, heads: list[tuple[str, str]], inside: bool) -> None:
        """Take the agents before a directive in; the last is the one it is for."""
        self.reset()
        written, mark = heads[-1]
        self.prefixed, self.equals = True, mark == "="
        self.agent = clean(written[:_AGENT]) or "*"
        if not _TOKEN.fullmatch(written):
            self.odd.append("agent_unreadable")
        elif written.lower() in _NO_AGENT:
            self.agent = "*"
            self.odd.append("name_in_value")
        if self.line.carrier == "meta":
            self.odd.append("agent_in_content")
        if self.equals:
            self.odd.append("separator")
        if inside or len(heads) > 1:
            self.notes.append("agent_inside")


def words(line: DirectiveLine) -> Iterator[Word]:
    """Cut a list at its commas; what only another separator divides is odd.

    A date may hold commas and colons (RFC 850 and RFC 822 forms), so it is passed over.
    """
    scope, dated, first = _Scope(line), False, True
    scope.reset()
    for piece in _readable(line.value).split(","):
        if dated and _DATE.match(piece):
            continue
        parts = piece.split(";")
        scope.leaked = scope.prefixed and scope.agent != "*"
        for n, part in enumerate(parts):
            if n and scope.equals:
                scope.reset()
            for word in _part(scope, part.strip(_EDGE), part, first, len(parts) > 1):
                dated = word.name == "unavailable_after"
                yield word
            first = first and not part.strip()


def _readable(value: str) -> str:
    """As much of a list as is read, without a word that the limit would cut in two."""
    return value if len(value) <= LONGEST else value[:LONGEST].rpartition(",")[0]


def _part(scope: _Scope, text: str, written: str, first: bool, divided: bool) -> Iterator[Word]:
    """The words of one part, after the agents that may stand before them."""
    heads, rest = _heads(text)
    if heads:
        scope.enter(heads, not first)
    names, odd = _names(rest)
    odd += [*scope.odd, *(["separator"] if divided else [])]
    if '"' in written or (written.strip()[:1] == "'"):
        odd.append("quoted")
    for name in names if rest else [""] * bool(scope.odd and heads):
        unique = tuple(dict.fromkeys(odd))
        yield Word(name, text, scope.agent, scope.leaked, unique, tuple(scope.notes))
    scope.notes = []


def _heads(text: str) -> tuple[list[tuple[str, str]], str]:
    """What stands before the directive, as pairs of text and mark, and the directive.

    `max-snippet:20` and `unavailable_after: …` name no agent: their colon belongs to them.
    """
    heads, at = [], 0
    while (match := _HEAD.match(text, at)) and match[1].strip(_EDGE).lower() not in KNOWN:
        heads.append((match[1].strip(_EDGE), match[2]))
        at = match.end()
    return heads, text[at:].strip(_EDGE)


def _names(rest: str) -> tuple[list[str], list[str]]:
    """The directive in lower case, or those that only white space divides, and what is odd."""
    match = _HEAD.match(rest)
    if match:
        name = match[1].strip(_EDGE).lower()
        return [name], [] if name in _VALUED else ["unexpected_value"]
    name = rest.lower()
    several = name.split()
    if len(several) > 1 and KNOWN.issuperset(several):
        return several, ["separator"]
    plain = re.sub("[-_ ]", "", name)
    if name not in KNOWN and plain in TRAINING:
        return [plain], ["misspelt"]
    return [name], []
