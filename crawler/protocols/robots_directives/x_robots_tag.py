"""Robots directives in response headers: `X-Robots-Tag`, for the resource answered.

`noai`, `noimageai` and `noml` reserve training; `nocache` and `noarchive` do so for the
operators that say so. Repeated headers are read one by one, each with its own agent.
"""

from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.robots_directives import _directives
from crawler.protocols.robots_directives._tokens import ROBOTS_TAG, DirectiveLine
from crawler.vocab import CONTENT, DeclaredBy

NAME = "x_robots_tag"
VERSION = 1
TITLE = "X-Robots-Tag response headers"
SPEC = _directives.SPEC
FAMILY = _directives.FAMILY
RANK = 0
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT
HEADERS: tuple[str, ...] = ("x-robots-tag", ROBOTS_TAG)


def parse(document: Document, /) -> Reading:
    """Read the header lines; `Robots-Tag`, which is only proposed, is a lenient reading."""
    return _directives.read(list(_lines(document)))


def _lines(document: Document) -> Iterator[DirectiveLine]:
    text = document.body.decode("utf-8", "replace")
    for number, line in enumerate(text.split("\r\n"), start=1):
        written, colon, value = line.partition(":")
        name = written.strip().lower()
        if colon and name in HEADERS:
            odd = ("robots_tag",) if name == ROBOTS_TAG else ()
            yield DirectiveLine(DeclaredBy.HEADER, name, "*", value, number, line, odd)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What the headers say to the agent asked about, the counting first."""
    return _directives.statements_for(reading, question)
