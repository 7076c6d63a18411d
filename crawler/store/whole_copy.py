"""Copy of the whole of an audit in parts: the rows of its public views, as an SQLite database.

The rows are copied from the tables of all parts into a file in the cache folder, once for each
state of the audit: its name has the place of the audit and the generation of each part. Of private
tables it has next to none, and no stored bytes.

Rules for editors: a view of the file reads one table and no other, so that clients show it as they
show the view of an audit in one file. Views with a row for each answer, statement or finding
are in `OF_EVIDENCE`; of a large audit they are left to its parts.
"""

import contextlib
import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.store.cache_files import cached_file
from crawler.store.database import new_database, public_views, schema_digest, view_statements
from crawler.store.queryable import AMOUNTS, UNIT

if TYPE_CHECKING:  # whoever looks at a copy needs no DuckDB
    from crawler.store.whole_connection import WholeConnection

#: Views with rows for each answer, statement or finding of an origin.
OF_EVIDENCE = frozenset(
    "candidates coverage findings history issues observations statements trail".split()
)
#: Observations of the largest audit of which these views are copied, too.
MAX_OBSERVATIONS = 100_000
_VERSION = 2
_ENDING = ".whole"
# Private tables of the file: its mark, an empty table of bytes, which the sandbox looks for, and
# what the first page counts.
_KEPT = frozenset(("_sqlite_migrations", "body", "description", "visit"))
# Columns that conditions of links name.
_INDEXED = ("origin", "host", "site")
# A column without a type keeps a count as it comes; in one of REAL, 31 would be 31.0.
_AS_IT_COMES = "counts or weights"
_TYPES = {"BOOLEAN": "INTEGER", "DOUBLE": "REAL", "FLOAT": "REAL", _AS_IT_COMES: ""}
_INTEGER = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?")
# States of one audit whose files are kept: a server that was started before still reads the last.
_STATES = 2


def whole_copy(
    folder: Path,
    place: str,
    whole: "WholeConnection",
    *,
    sorted_by: Mapping[str, str],
    shown: Callable[[list[str]], Iterable[str]],
) -> Path:
    """Return the copy of the audit at `place`, made if the folder has none of its state.

    `sorted_by` are the columns by which readers sort views. `shown` yields the views that it is
    given, each before it is copied. Raise `StoreError`.
    """
    begin = hashlib.sha256(place.encode()).hexdigest()[:16]
    file = folder / f"{begin}-{_state(whole)}{_ENDING}"
    build = partial(_build, whole, sorted_by=sorted_by, shown=shown)
    return cached_file(file, f"{begin}-*{_ENDING}", build, states=_STATES)


def left_out(db: sqlite3.Connection) -> frozenset[str]:
    """Return the public views that a database of the whole does not have."""
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")}
    return frozenset(public_views()) - there


def view_definition(view: str) -> str:
    """Return how a public view is made of the tables of an audit."""
    begin = f"CREATE VIEW {view} AS"
    made = next(sql for sql in view_statements() if f"{begin}\n" in sql)
    return made[made.index(begin) :]


def _state(whole: "WholeConnection") -> str:
    """Return a digest of the state of an audit, and of how it is copied."""
    # Another audit at the same place has equal generations, and was begun at another time.
    begun = (
        *whole.execute("SELECT id, started_at, ended_at FROM run ORDER BY 1"),
        *whole.execute("SELECT id, digest, ingested_at FROM dataset ORDER BY 1"),
    )
    with contextlib.closing(new_database()) as db:
        copied = (_VERSION, MAX_OBSERVATIONS, schema_digest(db))
    facts = (copied, sorted(whole.generations.items()), begun)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def _build(
    whole: "WholeConnection",
    file: Path,
    sorted_by: Mapping[str, str],
    shown: Callable[[list[str]], Iterable[str]],
) -> None:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        with contextlib.closing(new_database()) as empty:
            empty.backup(db)
        _drop_tables(db)
        db.execute("BEGIN")
        for view in shown(_views_of(whole)):
            _copy(whole, db, view, {*_INDEXED, sorted_by.get(view, "")})
        _fill(db, "visit", (("origin", "INTEGER"),), _visited(whole))
        db.execute("COMMIT")
    with file.open("rb+") as made:
        os.fsync(made.fileno())


def _drop_tables(db: sqlite3.Connection) -> None:
    found = db.execute("SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')")
    for kind, name in sorted(found.fetchall(), reverse=True):
        if kind == "view" or (name not in _KEPT and not name.startswith("sqlite_")):
            db.execute(f'DROP {kind} "{name}"')
    db.execute("DROP TABLE visit")


def _views_of(whole: "WholeConnection") -> list[str]:
    (observations,) = whole.execute("SELECT count(*) FROM observation").fetchone()
    all_views = observations <= MAX_OBSERVATIONS
    return [view for view in public_views() if all_views or view not in OF_EVIDENCE]


def _visited(whole: "WholeConnection") -> Iterable[tuple[Any, ...]]:
    return whole.execute("SELECT DISTINCT origin FROM visit ORDER BY 1")


def _copy(whole: "WholeConnection", db: sqlite3.Connection, view: str, indexed: set[str]) -> None:
    types = _columns(whole, view)
    table = f"rows_of_{view}"
    shown = ", ".join(_cast(column, kind) for column, kind in types.items())
    declared = dict(types)
    if UNIT in types:
        declared |= dict.fromkeys(AMOUNTS & set(types), _AS_IT_COMES)
    # Rows of DuckDB come in any order; the order is whole, so that equal audits give equal pages.
    rows = whole.execute(f'SELECT {shown} FROM "{view}" ORDER BY ALL')  # noqa: S608 - our own names
    _fill(db, table, declared.items(), rows)
    db.execute(f'CREATE VIEW "{view}" AS SELECT * FROM {table}')  # noqa: S608
    for column in indexed & set(types):
        db.execute(f'CREATE INDEX {column}_in_{view} ON {table} ("{column}")')


def _columns(whole: "WholeConnection", view: str) -> Mapping[str, str]:
    """Return the columns of a view with their types in DuckDB."""
    rows = whole.execute(f'DESCRIBE SELECT * FROM "{view}"')  # noqa: S608 - our own name
    return {name: kind for name, kind, *_ in rows}


def _cast(column: str, kind: str) -> str:
    stored = _stored_type(kind)
    into = {"INTEGER": "BIGINT", "REAL": "DOUBLE"}.get(stored)
    return f'CAST("{column}" AS {into}) AS "{column}"' if into else f'"{column}"'


def _stored_type(kind: str) -> str:
    if _INTEGER.fullmatch(kind):
        return "INTEGER"
    return "REAL" if kind.startswith("DECIMAL") else _TYPES.get(kind, "TEXT")


def _fill(
    db: sqlite3.Connection,
    table: str,
    columns: Iterable[tuple[str, str]],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    declared = [f'"{column}" {_stored_type(kind)}' for column, kind in columns]
    db.execute(f"CREATE TABLE {table} ({', '.join(declared)})")
    marks = ", ".join("?" * len(declared))
    db.executemany(f"INSERT INTO {table} VALUES ({marks})", _each(rows))  # noqa: S608 - our own names


def _each(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield from rows
