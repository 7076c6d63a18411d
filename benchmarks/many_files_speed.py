"""Cost of `tdm-audit flag` on many small files, in one process and in two side by side.

`python -m benchmarks.many_files_speed [--files 200] [--rows 20000] [--origins 5000] [--rounds 5]
[--quick] [--json FILE]` makes a judged database, files of `--rows` rows, as many of 100 rows, and
one file with all rows, and flags each in turns. Status 1 if a file of 100 rows costs more than
10 ms of CPU (what is left when the start of the command is taken off), or if two processes take
more than 10 s for 200 files of 20,000 rows. Both goals are of a machine where Protego parses 1 KB
in 183 us. With fewer rows the second is not looked at: then the start of processes decides.
"""

import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks import flag_speed, judge_speed, measure
from benchmarks.measure import Goal, Spent

_TINY_ROWS = 100
_GOAL_S, _GOAL_ROWS = 10.0, 4_000_000
_GOAL_MS = 10.0


def _make(folder: Path, files: int, rows: int, origins: int) -> Path:
    """Write files of equal size; return their folder."""
    folder.mkdir()
    for number in range(files):
        first = number * rows
        statement = flag_speed.MAKE_DATASET.format(
            first=first, end=first + rows, origins=origins, out=folder / f"{number:05}.parquet"
        )
        duckdb.execute(statement)
    return folder


def _flag(db: Path, data: Path, workers: int) -> Spent:
    with tempfile.TemporaryDirectory() as out:
        return flag_speed.flag(db, data, Path(out) / "out", "--workers", str(workers))


def main() -> int:
    """Measure, print, and return the exit status."""
    options = measure.options(__doc__)
    options.add_argument("--files", type=int, help="200, with --quick 100")
    options.add_argument("--rows", type=int, help="of a file, 20,000, with --quick 5,000")
    options.add_argument("--origins", type=int, default=5_000)
    given = options.parse_args()
    files = given.files or (100 if given.quick else 200)
    rows = given.rows or (5_000 if given.quick else 20_000)
    rounds = given.rounds or (2 if given.quick else 5)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        db = folder / "audit.db"
        judge_speed.build(db, given.origins)
        measure.run(["crawler", "judge", "--db", str(db)])
        many = _make(folder / "many", files, rows, given.origins)
        tiny = _make(folder / "tiny", files, _TINY_ROWS, given.origins)
        two = _make(folder / "two", 2, _TINY_ROWS, given.origins)
        whole = _make(folder / "whole", 1, files * rows, given.origins)
        for data in (whole, many, tiny, two):
            _flag(db, data, 1)  # the first time also evaluates
        runs = {
            "one file": (whole, 1),
            "files": (many, 1),
            "files, two processes": (many, 2),
            f"files of {_TINY_ROWS} rows": (tiny, 1),
            f"two files of {_TINY_ROWS} rows": (two, 1),
        }
        measured: dict[str, list[Spent]] = {name: [] for name in runs}
        yardstick = []
        for _ in range(rounds):
            yardstick.append(judge_speed.protego_microseconds())
            for name, (data, workers) in runs.items():
                measured[name].append(_flag(db, data, workers))
    return _report(measured, files, rows, measure.median(yardstick), given.json)


def _report(
    measured: dict[str, list[Spent]], files: int, rows: int, yardstick: float, file: Path | None
) -> int:
    table, cpu, wall = [], {}, {}
    for name, spent in measured.items():
        wall[name] = measure.median(s.wall for s in spent)
        cpu[name] = measure.median(s.cpu for s in spent)
        table.append((name, wall[name], cpu[name], max(s.peak for s in spent)))
    measure.table(("", "wall s", "CPU s", "peak MB"), table)
    scale = judge_speed.PROTEGO / yardstick
    *_, tiny, two = measured
    each = (cpu[tiny] - cpu[two]) / (files - 2) * 1000 * scale
    goals = [Goal(f"CPU ms of a file of {_TINY_ROWS} rows, scaled", each, _GOAL_MS)]
    if files * rows >= _GOAL_ROWS:
        took = wall["files, two processes"] * scale
        goals.append(Goal("wall s of two processes, scaled", took, _GOAL_S))
    facts = {name: [(s.wall, s.cpu, s.peak) for s in spent] for name, spent in measured.items()}
    results: dict[str, object] = {"files": files, "rows": rows, "protego": yardstick, **facts}
    return measure.conclude("many_files_speed", file, results, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
