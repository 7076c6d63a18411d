"""What is known of one origin, read by every protocol: the input of the judge."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from crawler.caches import BoundedCache
from crawler.evaluate.current_answers import CurrentAnswer, ObservationRow, current_answers
from crawler.evaluate.records import ResourceEvidence
from crawler.model import Document, Reading, value_of
from crawler.protocols import PROTOCOLS
from crawler.protocols.interface import Carrier, Protocol
from crawler.protocols.parse import media_type_of, of_content, of_headers, parse
from crawler.protocols.parse_cache import needs_original, normalise_for_cache
from crawler.protocols.url_patterns import shapes_of
from crawler.vocab import Presence, Resource

Fields = tuple[tuple[str, str], ...]

_CACHED = 1024
# Protocols by the resource they look at: those of header lines, and those of what was kept.
_HEADER_PROTOCOLS = {
    resource.value: tuple(
        p for p in PROTOCOLS if resource in p.RESOURCES and p.CARRIER is Carrier.HEADERS
    )
    for resource in Resource
}
_CONTENT_PROTOCOLS = {
    resource.value: tuple(
        p for p in PROTOCOLS if resource in p.RESOURCES and p.CARRIER is not Carrier.HEADERS
    )
    for resource in Resource
}
_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
_KNOWN_FIELDS = frozenset(
    name for found in _HEADER_PROTOCOLS.values() for p in found for name in p.HEADERS
)


class StoredReading(NamedTuple):
    """One reading: `key` is a digest of protocol, version and document; `document` its SHA-256.

    Both are empty where nothing was found in the document: such a reading is not stored.
    """

    protocol: Protocol
    reading: Reading
    key: str = ""
    document: str = ""


class ParsedResponse(NamedTuple):
    """All readings of a response, in the order of protocols, and as a sight has them. `presence`
    is what the protocol says that reads the whole body, if one does.
    """

    reads: tuple[StoredReading, ...] = ()
    readings: tuple[tuple[Protocol, str, Reading], ...] = ()
    presence: Presence | None = None

    @property
    def found(self) -> tuple[StoredReading, ...]:
        """The readings that found something."""
        return tuple([read for read in self.reads if read.key])


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginSnapshot:
    """The evidence in force of an origin: sights for the judge, and the readings behind them.

    `reads` pairs the key of an observation with what was found in it; redirects are among
    them, since a header on a hop is evidence too. `last_look` is the UTC time of the youngest
    evidence in force, empty without any.
    """

    resources: tuple[ResourceEvidence, ...]
    answers: tuple[CurrentAnswer, ...]
    reads: tuple[tuple[int, StoredReading], ...]
    newest_observed_at: str


_EMPTY = ParsedResponse()
# A look without what tells alike documents apart, and which of its readings are to be kept.
_UnkeyedResponse = tuple[ParsedResponse, tuple[bool, ...]]


class SnapshotReader:
    """Opens dossiers. Documents of one essence are read once, however many hosts send them, and
    their readings are one object.
    """

    def __init__(
        self,
        rows_of: Callable[[int], list[ObservationRow]],
        load_body: Callable[[str], bytes | None],
    ) -> None:
        self._rows_of, self._load_body = rows_of, load_body
        self._known: BoundedCache[tuple[object, ...], ParsedResponse] = BoundedCache(_CACHED)
        self._alike: BoundedCache[Hashable, _UnkeyedResponse] = BoundedCache(_CACHED)

    def open(self, origin: int) -> OriginSnapshot:
        """The dossier of an origin by its number; empty if it was never asked."""
        rows = self._rows_of(origin)
        answers = current_answers(rows)
        shown = {answer.row.key for answer in answers}
        looks = {row.key: self._look_at(row) for row in rows if row.key in shown or row.is_redirect}
        return OriginSnapshot(
            resources=tuple(
                [_resource_evidence(answer, looks[answer.row.key]) for answer in answers]
            ),
            answers=answers,
            reads=tuple([(key, read) for key in sorted(looks) for read in looks[key].found]),
            newest_observed_at=max([answer.row.observed_at for answer in answers], default=""),
        )

    def _look_at(self, row: ObservationRow) -> ParsedResponse:
        """What the protocols read from a response."""
        present = row.presence is Presence.PRESENT
        if not present and not row.is_redirect:
            return _EMPTY
        fields = row.fields
        applicable = self._heard(row, fields)
        return _merge(applicable, self._seen(row, fields)) if present else applicable

    def _heard(self, row: ObservationRow, fields: Fields) -> ParsedResponse:
        """What its header lines say; most have none that any protocol knows."""
        lines = tuple([line for line in fields if line[0].strip().lower() in _KNOWN_FIELDS])
        if not lines:
            return _EMPTY
        known = (row.resource, lines)
        return self._known.get(known) or self._known.keep(
            known, _parsed_response(_parse_fields(_HEADER_PROTOCOLS[row.resource], lines))
        )

    def _seen(self, row: ObservationRow, fields: Fields) -> ParsedResponse:
        """What the bytes say that were kept; they are not loaded where that is known."""
        kind = media_type_of(value_of(fields, "content-type"))
        known = (row.resource, row.stored, kind, row.truncated)
        return self._known.get(known) or self._known.keep(known, self._content(row, kind))

    def _content(self, row: ObservationRow, kind: tuple[str, str]) -> ParsedResponse:
        """The readings of what was kept; all protocols of a resource look at the same bytes."""
        protocols = _CONTENT_PROTOCOLS[row.resource]
        if not protocols:
            return _EMPTY
        content = (self._load_body(row.stored) if row.stored else None) or b""
        given = of_content(protocols[0], content, kind, truncated=bool(row.truncated))
        if given is None:
            return _EMPTY
        look, kept = self._essentially(protocols, Resource(row.resource), given)
        if not any(kept):
            return look
        pairs = zip(look.reads, kept, strict=True)
        return _parsed_response([_with_key(read, given) if keep else read for read, keep in pairs])

    def _essentially(
        self, protocols: tuple[Protocol, ...], resource: Resource, given: Document
    ) -> _UnkeyedResponse:
        """A look at a document, or at one of the same essence."""
        found = normalise_for_cache(protocols[0].CARRIER, resource, given)
        known = self._alike.get(found.of)
        if known is not None:
            return known
        readings = [parse(protocol, found.document) for protocol in protocols]
        if needs_original(readings):
            return _unkeyed(protocols, [parse(protocol, given) for protocol in protocols])
        return self._alike.keep(found.of, _unkeyed(protocols, readings))


def _unkeyed(protocols: Iterable[Protocol], readings: Iterable[Reading]) -> _UnkeyedResponse:
    look = _parsed_response(
        [StoredReading(p, reading) for p, reading in zip(protocols, readings, strict=True)]
    )
    return look, tuple(map(_is_stored, look.reads))


def _is_stored(read: StoredReading) -> bool:
    """Whether a reading found anything that the database has a place for."""
    found = read.reading
    if found.statements or found.issues or found.candidates or found.parties:
        return True
    return found.rules is not None and bool(shapes_of(read.protocol.NAME, found))


def _parsed_response(reads: Iterable[StoredReading]) -> ParsedResponse:
    reads = tuple(reads)
    whole = [r.reading.presence for r in reads if r.protocol.CARRIER is Carrier.BODY]
    readings = tuple([(r.protocol, r.key, r.reading) for r in reads])
    return ParsedResponse(reads, readings, whole[-1] if whole else None)


def _parse_fields(protocols: Iterable[Protocol], lines: Fields) -> Iterator[StoredReading]:
    for protocol in protocols:
        given = of_headers(protocol, lines)
        if given is not None:
            read = StoredReading(protocol, parse(protocol, given))
            yield _with_key(read, given) if _is_stored(read) else read


def _with_key(read: StoredReading, given: Document) -> StoredReading:
    """A reading with what tells it from those of other documents."""
    protocol, (facts, digest) = read.protocol, _document_key(given)
    whole = f"{protocol.NAME}\n{protocol.VERSION}\n{facts}"
    key = hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return read._replace(key=key, document=digest)


@lru_cache(maxsize=4)
def _document_key(given: Document) -> tuple[str, str]:
    """What goes into the keys of a document's readings, and its digest."""
    digest = hashlib.sha256(given.body).hexdigest()
    facts = (given.media_type, given.charset, given.truncated, digest)
    return "\n".join(map(str, facts)), digest


def _merge(some: ParsedResponse, more: ParsedResponse) -> ParsedResponse:
    if not some.reads or not more.reads:
        return some if some.reads else more
    return _parsed_response(
        sorted((*some.reads, *more.reads), key=lambda r: _ORDER[r.protocol.NAME])
    )


def _resource_evidence(answer: CurrentAnswer, look: ParsedResponse) -> ResourceEvidence:
    """A sight; where a protocol reads the whole body, it says whether anything is there."""
    return ResourceEvidence(
        resource=answer.resource,
        path=answer.path,
        url=answer.row.url,
        presence=answer.presence if look.presence is None else look.presence,
        observation=answer.row.key,
        observed_at=answer.row.observed_at,
        readings=look.readings if answer.presence is Presence.PRESENT else (),
    )
