"""Limits of SQL that a user writes: what it may read, do, and how large its result may be."""

import sqlite3
import weakref
from collections import Counter
from typing import Any

from crawler.serve import linear_functions
from crawler.serve.linear_functions import MAX_VALUE
from crawler.store.guarded_connection import GuardedConnection

# Aggregates, window functions, and others whose time grows with the length of what they are given.
FUNCTIONS = frozenset(
    "-> ->> abs avg ceil ceiling char coalesce count cume_dist current_date current_time "
    "current_timestamp date datetime degrees dense_rank exp first_value floor glob group_concat "
    "hex ifnull iif instr json json_array json_array_length json_extract "
    "json_group_array json_group_object json_object json_quote json_type json_valid julianday "
    "lag last_value lead length like likelihood likely ln log log10 log2 lower ltrim max min mod "
    "nth_value ntile nullif percent_rank pow power quote random rank replace round row_number "
    "rtrim sign sqlite_version sqrt strftime substr substring sum time total trim trunc typeof "
    "unicode unixepoch unlikely upper zeroblob".split()
)
# Those that tell about the schema, which Datasette asks for.
_PRAGMAS = frozenset(
    "foreign_key_list function_list index_info index_list index_xinfo page_count "
    "page_size schema_version table_info table_list table_xinfo".split()
)
#: Seconds that a query, and the search for stored bytes, may take.
SECONDS = 5
#: Octets of a whole result, and characters of a statement.
MAX_RESULT = 32 * 1024 * 1024
MAX_SQL = 20_000
# The time limit is looked at where a program jumps, so that all before has to be short: patterns,
# and calls in one statement, those of views included (rights_holders has 641, 28 of them `like`).
_MAX_PATTERN = 200
_MAX_CALLS = {"": 800, "like": 40, "glob": 4}


def restrict(connection: GuardedConnection) -> None:
    """Let a connection read what is not private, and nothing larger than the limits."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MAX_SQL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _MAX_PATTERN)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    linear_functions.register(connection, connection.is_late)
    authorizer = _Authorizer()
    connection.set_authorizer(authorizer.authorize)
    connection.row_factory = _Rows()
    connection.guard(authorizer.begin)


class _Authorizer:
    """The authorizer of a connection, and the calls of functions in the statement under way."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    def begin(self) -> None:
        """Begin with another statement."""
        self._calls.clear()

    def authorize(
        self, action: int, first: str | None, second: str | None, _schema: object, _by: object
    ) -> int:
        """Return what SQLite may do (sqlite.org/c3ref/set_authorizer.html)."""
        if action == sqlite3.SQLITE_FUNCTION:
            allowed = self._function(str(second).lower())
        elif action == sqlite3.SQLITE_PRAGMA:
            allowed = first in _PRAGMAS
        elif action == sqlite3.SQLITE_UPDATE:
            # What SQLite asks when it declares the columns of json_each and its like. An UPDATE
            # that a user writes is refused by SQLite itself: the schema cannot be written.
            allowed = first in ("sqlite_master", "sqlite_schema")
        else:
            allowed = action in (
                sqlite3.SQLITE_READ,
                sqlite3.SQLITE_SELECT,
                sqlite3.SQLITE_RECURSIVE,
            )
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def _function(self, name: str) -> bool:
        self._calls.update(("", name))
        return name in FUNCTIONS and all(self._calls[n] <= most for n, most in _MAX_CALLS.items())


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
