"""Speed of counting the origins of a dataset, compared with counting its distinct hosts.

`python -m benchmarks.ingest_speed [--rows 10000000] [--hosts 100000] [--memory-limit 1GB]
[--layout plain|nested|list] [--rounds 5] [--quick] [--keep FOLDER] [--json FILE]` makes a Parquet
file of URLs (in a column, in a structure, or in lists of four) and lets DuckDB count its distinct
hosts and `crawler.dataset.inventory` its origins, each in a subprocess, in turns. Status 1 if the
inventory with samples takes more than twice the CPU time of counting in a plain column, if that
without samples takes more than 2.5 times in the others, or if it takes more memory than DuckDB's
limit and 300 MB. For many hosts: `--rows 20000000 --hosts 20000000 --memory-limit 512MB
--rounds 1`.
"""

import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks import measure
from benchmarks.measure import Goal, Spent
from crawler.dataset.inventory import inventory

# Every host has a row; of the others, hosts with small numbers have more.
_MAKE_DATASET = """
COPY (
    WITH plain AS (
    SELECT i, 'https://www.s' || lpad(h::VARCHAR, 8, '0') || '.test/2024/05/' || i
        || '/some-title-of-a-page.html' || CASE WHEN i % 5 = 0 THEN '?ref=' || i ELSE '' END AS url
    FROM (
        SELECT i, CASE WHEN i < {hosts} THEN i
            ELSE floor({hosts} * pow((hash(i) % 1000003) / 1000003, 3))::BIGINT END AS h
        FROM range({rows}) AS t (i)
    )
    )
    {layout}
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""
_LAYOUTS = {
    "plain": "SELECT url FROM plain",
    "nested": "SELECT {'url': url, 'n': i} AS meta FROM plain",
    "list": "SELECT list(url) AS urls FROM plain GROUP BY i // 4",
}
# The texts of each layout, as users of DuckDB would name them.
_TEXTS = {
    "plain": "SELECT url FROM '{}'",
    "nested": "SELECT meta.url AS url FROM '{}'",
    "list": "SELECT unnest(urls) AS url FROM '{}'",
}
_COUNT = "SELECT count(DISTINCT split_part(url, '/', 3)) FROM ({})"
# MB that Python and DuckDB may take over the memory limit.
_OVERHEAD = 300


def work(task: str, data: str, limit: str, layout: str) -> int:
    """Do one task, in the process that is measured."""
    if task == "count":
        with duckdb.connect(config={"memory_limit": limit}) as connection:
            texts = _TEXTS[layout].format(data)
            print(connection.execute(_COUNT.format(texts)).fetchall())
        return 0
    samples = 0 if task == "counts alone" else 3
    with inventory(data, memory_limit=limit, samples=samples) as counted:
        print(sum(1 for _ in counted.origins()))
    return 0


def report(data: Path, rounds: int, limit: str, layout: str, file: Path | None) -> int:
    """Measure, print, and return the exit status."""
    names = ("count", "counts alone", "with samples")
    measured: dict[str, list[Spent]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            command = ["benchmarks.ingest_speed", "--work", name, str(data), limit, layout]
            measured[name].append(measure.run(command))
    rows, ratios = [], {}
    for name, spent in measured.items():
        pairs = list(zip(spent, measured["count"], strict=True))
        ratios[name] = measure.median(s.cpu / c.cpu for s, c in pairs)
        wall, cpu = (measure.median(getattr(s, f) for s in spent) for f in ("wall", "cpu"))
        rows.append((name, wall, cpu, ratios[name], max(s.peak for s in spent)))
    measure.table(("", "wall s", "CPU s", "x CPU", "peak MB"), rows)
    [(allowed,)] = duckdb.execute("SELECT parse_formatted_bytes(?)", [limit]).fetchall()
    goals = [
        Goal("CPU with samples against counting", ratios["with samples"], 2)
        if layout == "plain"
        else Goal("CPU of counts alone against counting", ratios["counts alone"], 2.5),
        Goal("peak MB", rows[-1][-1], allowed / measure.MB + _OVERHEAD),
    ]
    facts = {name: [(s.wall, s.cpu, s.peak) for s in spent] for name, spent in measured.items()}
    return measure.conclude("ingest_speed", file, facts, goals)


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--rows", type=int, help="10,000,000, with --quick 1,000,000")
    options.add_argument("--hosts", type=int, help="100,000, with --quick 10,000")
    options.add_argument("--memory-limit", default="1GB", help="DuckDB's, by default 1GB")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="make the file there, once")
    options.add_argument("--layout", choices=_LAYOUTS, default="plain", help="where URLs are")
    options.add_argument("--work", nargs=4, help="do one task, nothing else")
    given = options.parse_args()
    if given.work:
        return work(*given.work)
    rows = given.rows or (1_000_000 if given.quick else 10_000_000)
    hosts = given.hosts or (10_000 if given.quick else 100_000)
    with tempfile.TemporaryDirectory() as temporary:
        data = (given.keep or Path(temporary)) / f"{given.layout}-{rows}-{hosts}.parquet"
        if not data.exists():
            layout = _LAYOUTS[given.layout]
            made = _MAKE_DATASET.format(rows=rows, hosts=hosts, layout=layout, out=data)
            duckdb.execute(made)
        rounds = given.rounds or (3 if given.quick else 5)
        return report(data, rounds, given.memory_limit, given.layout, given.json)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
