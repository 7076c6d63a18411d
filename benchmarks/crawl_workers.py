"""Two crawl processes compared with one: time, evidence, memory of each process.

`python -m benchmarks.crawl_workers [--rounds 3] [--quick] [--json FILE]`. Status 1 if two
workers fetch less than 1.7 times as fast as one after their start, if one takes more than 200 MB or
grows by more than a tenth after its start, or if their evidence differs. The web server uses the
same cores, so two cores give less than three would.
"""

import re
import sqlite3
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import hosts, measure, web
from benchmarks.measure import FailedError, Goal, Process

SPEED, PEAK, GROWTH = 1.7, 200.0, 1.1
WORKER = "crawler.fetch.workers.worker"
#: The evidence, without the columns that differ between any two crawls.
_EVIDENCE = """
    SELECT o.url, resource, asked, hop, outcome, status, digest, stored, note
    FROM observation JOIN origin AS o ON o.id = origin ORDER BY 1, 2, 3, 4
"""


class Sizes(NamedTuple):
    """Sizes of a measurement: hosts for the speed and for the memory, and rounds."""

    hosts: int = 4_000
    steady: int = 30_000
    rounds: int = 3


QUICK = Sizes(hosts=800, steady=2_000, rounds=1)

#: Seconds in which the middle three of five answers came.
_MIDDLE = """
    SELECT 86400 * (max(julianday(observed_at)) - min(julianday(observed_at))) FROM (
        SELECT observed_at, row_number() OVER (ORDER BY observed_at) AS n, count(*) OVER () AS of
        FROM observation
    ) WHERE n BETWEEN of / 5 AND 4 * of / 5
"""


class Crawl(NamedTuple):
    """One crawl: seconds of the run, seconds of the middle three fifths of its answers,
    processes, and evidence.
    """

    seconds: float
    middle: float
    processes: list[Process]
    evidence: list[tuple[object, ...]]

    @property
    def cpu(self) -> float:
        return sum(process.cpu for process in self.processes)


def crawl(folder: Path, number: int, port: int, workers: int) -> Crawl:
    """Run the shipped command on `number` hosts, into a new database."""
    db, seeds = folder / "audit.db", folder / "origins.txt"
    db.unlink(missing_ok=True)
    urls = (f"http://{hosts.address(n)}:{port}/\n" for n in range(number))
    seeds.write_text("".join(urls), encoding="utf-8")
    command = ["crawler", "crawl", str(seeds), "--db", str(db), "--workers", f"{workers}"]
    command += ["--delay", "0", "--quiet", "--no-progress", "--allow-network", "127.0.0.0/8"]
    processes = measure.watch(command)
    with closing(sqlite3.connect(db)) as stored:
        duration = "SELECT 86400 * (julianday(ended_at) - julianday(started_at)) FROM run"
        (seconds,), (middle,) = (stored.execute(sql).fetchone() for sql in (duration, _MIDDLE))
        return Crawl(seconds, middle, processes, stored.execute(_EVIDENCE).fetchall())


def speed(folder: Path, sizes: Sizes) -> tuple[list[dict[str, float]], list[Goal]]:
    """Crawl with one worker and two in turns; compare whole runs, and their middle."""
    facts, same = [], True
    with web.serving() as port:
        for _ in range(sizes.rounds):
            one, two = (crawl(folder, sizes.hosts, port, number) for number in (1, 2))
            same = same and without_port(one.evidence, port) == without_port(two.evidence, port)
            facts.append(
                {
                    "hosts": float(sizes.hosts),
                    "one_s": one.seconds,
                    "two_s": two.seconds,
                    "one_cpu_s": one.cpu,
                    "two_cpu_s": two.cpu,
                    "all_in_all": one.seconds / two.seconds,
                    "in_between": one.middle / two.middle,
                }
            )
    ratio = measure.median(fact["in_between"] for fact in facts)
    return facts, [
        Goal("speed of two workers / of one", ratio, SPEED, at_least=True),
        Goal("rounds in which they found the same", float(same), 1, at_least=True),
    ]


def without_port(rows: list[tuple[object, ...]], port: int) -> list[tuple[object, ...]]:
    pattern = re.compile(rf":{port}\b")
    return [tuple(pattern.sub("", v) if isinstance(v, str) else v for v in row) for row in rows]


def memory(folder: Path, sizes: Sizes) -> tuple[list[dict[str, float]], list[Goal]]:
    """Measure the largest process, and the growth of workers after their start."""
    with web.serving() as port:
        done = crawl(folder, sizes.steady, port, 2)
    workers = [p for p in done.processes if p.runs == WORKER and p.seconds >= 5]
    if not workers:
        raise FailedError("no worker lived for five seconds; give more hosts")
    commands = [process.peak for process in done.processes if not process.runs]
    growths = []
    for process in workers:
        sizes_mb, fifth = [mb for _, mb in process.resident], len(process.resident) // 5
        early = measure.median(sizes_mb[fifth : 2 * fifth])
        growths.append(measure.median(sizes_mb[-fifth:]) / early)
    fact = {
        "origins": float(sizes.steady),
        "workers": float(len(workers)),
        "worker_peak_mb": max(process.peak for process in workers),
        "command_peak_mb": max(commands),
        "growth": max(growths),
    }
    return [fact], [
        Goal("largest resident size of a worker, MB", fact["worker_peak_mb"], PEAK),
        Goal("size of a worker in its last fifth / in its second", fact["growth"], GROWTH),
    ]


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--only", choices=("speed", "memory"))
    given = options.parse_args()
    sizes = QUICK if given.quick else Sizes()
    sizes = sizes._replace(rounds=given.rounds or sizes.rounds)
    chosen = {
        name: partial(part, sizes=sizes)
        for name, part in (("speed", speed), ("memory", memory))
        if given.only in (None, name)
    }
    results, goals = measure.measured(chosen)
    return measure.conclude("crawl_workers", given.json, results, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
