"""Run the command in children of one process that has imported everything, within limits.

A child costs only its own work. So many commands can be run, and the processor and memory that
one took are those of its work. Tests use `Commands`; `main` is the process that they talk to, in
lines of JSON.
"""

import ctypes
import functools
import importlib
import json
import os
import resource
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT, patience

# Seconds after which a command is ended because it hangs, and seconds of the processor.
HANGS, SPINS = patience(120), 300
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a command ended: its exit status (negative: by that signal), what it printed, seconds of
    the processor, the peak of its memory in KiB, and its steps (see `Steps`).
    """

    status: int
    out: str
    err: str
    cpu: float
    peak: int
    steps: int


class Commands:
    """Starts commands and waits for them.

    `before` are words before the process that forks, `modules` what else it imports.
    """

    def __init__(self, *before, modules=()):
        self._before, self._modules = before, modules
        self._ended, self._rest = {}, b""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="tdm-audit-test-")
        self._process = subprocess.Popen(
            [
                *(*self._before, sys.executable, "-m", "tests.forks"),
                *(self._folder.name, *self._modules),
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "160"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        try:
            self.pid = self._message()["ready"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error):
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def start(self, arguments, **how):
        """Start a command and return its process id. For `how` see `_become_command`."""
        task = {"arguments": list(map(str, arguments)), **how}
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        while "started" not in (message := self._message()):
            self._ended[message["ended"]] = message
        return message["started"]

    def wait(self, pid):
        """Wait for a command and return its result."""
        while pid not in self._ended:
            message = self._message()
            self._ended[message["ended"]] = message
        ended = self._ended.pop(pid)
        files = [Path(self._folder.name, f"{pid}.{name}") for name in ("out", "err", "steps")]
        out, err, steps = (f.read_text("utf-8", "backslashreplace") for f in files)
        for file in files:
            file.unlink()
        figures = {name: ended[name] for name in ("status", "cpu", "peak")}
        return Result(out=out, err=err, steps=len(steps), **figures)

    def run(self, arguments, **how):
        """Run a command to its end."""
        return self.wait(self.start(arguments, **how))

    def _message(self):
        while b"\n" not in self._rest:
            ready = select.select([self._process.stdout], [], [], 2 * HANGS)[0]
            received = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            assert received, "the process that starts commands does not answer"
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)


class Steps:
    """Counts what a process does to files and databases, and kills it at one of these steps."""

    EVENTS = ("open", "os.", "shutil.", "subprocess.", "fcntl.")

    def __init__(self, file, die_at):
        self._file, self._die_at, self._taken = file, die_at, 0
        sys.addaudithook(lambda event, _: event.startswith(self.EVENTS) and self._step())
        sqlite3.connect = functools.partial(sqlite3.connect, factory=self._connection)

    def _connection(self, *arguments, **options):
        connection = sqlite3.Connection(*arguments, **options)
        connection.set_trace_callback(lambda _statement: self._step())
        return connection

    def _step(self):
        self._taken += 1
        os.write(self._file, b".")
        if self._taken == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    """Fork a child for each task on standard input; say when it started and how it ended."""
    _import_everything()
    folder, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    _say({"ready": os.getpid()})
    children, rest = {}, b""
    while True:
        for ready in select.select([0, *children], [], [])[0]:
            if ready:
                _report(children.pop(ready))
                os.close(ready)
                continue
            received = os.read(0, 65536)
            if not received:
                return
            *lines, rest = (rest + received).split(b"\n")
            for line in lines:
                pid = _fork(json.loads(line), folder)
                children[os.pidfd_open(pid)] = pid


def _import_everything():
    """Import what a crawl imports, and load what it loads once, so that no child has to."""
    import duckdb  # noqa: F401
    import sqlite_utils  # noqa: F401

    import crawler.cli
    import crawler.commands.crawl
    import crawler.commands.judge
    import crawler.dataset.inventory
    import crawler.fetch.scrapy_.download_handler
    import crawler.fetch.scrapy_.run
    import crawler.progress
    import crawler.reports.headline
    import crawler.reports.run_report
    import crawler.reports.summary
    import crawler.reports.tables  # noqa: F401
    from crawler.urls.canonical import origin_of

    origin_of("http://a.test/")


def _say(message):
    os.write(1, json.dumps(message).encode() + b"\n")


def _report(pid):
    _, status, usage = os.wait4(pid, 0)
    ended = {"ended": pid, "status": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss}
    _say(ended | {"cpu": usage.ru_utime + usage.ru_stime})


def _fork(task, folder):
    pid = os.fork()
    if pid:
        _say({"started": pid})
        return pid
    files = [
        os.open(f"{folder}/{os.getpid()}.{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for name in ("out", "err", "steps")
    ]
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, *files[:2])):
        os.dup2(file, number)
    status = 70
    try:
        status = _become_command(files[2], **task)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _become_command(file, arguments, limits=None, env=None, memory=0, die_at=0, offline=False):
    """Run the command and return its exit status.

    `limits` are those of `resource`, by name. `memory` are octets of address space that it may
    take beyond what is taken now. It kills itself at the step `die_at`, which is counted from 1;
    none are counted for 0. `offline`: without any network, even loopback.
    """
    from crawler.cli import main as command

    signal.setitimer(signal.ITIMER_REAL, HANGS)
    os.environ.update(env or {})
    if offline and ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    if die_at:
        Steps(file, die_at)
    limits = {"RLIMIT_CPU": SPINS, **(limits or {})}
    if memory:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits["RLIMIT_AS"] = pages * resource.getpagesize() + memory
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    sys.argv = ["tdm-audit", *arguments]
    try:
        command(arguments)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 71
    return 0


if __name__ == "__main__":
    main()
