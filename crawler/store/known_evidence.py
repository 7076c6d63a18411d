"""Evidence of origins as it was judged: its key, and the times that verdicts take from it."""

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from crawler.store import derived
from crawler.store.evidence_reader import clock_bounds
from crawler.vocab import CONTENT

# An origin that waits to be judged has other evidence than its key says.
_KEYS = """
    SELECT e.origin, e.evidence_key, e.looked_at FROM evaluated_visit AS e
    WHERE e.origin IN (SELECT value FROM json_each(?)) AND e.evidence_key IS NOT NULL
    AND e.visits = (SELECT count(*) FROM visit AS v WHERE v.origin = e.origin)
"""
_TIMES = """
    SELECT r.origin, r.resource, r.path, o.observed_at FROM resource_evidence AS r
    JOIN observation_row AS o ON o.id = r.observation
    WHERE r.origin IN (SELECT value FROM json_each(?))
"""
_PAGES = frozenset(resource.value for resource in CONTENT)


class KnownEvidence(NamedTuple):
    """The key of an origin's evidence (`evaluate.evidence_key`), and its UTC times.

    `times` are those of the current answers, by resource and path, `looked_at` is that of the last
    attempt at the origin.
    """

    key: bytes
    looked_at: str
    times: dict[tuple[str, str], str]

    @property
    def newest_observed_at(self) -> str:
        """The time of the newest current answer."""
        return max(self.times.values())

    def has_page(self, path: str) -> bool:
        """Return whether a page was requested."""
        return any((resource, path) in self.times for resource in _PAGES)


def has_keys(db: sqlite3.Connection) -> bool:
    """Return whether the keys of the database can be relied on.

    They are of the protocols of this version, and the order of the evidence has not changed.
    """
    return derived.is_of_these_protocols(db) and not clock_bounds(db)


def known_evidence(db: sqlite3.Connection, origins: Collection[int]) -> dict[int, KnownEvidence]:
    """Return what is known of the evidence of some origins, by number.

    Those whose verdicts are their own, and those that wait to be judged, are left out.
    """
    keys = db.execute(_KEYS, (json.dumps(list(origins)),))
    known = {origin: KnownEvidence(key, looked_at, {}) for origin, key, looked_at in keys}
    # Most origins are asked for the same places: one tuple for each of these saves memory.
    places: dict[tuple[str, str], tuple[str, str]] = {}
    for origin, resource, path, time in db.execute(_TIMES, (json.dumps(list(known)),)):
        place = (resource, path)
        known[origin].times[places.setdefault(place, place)] = time
    return {origin: evidence for origin, evidence in known.items() if evidence.times}
