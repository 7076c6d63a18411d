"""CPU cost of a response in `tdm-audit crawl`, plain Scrapy and a bare aiohttp loop.

`python -m benchmarks.crawl_cost [--hosts 2000] [--rounds 5] [--quick] [--json FILE]` lets the three
fetch the same files from the same hosts, in turns. Each is a whole process: `tdm-audit crawl` from
reading the dataset to committed findings. Status 1 if the crawl costs more than 0.45 of plain
Scrapy or more than 5 times aiohttp.
"""

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks import hosts, measure, web
from benchmarks.measure import FailedError, Goal, Spent

MAX_OF_SCRAPY, MAX_OF_AIOHTTP = 0.45, 5.0
PURPOSES = 5
CONCURRENCY = 64
CRAWL, SCRAPY, AIOHTTP = "tdm-audit crawl", "plain Scrapy", "bare aiohttp"


def crawl(folder: Path) -> tuple[Spent, int]:
    """Run the shipped command; return its cost and the number of stored answers."""
    db = folder / "audit.db"
    db.unlink(missing_ok=True)
    command = ["crawler", "crawl", str(folder / "origins.txt"), "--db", str(db)]
    command += ["--delay", "0", "--concurrency", str(CONCURRENCY), "--quiet", "--no-progress"]
    spent = measure.run([*command, "--allow-network", "127.0.0.0/8"])
    with closing(sqlite3.connect(db)) as stored:
        answers = stored.execute("SELECT count(*) FROM observations WHERE status > 0").fetchone()[0]
        origins, findings = stored.execute(
            "SELECT (SELECT count(*) FROM reservations), (SELECT count(*) FROM findings)"
        ).fetchone()
    if findings < origins * PURPOSES:
        raise FailedError(f"{findings} findings for {origins} origins")
    return spent, answers


def scrapy(folder: Path) -> tuple[Spent, int]:
    feed = folder / "feed.jsonl"
    feed.unlink(missing_ok=True)
    spent = measure.run(
        ["benchmarks.plain_scrapy", str(folder / "origins.txt"), str(feed), str(CONCURRENCY)]
    )
    with feed.open("rb") as lines:
        return spent, sum(1 for _ in lines)


def aiohttp(folder: Path) -> tuple[Spent, int]:
    spent = measure.run(["benchmarks.bare_aiohttp", str(folder / "origins.txt"), str(CONCURRENCY)])
    return spent, int(spent.output)


CLIENTS: dict[str, Callable[[Path], tuple[Spent, int]]] = {
    CRAWL: crawl,
    SCRAPY: scrapy,
    AIOHTTP: aiohttp,
}


def one_round(folder: Path, origins: list[str]) -> dict[str, Spent]:
    """Run every client once. Raises FailedError if one did not get every answer."""
    (folder / "origins.txt").write_text("\n".join(origins) + "\n", encoding="utf-8")
    expected, round_ = len(origins) * len(hosts.PATHS), {}
    for name, run in CLIENTS.items():
        round_[name], answers = run(folder)
        if answers != expected:
            raise FailedError(f"{name}: {answers} answers of {expected}")
    return round_


def ratio(rounds: list[dict[str, Spent]], below: str) -> float:
    return measure.median(spent[CRAWL].cpu / spent[below].cpu for spent in rounds)


def show(rounds: list[dict[str, Spent]], starts: dict[str, Spent], answers: int) -> None:
    """Print the cost of each client; `starts` is its cost for one host."""
    print(f"{answers:,} answers, medians of {len(rounds)} rounds; a ratio is taken within a round")
    header = ("us CPU/answer", "without start", "start s", "wall s", "peak MB", "crawl / this")
    measure.table(
        ("", *header), (_line(rounds, starts[name].cpu, answers, name) for name in CLIENTS)
    )


def _line(
    rounds: list[dict[str, Spent]], start: float, answers: int, name: str
) -> tuple[object, ...]:
    cpu = measure.median(spent[name].cpu for spent in rounds)
    return (
        name,
        cpu / answers * 1e6,
        (cpu - start) / answers * 1e6,
        start,
        measure.median(spent[name].wall for spent in rounds),
        measure.median(spent[name].peak for spent in rounds),
        ratio(rounds, name),
    )


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--hosts", type=int, help="2000, with --quick 200")
    options.add_argument("--tls", action="store_true", help="over https")
    given = options.parse_args()
    number, usual = (given.hosts or 200, 2) if given.quick else (given.hosts or 2000, 5)
    with tempfile.TemporaryDirectory() as folder, web.serving(tls=given.tls) as port:
        scheme = "https" if given.tls else "http"
        origins = [f"{scheme}://{hosts.address(n)}:{port}/" for n in range(number)]
        one_round(Path(folder), origins[:1])  # compiles bytecode
        starts = one_round(Path(folder), origins[:1])
        rounds = [one_round(Path(folder), origins) for _ in range(given.rounds or usual)]
    answers = number * len(hosts.PATHS)
    show(rounds, starts, answers)
    goals = [
        Goal("CPU of the crawl / plain Scrapy", ratio(rounds, SCRAPY), MAX_OF_SCRAPY),
        Goal("CPU of the crawl / bare aiohttp", ratio(rounds, AIOHTTP), MAX_OF_AIOHTTP),
    ]
    results = [
        {n: {"cpu": s.cpu, "wall": s.wall, "peak_mb": s.peak} for n, s in r.items()} for r in rounds
    ]
    facts = {"hosts": number, "answers": answers, "rounds": results}
    return measure.conclude("crawl_cost", given.json, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
