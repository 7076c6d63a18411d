"""Robots directives in response headers: `X-Robots-Tag`, for the resource answered.

`noai`, `noimageai` and `noml` reserve training for all agents; `nocache` and `noarchive` do so only
for the operators that document it. Each header line has its own agent.
"""

from collections.abc import Iterator

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.header_fields import split_lines
from crawler.protocols.parsing.near_names import header_spellings
from crawler.protocols.robots_directives import _directives
from crawler.protocols.robots_directives._tokens import ROBOTS_TAG, DirectiveLine
from crawler.vocab import CONTENT, DeclaredBy

NAME = "x_robots_tag"
VERSION = 2
TITLE = "X-Robots-Tag response headers"
SPEC = _directives.SPEC
FAMILY = _directives.FAMILY
RANK = 0
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT
_FIELD = "x-robots-tag"
#: Misspelt names of the header.
NEAR_HEADERS = (*header_spellings(_FIELD), "x-robot-tags", "x-robots", "x-robots-meta")
HEADERS: tuple[str, ...] = (_FIELD, ROBOTS_TAG, *(n for n in NEAR_HEADERS if n != ROBOTS_TAG))


def parse(document: Document, /) -> Reading:
    """Parse the header lines. `Robots-Tag`, which is only proposed, is a lenient reading."""
    return _directives.build_reading(list(_lines(document)))


def _lines(document: Document) -> Iterator[DirectiveLine]:
    for line in split_lines(document):
        if line.name in HEADERS:
            near = ("robots_tag",) if line.name == ROBOTS_TAG else ("header_misspelt",)
            deviations = () if line.name == _FIELD else near
            yield DirectiveLine(
                declared_by=DeclaredBy.HEADER,
                name=line.name,
                agent="*",
                value=line.value,
                number=line.number,
                raw=line.text,
                deviations=deviations,
            )


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements for the agent asked about, those that count first."""
    return _directives.statements_for(reading, question)
