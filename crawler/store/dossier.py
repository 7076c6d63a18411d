"""What is known of one origin, read by every protocol: the input of the judge."""

import hashlib
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from crawler.judge import Sight
from crawler.model import Document, Observation, Reading
from crawler.protocols import PROTOCOLS
from crawler.protocols._driver import document, media_type_of, parse
from crawler.protocols._interface import Carrier, Protocol
from crawler.store.sights import InForce, Row, in_force, rows_of, with_content
from crawler.vocab import Presence, Resource

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
    """Opens dossiers. Equal documents are read once, however many hosts send them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._read: OrderedDict[tuple[object, ...], tuple[Read, ...]] = OrderedDict()

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
        seen = row.observation
        heard = self._heard(row, seen)
        return _ordered(heard, self._seen(row, seen)) if present else heard

    def _heard(self, row: Row, seen: Observation) -> tuple[Read, ...]:
        """What its header lines say; most have none that any protocol knows."""
        lines = tuple(line for line in seen.fields if line[0].strip().lower() in _HEARD)
        if not lines:
            return ()
        known = (row.resource, lines)
        return self._remembered(known) or self._keep(
            known, _readings(_OF_HEADERS[row.resource], seen)
        )

    def _seen(self, row: Row, seen: Observation) -> tuple[Read, ...]:
        """What the bytes say that were kept; they are not loaded where that is known."""
        kind = media_type_of(seen.header("content-type"))
        known = (row.resource, row.stored, kind, row.truncated)
        return self._remembered(known) or self._keep(
            known, _readings(_OF_CONTENT[row.resource], with_content(self._db, row))
        )

    def _remembered(self, known: tuple[object, ...]) -> tuple[Read, ...]:
        found = self._read.get(known, ())
        if found:
            self._read.move_to_end(known)
        return found

    def _keep(self, known: tuple[object, ...], found: Iterable[Read]) -> tuple[Read, ...]:
        self._read[known] = kept = tuple(found)
        if len(self._read) > _CACHED:
            self._read.popitem(last=False)
        return kept


def _readings(protocols: Iterable[Protocol], seen: Observation) -> Iterable[Read]:
    for protocol in protocols:
        given = document(protocol, seen)
        if given is not None:
            yield _reading(protocol, given)


def _reading(protocol: Protocol, given: Document) -> Read:
    digest = _digest(given.body)
    facts = (given.media_type, given.charset, given.truncated, digest)
    whole = "\n".join(map(str, (protocol.NAME, protocol.VERSION, *facts)))
    key = hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return Read(key=key, protocol=protocol, document=digest, reading=parse(protocol, given))


@lru_cache(maxsize=4)
def _digest(body: bytes) -> str:
    """Protocols that look at the same bytes do so one after the other."""
    return hashlib.sha256(body).hexdigest()


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
