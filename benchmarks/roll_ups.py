"""Roll-ups of a whole audit in parts, from Parquet in DuckDB, against SQLite.

`python -m benchmarks.roll_ups [--origins 1000000] [--part 20000] [--rounds 3] [--quick]
[--json FILE]` judges one part of synthetic origins, exports its tables, and writes them again as
those of other parts with names of their own. It reads every row and column of each view, on two
threads, and the same views of the one part in SQLite.
Seconds are those of CPU over two threads, the time on two cores that nobody else uses: other
processes make the wall time of a busy machine longer, and not this. Each is the best of several.
It also copies the views into SQLite, once, as `serve` does of an audit in parts.
Status 1 if a view takes more than a second for 1,000,000 origins, less for fewer in proportion (and
a quarter of a second to plan it), or if writing tables costs more than 0.5 ms of CPU an origin.
"""

import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb

from benchmarks import judge_speed, measure
from benchmarks.measure import MB, Goal
from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.dataset.duck import connect as connect_duckdb
from crawler.serve.metadata import DESCENDING
from crawler.store import exported_tables, tables
from crawler.store.database import connect, connect_read_only
from crawler.store.whole_audit import open_tables
from crawler.store.whole_connection import WholeConnection
from crawler.store.whole_copy import whole_copy

VIEWS = (
    *("runs", "dataset_summary", "dataset_bounds", "rights_holders"),
    *("reservations", "sites", "leverage"),
)
SECONDS, ORIGINS = 1.0, 1_000_000
#: Seconds in which a query is planned and footers are read, however few rows there are.
CONSTANT = 0.25
EXPORT_MS = 0.5
THREADS = 2
_ROWS_AT_ONCE = 100_000
#: Texts that differ from part to part, since a site is in one part.
_NAMES = {
    "origin": ("key", "host", "site"),
    "party_group": ("site", "party_group"),
    "site_domain": ("site",),
    "reservations": ("host", "site"),
}
_URLS = {"origin": "url", "reservations": "origin"}


def write_parts(duck: duckdb.DuckDBPyConnection, folder: Path, path: Path, number: int) -> None:
    """Write the tables of part 0 again as those of the other parts."""
    with closing(connect(path)) as db:
        columns = {name: exported_tables.columns_of(db, name) for name in exported_tables.TABLES}
    for name, types in columns.items():
        first = folder / name / "00000-g0.parquet"
        for part in range(1, number) if first.exists() else ():
            shown = exported_tables.columns_in_part(name, types, part)
            for column in _NAMES.get(name, ()):
                shown = shown.replace(f'"{column}"', f'\'p{part}-\' || "{column}" AS "{column}"')
            if url := _URLS.get(name):
                shown = shown.replace(f'"{url}"', f"replace({url}, '://', '://p{part}-') AS {url}")
            file = folder / name / f"{part:05d}-g0.parquet"
            duck.execute(
                f"COPY (SELECT {shown} FROM '{first}') TO '{file}' "
                "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)"
            )


def best(rounds: int, work: Callable[[], int]) -> tuple[float, int]:
    """Return the least CPU seconds of several rounds, and the number of rows."""
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        rows = work()
        found.append((time.process_time() - begun, rows))
    return min(found)


def in_duckdb(duck: duckdb.DuckDBPyConnection, view: str) -> int:
    """Read a view whole; return the number of its rows."""
    reader = duck.sql(f"SELECT * FROM {view}").to_arrow_reader(_ROWS_AT_ONCE)
    return sum(batch.num_rows for batch in reader)


def in_sqlite(db: sqlite3.Connection, view: str) -> int:
    """Read a view whole; return the number of its rows."""
    return sum(1 for _ in db.execute(f"SELECT * FROM {view}"))


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--origins", type=int, default=ORIGINS)
    options.add_argument("--part", type=int, default=20_000, help="origins of a part")
    given = options.parse_args()
    size = min(given.part, 1_000 if given.quick else given.origins)
    parts = max(1, (4_000 if given.quick else given.origins) // size)
    origins = parts * size
    rounds, goals = given.rounds or 3, []
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "part.db"
        judge_speed.build(path, size)
        with closing(connect(path)) as db:
            rebuild(db, chosen=rulesets.load("signals"))
            begun = time.process_time()
            tables.export(db, folder / "tables")
            export = 1000 * (time.process_time() - begun) / size
            tables.export(db, folder / "one")
        goals.append(Goal("CPU ms an origin to write tables", export, EXPORT_MS))
        with closing(connect_duckdb(folder, "4GB")) as duck:
            write_parts(duck, folder / "tables", path, parts)
        octets = sum(file.stat().st_size for file in (folder / "tables").rglob("*.parquet"))
        figures["octets an origin"] = octets / origins
        with (
            closing(connect_read_only(path)) as db,
            closing(connect_duckdb(folder, "4GB")) as one,
            closing(connect_duckdb(folder, "4GB")) as duck,
        ):
            for opened in (one, duck):
                opened.execute(f"SET threads = {THREADS}")
            open_tables(one, folder / "one")
            open_tables(duck, folder / "tables")
            for view in VIEWS:
                sqlite, few = best(rounds, lambda view=view: in_sqlite(db, view))
                single, same = best(rounds, lambda view=view: in_duckdb(one, view))
                whole, rows = best(rounds, lambda view=view: in_duckdb(duck, view))
                if few != same:
                    raise measure.FailedError(f"{view}: {few} rows in SQLite, {same} in DuckDB")
                figures[f"{view}: SQLite over DuckDB, CPU, {size:,} origins"] = sqlite / single
                figures[f"{view}: rows of {origins:,} origins"] = rows
                bound = CONSTANT + SECONDS * origins / ORIGINS
                title = f"{view}: seconds on {THREADS} cores, {origins:,} origins"
                goals.append(Goal(title, whole / THREADS, bound))
            begun = time.process_time()
            copy = whole_copy(
                *(folder / "copy", "benchmark", WholeConnection(duck)),
                sorted_by=DESCENDING,
                shown=lambda views: views,
            )
            figures["CPU ms an origin to copy views for serve"] = (
                1000 * (time.process_time() - begun) / origins
            )
            figures["octets an origin of the copy"] = copy.stat().st_size / origins
        figures["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB
    for title, value in figures.items():
        print(f"{title}: {value:,.4g}")
    return measure.conclude("roll_ups", given.json, figures, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
