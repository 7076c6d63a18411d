"""Rows of the parties that documents name, and of their pages as absolute URLs."""

import json
import sqlite3

from crawler.evaluate.snapshot import StoredReading
from crawler.model import Party, Reading
from crawler.organisations import comparable
from crawler.protocols.parsing.parties import absolute_url
from crawler.store.evidence_writer import text


def rows(reading: Reading) -> list[tuple[object, ...]]:
    """Return the parties of a reading as rows of `party`, without its key and personal data."""
    return [_row(n, party) for n, party in enumerate(reading.parties, start=1)]


def _row(n: int, party: Party) -> tuple[object, ...]:
    name = text(party.name)
    identifiers = text(json.dumps(party.identifiers, ensure_ascii=False))
    contact = (party.licence_page, party.contact_page, party.mailbox, party.duties, party.place)
    named = (name, comparable(name), text(party.uid), identifiers)
    offered = (json.dumps(party.offers), json.dumps(party.uses))
    return (n, party.source, party.role, party.confidence, *named, *map(text, contact), *offered)


def page_rows(
    db: sqlite3.Connection, observation: int, read: StoredReading
) -> list[tuple[object, ...]]:
    """Return the pages that a reading gives as relative URLs, resolved against an observation."""
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
            absolute_url(base, party.licence_page),
            absolute_url(base, party.contact_page),
        )
        for n, party in relative
    ]
