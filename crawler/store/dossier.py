"""What is known of one origin, read by every protocol: the input of the judge."""

import hashlib
import sqlite3
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from crawler.judge import Sight
from crawler.model import Document, Reading
from crawler.protocols import PROTOCOLS
from crawler.protocols._driver import media_type_of, of_content, of_headers, parse
from crawler.protocols._essence import Essence, essence, quotes
from crawler.protocols._interface import Carrier, Protocol
from crawler.recent import Recent
from crawler.store.evidence import load_body
from crawler.store.sights import InForce, Row, in_force, rows_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One reading: `key` is a digest of protocol, version and document; `document` its SHA-256."""

    key: str
    protocol: Protocol
    document: str
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """The evidence in force of an origin: sights for the judge, and the readings behind them.

    `reads` pairs the key of an observation with what was read from it; redirects are among
    them, since a header on a hop is evidence too.
    """

    sights: tuple[Sight, ...]
    forces: tuple[InForce, ...]
    reads: tuple[tuple[int, Read], ...]

    @property
    def last_look(self) -> str:
        """UTC time of the youngest evidence in force, empty without any."""
        return max((s.observed_at for s in self.sights), default="")


class Reader:
    """Opens dossiers. Documents of one essence are read once, however many hosts send them, and
    their readings are one object.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: Recent[tuple[object, ...], tuple[Read, ...]] = Recent(_CACHED)
        self._alike: Recent[Hashable, tuple[Reading, ...]] = Recent(_CACHED)

    def open(self, origin: int) -> Dossier:
        """The dossier of an origin by its number; empty if it was never asked."""
        rows = rows_of(self._db, origin)
        forces = in_force(rows)
        shown = {force.row.key for force in forces}
        reads = {
            row.key: self._read_row(row) for row in rows if row.key in shown or row.is_redirect
        }
        return Dossier(
            sights=tuple(_sight(force, reads[force.row.key]) for force in forces),
            forces=forces,
            reads=tuple((key, read) for key, found in sorted(reads.items()) for read in found),
        )

    def _read_row(self, row: Row) -> tuple[Read, ...]:
        """What the protocols read from a response, in the order of protocols."""
        present = row.presence is Presence.PRESENT
        if not present and not row.is_redirect:
            return ()
        fields = row.fields
        heard = self._heard(row, fields)
        return _ordered(heard, self._seen(row, fields)) if present else heard

    def _heard(self, row: Row, fields: Fields) -> tuple[Read, ...]:
        """What its header lines say; most have none that any protocol knows."""
        lines = tuple([line for line in fields if line[0].strip().lower() in _HEARD])
        if not lines:
            return ()
        known = (row.resource, lines)
        return self._known.get(known) or self._known.keep(
            known, tuple(_heard_by(_OF_HEADERS[row.resource], lines))
        )

    def _seen(self, row: Row, fields: Fields) -> tuple[Read, ...]:
        """What the bytes say that were kept; they are not loaded where that is known."""
        kind = media_type_of(next((v for n, v in fields if n.lower() == "content-type"), ""))
        known = (row.resource, row.stored, kind, row.truncated)
        return self._known.get(known) or self._known.keep(known, self._content(row, kind))

    def _content(self, row: Row, kind: tuple[str, str]) -> tuple[Read, ...]:
        """The readings of what was kept; all protocols of a resource look at the same bytes."""
        protocols = _OF_CONTENT[row.resource]
        if not protocols:
            return ()
        content = (load_body(self._db, row.stored) if row.stored else None) or b""
        given = of_content(protocols[0], content, kind, truncated=bool(row.truncated))
        if given is None:
            return ()
        found = essence(protocols[0].CARRIER, Resource(row.resource), given)
        readings = self._readings(protocols, found, given)
        digest, tail = _digested(given)
        return tuple(
            _read(p, digest, tail, reading) for p, reading in zip(protocols, readings, strict=True)
        )

    def _readings(
        self, protocols: tuple[Protocol, ...], found: Essence, given: Document
    ) -> tuple[Reading, ...]:
        known = self._alike.get(found.of)
        if known is not None:
            return known
        readings = tuple(parse(protocol, found.document) for protocol in protocols)
        if quotes(readings):
            return tuple(parse(protocol, given) for protocol in protocols)
        return self._alike.keep(found.of, readings)


def _heard_by(protocols: Iterable[Protocol], lines: Fields) -> Iterable[Read]:
    for protocol in protocols:
        given = of_headers(protocol, lines)
        if given is not None:
            yield _read(protocol, *_digested(given), parse(protocol, given))


def _digested(given: Document) -> tuple[str, str]:
    """The digest of a document, and what goes into the keys of its readings."""
    digest = hashlib.sha256(given.body).hexdigest()
    facts = (given.media_type, given.charset, given.truncated, digest)
    return digest, "\n".join(map(str, facts))


def _read(protocol: Protocol, digest: str, facts: str, reading: Reading) -> Read:
    whole = f"{protocol.NAME}\n{protocol.VERSION}\n{facts}"
    key = hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return Read(key=key, protocol=protocol, document=digest, reading=reading)


def _ordered(some: tuple[Read, ...], more: tuple[Read, ...]) -> tuple[Read, ...]:
    if not some or not more:
        return some or more
    return tuple(sorted((*some, *more), key=lambda read: _ORDER[read.protocol.NAME]))


def _sight(force: InForce, reads: tuple[Read, ...]) -> Sight:
    """A sight; where a protocol reads the whole body, it says whether anything is there."""
    presence = force.presence
    for read in reads:
        if read.protocol.CARRIER is Carrier.BODY:
            presence = read.reading.presence
    return Sight(
        resource=force.resource,
        path=force.path,
        url=force.row.url,
        presence=presence,
        observation=force.row.key,
        observed_at=force.row.observed_at,
        readings=tuple((r.protocol, r.key, r.reading) for r in reads)
        if force.presence is Presence.PRESENT
        else (),
    )
