"""The parties that documents name, and their pages as absolute URLs."""

import json
import sqlite3

from crawler.evaluate.snapshot import StoredReading
from crawler.model import Party, Reading
from crawler.protocols.parsing.parties import absolute
from crawler.store.evidence_writer import text

#: Stores what is personal beside a party that is stored already; see `private_rows`.
KEEP_PRIVATE = "UPDATE party SET private = ? WHERE reading = ? AND n = ?"


def rows(reading: Reading) -> list[tuple[object, ...]]:
    """The parties of a reading as rows, without its key and what is personal."""
    return [_row(n, party) for n, party in enumerate(reading.parties, start=1)]


def _row(n: int, party: Party) -> tuple[object, ...]:
    reached = (party.licence_page, party.contact_page, party.mailbox, party.duties)
    said = (party.name, party.uid, *reached)
    return (n, party.source, party.role, party.confidence, *map(text, said), "[]")


def private_rows(read: StoredReading) -> list[tuple[object, ...]]:
    """What is personal about the parties of a reading, for `KEEP_PRIVATE`."""
    return [
        (json.dumps([text(p) for p in party.private], ensure_ascii=False), read.key, n)
        for n, party in enumerate(read.reading.parties, start=1)
        if party.private
    ]


def forget_private(db: sqlite3.Connection) -> None:
    """Drop what is personal, of all parties."""
    db.execute("UPDATE party SET private = '[]' WHERE private != '[]'")


def pages(
    db: sqlite3.Connection, observation: int, read: StoredReading
) -> list[tuple[object, ...]]:
    """Where the relative pages of a reading lead from one observation, as rows."""
    relative = [
        (n, party)
        for n, party in enumerate(read.reading.parties, start=1)
        if party.licence_page.startswith(("/", ".")) or party.contact_page.startswith(("/", "."))
    ]
    if not relative:
        return []
    (base,) = db.execute("SELECT url FROM observation WHERE id = ?", (observation,)).fetchone()
    return [
        (
            observation,
            read.key,
            n,
            absolute(base, party.licence_page),
            absolute(base, party.contact_page),
        )
        for n, party in relative
    ]
