"""`hold`: keep evidence from being erased, and end that."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from crawler.clock import stamp
from crawler.store import holds, manifests
from crawler.store.database import (
    checkpoint,
    connect,
    exclusive_lock,
    require,
    sqlite_errors_as_store_error,
    transaction,
)


def add(path: Path, reason: str) -> int:
    """Add a hold, and return its number. Raise `HoldError` without a reason, and `StoreError`."""
    reason = reason.strip()
    if not reason:
        raise holds.HoldError("a hold needs a reason")
    return _change(path, "hold", lambda db: holds.add(db, reason, stamp()))


def release(path: Path, number: int) -> int:
    """End a hold. Return its number. Raise `HoldError` if it does not stand, and `StoreError`."""

    def end(db: sqlite3.Connection) -> int:
        holds.release(db, number, stamp())
        return number

    return _change(path, "release", end)


def _change(path: Path, kind: str, change: Callable[[sqlite3.Connection], int]) -> int:
    require(path)
    with (
        exclusive_lock(path),
        sqlite_errors_as_store_error(path),
        closing(connect(path)) as connection,
    ):
        with transaction(connection):
            number = change(connection)
            manifests.write(connection, kind, [])
        manifests.publish(connection, path)
        checkpoint(connection)
    return number
