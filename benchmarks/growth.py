"""Octets that a run adds to the database for each origin where nothing changed.

`python -m benchmarks.growth [--origins 300] [--runs 12] [--tls] [--quick] [--json FILE]` crawls a
loopback web several times with the shipped command, each time a week later by `TDM_AUDIT_NOW`. The
web dates its answers, answers 304 to conditional requests and 404 where it has no file. It prints
what the runs after the first added, by table and index, and what 200,000 origins add in a year.
Status 1 if an origin costs more than 1,500 octets a run.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import hosts, measure, web
from benchmarks.measure import Goal

OCTETS = 1_500
_BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
#: The size that is told of a year of weekly runs.
_ORIGINS, _WEEKS = 200_000, 52
_OPTIONS = ("--delay", "0s", "--max-age", "1s", "--pages", "0", "--concurrency")
_OPTIONS = (*_OPTIONS, "50", "--allow-network", "127.0.0.0/8", "--quiet", "--no-progress")


def crawl(folder: Path, week: int) -> None:
    """Run the shipped command as of a week."""
    now = _BEGIN + timedelta(weeks=week)
    measure.INSTALLED["TDM_AUDIT_NOW"] = now.isoformat()
    measure.run(
        ["crawler", "crawl", str(folder / "seeds.txt"), "--db", str(folder / "audit.db"), *_OPTIONS]
    )


def sizes(path: Path) -> dict[str, int]:
    """Return the octets of each table and index, without the unused part of pages."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM")
        return dict(db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--origins", type=int, default=300)
    options.add_argument("--runs", type=int, default=12)
    options.add_argument("--tls", action="store_true", help="over https")
    given = options.parse_args()
    number, runs = (100, 4) if given.quick else (given.origins, given.runs)
    with (
        tempfile.TemporaryDirectory() as name,
        web.serving(tls=given.tls, validates=True) as port,
    ):
        folder = Path(name)
        scheme = "https" if given.tls else "http"
        urls = (f"{scheme}://{hosts.address(n)}:{port}/\n" for n in range(number))
        (folder / "seeds.txt").write_text("".join(urls), encoding="utf-8")
        crawl(folder, 0)
        # The first run that confirms anything stores how each server does that.
        crawl(folder, 1)
        before = sizes(folder / "audit.db")
        for week in range(2, runs + 1):
            crawl(folder, week)
        after = sizes(folder / "audit.db")
        with closing(sqlite3.connect(folder / "audit.db")) as db:
            rows = (
                db.execute("SELECT count(*) FROM observation").fetchone()[0] / number / (runs + 1)
            )
    visits = number * (runs - 1)
    each = {table: (size - before.get(table, 0)) / visits for table, size in after.items()}
    total = sum(each.values())
    shown = sorted(each.items(), key=lambda item: -item[1])
    measure.table(("table or index", "octets"), [(t, o) for t, o in shown if o >= 0.5])
    print(f"{rows:.2f} observations of an origin in a run, {total:,.0f} octets")
    year = (sum(after.values()) / number + total * (_WEEKS - runs - 1)) * _ORIGINS
    print(f"{_ORIGINS:,} origins x {_WEEKS} runs: {year / 1e9:,.1f} GB")
    facts = {"origins": number, "runs": runs, "octets": each, "gigabytes_of_a_year": year / 1e9}
    goals = [Goal("octets of an unchanged origin in a run", total, OCTETS)]
    return measure.conclude("growth", given.json, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
