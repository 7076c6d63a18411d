"""Cost of facets when a dataset is ingested, and of hashing files that did not change.

`python -m benchmarks.facets_speed [--rows 3000000] [--hosts 30000] [--rounds 3] [--quick]
[--json FILE]` makes a Parquet file with URLs, languages, splits and dates. It is ingested into an
empty database without facets, with one and with three, and its SHA-256 is computed, each in a
subprocess, in turns. Status 1 if one or three facets add more than 20 % to the CPU time.

Most pages of a host are in one language, its dates are of three years, and splits are random: a
host has about 15 values in all.
"""

import sys
import tempfile
from contextlib import closing
from pathlib import Path

import duckdb

from benchmarks import measure
from benchmarks.measure import Goal, Spent
from crawler.commands.ingest import IngestRequest, ingest
from crawler.dataset.files import identify
from crawler.store.database import connect

_MAKE_DATASET = """
COPY (
    SELECT
        'https://www.s' || lpad(h::VARCHAR, 8, '0') || '.test/2024/05/' || i
            || '/some-title-of-a-page.html' || CASE WHEN i % 5 = 0 THEN '?ref=' || i ELSE '' END
            AS url,
        'l' || CASE WHEN hash(i) % 10 = 0 THEN hash(i * 7) ELSE hash(h) END % 20 AS language,
        ['train', 'train', 'train', 'validation', 'test'][1 + (hash(i * 3) % 5)::INTEGER] AS split,
        DATE '2014-01-01' + (hash(h) % 8 * 365 + hash(i * 5) % 1000)::INTEGER AS date
    FROM (
        SELECT i, CASE WHEN i < {hosts} THEN i
            ELSE floor({hosts} * pow((hash(i) % 1000003) / 1000003, 3))::BIGINT END AS h
        FROM range({rows}) AS t (i)
    )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""
_FACETS = (("language", "language"), ("split", "split"), ("year", "date"))
_TASKS = {"without": 0, "one facet": 1, "three facets": 3}
_HASH = "hash of the file"


def work(task: str, data: str) -> int:
    """Do one task, in the process that is measured."""
    if task == _HASH:
        print(identify([data])[0].sha256)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.db"
        request = IngestRequest(datasets=(data,), facets=_FACETS[: _TASKS[task]])
        with closing(connect(path, create=True)) as db:
            print(ingest(db, path, request))
    return 0


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--rows", type=int, help="3,000,000, with --quick 1,000,000")
    options.add_argument("--hosts", type=int, help="30,000, with --quick 10,000")
    options.add_argument("--work", nargs=2, help="do one task, nothing else")
    given = options.parse_args()
    if given.work:
        return work(*given.work)
    rows = given.rows or (1_000_000 if given.quick else 3_000_000)
    hosts = given.hosts or (10_000 if given.quick else 30_000)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "d.parquet"
        duckdb.execute(_MAKE_DATASET.format(rows=rows, hosts=hosts, out=data))
        return report(data, given.rounds or (2 if given.quick else 3), given.json)


def report(data: Path, rounds: int, file: Path | None) -> int:
    """Measure, print, and return the exit status."""
    measured: dict[str, list[Spent]] = {name: [] for name in (*_TASKS, _HASH)}
    for _ in range(rounds):
        for name, spent in measured.items():
            spent.append(measure.run(["benchmarks.facets_speed", "--work", name, str(data)]))
    table, ratios = [], {}
    for name, spent in measured.items():
        pairs = zip(spent, measured["without"], strict=True)
        ratios[name] = measure.median(s.cpu / w.cpu for s, w in pairs)
        wall, cpu = (measure.median(getattr(s, f) for s in spent) for f in ("wall", "cpu"))
        table.append((name, wall, cpu, ratios[name], max(s.peak for s in spent)))
    measure.table(("", "wall s", "CPU s", "x CPU", "peak MB"), table)
    goals = [Goal(f"CPU with {n} against none", ratios[n], 1.2) for n in list(_TASKS)[1:]]
    facts = {name: [(s.wall, s.cpu, s.peak) for s in spent] for name, spent in measured.items()}
    return measure.conclude("facets_speed", file, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
