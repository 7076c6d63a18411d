"""Open an audit database: check it, migrate it, fill its vocabulary, recreate its views.

Rules for editors: a migration that was released is never changed; add the next one. Views are not
migrated: views.sql replaces all of them whenever it or the vocabulary has changed.
"""

import glob
import hashlib
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from shlex import quote
from types import ModuleType
from typing import TYPE_CHECKING, cast
from zlib import crc32

from filelock import FileLock, Timeout

from crawler import agents, vocab
from crawler.store import domains, run_statistics, summaries
from crawler.store.failures import (
    APPLICATION_ID,
    NOT_WRITABLE,
    NoFolderError,
    StoreBusyError,
    StoreError,
    code_of,
    log_without_writing,
    not_writable,
    os_errors_as_store_error,
    sqlite_errors_as_store_error,
)
from crawler.subprocesses import is_running

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = [
    "APPLICATION_ID",
    "PLAN_FILE",
    "StoreBusyError",
    "StoreError",
    "checkpoint",
    "connect",
    "connect_read_only",
    "exclusive_lock",
    "new_database",
    "os_errors_as_store_error",
    "public_views",
    "require",
    "schema_digest",
    "sqlite_errors_as_store_error",
    "transaction",
    "view_statements",
    "vocabulary_tables",
]

_VOCABULARY: dict[str, type[StrEnum]] = {
    "outcome": vocab.Outcome,
    "presence": vocab.Presence,
    "purpose": vocab.Purpose,
    "stance": vocab.Stance,
    "state": vocab.State,
    "reads": vocab.Reads,
    "declared_by": vocab.DeclaredBy,
    "access": vocab.Access,
    "as_of_basis": vocab.AsOfBasis,
    "party_role": vocab.PartyRole,
    "offer": vocab.Offer,
    "agent_class": vocab.AgentClass,
    "resource": vocab.Resource,
    "reject": vocab.Reject,
}
# Vocabularies whose tables have the order of the enum as `rank`.
_RANKED = ("purpose", "state")
_SQL = files("crawler.store")
# In the order in which they are applied, which is that in which they were added.
_MIGRATIONS = (
    "0001_evidence",
    "0002_derived",
    "0003_prepared",
    "0004_protocols",
    "0005_names",
    "0006_claims",
    "0007_columns",
    "0008_versions",
    "0009_views",
    "0010_local_failures",
    "0011_ground",
    "0012_history",
    "0013_manifests",
    "0014_page_shares",
    "0017_history_times",
    "0021_flips",
    "0022_repeats",
    "0024_parties",
    "0025_party_lists",
    "0026_request_lists",
    "0027_redaction",
    "0033_parts",
    "0034_lists",
    "0035_evidence_key",
    "0032_low_groups",
    "0037_pages_stand_alone",
    "0038_summaries",
    "0039_whole_verdicts",
)
_FIRST = _MIGRATIONS[0]
_MIGRATION_TABLE = "_sqlite_migrations"
_TABLES = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
# Databases of an audit in parts, below the folder with this file (`parts`).
_GENERATION = re.compile(r"(?:parts/\d+|datasets)/g\d+\.db")
#: The file that makes a folder an audit in parts.
PLAN_FILE = "plan.json"
# How names of databases end that are still being made.
_UNFINISHED = ".new"
_VIEW = re.compile(r"((?:^-- [^\n]*\n)+)CREATE VIEW (\w+) AS\n(.*?);\n", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"\bAS (\w+),?  -- (.+)$", re.MULTILINE)
# Stands in a description for the words of a vocabulary.
_WORDS = re.compile(r"\{(\w+)\}")


def connect(path: Path | str, *, create: bool = False) -> sqlite3.Connection:
    """Open an audit database for writing, migrated and with its views. Raise `StoreError`.

    Without `create` the file must exist and must not be empty. A database of another program or of
    a newer version, or a file that is no database, is refused and left unchanged.
    """
    path = Path(path)
    if not create and not path.exists():
        raise _missing(path)
    _refuse_generation(path)
    with sqlite_errors_as_store_error(path), os_errors_as_store_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path.resolve())
        _require_file(path)
        _require_writable(path)
        # Absolute, because SQLite takes the name `:memory:` for no file at all.
        connection = sqlite3.connect(path.absolute(), timeout=10, isolation_level=None)
        try:
            if _check(connection, path) and not create:
                raise _empty(path)
            _configure(connection)
            _upgrade(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def require(path: Path | str) -> None:
    """Raise `StoreError` if there is no file to open."""
    path = Path(path)
    if not path.exists():
        raise _missing(path)
    _require_file(path)


def _missing(path: Path) -> StoreError:
    if not path.parent.exists():
        return NoFolderError(
            f"there is no folder {path.parent}, and so no database at {path}; name a database that "
            "is there with --db, or run `tdm-audit crawl`, which makes both"
        )
    return StoreError(
        f"there is no database at {path}; run `tdm-audit crawl` first, or name one with --db"
    )


def _empty(path: Path) -> StoreError:
    return StoreError(f"{path} is empty; run `tdm-audit crawl` first")


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file with --db")
    if not path.is_file():
        raise StoreError(f"{path} is a device or a pipe; name a file with --db")


def _require_writable(path: Path) -> None:
    # SQLite opens what it cannot write for reading, and would fail in the middle of the work.
    if not os.access(path, os.W_OK):
        raise not_writable(path, "the file")
    if not os.access(path.resolve().parent, os.W_OK):
        raise not_writable(path, "its folder")


def _audit_of_generation(path: Path) -> Path | None:
    """Return the folder of the audit in parts that a database belongs to, if it is one of it."""
    file = path.resolve()
    for root in file.parents[1:3]:
        name = file.relative_to(root).as_posix()
        if _GENERATION.fullmatch(name) and (root / PLAN_FILE).exists():
            return root
    return None


def _refuse_generation(path: Path) -> None:
    """Raise `StoreError` for a database of an audit in parts, which is never changed."""
    root = _audit_of_generation(path)
    if root is not None:
        raise StoreError(
            f"{path} is a generation of an audit in parts, which is never changed; give the "
            f"folder with --db {quote(str(root))}, or work on a copy elsewhere"
        )


def connect_read_only(
    path: Path | str, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    """Open an audit database for reading, without migrating it. Raise `StoreError`.

    Neither the file nor its folder needs to be writable. The connection is made by `factory`.
    """
    path = Path(path)
    require(path)
    with sqlite_errors_as_store_error(path):
        connection = _open_read_only(path, factory)
        try:
            if _check(connection, path):
                raise _empty(path)
            missing = set(_MIGRATIONS) - _applied(connection)
            if missing:
                first, again = (
                    ("an older tdm-audit", "judge")
                    if _FIRST not in missing
                    else ("a run that was cut short", "crawl")
                )
                # A generation is never changed: the next one of its part is brought up to date.
                db = quote(str(_audit_of_generation(path) or path))
                raise StoreError(
                    f"{path} was made by {first}; run `tdm-audit {again} --db {db}` once"
                )
        except BaseException:
            connection.close()
            raise
        return connection


def _open_read_only(path: Path, factory: type[sqlite3.Connection]) -> sqlite3.Connection:
    # sqlite.org/wal.html, 7: reading a database in WAL mode needs its -shm file, which is made
    # where there is none; or `immutable=1`, which reads no log and so needs a file without one.
    file = path.resolve()
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=10, factory=factory)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except sqlite3.Error as error:
        connection.close()
        if code_of(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if _has_log(file):
            raise log_without_writing(path) from error
        connection = sqlite3.connect(
            f"{file.as_uri()}?mode=ro&immutable=1", uri=True, factory=factory
        )
    return connection


def _has_log(file: Path) -> bool:
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def checkpoint(connection: sqlite3.Connection) -> None:
    """Move the log into the database file, so that a copy of this one file is whole.

    Readers that hold the log are waited for a moment; then it stays, and nothing is lost.
    """
    connection.execute("PRAGMA busy_timeout = 1000")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _create(file: Path) -> None:
    """Make a database that appears under its name when it is complete."""
    _remove_leftovers(file)
    new = file.with_name(f".{file.name}.{os.getpid()}.{token_hex(4)}{_UNFINISHED}")
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            # Whatever ends this leaves a file that nobody opens: nothing has to be undone.
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("PRAGMA synchronous = OFF")
            _upgrade(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        with new.open("rb+") as made:
            os.fsync(made.fileno())
        _publish(new, file)
    finally:
        for made_by_sqlite in ("", "-wal", "-shm", "-journal"):
            Path(f"{new}{made_by_sqlite}").unlink(missing_ok=True)


def _publish(new: Path, file: Path) -> None:
    # A link, unlike a renaming, never replaces what another process has made meanwhile.
    try:
        os.link(new, file)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        new.rename(file)


def _remove_leftovers(file: Path) -> None:
    """Remove unfinished databases of processes that were killed."""
    for leftover in file.parent.glob(f".{glob.escape(file.name)}.*{_UNFINISHED}*"):
        process = leftover.name[len(file.name) + 2 :].partition(".")[0]
        if process.isdigit() and not is_running(int(process)):
            with suppress(OSError):
                leftover.unlink()


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether the file is still empty. Raise `StoreError` if it may not be used."""
    tables = {name for (name,) in connection.execute(_TABLES)}
    if not tables:
        return True
    applied = _applied(connection) if _MIGRATION_TABLE in tables else set()
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    # Recovered databases, and those whose creation was cut short, have no mark.
    is_unmarked = mark == 0 and (applied or _is_just_begun(connection, tables))
    if mark != APPLICATION_ID and not is_unmarked:
        if applied:
            raise StoreError(
                f"{path} has tables of tdm-audit and the mark of another program, so it may be "
                f"damaged; keep it, and in a copy try `PRAGMA application_id = {APPLICATION_ID}`"
            )
        raise StoreError(f"{path} is a database of another program; name another file with --db")
    # Migrations that this version does not know were applied by a later one.
    if applied - set(_MIGRATIONS):
        raise StoreError(f"{path} was made by a newer tdm-audit; upgrade to use it")
    return False


def _is_just_begun(connection: sqlite3.Connection, tables: set[str]) -> bool:
    """Return whether the only table is that of migrations, and empty."""
    if tables != {_MIGRATION_TABLE}:
        return False
    query = f"SELECT count(*) FROM {_MIGRATION_TABLE}"  # noqa: S608 - our own name
    return bool(connection.execute(query).fetchone() == (0,))


def _applied(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the migrations that were applied."""
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
    # A table that is copied and replaced is what others refer to; inside a transaction, where
    # migrations run, SQLite ignores this pragma.
    checked = connection.execute("PRAGMA foreign_keys").fetchone()[0]
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        migrations.apply(Database(connection))
    finally:
        connection.execute(f"PRAGMA foreign_keys = {checked}")


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


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Without it, REPLACE deletes rows of evidence and fires no trigger that refuses it.
    connection.execute("PRAGMA recursive_triggers = ON")


def _upgrade(connection: sqlite3.Connection) -> None:
    """Migrate a database and fill its vocabulary, unless it is of this version."""
    fingerprint = _fingerprint()
    if connection.execute("PRAGMA user_version").fetchone()[0] == fingerprint:
        return
    _migrate(connection)
    with transaction(connection):
        _fill_vocabulary(connection)
        _fill_catalogue(connection)
        domains.add_missing(connection)
        summaries.add_missing(connection)
        run_statistics.save_counts(connection)
        _make_views(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {fingerprint}")


def _fingerprint() -> int:
    """Return a number that changes whenever what `_upgrade` writes changes."""
    words = [list(enum) for enum in _VOCABULARY.values()]
    text = "".join((*_MIGRATIONS, _views_sql(), _triggers_sql(), agents.VERSION, repr(words)))
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


def _triggers_sql() -> str:
    return (_SQL / "observation_view.sql").read_text("utf-8")


def view_statements() -> list[str]:
    """Return the statements that make the public views, in their order."""
    return [part for part in re.split(r";\n", _views_sql()) if part.strip()]


def public_views() -> dict[str, tuple[str, dict[str, str]]]:
    """Return each public view with its description and those of its columns, in order."""
    views = {}
    for comment, view, body in _VIEW.findall(_views_sql()):
        text = " ".join(line[3:] for line in comment.splitlines())
        columns = _COLUMN.findall(body.split("\nUNION ALL")[0])
        views[view] = (text, {name: _WORDS.sub(_words, meaning) for name, meaning in columns})
    return views


def schema_digest(connection: sqlite3.Connection) -> str:
    """Return a digest of all tables, indexes, triggers and views."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2"
    return hashlib.sha256(repr(connection.execute(query).fetchall()).encode()).hexdigest()


def new_database() -> sqlite3.Connection:
    """Return an empty database of this version, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _upgrade(connection)
    return connection


def vocabulary_tables() -> tuple[str, ...]:
    """Return the tables whose rows are equal in every database of this version."""
    return (*_VOCABULARY, "agent", "description")


def _words(name: re.Match[str]) -> str:
    *words, last = _VOCABULARY[name[1]]
    return f"{', '.join(words)} or {last}"


def _drop_views(connection: sqlite3.Connection) -> None:
    query = "SELECT name FROM sqlite_schema WHERE type = 'view'"
    for (view,) in connection.execute(query).fetchall():
        connection.execute(f'DROP VIEW "{view}"')


def _make_views(connection: sqlite3.Connection) -> None:
    _drop_views(connection)
    for statement in (*view_statements(), *_statements(_triggers_sql())):
        connection.execute(statement)
    connection.execute("DELETE FROM description")
    for view, (text, columns) in public_views().items():
        rows = [(view, "", 0, text)]
        rows += [(view, name, n, text) for n, (name, text) in enumerate(columns.items(), start=1)]
        connection.executemany("INSERT INTO description VALUES (?, ?, ?, ?)", rows)


@contextmanager
def exclusive_lock(path: Path | str) -> Iterator[None]:
    """Hold the database for one writing command.

    Raise `StoreBusyError` at once if another process holds it.
    """
    # The lock is the operating system's, on a file next to the database: it ends with the process.
    path = Path(path)
    _refuse_generation(path)
    name = f"{path}.lock"
    with os_errors_as_store_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # FileLock waits for some errors of the system as if another process held the lock.
        try:
            os.close(os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
        except OSError as error:
            if path.exists() and error.errno in NOT_WRITABLE:
                raise not_writable(path, "its folder") from error
            raise
        lock = FileLock(name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StoreBusyError(f"another run holds {path}; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()
