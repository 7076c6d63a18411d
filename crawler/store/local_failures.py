"""Origins that stay due because of the machine that crawls; view `coverage` shows them."""

import sqlite3
from collections.abc import Mapping

from crawler.store.database import transaction


def save_local_failures(
    db: sqlite3.Connection, run: int, notes: Mapping[int, str], now: str
) -> None:
    """Store why a run could not visit some origins, by their number; the last reason counts.

    Of a run that ended nothing is stored: all its origins were visited in the end.
    """
    is_open = "SELECT ended IS NULL FROM run WHERE id = ?"
    if not notes or not db.execute(is_open, (run,)).fetchone()[0]:
        return
    rows = [(origin, run, now, note) for origin, note in notes.items()]
    with transaction(db):
        db.executemany("INSERT OR REPLACE INTO local_failure VALUES (?, ?, ?, ?)", rows)
