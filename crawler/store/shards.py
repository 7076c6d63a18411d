"""Shards: each batch of origins is a separate database, whose evidence is merged into the main one.

A shard has what visiting its origins needs: the origins and their samples under the numbers that
they have in the main database, and the stored responses for conditional requests. So any worker
process can do it, and another one can repeat it.
"""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from crawler.store import repeats
from crawler.store.bodies import copy_body, damaged_bodies
from crawler.store.database import (
    StoreError,
    connect,
    exclusive_lock,
    os_errors_as_store_error,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.evidence_reader import clock_bounds
from crawler.store.runs import WAITING

# Visits merged by one transaction, and seconds that a worker may need to unlock a shard.
_VISITS_PER_TRANSACTION, _LOCK_TIMEOUT_S = 50, 5.0
# The last responses of the origins of a batch, and what each of them confirms, back to the body.
_LAST_RESPONSES = """
    CREATE TEMP TABLE last_response AS
    WITH RECURSIVE
        ranked AS (
            SELECT id, confirms, row_number() OVER (
                PARTITION BY origin, resource, url
                ORDER BY
                    min(observed_at, coalesce(:bounds ->> CAST(run AS TEXT), '~')) DESC,
                    run DESC, observed_at DESC, id DESC
            ) AS n
            FROM main_db.observation
            WHERE origin IN (SELECT origin FROM batch) AND outcome = 'responded'
                AND (status = 200 OR confirms IS NOT NULL)
        ),
        wanted (id, confirms) AS (
            SELECT id, confirms FROM ranked WHERE n = 1
            UNION
            SELECT id, confirms FROM main_db.observation
            WHERE :list IS NOT NULL AND origin IN (SELECT origin FROM batch)
                AND resource NOT IN ('page', 'media') AND observed_at > :fresh_since
            UNION
            SELECT o.id, o.confirms
            FROM wanted AS w JOIN main_db.observation AS o ON o.id = w.confirms
        )
    SELECT id, stored, digest FROM main_db.observation WHERE id IN (SELECT id FROM wanted)
"""
# The next URLs of each origin, as `runs.samples_of` has them.
_NEXT_URLS = f"""
    INSERT INTO requested_url (origin, path, list, n)
    SELECT origin, path, list, n FROM (
        SELECT origin, path, list, n, row_number() OVER (PARTITION BY origin ORDER BY n) AS place
        FROM main_db.requested_url
        WHERE origin IN (SELECT origin FROM batch) AND {WAITING}
    ) WHERE place <= :pages
"""  # noqa: S608 - our own SQL
_COPIED = {
    "request_list": "true",
    "dataset": "true",
    "origin": "id IN (SELECT origin FROM batch)",
    "version_origin": "origin IN (SELECT origin FROM batch)",
    "sample": "origin IN (SELECT origin FROM batch)",
    "body": "digest IN (SELECT stored FROM last_response UNION SELECT digest FROM last_response)",
    # So that no worker stores bytes that were redacted.
    "redaction": "true",
    "pruning": "true",
    "withheld_body": "true",
    "observation": "id IN (SELECT id FROM last_response)",
    "visit": "origin IN (SELECT origin FROM batch)",
}


class Shard:
    """A batch of origins in a file, and which of its visits were merged."""

    def __init__(self, path: Path, run: int, size: int) -> None:
        self.path, self.run, self.size = path, run, size
        self._merged: set[int] = set()
        self._connection: sqlite3.Connection | None = None

    @property
    def is_merged(self) -> bool:
        """Return whether all its origins were visited and merged."""
        return len(self._merged) >= self.size

    def merge(self, db: sqlite3.Connection, on_visits: Callable[[int], None]) -> None:
        """Merge the visits that are new in the shard, which a worker may still be writing.

        `on_visits` is called with the number of visits after each transaction.
        """
        if not self.is_merged:
            self._merge_new(db, on_visits)

    def _merge_new(self, db: sqlite3.Connection, on_visits: Callable[[int], None]) -> None:
        if self._connection is None:
            self._connection = connect(self.path)
        query = "SELECT origin FROM visit WHERE run = ?"
        new = [o for (o,) in self._connection.execute(query, (self.run,)) if o not in self._merged]
        for origins in _portions(new):
            if _merge_visits(db, self._connection, self.run, origins):
                raise StoreError(
                    f"{self.path} is damaged: stored bytes do not have their SHA-256; look at the "
                    "disk, then run the same command again"
                )
            self._merged.update(origins)
            on_visits(len(origins))
        if self.is_merged:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Shards:
    """The shards of a run, in a folder next to its database."""

    def __init__(self, db: sqlite3.Connection, path: Path, run: int) -> None:
        self._main, self._run = path.resolve(), run
        self._started = _started(db, run)
        self._bounds = json.dumps(clock_bounds(db))
        self._folder = _folder(path) / f"run-{run}"
        self._made = 0

    def make(self, origins: Sequence[int], settings: Mapping[str, object]) -> Shard:
        """Create a shard for some origins, with a copy of the run that has these settings.

        The file appears under its name when it is complete.
        """
        # The name is taken last, so that `merge_leftovers` never sees a part of a shard.
        self._made += 1
        new, shard = (self._folder / f"batch-{self._made}.{end}" for end in ("new", "db"))
        with os_errors_as_store_error(shard), sqlite_errors_as_store_error(shard):
            # Made anew: what is there may be a link that somebody planted.
            new.unlink(missing_ok=True)
            with self._empty().open("rb") as empty, new.open("xb") as copy:
                shutil.copyfileobj(empty, copy)
            with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as shard_db:
                self._fill(shard_db, origins, settings)
            new.rename(shard)
        return Shard(shard, self._run, len(origins))

    def _empty(self) -> Path:
        """Return a database without rows, which is faster to copy than to create."""
        path = self._folder / "empty"
        if not path.exists():
            connect(path, create=True).close()
        return path

    def _fill(
        self, shard_db: sqlite3.Connection, origins: Sequence[int], settings: Mapping[str, object]
    ) -> None:
        shard_db.execute("ATTACH ? AS main_db", (str(self._main),))
        shard_db.execute("BEGIN")
        shard_db.execute("CREATE TEMP TABLE batch (origin INTEGER PRIMARY KEY)")
        shard_db.executemany("INSERT INTO batch VALUES (?)", [(origin,) for origin in origins])
        due = {name: settings.get(name) for name in ("list", "fresh_since", "pages")}
        due["now"] = settings.get("due_at")
        shard_db.execute(_LAST_RESPONSES, due | {"bounds": self._bounds})
        for table, wanted in _COPIED.items():
            shard_db.execute(f"INSERT INTO {table} SELECT * FROM main_db.{table} WHERE {wanted}")  # noqa: S608 - our own names
        if due["list"] is not None:
            shard_db.execute(_NEXT_URLS, due)
        # Last: nothing can be added to runs that ended.
        columns = [f'"{c}"' if c != "settings" else _SETTINGS for c in _columns(shard_db, "run")]
        shard_db.execute(
            f"INSERT INTO run SELECT {', '.join(columns)} FROM main_db.run",  # noqa: S608 - our own names
            {"run": self._run, "settings": json.dumps(settings, sort_keys=True)},
        )
        shard_db.execute("COMMIT")

    def discard(self, shard: Shard) -> None:
        """Remove a shard whose visits are all in the main_db."""
        shard.close()
        _remove(shard.path)

    def clear(self) -> None:
        """Remove the folder of this run."""
        _clear(self._folder)


_SETTINGS = "CASE id WHEN :run THEN :settings ELSE settings END"


def merge_leftovers(db: sqlite3.Connection, path: Path) -> None:
    """Merge the complete visits of shards that an earlier command left, and remove the shards.

    Shards of runs that ended have nothing new: a run ends when everything is merged.
    """
    folder = _folder(path)
    for file in sorted(folder.glob("run-*/batch-*.db")):
        with exclusive_lock(file, _LOCK_TIMEOUT_S), contextlib.ExitStack() as kept:
            shard_db = _readable(file)
            if shard_db is not None:
                kept.callback(shard_db.close)
                _merge_leftover(db, shard_db)
    if folder.is_dir():
        with os_errors_as_store_error(folder):
            shutil.rmtree(folder)


def _merge_leftover(db: sqlite3.Connection, shard_db: sqlite3.Connection) -> None:
    for run, started in shard_db.execute("SELECT id, started_at FROM run"):
        if _started(db, run) != started:
            continue
        visited = [o for (o,) in shard_db.execute("SELECT origin FROM visit WHERE run = ?", (run,))]
        for origins in _portions(visited):
            _merge_visits(db, shard_db, run, origins)


def _readable(file: Path) -> sqlite3.Connection | None:
    """Open a leftover shard; None if the machine went down before its pages were written."""
    try:
        shard_db = connect(file)
    except StoreError as error:
        if not isinstance(error.__cause__, sqlite3.DatabaseError) or _is_passing(error.__cause__):
            raise
        return None
    try:
        is_intact = shard_db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        is_intact = False
    if is_intact:
        return shard_db
    shard_db.close()
    return None


def _is_passing(error: sqlite3.DatabaseError) -> bool:
    """Return whether an error may pass; it will not if SQLite says that the file is damaged."""
    return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _started(db: sqlite3.Connection, run: int) -> str | None:
    """Return when an unfinished run began, which tells it from a run of another database."""
    query = "SELECT started_at FROM run WHERE id = ? AND ended IS NULL"
    row = db.execute(query, (run,)).fetchone()
    return row and str(row[0])


def _merge_visits(
    db: sqlite3.Connection, shard_db: sqlite3.Connection, run: int, origins: Sequence[int]
) -> list[int]:
    """Copy visits of a shard with their observations, in one transaction.

    Visits that are stored already are left unchanged. Those with damaged bytes are not copied, so
    that their origins stay due: they are returned.
    """
    # What an observation confirms has the same number in both: the shard got it from here.
    with transaction(db):
        query = (
            "SELECT origin FROM visit WHERE run = ? AND origin IN (SELECT value FROM json_each(?))"
        )
        stored = {origin for (origin,) in db.execute(query, (run, json.dumps(origins)))}
        new = [origin for origin in origins if origin not in stored]
        damaged = _damaged_visits(shard_db, run, new)
        parameters = (run, json.dumps([origin for origin in new if origin not in damaged]))
        for (digest,) in shard_db.execute(_DIGESTS, parameters).fetchall():
            copy_body(shard_db, db, digest)
        _copy_observations(db, shard_db, parameters)
        _copy(db, shard_db, "visit", _OF_VISITS, parameters)
    return damaged


def _damaged_visits(shard_db: sqlite3.Connection, run: int, origins: Sequence[int]) -> list[int]:
    """Return the origins whose visits refer to bytes that are damaged."""
    parameters = (run, json.dumps(origins))
    digests = [digest for (digest,) in shard_db.execute(_DIGESTS, parameters)]
    damaged = json.dumps(sorted(damaged_bodies(shard_db, digests)))
    return [origin for (origin,) in shard_db.execute(_WITH_BODIES, (*parameters, damaged))]


_OF_VISITS = "run = ?1 AND origin IN (SELECT value FROM json_each(?2))"
_DIGESTS = " UNION ".join(
    f"SELECT {column} FROM observation WHERE {_OF_VISITS} AND {column} IS NOT NULL"  # noqa: S608 - our own names
    for column in ("digest", "stored", "tls_certificate")
)
_WITH_BODIES = (
    f"SELECT DISTINCT origin FROM observation WHERE {_OF_VISITS} "  # noqa: S608 - our own names
    "AND (digest IN (SELECT value FROM json_each(?3)) "
    "OR stored IN (SELECT value FROM json_each(?3)) "
    "OR tls_certificate IN (SELECT value FROM json_each(?3)))"
)


def _copy_observations(
    db: sqlite3.Connection, shard_db: sqlite3.Connection, parameters: tuple[int, str]
) -> None:
    """Copy observations, as differences from those of the main database."""
    names = ", ".join(repeats.COLUMNS)
    query = f"SELECT {names} FROM observation WHERE {_OF_VISITS} ORDER BY origin, id"  # noqa: S608 - our own names
    known: repeats.Bases = {}
    last = None
    for columns in shard_db.execute(query, parameters):
        row = dict(zip(repeats.COLUMNS, columns, strict=True))
        if row["origin"] != last:
            known, last = repeats.bases(db, row["origin"]), row["origin"]
        repeats.save(db, row, known)


def _copy(
    db: sqlite3.Connection,
    shard_db: sqlite3.Connection,
    table: str,
    where: str,
    parameters: tuple[int, str],
) -> None:
    """Copy rows of a shard into the main database, under new values of `id`."""
    columns = [f'"{column}"' for column in _columns(db, table) if column != "id"]
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    db.executemany(
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
        shard_db.execute(f"SELECT {names} FROM {table} WHERE {where}", parameters),  # noqa: S608 - our own names
    )


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _portions(origins: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(origins), _VISITS_PER_TRANSACTION):
        yield origins[begin : begin + _VISITS_PER_TRANSACTION]


def _folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.shards")


def _remove(shard: Path) -> None:
    for end in ("", "-wal", "-shm", ".lock"):
        Path(f"{shard}{end}").unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    if folder.is_dir():
        with os_errors_as_store_error(folder):
            shutil.rmtree(folder)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()
