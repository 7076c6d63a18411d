"""What is known of one origin, read by every protocol: the input of the judge."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from crawler.caches import Recent
from crawler.evaluate.current_answers import InForce, Row, in_force
from crawler.evaluate.records import Sight
from crawler.model import Document, Reading, value_of
from crawler.protocols import PROTOCOLS
from crawler.protocols.interface import Carrier, Protocol
from crawler.protocols.parse import media_type_of, of_content, of_headers, parse
from crawler.protocols.parse_cache import essence, quotes
from crawler.protocols.url_patterns import shapes_of
from crawler.vocab import Presence, Resource

Fields = tuple[tuple[str, str], ...]

_CACHED = 1024
# Protocols by the resource they look at: those of header lines, and those of what was kept.
_OF_HEADERS = {
    resource.value: tuple(
        p for p in PROTOCOLS if resource in p.RESOURCES and p.CARRIER is Carrier.HEADERS
    )
    for resource in Resource
}
_OF_CONTENT = {
    resource.value: tuple(
        p for p in PROTOCOLS if resource in p.RESOURCES and p.CARRIER is not Carrier.HEADERS
    )
    for resource in Resource
}
_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
_HEARD = frozenset(name for found in _OF_HEADERS.values() for p in found for name in p.HEADERS)


class Read(NamedTuple):
    """One reading: `key` is a digest of protocol, version and document; `document` its SHA-256.

    Both are empty where nothing was found in the document: such a reading is not stored.
    """

    protocol: Protocol
    reading: Reading
    key: str = ""
    document: str = ""


class Look(NamedTuple):
    """All readings of a response, in the order of protocols, and as a sight has them. `presence`
    is what the protocol says that reads the whole body, if one does.
    """

    reads: tuple[Read, ...] = ()
    readings: tuple[tuple[Protocol, str, Reading], ...] = ()
    presence: Presence | None = None

    @property
    def found(self) -> tuple[Read, ...]:
        """The readings that found something."""
        return tuple([read for read in self.reads if read.key])


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """The evidence in force of an origin: sights for the judge, and the readings behind them.

    `reads` pairs the key of an observation with what was found in it; redirects are among
    them, since a header on a hop is evidence too. `last_look` is the UTC time of the youngest
    evidence in force, empty without any.
    """

    sights: tuple[Sight, ...]
    forces: tuple[InForce, ...]
    reads: tuple[tuple[int, Read], ...]
    last_look: str


_NOTHING = Look()
# A look without what tells alike documents apart, and which of its readings are to be kept.
_Unsigned = tuple[Look, tuple[bool, ...]]


class Reader:
    """Opens dossiers. Documents of one essence are read once, however many hosts send them, and
    their readings are one object.
    """

    def __init__(
        self,
        rows_of: Callable[[int], list[Row]],
        load_body: Callable[[str], bytes | None],
    ) -> None:
        self._rows_of, self._load_body = rows_of, load_body
        self._known: Recent[tuple[object, ...], Look] = Recent(_CACHED)
        self._alike: Recent[Hashable, _Unsigned] = Recent(_CACHED)

    def open(self, origin: int) -> Dossier:
        """The dossier of an origin by its number; empty if it was never asked."""
        rows = self._rows_of(origin)
        forces = in_force(rows)
        shown = {force.row.key for force in forces}
        looks = {row.key: self._look_at(row) for row in rows if row.key in shown or row.is_redirect}
        return Dossier(
            sights=tuple([_sight(force, looks[force.row.key]) for force in forces]),
            forces=forces,
            reads=tuple([(key, read) for key in sorted(looks) for read in looks[key].found]),
            last_look=max([force.row.observed_at for force in forces], default=""),
        )

    def _look_at(self, row: Row) -> Look:
        """What the protocols read from a response."""
        present = row.presence is Presence.PRESENT
        if not present and not row.is_redirect:
            return _NOTHING
        fields = row.fields
        heard = self._heard(row, fields)
        return _together(heard, self._seen(row, fields)) if present else heard

    def _heard(self, row: Row, fields: Fields) -> Look:
        """What its header lines say; most have none that any protocol knows."""
        lines = tuple([line for line in fields if line[0].strip().lower() in _HEARD])
        if not lines:
            return _NOTHING
        known = (row.resource, lines)
        return self._known.get(known) or self._known.keep(
            known, _look(_heard_by(_OF_HEADERS[row.resource], lines))
        )

    def _seen(self, row: Row, fields: Fields) -> Look:
        """What the bytes say that were kept; they are not loaded where that is known."""
        kind = media_type_of(value_of(fields, "content-type"))
        known = (row.resource, row.stored, kind, row.truncated)
        return self._known.get(known) or self._known.keep(known, self._content(row, kind))

    def _content(self, row: Row, kind: tuple[str, str]) -> Look:
        """The readings of what was kept; all protocols of a resource look at the same bytes."""
        protocols = _OF_CONTENT[row.resource]
        if not protocols:
            return _NOTHING
        content = (self._load_body(row.stored) if row.stored else None) or b""
        given = of_content(protocols[0], content, kind, truncated=bool(row.truncated))
        if given is None:
            return _NOTHING
        look, kept = self._essentially(protocols, Resource(row.resource), given)
        if not any(kept):
            return look
        pairs = zip(look.reads, kept, strict=True)
        return _look([_signed(read, given) if keep else read for read, keep in pairs])

    def _essentially(
        self, protocols: tuple[Protocol, ...], resource: Resource, given: Document
    ) -> _Unsigned:
        """A look at a document, or at one of the same essence."""
        found = essence(protocols[0].CARRIER, resource, given)
        known = self._alike.get(found.of)
        if known is not None:
            return known
        readings = [parse(protocol, found.document) for protocol in protocols]
        if quotes(readings):
            return _unsigned(protocols, [parse(protocol, given) for protocol in protocols])
        return self._alike.keep(found.of, _unsigned(protocols, readings))


def _unsigned(protocols: Iterable[Protocol], readings: Iterable[Reading]) -> _Unsigned:
    look = _look([Read(p, reading) for p, reading in zip(protocols, readings, strict=True)])
    return look, tuple(map(_is_to_be_kept, look.reads))


def _is_to_be_kept(read: Read) -> bool:
    """Whether a reading found anything that the database has a place for."""
    found = read.reading
    if found.statements or found.issues or found.candidates or found.parties:
        return True
    return found.rules is not None and bool(shapes_of(read.protocol.NAME, found))


def _look(reads: Iterable[Read]) -> Look:
    reads = tuple(reads)
    whole = [r.reading.presence for r in reads if r.protocol.CARRIER is Carrier.BODY]
    readings = tuple([(r.protocol, r.key, r.reading) for r in reads])
    return Look(reads, readings, whole[-1] if whole else None)


def _heard_by(protocols: Iterable[Protocol], lines: Fields) -> Iterator[Read]:
    for protocol in protocols:
        given = of_headers(protocol, lines)
        if given is not None:
            read = Read(protocol, parse(protocol, given))
            yield _signed(read, given) if _is_to_be_kept(read) else read


def _signed(read: Read, given: Document) -> Read:
    """A reading with what tells it from those of other documents."""
    protocol, (facts, digest) = read.protocol, _facts(given)
    whole = f"{protocol.NAME}\n{protocol.VERSION}\n{facts}"
    key = hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return read._replace(key=key, document=digest)


@lru_cache(maxsize=4)
def _facts(given: Document) -> tuple[str, str]:
    """What goes into the keys of a document's readings, and its digest."""
    digest = hashlib.sha256(given.body).hexdigest()
    facts = (given.media_type, given.charset, given.truncated, digest)
    return "\n".join(map(str, facts)), digest


def _together(some: Look, more: Look) -> Look:
    if not some.reads or not more.reads:
        return some if some.reads else more
    return _look(sorted((*some.reads, *more.reads), key=lambda r: _ORDER[r.protocol.NAME]))


def _sight(force: InForce, look: Look) -> Sight:
    """A sight; where a protocol reads the whole body, it says whether anything is there."""
    return Sight(
        resource=force.resource,
        path=force.path,
        url=force.row.url,
        presence=force.presence if look.presence is None else look.presence,
        observation=force.row.key,
        observed_at=force.row.observed_at,
        readings=look.readings if force.presence is Presence.PRESENT else (),
    )
