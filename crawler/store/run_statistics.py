"""Statistics of one run: requests, coverage of the planned resources, and the slowest origins."""

import sqlite3
from typing import NamedTuple

from crawler.plan.budget import BUDGETS, USED_UP
from crawler.vocab import CONTEXT, Outcome, Resource

# An answer that says what is there, or that nothing is, was seen (RFC 9110, 15.5.5 and 15.5.11).
# Whether a page can be parsed does not matter here.
_ANSWERS = "outcome IN ('responded', 'too_large') AND status IN (200, 203, 204, 304, 404, 410)"
#: Resources that no plan is judged by: files for context, and robots.txt of other hosts.
NOT_PLANNED = tuple(sorted({*CONTEXT, Resource.OTHER_ROBOTS_TXT}))

_TOTALS = """
    SELECT
        count(*),
        coalesce(sum(
            outcome NOT IN ('withheld', 'redirect_limit', 'blocked_address', 'not_found_host')
            AND coalesce(note, '') NOT LIKE 'asked once, for %'
        ), 0),
        coalesce(sum(size), 0),
        coalesce(sum(status = 304), 0),
        coalesce(sum(note LIKE 'internal: %'), 0),
        coalesce(24 * 3600 * (julianday(max(observed_at)) - julianday(min(observed_at))), 0.0)
    FROM observations WHERE run = ?
"""
# SQLite takes bare columns from the row with the max() (sqlite.org/lang_select.html, 2.5): the row
# of the last hop, where a chain of redirects ended. A bare host that does not answer by https is
# asked by http: that is one place.
_COVERAGE = f"""
    SELECT count(*), coalesce(sum({_ANSWERS}), 0) FROM (
        SELECT outcome, status, max(observation) FROM observations
        WHERE run = ? AND resource NOT IN ({", ".join("?" * len(NOT_PLANNED))})
        GROUP BY origin, resource, replace(asked, 'https://', 'http://')
    )
"""  # noqa: S608 - our own words
_SLOWEST = """
    SELECT origin, count(*), sum(elapsed_ms) AS ms, max(elapsed_ms) FROM observations
    WHERE run = ? GROUP BY origin ORDER BY ms DESC, origin LIMIT ?
"""
_USED_UP = """
    SELECT count(DISTINCT origin) FROM observations
    WHERE run = ? AND outcome = ? AND note LIKE ?
"""


# As the fallback of view `runs` counts them. Nothing is added to a run that ended.
_SAVE_COUNTS = """
    INSERT INTO run_counts
    SELECT
        run.id, (SELECT count(*) FROM visit WHERE visit.run = run.id),
        (SELECT count(*) FROM observation_row AS o WHERE o.run = run.id),
        (
            SELECT json_group_object(outcome, n) FROM (
                SELECT o.outcome, count(*) AS n FROM observation_row AS o
                WHERE o.run = run.id GROUP BY o.outcome ORDER BY o.outcome
            )
        )
    FROM run
    WHERE run.ended IS NOT NULL AND run.id NOT IN (SELECT run FROM run_counts)
"""


class RunTotals(NamedTuple):
    """Sums over the observations of a run.

    `attempts` are all observations, `requests` those that were sent. `size` is in octets of bodies
    after decompression. `faults` are attempts that failed by an error of this program. `seconds`
    pass from the first observation to the last.
    """

    attempts: int
    requests: int
    size: int
    not_modified: int
    faults: int
    seconds: float


class SlowOrigin(NamedTuple):
    """An origin with the milliseconds of all its requests, and of the slowest one."""

    origin: str
    attempts: int
    elapsed_ms: int
    slowest_ms: int


def save_counts(db: sqlite3.Connection) -> None:
    """Store what the runs that ended have, where it is not, in the caller's transaction."""
    db.execute(_SAVE_COUNTS)


def run_totals(db: sqlite3.Connection, run: int) -> RunTotals:
    """Return the sums over the observations of a run."""
    return RunTotals(*db.execute(_TOTALS, (run,)).fetchone())


def resource_coverage(db: sqlite3.Connection, run: int) -> tuple[int, int]:
    """Return how many planned resources a run asked for, and how many answered."""
    planned, seen = db.execute(_COVERAGE, (run, *NOT_PLANNED)).fetchone()
    return planned, seen


def slowest_origins(db: sqlite3.Connection, run: int, count: int) -> list[SlowOrigin]:
    """Return the origins whose requests took longest in a run, the slowest first."""
    return [SlowOrigin(*row) for row in db.execute(_SLOWEST, (run, count))]


def budgets_used_up(db: sqlite3.Connection, run: int) -> dict[str, int]:
    """Return how many origins used up which budget in a run, without zeros."""
    counts = {
        name: db.execute(_USED_UP, (run, Outcome.WITHHELD, f"{USED_UP}{name},%")).fetchone()[0]
        for name in BUDGETS
    }
    return {name: count for name, count in counts.items() if count}
