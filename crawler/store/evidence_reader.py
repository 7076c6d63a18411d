"""Reader of evidence: the origins to evaluate, and the observations of one."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any

from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.snapshot import SnapshotReader
from crawler.store.bodies import load_body
from crawler.vocab import Outcome, Reject, Resource

# Run and number, by position in the query of `rows_of`.
_BY_RUN = itemgetter(1, 0)
_RESOURCES, _OUTCOMES = frozenset(map(str, Resource)), frozenset(map(str, Outcome))
_TIME_LENGTH = len("2026-11-22T02:20:00.123Z")


def origins_to_judge(db: sqlite3.Connection, run: int | None) -> Iterator[int]:
    """Yield the origins with evidence, all of them or those visited in one run, by number."""
    # In portions, so that no cursor is open while the caller writes.
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


def cut_off(db: sqlite3.Connection, dataset: int) -> str:
    """Return which file of a dataset is cut off, and where; an empty text if none is."""
    query = "SELECT example FROM dataset_reject WHERE dataset = ? AND reason = ?"
    row = db.execute(query, (dataset, Reject.CUT_OFF)).fetchone()
    return str(row[0]) if row else ""


def origins_waiting(db: sqlite3.Connection) -> Iterator[int]:
    """Yield the origins visited since they were evaluated, or never evaluated, by number."""
    query = (
        "SELECT v.origin FROM visit AS v LEFT JOIN evaluated_visit AS j ON j.origin = v.origin "
        "WHERE v.origin > ? AND v.run > coalesce(j.run, 0) "
        "GROUP BY v.origin ORDER BY v.origin LIMIT 1000"
    )
    last = 0
    while found := db.execute(query, (last,)).fetchall():
        for (origin,) in found:
            yield origin
        last = found[-1][0]


def rows_of(db: sqlite3.Connection, origin: int) -> list[ObservationRow]:
    """Return the observations of an origin, oldest first; bodies are not loaded."""
    found = db.execute(
        "SELECT id, run, stored, resource, asked, hop, url, outcome, status, headers, truncated, "
        "observed_at, note, confirms FROM observation WHERE origin = ?",
        (origin,),
    ).fetchall()
    # Sorted here: SQLite would write every column once more to sort them.
    found.sort(key=_BY_RUN)
    rows: dict[int, ObservationRow] = {}
    for columns in found:
        _refuse_damaged(columns)
        # What a 304 confirms is older than it, so it is in `rows` already.
        confirmed = columns[-1] and (*columns[:-1], rows.get(columns[-1]))
        rows[columns[0]] = ObservationRow._make(confirmed or columns)
    return list(rows.values())


def _refuse_damaged(columns: tuple[Any, ...]) -> None:
    """Raise `sqlite3.DatabaseError` for an observation that this program cannot have stored."""
    number, resource, outcome, observed_at = columns[0], columns[3], columns[7], columns[11]
    if resource in _RESOURCES and outcome in _OUTCOMES and _is_time(observed_at):
        return
    raise sqlite3.DatabaseError(
        f"malformed row: observation {number} has resource {resource!r}, outcome {outcome!r} and "
        f"time {observed_at!r}"
    )


def _is_time(text: str) -> bool:
    """Return whether a text is a time as `clock.stamp` writes it."""
    try:
        return len(text) == _TIME_LENGTH and datetime.fromisoformat(text).tzinfo is UTC
    except ValueError:
        return False


def snapshot_reader(db: sqlite3.Connection) -> SnapshotReader:
    """Return a reader of snapshots whose evidence comes from this database."""
    return SnapshotReader(partial(rows_of, db), partial(load_body, db))
