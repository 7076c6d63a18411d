"""How the shipped crawl scales: seeds, latency and dead hosts, memory, size of the database.

`python -m benchmarks.crawl_scale [--only seeds] [--rounds 5] [--quick] [--json FILE]`. Status 1
where 100,000 origins are asked at less than 0.95 of the speed of 1,000; where hosts that never
answer or have no address cost more than 1.2 of what the timeouts force; where the process takes
more than 200 MB or grows by more than a tenth; where the command itself takes more than 300 MB
for 1,000,000 origins.
"""

import heapq
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks import hosts, measure, web
from benchmarks.measure import FailedError, Goal, Process

LATENCY = 0.2
SPEED, DEAD, PEAK, GROWTH, COMMAND = 0.95, 1.2, 200.0, 1.1, 300.0
STOPPED = 4
#: The process that reads a dataset.
READER = "crawler.commands.ingest"
#: Share of hosts that never answer, and of names that do not resolve.
SHARE = 0.05
#: The resolver answers for this domain itself and asks nobody (RFC 7686, 2).
NOWHERE = "onion"


class Sizes(NamedTuple):
    """How much is measured: origins of each part, seconds, and requests side by side."""

    few: int = 1_000
    many: int = 100_000
    budget: float = 8
    side_by_side: int = 128
    mixed: int = 2_000
    timeout: float = 15
    steady: int = 10_000
    most: int = 1_000_000
    asking: float = 20
    rounds: int = 5


QUICK = Sizes(
    few=500,
    many=20_000,
    budget=5,
    side_by_side=64,
    mixed=400,
    timeout=3,
    steady=1_500,
    most=100_000,
    asking=5,
    rounds=1,
)


class Result(NamedTuple):
    """What a part found: facts of each round, and the goals they are held against."""

    facts: list[dict[str, float]]
    goals: list[Goal]


class Crawl(NamedTuple):
    """One run of the command: its processes, itself first, and its database."""

    processes: list[Process]
    db: Path

    @property
    def crawling(self) -> list[Process]:
        """The processes without the one that reads the dataset before anybody is asked."""
        return [process for process in self.processes if process.runs != READER]

    @property
    def peak(self) -> float:
        return max(process.peak for process in self.crawling)

    def ask(self, query: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.db)) as stored:
            return stored.execute(query).fetchall()

    @property
    def asking(self) -> tuple[datetime, datetime]:
        """When the first origin was asked and the last visit stored."""
        ((begun, ended),) = self.ask("SELECT started_at, ended_at FROM runs")
        return datetime.fromisoformat(begun), datetime.fromisoformat(ended)

    @property
    def seconds(self) -> float:
        begun, ended = self.asking
        return (ended - begun).total_seconds()


def crawl(folder: Path, urls: Iterable[str], *arguments: str) -> Crawl:
    """The shipped command on some URLs, into a new database."""
    db = folder / "audit.db"
    db.unlink(missing_ok=True)
    seeds = folder / "origins.txt"
    with seeds.open("w", encoding="utf-8") as file:
        file.writelines(f"{url}\n" for url in urls)
    command = ["crawler", "crawl", str(seeds), "--db", str(db), "--delay", "0", "--quiet"]
    command += ["--no-progress", "--allow-network", "127.0.0.0/8", *arguments]
    return Crawl(measure.watch(command, statuses=(0, STOPPED)), db)


def url(number: int, port: int) -> str:
    return f"http://{hosts.address(number)}:{port}/"


def speed(done: Crawl, budget: float) -> float:
    """Answers a second, without the first second and the last half of the time there was."""
    at = [
        datetime.fromisoformat(row[0])
        for row in done.ask("SELECT observed_at FROM observations WHERE status > 0")
    ]
    begun = min(at) + timedelta(seconds=1)
    ended = min(max(at), min(at) + timedelta(seconds=budget - 0.5))
    return sum(begun <= moment < ended for moment in at) / (ended - begun).total_seconds()


def seeds(folder: Path, sizes: Sizes) -> Result:
    """Few and many origins in turns, each for a few seconds."""
    limits = ("--concurrency", f"{sizes.side_by_side}", "--time-budget", f"{sizes.budget}s")
    facts = []
    with web.serving(latency=LATENCY) as port:
        for _ in range(sizes.rounds):
            found = {}
            for name, number in (("few", sizes.few), ("many", sizes.many)):
                done = crawl(folder, (url(n, port) for n in range(number)), *limits)
                found[f"{name}_origins"] = float(number)
                found[f"{name}_answers_per_s"] = speed(done, sizes.budget)
                found[f"{name}_peak_mb"] = done.peak
            facts.append(found)
    ratio = measure.median(f["many_answers_per_s"] / f["few_answers_per_s"] for f in facts)
    name = f"speed at {sizes.many:,} origins / at {sizes.few:,}"
    peak = measure.median(f["many_peak_mb"] for f in facts)
    return Result(
        facts,
        [
            Goal(name, ratio, SPEED, at_least=True),
            Goal(f"largest resident size at {sizes.many:,} origins, MB", peak, PEAK),
        ],
    )


def seconds_forced(durations: Iterable[float], workers: int) -> float:
    """When the last of some jobs ends that workers take one after the other."""
    free = [0.0] * workers
    for duration in durations:
        heapq.heapreplace(free, free[0] + duration)
    return max(free)


def dead(folder: Path, sizes: Sizes) -> Result:
    """Hosts of which some never answer and some have no address, and the living ones alone.

    Living hosts alone show how long one of them keeps a worker. With that, and a timeout for each
    that is silent, follows how long the same workers need for the same hosts in the same order.
    """
    limits = ("--concurrency", f"{sizes.side_by_side}", "--timeout", f"{sizes.timeout:g}")
    silent, nameless = set(), set()
    for number in range(sizes.mixed):
        if hosts.is_one_in(number, SHARE):
            silent.add(hosts.address(number))
        elif hosts.is_one_in(number + 5, SHARE):
            nameless.add(number)
    facts = []
    with web.serving(latency=LATENCY, silent=SHARE) as port:
        mixed = [
            f"http://h{n}.{NOWHERE}:{port}/" if n in nameless else url(n, port)
            for n in range(sizes.mixed)
        ]
        living = [
            url(n, port)
            for n in range(sizes.mixed)
            if n not in nameless and hosts.address(n) not in silent
        ]
        for _ in range(sizes.rounds):
            well = crawl(folder, living, *limits).seconds
            one = well * sizes.side_by_side / len(living)
            ill = crawl(folder, mixed, *limits)
            if (failed := _failed(ill)) != (len(silent), len(nameless)):
                raise FailedError(f"{failed} failed, not {(len(silent), len(nameless))}")
            durations = (
                sizes.timeout if host in silent else 0 if host.endswith(NOWHERE) else one
                for (host,) in ill.ask("SELECT host FROM origin ORDER BY id")
            )
            forced = seconds_forced(durations, sizes.side_by_side)
            facts.append({"living_s": well, "mixed_s": ill.seconds, "forced_s": forced})
    ratio = measure.median(f["mixed_s"] / f["forced_s"] for f in facts)
    return Result(facts, [Goal("wall with dead hosts / what timeouts force", ratio, DEAD)])


def _failed(done: Crawl) -> tuple[int, int]:
    """How many origins never answered and how many had no address."""
    ((silent, nameless),) = done.ask(
        "SELECT count(DISTINCT iif(outcome = 'timed_out', origin, NULL)), "
        "count(DISTINCT iif(outcome = 'not_found_host', origin, NULL)) FROM observations"
    )
    return int(silent), int(nameless)


def memory(folder: Path, sizes: Sizes) -> Result:
    """The resident size over the life of one process, and what its database takes."""
    with web.serving() as port:
        done = crawl(folder, (url(n, port) for n in range(sizes.steady)))
    begun, ended = (moment.timestamp() for moment in done.asking)
    asks = max(done.crawling, key=lambda process: (bool(process.runs), process.seconds))
    asking = [mb for at, mb in asks.resident if begun <= at <= ended]
    if len(asking) < 25:
        raise FailedError(f"{len(asking)} samples are too few; give more hosts")
    fifth = len(asking) // 5
    early, late = measure.median(asking[fifth : 2 * fifth]), measure.median(asking[-fifth:])
    facts = {
        "origins": float(sizes.steady),
        "asking_s": ended - begun,
        "early_mb": early,
        "late_mb": late,
        "peak_asking_mb": max(asking),
        "peak_mb": done.peak,
        "db_bytes_per_origin": done.db.stat().st_size / sizes.steady,
    } | {f"db_{name}_bytes_per_origin": size / sizes.steady for name, size in _largest(done)}
    goals = [
        Goal("largest resident size, MB", done.peak, PEAK),
        Goal("resident size in the last fifth of asking / in the second", late / early, GROWTH),
    ]
    return Result([facts], goals)


def parent(folder: Path, sizes: Sizes) -> Result:
    """The command itself, beside the process that reads very many origins and those that ask."""
    limits = ("--workers", "2", "--time-budget", f"{sizes.asking}s")
    with web.serving() as port:
        done = crawl(folder, (url(n, port) for n in range(sizes.most)), *limits)
    itself, *others = done.processes
    reader = next(p for p in others if p.runs == READER)
    workers = [p for p in others if p.runs == "crawler.fetch.workers.worker"]
    facts = {
        "origins": float(sizes.most),
        "command_peak_mb": itself.peak,
        "command_s": itself.seconds,
        "reader_peak_mb": reader.peak,
        "reader_s": reader.seconds,
        "worker_peak_mb": max(worker.peak for worker in workers),
    }
    name = f"largest resident size of the command at {sizes.most:,} origins, MB"
    return Result([facts], [Goal(name, itself.peak, COMMAND)])


def _largest(done: Crawl) -> list[tuple[str, int]]:
    """The tables that take most of a database, where SQLite was built to tell."""
    try:
        found = done.ask(
            "SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name ORDER BY size DESC LIMIT 8"
        )
    except sqlite3.OperationalError:
        return []
    return [(name, int(size)) for name, size in found]


PARTS: dict[str, Callable[[Path, Sizes], Result]] = {
    "seeds": seeds,
    "dead": dead,
    "memory": memory,
    "parent": parent,
}


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--only", choices=PARTS, action="append", help="repeatable")
    given = options.parse_args()
    sizes = QUICK if given.quick else Sizes()
    sizes = sizes._replace(rounds=given.rounds or sizes.rounds)
    results, goals = {}, []
    for name in given.only or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            found = PARTS[name](Path(folder), sizes)
        print(f"{name}: {(PARTS[name].__doc__ or '').splitlines()[0]}")
        rows = ((fact, measure.median(f[fact] for f in found.facts)) for fact in found.facts[0])
        measure.table((f"{len(found.facts)} round(s)", "median"), rows)
        results[name] = found.facts
        goals += found.goals
    facts = {"sizes": sizes._asdict(), "parts": results}
    return measure.conclude("crawl_scale", given.json, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.ended(main))
