"""Limits of SQL that a user writes: what it may read, do, and how large its result may be.

Why no statement reads a private table, however it names it: SQLite compiles each statement into a
program, and a program reaches rows of a table only through a cursor that it opens on the first
page of that table or of one of its indexes (sqlite.org/opcode.html). So each program is listed
before it runs, and is refused if it opens such a page. Joins, views, WITH clauses and names of
schemas make no difference there. The authorizer is no such proof: SQLite does not call it for
columns that USING and NATURAL join. Only pages of the main database have to be looked for: nothing
else can be attached or made. Opening a connection fails where SQLite lists programs in another way.
"""

import re
import sqlite3
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

from crawler.serve import linear_functions
from crawler.serve.linear_functions import MAX_VALUE

#: Tables that no statement opens: their bytes are shown on a page, after their digest was checked.
PRIVATE = ("body",)
_NAMES = ", ".join(f"'{name}'" for name in PRIVATE)
_PROBE = f"SELECT count(*) FROM main.{PRIVATE[0]}"  # noqa: S608 - our own name
_PAGES = f"SELECT rootpage FROM main.sqlite_schema WHERE rootpage > 0 AND tbl_name IN ({_NAMES})"  # noqa: S608 - our own names
# Operations that open a page of a file; the second operand of those on memory is no page.
_OPENING = re.compile(r"(?:Re)?Open(?!Ephemeral$|Autoindex$|Pseudo$|Dup$)")
# Virtual tables with pages of the file, or with statements of others. Names have no escapes in SQL.
_RAW = re.compile(r"sqlite_dbpage|dbstat|sqlite_stmt", re.IGNORECASE)
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
# and calls in one statement, those of views included (rights_holders has 218, ten of them `like`).
_MAX_PATTERN = 200
_MAX_CALLS = {"": 600, "like": 40, "glob": 4}
# Steps after which the time limit is looked at. Datasette's own number is for short ones.
_STEPS = 50


class RefusedError(sqlite3.DatabaseError):
    """The statement may not run; the message says why."""


class Connection(sqlite3.Connection):
    """A connection whose statements are looked at before they run, once it is restricted."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.calls: _Calls | None = None
        self._timer: Callable[[], object] | None = None

    def cursor(self, _factory: Any = None) -> "_Cursor":  # type: ignore[override]
        """Return a cursor that looks at statements."""
        return super().cursor(_Cursor)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement. The method that this replaces makes a cursor of its own class."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, *_: Any) -> sqlite3.Cursor:
        """Refuse: nothing that is served writes."""
        raise RefusedError("not authorized")

    executescript = executemany

    def set_progress_handler(self, handler: Any, n: int) -> None:
        """Call a handler after `n` steps, or earlier."""
        self._timer = handler
        super().set_progress_handler(handler, min(n, _STEPS))

    def is_late(self) -> bool:
        """Return whether the time of the statement under way is over."""
        return self._timer is not None and bool(self._timer())

    def require_public(self, sql: str, parameters: Any = ()) -> None:
        """Raise `RefusedError` for a statement that could read what is private."""
        if self.calls is None:
            return
        self.calls.begin()
        if _RAW.search(sql):
            raise RefusedError("not authorized: pages of the file cannot be read")
        if sql.lstrip()[:7].lower() == "explain":
            return
        # Open until the end, so that the schema stays what it is here.
        with closing(sqlite3.Cursor(self)) as schema, closing(sqlite3.Cursor(self)) as program:
            schema.row_factory = program.row_factory = None
            private = {page for (page,) in schema.execute(_PAGES)}
            schema.execute("SELECT 1 FROM main.sqlite_schema")
            for _, operation, _, page, *_ in program.execute(f"EXPLAIN {sql}", parameters):
                if page in private and _OPENING.match(operation):
                    raise RefusedError(
                        "not authorized: stored bytes are not read by SQL; a page shows them"
                    )
            self.calls.begin()


class _Cursor(sqlite3.Cursor):
    connection: Connection

    def execute(self, sql: str, parameters: Any = (), /) -> "_Cursor":
        """Run a statement that reads nothing private."""
        self.connection.require_public(sql, parameters)
        return super().execute(sql, parameters)

    def executemany(self, *_: Any) -> "_Cursor":
        """Refuse: nothing that is served writes."""
        raise RefusedError("not authorized")

    executescript = executemany


def restrict(connection: Connection) -> None:
    """Let a connection read, but none of `PRIVATE`, and nothing larger than the limits."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MAX_SQL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _MAX_PATTERN)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    linear_functions.register(connection, connection.is_late)
    connection.calls = _Calls()
    connection.set_authorizer(connection.calls.authorize)
    connection.row_factory = _Rows()
    try:
        connection.execute(_PROBE)
    except RefusedError:
        return
    raise RefusedError(f"SQLite {sqlite3.sqlite_version} does not list programs as expected")


class _Calls:
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
