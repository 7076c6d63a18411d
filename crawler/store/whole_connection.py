"""A connection to the whole of an audit in parts that is used as one to a database file is.

Rules for editors: whoever reads public views can read both (`queryable`): SQL is that of SQLite
which `duckdb_views` knows to say for DuckDB. Each query has a cursor for itself, as in `sqlite3`.
What one connection makes is in a schema that hides the names of the audit, as `temp` does there.
"""

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from crawler.store import duckdb_views
from crawler.store.failures import StoreError
from crawler.store.queryable import AMOUNTS, OWN_SCHEMA, UNIT, Queryable, QueryRows

__all__ = ["QueryRows", "Queryable", "WholeConnection", "WholeRows"]

# A literal, which stays, or the name of a parameter.
_NAMED = re.compile(r"('(?:[^']|'')*')|(?<![:\w]):([A-Za-z_]\w*)")
_ROWS_AT_ONCE = 10_000
_WEIGHT = "weight"
Parameters = Sequence[object] | Mapping[str, object]


class WholeConnection:
    """The public views over all parts. Raise `StoreError` for whatever goes wrong.

    `generations` are the parts, each with the generation that is read. A query may take `seconds`.
    """

    def __init__(
        self,
        duck: duckdb.DuckDBPyConnection,
        generations: Mapping[int, int] | None = None,
        seconds: float | None = None,
    ) -> None:
        self._duck, self._seconds = duck, seconds
        self.generations = dict(generations or {})
        duck.execute(f"CREATE SCHEMA IF NOT EXISTS {OWN_SCHEMA}")

    def within(self, seconds: float) -> "WholeConnection":
        """Return the same connection for queries that take no longer."""
        return WholeConnection(self._duck, self.generations, seconds)

    def execute(self, sql: str, parameters: Parameters = (), /) -> "WholeRows":
        """Run a query; parameters are `?`, or `:name` as in SQLite."""
        given: Any = list(parameters) if isinstance(parameters, Sequence) else dict(parameters)
        if isinstance(parameters, Mapping):
            used = {found[2] for found in _NAMED.finditer(sql) if found[2]}
            given = {name: value for name, value in parameters.items() if name in used}
            sql = _NAMED.sub(lambda found: found[1] or f"${found[2]}", sql)
        cursor = self._duck.cursor()
        try:
            cursor.execute(f"SET search_path = '{OWN_SCHEMA},main'")
            with _interrupted(cursor, self._seconds):
                return WholeRows(cursor.execute(duckdb_views.for_duckdb(sql), given))
        except duckdb.InterruptException as error:
            raise StoreError(
                f"the query of the whole audit took longer than {self._seconds:g} s"
            ) from error
        except duckdb.Error as error:
            raise _failed(error) from error


@contextlib.contextmanager
def _interrupted(cursor: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    """Interrupt a query that takes longer."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class WholeRows:
    """The rows of a query of the whole."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    @property
    def description(self) -> Any:
        """The columns."""
        return self._cursor.description

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""
        row = _checked(self._cursor.fetchone)
        return row if row is None else self._as_in_sqlite([row])[0]

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return self._as_in_sqlite(_checked(self._cursor.fetchall))

    def fetchmany(self, size: int = _ROWS_AT_ONCE) -> list[Any]:
        """Return the next rows, none after the last."""
        return self._as_in_sqlite(_checked(lambda: self._cursor.fetchmany(size)))

    def _as_in_sqlite(self, rows: list[Any]) -> list[Any]:
        """Return rows with counts as whole numbers, also where weights are in the same column.

        A column of DuckDB has one type, and in SQLite each value has its own.
        """
        names = [column[0] for column in self._cursor.description]
        if UNIT not in names:
            return rows
        unit = names.index(UNIT)
        amounts = frozenset(n for n, name in enumerate(names) if name in AMOUNTS)
        return [
            row
            if row[unit] == _WEIGHT
            else tuple(_counted(v) if n in amounts else v for n, v in enumerate(row))
            for row in rows
        ]

    def __iter__(self) -> Iterator[Any]:
        while rows := self.fetchmany():
            yield from rows


def _counted(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value


def _checked(fetch: Any) -> Any:
    try:
        return fetch()
    except duckdb.Error as error:
        raise _failed(error) from error


def _failed(error: duckdb.Error) -> StoreError:
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError(f"a query of the whole audit needs more memory than it may use ({error})")
    first = str(error).strip().splitlines()[0]
    return StoreError(f"the tables of the audit cannot be read ({first})")
