"""Reader of evidence: the origins to evaluate, and the observations of one.

Rules for editors: evidence is in the order of its time, whenever and in whichever run it was
stored. Nothing here or above may depend on the order of runs or of row numbers.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any

from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.snapshot import SnapshotReader
from crawler.store import repeats
from crawler.store.bodies import is_withheld, load_body
from crawler.vocab import Outcome, Reject, Resource

# Columns by their position in the query of `rows_of`: number; time, run and number.
_BY_NUMBER = itemgetter(0)
_BY_TIME = itemgetter(11, 1, 0)
_STORED, _URL, _HEADERS, _NOTE, _CERTIFICATE, _VERIFIED = 2, 6, 9, 12, 14, 15
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
    query = "SELECT example FROM version_reject WHERE dataset = ? AND reason = ?"
    row = db.execute(query, (dataset, Reject.CUT_OFF)).fetchone()
    return str(row[0]) if row else ""


def origins_waiting(db: sqlite3.Connection) -> Iterator[int]:
    """Yield the origins visited since they were evaluated, or never evaluated, by number."""
    query = (
        "SELECT v.origin FROM visit AS v LEFT JOIN evaluated_visit AS j ON j.origin = v.origin "
        "WHERE v.origin > ? GROUP BY v.origin HAVING count(*) > coalesce(j.visits, 0) "
        "ORDER BY v.origin LIMIT 1000"
    )
    last = 0
    while found := db.execute(query, (last,)).fetchall():
        for (origin,) in found:
            yield origin
        last = found[-1][0]


def clock_bounds(db: sqlite3.Connection) -> dict[int, str]:
    """Return the runs whose clock was ahead, each with the time that its evidence is older than.

    A crawl sees later what is there than the crawls before it. One that was due at an earlier
    time than a crawl before it shows that the clock was ahead then.
    """
    # Only crawls go by the clock of this machine: runs of other evidence have no such time.
    query = (
        "SELECT id, settings ->> 'due_at' AS due_at FROM run WHERE due_at IS NOT NULL "
        "ORDER BY id DESC"
    )
    bounds: dict[int, str] = {}
    earliest = ""
    for run, due_at in db.execute(query):
        if earliest and due_at > earliest:
            bounds[run] = earliest
        else:
            earliest = due_at
    return bounds


def rows_of(
    db: sqlite3.Connection, origin: int, bounds: Mapping[int, str] | None = None
) -> list[ObservationRow]:
    """Return the observations of an origin in the order of their time; bodies are not loaded.

    `bounds` are `clock_bounds`, for who reads many origins.
    """
    found = db.execute(
        "SELECT id, run, stored, resource, asked, hop, url, outcome, status, headers, truncated, "
        "observed_at, note, confirms, tls_certificate, tls_verified, base FROM observation_row "
        "WHERE origin = ?",
        (origin,),
    ).fetchall()
    # Sorted here: SQLite would write every column once more to sort them.
    found.sort(key=_BY_NUMBER)
    rows: dict[int, ObservationRow] = {}
    stored = {columns[0]: columns for columns in found}
    for *own, base in found:
        columns = tuple(own) if base is None else _whole(own, stored.get(base))
        _refuse_damaged(columns)
        # What a 304 confirms was stored before it, so it is in `rows` already.
        rows[columns[0]] = _row(columns, rows)
    bounds = clock_bounds(db) if bounds is None else bounds
    if bounds:
        return sorted(rows.values(), key=lambda row: _bounded_time(row, bounds))
    return sorted(rows.values(), key=_BY_TIME)


def rows_of_runs(
    db: sqlite3.Connection, origin: int, first: int, second: int
) -> list[ObservationRow]:
    """Return the observations of an origin in two runs, by resource, URL and hop in each.

    Of what a 304 confirms only observations in the same two runs are there.
    """
    found = db.execute(_OF_RUNS, (origin, first, second)).fetchall()
    rows: dict[int, ObservationRow] = {}
    for columns in found:
        _refuse_damaged(columns)
        rows[columns[0]] = _row(columns, rows)
    return sorted(rows.values(), key=lambda row: (row.run, row.resource, row.asked, row.hop))


_OF_RUNS = """
    SELECT id, run, stored, resource, asked, hop, url, outcome, status, headers, truncated,
        observed_at, note, confirms, tls_certificate, tls_verified
    FROM observation WHERE origin = ? AND run IN (?, ?) ORDER BY id
"""


def _row(columns: tuple[Any, ...], rows: Mapping[int, ObservationRow]) -> ObservationRow:
    """Return a row of its columns; what a 304 confirms is in `rows`, if it was read."""
    *facts, confirms, certificate, verified = columns
    confirmed = rows.get(confirms) if confirms else None
    known = certificate if verified == "ok" else ""
    return ObservationRow._make((*facts, confirmed, known))


def _whole(own: list[Any], base: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """Return the columns of an observation that has from its base what it does not say.

    Raise `sqlite3.DatabaseError` if the origin has no such base.
    """
    if base is None:
        raise sqlite3.DatabaseError(f"malformed row: observation {own[0]} has no base")
    own[_STORED] = own[_STORED] or base[_STORED]
    own[_URL] = own[_URL] or base[_URL]
    own[_HEADERS] = repeats.whole(own[_HEADERS], base[_HEADERS])
    for shared in (_NOTE, _CERTIFICATE, _VERIFIED):
        own[shared] = own[shared] or base[shared]
    return tuple(own)


def _bounded_time(row: ObservationRow, bounds: Mapping[int, str]) -> tuple[str, int, str, int]:
    # Evidence at the bound keeps its own order, before everything else of that time.
    bound = bounds.get(row.run, "~")
    return (min(row.observed_at, bound), row.run, row.observed_at, row.key)


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
    rows = partial(rows_of, db, bounds=clock_bounds(db))
    return SnapshotReader(rows, partial(load_body, db), partial(is_withheld, db))
