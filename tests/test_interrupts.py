"""Signals: each ends a command in good order, unless it was ignored from the start."""

import signal
import subprocess
import sys
from subprocess import PIPE

import pytest

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
