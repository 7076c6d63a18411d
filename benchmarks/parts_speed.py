"""An audit in parts compared with one file: CPU of a part, of a pool, and what processes gain.

`python -m benchmarks.parts_speed [--rounds 3] [--quick] [--only PART] [--json FILE]`. Status 1 if a
part takes more CPU for an origin than a crawl into one file, if a pool over parts of 2,000 origins
takes more than a twentieth more than one process, if four processes take more than 1.1 of the CPU
of one, if eight visit slow hosts less than 3.6 times as fast as two, if two judge less than 1.6
times as fast as one, or if a process needs more than 250 MB for a part of 10,000 origins.
"""

import itertools
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import hosts, measure, web
from benchmarks.measure import FailedError, Goal

ALONE, OVERHEAD, SLOW, JUDGED, CPU_OF_MORE, PEAK = 1.0, 1.05, 3.6, 1.6, 1.1, 250.0
#: Share of the CPU time that the command itself may take, which only gives out parts.
OWN = 0.1
Fact = dict[str, float]


class Sizes(NamedTuple):
    """Hosts of a part and parts, for CPU; for slow hosts: parts, hosts of each, and latency.

    `usual` are the origins that a part has without `--parts`, for memory.
    """

    hosts: int = 2_000
    parts: int = 4
    slow_parts: int = 16
    slow_hosts: int = 8
    latency: float = 1.5
    rounds: int = 3
    usual: int = 10_000


QUICK = Sizes(hosts=300, parts=2, slow_parts=8, slow_hosts=4, latency=0.5, rounds=1, usual=1_200)


class Cost(NamedTuple):
    """Wall and CPU seconds of a command with its processes, and the largest of them in MB.

    `own` is the CPU time of the command without the processes that it starts. `peaks` are the
    largest of each module that processes run.
    """

    wall: float
    cpu: float
    peak: float
    own: float
    peaks: Mapping[str, float]


def spend(command: str, *arguments: object) -> Cost:
    begun = time.monotonic()
    processes = measure.watch(["crawler", command, *map(str, arguments)])
    wall = time.monotonic() - begun
    peaks = dict[str, float]()
    for process in processes:
        name = process.runs.rpartition(".")[2] or "command"
        peaks[name] = max(process.peak, peaks.get(name, 0.0))
    cpu = sum(process.cpu for process in processes)
    return Cost(wall, cpu, max(peaks.values()), processes[0].cpu, peaks)


def crawl(db: Path, *arguments: object, concurrency: int = 64) -> Cost:
    return spend(
        *("crawl", *arguments, "--db", db, "--delay", "0", "--concurrency", concurrency),
        *("--quiet", "--no-progress", "--allow-network", "127.0.0.0/8"),
    )


def plan(folder: Path, name: str, seeds: Path, parts: int) -> tuple[Path, Cost]:
    db = folder / name
    shutil.rmtree(db, ignore_errors=True)
    cost = spend("plan", seeds, "--db", db, "--parts", parts, "--quiet", "--no-progress")
    return db, cost


def write_seeds(folder: Path, number: int, port: int) -> Path:
    seeds = folder / "origins.txt"
    urls = (f"http://{hosts.address(n)}:{port}/\n" for n in range(number))
    seeds.write_text("".join(urls), encoding="utf-8")
    return seeds


def generations(db: Path) -> list[Path]:
    """Return the newest database of each part."""
    folders = sorted((db / "parts").glob("*/"))
    return [max(f.glob("g*.db"), key=lambda path: (len(path.name), path.name)) for f in folders]


def require_visits(paths: list[Path], number: int) -> None:
    """Raise `FailedError` unless so many origins were visited: less work is not fast."""
    found = 0
    for path in paths:
        with closing(sqlite3.connect(path)) as db:
            found += db.execute("SELECT count(*) FROM visit").fetchone()[0]
    if found != number:
        raise FailedError(f"{found} of {number} origins were visited")


def cpu(folder: Path, sizes: Sizes) -> tuple[list[Fact], list[Goal]]:
    """Crawl into one file, into one part, and into several parts by a pool, in turns."""
    facts, number = list[Fact](), sizes.hosts * sizes.parts
    with web.serving() as port:
        seeds = write_seeds(folder, number, port)
        for _ in range(sizes.rounds):
            (folder / "one.db").unlink(missing_ok=True)
            one = crawl(folder / "one.db", seeds)
            whole, planning = plan(folder, "whole", seeds, 1)
            part = crawl(whole, "--part", 0, "--workers", 1)
            many, cutting = plan(folder, "many", seeds, sizes.parts)
            pool = crawl(many, "--workers", 2)
            for paths in ([folder / "one.db"], generations(whole), generations(many)):
                require_visits(paths, number)
            facts.append(
                {
                    "origins": float(number),
                    "one_file_ms": 1000 * one.cpu / number,
                    "part_ms": 1000 * part.cpu / number,
                    "plan_ms": 1000 * planning.cpu / number,
                    "pool_ms": 1000 * pool.cpu / number,
                    "part/one": part.cpu / one.cpu,
                    "pool/part": pool.cpu / part.cpu,
                    "speed_of_two": one.wall / (cutting.wall + pool.wall),
                    "peak_mb": max(part.peak, pool.peak),
                }
            )
    goals = [
        Goal("CPU of a part / of one file", _median(facts, "part/one"), ALONE),
        Goal("largest process, MB", max(fact["peak_mb"] for fact in facts), PEAK),
    ]
    if sizes.hosts >= Sizes().hosts:  # the start of processes weighs more in smaller parts
        goals.append(Goal("CPU of a pool / of one process", _median(facts, "pool/part"), OVERHEAD))
    return facts, goals


def four(folder: Path, sizes: Sizes) -> tuple[list[Fact], list[Goal]]:
    """Crawl four parts with a pool of one process and with one of four, in turns."""
    facts, number = list[Fact](), sizes.hosts * sizes.parts
    with web.serving() as port:
        seeds = write_seeds(folder, number, port)
        for _ in range(sizes.rounds):
            costs = []
            for workers in (1, 4):
                db, _ = plan(folder, f"by-{workers}", seeds, sizes.parts)
                costs.append(crawl(db, "--workers", workers))
                require_visits(generations(db), number)
            one, more = costs
            facts.append(
                {
                    "origins": float(number),
                    "one_ms": 1000 * one.cpu / number,
                    "four_ms": 1000 * more.cpu / number,
                    "ratio": more.cpu / one.cpu,
                    "own": more.own / more.cpu,
                    "peak_mb": max(one.peak, more.peak),
                }
            )
    if sizes.hosts < Sizes().hosts:  # the start of processes weighs more in smaller parts
        return facts, []
    ratio, own = _median(facts, "ratio"), _median(facts, "own")
    return facts, [
        Goal("CPU of four processes / of one", ratio, CPU_OF_MORE),
        Goal("share of the command itself", own, OWN),
    ]


def slow(folder: Path, sizes: Sizes) -> tuple[list[Fact], list[Goal]]:
    """Visit hosts that answer slowly with two processes and with eight, in turns."""
    facts, number = list[Fact](), sizes.slow_hosts * sizes.slow_parts
    with web.serving(latency=sizes.latency) as port:
        seeds = write_seeds(folder, number, port)
        for _ in range(sizes.rounds):
            rates = {}
            for workers in (2, 8):
                db, _ = plan(folder, f"of-{workers}", seeds, sizes.slow_parts)
                crawl(db, "--workers", workers, concurrency=4)
                require_visits(generations(db), number)
                rates[workers] = middle_rate(generations(db))
            facts.append(
                {
                    "origins": float(number),
                    "two_per_s": rates[2],
                    "eight_per_s": rates[8],
                    "ratio": rates[8] / rates[2],
                }
            )
    ratio = _median(facts, "ratio")
    return facts, [Goal("speed of eight processes / of two", ratio, SLOW, at_least=True)]


def middle_rate(paths: list[Path]) -> float:
    """Return the answers a second in the middle of a crawl: the third and seventh tenth apart.

    At the beginning processes start, and at the end some have no parts left.
    """
    query = "SELECT 86400 * julianday(observed_at) FROM observation"
    times = list[float]()
    for path in paths:
        with closing(sqlite3.connect(path)) as db:
            times += itertools.chain.from_iterable(db.execute(query))
    times.sort()
    first, last = len(times) * 3 // 10, len(times) * 7 // 10
    return (last - first) / (times[last] - times[first])


def judge(folder: Path, sizes: Sizes) -> tuple[list[Fact], list[Goal]]:
    """Judge an audit in parts with one process and with two, in turns, and the same in one file."""
    facts, number = list[Fact](), sizes.hosts * sizes.parts
    with web.serving() as port:
        seeds = write_seeds(folder, number, port)
        db, _ = plan(folder, "judged", seeds, sizes.parts)
        crawl(db, "--workers", 2)
        crawl(folder / "file.db", seeds)
    for _ in range(sizes.rounds):
        common = ("--quiet", "--no-progress")
        one, two = (spend("judge", "--db", db, "--workers", n, *common) for n in (1, 2))
        file = spend("judge", "--db", folder / "file.db", *common)
        for old in (db / "parts").glob("*/g*.*"):
            if old.with_suffix(".db") not in generations(db):
                old.unlink()
        facts.append(
            {
                "origins": float(number),
                "one_s": one.wall,
                "two_s": two.wall,
                "one_cpu_s": one.cpu,
                "two_cpu_s": two.cpu,
                "file_cpu_s": file.cpu,
                "speed": one.wall / two.wall,
                "cpu": two.cpu / one.cpu,
            }
        )
    if sizes.hosts < Sizes().hosts:  # the start of processes weighs more in smaller parts
        return facts, []
    speed = _median(facts, "speed")
    return facts, [
        Goal("CPU of two processes / of one", _median(facts, "cpu"), CPU_OF_MORE),
        Goal("speed of two processes / of one", speed, JUDGED, at_least=True),
    ]


def memory(folder: Path, sizes: Sizes) -> tuple[list[Fact], list[Goal]]:
    """Crawl a part of the usual size in a process of a pool, and judge it again in another."""
    facts = list[Fact]()
    for _ in range(sizes.rounds):
        with web.serving() as port:
            db, _ = plan(folder, "usual", write_seeds(folder, sizes.usual, port), 1)
            crawled = crawl(db, "--workers", 2)
        require_visits(generations(db), sizes.usual)
        judged = spend("judge", "--db", db, "--workers", 2, "--quiet", "--no-progress")
        facts.append(
            {
                "origins": float(sizes.usual),
                "crawl_ms": 1000 * crawled.cpu / sizes.usual,
                "judge_ms": 1000 * judged.cpu / sizes.usual,
                **{f"crawl_{name}_mb": peak for name, peak in crawled.peaks.items()},
                **{f"judge_{name}_mb": peak for name, peak in judged.peaks.items()},
            }
        )
    largest = {
        name: max(fact[key] for fact in facts for key in fact if key.startswith(f"{name}_part"))
        for name in ("crawl", "judge")
    }
    tables = max(fact[key] for fact in facts for key in fact if key.endswith("tables_process_mb"))
    return facts, [
        Goal("process that crawls a part, MB", largest["crawl"], PEAK),
        Goal("process that judges a part, MB", largest["judge"], PEAK),
        Goal("process that writes its tables, MB", tables, PEAK),
    ]


def _median(facts: list[Fact], name: str) -> float:
    return measure.median(fact[name] for fact in facts)


PARTS: dict[str, Callable[[Path, Sizes], tuple[list[Fact], list[Goal]]]] = {
    "cpu": cpu,
    "four": four,
    "slow": slow,
    "judge": judge,
    "memory": memory,
}


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--only", choices=PARTS)
    given = options.parse_args()
    sizes = QUICK if given.quick else Sizes()
    sizes = sizes._replace(rounds=given.rounds or sizes.rounds)
    chosen = {
        name: partial(part, sizes=sizes)
        for name, part in PARTS.items()
        if given.only in (None, name)
    }
    results, goals = measure.measured(chosen)
    return measure.conclude("parts_speed", given.json, results, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
