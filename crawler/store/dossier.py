"""What is known of one origin, read by every protocol: the input of the judge."""

import hashlib
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass

from crawler.judge import Sight
from crawler.model import Observation, Reading
from crawler.protocols import PROTOCOLS
from crawler.protocols._driver import EXTRACTS, document, media_type, parse, presence_of
from crawler.protocols._interface import Carrier, Protocol
from crawler.store.sights import InForce, Row, in_force, rows_of, with_content
from crawler.vocab import Outcome, Presence

_CACHED = 4096


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
        self._read: OrderedDict[tuple[object, ...], Read] = OrderedDict()

    def open(self, origin: int) -> Dossier:
        """The dossier of an origin by its number; empty if it was never asked."""
        rows = rows_of(self._db, origin)
        forces = in_force(rows)
        reads = {row.key: self._read_row(row) for row in rows if _is_read(row, forces)}
        return Dossier(
            sights=tuple(_sight(force, reads.get(force.row.key, ())) for force in forces),
            forces=forces,
            reads=tuple((key, read) for key, found in sorted(reads.items()) for read in found),
        )

    def _read_row(self, row: Row) -> tuple[Read, ...]:
        seen = row.observation
        present = presence_of(seen) is Presence.PRESENT
        found = []
        for protocol in PROTOCOLS:
            if seen.target.resource in protocol.RESOURCES and (
                present or (protocol.CARRIER is Carrier.HEADERS and _is_hop(seen))
            ):
                read = self._one(protocol, row)
                if read is not None:
                    found.append(read)
        return tuple(found)

    def _one(self, protocol: Protocol, row: Row) -> Read | None:
        known = _identity(protocol, row)
        if known in self._read:
            self._read.move_to_end(known)
            return self._read[known]
        stored = protocol.CARRIER is not Carrier.HEADERS
        seen = with_content(self._db, row) if stored else row.observation
        given = document(protocol, seen)
        if given is None:
            return None
        digest = hashlib.sha256(given.body).hexdigest()
        facts = (given.media_type, given.charset, given.truncated, digest)
        whole = "\n".join(map(str, (protocol.NAME, protocol.VERSION, *facts)))
        key = hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        read = Read(key=key, protocol=protocol, document=digest, reading=parse(protocol, given))
        self._read[known] = read
        if len(self._read) > _CACHED:
            self._read.popitem(last=False)
        return read


def _identity(protocol: Protocol, row: Row) -> tuple[object, ...]:
    """What a reading depends on, known before a body is loaded."""
    seen = row.observation
    if protocol.CARRIER is Carrier.HEADERS:
        return protocol.NAME, seen.fields
    if protocol.CARRIER in EXTRACTS:
        return protocol.NAME, row.stored
    return protocol.NAME, row.stored, *media_type(seen), seen.truncated


def _is_hop(seen: Observation) -> bool:
    answered = seen.outcome is Outcome.RESPONDED and seen.confirms is None
    return answered and 300 <= (seen.status or 0) < 400


def _is_read(row: Row, forces: tuple[InForce, ...]) -> bool:
    return any(row.key == force.row.key for force in forces) or _is_hop(row.observation)


def _sight(force: InForce, reads: tuple[Read, ...]) -> Sight:
    """A sight; where a protocol reads the whole body, it says whether anything is there."""
    presence = force.presence
    for read in reads:
        if read.protocol.CARRIER is Carrier.BODY:
            presence = read.reading.presence
    seen = force.row.observation
    return Sight(
        resource=force.resource,
        path=force.path,
        url=seen.target.url,
        presence=presence,
        observation=force.row.key,
        observed_at=seen.started_at,
        readings=tuple((r.protocol, r.key, r.reading) for r in reads)
        if force.presence is Presence.PRESENT
        else (),
    )
