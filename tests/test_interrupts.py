"""Signals: each ends a command in good order, unless it was ignored from the start."""

import contextlib
import os
import signal
import subprocess
import sys
from functools import partial
from itertools import count
from subprocess import PIPE

import pytest

from crawler.interrupts import StoppedEarlyError, exit_on_signal
from crawler.reports.export import replaced
from tests.conftest import ROOT, patience

# It says when it is ready, waits, and says how it ended.
PROGRAM = """
import sys
from crawler.interrupts import StoppedEarlyError, exit_on_signal
try:
    with exit_on_signal():
        print("ready", flush=True)
        for line in sys.stdin:
            print("alive", flush=True)
except StoppedEarlyError as error:
    print(error)
    sys.exit(error.status)
"""


def started(**options):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True, **options
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_in_good_order(number):
    process = started()
    process.send_signal(number)
    out, _ = process.communicate(timeout=patience(10))
    assert (process.returncode, out.split(";")[0]) == (4, "stopped early by a signal")


def test_a_signal_that_was_ignored_from_the_start_stays_ignored():
    process = started(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    process.stdin.write("are you there?\n")
    process.stdin.flush()
    assert process.stdout.readline() == "alive\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=patience(10))
    assert (process.returncode, out.split(";")[0]) == (4, "stopped early by a signal")


def interrupted_at(step, out):
    """Write a file and send SIGINT at one of its steps; return the error, None without the step."""
    steps = count()
    before = sys.gettrace()

    def trace(frame, event, _arg):
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps) == step:
            signal.raise_signal(signal.SIGINT)
        return trace

    @contextlib.contextmanager
    def traced():
        sys.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(before)

    try:
        with exit_on_signal(), traced(), replaced(out) as unfinished:
            os.truncate(unfinished, 5)
    except StoppedEarlyError as error:
        return error
    return None


def test_a_signal_at_any_step_leaves_no_unfinished_file(tmp_path):
    out = tmp_path / "rows.csv"
    found = set()
    # The error keeps what was interrupted alive, as it does until a command has ended.
    for error in iter(partial(_next_error, count(), out), None):
        # What is under the name is whole, or nothing is.
        found.add(out.exists())
        assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"] * out.exists(), error
        out.unlink(missing_ok=True)
    assert found == {False, True}


def _next_error(steps, out):
    return interrupted_at(next(steps), out)
