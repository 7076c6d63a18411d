"""The interface of a protocol module. mypy checks that every entry of `PROTOCOLS` has it.

A module may also define two optional hooks. Generic code finds them by name, so that it need
not name a protocol:

- `url_patterns(reading)` (see `url_patterns.UrlPatternsHook`): the path patterns that answers
  depend on. Default: none, so that all URLs of an origin get one answer.
- `audience(document, carriers, agent)` (see `AudienceHook`): the agents that a document speaks
  to, as the documents that link to it say. Default: everybody.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Protocol as Interface

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.vocab import Resource


class Carrier(StrEnum):
    """The part of a response that a protocol reads; `page` and `media` are extracts of it."""

    BODY = "body"
    HEADERS = "headers"
    PAGE = "page"
    MEDIA = "media"


#: The optional hook `audience`: from the URL of a document, the (URL, reading) pairs of the
#: documents of its family, and the agent asked about (None: all), to the product tokens that
#: the document speaks to; `*` is everybody, and nothing means that it does not concern `agent`.
AudienceHook = Callable[[str, Iterable[tuple[str, Reading]], str | None], tuple[str, ...]]
#: The audience of a document without an `audience` hook.
EVERYBODY = ("*",)


class Protocol(Interface):
    """A module that reads one carrier of one protocol.

    `FAMILY` groups carriers of the same protocol. Inside a family the greater `RANK` is nearer
    to the content and supersedes. `HEADERS` are lower-case field names, for header carriers.
    `VERSION` rises with every change of what `parse` returns: readings are stored under it.
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
        """Return the reading of a document. Raise nothing, whatever the bytes are."""

    def statements_for(
        self, reading: Reading, question: Question, /
    ) -> tuple[AppliedStatement, ...]:
        """Return the statements that answer a question, by this protocol's own precedence."""
