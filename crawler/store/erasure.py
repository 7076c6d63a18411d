"""Finish an erasure: what was overwritten in tables leaves the file of the database and its log."""

import sqlite3

from crawler.store.failures import StoreError

#: Said after every erasure, since nobody may believe more than was done.
OUT_OF_REACH = (
    "Out of reach are copies, backups, exports, reports and flagged files that were made before, "
    "the datasets themselves, and free blocks or snapshots of the disk; erase them yourself."
)


#: Milliseconds for which a program that reads the log is waited for.
BUSY_MS = 5000


def begin(db: sqlite3.Connection) -> None:
    """Have SQLite overwrite what is deleted, before the transaction that erases."""
    db.execute("PRAGMA secure_delete = ON")


def note(db: sqlite3.Connection, now: str) -> None:
    """Store, in the transaction that erases, that the erasure is not finished."""
    db.execute("INSERT OR IGNORE INTO unfinished_erasure VALUES (?)", (now,))


def finish(db: sqlite3.Connection, path: object) -> None:
    """Write the whole file again and empty its log; raise `StoreError` if another program reads.

    It may be repeated. Until it was successful, a row of `unfinished_erasure` says so.
    """
    # The log keeps old pages, and pages keep what was in them before: all are written again.
    db.execute("VACUUM")
    _empty_log(db, path)
    db.execute("DELETE FROM unfinished_erasure")
    _empty_log(db, path)


def _empty_log(db: sqlite3.Connection, path: object) -> None:
    db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreError(
            f"another program reads {path}, so that erased bytes are still in its log; close it "
            "and run the same command again"
        )


def unfinished_since(db: sqlite3.Connection) -> str | None:
    """Return when an erasure began that was cut short, None if there is none."""
    since: str | None = db.execute("SELECT min(since) FROM unfinished_erasure").fetchone()[0]
    return since
