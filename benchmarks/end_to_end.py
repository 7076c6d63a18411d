"""A whole audit in parts from its dataset to flagged rows, with the time of each step.

`python -m benchmarks.end_to_end --folder DIR [--origins 1000000] [--parts 80] [--workers 2]
[--quick] [--json FILE]` plans an audit of synthetic hosts, asks and judges all parts by a pool,
reads every row of the roll-ups, flags ten rows of each origin, and judges all parts again. A run
that was cut short goes on in the same folder: what a step cost is kept there, and added up.
Status 1 if a process takes more than 250 MB before the roll-ups.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import hosts, measure, web
from benchmarks.measure import MB, Goal
from benchmarks.roll_ups import VIEWS
from crawler.commands.whole import opened_whole
from crawler.store.audit_folder import AuditFolder
from crawler.store.parts import LocalStorage
from crawler.store.whole_connection import WholeConnection

ROWS, PEAK = 10, 250.0
_QUIET = ("--quiet", "--no-progress")
_TIMEOUT = 20 * 3600.0
_ROWS_OF_A_FILE = 1_000_000
# The port in the URLs, whichever the server has: so a run can go on after a break.
_PORT = 18_080


class Costs:
    """The cost of each step, kept in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.steps: dict[str, dict[str, float]] = (
            json.loads(file.read_text()) if file.exists() else {}
        )

    def command(self, step: str, *arguments: object) -> None:
        """Run a command as a step; its cost is added to that of earlier tries."""
        if self.steps.get(step, {}).get("done"):
            return
        begun = time.monotonic()
        processes = measure.watch(["crawler", *map(str, arguments)], timeout=_TIMEOUT)
        self._add(
            step,
            time.monotonic() - begun,
            sum(process.cpu for process in processes),
            max(process.peak for process in processes),
        )

    def inside(self, step: str, work: Callable[[], object]) -> None:
        """Do a step in this process."""
        if self.steps.get(step, {}).get("done"):
            return
        begun, cpu = time.monotonic(), time.process_time()
        work()
        self._add(step, time.monotonic() - begun, time.process_time() - cpu, 0.0)

    def _add(self, step: str, wall: float, cpu: float, peak: float) -> None:
        before = self.steps.get(step, {"wall_s": 0.0, "cpu_s": 0.0, "peak_mb": 0.0})
        self.steps[step] = {
            "wall_s": before["wall_s"] + wall,
            "cpu_s": before["cpu_s"] + cpu,
            "peak_mb": max(before["peak_mb"], peak),
            "done": 1.0,
        }
        self._file.write_text(json.dumps(self.steps, indent=1))


def write_seeds(file: Path, origins: int, port: int) -> None:
    """Write the URL of each host."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(f"http://{hosts.address(n)}:{port}/\n" for n in range(origins))


def write_rows(folder: Path, origins: int, port: int) -> list[Path]:
    """Write files with ten URLs of each host."""
    folder.mkdir(exist_ok=True)
    files, left = [], origins * ROWS
    number = iter(range(left))
    while left > 0:
        file = folder / f"{len(files):05d}.csv"
        size = min(left, _ROWS_OF_A_FILE)
        with file.open("w", encoding="utf-8") as out:
            out.write("url\n")
            for n in (next(number) for _ in range(size)):
                host = hosts.address(n * 7919 % origins)
                out.write(f"http://{host}:{port}/section-{n % 10}/{n}/print\n")
        files.append(file)
        left -= size
    return files


def read(whole: WholeConnection, view: str) -> None:
    """Read every row of a view."""
    for _ in whole.execute(f"SELECT * FROM {view}"):
        pass


def size_of(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MB


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--origins", type=int, default=1_000_000)
    options.add_argument("--parts", type=int, default=80)
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    origins, parts = (1_000, 4) if given.quick else (given.origins, given.parts)
    given.folder.mkdir(parents=True, exist_ok=True)
    db, seeds = given.folder / "audit", given.folder / "origins.txt"
    costs = Costs(given.folder / "costs.json")
    if not seeds.exists():
        write_seeds(seeds, origins, _PORT)
    costs.command("plan", "plan", seeds, "--db", db, "--parts", parts, *_QUIET)
    pool = ("--db", db, "--workers", given.workers, *_QUIET)
    with web.serving() as port:
        costs.command(
            *("crawl", "crawl", *pool, "--delay", "0", "--concurrency", "64"),
            *("--allow-network", "127.0.0.0/8", "--connect-to", f":{_PORT}::{port}"),
        )

    def roll_ups() -> None:
        with opened_whole(AuditFolder(LocalStorage(db))) as whole:
            for view in VIEWS:
                costs.inside(view, partial(read, whole, view))

    costs.inside("open the whole, and all roll-ups", roll_ups)
    files = write_rows(given.folder / "rows", origins, _PORT)
    flagged = given.folder / "flagged"
    costs.command(
        *("flag", "flag", *files, "--db", db, "-o", flagged, "--flags-only"),
        *("--workers", given.workers, *_QUIET),
    )
    costs.command("judge again", "judge", *pool)
    facts = [{"step": n, **cost} for n, cost in enumerate(costs.steps.values(), 1)]
    measure.table(
        ["step", "wall s", "CPU s", "MB"],
        [[name, c["wall_s"], c["cpu_s"], c["peak_mb"]] for name, c in costs.steps.items()],
    )
    print(f"{origins:,} origins, {size_of(db / 'parts'):,.0f} MB in parts, ", end="")
    print(f"{size_of(db / 'tables'):,.0f} MB in tables\n")
    peak = max(costs.steps[step]["peak_mb"] for step in ("plan", "crawl", "judge again"))
    goals = [Goal("largest process before the roll-ups, MB", peak, PEAK)]
    return measure.conclude("end_to_end", given.json, facts, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
