"""Small questions to the database, one row each."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TypedDict


class SourceFacts(TypedDict):
    """The response behind an observation."""

    digest: str
    stored: str
    status: int | None
    address: str
    tls_version: str
    tls_certificate: str
    tls_verified: str


def find_origin(db: sqlite3.Connection, key: str) -> tuple[int, str] | None:
    """Number and URL of an origin by its key, None if it is not in the database."""
    row = db.execute("SELECT id, url FROM origin WHERE key = ?", (key,)).fetchone()
    return (row[0], row[1]) if row else None


def rows_by_origin(db: sqlite3.Connection) -> Iterator[tuple[int, int, int]]:
    """Origin, dataset and rows, origin by origin, of everything that was ingested."""
    yield from db.execute("SELECT origin, dataset, rows FROM dataset_origin ORDER BY 1, 2")


def sources(db: sqlite3.Connection, observations: Iterable[int]) -> dict[int, SourceFacts]:
    """Digest, kept digest, status, address and TLS of observations."""
    found: dict[int, SourceFacts] = {}
    for key in observations:
        digest, stored, status, address, version, certificate, verified = db.execute(
            "SELECT digest, stored, status, address, tls_version, tls_certificate, tls_verified "
            "FROM observation WHERE id = ?",
            (key,),
        ).fetchone()
        found[key] = {
            "digest": digest or "",
            "stored": stored or "",
            "status": status,
            "address": address,
            "tls_version": version,
            "tls_certificate": certificate,
            "tls_verified": verified,
        }
    return found
