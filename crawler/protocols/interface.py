"""The interface of a protocol module. mypy checks that every entry of `PROTOCOLS` has it.

A module may also define optional hooks. Generic code finds them by name, so that it need
not name a protocol:

- `url_patterns(reading)` (see `url_patterns.UrlPatternsHook`): the path patterns that answers
  depend on. Default: none, so that all URLs of an origin get one answer.
- `named_agents(reading)` (see `NamedAgentsHook`): the product tokens that the document addresses
  apart from everybody. Default: none.
- `RULES_ACCESS`: true for a protocol whose statements are about who may fetch. Default: false.
- `CONTEXT_ONLY`: true for a protocol that never reserves. Default: false.
- `audience(document, carriers, agent)` (see `AudienceHook`): the agents that a document speaks
  to, as the documents that link to it say. Default: everybody.
- `is_named_loosely(document, carriers)`: whether a document is only named in a way that strict
  readers do not follow, so that nothing in it counts. Default: no.
- `named_documents(carriers)`: the URLs of the documents of this kind that carriers name; those
  that were not requested are missing evidence. Default: none.
- `names_hosts(reading)`: whether answers depend on the host of the origin asked about
  (`Question.origin`). Default: no.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Protocol as Interface

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.vocab import Resource


class Carrier(StrEnum):
    """The part of a response that a protocol reads; `page` and `media` are extracts of it.

    `certificate` is that of the server, in DER.
    """

    BODY = "body"
    HEADERS = "headers"
    PAGE = "page"
    MEDIA = "media"
    CERTIFICATE = "certificate"


#: The optional hook `audience`: from the URL of a document, the (URL, reading) pairs of the
#: documents of its family, and the agent asked about (None: all), to the product tokens that
#: the document speaks to; `*` is everybody, and nothing means that it does not concern `agent`.
AudienceHook = Callable[[str, Iterable[tuple[str, Reading]], str | None], tuple[str, ...]]
#: The optional hook `named_agents`: from a reading to product tokens as written, never `*`.
NamedAgentsHook = Callable[[Reading], Iterable[str]]
#: The optional hook `is_named_loosely`; the arguments are those of `audience`.
LooseNameHook = Callable[[str, Iterable[tuple[str, Reading]]], bool]
#: The optional hook `named_documents`, from (URL, reading) pairs as of `audience`.
NamedDocumentsHook = Callable[[Iterable[tuple[str, Reading]]], tuple[str, ...]]
#: The optional hook `names_hosts`.
NamesHostsHook = Callable[[Reading], bool]
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


def named_agents_of(protocol: Protocol, reading: Reading) -> Iterable[str]:
    """Return the product tokens that a document addresses apart from everybody."""
    hook: NamedAgentsHook | None = getattr(protocol, "named_agents", None)
    return hook(reading) if hook is not None else ()
