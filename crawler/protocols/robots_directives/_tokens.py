"""Tokenizer of robots directives: each word with its agent and its deviations.

The deployed grammar is `[agent ":"] directive *("," directive)`. No document says how far an
agent reaches. Here it reaches to the next agent of the same line, and every word after a comma
is marked (`after_comma`), since other readers take it for all agents.

Rules for editors: colons are ambiguous. An agent ends in one, and so do `max-snippet` and
`unavailable_after`, whose dates hold more colons, and commas too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from crawler.model import Issue
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.parsing.near_names import NearNames
from crawler.vocab import DeclaredBy

ISSUE_PREFIX = "directives"
#: Characters read of a line. draft-illyes-repext-00 asks for at least 8 KiB.
MAX_LENGTH = 8192

_MAX_AGENT = 64
_EDGE = " \t\n\f\r\"'"
_TOKEN = re.compile(r"\*|[A-Za-z0-9_.+/-][A-Za-z0-9_.+/ -]{0,63}")
_PREFIX = re.compile(r"([^:=]*+)([:=])")
# The rest of a date after a comma: RFC 850 (`Wednesday, 25-Jun-30`) and RFC 822 forms.
_DATE = re.compile(
    r"\s*(?:\d|(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b(?!\s*:))",
    re.IGNORECASE,
)
ROBOTS_TAG = "robots-tag"
# Names that authors repeat in the value; they name no agent.
_NO_AGENT = frozenset((ROBOTS_TAG, "x-robots-tag", "robots"))

# Directives with a value after a colon.
_VALUED = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
_SEARCH = frozenset(
    (
        "all archive cache follow imageindex index indexifembedded nofollow noimageindex noindex"
        " none noodp nopreview nositelinkssearchbox nosnippet notranslate noyaca noydir snippet"
    ).split()
)
#: Directives about training. All others are for search engines.
TRAINING = frozenset(("noai", "noimageai", "noml", "noarchive", "nocache"))
#: Words that authors write for a directive about training; separators in them do not matter.
NEAR_DIRECTIVES = {
    **dict.fromkeys(
        "noais noaitrain noaitraining noaitrainings notrain notraining nogenai nollm".split(),
        "noai",
    ),
    **dict.fromkeys("noaiimage noaiimages noimagesai noimageais noimgai".split(), "noimageai"),
    **dict.fromkeys("nomachinelearning noaiml nomlai".split(), "noml"),
}
_SPELLINGS = NearNames(TRAINING, NEAR_DIRECTIVES)
KNOWN = _SEARCH | _VALUED | TRAINING


class DirectiveLine(NamedTuple):
    """A header line or a meta element.

    `agent` is the agent that the element names, otherwise `*`. `value` is the list of
    directives. `deviations` are issue codes that keep the whole line from the strict reading.
    """

    declared_by: DeclaredBy
    name: str
    agent: str
    value: str
    number: int
    raw: str
    deviations: tuple[str, ...] = ()

    @property
    def carrier(self) -> str:
        """Return `header` or `meta`."""
        return "header" if self.declared_by is DeclaredBy.HEADER else "meta"

    def issue(self, code: str, text: str = "") -> Issue:
        """Make an issue that quotes the line, or the given part of it."""
        return Issue(
            code=f"{ISSUE_PREFIX}.{code}", line=self.number, excerpt=excerpt(text or self.raw)
        )


class DirectiveWord(NamedTuple):
    """One directive of a line.

    `name` is in lower case, `text` is its part of the line as written. `after_comma` says that
    a comma separates it from the agent that is named before it. `deviations` keep it from the
    strict reading; `notes` are issue codes that do not.
    """

    name: str
    text: str
    agent: str
    after_comma: bool
    deviations: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Scope:
    """The agent that applies at a position of the line.

    `prefixed` says that the line named it, `equals` that it did so with `=` (Robots-Tag).
    """

    line: DirectiveLine
    agent: str = ""
    prefixed: bool = False
    after_comma: bool = False
    equals: bool = False
    deviations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """Return to the agent of the whole line."""
        self.agent = self.line.agent
        self.prefixed = self.after_comma = self.equals = False
        self.deviations, self.notes = [], []

    def enter(self, prefixes: list[tuple[str, str]], inside: bool) -> None:
        """Apply the agents before a directive: it is for the last of them.

        `inside` says that the agent is not at the start of the line.
        """
        self.reset()
        written, mark = prefixes[-1]
        self.prefixed, self.equals = True, mark == "="
        self.agent = clean(written[:_MAX_AGENT]) or "*"
        if not _TOKEN.fullmatch(written):
            self.deviations.append("agent_unreadable")
        elif written.lower() in _NO_AGENT:
            self.agent = "*"
            self.deviations.append("name_in_value")
        if self.line.carrier == "meta":
            self.deviations.append("agent_in_content")
        if self.equals:
            self.deviations.append("separator")
        if inside or len(prefixes) > 1:
            self.notes.append("agent_inside")


def split_words(line: DirectiveLine) -> Iterator[DirectiveWord]:
    """Split a list of directives at its commas. Any other separator is a deviation."""
    scope, in_date, first = _Scope(line), False, True
    scope.reset()
    for piece in _limited_value(line.value).split(","):
        # A date may hold commas and colons, so its parts are skipped.
        if in_date and _DATE.match(piece):
            continue
        parts = piece.split(";")
        scope.after_comma = scope.prefixed and scope.agent != "*"
        for n, part in enumerate(parts):
            if n and scope.equals:
                scope.reset()
            for word in _part_words(scope, part.strip(_EDGE), part, first, len(parts) > 1):
                in_date = word.name == "unavailable_after"
                yield word
            first = first and not part.strip()


def _limited_value(value: str) -> str:
    """Return at most `MAX_LENGTH` characters, without a word that the limit would split."""
    return value if len(value) <= MAX_LENGTH else value[:MAX_LENGTH].rpartition(",")[0]


def _part_words(
    scope: _Scope, text: str, written: str, first: bool, divided: bool
) -> Iterator[DirectiveWord]:
    """Yield the words of one part, after any agents before them.

    `written` is the part with its white space and quotes. `first` says that no word came before
    in the line, `divided` that semicolons separate parts.
    """
    prefixes, rest = _split_prefixes(text)
    if prefixes:
        scope.enter(prefixes, not first)
    names, deviations = _names(rest)
    deviations += [*scope.deviations, *(["separator"] if divided else [])]
    if '"' in written or (written.strip()[:1] == "'"):
        deviations.append("quoted")
    # An agent with a deviation and no directive still yields a word, for its issue.
    for name in names if rest else [""] * bool(scope.deviations and prefixes):
        unique = tuple(dict.fromkeys(deviations))
        yield DirectiveWord(name, text, scope.agent, scope.after_comma, unique, tuple(scope.notes))
    scope.notes = []


def _split_prefixes(text: str) -> tuple[list[tuple[str, str]], str]:
    """Return the agents before the directive, as pairs of text and mark, and the directive.

    `max-snippet:20` and `unavailable_after: ...` name no agent: the colon is part of them.
    """
    prefixes, position = [], 0
    while (match := _PREFIX.match(text, position)) and (match[1].strip(_EDGE).lower() not in KNOWN):
        prefixes.append((match[1].strip(_EDGE), match[2]))
        position = match.end()
    return prefixes, text[position:].strip(_EDGE)


def _names(rest: str) -> tuple[list[str], list[str]]:
    """Return the directives of a text in lower case, and their deviations.

    There are several only if white space separates them and all are known.
    """
    match = _PREFIX.match(rest)
    if match:
        name = match[1].strip(_EDGE).lower()
        return [name], [] if name in _VALUED else ["unexpected_value"]
    name = rest.lower()
    several = name.split()
    if len(several) > 1 and KNOWN.issuperset(several):
        return several, ["separator"]
    meant = None if name in KNOWN else _SPELLINGS.meant(name)
    return ([meant], ["misspelt"]) if meant else ([name], [])
