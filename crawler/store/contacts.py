"""Personal data of parties, in a separate file next to the database.

Only `--keep-contacts` makes the file, and a run without it removes it. So whoever copies or
publishes a database does not publish persons, and what is erased is gone with its file.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from crawler.evaluate.snapshot import StoredReading
from crawler.store.evidence_writer import text
from crawler.store.failures import os_errors_as_store_error, sqlite_errors_as_store_error

#: What is added to the name of the database.
SUFFIX = ".contacts"
# `reading` and `n` are those of the table `party` of the database.
_CREATE = (
    "CREATE TABLE IF NOT EXISTS contact (reading TEXT NOT NULL, n INTEGER NOT NULL, "
    "private TEXT NOT NULL CHECK (json_type(private) = 'array'), PRIMARY KEY (reading, n)) "
    "STRICT, WITHOUT ROWID"
)
_EARLIEST = "0"  # sorts before every time
_ADD = "INSERT OR REPLACE INTO contact VALUES (?, ?, ?)"


class Contacts:
    """A writer of personal data, for one judging."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def add(self, read: StoredReading) -> None:
        """Store the personal data of the parties of a reading."""
        rows = [
            (read.key, n, json.dumps([text(p) for p in party.private], ensure_ascii=False))
            for n, party in enumerate(read.reading.parties, start=1)
            if party.private
        ]
        self._file.executemany(_ADD, rows)


def path_of(db: sqlite3.Connection) -> Path:
    """Return the path of the file with the contacts of a database."""
    file = db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    return Path(f"{file}{SUFFIX}")


@contextmanager
def kept(db: sqlite3.Connection, *, keep: bool, empty: bool) -> Iterator[Contacts | None]:
    """Yield a writer if contacts are kept; else remove the file and yield None.

    `empty` forgets those of earlier judgings. Nothing is stored if the block raises.
    """
    path = path_of(db)
    with os_errors_as_store_error(path):
        if not keep:
            path.unlink(missing_ok=True)
            yield None
            return
        # Made before SQLite opens it, so that nobody else may read it at any time.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with sqlite_errors_as_store_error(path), closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA secure_delete = ON")
        file.execute(_CREATE)
        if empty:
            file.execute("DELETE FROM contact")
        yield Contacts(file)
        # What was pruned is in the evidence still, and would be back with each judging.
        if before := _pruned_before(db):
            _delete(file, _unseen_since(db, file, before))


def count_unseen(db: sqlite3.Connection, before: str) -> int:
    """Return how many contacts were last seen before a time; 0 without a file."""
    path = path_of(db)
    if not path.exists():
        return 0
    with sqlite_errors_as_store_error(path), closing(sqlite3.connect(path)) as file:
        return len(_unseen_since(db, file, before))


def erase(db: sqlite3.Connection) -> None:
    """Delete contacts of documents that are no current evidence any more, and those pruned."""
    path = path_of(db)
    if not path.exists():
        return
    with sqlite_errors_as_store_error(path), closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA secure_delete = ON")
        with file:
            _delete(file, _unseen_since(db, file, _pruned_before(db)))
        file.execute("VACUUM")


def _pruned_before(db: sqlite3.Connection) -> str:
    """Return the time before which contacts were pruned; empty if none were."""
    query = "SELECT coalesce(max(before), '') FROM pruning WHERE what = 'contacts'"
    return str(db.execute(query).fetchone()[0])


def _unseen_since(
    db: sqlite3.Connection, file: sqlite3.Connection, before: str
) -> list[tuple[str, int]]:
    """Return the keys of contacts whose documents were last seen before a time, or never."""
    query = (
        "SELECT max(o.observed_at) FROM observation_reading AS r "
        "JOIN observation AS o ON o.id = r.observation WHERE r.reading = ?"
    )
    return [
        (reading, n)
        for reading, n in file.execute("SELECT reading, n FROM contact").fetchall()
        if (db.execute(query, (reading,)).fetchone()[0] or "") < (before or _EARLIEST)
    ]


def _delete(file: sqlite3.Connection, keys: list[tuple[str, int]]) -> None:
    file.executemany("DELETE FROM contact WHERE reading = ? AND n = ?", keys)
