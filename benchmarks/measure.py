"""Measure commands: run one with its time and memory, compare results with goals, report them."""

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from crawler import __version__

ROOT = Path(__file__).parent.parent
#: Seconds after which a command is killed and the measurement fails.
TIMEOUT = 900.0
_SAMPLE_INTERVAL = 0.05
#: The environment of measured commands. They may write bytecode, as an installed package has it.
INSTALLED = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
MB = 1024 * 1024


class Spent(NamedTuple):
    """Cost of a process: wall and CPU seconds, largest resident size in MB, output.

    CPU and size include the children that it waited for. `resident` holds `(time, MB)` samples
    of the process alone.
    """

    wall: float
    cpu: float
    peak: float
    resident: tuple[tuple[float, float], ...]
    output: str


class Goal(NamedTuple):
    """A measured value with its bound, upper by default."""

    name: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        word = "met" if self.met else "MISSED"
        return f"{word:>6}  {self.name}: {self.value:,.3g} (goal {sign} {self.bound:,g})"


class FailedError(Exception):
    """A measured command did not do its work, so there is no result."""


def run(command: Sequence[str], *, statuses: tuple[int, ...] = (0,)) -> Spent:
    """Run a Python module with arguments as a process, and measure it.

    Raises FailedError for an exit status that is not in `statuses`.
    """
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
            if time.monotonic() - begun > TIMEOUT:
                process.kill()
            time.sleep(_SAMPLE_INTERVAL)
        wall, usage = time.monotonic() - begun, done[2]
        process.returncode = os.waitstatus_to_exitcode(done[1])
        if process.returncode not in statuses:
            err.seek(0)
            message = err.read()[-2000:]
            raise FailedError(f"{command[0]} ended with {process.returncode}: {message}")
        out.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Spent(wall, cpu, usage.ru_maxrss / 1024, tuple(resident), out.read())


class Process(NamedTuple):
    """Cost of a process while it was watched: largest resident size in MB and CPU seconds.

    `resident` holds `(time, MB)` samples. `runs` is the module of this project that the process
    runs; empty for the command itself.
    """

    runs: str
    peak: float
    cpu: float
    resident: list[tuple[float, float]]

    @property
    def seconds(self) -> float:
        """Return the seconds from the first sample to the last."""
        return self.resident[-1][0] - self.resident[0][0]


def watch(
    command: Sequence[str], *, statuses: tuple[int, ...] = (0,), timeout: float = TIMEOUT
) -> list[Process]:
    """Run a Python module with arguments, and measure its process and all that it starts.

    They are returned in the order of their start. Raises FailedError as `run` does. After `timeout`
    seconds it is given up.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=INSTALLED, stderr=subprocess.PIPE, text=True
    )
    sampler = _Sampler(process.pid)
    with sampler.running():
        _, errors = process.communicate(timeout=timeout)
    if process.returncode not in statuses:
        raise FailedError(f"{command[0]} ended with {process.returncode}: {errors[-2000:]}")
    return list(sampler.processes.values())


class _Sampler:
    """Sample the size of a process and of all below it in a thread."""

    def __init__(self, process: int) -> None:
        self.processes: dict[int, Process] = {}
        self._root, self._stop = process, threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_INTERVAL):
            for process in (self._root, *_descendants(self._root)):
                self._sample(process)

    def _sample(self, process: int) -> None:
        try:
            stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{process}/status").read_text()
            words = Path(f"/proc/{process}/cmdline").read_text().split("\0")
        except OSError:
            return
        kilobytes = dict(re.findall(r"^Vm(RSS|HWM):\s+(\d+) kB$", status, re.MULTILINE))
        if "RSS" not in kilobytes:
            return  # a zombie: it has ended and only its entry is left
        cpu = (int(stat[11]) + int(stat[12])) / _TICKS
        runs = next((word for word in words if word.startswith("crawler.")), "")
        record = self.processes.setdefault(process, Process(runs, 0, 0, []))
        record.resident.append((time.time(), int(kilobytes["RSS"]) / 1024))
        peak = int(kilobytes["HWM"]) / 1024
        self.processes[process] = record._replace(runs=runs, peak=peak, cpu=cpu)


def _descendants(process: int) -> list[int]:
    """Return the processes that a process has started in any of its threads, and theirs."""
    found = list[int]()
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listed.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _resident(process: int) -> float:
    """Return the resident size of a process in MB, 0 if it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / MB
    except (OSError, IndexError):
        return 0.0


def options(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that all measurements share."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="rounds of which medians are taken")
    parser.add_argument("--quick", action="store_true", help="small sizes, within 90 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    return parser


Facts = tuple[list[dict[str, float]], list[Goal]]


def measured(parts: Mapping[str, Callable[[Path], Facts]]) -> tuple[dict[str, object], list[Goal]]:
    """Carry out the parts of a measurement, each in an empty folder, and print a table of each.

    Return the facts by part, and all goals.
    """
    results, goals = dict[str, object](), list[Goal]()
    for name, part in parts.items():
        with tempfile.TemporaryDirectory() as folder:
            facts, bounds = part(Path(folder))
        table([name, *facts[0]], [[n, *f.values()] for n, f in enumerate(facts, 1)])
        results[name] = facts
        goals += bounds
    return results, goals


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns; numbers with three significant digits."""
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


def exit_status(main: Callable[[], int]) -> int:
    """Run a measurement and return its exit status; 2 if a command that it measures failed."""
    try:
        return main()
    except FailedError as error:
        print(error, file=sys.stderr)
        return 2


def _as_data(goal: Goal) -> dict[str, object]:
    """Return a goal for the file of results, whose key for the value is `found`."""
    name, value, bound, at_least = goal
    return {"name": name, "found": value, "bound": bound, "at_least": at_least, "met": goal.met}


def conclude(name: str, file: Path | None, results: object, goals: Sequence[Goal]) -> int:
    """Print the goals, write the results as data, and return 1 if a goal is missed, else 0."""
    print("\n".join(map(str, goals)))
    if file:
        facts = {
            "benchmark": name,
            "version": __version__,
            "python": platform.python_version(),
            "machine": {"cores": os.cpu_count(), "system": platform.platform()},
            "results": results,
            "goals": [_as_data(goal) for goal in goals],
        }
        file.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return 0 if all(goal.met for goal in goals) else 1
