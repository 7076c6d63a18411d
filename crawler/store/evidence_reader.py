"""Read evidence: which origins to judge, and what was observed of one."""

import sqlite3
from collections.abc import Iterator
from functools import partial
from operator import itemgetter

from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.snapshot import SnapshotReader
from crawler.store.bodies import load_body

_IN_ORDER = itemgetter(1, 0)


def origins_to_judge(db: sqlite3.Connection, run: int | None) -> Iterator[int]:
    """Origins with evidence, all of them or those visited in one run, in order."""
    if run is None:
        query = "SELECT DISTINCT origin FROM visit WHERE origin > ? ORDER BY origin LIMIT 1000"
    else:
        query = "SELECT origin FROM visit WHERE origin > ? AND run = ? ORDER BY origin LIMIT 1000"
    last = 0
    while True:
        found = db.execute(query, (last,) if run is None else (last, run)).fetchall()
        if not found:
            return
        for (origin,) in found:
            yield origin
        last = found[-1][0]


def origins_waiting(db: sqlite3.Connection) -> Iterator[int]:
    """Origins that were visited since they were judged, or never were, in order."""
    query = (
        "SELECT v.origin FROM visit AS v LEFT JOIN judged AS j ON j.origin = v.origin "
        "WHERE v.origin > ? AND v.run > coalesce(j.run, 0) "
        "GROUP BY v.origin ORDER BY v.origin LIMIT 1000"
    )
    last = 0
    while found := db.execute(query, (last,)).fetchall():
        for (origin,) in found:
            yield origin
        last = found[-1][0]


def rows_of(db: sqlite3.Connection, origin: int) -> list[ObservationRow]:
    """Everything observed of an origin, oldest first; bodies are not loaded."""
    found = db.execute(
        "SELECT id, run, stored, resource, asked, hop, url, outcome, status, headers, truncated, "
        "observed_at, confirms FROM observation WHERE origin = ?",
        (origin,),
    ).fetchall()
    found.sort(key=_IN_ORDER)  # sorted by SQLite, every column would be written once more
    rows: dict[int, ObservationRow] = {}
    for facts in found:
        confirmed = facts[-1] and (*facts[:-1], rows.get(facts[-1]))
        rows[facts[0]] = ObservationRow._make(confirmed or facts)
    return list(rows.values())


def snapshot_reader(db: sqlite3.Connection) -> SnapshotReader:
    """Return a reader of snapshots whose evidence comes from this database."""
    return SnapshotReader(partial(rows_of, db), partial(load_body, db))
