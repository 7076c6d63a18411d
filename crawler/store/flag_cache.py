"""Cache of flaggings: their tables as bytes, valid for one state of the database."""

import sqlite3
from collections.abc import Mapping

#: Larger tables are not stored; to compute them again is cheaper than to keep them.
MOST_BYTES = 256 * 1024 * 1024
# Flaggings that are kept, the latest ones.
_MAX_FLAGGINGS = 8


def load(db: sqlite3.Connection, cache_key: str) -> dict[str, bytes]:
    """Return the tables of a flagging by name; none if it is not in the cache."""
    return dict(
        db.execute("SELECT name, content FROM flag_cache WHERE cache_key = ?", (cache_key,))
    )


def save(db: sqlite3.Connection, cache_key: str, tables: Mapping[str, bytes]) -> None:
    """Replace the tables of a flagging, unless they are too large."""
    db.execute("DELETE FROM flag_cache WHERE cache_key = ?", (cache_key,))
    if sum(map(len, tables.values())) > MOST_BYTES:
        return
    rows = [(cache_key, name, content) for name, content in tables.items()]
    db.executemany("INSERT INTO flag_cache VALUES (?, ?, ?)", rows)
    db.execute(
        "DELETE FROM flag_cache WHERE cache_key NOT IN "
        "(SELECT cache_key FROM flag_cache GROUP BY cache_key ORDER BY max(rowid) DESC LIMIT ?)",
        (_MAX_FLAGGINGS,),
    )


def clear(db: sqlite3.Connection) -> None:
    """Delete everything; the evidence has changed."""
    db.execute("DELETE FROM flag_cache")
