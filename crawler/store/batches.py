"""Batches: the origins that a run still has to ask, cut so that a site is in one of them only."""

import sqlite3

from crawler.store.runs import DUE, Due, parameters

# Sites by their heaviest origin; an origin's place is where the first of its site stands.
_PLACED = (
    "DROP TABLE IF EXISTS temp.placed",
    f"CREATE TEMP TABLE asked AS SELECT o.id AS origin, o.site AS site, d.size AS size {DUE}",
    "CREATE TEMP TABLE place (site TEXT PRIMARY KEY, place INTEGER) WITHOUT ROWID",
    """
    INSERT INTO place
    SELECT site, sum(origins) OVER (ORDER BY heaviest DESC, site) - origins FROM (
        SELECT site, max(size) AS heaviest, count(*) AS origins FROM asked GROUP BY site
    )
    """,
    "CREATE TEMP TABLE placed AS SELECT place, origin FROM asked JOIN place USING (site)",
    "CREATE INDEX temp.placed_by_place ON placed (place, origin)",
    "DROP TABLE asked",
    "DROP TABLE place",
)


class Batches:
    """What is due when this is made, taken portion by portion, the heaviest sites first.

    A site is never cut in two, so whoever asks a batch is alone with its hosts. It lies in a
    temporary table: a million origins take no memory to speak of.
    """

    def __init__(self, db: sqlite3.Connection, due: Due) -> None:
        self._db, self._next = db, 0
        for statement in _PLACED:
            db.execute(statement, parameters(due) if DUE in statement else {})
        self._size = int(db.execute("SELECT count(*) FROM placed").fetchone()[0])

    @property
    def left(self) -> int:
        """About how many origins were not taken yet."""
        return max(0, self._size - self._next)

    def take(self, size: int) -> list[int]:
        """The next origins, about so many: more where a site has more; none at the end."""
        query = "SELECT min(place) FROM placed WHERE place >= ?"
        first = self._db.execute(query, (self._next,)).fetchone()[0]
        if first is None:
            return []
        self._next = first + size
        query = "SELECT origin FROM placed WHERE place >= ? AND place < ? ORDER BY place, origin"
        return [origin for (origin,) in self._db.execute(query, (first, self._next))]
