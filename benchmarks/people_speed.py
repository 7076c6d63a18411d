"""Speed of what people open: the report, the first page of `serve`, and each of its questions.

`python -m benchmarks.people_speed [--origins 200000] [--judged 20000] [--db FILE] [--rounds 3]
[--quick] [--json FILE]` makes the evidence of `benchmarks.people`, of which a part is judged and
the rest are copies of it, and measures CPU time. Times are given in seconds and in counts: the
time in which SQLite counts a million integers, measured in the same round, since machines differ.
Status 1 if for 200,000 origins, and for fewer in proportion, the report takes more than 5 s where
a count takes 0.3 s, a question or the first page more than 2 s there; or if the report is larger
than 300 KB, or `runs` reads the observations of runs that ended.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks import measure, people
from benchmarks.measure import MB, Goal
from crawler.commands.report import ReportRequest, report_text
from crawler.serve.home import read_home
from crawler.serve.questions import questions
from crawler.store.database import connect_read_only

GOAL_ORIGINS = 200_000
#: Seconds of a count on the machine of the goals, and the goals there.
COUNT, REPORT, QUESTION = 0.3, 5.0, 2.0
REPORT_KB = 300.0
#: CPU seconds after which a query is given up.
_TIMEOUT = 60.0
#: Virtual machine steps of SQLite between two checks of the timeout.
_STEPS = 100_000
_COUNT = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
    "SELECT count(*) FROM n"
)
_ORIGIN = people.origin(1053).url
_TABLES = ("origin_summary", "state_set", "place_set", "run_counts")


def seconds(path: Path, work: Callable[[sqlite3.Connection], object]) -> float:
    """Return the CPU seconds of a piece of work over a new connection."""
    with closing(connect_read_only(path)) as db:
        begun = time.process_time()
        db.set_progress_handler(lambda: time.process_time() - begun > _TIMEOUT, _STEPS)
        try:
            work(db)
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
        return time.process_time() - begun


def pieces() -> dict[str, Callable[[sqlite3.Connection], object]]:
    """Return what is measured, by name."""
    found: dict[str, Callable[[sqlite3.Connection], object]] = {
        "report": lambda db: report_text(db, ReportRequest()),
        "first page": lambda db: read_home(db, None),
    }
    for key, question in questions().items():
        values = {name: value or _ORIGIN for name, value in question.parameters.items()}
        found[key] = lambda db, sql=question.sql, values=values: db.execute(  # type: ignore[misc]
            sql, values
        ).fetchall()
    return found


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--origins", type=int, help="200,000, with --quick 10,000")
    options.add_argument("--judged", type=int, help="20,000, with --quick 2,000")
    options.add_argument(
        "--db", type=Path, help="keep the database here, and take it if it is there"
    )
    given = options.parse_args()
    origins, judged, usual = (10_000, 2_000, 1) if given.quick else (GOAL_ORIGINS, 20_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = given.db or Path(folder) / "audit.db"
        if not path.exists():
            part = min(given.judged or judged, given.origins or origins)
            people.build(path, part, max(1, (given.origins or origins) // part))
        return report(path, given.rounds or usual, given.json)


def report(path: Path, rounds: int, file: Path | None) -> int:
    """Measure, print, and return the exit status."""
    taken: dict[str, list[float]] = {name: [] for name in pieces()}
    counts: dict[str, list[float]] = {name: [] for name in taken}
    for _ in range(rounds):
        for name, work in pieces().items():
            counts[name].append(seconds(path, lambda db: db.execute(_COUNT).fetchall()))
            taken[name].append(seconds(path, work))
    ratios = {
        name: min(s / count for s, count in zip(taken[name], counts[name], strict=True))
        for name in taken
    }
    with closing(connect_read_only(path)) as db:
        number = db.execute("SELECT count(*) FROM origin").fetchone()[0]
        observed = db.execute("SELECT count(*) FROM observation_row").fetchone()[0]
        size = len(report_text(db, ReportRequest()).encode()) / 1000
        marks = ", ".join("?" * len(_TABLES))
        summaries = db.execute(
            f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({marks})", _TABLES
        ).fetchone()[0]
    print(
        f"{number:,} origins, {observed:,} observations, {path.stat().st_size / MB:,.0f} MB, of "
        f"which summaries take {summaries / number:.0f} octets an origin; report {size:.0f} KB"
    )
    measure.table(
        ("what", "s CPU", "in counts of a million integers"),
        [(name, min(taken[name]), ratio) for name, ratio in ratios.items()],
    )
    scale = number / GOAL_ORIGINS
    slowest = max((name for name in ratios if name != "report"), key=ratios.__getitem__)
    goals = [
        Goal("report, in counts", ratios["report"], REPORT / COUNT * max(scale, 0.1)),
        Goal(f"slowest, {slowest}, in counts", ratios[slowest], QUESTION / COUNT * max(scale, 0.1)),
        Goal("KB of the report", size, REPORT_KB),
        Goal("counts to ask for the last runs", ratios["last_runs"], 0.1),
    ]
    facts = {"origins": number, "cpu": taken, "counts": counts, "report_kb": size}
    return measure.conclude("people_speed", file, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
