"""Origins whose last visit found what the one before it found: derived rows move on in time.

A rebuild gives the same rows, which a test asserts. Whatever is not plain here (a failure, a
resource that was not asked for again, a clock that was ahead) is left to a whole evaluation.

Rules for editors: a column of a derived table that holds a time, or the number of an observation,
must be moved here.
"""

import json
import sqlite3

from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.looks import is_as_before
from crawler.store.evidence_reader import rows_of_runs
from crawler.store.summaries import SET_TIMES

_VISITS = """
    SELECT e.run, e.visits, count(*), max(v.run) FROM evaluated_visit AS e
    JOIN visit AS v ON v.origin = e.origin WHERE e.origin = ? GROUP BY e.origin
"""
# Numbers of observations that the derived rows of an origin rest on, so far as they are of now.
_RESTS_ON = """
    SELECT observation FROM resource_evidence WHERE origin = ?1
    UNION SELECT last FROM resource_evidence WHERE origin = ?1
    UNION SELECT observation FROM finding WHERE origin = ?1 AND observation IS NOT NULL
    UNION SELECT last FROM steady WHERE origin = ?1
    UNION SELECT p.last FROM phase AS p WHERE p.origin = ?1 AND p.n = (
        SELECT max(q.n) FROM phase AS q
        WHERE q.origin = p.origin AND q.rules = p.rules AND q.purpose = p.purpose
    )
"""
_MOVED = "(SELECT value FROM json_each(:keys) WHERE key = CAST({} AS TEXT))"
_TIME_OF_LAST = "(SELECT value FROM json_each(:times) WHERE key = CAST(last AS TEXT))"
_MOVES = (
    f"UPDATE resource_evidence SET observation = {_MOVED.format('observation')}, "  # noqa: S608 - our own SQL
    f"last = {_MOVED.format('last')} WHERE origin = :origin",
    SET_TIMES.format("origin = :origin"),
    f"UPDATE finding SET observation = {_MOVED.format('observation')}, observed_at = coalesce("  # noqa: S608 - our own SQL
    "(SELECT value FROM json_each(:times) WHERE key = CAST(observation AS TEXT)), :newest) "
    "WHERE origin = :origin",
    f"UPDATE steady SET last = {_MOVED.format('last')}, valid_to = {_TIME_OF_LAST}, "  # noqa: S608 - our own SQL
    "looks = looks + 1 WHERE origin = :origin",
    f"UPDATE phase SET last = {_MOVED.format('last')}, valid_to = {_TIME_OF_LAST}, "  # noqa: S608 - our own SQL
    "looks = looks + 1 "
    "WHERE origin = :origin AND after IS NULL AND last IN "
    "(SELECT CAST(key AS INTEGER) FROM json_each(:keys))",
    "UPDATE verdict SET observed_at = "
    "(SELECT value FROM json_each(:dates) WHERE key = verdict.observed_at) "
    "WHERE origin = :origin AND observed_at IS NOT NULL",
    "UPDATE agent_answer SET observed_at = :newest WHERE origin = :origin",
    "UPDATE evaluated_visit SET run = :run, visits = visits + 1, looked_at = :looked_at "
    "WHERE origin = :origin",
)
_BY_OBSERVATION = ("observation_reading", "party_page")


def move_on(db: sqlite3.Connection, origin: int) -> bool:
    """Move what is derived of an origin to its last visit, where that found nothing else.

    It is done in the caller's transaction. Return False, with nothing changed, where the origin
    must be evaluated. `evidence_reader.clock_bounds` must be empty.
    """
    row = db.execute(_VISITS, (origin,)).fetchone()
    if row is None or row[2] != row[1] + 1 or row[3] <= row[0]:
        return False
    before, _, _, run = row
    rows = rows_of_runs(db, origin, before, run)
    old, new = ([one for one in rows if one.run == n] for n in (before, run))
    if not is_as_before(old, new):
        return False
    keys = {one.key: other.key for one, other in zip(old, new, strict=True)}
    rests_on = {key for (key,) in db.execute(_RESTS_ON, (origin,))}
    if not rests_on <= keys.keys():
        return False
    dates = _dates(db, origin, old, new)
    if dates is None:
        return False
    newest = _newest(db, origin, old, new)[1]
    _update(db, origin, run, keys, dates, new, newest)
    return True


def _newest(
    db: sqlite3.Connection, origin: int, old: list[ObservationRow], new: list[ObservationRow]
) -> tuple[str, str]:
    """Return the times of the newest current answer before and since."""
    query = "SELECT observation FROM resource_evidence WHERE origin = ?"
    answers = {key for (key,) in db.execute(query, (origin,))}
    current = [pair for pair in zip(old, new, strict=True) if pair[0].key in answers]
    return (
        max(one.observed_at for one, _ in current),
        max(other.observed_at for _, other in current),
    )


def _dates(
    db: sqlite3.Connection, origin: int, old: list[ObservationRow], new: list[ObservationRow]
) -> dict[str, str] | None:
    """Return the new time for each old one; None where one of them could be either of two."""
    dates: dict[str, str] = {}
    pairs = [(one.observed_at, other.observed_at) for one, other in zip(old, new, strict=True)]
    # A verdict that nothing decided has the time of the newest answer.
    pairs.append(_newest(db, origin, old, new))
    for was, becomes in pairs:
        if dates.setdefault(was, becomes) != becomes:
            return None
    return dates


def _update(
    db: sqlite3.Connection,
    origin: int,
    run: int,
    keys: dict[int, int],
    dates: dict[str, str],
    new: list[ObservationRow],
    newest: str,
) -> None:
    values = {
        "origin": origin,
        "run": run,
        "keys": json.dumps(keys),
        "times": json.dumps({was: row.observed_at for was, row in zip(keys, new, strict=True)}),
        "dates": json.dumps(dates),
        "newest": newest,
        "looked_at": max(row.observed_at for row in new),
    }
    for table in _BY_OBSERVATION:
        db.executemany(
            f"UPDATE {table} SET observation = ? WHERE observation = ?",  # noqa: S608 - our own names
            [(becomes, was) for was, becomes in keys.items()],
        )
    for statement in _MOVES:
        db.execute(statement, values)
