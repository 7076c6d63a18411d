"""Comments of robots.txt: passages of prose that may reserve. They are never statements.

RFC 9309, 2.2, lets readers ignore comments. People write reservations there nevertheless, and
courts have read them. Candidates are shown with a verdict (docs/protocols/page_text.md).
"""

from collections.abc import Iterator
from itertools import islice

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.prose import patterns
from crawler.protocols.prose.patterns import Sentence
from crawler.protocols.robots.document import RobotsFile, read_file
from crawler.protocols.robots.line_reader import to_printable
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

# Characters that draw frames and bullets around the words of a comment.
_DECORATION = "#*-=_/|>•·┃│ \t"
_BULLETS = ("- ", "* ", "• ", "· ")
_MAX_SENTENCES = 2000


def parse(document: Document, /) -> Reading:
    """Return a reading with the candidates in the comments; HTML has none."""
    file = read_file(document.body) if b"#" in document.body else None
    if file is None or file.html:
        return Reading(presence=Presence.ABSENT)
    sentences = islice(_sentences(file), _MAX_SENTENCES)
    candidates = patterns.find_candidates(sentences, "robots_comment")
    presence = Presence.PRESENT if candidates else Presence.ABSENT
    return Reading(presence=presence, candidates=candidates)


def _sentences(file: RobotsFile) -> Iterator[Sentence]:
    for paragraph in _paragraphs(file):
        yield from patterns.split_sentences(paragraph)


def _paragraphs(file: RobotsFile) -> Iterator[list[tuple[int, str]]]:
    """Yield paragraphs: comments on consecutive lines, up to an empty comment or a bullet point."""
    lines: list[tuple[int, str]] = []
    for number, text in enumerate(file.lines.texts, start=1):
        line = text.strip()
        words = line.strip(_DECORATION) if line.startswith("#") else ""
        # A list item is a paragraph even without an empty line before it.
        if not words or line.lstrip("# \t┃│").startswith(_BULLETS):
            yield lines
            lines = []
        if words:
            lines.append((number, to_printable(words)))
    yield lines


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: prose states nothing that a machine could follow."""
    return ()
