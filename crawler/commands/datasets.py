"""`datasets`: list the datasets of a database and their versions, and request lists."""

import json
import sqlite3

from crawler.store import forgetting, stored_lists
from crawler.store.forgetting import Version
from crawler.store.stored_lists import StoredList


def list_versions(db: sqlite3.Connection) -> list[Version]:
    """Return all versions of all datasets, by name and version."""
    return forgetting.versions(db)


def lists(db: sqlite3.Connection) -> list[StoredList]:
    """Return all request lists, in the order in which they were read."""
    return stored_lists.stored_lists(db)


def as_json(version: Version) -> dict[str, object]:
    """Return a version as data for JSON."""
    facts: dict[str, object] = version._asdict()
    facts["counts"] = bool(version.counts)
    facts["facets"] = json.loads(version.facets)
    return facts
