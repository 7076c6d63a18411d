"""A connection for SQL that a user writes, which reads no stored bytes.

Why no statement reads them, however it names their table: SQLite compiles each statement into a
program, and a program reaches rows of a table only through a cursor that it opens on the first page
of that table or of one of its indexes, and values only by operations on that cursor
(sqlite.org/opcode.html). So each program is listed before it runs. It is refused if it opens an
index of the table, reads a column of bytes for more than `length()`, which SQLite marks, or
compares more of a row than its key. Joins, views, WITH clauses and names of schemas make no
difference there. The authorizer is no such proof: SQLite does not call it for columns that USING
and NATURAL join. Only pages of the main database have to be looked for: nothing else can be
attached or made. Opening a connection fails where SQLite lists programs in another way.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

# The table, and the columns of it that are public, by their place.
_TABLE, _PUBLIC = "body", frozenset({0, 1})
_PROBE = f"SELECT content FROM main.{_TABLE}"  # noqa: S608 - our own name
_PAGES = f"SELECT rootpage, type FROM main.sqlite_schema WHERE tbl_name = '{_TABLE}'"  # noqa: S608 - our own name
# Operations that open a page of a file; the second operand of those on memory is no page.
_OPENING = re.compile(r"(?:Re)?Open(?!Ephemeral$|Autoindex$|Pseudo$|Dup$)")
# Those that read values from a cursor: one column, or a whole row.
_WHOLE_ROW = frozenset({"RowData", "RowCell"})
# Those that compare fields of a row with others, from the first on: the key is one. A row of a
# table without row numbers is an entry of its key, whose other fields `IN body` compares as well.
_COMPARING = re.compile(r"Seek[GL]|Seek$|SeekRowid|Found|Not|NoConflict|Idx[GL]")
# The mark of a value of which only the length is used (OPFLAG_LENGTHARG).
_LENGTH = 0x40
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
            pages = dict(program.execute(_PAGES))
            operations = program.execute(f"EXPLAIN {sql}", parameters).fetchall()
        if _reads_bytes(operations, pages):
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


def _reads_bytes(operations: list[tuple[Any, ...]], pages: dict[int, str]) -> bool:
    """Return whether a program reads more of stored bytes than their length.

    `pages` are the first pages of the table and of its indexes, each with what it is the first of.
    """
    opened = {
        cursor: pages[page]
        for _, name, cursor, page, *_ in operations
        if page in pages and page and _OPENING.match(name)
    }
    return "index" in opened.values() or any(
        name in _WHOLE_ROW
        or (name == "Column" and column not in _PUBLIC and not int(flags) & _LENGTH)
        or (_COMPARING.match(name) and str(fields) != "1")
        for _, name, cursor, column, _, fields, flags, *_ in operations
        if cursor in opened
    )
