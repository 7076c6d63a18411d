"""Batches of the origins that a run still has to visit; a site is never in two of them."""

import sqlite3

from crawler.store.runs import Due, due_sql, parameters

# Sites are ordered by their heaviest origin. The position of a site is the number of origins before
# it, and all its origins have that position.
_STATEMENTS = (
    "CREATE TEMP TABLE site_position (site TEXT PRIMARY KEY, position INTEGER) WITHOUT ROWID",
    """
    INSERT INTO site_position
    SELECT site, sum(origins) OVER (ORDER BY heaviest DESC, site) - origins FROM (
        SELECT site, max(size) AS heaviest, count(*) AS origins FROM due_origin GROUP BY site
    )
    """,
    "CREATE TEMP TABLE due_position AS "
    "SELECT position, origin FROM due_origin JOIN site_position USING (site)",
    "CREATE INDEX temp.due_position_by_position ON due_position (position, origin)",
    "DROP TABLE due_origin",
    "DROP TABLE site_position",
)


class Batches:
    """The origins that are due at the time of creation, taken batch by batch, heaviest sites first.

    A site is never split, so that one worker alone sends requests to its hosts.
    """

    # Stored in a temporary table, which SQLite can spill to disk.

    def __init__(self, db: sqlite3.Connection, due: Due) -> None:
        self._db, self._next = db, 0
        db.execute("DROP TABLE IF EXISTS temp.due_position")
        db.execute(
            "CREATE TEMP TABLE due_origin AS SELECT o.id AS origin, o.site AS site, "
            f"d.size AS size {due_sql(due)}",
            parameters(due),
        )
        for statement in _STATEMENTS:
            db.execute(statement)
        self._size = int(db.execute("SELECT count(*) FROM due_position").fetchone()[0])

    @property
    def left(self) -> int:
        """Return about how many origins were not taken yet."""
        return max(0, self._size - self._next)

    def take(self, size: int) -> list[int]:
        """Return the next origins, about `size` (more if a site has more); none at the end."""
        query = "SELECT min(position) FROM due_position WHERE position >= ?"
        first = self._db.execute(query, (self._next,)).fetchone()[0]
        if first is None:
            return []
        self._next = first + size
        query = (
            "SELECT origin FROM due_position WHERE position >= ? AND position < ? "
            "ORDER BY position, origin"
        )
        return [origin for (origin,) in self._db.execute(query, (first, self._next))]
