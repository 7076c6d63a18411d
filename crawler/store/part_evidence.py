"""The evidence of origins of an excerpt: it is read from the databases of their parts.

An excerpt (`excerpts`) names them in table `evidence_place`. They are opened when an origin of them
is read, and few of them at a time: of an audit in an object store each is a copy.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.snapshot import SnapshotReader
from crawler.remote import is_remote
from crawler.store.bodies import is_withheld, load_body
from crawler.store.database import connect_read_only
from crawler.store.evidence_reader import clock_bounds, rows_of, snapshot_reader
from crawler.store.exported_tables import PART_BITS
from crawler.store.failures import StoreError, sqlite_errors_as_store_error
from crawler.store.parts import storage_at

_TABLE = "evidence_place"
# Databases that are open at the same time, and those that are copies.
_OPEN, _COPIES = 16, 2


def save_places(db: sqlite3.Connection, place: str, parts: Iterable[tuple[int, str]]) -> None:
    """Store where the evidence is: the path or URL of the audit, and the database of each part."""
    db.execute(f"CREATE TABLE {_TABLE} (part INTEGER PRIMARY KEY, place TEXT, name TEXT)")
    db.executemany(
        f"INSERT INTO {_TABLE} VALUES (?, ?, ?)",  # noqa: S608 - our own name
        ((part, place, name) for part, name in parts),
    )


def is_excerpt(db: sqlite3.Connection) -> bool:
    """Return whether a database is an excerpt."""
    found = db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (_TABLE,)).fetchone()
    return found is not None


@contextmanager
def opened_evidence(db: sqlite3.Connection) -> Iterator[SnapshotReader]:
    """Give the reader of the evidence of a database, or of an excerpt."""
    if not is_excerpt(db):
        yield snapshot_reader(db)
        return
    with closing(_OpenParts(db)) as parts:
        yield SnapshotReader(parts.rows_of, parts.load_body, parts.is_withheld)


@contextmanager
def named_in_errors(shown: str, name: str, path: Path) -> Iterator[None]:
    """Raise errors of the database of a part under the name that it has in the audit."""
    try:
        with sqlite_errors_as_store_error(path):
            yield
    except StoreError as error:
        text = str(error).replace(str(path), f"{shown}/{name}")
        raise type(error)(text) from error.__cause__


class _OpenPart(NamedTuple):
    """An open part: its database, the bounds of its clocks, its name and path, how it is closed."""

    db: sqlite3.Connection
    bounds: dict[int, str]
    name: str
    path: Path
    closing: ExitStack


class _OpenParts:
    """The parts of an excerpt. Bytes are read from the part of the origin that was read last."""

    def __init__(self, db: sqlite3.Connection) -> None:
        rows = db.execute(f"SELECT part, place, name FROM {_TABLE}").fetchall()  # noqa: S608 - our own name
        self._names = {part: name for part, _, name in rows}
        place = rows[0][1] if rows else ""
        self._storage = storage_at(place)
        self._most = _COPIES if is_remote(place) else _OPEN
        self._open: OrderedDict[int, _OpenPart] = OrderedDict()

    def close(self) -> None:
        """Close all databases."""
        while self._open:
            self._open.popitem()[1].closing.close()

    def rows_of(self, origin: int) -> list[ObservationRow]:
        """Return the observations of an origin in the order of their time."""
        part = self._part(origin >> PART_BITS)
        with self._named(part):
            return rows_of(part.db, origin & (1 << PART_BITS) - 1, part.bounds)

    def load_body(self, digest: str) -> bytes | None:
        """Return stored bytes, None if they are gone, damaged or withheld."""
        with self._named(self._last):
            return load_body(self._last.db, digest)

    def is_withheld(self, digest: str) -> bool:
        """Return whether bytes were erased on purpose."""
        with self._named(self._last):
            return is_withheld(self._last.db, digest)

    @property
    def _last(self) -> _OpenPart:
        return next(reversed(self._open.values()))

    def _named(self, part: _OpenPart) -> AbstractContextManager[None]:
        return named_in_errors(self._storage.shown, part.name, part.path)

    def _part(self, number: int) -> _OpenPart:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        while len(self._open) >= self._most:
            self._open.popitem(last=False)[1].closing.close()
        name = self._names[number]
        with ExitStack() as stack:
            path = stack.enter_context(self._storage.opened(name))
            with named_in_errors(self._storage.shown, name, path):
                db = stack.enter_context(closing(connect_read_only(path)))
                bounds = clock_bounds(db)
            part = self._open[number] = _OpenPart(db, bounds, name, path, stack.pop_all())
        return part
