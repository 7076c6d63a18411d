"""Speed of history and of verifying, over runs that are repeated.

`python -m benchmarks.history_speed [--origins 2000] [--runs 12] [--rounds 3] [--quick]
[--json FILE]` stores synthetic evidence of several runs, in which every eleventh host adds a rule
for an agent or takes one back. It measures a whole rebuild with history against one of the latest
state alone, the views `history` and `changes` against the time in which SQLite counts a million
integers, and `verify` in rows a second.
Status 1 if a rebuild with history takes more than twice one without, if judging a run in which one
origin of fifty changed takes more than 0.3 of a rebuild of all, if `history` or `changes`
take more than 5 times the count for 200,000 origins, one origin more than 10 ms, if fewer than
120,000 rows a second are verified (where Protego parses 1 KB in 183 us), if verifying what is
derived takes more than 1.3 times a rebuild, or if history takes more than 5 % of the database.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks import judge_speed, measure
from benchmarks.measure import MB, Goal
from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.commands.verify import verify
from crawler.evaluate.evaluation_cache import EvaluationCache
from crawler.store import derived, evidence_writer, runs
from crawler.store.database import checkpoint, connect, transaction
from crawler.store.evidence_reader import origins_to_judge, snapshot_reader
from crawler.store.findings_writer import FindingsWriter
from crawler.store.verification import verify_evidence
from crawler.vocab import Resource

_AGENT = b"\nUser-agent: GPTBot\nDisallow: /\n"
_CHANGING = 11
# One of so many changes in the run before an incremental judging.
_FEW = 50
_GOAL_ORIGINS = 200_000
_SIGNALS = rulesets.load("signals")
_TABLES = ("effect", "conclusion_part", "steady", "steady_by_conclusion", "phase", "phase_changes")
_COUNT = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
    "SELECT count(*) FROM n"
)
_QUERIES = {
    "history, grouped": "SELECT purpose, state, count(*), sum(looks) FROM history "
    "WHERE rules = 'signals/2' GROUP BY purpose, state",
    "changes, by rows": "SELECT * FROM changes WHERE rules = 'signals/2' ORDER BY rows DESC",
}
_ONE = "SELECT * FROM history WHERE origin = 'https://www.s0000005.test'"


def build(path: Path, number: int, times: int) -> None:
    """Write a database of `number` origins that were visited by each of several runs."""
    judge_speed.build(path, number)
    with closing(connect(path)) as db:
        for n in range(1, times):
            at = f"2026-{1 + n % 12:02}-{1 + n // 12:02}T00:00:00.000Z".replace("2026", "2027")
            _visit_again(db, number, at, lambda host, n=n: is_refusing(host, n))
        checkpoint(db)


def is_refusing(host: int, n: int) -> bool:
    """Return whether a host has the rule for one agent in a run: a few begin or stop in each."""
    return host % _CHANGING == 0 and n % 4 > host % 4


def _few_changed(last: int, n: int) -> Callable[[int], bool]:
    """Return which hosts refuse in the n-th run after the last: some others than in that one."""
    return lambda host: is_refusing(host, last) ^ (0 < host % _FEW <= n + 1)


def _visit_again(
    db: sqlite3.Connection, number: int, at: str, is_changed: Callable[[int], bool]
) -> None:
    new = runs.NewRun(
        command="benchmarks.history_speed",
        version="",
        versions={},
        settings={"dataset": 1},
        user_agent="none: nothing was fetched",
        suffix_list="",
        catalogue="",
    )
    run = runs.begin_run(db, new, at)
    with transaction(db):
        for host in range(number):
            seen = []
            for look in judge_speed.visit(host, "usual"):
                dated = replace(look, started_at=at)
                if is_changed(host) and look.target.resource is Resource.ROBOTS_TXT:
                    body = look.body + _AGENT
                    dated = replace(dated, body=body, size=len(body), status=200)
                seen.append(dated)
            evidence_writer.save_visit(db, run, host + 1, tuple(seen), at)
    runs.end_run(db, run, "finished", at)


def judge_latest(db: sqlite3.Connection) -> None:
    """Rebuild as `judge` does, without history."""
    rule_sets = derived.rule_sets(db, _SIGNALS)
    reader, evaluations = snapshot_reader(db), EvaluationCache(rule_sets, _SIGNALS)
    writer = FindingsWriter(db, None)
    with derived.bulk_load_mode(db), transaction(db):
        indexes = derived.drop_all_derived(db)
        derived.save_protocols(db)
        derived.save_rule_sets(db, rule_sets, _SIGNALS)
        for origin in origins_to_judge(db, None):
            snapshot = reader.load(origin)
            writer.add(origin, snapshot, evaluations.evaluation_of(snapshot.resources))
        writer.write()
        derived.recreate_indexes(db, indexes)


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a piece of work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--origins", type=int, help="2000, with --quick 500")
    options.add_argument("--runs", type=int, default=12)
    given = options.parse_args()
    number, rounds = (given.origins or 500, 1) if given.quick else (given.origins or 2_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.db"
        build(path, number, given.runs)
        with closing(connect(path)) as db:
            return report(db, path, number, given.rounds or rounds, given.json)


def report(db: sqlite3.Connection, path: Path, number: int, rounds: int, file: Path | None) -> int:
    """Measure, print, and return the exit status."""
    taken: dict[str, list[float]] = {}
    work: dict[str, Callable[[], object]] = {
        "latest": lambda: judge_latest(db),
        "history": lambda: rebuild(db, chosen=_SIGNALS),
        "verify": lambda: list(verify_evidence(db)),
        "verify --derived": lambda: verify(db, with_derived=True),
        "count": lambda: db.execute(_COUNT).fetchall(),
        "one origin": lambda: db.execute(_ONE).fetchall(),
        **{name: lambda sql=sql: db.execute(sql).fetchall() for name, sql in _QUERIES.items()},
    }
    slowness = []
    last = db.execute("SELECT count(*) FROM run").fetchone()[0] - 1
    for n in range(rounds):
        for name, piece in work.items():
            taken.setdefault(name, []).append(seconds(piece))
        _visit_again(db, number, f"2028-{1 + n:02}-01T00:00:00.000Z", _few_changed(last, n))
        taken.setdefault("incremental", []).append(
            seconds(lambda: rebuild(db, chosen=_SIGNALS, waiting=True))
        )
        slowness.append(judge_speed.protego_microseconds() / judge_speed.PROTEGO)
    cost = {name: measure.median(found) for name, found in taken.items()}
    slow = measure.median(slowness)
    rows = db.execute("SELECT count(*) FROM observation").fetchone()[0]
    marks = ", ".join("?" * len(_TABLES))
    size = db.execute(
        f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({marks})",
        _TABLES,
    ).fetchone()[0]
    phases = db.execute("SELECT count(*) FROM phase").fetchone()[0]
    print(
        f"{number:,} origins, {rows:,} observations, {phases:,} phases, "
        f"{path.stat().st_size / MB:,.0f} MB of which history {size / MB:,.2f}"
    )
    measure.table(("what", "ms CPU"), [(name, s * 1000) for name, s in cost.items()])
    scale = _GOAL_ORIGINS / number / cost["count"]
    goals = [
        Goal(
            "judging a run in which 2 % changed, of all", cost["incremental"] / cost["history"], 0.3
        ),
        Goal("rebuild with history, of the latest state", cost["history"] / cost["latest"], 2.0),
        *[
            Goal(f"{name} for {_GOAL_ORIGINS:,} origins, in counts", cost[name] * scale, 5.0)
            for name in _QUERIES
        ],
        Goal("ms for one origin", cost["one origin"] * 1000, 10.0),
        Goal("rows verified a second", rows / cost["verify"] * slow, 120_000, at_least=True),
        Goal(
            "verify --derived without evidence, of a rebuild",
            (cost["verify --derived"] - cost["verify"]) / cost["history"],
            1.3,
        ),
        Goal("share of history in the database", size / path.stat().st_size, 0.05),
    ]
    return measure.conclude("history_speed", file, {"origins": number, "cpu": taken}, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
