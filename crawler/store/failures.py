"""Errors of storage as one sentence: what is known, and what to try; evidence is never given up.

Rules for editors: name a cause only where SQLite or the system names it. "disk I/O error" is not
"no space left", and a file that does not open may be a damaged audit: never advise to replace it.
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crawler.errors import UserError

#: `TDMA` in ASCII, in the header of the SQLite file; `file` shows it.
APPLICATION_ID = 0x54444D41
# SQLite's file format, 1.3: the magic header string, and the offset of the application id.
_MAGIC = b"SQLite format 3\0"
_ID_AT = slice(68, 72)
_BEGINNING = 1 << 20
# Below this, free space is named: SQLite reports some failures for lack of space as I/O errors.
_LITTLE = 16 << 20
_PRIMARY = 0xFF  # SQLite's result codes: the lowest octet of an extended code

# Errors that carry no code, by a part of their text.
_BY_TEXT = (
    ("locked", sqlite3.SQLITE_BUSY),
    ("readonly", sqlite3.SQLITE_READONLY),
    ("disk is full", sqlite3.SQLITE_FULL),
    ("disk I/O", sqlite3.SQLITE_IOERR),
    ("malformed", sqlite3.SQLITE_CORRUPT),
    ("decode to UTF-8", sqlite3.SQLITE_CORRUPT),
    ("not a database", sqlite3.SQLITE_NOTADB),
    ("unable to open", sqlite3.SQLITE_CANTOPEN),
    ("out of memory", sqlite3.SQLITE_NOMEM),
)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_OF_DISK = (*_NO_SPACE, errno.EROFS)
#: Errors of a place that can only be read.
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


class StoreError(UserError):
    """The database cannot be used; the message is one sentence that says what to do."""


class NoFolderError(StoreError):
    """The folder of a database does not exist, so that its name is probably misspelt."""

    status = 2


class StoreBusyError(StoreError):
    """Another run holds the database."""

    status = 3


class DiskNotWritableError(StoreError):
    """The disk is full, or can only be read; other parts would fare no better."""


class StorageDownError(StoreError):
    """The object store does not answer, or not to this user; other parts would fare no better."""


@contextmanager
def sqlite_errors_as_store_error(path: Path | str) -> Iterator[None]:
    """Raise errors of SQLite as `StoreError`, whose message is one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        kind = DiskNotWritableError if code_of(error) == sqlite3.SQLITE_FULL else StoreError
        raise kind(_of_sqlite(Path(path), error)) from error


@contextmanager
def os_errors_as_store_error(path: Path | str) -> Iterator[None]:
    """Raise errors of the file system as `StoreError`, whose message is one sentence."""
    try:
        yield
    except OSError as error:
        kind = DiskNotWritableError if error.errno in _OF_DISK else StoreError
        raise kind(_of_system(Path(path), error)) from error


def not_writable(path: Path, what: str) -> StoreError:
    """Return the error for a database that can only be read; `what` is what cannot be written."""
    return StoreError(
        f"{path} cannot be written: {what} is read-only for this user; make the file and its "
        "folder writable, or copy the database into a folder that is and name the copy with --db"
    )


def log_without_writing(path: Path) -> StoreError:
    """Return the error for a database with a log that cannot be read where it lies."""
    return StoreError(
        f"{path} has a log ({path.name}-wal) that a stopped run left, and reading it needs a "
        "folder that can be written: copy both files into one, and name the copy with --db"
    )


def code_of(error: sqlite3.Error) -> int:
    """Return the primary result code of an error of SQLite; 0 if nothing tells it."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & _PRIMARY
    text = str(error)
    return next((known for part, known in _BY_TEXT if part in text), 0)


def _of_sqlite(path: Path, error: sqlite3.Error) -> str:
    known = _SENTENCES.get(code_of(error))
    return known(path, _named(error)) if known else f"the database {path} failed: {error}"


def _named(error: sqlite3.Error) -> str:
    """Return the text of an error with SQLite's name for it."""
    name = getattr(error, "sqlite_errorname", None)
    return f"{error}, {name}" if name else str(error)


def _locked(path: Path, _said: str) -> str:
    return f"{path} is locked by another program; close it and run the command again"


def _read_only(path: Path, said: str) -> str:
    return str(not_writable(path, f"the file or its folder ({said})"))


def _full(path: Path, said: str) -> str:
    return (
        f"no space left for {path} or for temporary files ({said}{_free(path)}); free some and run "
        "the same command again, nothing stored is lost"
    )


def _failed_io(path: Path, said: str) -> str:
    return (
        f"the system failed to read or write {path} ({said}{_free(path)}); what was stored before "
        "is kept: look at the disk, its quota and the limit of file sizes, then run the same "
        "command again"
    )


def _damaged(path: Path, said: str) -> str:
    return (
        f"{path} is damaged ({said}); keep it, copy it, and save what the copy holds with "
        "`sqlite3 COPY.db .recover | sqlite3 NEW.db`"
    )


def _no_database(path: Path, said: str) -> str:
    beginning = _beginning(path)
    if _is_database(beginning):
        return _damaged(path, said)
    if beginning and b"\0" not in beginning:
        return f"{path} is a text, not an SQLite database; name the database with --db"
    return (
        f"{path} is not an SQLite database, or a damaged one whose beginning is lost; keep it, and "
        "if it was an audit, copy it and try `sqlite3 COPY.db .recover | sqlite3 NEW.db`"
    )


def _cannot_open(path: Path, said: str) -> str:
    if path.exists() and not os.access(path, os.R_OK):
        return f"{path} cannot be read by this user; ask for permission to read it"
    return (
        f"cannot open {path} ({said}); check the permissions of the file and of its folder, and "
        "how many files may be open (`ulimit -n`)"
    )


def _no_memory(path: Path, said: str) -> str:
    return f"no memory left for {path} ({said}); free some and run the same command again"


_SENTENCES: dict[int, Callable[[Path, str], str]] = {
    sqlite3.SQLITE_BUSY: _locked,
    sqlite3.SQLITE_LOCKED: _locked,
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_FULL: _full,
    sqlite3.SQLITE_IOERR: _failed_io,
    sqlite3.SQLITE_CORRUPT: _damaged,
    sqlite3.SQLITE_NOTADB: _no_database,
    sqlite3.SQLITE_CANTOPEN: _cannot_open,
    sqlite3.SQLITE_NOMEM: _no_memory,
}


def _free(path: Path) -> str:
    """Return how much is free where a file lies, if that is little."""
    try:
        disk = os.statvfs(path.resolve().parent)
    except OSError:
        return ""
    free = disk.f_bavail * disk.f_frsize
    return f"; {free // 1024:,} KB are free there" if free < _LITTLE else ""


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_BEGINNING)
    except OSError:
        return b""


def _is_database(beginning: bytes) -> bool:
    """Return whether anything in the first octets is of an SQLite file."""
    return (
        beginning.startswith(_MAGIC[:6])
        or beginning[_ID_AT] == APPLICATION_ID.to_bytes(4, "big")
        or (b"\0" in beginning and b"CREATE TABLE " in beginning)
    )


def _of_system(path: Path, error: OSError) -> str:
    said = error.strerror or str(error)
    if error.errno in _NO_SPACE:
        # Of a copy, the second name is the one that was written.
        return _full(Path(error.filename2 or error.filename or path), said)
    if error.errno in NOT_WRITABLE:
        return (
            f"cannot write {error.filename or path}: {said}; make the place writable for this "
            "user, or name another"
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"cannot use {path}: {error.filename or path.parent} is not a folder"
    return f"cannot use {path}: {said}"
