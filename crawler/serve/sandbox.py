"""Limits of SQL that a user writes: what it may read, do, and how large its result may be."""

import sqlite3
import weakref
from typing import Any

#: Columns that read as NULL: bytes without their digest checked, and personal data.
PRIVATE = frozenset({("body", "content"), ("party", "private"), ("contact", "private")})
# Virtual tables with the pages of the file as bytes.
_RAW_PAGES = frozenset({"sqlite_dbpage"})
_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
# Those that tell about the schema, which Datasette asks for.
_PRAGMAS = frozenset(
    "database_list foreign_key_list function_list index_info index_list index_xinfo page_count "
    "page_size schema_version table_info table_list table_xinfo".split()
)
#: Seconds that a query, and the search for stored bytes, may take.
SECONDS = 5
#: Octets of the longest value, of a whole result, and characters of a statement.
MAX_VALUE = 16 * 1024 * 1024
MAX_RESULT = 32 * 1024 * 1024
MAX_SQL = 100_000
# Patterns are matched in one step, which no time limit ends.
_MAX_PATTERN = 1_000


def restrict(connection: sqlite3.Connection) -> None:
    """Let a connection read, but none of `PRIVATE`, and nothing larger than the limits.

    Private columns read as NULL wherever they are named: in views, subqueries and WITH clauses.
    """
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MAX_SQL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _MAX_PATTERN)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(_authorize)
    connection.row_factory = _Rows()


def _authorize(
    action: int, first: str | None, second: str | None, _schema: str | None, _by: str | None
) -> int:
    """Return what SQLite may do (sqlite.org/c3ref/set_authorizer.html)."""
    if action == sqlite3.SQLITE_READ:
        # By table and column alone. The fifth argument, the view that reads, can be forged: a WITH
        # clause may have the name of a view.
        if (first, second) in PRIVATE:
            return sqlite3.SQLITE_IGNORE
        return sqlite3.SQLITE_DENY if first in _RAW_PAGES else sqlite3.SQLITE_OK
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if second in _FUNCTIONS else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS:
        return sqlite3.SQLITE_OK
    # What SQLite asks when it declares the columns of json_each and its like. An UPDATE that a user
    # writes is refused by SQLite itself: the schema is no table that can be written.
    is_declaration = action == sqlite3.SQLITE_UPDATE and first in ("sqlite_master", "sqlite_schema")
    return sqlite3.SQLITE_OK if is_declaration else sqlite3.SQLITE_DENY


class _Rows:
    """A row factory that ends a result that is too large."""

    def __init__(self) -> None:
        self._size = 0
        # Weak: a cursor that lives on keeps its read transaction open, and the log from shrinking.
        self._cursor: weakref.ref[sqlite3.Cursor] | None = None

    def __call__(self, cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> sqlite3.Row:
        if self._cursor is None or self._cursor() is not cursor:
            self._cursor, self._size = weakref.ref(cursor), 0
        self._size += sum(len(value) for value in values if isinstance(value, str | bytes))
        if self._size > MAX_RESULT:
            raise sqlite3.OperationalError(
                f"the result is larger than {MAX_RESULT // 1024 // 1024} MiB; select less"
            )
        return sqlite3.Row(cursor, values)
