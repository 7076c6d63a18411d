"""What flaggings leave to each other: tables as bytes, valid for one state of the database."""

import sqlite3
from collections.abc import Mapping

#: More than this is not worth its place; it is worked out again.
MOST_BYTES = 256 * 1024 * 1024
# So many ways of flagging are kept, the latest.
_KEPT = 8


def load(db: sqlite3.Connection, facts: str) -> dict[str, bytes]:
    """The tables of a flagging by name; none if there was none like it."""
    return dict(db.execute("SELECT name, content FROM prepared WHERE facts = ?", (facts,)))


def save(db: sqlite3.Connection, facts: str, tables: Mapping[str, bytes]) -> None:
    """Keep the tables of a flagging in place of those it had, unless they are too large."""
    db.execute("DELETE FROM prepared WHERE facts = ?", (facts,))
    if sum(map(len, tables.values())) > MOST_BYTES:
        return
    rows = [(facts, name, content) for name, content in tables.items()]
    db.executemany("INSERT INTO prepared VALUES (?, ?, ?)", rows)
    db.execute(
        "DELETE FROM prepared WHERE facts NOT IN "
        "(SELECT facts FROM prepared GROUP BY facts ORDER BY max(rowid) DESC LIMIT ?)",
        (_KEPT,),
    )


def forget(db: sqlite3.Connection) -> None:
    """Drop all of it: what it was worked out from has changed."""
    db.execute("DELETE FROM prepared")
