"""Open an audit database: check it, migrate it, fill its vocabulary, recreate its views.

Rules for editors: a migration that was released is never changed; add the next one. Views are not
migrated: views.sql replaces all of them whenever it or the vocabulary has changed.
"""

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast
from zlib import crc32

from filelock import FileLock, Timeout

from crawler import agents, vocab
from crawler.errors import UserError

if TYPE_CHECKING:
    from sqlite_utils import Database

#: `TDMA` in ASCII, in the header of the SQLite file; `file` shows it.
APPLICATION_ID = 0x54444D41
_VOCABULARY: dict[str, type[StrEnum]] = {
    "outcome": vocab.Outcome,
    "presence": vocab.Presence,
    "purpose": vocab.Purpose,
    "stance": vocab.Stance,
    "state": vocab.State,
    "reads": vocab.Reads,
    "declared_by": vocab.DeclaredBy,
    "agent_class": vocab.AgentClass,
    "resource": vocab.Resource,
    "reject": vocab.Reject,
}
# Vocabularies whose tables have the order of the enum as `rank`.
_RANKED = ("purpose", "state")
_SQL = files("crawler.store")
_MIGRATIONS = ("0001_evidence", "0002_derived", "0003_prepared", "0004_protocols", "0005_names")
_VIEW = re.compile(r"((?:^-- [^\n]*\n)+)CREATE VIEW (\w+) AS\n(.*?);\n", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"\bAS (\w+),?  -- (.+)$", re.MULTILINE)


class StoreError(UserError):
    """The database cannot be used; the message is one sentence that says what to do."""


class StoreBusyError(StoreError):
    """Another run holds the database."""

    status = 3


def connect(path: Path | str, *, create: bool = False) -> sqlite3.Connection:
    """Open an audit database for writing, migrated and with its views. Raise `StoreError`.

    Without `create` the file must exist. A database of another program or of a newer version, or a
    file that is no database, is refused and left unchanged.
    """
    path = Path(path)
    if not create and not path.exists():
        raise StoreError(f"there is no database at {path}; run `tdm-audit crawl` first")
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file with --db")
    with sqlite_errors_as_store_error(path), os_errors_as_store_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=10, isolation_level=None)
        try:
            _check(connection, path)
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def require(path: Path | str) -> None:
    """Raise `StoreError` if there is no file to open."""
    if not Path(path).is_file():
        raise StoreError(f"there is no database at {path}; run `tdm-audit crawl` first")


def connect_read_only(path: Path | str) -> sqlite3.Connection:
    """Open an audit database for reading, without migrating it. Raise `StoreError`."""
    path = Path(path)
    require(path)
    with sqlite_errors_as_store_error(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        try:
            if _check(connection, path):
                raise StoreError(f"{path} is empty; run `tdm-audit crawl` first")
            if _applied(connection) < set(_MIGRATIONS):
                raise StoreError(
                    f"{path} was made by an older tdm-audit; run `tdm-audit judge --db {path}` once"
                )
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def sqlite_errors_as_store_error(path: Path | str) -> Iterator[None]:
    """Raise errors of SQLite as `StoreError`, whose message is one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_sentence(path, error)) from error


@contextmanager
def os_errors_as_store_error(path: Path | str) -> Iterator[None]:
    """Raise errors of the file system as `StoreError`, whose message is one sentence."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror or error}") from error


def _sentence(path: Path | str, error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"{path} is locked by another program; close it and run the command again"
    if "readonly" in text or "read-only" in text:
        return f"{path} is read-only; make the file and its folder writable, or name another --db"
    if "full" in text or "disk I/O" in text:
        return (
            f"no space left while writing {path}; free some and run again, nothing stored is lost"
        )
    if "not a database" in text or "malformed" in text:
        return f"{path} is not an SQLite database; name another file with --db"
    if "unable to open" in text:
        return f"cannot open {path}; check that the folder exists and may be written"
    return f"the database {path} failed: {text}"


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether the file is still empty. Raise `StoreError` if it may not be used."""
    if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        return True
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; name another file with --db")
    # Migrations that this version does not know were applied by a later one.
    newer = _applied(connection) - set(_MIGRATIONS)
    if newer:
        raise StoreError(f"{path} was made by a newer tdm-audit; upgrade to use it")
    return False


def _applied(connection: sqlite3.Connection) -> set[str]:
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'tdm-audit'"
    return {name for (name,) in connection.execute(query)}


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply the migrations that are pending."""
    # Imported only when a database is created or of another version: sqlite-utils takes 0.1 s.
    with _without_pandas():
        from sqlite_utils import Database, Migrations

    # ALTER TABLE checks every view, and a view of an older version need not fit the new tables.
    _drop_views(connection)
    migrations = Migrations("tdm-audit")
    for name in _MIGRATIONS:
        migrations(name=name)(_migration(name))
    migrations.apply(Database(connection))


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Make `import pandas` fail for a moment, unless it was imported before."""
    # sqlite-utils imports pandas where it is installed, only to recognise its types. That takes
    # half a second and 60 MB in every process that creates a database; no value here is of pandas.
    # None in sys.modules is the documented way to have an import raise ModuleNotFoundError.
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = cast("ModuleType", None)
    try:
        yield
    finally:
        del sys.modules["pandas"]


def _migration(name: str) -> "Callable[[Database], None]":
    def apply(db: "Database") -> None:
        # Not `executescript`, which commits the transaction of the migration first.
        for statement in _statements((_SQL / "migrations" / f"{name}.sql").read_text("utf-8")):
            db.execute(statement)

    return apply


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of an SQL script; triggers have semicolons inside."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    fingerprint = _fingerprint()
    if connection.execute("PRAGMA user_version").fetchone()[0] == fingerprint:
        return
    _migrate(connection)
    with transaction(connection):
        _fill_vocabulary(connection)
        _fill_catalogue(connection)
        _make_views(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {fingerprint}")


def _fingerprint() -> int:
    """Return a number that changes whenever what `_prepare` writes changes."""
    words = [list(enum) for enum in _VOCABULARY.values()]
    text = "".join((*_MIGRATIONS, _views_sql(), agents.VERSION, repr(words)))
    return crc32(text.encode()) & 0x7FFFFFFF


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction: committed at its end, rolled back if it raises."""
    # The write lock is taken at once. A transaction that reads first and writes later could meet
    # another one that does the same, and SQLite would fail one of the two without waiting.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _fill_vocabulary(connection: sqlite3.Connection) -> None:
    for table, enum in _VOCABULARY.items():
        if table in _RANKED:
            rows = [(word.value, rank) for rank, word in enumerate(enum)]
            connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608 - our own names
        else:
            words = [(word.value,) for word in enum]
            connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?)", words)  # noqa: S608 - our own names


def _fill_catalogue(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM agent")
    connection.executemany(
        "INSERT INTO agent VALUES (?, ?, ?, ?, ?, ?)",
        [(a.token, a.operator, a.agent_class, a.note, a.source, a.as_of) for a in agents.CATALOGUE],
    )


def _views_sql() -> str:
    return (_SQL / "views.sql").read_text("utf-8")


def public_views() -> dict[str, tuple[str, dict[str, str]]]:
    """Return each public view with its description and those of its columns, in order."""
    views = {}
    for comment, view, body in _VIEW.findall(_views_sql()):
        text = " ".join(line[3:] for line in comment.splitlines())
        views[view] = (text, dict(_COLUMN.findall(body.split("\nUNION ALL")[0])))
    return views


def _drop_views(connection: sqlite3.Connection) -> None:
    query = "SELECT name FROM sqlite_schema WHERE type = 'view'"
    for (view,) in connection.execute(query).fetchall():
        connection.execute(f'DROP VIEW "{view}"')


def _make_views(connection: sqlite3.Connection) -> None:
    _drop_views(connection)
    for statement in re.split(r";\n", _views_sql()):
        if statement.strip():
            connection.execute(statement)
    connection.execute("DELETE FROM description")
    for view, (text, columns) in public_views().items():
        rows = [(view, "", 0, text)]
        rows += [(view, name, n, text) for n, (name, text) in enumerate(columns.items(), start=1)]
        connection.executemany("INSERT INTO description VALUES (?, ?, ?, ?)", rows)


@contextmanager
def exclusive_lock(path: Path | str, seconds: float = 0) -> Iterator[None]:
    """Hold the database for one writing command, waiting up to `seconds` for it.

    Raise `StoreBusyError` if another process holds it.
    """
    # The lock is the operating system's, on a file next to the database: it ends with the process.
    path = Path(path)
    with os_errors_as_store_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock")
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise StoreBusyError(f"another run holds {path}; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()
