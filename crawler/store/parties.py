"""The parties that documents name, and their pages as absolute URLs."""

import json
import sqlite3

from crawler.model import Party
from crawler.protocols._parties import absolute
from crawler.store.dossier import Read
from crawler.store.evidence import text


def save(db: sqlite3.Connection, read: Read) -> None:
    """Store the parties of a reading, without what is personal."""
    db.executemany(
        "INSERT INTO party VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]')",
        [_row(read.key, n, party) for n, party in enumerate(read.reading.parties, start=1)],
    )


def _row(key: str, n: int, party: Party) -> tuple[object, ...]:
    reached = (party.licence_page, party.contact_page, party.mailbox, party.duties)
    said = (party.name, party.uid, *reached)
    return (key, n, party.source, party.role, party.confidence, *map(text, said))


def save_private(db: sqlite3.Connection, read: Read) -> None:
    """Store what is personal beside parties that are stored already."""
    db.executemany(
        "UPDATE party SET private = ? WHERE reading = ? AND n = ?",
        [
            (json.dumps([text(p) for p in party.private], ensure_ascii=False), read.key, n)
            for n, party in enumerate(read.reading.parties, start=1)
            if party.private
        ],
    )


def forget_private(db: sqlite3.Connection) -> None:
    """Drop what is personal, of all parties."""
    db.execute("UPDATE party SET private = '[]' WHERE private != '[]'")


def save_pages(db: sqlite3.Connection, observation: int, read: Read) -> None:
    """Store where the relative pages of a reading lead from one observation."""
    relative = [
        (n, party)
        for n, party in enumerate(read.reading.parties, start=1)
        if party.licence_page.startswith(("/", ".")) or party.contact_page.startswith(("/", "."))
    ]
    if not relative:
        return
    (base,) = db.execute("SELECT url FROM observation WHERE id = ?", (observation,)).fetchone()
    db.executemany(
        "INSERT INTO party_page VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (
                observation,
                read.key,
                n,
                absolute(base, p.licence_page),
                absolute(base, p.contact_page),
            )
            for n, p in relative
        ],
    )
