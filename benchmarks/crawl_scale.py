"""Scaling of `tdm-audit crawl`: seeds, latency and dead hosts, memory, size of the database.

`python -m benchmarks.crawl_scale [--only seeds] [--rounds 5] [--quick] [--json FILE]`. Status 1
if 100,000 origins are fetched at less than 0.95 of the speed of 1,000, if hosts that never answer
or have no address cost more than 1.2 of what the timeouts force, if the process takes more than
200 MB or grows by more than a tenth, or if the command itself takes more than 300 MB for
1,000,000 origins.
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
    """Sizes of a measurement: origins of each part, seconds, and concurrent requests."""

    few: int = 1_000
    many: int = 100_000
    budget: float = 8
    concurrency: int = 128
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
    concurrency=64,
    mixed=400,
    timeout=3,
    steady=1_500,
    most=100_000,
    asking=5,
    rounds=1,
)


class Result(NamedTuple):
    """Result of a part: facts of each round, and goals."""

    facts: list[dict[str, float]]
    goals: list[Goal]


class Crawl(NamedTuple):
    """One run of the command: its processes, the command first, and its database."""

    processes: list[Process]
    db: Path

    @property
    def crawling(self) -> list[Process]:
        """Return the processes without the one that reads the dataset before the crawl."""
        return [process for process in self.processes if process.runs != READER]

    @property
    def peak(self) -> float:
        return max(process.peak for process in self.crawling)

    def ask(self, query: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.db)) as stored:
            return stored.execute(query).fetchall()

    @property
    def period(self) -> tuple[datetime, datetime]:
        """Return the times of the start of the run and of its end."""
        ((begun, ended),) = self.ask("SELECT started_at, ended_at FROM runs")
        return datetime.fromisoformat(begun), datetime.fromisoformat(ended)

    @property
    def seconds(self) -> float:
        begun, ended = self.period
        return (ended - begun).total_seconds()


def crawl(folder: Path, urls: Iterable[str], *arguments: str) -> Crawl:
    """Run the shipped command on some URLs, into a new database."""
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
    """Return answers per second, without the first and the last half second of the budget."""
    times = [
        datetime.fromisoformat(row[0])
        for row in done.ask("SELECT observed_at FROM observations WHERE status > 0")
    ]
    begun = min(times) + timedelta(seconds=1)
    ended = min(max(times), min(times) + timedelta(seconds=budget - 0.5))
    return sum(begun <= moment < ended for moment in times) / (ended - begun).total_seconds()


def seeds(folder: Path, sizes: Sizes) -> Result:
    """Crawl few and many origins in turns, each for a few seconds."""
    limits = ("--concurrency", f"{sizes.concurrency}", "--time-budget", f"{sizes.budget}s")
    facts = []
    with web.serving(latency=LATENCY) as port:
        for _ in range(sizes.rounds):
            fact = {}
            for name, number in (("few", sizes.few), ("many", sizes.many)):
                done = crawl(folder, (url(n, port) for n in range(number)), *limits)
                fact[f"{name}_origins"] = float(number)
                fact[f"{name}_answers_per_s"] = speed(done, sizes.budget)
                fact[f"{name}_peak_mb"] = done.peak
            facts.append(fact)
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
    """Return the seconds until workers have done all jobs, each taking the next when it is free."""
    free = [0.0] * workers
    for duration in durations:
        heapq.heapreplace(free, free[0] + duration)
    return max(free)


def dead(folder: Path, sizes: Sizes) -> Result:
    """Crawl hosts of which some never answer and some have no address, and the living ones alone.

    The living hosts alone show how long one of them occupies a slot. From that and a timeout for
    each silent host follows the least time for the same hosts in the same order.
    """
    limits = ("--concurrency", f"{sizes.concurrency}", "--timeout", f"{sizes.timeout:g}s")
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
            healthy = crawl(folder, living, *limits).seconds
            one = healthy * sizes.concurrency / len(living)
            crawled = crawl(folder, mixed, *limits)
            if (failed := _failed(crawled)) != (len(silent), len(nameless)):
                raise FailedError(f"{failed} failed, not {(len(silent), len(nameless))}")
            durations = (
                sizes.timeout if host in silent else 0 if host.endswith(NOWHERE) else one
                for (host,) in crawled.ask("SELECT host FROM origin ORDER BY id")
            )
            forced = seconds_forced(durations, sizes.concurrency)
            facts.append({"living_s": healthy, "mixed_s": crawled.seconds, "forced_s": forced})
    ratio = measure.median(f["mixed_s"] / f["forced_s"] for f in facts)
    return Result(facts, [Goal("wall with dead hosts / what timeouts force", ratio, DEAD)])


def _failed(done: Crawl) -> tuple[int, int]:
    """Return how many origins never answered and how many had no address."""
    ((silent, nameless),) = done.ask(
        "SELECT count(DISTINCT iif(outcome = 'timed_out', origin, NULL)), "
        "count(DISTINCT iif(outcome = 'not_found_host', origin, NULL)) FROM observations"
    )
    return int(silent), int(nameless)


def memory(folder: Path, sizes: Sizes) -> Result:
    """Measure the resident size over the life of one process, and the size of its database."""
    with web.serving() as port:
        done = crawl(folder, (url(n, port) for n in range(sizes.steady)))
    begun, ended = (moment.timestamp() for moment in done.period)
    fetcher = max(done.crawling, key=lambda process: (bool(process.runs), process.seconds))
    sizes_mb = [mb for at, mb in fetcher.resident if begun <= at <= ended]
    if len(sizes_mb) < 25:
        raise FailedError(f"{len(sizes_mb)} samples are too few; give more hosts")
    fifth = len(sizes_mb) // 5
    early, late = measure.median(sizes_mb[fifth : 2 * fifth]), measure.median(sizes_mb[-fifth:])
    facts = {
        "origins": float(sizes.steady),
        "asking_s": ended - begun,
        "early_mb": early,
        "late_mb": late,
        "peak_asking_mb": max(sizes_mb),
        "peak_mb": done.peak,
        "db_bytes_per_origin": done.db.stat().st_size / sizes.steady,
    } | {f"db_{name}_bytes_per_origin": size / sizes.steady for name, size in _largest(done)}
    goals = [
        Goal("largest resident size, MB", done.peak, PEAK),
        Goal("resident size in the last fifth of asking / in the second", late / early, GROWTH),
    ]
    return Result([facts], goals)


def parent(folder: Path, sizes: Sizes) -> Result:
    """Measure the command, and the process that reads very many origins."""
    limits = ("--time-budget", f"{sizes.asking}s")
    with web.serving() as port:
        done = crawl(folder, (url(n, port) for n in range(sizes.most)), *limits)
    itself, *others = done.processes
    reader = next(p for p in others if p.runs == READER)
    facts = {
        "origins": float(sizes.most),
        "command_peak_mb": itself.peak,
        "command_s": itself.seconds,
        "reader_peak_mb": reader.peak,
        "reader_s": reader.seconds,
    }
    name = f"largest resident size of the command at {sizes.most:,} origins, MB"
    return Result([facts], [Goal(name, itself.peak, COMMAND)])


def _largest(done: Crawl) -> list[tuple[str, int]]:
    """Return the largest tables with their bytes; none if SQLite was built without `dbstat`."""
    try:
        rows = done.ask(
            "SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name ORDER BY size DESC LIMIT 8"
        )
    except sqlite3.OperationalError:
        return []
    return [(name, int(size)) for name, size in rows]


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
            result = PARTS[name](Path(folder), sizes)
        print(f"{name}: {(PARTS[name].__doc__ or '').splitlines()[0]}")
        rows = ((fact, measure.median(f[fact] for f in result.facts)) for fact in result.facts[0])
        measure.table((f"{len(result.facts)} round(s)", "median"), rows)
        results[name] = result.facts
        goals += result.goals
    facts = {"sizes": sizes._asdict(), "parts": results}
    return measure.conclude("crawl_scale", given.json, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
