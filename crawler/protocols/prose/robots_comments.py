"""Comments of robots.txt: passages of prose that may reserve. They are never statements.

RFC 9309, 2.2, lets readers ignore comments. People write reservations there nevertheless, and
courts have read them. Candidates are shown with a verdict (docs/reference/protocols/page_text.md).
"""

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.prose import text_search
from crawler.protocols.robots.document import read_file
from crawler.protocols.robots.line_reader import to_printable
from crawler.vocab import Presence, Resource

NAME = "robots_comments"
VERSION = 2
TITLE = "Comments of robots.txt"
SPEC = "https://www.rfc-editor.org/rfc/rfc9309#section-2.2"
FAMILY = "robots_comments"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True


def parse(document: Document, /) -> Reading:
    """Return a reading with the candidates in the comments; HTML has none."""
    file = read_file(document.body) if b"#" in document.body else None
    if file is None or file.html:
        return Reading(presence=Presence.ABSENT)
    texts = (to_printable(text) if "#" in text else "" for text in file.lines.texts)
    paragraphs = text_search.paragraphs_of_comments(texts)
    candidates = text_search.search_paragraphs(paragraphs, "robots_comment")
    presence = Presence.PRESENT if candidates else Presence.ABSENT
    return Reading(presence=presence, candidates=candidates)


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: prose states nothing that a machine could follow."""
    return ()
