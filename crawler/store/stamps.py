"""Time stamps of manifests, as an authority sent them (RFC 3161)."""

import sqlite3
from typing import NamedTuple


class Stamp(NamedTuple):
    """A time stamp: the number and text of the manifest that it is of, and the token."""

    manifest: int
    text: str
    authority: str
    token: bytes


def save(db: sqlite3.Connection, manifest: str, authority: str, token: bytes, now: str) -> None:
    """Store the token for the digest of a manifest, in the caller's transaction."""
    db.execute(
        "INSERT INTO stamp (manifest, authority, token, received_at) VALUES (?, ?, ?, ?)",
        (manifest, authority, token, now),
    )


def stamps(db: sqlite3.Connection) -> list[Stamp]:
    """Return all time stamps in the order of their manifests."""
    query = (
        "SELECT m.n, m.text, s.authority, s.token FROM stamp AS s "
        "JOIN manifest AS m ON m.digest = s.manifest ORDER BY m.n, s.id"
    )
    return [Stamp(*row) for row in db.execute(query)]
