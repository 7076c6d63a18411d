"""Lists of parties that others publish: rows of `party_list` and its entries."""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from crawler.store.evidence_writer import text


class ListedParty(NamedTuple):
    """A party that a list names for a domain; `line` counts the rows of the file from 1.

    `name` is empty where it may be that of a person; `name_key` is the name as it is compared.
    """

    line: int
    domain: str
    name: str
    name_key: str
    identifiers: tuple[str, ...]


def add_list(
    db: sqlite3.Connection,
    file: str,
    digest: str,
    source: tuple[str, str],
    entries: Iterable[ListedParty],
    now: str,
) -> bool:
    """Store a list in the caller's transaction; return False if it is stored already.

    `digest` is the SHA-256 of its file, `source` its publisher and version.
    """
    publisher, version = map(text, source)
    added = db.execute(
        "INSERT INTO party_list (file, digest, publisher, version, imported_at) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (text(file), digest, publisher, version, now),
    )
    if not added.rowcount:
        return False
    db.executemany(
        "INSERT INTO party_list_entry VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                added.lastrowid,
                entry.line,
                entry.domain,
                text(entry.name),
                text(entry.name_key),
                json.dumps(entry.identifiers),
            )
            for entry in entries
        ],
    )
    db.execute("INSERT INTO imported VALUES (?)", (added.lastrowid,))
    return True


def origins_listed(db: sqlite3.Connection, digest: str) -> int:
    """Return how many origins of the database the lists of a file name a party for."""
    query = (
        "SELECT count(DISTINCT origin.id) FROM party_list_entry AS entry "
        "JOIN party_list AS list ON list.id = entry.list AND list.digest = ? "
        "JOIN origin ON origin.key IN (entry.domain, 'www.' || entry.domain) "
        "OR origin.site = entry.domain "
        "WHERE entry.name != '' OR entry.identifiers != '[]'"
    )
    return int(db.execute(query, (digest,)).fetchone()[0])
