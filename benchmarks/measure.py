"""Run a command and know what it took; hold results against goals; print and keep them."""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from crawler import __version__

ROOT = Path(__file__).parent.parent
#: Seconds after which a command is ended and the measurement given up.
LONGEST = 900.0
_GRAIN = 0.05
#: The environment of what is measured: its bytecode is there, as that of an installed package.
INSTALLED = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
MB = 1024 * 1024


class Spent(NamedTuple):
    """What a process took: seconds of wall and CPU, the largest resident size in MB, both with
    the children that it waited for, and `(time, MB)` samples of its own size over its life.
    """

    wall: float
    cpu: float
    peak: float
    resident: tuple[tuple[float, float], ...]
    output: str


class Goal(NamedTuple):
    """A number that is to be at most (or at least) so much."""

    name: str
    found: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.found >= self.bound if self.at_least else self.found <= self.bound

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        word = "met" if self.met else "MISSED"
        return f"{word:>6}  {self.name}: {self.found:,.3g} (goal {sign} {self.bound:,g})"


class FailedError(Exception):
    """A command that was measured did not do what it was to do."""


def run(command: Sequence[str], *, statuses: tuple[int, ...] = (0,)) -> Spent:
    """Run a Python module with arguments in a process of its own, and measure that process."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=ROOT,
            env=INSTALLED,
        )
        resident = []
        while not (done := os.wait4(process.pid, os.WNOHANG))[0]:
            resident.append((time.time(), _resident(process.pid)))
            if time.monotonic() - begun > LONGEST:
                process.kill()
            time.sleep(_GRAIN)
        wall, usage = time.monotonic() - begun, done[2]
        process.returncode = os.waitstatus_to_exitcode(done[1])
        if process.returncode not in statuses:
            err.seek(0)
            said = err.read()[-2000:]
            raise FailedError(f"{command[0]} ended with {process.returncode}: {said}")
        out.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Spent(wall, cpu, usage.ru_maxrss / 1024, tuple(resident), out.read())


class Process(NamedTuple):
    """What a process took while it was looked at: its largest resident size in MB, CPU seconds,
    and `(time, MB)` samples of its resident size. `runs` is the module of ours whose process it
    is; empty for the command itself.
    """

    runs: str
    peak: float
    cpu: float
    resident: list[tuple[float, float]]

    @property
    def seconds(self) -> float:
        """From the first sample to the last."""
        return self.resident[-1][0] - self.resident[0][0]


def watch(command: Sequence[str], *, statuses: tuple[int, ...] = (0,)) -> list[Process]:
    """Run a Python module with arguments in a process of its own, and measure that process and
    its children, in the order in which they came.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=INSTALLED, stderr=subprocess.PIPE, text=True
    )
    watch = _Watch(process.pid)
    with watch.looking():
        _, said = process.communicate(timeout=LONGEST)
    if process.returncode not in statuses:
        raise FailedError(f"{command[0]} ended with {process.returncode}: {said[-2000:]}")
    return list(watch.found.values())


class _Watch:
    """Looks at a process and its children until it is gone."""

    def __init__(self, process: int) -> None:
        self.found: dict[int, Process] = {}
        self._root, self._ends = process, threading.Event()
        self._thread = threading.Thread(target=self._look)

    @contextmanager
    def looking(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ends.set()
            self._thread.join()

    def _look(self) -> None:
        while not self._ends.wait(_GRAIN):
            for process in (self._root, *_children(self._root)):
                self._note(process)

    def _note(self, process: int) -> None:
        try:
            stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{process}/status").read_text()
            words = Path(f"/proc/{process}/cmdline").read_text().split("\0")
        except OSError:
            return
        kilobytes = dict(re.findall(r"^Vm(RSS|HWM):\s+(\d+) kB$", status, re.MULTILINE))
        if "RSS" not in kilobytes:
            return  # it has ended, and only its entry is left
        cpu = (int(stat[11]) + int(stat[12])) / _TICKS
        runs = next((word for word in words if word.startswith("crawler.")), "")
        found = self.found.setdefault(process, Process(runs, 0, 0, []))
        found.resident.append((time.time(), int(kilobytes["RSS"]) / 1024))
        peak = int(kilobytes["HWM"]) / 1024
        self.found[process] = found._replace(runs=runs, peak=peak, cpu=cpu)


def _children(process: int) -> list[int]:
    try:
        said = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in said.split()]


def _resident(process: int) -> float:
    """Resident MB of a process, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / MB
    except (OSError, IndexError):
        return 0.0


def options(description: str) -> argparse.ArgumentParser:
    """A parser with what all measurements share."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="rounds of which medians are taken")
    parser.add_argument("--quick", action="store_true", help="small sizes, within 90 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    return parser


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns; numbers with three digits that count."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *rest = zip(row, widths, strict=True)
        print(first[0].ljust(first[1]), *(f"{text:>{width}}" for text, width in rest), sep="  ")
    print(flush=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def ended(main: Callable[[], int]) -> int:
    """The exit status of a measurement: 2, and no number, where something that it runs failed."""
    try:
        return main()
    except FailedError as error:
        print(error, file=sys.stderr)
        return 2


def conclude(name: str, file: Path | None, results: object, goals: Sequence[Goal]) -> int:
    """Print the goals, write results as data, and give the exit status."""
    print("\n".join(map(str, goals)))
    if file:
        facts = {
            "benchmark": name,
            "version": __version__,
            "python": platform.python_version(),
            "machine": {"cores": os.cpu_count(), "system": platform.platform()},
            "results": results,
            "goals": [g._asdict() | {"met": g.met} for g in goals],
        }
        file.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return 0 if all(goal.met for goal in goals) else 1
