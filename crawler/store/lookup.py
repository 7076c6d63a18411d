"""Small questions to the database, one row each."""

import sqlite3
from collections.abc import Iterable
from typing import TypedDict


class SourceFacts(TypedDict):
    """The response behind an observation."""

    digest: str
    stored: str
    status: int | None
    address: str


def find_origin(db: sqlite3.Connection, key: str) -> tuple[int, str] | None:
    """Number and URL of an origin by its key, None if it is not in the database."""
    row = db.execute("SELECT id, url FROM origin WHERE key = ?", (key,)).fetchone()
    return (row[0], row[1]) if row else None


def sources(db: sqlite3.Connection, observations: Iterable[int]) -> dict[int, SourceFacts]:
    """Digest, kept digest, status and address of observations."""
    found: dict[int, SourceFacts] = {}
    for key in observations:
        digest, stored, status, address = db.execute(
            "SELECT digest, stored, status, address FROM observation WHERE id = ?", (key,)
        ).fetchone()
        found[key] = {
            "digest": digest or "",
            "stored": stored or "",
            "status": status,
            "address": address,
        }
    return found
