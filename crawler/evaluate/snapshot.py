"""Load the snapshot of an origin: its current answers, read by every protocol that reads them.

This is the one place that decides which protocols read a stored response. `protocols.parse` has
the single steps.

Rules for editors: equal documents must have the same `Reading` object, since the evaluation
cache compares readings by identity. A reading of a normalised document may be used for another
document only if it quotes nothing that was left out (see `protocols.parse_cache`).
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from crawler import caches
from crawler.caches import BoundedCache
from crawler.evaluate.current_answers import (
    CurrentAnswer,
    Fields,
    ObservationRow,
    OtherResponse,
    current_answers,
    reason_of,
)
from crawler.evaluate.records import LastFailure, ResourceEvidence
from crawler.model import Document, Issue, Reading, value_of
from crawler.protocols import FIELD_NAMES, PROTOCOLS
from crawler.protocols.interface import Carrier, Protocol
from crawler.protocols.parse import (
    document_of_content,
    document_of_headers,
    media_type_of,
    parse,
)
from crawler.protocols.parse_cache import needs_original, normalise_for_cache
from crawler.protocols.url_patterns import has_url_patterns
from crawler.vocab import EXTERNAL, Outcome, Presence, Resource


def _readers_of(resource: Resource, *, headers: bool) -> tuple[Protocol, ...]:
    return tuple(
        protocol
        for protocol in PROTOCOLS
        if resource in protocol.RESOURCES
        and protocol.CARRIER is not Carrier.CERTIFICATE
        and (protocol.CARRIER is Carrier.HEADERS) == headers
    )


# The protocols that read a resource, by the word that the database has for it. All protocols of
# the content of one resource read the same carrier.
_HEADER_PROTOCOLS = {r.value: _readers_of(r, headers=True) for r in Resource}
_CONTENT_PROTOCOLS = {r.value: _readers_of(r, headers=False) for r in Resource}
_CERTIFICATE_PROTOCOLS = {
    r.value: tuple(p for p in PROTOCOLS if p.CARRIER is Carrier.CERTIFICATE and r in p.RESOURCES)
    for r in Resource
}
_FIELDS = "the header fields"
_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}


class StoredReading(NamedTuple):
    """A reading with its key in the database.

    `key` is a digest of protocol, version and document, `document` the SHA-256 of the document.
    Both are empty for a reading that found nothing: such a reading is not stored.
    """

    protocol: Protocol
    reading: Reading
    key: str = ""
    document: str = ""


class ParsedResponse(NamedTuple):
    """All readings of a response in the order of `PROTOCOLS`, and the same for the evaluator.

    `presence` is that of the protocol that reads the whole body, or unseen for a page that no
    protocol could read; None leaves what the status says.
    """

    readings: tuple[StoredReading, ...] = ()
    as_evidence: tuple[tuple[Protocol, str, Reading], ...] = ()
    presence: Presence | None = None

    @property
    def stored(self) -> tuple[StoredReading, ...]:
        """The readings that found something."""
        return tuple([reading for reading in self.readings if reading.key])


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginSnapshot:
    """The current evidence of an origin.

    `resources` is the input of the evaluator: first one for each of `answers`, in their order,
    then the other responses whose header fields count, then what was expected and never
    requested. `readings` pairs keys of observations
    with what was found in them. `newest_observed_at` is the UTC time of the newest current
    answer, `last_looked_at` that of the last attempt of any kind; both are empty without any.
    `last_outcome` says why the last attempt at a resource failed, `responded` if none did.
    """

    resources: tuple[ResourceEvidence, ...]
    answers: tuple[CurrentAnswer, ...]
    readings: tuple[tuple[int, StoredReading], ...]
    newest_observed_at: str
    last_looked_at: str
    last_outcome: str

    @property
    def is_withheld(self) -> bool:
        """True if some of the evidence was erased on purpose: it may have reserved."""
        return any(
            issue.code == _WITHHELD
            for evidence in self.resources
            for _, _, reading in evidence.readings
            for issue in reading.issues
        )


#: The resources that every origin is asked for, with their paths: without an answer from each,
#: nobody can tell that nothing is reserved.
EXPECTED = {
    Resource.ROBOTS_TXT: "/robots.txt",
    Resource.AI_TXT: "/ai.txt",
    Resource.TDMREP_JSON: "/.well-known/tdmrep.json",
    Resource.HOME: "/",
}
_WITHHELD, _DAMAGED = "internal.erased", "internal.damaged"
_NEVER_REQUESTED = LastFailure(is_refusal=False, days=0, why="never requested")
_EMPTY = ParsedResponse()
# A response parsed without keys, and for each reading whether it is stored.
_UnkeyedResponse = tuple[ParsedResponse, tuple[bool, ...]]


class SnapshotReader:
    """Loads snapshots. Equal documents are parsed once, however many hosts send them.

    `rows_of` returns the observations of an origin by its number, in the order of their time;
    `load_body` returns stored bytes by their digest, None if they are gone or damaged;
    `is_withheld` tells whether they were erased on purpose.
    """

    def __init__(
        self,
        rows_of: Callable[[int], list[ObservationRow]],
        load_body: Callable[[str], bytes | None],
        is_withheld: Callable[[str], bool] = lambda _digest: False,
    ) -> None:
        self._rows_of, self._load_body, self._is_withheld = rows_of, load_body, is_withheld
        self._responses: BoundedCache[tuple[object, ...], ParsedResponse] = BoundedCache(
            caches.RESPONSES
        )
        self._documents: BoundedCache[Hashable, _UnkeyedResponse] = BoundedCache(caches.DOCUMENTS)

    def load(self, origin: int) -> OriginSnapshot:
        """Return the snapshot of an origin by its number; empty if it was never visited."""
        return self.snapshot_of(self._rows_of(origin))

    def rows_of(self, origin: int) -> list[ObservationRow]:
        """Return the observations of an origin in the order of their time."""
        return self._rows_of(origin)

    def snapshot_of(self, rows: list[ObservationRow]) -> OriginSnapshot:
        """Return the snapshot that these observations of an origin make."""
        answers = current_answers(rows)
        parsed = {answer.row.key: self._parse_row(answer.row) for answer in answers}
        resources = [_resource_evidence(answer, parsed[answer.row.key]) for answer in answers]
        for answer in answers:
            for other in answer.others:
                from_headers = self._parse_other(other.row)
                if from_headers.readings:
                    parsed[other.row.key] = from_headers
                    resources.append(_header_evidence(answer, other, from_headers))
        resources += _never_requested(answers)
        return OriginSnapshot(
            resources=tuple(resources),
            answers=answers,
            readings=tuple(
                [(key, reading) for key in sorted(parsed) for reading in parsed[key].stored]
            ),
            newest_observed_at=max([answer.row.observed_at for answer in answers], default=""),
            last_looked_at=max([row.observed_at for row in rows], default=""),
            last_outcome=_last_outcome(answers),
        )

    def _parse_row(self, row: ObservationRow) -> ParsedResponse:
        """Parse the answer of a resource with all protocols that read it."""
        if row.presence is not Presence.PRESENT:
            return _EMPTY
        if row.is_damaged:
            readers = {*_HEADER_PROTOCOLS[row.resource], *_CONTENT_PROTOCOLS[row.resource]}
            readers_in_order = (p for p in PROTOCOLS if p in readers)
            return _unread(readers_in_order, _FIELDS, is_withheld=row.is_withheld)
        fields = row.fields
        parsed = _merge(self._parse_headers(row, fields), self._parse_body(row, fields))
        return _merge(parsed, self._parse_certificate(row))

    def _parse_certificate(self, row: ObservationRow) -> ParsedResponse:
        """Parse the certificate of a server that answers for the host that was asked.

        Only those that name an organisation are stored.
        """
        protocols = _CERTIFICATE_PROTOCOLS[row.resource] if row.certificate else ()
        if not protocols or row.url.split("/", 3)[2] != row.asked.split("/", 3)[2]:
            return _EMPTY
        key = ("certificate", row.certificate)
        cached = self._responses.get(key)
        if cached is not None:
            return cached
        body = self._load_body(row.certificate)
        document = Document(body=body) if body else None
        return self._responses.put(
            key,
            _parsed_response(
                [_with_key(StoredReading(p, parse(p, document)), document) for p in protocols]
                if document
                else ()
            ),
        )

    def _parse_other(self, row: ObservationRow) -> ParsedResponse:
        """Parse the header fields of a redirect or an error."""
        if row.is_damaged:
            readers = _HEADER_PROTOCOLS[row.resource]
            return _unread(readers, _FIELDS, is_withheld=row.is_withheld)
        return self._parse_headers(row, row.fields)

    def _parse_headers(self, row: ObservationRow, fields: Fields) -> ParsedResponse:
        # Most responses have no field that any protocol knows.
        known = tuple([field for field in fields if field[0].strip().lower() in FIELD_NAMES])
        if not known:
            return _EMPTY
        key = (row.resource, known, row.status)
        return self._responses.get(key) or self._responses.put(
            key, _parsed_response(_parse_fields(_HEADER_PROTOCOLS[row.resource], known, row.status))
        )

    def _parse_body(self, row: ObservationRow, fields: Fields) -> ParsedResponse:
        """Parse the stored body or extract; it is not loaded if the result is cached."""
        media_type = media_type_of(value_of(fields, "content-type"))
        key = (row.resource, row.stored, media_type, row.truncated)
        return self._responses.get(key) or self._responses.put(
            key, self._parse_content(row, media_type)
        )

    def _parse_content(self, row: ObservationRow, media_type: tuple[str, str]) -> ParsedResponse:
        protocols = _CONTENT_PROTOCOLS[row.resource]
        if not protocols:
            return _EMPTY
        content = self._load_body(row.stored) if row.stored else b""
        if content is None:
            digest = row.stored or ""
            return _unread(protocols, digest, is_withheld=self._is_withheld(digest))
        document = document_of_content(
            protocols[0], content, media_type, truncated=bool(row.truncated)
        )
        if document is None:
            return _EMPTY
        parsed, is_stored = self._parse_once(protocols, Resource(row.resource), document)
        if not any(is_stored):
            return parsed
        # The readings are shared with equal documents, but each document has its own keys.
        pairs = zip(parsed.readings, is_stored, strict=True)
        return _parsed_response(
            [_with_key(reading, document) if stored else reading for reading, stored in pairs]
        )

    def _parse_once(
        self, protocols: tuple[Protocol, ...], resource: Resource, document: Document
    ) -> _UnkeyedResponse:
        """Parse a document, or return what was parsed from one that normalises to the same."""
        normalised = normalise_for_cache(protocols[0].CARRIER, resource, document)
        cached = self._documents.get(normalised.key)
        if cached is not None:
            return cached
        readings = [parse(protocol, normalised.document) for protocol in protocols]
        if needs_original(readings):
            readings = [parse(protocol, document) for protocol in protocols]
            return _unkeyed(protocols, readings, _document_key(document)[0])
        source = _digest(repr(normalised.key))
        return self._documents.put(normalised.key, _unkeyed(protocols, readings, source))


def _unkeyed(
    protocols: Iterable[Protocol], readings: Iterable[Reading], source: str
) -> _UnkeyedResponse:
    parsed = _parsed_response(
        [
            StoredReading(p, _with_source(reading, source))
            for p, reading in zip(protocols, readings, strict=True)
        ]
    )
    return parsed, tuple(map(_is_stored, parsed.readings))


def _is_stored(stored: StoredReading) -> bool:
    """Return whether a reading found anything that the database has a table for."""
    reading = stored.reading
    if reading.statements or reading.issues or reading.candidates or reading.parties:
        return True
    return reading.rules is not None and has_url_patterns(stored.protocol, reading)


def _parsed_response(readings: Iterable[StoredReading]) -> ParsedResponse:
    readings = tuple(readings)
    # Several protocols read the body of robots.txt; the last one, in the order of `PROTOCOLS`,
    # is the one that the file is named for.
    of_body = [r.reading.presence for r in readings if r.protocol.CARRIER is Carrier.BODY]
    as_evidence = tuple([(r.protocol, r.key, r.reading) for r in readings])
    if any(p.CARRIER is Carrier.PAGE and r.presence is Presence.UNSEEN for p, _, r in as_evidence):
        of_body.append(Presence.UNSEEN)
    return ParsedResponse(readings, as_evidence, of_body[-1] if of_body else None)


def _unread(protocols: Iterable[Protocol], what: str, *, is_withheld: bool) -> ParsedResponse:
    """Return the readings of what was erased, or is not as it was received: nothing was seen.

    `what` is the digest of the bytes, or names what else is damaged or withheld.
    """
    code = _WITHHELD if is_withheld else _DAMAGED
    issue = Issue(code=code, excerpt=what)
    document = Document(body=f"{code} {what}".encode() if is_withheld else what.encode())
    reading = Reading(presence=Presence.UNSEEN, issues=(issue,))
    return _parsed_response([_with_key(StoredReading(p, reading), document) for p in protocols])


def _parse_fields(
    protocols: Iterable[Protocol], fields: Fields, status: int | None
) -> Iterator[StoredReading]:
    for protocol in protocols:
        document = document_of_headers(protocol, fields, status)
        if document is not None:
            made = _with_source(parse(protocol, document), _document_key(document)[0])
            reading = StoredReading(protocol, made)
            yield _with_key(reading, document) if _is_stored(reading) else reading


def _with_source(reading: Reading, source: str) -> Reading:
    """Return a reading with its source, if it may say anything: most say nothing."""
    says_nothing = reading.rules is None and not (
        reading.statements or reading.candidates or reading.names or reading.has_unread
    )
    return reading if says_nothing else replace(reading, source=source)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _with_key(stored: StoredReading, document: Document) -> StoredReading:
    protocol, (facts, digest) = stored.protocol, _document_key(document)
    text = f"{protocol.NAME}\n{protocol.VERSION}\n{facts}"
    return stored._replace(key=_digest(text)[:16], document=digest)


@lru_cache(maxsize=caches.CURRENT_DOCUMENT)
def _document_key(document: Document) -> tuple[str, str]:
    """Return the part of a key that all readings of a document share, and its SHA-256."""
    digest = hashlib.sha256(document.body).hexdigest()
    facts = [document.media_type, document.charset, document.truncated, digest]
    facts += [] if document.status is None else [document.status]
    return "\n".join(map(str, facts)), digest


def _merge(one: ParsedResponse, other: ParsedResponse) -> ParsedResponse:
    if not one.readings or not other.readings:
        return one if one.readings else other
    return _parsed_response(
        sorted((*one.readings, *other.readings), key=lambda r: _ORDER[r.protocol.NAME])
    )


def _last_outcome(answers: tuple[CurrentAnswer, ...]) -> str:
    """Return why attempts failed: what was sent and failed says more than what was withheld."""
    failed = [
        (answer.last.outcome == Outcome.WITHHELD, answer.last.key, reason_of(answer.last))
        for answer in answers
        if answer.last_failure is not None
    ]
    return min(failed)[2] if failed else Outcome.RESPONDED.value


def _resource_evidence(answer: CurrentAnswer, parsed: ParsedResponse) -> ResourceEvidence:
    """Return the evidence of a resource.

    Where a protocol reads the whole body, its presence replaces that of the status: a page that
    says "not found" with status 200 is no robots.txt.
    """
    return ResourceEvidence(
        resource=answer.resource,
        path=answer.path,
        url=answer.row.url,
        presence=answer.presence if parsed.presence is None else parsed.presence,
        observation=answer.row.key,
        observed_at=answer.row.observed_at,
        readings=parsed.as_evidence if answer.presence is Presence.PRESENT else (),
        since=answer.since,
        last_failure=answer.last_failure,
        origin=_origin_asked(answer),
    )


def _header_evidence(
    answer: CurrentAnswer, other: OtherResponse, parsed: ParsedResponse
) -> ResourceEvidence:
    """Return the evidence of the header fields of a redirect or an error."""
    return ResourceEvidence(
        resource=answer.resource,
        path=answer.path,
        url=other.row.url,
        presence=Presence.PRESENT,
        observation=other.row.key,
        observed_at=other.row.observed_at,
        readings=parsed.as_evidence,
        since=other.since,
        last_failure=other.last_failure,
        is_final=False,
        origin=_origin_asked(answer),
    )


def _never_requested(answers: tuple[CurrentAnswer, ...]) -> list[ResourceEvidence]:
    """Return unseen evidence for the expected resources that were never requested.

    A crawl requests all of them, or records why it did not. An archive may hold only one.
    """
    asked = {answer.resource for answer in answers}
    if asked.issuperset(EXPECTED) or not answers:
        return []
    at = next(filter(None, map(_origin_asked, answers)), "")
    return [
        ResourceEvidence(
            resource=resource,
            path=path,
            url=at + path,
            presence=Presence.UNSEEN,
            observation=0,
            observed_at="",
            last_failure=_NEVER_REQUESTED,
            origin=at,
        )
        for resource, path in EXPECTED.items()
        if resource not in asked
    ]


def _origin_asked(answer: CurrentAnswer) -> str:
    """Return the origin that a resource was asked of; empty for one that may be elsewhere."""
    return "" if answer.resource in EXTERNAL else "/".join(answer.row.asked.split("/", 3)[:3])
