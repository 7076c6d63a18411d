"""A crawl with hostile hosts among honest ones, compared with the crawl of the honest ones alone.

`python -m benchmarks.hostile_hosts [--each] [--rounds 1] [--quick] [--json FILE]`. Status 1 if one
hostile host among a thousand honest ones costs more than 5 % of the time or 60 MB, if twenty cost
more than 20 % or 200 MB in all, or if any honest host gets another answer because of them.
Times are a quarter of the usual ones: `--delay 250ms`, `--timeout 4s`, `--origin-time 7500ms`.
"""

import sqlite3
import sys
import tempfile
import time
from contextlib import closing, nullcontext
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from benchmarks import hostile_web, hosts, measure, web
from benchmarks.measure import Goal

ONE_TIME, ONE_MB, TWENTY_TIME, TWENTY_MB = 1.05, 60.0, 1.2, 200.0
HOSTS, QUICK_HOSTS, HOSTILE = 1_000, 300, 20
#: Hosts of which a crawl has one: the one that takes longest, and those that cost most CPU time.
ALONE = ("slow answers", "chunks of one octet")
_SCALED = ("--delay", "250ms", "--timeout", "4s")
_BUDGET = ("--origin-time", "7500ms")
_ANSWERS = """
    SELECT replace(origin, ':' || ?, ''), tdm, ai_train, genai_train, ai_input, search, complete
    FROM reservations WHERE origin NOT LIKE '%127.200.%'
"""


class Crawl(NamedTuple):
    """Seconds and CPU seconds of a crawl, megabytes of its processes at their largest, all added,
    and the answers of the honest hosts.
    """

    seconds: float
    cpu: float
    megabytes: float
    answers: frozenset[tuple[object, ...]]


def crawl(folder: Path, urls: list[str], port: int, more: tuple[str, ...]) -> Crawl:
    """Run the shipped command on these URLs, into a new database."""
    db, seeds = folder / "audit.db", folder / "origins.txt"
    db.unlink(missing_ok=True)
    seeds.write_text("".join(f"{url}\n" for url in urls), encoding="utf-8")
    command = ["crawler", "crawl", str(seeds), "--db", str(db), "--quiet", "--no-progress"]
    command += [*_SCALED, *more, "--allow-network", "127.0.0.0/8"]
    begun = time.monotonic()
    processes = measure.watch(command)
    seconds = time.monotonic() - begun
    with closing(sqlite3.connect(db)) as stored:
        answers = frozenset(stored.execute(_ANSWERS, (port,)))
    # A process that is being started shows the size of its parent for a moment.
    megabytes = sum(p.peak for p in processes if len(p.resident) > 2)
    return Crawl(seconds, sum(p.cpu for p in processes), megabytes, answers)


def spread(honest: list[str], hostile: tuple[str, ...]) -> list[str]:
    """Return the URLs of both, the hostile ones at equal distances."""
    mixed, step = list(honest), len(honest) / max(1, len(hostile))
    for number in reversed(range(len(hostile))):
        mixed.insert(round((number + 0.5) * step), hostile[number])
    return mixed


def compare(
    folder: Path, number: int, casts: dict[str, tuple[str, ...]], more: tuple[str, ...]
) -> list[dict[str, object]]:
    """Crawl the honest hosts alone, and with each cast of hostile ones; return what these cost."""
    facts: list[dict[str, object]] = []
    with web.serving() as port:
        honest = [f"http://{hosts.address(n)}:{port}/" for n in range(number)]
        alone: Crawl | None = None
        for name, kinds in {"none": (), **casts}.items():
            with hostile_web.serving(kinds) if kinds else nullcontext(()) as hostile:
                done = crawl(folder, spread(honest, hostile), port, more)
            alone = alone or done
            facts.append(
                {
                    "hostile": name,
                    "seconds": done.seconds,
                    "cpu_s": done.cpu,
                    "mb": done.megabytes,
                    "time_ratio": done.seconds / alone.seconds,
                    "mb_more": done.megabytes - alone.megabytes,
                    "other_answers": len(alone.answers - done.answers),
                }
            )
            measure.table(list(facts[-1]), [list(facts[-1].values())])
    return facts


def goals_of(rounds: list[list[dict[str, object]]]) -> list[Goal]:
    """Return the goals for the medians of all rounds."""
    goals = []
    for facts in zip(*(facts[1:] for facts in rounds), strict=True):
        name = str(facts[0]["hostile"])
        time_bound, mb_bound = (TWENTY_TIME, TWENTY_MB) if name == "twenty" else (ONE_TIME, ONE_MB)
        for key, bound in (("time_ratio", time_bound), ("mb_more", mb_bound), ("other_answers", 0)):
            value = measure.median(float(str(fact[key])) for fact in facts)
            goals.append(Goal(f"{name}: {key}", value, bound))
    return goals


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--each", action="store_true", help="one crawl for each kind, too")
    options.add_argument(
        "--without-budget", action="store_true", help="for a version without --origin-time"
    )
    given = options.parse_args()
    more = () if given.without_budget else _BUDGET
    alone = tuple(hostile_web.KINDS) if given.each else ALONE
    casts = {kind: (kind,) for kind in alone}
    casts["twenty"] = tuple(islice(cycle(hostile_web.KINDS), HOSTILE))
    number = QUICK_HOSTS if given.quick else HOSTS
    rounds = []
    for _ in range(given.rounds or 1):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(compare(Path(folder), number, casts, more))
    return measure.conclude("hostile_hosts", given.json, rounds, goals_of(rounds))


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
