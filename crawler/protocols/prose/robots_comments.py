"""Comments of robots.txt: passages of prose that may reserve. Never a statement.

RFC 9309, 2.2, lets readers ignore comments; people write reservations there all the same, and
courts have read them. What is found is shown beside a verdict (docs/protocols/page_text.md).
"""

from collections.abc import Iterator
from itertools import islice

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.prose import patterns
from crawler.protocols.prose.patterns import Sentence
from crawler.protocols.robots.document import File, read_file
from crawler.protocols.robots.line_reader import shown
from crawler.vocab import Presence, Resource

NAME = "robots_comments"
VERSION = 1
TITLE = "Comments of robots.txt"
SPEC = "https://www.rfc-editor.org/rfc/rfc9309#section-2.2"
FAMILY = "robots_comments"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_MARKS = "#*-=_/|>•·┃│ \t"
_BULLETS = ("- ", "* ", "• ", "· ")
_SENTENCES = 2000


def parse(document: Document, /) -> Reading:
    """Read the comments; a page that stands in for the file has none."""
    file = read_file(document.body) if b"#" in document.body else None
    if file is None or file.html:
        return Reading(presence=Presence.ABSENT)
    found = patterns.candidates(islice(_sentences(file), _SENTENCES), "robots_comment")
    return Reading(presence=Presence.PRESENT if found else Presence.ABSENT, candidates=found)


def _sentences(file: File) -> Iterator[Sentence]:
    for paragraph in _paragraphs(file):
        yield from patterns.sentences(paragraph)


def _paragraphs(file: File) -> Iterator[list[tuple[int, str]]]:
    """Comments on lines that follow each other; an empty one or a new point ends a paragraph."""
    lines: list[tuple[int, str]] = []
    for number, text in enumerate(file.lines.texts, start=1):
        written = text.strip()
        words = written.strip(_MARKS) if written.startswith("#") else ""
        if not words or written.lstrip("# \t┃│").startswith(_BULLETS):
            yield lines
            lines = []
        if words:
            lines.append((number, shown(words)))
    yield lines


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Nothing: prose states nothing that a machine could follow."""
    return ()
