"""Shards: a batch of origins as a database of its own, whose evidence is taken in by the whole.

A shard has what asking its origins needs: the origins and their samples under the numbers that
they have in the whole, and the stored answers that they may be asked about on conditions. So any
worker can do it, and do it again.
"""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from crawler.store.database import (
    StoreError,
    connect,
    exclusive_lock,
    os_errors_as_store_error,
    sqlite_errors_as_store_error,
    transaction,
)

# Visits taken in by one transaction, and seconds that a worker may need to let go of a shard.
_AT_ONCE, _PATIENCE = 50, 5.0
# The last answers of the origins of a batch, and what each of them confirms, back to the body.
_ANSWERS = """
    CREATE TEMP TABLE answer AS
    WITH RECURSIVE
        ranked AS (
            SELECT id, confirms, row_number() OVER (
                PARTITION BY origin, resource, url ORDER BY run DESC, id DESC
            ) AS n
            FROM whole.observation
            WHERE origin IN (SELECT origin FROM batch) AND outcome = 'responded'
                AND (status = 200 OR confirms IS NOT NULL)
        ),
        wanted (id, confirms) AS (
            SELECT id, confirms FROM ranked WHERE n = 1
            UNION
            SELECT o.id, o.confirms
            FROM wanted AS w JOIN whole.observation AS o ON o.id = w.confirms
        )
    SELECT id, stored, digest FROM whole.observation WHERE id IN (SELECT id FROM wanted)
"""
_COPIED = {
    "dataset": "true",
    "origin": "id IN (SELECT origin FROM batch)",
    "dataset_origin": "origin IN (SELECT origin FROM batch)",
    "sample": "origin IN (SELECT origin FROM batch)",
    "body": "digest IN (SELECT stored FROM answer UNION SELECT digest FROM answer)",
    "observation": "id IN (SELECT id FROM answer)",
    "visit": "origin IN (SELECT origin FROM batch)",
}


class Shard:
    """A batch in a file, and how much of it has been taken in."""

    def __init__(self, path: Path, run: int, size: int) -> None:
        self.path, self.run, self.size = path, run, size
        self._taken: set[int] = set()
        self._part: sqlite3.Connection | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all its origins were visited and taken in."""
        return len(self._taken) >= self.size

    def take_in(self, db: sqlite3.Connection, on_visits: Callable[[int], None]) -> None:
        """Store the visits that came since, while the shard is being written or later."""
        if not self.is_whole:
            self._take_in_new(db, on_visits)

    def _take_in_new(self, db: sqlite3.Connection, on_visits: Callable[[int], None]) -> None:
        if self._part is None:
            self._part = connect(self.path)
        query = "SELECT origin FROM visit WHERE run = ?"
        came = [o for (o,) in self._part.execute(query, (self.run,)) if o not in self._taken]
        for origins in _portions(came):
            _take_in(db, self._part, self.run, origins)
            self._taken.update(origins)
            on_visits(len(origins))
        if self.is_whole:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._part is not None:
            self._part.close()
            self._part = None


class Shards:
    """The shards of a run, in a folder beside its database."""

    def __init__(self, db: sqlite3.Connection, path: Path, run: int) -> None:
        self._whole, self._run = path.resolve(), run
        self._started = _started(db, run)
        self._folder = _folder(path) / f"run-{run}"
        self._made = 0

    def make(self, origins: Sequence[int], settings: Mapping[str, object]) -> Shard:
        """A new shard for some origins, whose run is this one with settings of its own.

        It gets its name when all of it is there.
        """
        self._made += 1
        new, shard = (self._folder / f"batch-{self._made}.{end}" for end in ("new", "db"))
        with os_errors_as_store_error(shard), sqlite_errors_as_store_error(shard):
            shutil.copyfile(self._empty(), new)
            with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as part:
                self._fill(part, origins, settings)
            new.rename(shard)
        return Shard(shard, self._run, len(origins))

    def _empty(self) -> Path:
        """A database without rows: copied faster than made."""
        path = self._folder / "empty"
        if not path.exists():
            connect(path, create=True).close()
        return path

    def _fill(
        self, part: sqlite3.Connection, origins: Sequence[int], settings: Mapping[str, object]
    ) -> None:
        part.execute("ATTACH ? AS whole", (str(self._whole),))
        part.execute("BEGIN")
        part.execute("CREATE TEMP TABLE batch (origin INTEGER PRIMARY KEY)")
        part.executemany("INSERT INTO batch VALUES (?)", [(origin,) for origin in origins])
        part.execute(_ANSWERS)
        columns = [f'"{c}"' if c != "settings" else _SETTINGS for c in _columns(part, "run")]
        part.execute(
            f"INSERT INTO run SELECT {', '.join(columns)} FROM whole.run",  # noqa: S608 - our own names
            {"run": self._run, "settings": json.dumps(settings, sort_keys=True)},
        )
        for table, wanted in _COPIED.items():
            part.execute(f"INSERT INTO {table} SELECT * FROM whole.{table} WHERE {wanted}")  # noqa: S608 - our own names
        part.execute("COMMIT")

    def discard(self, shard: Shard) -> None:
        """Remove a shard whose visits are all in the whole."""
        shard.close()
        _remove(shard.path)

    def clear(self) -> None:
        """Remove the folder of this run."""
        _clear(self._folder)


_SETTINGS = "CASE id WHEN :run THEN :settings ELSE settings END"


def take_in_left(db: sqlite3.Connection, path: Path) -> None:
    """Store what is whole in shards that an earlier command left, and remove them.

    Those of runs that ended have nothing new in them: a run ends when all is taken in.
    """
    folder = _folder(path)
    for file in sorted(folder.glob("run-*/batch-*.db")):
        with exclusive_lock(file, _PATIENCE), contextlib.ExitStack() as kept:
            part = _readable(file)
            if part is not None:
                kept.callback(part.close)
                _take_in_left(db, part)
    if folder.is_dir():
        with os_errors_as_store_error(folder):
            shutil.rmtree(folder)


def _take_in_left(db: sqlite3.Connection, part: sqlite3.Connection) -> None:
    for run, started in part.execute("SELECT id, started_at FROM run"):
        if _started(db, run) != started:
            continue
        visited = [o for (o,) in part.execute("SELECT origin FROM visit WHERE run = ?", (run,))]
        for origins in _portions(visited):
            _take_in(db, part, run, origins)


def _readable(file: Path) -> sqlite3.Connection | None:
    """A shard that was left; None if the machine went down before its pages were written."""
    try:
        part = connect(file)
    except StoreError as error:
        if not isinstance(error.__cause__, sqlite3.DatabaseError) or _is_passing(error.__cause__):
            raise
        return None
    try:
        whole = part.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        whole = False
    if whole:
        return part
    part.close()
    return None


def _is_passing(error: sqlite3.DatabaseError) -> bool:
    """Whether it may be read another time: SQLite says otherwise of a file that is damaged."""
    return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _started(db: sqlite3.Connection, run: int) -> str | None:
    """When an unfinished run began, which tells it from one of another database."""
    query = "SELECT started_at FROM run WHERE id = ? AND ended IS NULL"
    row = db.execute(query, (run,)).fetchone()
    return row and str(row[0])


def _take_in(
    db: sqlite3.Connection, part: sqlite3.Connection, run: int, origins: Sequence[int]
) -> None:
    """Store visits of a shard whole, all of them in one transaction; those that are there stay
    as they are. What they confirm has the same number here, since it came from here.
    """
    with transaction(db):
        query = (
            "SELECT origin FROM visit WHERE run = ? AND origin IN (SELECT value FROM json_each(?))"
        )
        there = {origin for (origin,) in db.execute(query, (run, json.dumps(origins)))}
        which = (run, json.dumps([origin for origin in origins if origin not in there]))
        _copy(db, part, "body", f"digest IN ({_DIGESTS})", which)
        _copy(db, part, "observation", f"{_OF_VISITS} ORDER BY id", which)
        _copy(db, part, "visit", _OF_VISITS, which)


_OF_VISITS = "run = ?1 AND origin IN (SELECT value FROM json_each(?2))"
_DIGESTS = " UNION ".join(
    f"SELECT {column} FROM observation WHERE {_OF_VISITS}"  # noqa: S608 - our own names
    for column in ("digest", "stored")
)


def _copy(
    db: sqlite3.Connection,
    part: sqlite3.Connection,
    table: str,
    where: str,
    which: tuple[int, str],
) -> None:
    """Rows of a shard into the whole; an `id` is given anew."""
    columns = [f'"{column}"' for column in _columns(db, table) if column != "id"]
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    db.executemany(
        f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
        part.execute(f"SELECT {names} FROM {table} WHERE {where}", which),  # noqa: S608 - our own names
    )


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _portions(origins: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(origins), _AT_ONCE):
        yield origins[begin : begin + _AT_ONCE]


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
