"""Holds: while one stands, nothing is erased. They are logged, and never deleted."""

import sqlite3
from typing import NamedTuple

from crawler.errors import UserError


class HoldError(UserError):
    """A hold stands, or there is none with a number; the message says what to do."""


class Hold(NamedTuple):
    """A hold; `released_at` is None while it stands."""

    hold: int
    reason: str
    added_at: str
    released_at: str | None


def holds(db: sqlite3.Connection) -> list[Hold]:
    """Return all holds, released ones too."""
    query = "SELECT hold, reason, added_at, released_at FROM holds ORDER BY hold"
    return [Hold(*row) for row in db.execute(query)]


def add(db: sqlite3.Connection, reason: str, now: str) -> int:
    """Store a hold in the caller's transaction. Return its number."""
    query = "INSERT INTO hold (reason, added_at) VALUES (?, ?) RETURNING id"
    return int(db.execute(query, (reason, now)).fetchone()[0])


def release(db: sqlite3.Connection, number: int, now: str) -> None:
    """End a hold, in the caller's transaction. Raise `HoldError` if it does not stand."""
    known = {hold.hold: hold for hold in holds(db)}
    if number not in known:
        raise HoldError(f"there is no hold {number}; `tdm-audit hold list` lists them")
    if (at := known[number].released_at) is not None:
        raise HoldError(f"hold {number} was released on {at}")
    db.execute("INSERT INTO hold_release (hold, released_at) VALUES (?, ?)", (number, now))


def refuse_if_held(db: sqlite3.Connection) -> None:
    """Raise `HoldError` while a hold stands."""
    standing = [hold for hold in holds(db) if hold.released_at is None]
    if standing:
        first = standing[0]
        raise HoldError(
            f"hold {first.hold} stands since {first.added_at} ({first.reason}), so nothing is "
            f"erased; `tdm-audit hold release {first.hold}` ends it"
        )
