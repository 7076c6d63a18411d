"""The closing table: origins by state and purpose, attempts by outcome, and the bounds."""

import json
import sqlite3
from dataclasses import dataclass

from crawler.vocab import Outcome, Purpose, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Numbers of one dataset under a rule set, for everybody or as one `agent` is told.

    `origins` and `rows` map purpose and state to counts; `bounds` maps a purpose to the least
    and the most rows that are reserved. `outcomes` counts the attempts of one run, empty
    without a run. `crashes` counts faults of this program.
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
    agent: str | None = None


def summary(db: sqlite3.Connection, dataset: int, run: int | None) -> Summary:
    """Read the numbers of a dataset off the public views."""
    path, total, origins, unattributable = db.execute(
        "SELECT path, rows, origins, unattributable FROM datasets WHERE dataset = ?", (dataset,)
    ).fetchone()
    cells = db.execute(
        "SELECT purpose, state, origins, rows, reserved_min, reserved_max, rules "
        "FROM dataset_summary WHERE dataset = ?",
        (dataset,),
    ).fetchall()
    found = db.execute("SELECT outcomes FROM runs WHERE run = ?", (run,)).fetchone()
    crashes = db.execute("SELECT count(*) FROM issues WHERE code = 'internal.crash'").fetchone()[0]
    return Summary(
        path=path,
        rules=cells[0][6] if cells else "",
        total_rows=total,
        total_origins=origins,
        unattributable=unattributable,
        origins={(c[0], c[1]): c[2] for c in cells},
        rows={(c[0], c[1]): c[3] for c in cells},
        bounds={c[0]: (c[4], c[5]) for c in cells},
        outcomes=json.loads(found[0]) if found else {},
        crashes=crashes,
    )


def as_json(numbers: Summary) -> dict[str, object]:
    """The numbers as data, every state of every purpose named."""
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
        "internal_crashes": numbers.crashes,
    }
