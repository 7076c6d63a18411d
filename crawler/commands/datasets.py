"""`datasets`: list the datasets of a database and their versions."""

import json
import sqlite3

from crawler.store import forgetting
from crawler.store.forgetting import Version


def list_versions(db: sqlite3.Connection) -> list[Version]:
    """Return all versions of all datasets, by name and version."""
    return forgetting.versions(db)


def as_json(version: Version) -> dict[str, object]:
    """Return a version as data for JSON."""
    facts: dict[str, object] = version._asdict()
    facts["counts"] = bool(version.counts)
    facts["facets"] = json.loads(version.facets)
    return facts
