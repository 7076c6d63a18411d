"""Speed of `tdm-audit flag --date-column`, compared with `flag` of the same file.

`python -m benchmarks.as_of_speed [--rows 5000000] [--origins 20000] [--runs 6] [--rounds 3]
[--quick] [--keep FOLDER] [--json FILE]` makes a database of origins that were visited by several
runs, of which every eleventh changed, and a Parquet file of URLs with a time for each row, as a
timestamp, as text and as a date. `flag` runs in turns with and without each of the columns. The
first run with dates also evaluates what each origin said at which time, and is told by itself.
Status 1 if dates make more than twice the time, wall or CPU, or if memory is above 1.5 GB.
"""

import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from benchmarks import flag_speed, history_speed, measure
from benchmarks.measure import Goal, Spent

# Times over the fifteen months in which the synthetic runs are, so that some are before them.
_MAKE_DATASET = """
COPY (
    SELECT
        url, collected, collected::DATE AS day,
        strftime(collected, '%Y-%m-%dT%H:%M:%SZ') AS words
    FROM (
        SELECT
            'https://' || CASE WHEN h % 2 = 1 THEN 'www' ELSE 'shop' END || '.s'
                || lpad((h // 2)::VARCHAR, 7, '0') || '.test' || CASE i % 20
                WHEN 0 THEN '/section-' || (i % 97 % 10) || '/' || i || '/print'
                WHEN 1 THEN '/news/' || i || '.html'
                WHEN 2 THEN '/caf%C3%A9/' || i
                ELSE '/2024/05/' || left(md5(i::VARCHAR), 12) || '/' || i || '.jpg' END AS url,
            TIMESTAMP '2026-10-01' + INTERVAL (hash(i, 7) % 39000000) SECOND AS collected
        FROM (SELECT i, (hash(i) % {origins})::BIGINT AS h FROM range({rows}) AS t (i))
    )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""
_WAYS = {
    "without dates": (),
    "timestamp": ("--date-column", "collected"),
    "text": ("--date-column", "words"),
    "day": ("--date-column", "day"),
}


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--rows", type=int, help="5,000,000, with --quick 500,000")
    options.add_argument("--origins", type=int, help="20,000, with --quick 1,000")
    options.add_argument("--runs", type=int, default=6)
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="make things there, once")
    given = options.parse_args()
    rows = given.rows or (500_000 if given.quick else 5_000_000)
    origins = given.origins or (1_000 if given.quick else 20_000)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        db = folder / f"as-of-{origins}-{given.runs}.db"
        data = folder / f"as-of-{rows}-{origins}.parquet"
        if not db.exists():
            history_speed.build(db, origins, given.runs)
            print(f"judged in {measure.run(['crawler', 'judge', '--db', str(db)]).wall:,.0f} s")
        if not data.exists():
            duckdb.execute(_MAKE_DATASET.format(rows=rows, origins=origins, out=data))
        return report(db, data, Path(temporary), given.rounds or 3, given.json)


def report(db: Path, data: Path, folder: Path, rounds: int, file: Path | None) -> int:
    """Measure, print, and return the exit status."""
    out = folder / "out.parquet"
    first = {name: flag_speed.flag(db, data, out, *given) for name, given in _WAYS.items()}
    measured: dict[str, list[Spent]] = {name: [] for name in _WAYS}
    for _ in range(rounds):
        for name, given in _WAYS.items():
            measured[name].append(flag_speed.flag(db, data, out, *given))
    rows = pq.read_metadata(data).num_rows
    shown, goals = [], []
    for name, spent in measured.items():
        wall, cpu = (measure.median(getattr(s, f) for s in spent) for f in ("wall", "cpu"))
        pairs = list(zip(spent, measured["without dates"], strict=True))
        ratios = [
            measure.median(getattr(s, f) / getattr(c, f) for s, c in pairs) for f in ("wall", "cpu")
        ]
        peak = max(s.peak for s in spent)
        shown.append((name, first[name].wall, wall, cpu, *ratios, rows / wall, peak))
        if name != "without dates":
            goals.append(Goal(f"{name}, wall against flag without dates", ratios[0], 2.0))
            goals.append(Goal(f"{name}, CPU against flag without dates", ratios[1], 2.0))
            goals.append(Goal(f"{name}, peak MB", peak, 1_500))
    print(f"{rows:,} rows; medians of {rounds} rounds")
    header = ("", "first s", "wall s", "CPU s", "x wall", "x CPU", "rows/s", "peak MB")
    measure.table(header, shown)
    facts = {name: [(s.wall, s.cpu, s.peak) for s in spent] for name, spent in measured.items()}
    return measure.conclude("as_of_speed", file, {"rows": rows} | facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
