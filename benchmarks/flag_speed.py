"""Speed of `tdm-audit flag`, compared with a copy of the same file and with loops over parsers.

`python -m benchmarks.flag_speed [--rows 10000000] [--origins 100000] [--rounds 5] [--quick]
[--keep FOLDER] [--json FILE]` makes a database and a Parquet file of URLs, captions and sizes, and
runs `tdm-audit flag` and DuckDB's copy of the file in turns. Status 1 if the side-car takes longer
than the copy, the whole file takes more than twice as long, memory is above 1.5 GB, or a loop over
Protego with tldextract does more than a twentieth of the rows a second. `--keep` keeps the inputs
for the next run. The first `flag` on a database also evaluates every set of patterns: status 1 if
that takes more than 2.5 times the CPU time of the next ones.
With `--nested` only side-cars are made: of that file, and of one with its URLs in a structure.
Status 1 if that takes more than 1.3 times the CPU time.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pyarrow.parquet as pq
import tldextract
from protego import Protego

from benchmarks import judge_speed, measure
from benchmarks.measure import MB, Goal, Spent
from crawler.store import flag_cache
from crawler.store.database import connect, transaction

_LOOP_ROWS = 8_000
_FIRST = 2.5
# One row in ten has a path that some host has a rule about, one in twenty is percent-encoded.
#: SQL that writes rows of a dataset, numbered from `first` to `end`, to a file.
MAKE_DATASET = """
COPY (
    SELECT
        'https://' || CASE WHEN h % 2 = 1 THEN 'www' ELSE 'shop' END || '.s'
            || lpad((h // 2)::VARCHAR, 7, '0') || '.test' || CASE i % 20
            WHEN 0 THEN '/section-' || (i % 97 % 10) || '/' || i || '/print'
            WHEN 1 THEN '/news/' || i || '.html'
            WHEN 2 THEN '/caf%C3%A9/' || i
            WHEN 3 THEN '/image/' || md5(i::VARCHAR) || '.JPG?w=640&h=480'
            WHEN 4 THEN '/p/' || i || '?utm_source=feed#top'
            ELSE '/2024/05/' || left(md5(i::VARCHAR), 12) || '/' || i || '.jpg' END AS url,
        'a picture of ' || md5((i * 7)::VARCHAR) || ' and ' || (i % 1000) || ' more' AS caption,
        (i * 7919 % 4096)::INTEGER AS width,
        (i * 104729 % 4096)::INTEGER AS height
    FROM (SELECT i, (hash(i) % {origins})::BIGINT AS h FROM range({first}, {end}) AS t (i))
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""

_NEST = """
COPY (
    SELECT {{'url': url, 'width': width}} AS meta, caption, height FROM '{data}'
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""


def copy(data: Path, out: Path) -> Spent:
    """Copy the file unchanged with DuckDB, in a subprocess."""
    statement = f"COPY (FROM '{data}') TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
    return measure.run(["benchmarks.flag_speed", "--statement", statement])


def flag(db: Path, data: Path, out: Path, *options: str) -> Spent:
    """Run the shipped command."""
    given = ["flag", str(data), "--db", str(db), "-o", str(out), "--quiet", *options]
    return measure.run(["crawler", *given])


def loop_speed(urls: list[str], allowed: Callable[[str], bool], hosts_a_row: float) -> float:
    """Return the rows a second of a loop that calls `allowed` for each URL.

    The URLs are looped over twice. The difference is the parsing of the hosts, which is counted
    for `hosts_a_row`, since a large dataset has fewer hosts for each row.
    """
    first, second = (_loop_seconds(urls, allowed) for _ in range(2))
    hosts = len({urlsplit(url).netloc for url in urls})
    parsing = max(first - second, 0) / hosts
    return 1 / (second / len(urls) + parsing * hosts_a_row)


def _loop_seconds(urls: list[str], allowed: Callable[[str], bool]) -> float:
    begun = time.process_time()
    for url in urls:
        allowed(url)
    return time.process_time() - begun


def protego() -> Callable[[str], bool]:
    """Return a check of a URL for GPTBot, with one parser for each host, and tldextract."""
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    parsers: dict[str, Protego] = {}

    def allowed(url: str) -> bool:
        host = urlsplit(url).netloc
        extract(url)
        if host not in parsers:
            parsers[host] = Protego.parse(robots(host).decode())
        return bool(parsers[host].can_fetch(url, "GPTBot"))

    return allowed


def robots_checker(urls: list[str], hosts_a_row: float) -> float | None:
    """Return the rows a second of `robots-checker`, a checker of single URLs; None without it.

    It caches the parsers of 8,192 hosts, so this holds for rows in the order of their hosts.
    """
    try:
        from url_checker import RobotsTxtComplianceChecker  # type: ignore[import-not-found]
    except ImportError:
        return None
    # Its constructor would download a list of files: it gets those of the hosts here.
    checker = object.__new__(RobotsTxtComplianceChecker)
    hosts = {urlsplit(url).netloc for url in urls}
    checker.robots_dict = {host: robots(host) for host in hosts}
    return loop_speed(urls, lambda url: checker.is_compliant(url) == "Compliant", hosts_a_row)


def robots(host: str) -> bytes:
    """Return the robots.txt of a host of the synthetic database."""
    number = int(host.split(".")[1][1:]) * 2 + host.startswith("www")
    return judge_speed.content("/robots.txt", number) or b""


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--rows", type=int, help="10,000,000, with --quick 1,000,000")
    options.add_argument("--origins", type=int, help="100,000, with --quick 5,000")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="make things there, once")
    options.add_argument(
        "--nested", action="store_true", help="only side-cars, of nested URLs, too"
    )
    options.add_argument("--statement", help="run an SQL statement, nothing else")
    given = options.parse_args()
    if given.statement:
        duckdb.execute(given.statement)
        return 0
    rows = given.rows or (1_000_000 if given.quick else 10_000_000)
    origins = given.origins or (5_000 if given.quick else 100_000)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        db, data = folder / f"audit-{origins}.db", folder / f"rows-{rows}-{origins}.parquet"
        if not db.exists():
            judge_speed.build(db, origins)
            print(f"judged in {measure.run(['crawler', 'judge', '--db', str(db)]).wall:,.0f} s")
        if not data.exists():
            duckdb.execute(MAKE_DATASET.format(first=0, end=rows, origins=origins, out=data))
        rounds = given.rounds or (3 if given.quick else 5)
        if given.nested:
            return report_nested(db, data, Path(temporary), rounds, given.json)
        return report(db, data, origins, Path(temporary), rounds, given.json)


def report_nested(db: Path, data: Path, folder: Path, rounds: int, file: Path | None) -> int:
    """Measure side-cars of a file and of one with nested URLs; return the exit status."""
    nested, out = folder / "nested.parquet", folder / "out.parquet"
    duckdb.execute(_NEST.format(data=data, out=nested))
    flag(db, data, out, "--flags-only")
    tasks = {"flat": (data, "url"), "nested": (nested, "meta.url")}
    measured: dict[str, list[Spent]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, (path, column) in tasks.items():
            options = ("--flags-only", "--url-column", column)
            measured[name].append(flag(db, path, out, *options))
    table = []
    for name, spent in measured.items():
        pairs = list(zip(spent, measured["flat"], strict=True))
        wall, cpu = (measure.median(getattr(s, f) for s in spent) for f in ("wall", "cpu"))
        ratio = measure.median(s.cpu / f.cpu for s, f in pairs)
        table.append((name, wall, cpu, ratio, max(s.peak for s in spent)))
    measure.table(("", "wall s", "CPU s", "x CPU", "peak MB"), table)
    facts = {name: [(s.wall, s.cpu, s.peak) for s in spent] for name, spent in measured.items()}
    goals = [Goal("nested side-car, CPU against the flat one", table[-1][3], 1.3)]
    return measure.conclude("flag_speed_nested", file, facts, goals)


def _forget_flags(path: Path) -> None:
    """Delete what earlier flaggings stored, so that the next one is the first."""
    with closing(connect(path)) as db, transaction(db):
        flag_cache.clear(db)
        db.execute(
            "DELETE FROM verdict WHERE pattern_set NOT IN ('', '@') AND pattern_set NOT LIKE '=%'"
        )


def report(db: Path, data: Path, origins: int, folder: Path, rounds: int, file: Path | None) -> int:
    """Measure, print, and return the exit status."""
    out = folder / "out.parquet"
    _forget_flags(db)
    first = flag(db, data, out, "--flags-only")
    measured: dict[str, list[Spent]] = {"copy": [], "side-car": [], "whole file": []}
    for _ in range(rounds):
        measured["copy"].append(copy(data, out))
        measured["side-car"].append(flag(db, data, out, "--flags-only"))
        measured["whole file"].append(flag(db, data, out))
    rows = pq.read_metadata(data).num_rows
    print(f"{rows:,} rows, {data.stat().st_size / MB:,.0f} MB; medians of {rounds} rounds")
    print(
        f"the first flagging of this database took {first.wall:,.1f} s, {first.cpu:,.1f} s of CPU"
    )
    ratios = {}
    rows_shown = []
    for name, spent in measured.items():
        wall, cpu = (measure.median(getattr(s, f) for s in spent) for f in ("wall", "cpu"))
        pairs = list(zip(spent, measured["copy"], strict=True))
        ratios[name] = (
            measure.median(s.wall / c.wall for s, c in pairs),
            measure.median(s.cpu / c.cpu for s, c in pairs),
        )
        peak = max(s.peak for s in spent)
        rows_shown.append((name, wall, cpu, *ratios[name], rows / wall, peak))
    header = ("", "wall s", "CPU s", "x wall", "x CPU", "rows/s", "peak MB")
    measure.table(header, rows_shown)
    urls = pq.ParquetFile(data).read_row_group(0, ["url"]).column(0).to_pylist()[:_LOOP_ROWS]
    hosts_a_row = origins / rows
    naive, checker = loop_speed(urls, protego(), hosts_a_row), robots_checker(urls, hosts_a_row)
    warm = measure.median(s.cpu for s in measured["side-car"])
    fast = rows / measure.median(s.wall for s in measured["side-car"])
    print(f"loop over Protego and tldextract: {naive:,.0f} rows/s, robots-checker: {checker}")
    goals = [
        Goal("side-car, wall against the copy", ratios["side-car"][0], 1.0),
        Goal("whole file, wall against the copy", ratios["whole file"][0], 2.0),
        Goal("whole file, CPU against the copy", ratios["whole file"][1], 2.0),
        Goal("first side-car, CPU against the next ones", first.cpu / warm, _FIRST),
        Goal("peak MB of the side-car", max(s.peak for s in measured["side-car"]), 1_500),
        Goal("rows a second against the loop", fast / naive, 20, at_least=True),
    ]
    if checker:
        goals.append(Goal("rows a second against robots-checker", fast / checker, 5, at_least=True))
    facts = {name: [(s.wall, s.cpu, s.peak) for s in spent] for name, spent in measured.items()}
    results = {
        "rows": rows,
        "first": first.wall,
        "first_cpu": first.cpu,
        "loop": naive,
        "checker": checker,
    } | facts
    return measure.conclude("flag_speed", file, results, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
