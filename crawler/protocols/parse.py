"""The steps from an observation to a reading: presence, document, parse.

They are pure functions of one protocol and one response. `evaluate.snapshot` decides which
protocols read a stored response, and caches the results.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from crawler import caches, page
from crawler.model import (
    AppliedStatement,
    Document,
    Issue,
    Observation,
    Question,
    Reading,
    Statement,
)
from crawler.page import undeclared_encoding
from crawler.protocols.interface import Carrier, Protocol
from crawler.vocab import PAGES, Outcome, Presence, Reads, Resource

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
    # No range was asked for, so 206 is a part that nobody knows the whole of.
    is_whole = 200 <= status < 300 and status != 206
    return Presence.PRESENT if is_whole or confirms else Presence.UNSEEN


#: Part of the note of a request that was withheld since robots.txt disallows it for this client.
REFUSED_BY_RULE = "disallows this path for"
# Status codes by which a host turns this client away (RFC 9110, 15.5.2 and 15.5.4; RFC 7725).
_REFUSING = frozenset((401, 403, 451))


def is_refusal_of_us(outcome: str, status: int | None, note: str) -> bool:
    """Return whether an attempt failed because the host turned this client away.

    Such a refusal ends at once what older evidence says about freedom; other failures (no
    answer, 429, 5xx) may pass.
    """
    if outcome == Outcome.WITHHELD:
        return REFUSED_BY_RULE in note
    return outcome in _ANSWERED and status in _REFUSING


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
        return document_of_headers(protocol, observation.fields, observation.status)
    if protocol.CARRIER is Carrier.CERTIFICATE:
        return Document(body=observation.certificate) if observation.certificate else None
    content = observation.extract if protocol.CARRIER in EXTRACTS else observation.body
    return document_of_content(
        protocol, content, media_type(observation), truncated=observation.truncated
    )


def document_of_headers(
    protocol: Protocol, fields: Iterable[tuple[str, str]], status: int | None = None
) -> Document | None:
    """Return the header lines that a protocol reads, None if there are none.

    `status` is the status code of the response; the document holds it only if it is an error,
    so that equal fields of other responses are equal documents. Octets that are not UTF-8
    arrive as surrogates and leave as the octets that were received.
    """
    lines = [
        f"{name.strip()}: {value.strip()}\r\n"
        for name, value in fields
        if name.strip().lower() in protocol.HEADERS
    ]
    if not lines:
        return None
    body = "".join(lines).encode("utf-8", "surrogateescape")
    return Document(body=body, status=status if status is not None and status >= 400 else None)


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
        if document.body and protocol.CARRIER is Carrier.BODY:
            return _read_body(protocol, document)
        if document.body and protocol.CARRIER is Carrier.PAGE:
            return _read_page(protocol, document)
        return protocol.parse(document)
    except Exception as error:
        crash = Issue(code="internal.crash", excerpt=f"{protocol.NAME}: {error!r}"[:300])
        return Reading(presence=Presence.UNSEEN, issues=(crash,))


def _read_body(protocol: Protocol, document: Document) -> Reading:
    """Parse a body; one whose encoding no header declares is read leniently.

    A body that nothing decodes was not read, so it is unseen and never absent.
    """
    body = document.body
    decoded = undeclared_encoding.decompress(body) or undeclared_encoding.to_utf8(
        body, utf16=Resource.ROBOTS_TXT in protocol.RESOURCES
    )
    if decoded is None:
        return _cut(protocol, document, _read_text(protocol, document))
    truncated = document.truncated or decoded.truncated
    document = replace(document, body=decoded.body, truncated=truncated)
    reading = _cut(protocol, document, _read_text(protocol, document))
    return _lenient_reading(reading, _issue(protocol, "undeclared_encoding"))


def _lenient_reading(reading: Reading, issues: tuple[Issue, ...]) -> Reading:
    """Return a reading of which no statement counts, with more issues before its own."""
    return replace(
        reading,
        statements=tuple([_as_lenient(statement) for statement in reading.statements]),
        issues=(*issues, *reading.issues),
        is_lenient=True,
    )


def _cut(protocol: Protocol, document: Document, reading: Reading) -> Reading:
    """Return the reading of a body that was cut off: the rest was not read, so it is unseen.

    Statements in the part that was read count. RFC 9309, 2.5, lets crawlers read the first
    500 KiB of a robots.txt and no more.
    """
    if not document.truncated or Resource.ROBOTS_TXT in protocol.RESOURCES:
        return reading
    return replace(reading, presence=Presence.UNSEEN)


def _read_page(protocol: Protocol, document: Document) -> Reading:
    """Parse an extract of a page as its marks say: like a body, leniently or as unseen."""
    reading, marks = protocol.parse(document), page.read_marks(document.body)
    if marks.unreadable:
        issues = (*_page_issue(protocol, "undecodable"), *reading.issues)
        reading = replace(reading, presence=Presence.UNSEEN, issues=issues)
    if marks.encoding:
        issues = _page_issue(protocol, "undeclared_encoding", marks.encoding)
        reading = _lenient_reading(reading, issues)
    return reading


def _page_issue(protocol: Protocol, code: str, excerpt: str = "") -> tuple[Issue, ...]:
    """Return an issue with the bytes of a page, once: of the protocol that reads every page."""
    if not PAGES | {Resource.TERMS} <= protocol.RESOURCES:
        return ()
    return (Issue(code=f"page.{code}", excerpt=excerpt),)


def _read_text(protocol: Protocol, document: Document) -> Reading:
    """Parse a body that is text; any other body is unseen, with the issue `undecodable`."""
    if undeclared_encoding.is_text(document.body):
        reading = protocol.parse(document)
        # A protocol calls content with octets of zero binary and takes it for no file of its own.
        if not any(issue.code.endswith(".binary") for issue in reading.issues):
            return reading
        return replace(reading, presence=Presence.UNSEEN)
    issues = _issue(protocol, "undecodable", document.media_type)
    return Reading(presence=Presence.UNSEEN, issues=issues)


def _issue(protocol: Protocol, code: str, excerpt: str = "") -> tuple[Issue, ...]:
    """Return an issue with the octets of a body, once for a file that many protocols read."""
    is_guest = Resource.ROBOTS_TXT in protocol.RESOURCES and protocol.FAMILY != Resource.ROBOTS_TXT
    return () if is_guest else (Issue(code=f"{protocol.FAMILY}.{code}", excerpt=excerpt),)


def _as_lenient(statement: Statement) -> Statement:
    return replace(statement, counts=False, reads=Reads.LENIENT)


def applied_statements(
    protocol: Protocol, reading: Reading, question: Question
) -> tuple[AppliedStatement, ...]:
    """Return what `statements_for` of a protocol answers from a reading that `parse` returned.

    From a lenient reading no statement counts.
    """
    applied = protocol.statements_for(reading, question)
    if not reading.is_lenient:
        return applied
    return tuple([as_lenient(one) for one in applied])


def as_lenient(applied: AppliedStatement) -> AppliedStatement:
    """Return an applied statement as one of a lenient reading, which does not count."""
    return applied._replace(statement=_as_lenient(applied.statement))


def read(protocol: Protocol, observation: Observation) -> Reading:
    """Return a protocol's reading of one observation, whatever its outcome was."""
    presence = presence_of(observation)
    if presence is not Presence.PRESENT:
        return Reading(presence=presence)
    part = document(protocol, observation)
    return Reading(presence=Presence.ABSENT) if part is None else parse(protocol, part)
