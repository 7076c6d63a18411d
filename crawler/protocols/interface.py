"""The one shape that every protocol module has; mypy holds the modules to it."""

from enum import StrEnum
from typing import Protocol as Shape

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.vocab import Resource


class Carrier(StrEnum):
    """Which part of a response a protocol reads; `page` and `media` are extracts of it."""

    BODY = "body"
    HEADERS = "headers"
    PAGE = "page"
    MEDIA = "media"


class Protocol(Shape):
    """A module that reads one carrier of one protocol.

    `FAMILY` groups carriers of the same protocol; inside a family the greater `RANK` is
    nearer to the content and supersedes. `HEADERS` are lower-case names, for header carriers.
    """

    NAME: str
    VERSION: int
    TITLE: str
    SPEC: str
    FAMILY: str
    RANK: int
    CARRIER: Carrier
    RESOURCES: frozenset[Resource]
    HEADERS: tuple[str, ...]

    def parse(self, document: Document, /) -> Reading:
        """Read a document; whatever the bytes are, an answer comes back and nothing is raised."""

    def statements_for(
        self, reading: Reading, question: Question, /
    ) -> tuple[AppliedStatement, ...]:
        """The statements that speak to the question under this protocol's own precedence."""
