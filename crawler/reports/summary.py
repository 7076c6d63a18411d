"""Summary of a dataset: origins and rows by state and purpose, bounds, attempts by outcome."""

import sqlite3
from dataclasses import dataclass

from crawler.store import queries
from crawler.vocab import Outcome, Purpose, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Numbers of one dataset under a rule set, for all agents or for one `agent`.

    `origins` and `rows` map (purpose, state) to counts; `bounds` maps a purpose to the least and
    the most rows that are reserved. `outcomes` counts the attempts of one run and is empty without
    a run. `crashes` counts documents that crashed their parser. `stale` counts origins that are
    judged on evidence which the last attempt could not renew, `malformed` those where a
    reservation was attempted that does not count.
    """

    path: str
    rules: str
    total_rows: int
    total_origins: int
    unattributable: int
    origins: dict[tuple[str, str], int]
    rows: dict[tuple[str, str], int]
    bounds: dict[str, tuple[int, int]]
    outcomes: dict[str, int]
    crashes: int
    stale: int = 0
    malformed: int = 0
    agent: str | None = None


def summary(db: sqlite3.Connection, dataset: int, run: int | None) -> Summary:
    """Return the numbers of a dataset, with the outcomes of a run if one is given."""
    totals = queries.dataset_totals(db, dataset)
    counts = queries.state_counts(db, dataset)
    stale, malformed = queries.claim_counts(db, dataset)
    return Summary(
        path=totals.path,
        rules=counts[0].rules if counts else "",
        total_rows=totals.rows,
        total_origins=totals.origins,
        unattributable=totals.unattributable,
        origins={(c.purpose, c.state): c.origins for c in counts},
        rows={(c.purpose, c.state): c.rows for c in counts},
        bounds={c.purpose: (c.reserved_min, c.reserved_max) for c in counts},
        outcomes=queries.outcome_counts(db, run),
        crashes=queries.crash_count(db),
        stale=stale,
        malformed=malformed,
    )


def as_json(numbers: Summary) -> dict[str, object]:
    """Return the numbers as data for JSON, with every state of every purpose."""
    return {
        "dataset": numbers.path,
        "rules": numbers.rules,
        "agent": numbers.agent,
        "rows": numbers.total_rows,
        "origins": numbers.total_origins,
        "unattributable_rows": numbers.unattributable,
        "purposes": {
            purpose: {
                "origins": {s: numbers.origins.get((purpose, s), 0) for s in State},
                "rows": {s: numbers.rows.get((purpose, s), 0) for s in State},
                "reserved_min_rows": numbers.bounds.get(purpose, (0, 0))[0],
                "reserved_max_rows": numbers.bounds.get(purpose, (0, 0))[1],
            }
            for purpose in Purpose
        },
        "outcomes": {o: numbers.outcomes[o] for o in Outcome if o in numbers.outcomes},
        "stale_origins": numbers.stale,
        "malformed_origins": numbers.malformed,
        "internal_crashes": numbers.crashes,
    }
