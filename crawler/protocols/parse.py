"""The steps from an observation to a reading: presence, document, parse.

They are pure functions of one protocol and one response. `evaluate.snapshot` decides which
protocols read a stored response, and caches the results.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from crawler import caches
from crawler.model import Document, Issue, Observation, Reading
from crawler.protocols.interface import Carrier, Protocol
from crawler.vocab import Outcome, Presence

_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
#: Carriers of which the crawl stores an extract instead of the body.
EXTRACTS = frozenset({Carrier.PAGE, Carrier.MEDIA})
_ANSWERED = (Outcome.RESPONDED, Outcome.TOO_LARGE)


def presence_of(observation: Observation) -> Presence:
    """Return the presence of a resource by its response, before any protocol reads it."""
    confirms = observation.confirms is not None
    return presence_by_status(observation.outcome, observation.status, confirms=confirms)


def presence_by_status(outcome: str, status: int | None, *, confirms: bool) -> Presence:
    """Return the presence of a resource by the outcome of the request and the status code.

    Only 404 and 410 say that a resource is absent (RFC 9110, 15.5.5 and 15.5.11), and 204 that
    it is empty. A 304 that `confirms` a stored response leaves it present. After every other
    failure the evidence itself is missing: 401, 403, 429 and 5xx are not absence.
    """
    if outcome not in _ANSWERED or status is None:
        return Presence.UNSEEN
    if status in (204, 404, 410):
        return Presence.ABSENT
    return Presence.PRESENT if 200 <= status < 300 or confirms else Presence.UNSEEN


def media_type(observation: Observation) -> tuple[str, str]:
    """Return media type and charset of `Content-Type`, lower case, empty where not given."""
    return media_type_of(observation.header("content-type"))


@lru_cache(maxsize=caches.MEDIA_TYPES)
def media_type_of(value: str) -> tuple[str, str]:
    """Return media type and charset of a value of `Content-Type`."""
    charset = _CHARSET.search(value)
    return value.partition(";")[0].strip().lower(), charset[1].lower() if charset else ""


def document(protocol: Protocol, observation: Observation) -> Document | None:
    """Return the part of a response that a protocol reads; None if there is no such part."""
    if protocol.CARRIER is Carrier.HEADERS:
        return document_of_headers(protocol, observation.fields)
    content = observation.extract if protocol.CARRIER in EXTRACTS else observation.body
    return document_of_content(
        protocol, content, media_type(observation), truncated=observation.truncated
    )


def document_of_headers(protocol: Protocol, fields: Iterable[tuple[str, str]]) -> Document | None:
    """Return the header lines that a protocol reads, None if there are none.

    Octets that are not UTF-8 arrive as surrogates and leave as the octets that were received.
    """
    lines = [
        f"{name.strip()}: {value.strip()}\r\n"
        for name, value in fields
        if name.strip().lower() in protocol.HEADERS
    ]
    return Document(body="".join(lines).encode("utf-8", "surrogateescape")) if lines else None


def document_of_content(
    protocol: Protocol, content: bytes, media_type: tuple[str, str], *, truncated: bool
) -> Document | None:
    """Return a body or an extract as the document that a protocol reads.

    `media_type` is the media type and charset that the server named. An empty extract is None:
    nothing was extracted. An empty body is a document, which the protocol judges.
    """
    if protocol.CARRIER in EXTRACTS:
        return Document(body=content) if content else None
    return Document(
        body=content, media_type=media_type[0], charset=media_type[1], truncated=truncated
    )


def parse(protocol: Protocol, document: Document) -> Reading:
    """Return a protocol's reading of a document.

    A bug in a protocol must not stop a run over millions of documents: an exception becomes the
    issue `internal.crash` of an unseen reading, so that the answer is `unknown`.
    """
    try:
        return protocol.parse(document)
    except Exception as error:
        crash = Issue(code="internal.crash", excerpt=f"{protocol.NAME}: {error!r}"[:300])
        return Reading(presence=Presence.UNSEEN, issues=(crash,))


def read(protocol: Protocol, observation: Observation) -> Reading:
    """Return a protocol's reading of one observation, whatever its outcome was."""
    presence = presence_of(observation)
    if presence is not Presence.PRESENT:
        return Reading(presence=presence)
    part = document(protocol, observation)
    return Reading(presence=Presence.ABSENT) if part is None else parse(protocol, part)
