"""The two kinds of connections with public views: a database file, the whole of an audit in parts.

Rules for editors: whoever only reads public views takes a `Queryable`, with SQL that both engines
take (`duckdb_views` says which). What concerns one of them alone asks `is_whole`.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Protocol

#: The schema of a whole with what a connection makes for itself, as `temp` of a database file.
OWN_SCHEMA = "own"
#: Columns whose values are counts or weights, as the column `unit` of the same row says.
AMOUNTS = frozenset(("reserved_min", "reserved_shown", "reserved_max", "unknown", "total"))
UNIT = "unit"


class QueryRows(Protocol):
    """The rows of a query, as a cursor of `sqlite3` has them."""

    @property
    def description(self) -> Any:
        """The columns: of each a tuple that begins with its name."""

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""


class Queryable(Protocol):
    """A database file, or the whole of an audit in parts: both have public views to read."""

    def execute(self, sql: str, parameters: Any = ..., /) -> QueryRows:
        """Run a query."""


def is_whole(db: Queryable) -> bool:
    """Return whether it is the whole of an audit in parts, and no database file."""
    return not isinstance(db, sqlite3.Connection)


def own_schema(db: Queryable) -> str:
    """Return the schema of what this connection alone has; its names hide those of the audit."""
    return OWN_SCHEMA if is_whole(db) else "temp"
