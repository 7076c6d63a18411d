"""A connection for SQL that a user writes, which opens no private table.

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
from collections.abc import Callable
from contextlib import closing
from typing import Any

#: Tables that no statement opens: their bytes are shown on a page, after their digest was checked.
PRIVATE = ("body",)
_NAMES = ", ".join(f"'{name}'" for name in PRIVATE)
_PROBE = f"SELECT count(*) FROM main.{PRIVATE[0]}"  # noqa: S608 - our own name
_PAGES = f"SELECT rootpage FROM main.sqlite_schema WHERE rootpage > 0 AND tbl_name IN ({_NAMES})"  # noqa: S608 - our own names
# Operations that open a page of a file; the second operand of those on memory is no page.
_OPENING = re.compile(r"(?:Re)?Open(?!Ephemeral$|Autoindex$|Pseudo$|Dup$)")
# Virtual tables with pages of the file, or with statements of others. Names have no escapes in SQL.
_RAW = re.compile(r"sqlite_dbpage|dbstat|sqlite_stmt", re.IGNORECASE)
# Steps after which the time limit is looked at. Fewer than others ask for: some steps are long.
_STEPS = 50


class RefusedError(sqlite3.DatabaseError):
    """The statement may not run; the message says why."""


class GuardedConnection(sqlite3.Connection):
    """A connection whose statements are looked at before they run, once it is guarded."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begin: Callable[[], None] | None = None
        self._timer: Callable[[], object] | None = None

    def cursor(self, _factory: Any = None) -> "_GuardedCursor":  # type: ignore[override]
        """Return a cursor that looks at statements."""
        return super().cursor(_GuardedCursor)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement. The method that this replaces makes a cursor that looks at nothing."""
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

    def guard(self, begin: Callable[[], None]) -> None:
        """Look at each statement from now on, `begin` called before. Raise `RefusedError`."""
        self._begin = begin
        try:
            self.execute(_PROBE)
        except RefusedError:
            return
        raise RefusedError(f"SQLite {sqlite3.sqlite_version} does not list programs as expected")

    def require_public(self, sql: str, parameters: Any) -> None:
        """Raise `RefusedError` for a statement that could read what is private."""
        if self._begin is None:
            return
        self._begin()
        if _RAW.search(sql):
            raise RefusedError("not authorized: pages of the file cannot be read")
        # This lists the program of a statement, and runs nothing.
        if sql.lstrip()[:7].lower() == "explain":
            return
        with closing(sqlite3.Cursor(self)) as schema, closing(sqlite3.Cursor(self)) as program:
            program.row_factory = None
            # Not read to its end: until it is closed, the schema stays what it is here.
            schema.execute("SELECT 1 FROM main.sqlite_schema")
            private = {page for (page,) in program.execute(_PAGES)}
            for _, operation, _, page, *_ in program.execute(f"EXPLAIN {sql}", parameters):
                if page in private and _OPENING.match(operation):
                    raise RefusedError(
                        "not authorized: stored bytes are not read by SQL; a page shows them"
                    )
        self._begin()


class _GuardedCursor(sqlite3.Cursor):
    connection: GuardedConnection

    def execute(self, sql: str, parameters: Any = (), /) -> "_GuardedCursor":
        """Run a statement that reads nothing private."""
        self.connection.require_public(sql, parameters)
        return super().execute(sql, parameters)

    def executemany(self, *_: Any) -> "_GuardedCursor":
        """Refuse: nothing that is served writes."""
        raise RefusedError("not authorized")

    executescript = executemany
