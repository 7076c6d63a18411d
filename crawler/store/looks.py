"""When the origins were looked at, without reading what was seen."""

import sqlite3
from collections.abc import Iterator


def times_of_runs(db: sqlite3.Connection) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield key and number of each origin, with a run and the times of its observations there.

    The times are those of the first and the last one. They are ordered by origin.
    """
    yield from db.execute(
        "SELECT origin.key, origin.id, found.run, found.begun, found.ended FROM ("
        "SELECT origin, run, min(observed_at) AS begun, max(observed_at) AS ended "
        "FROM observation GROUP BY origin, run"
        ") AS found JOIN origin ON origin.id = found.origin ORDER BY origin.id, found.run"
    )


def captured_repeatedly(db: sqlite3.Connection) -> frozenset[int]:
    """Return the origins of which a run has several captures of a URL, as archives do."""
    found = db.execute(
        "SELECT DISTINCT origin FROM observation "
        "GROUP BY origin, run, resource, asked, hop HAVING count(*) > 1"
    )
    return frozenset(origin for (origin,) in found)
