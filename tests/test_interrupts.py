"""Signals: each ends a command in good order, unless it was ignored from the start."""

import json
import os
import signal
import subprocess
import sys
import threading
from subprocess import PIPE

import pytest

from crawler.interrupts import handle_signals, signals_postponed
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


# It writes a file again and again, and sends SIGINT at another step each time, until there is no
# such step. It prints what is in the folder after each. A process of its own: a trace function
# takes the place of that which measures coverage. The errors are kept, and with them the frames
# that were interrupted, as they are until a command has ended.
STEPS = """
import json, os, signal, sys
from itertools import count
from pathlib import Path
from crawler.interrupts import StoppedEarlyError, exit_on_signal
from crawler.reports.export import replaced

out = Path(sys.argv[1]) / "rows.csv"

def end_of(step):
    steps = count()
    def trace(frame, event, _arg):
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps) == step:
            signal.raise_signal(signal.SIGINT)
        return trace
    try:
        with exit_on_signal():
            sys.settrace(trace)
            try:
                with replaced(out) as unfinished:
                    os.truncate(unfinished, 5)
            finally:
                sys.settrace(None)
    except StoppedEarlyError as error:
        return error

for step in count():
    error = end_of(step)
    print(json.dumps(sorted(path.name for path in out.parent.iterdir())))
    out.unlink(missing_ok=True)
    if error is None:
        break
"""


def test_a_signal_at_any_step_leaves_no_unfinished_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STEPS, tmp_path], cwd=ROOT, capture_output=True, text=True
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) > 100, done.stderr
    # What is under the name is whole, or nothing is; the last time no signal was sent.
    assert {tuple(names) for names in found} == {(), ("rows.csv",)}
    assert found[-1] == ["rows.csv"]


def _signalled_from_a_thread():
    """Send this process a signal whose handler Python runs in the main thread soon after."""
    sender = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM))
    sender.start()
    sender.join()
    for _ in range(1000):
        pass


def test_a_signal_waits_for_the_end_of_what_must_not_be_left_half_made():
    seen = []
    with handle_signals(lambda: seen.append("handled")):
        # Whatever else Python does in other threads: the kernel may give the signal to any of them.
        is_over = threading.Event()
        others = [threading.Thread(target=is_over.wait) for _ in range(8)]
        for other in others:
            other.start()
        with signals_postponed():
            _signalled_from_a_thread()
            _signalled_from_a_thread()
            seen.append("made")
        is_over.set()
        for other in others:
            other.join()
        assert seen == ["made", "handled"]


def test_a_signal_that_was_taken_is_not_sent_again():
    seen = []
    with handle_signals(lambda: seen.append("outer")), signals_postponed() as take_waiting:
        assert not take_waiting()
        _signalled_from_a_thread()
        with handle_signals(lambda: seen.append("inner")):
            assert (take_waiting(), take_waiting()) == (True, False)
            _signalled_from_a_thread()
    assert seen == ["inner"]


def test_a_signal_that_waits_is_sent_when_the_block_fails():
    seen = []

    def failing():
        with signals_postponed():
            _signalled_from_a_thread()
            raise ZeroDivisionError

    with handle_signals(lambda: seen.append("handled")):
        with pytest.raises(ZeroDivisionError):
            failing()
        assert seen == ["handled"]


DROPPED = """
import os, signal, sys, time
from crawler.interrupts import StoppedEarlyError, exit_on_signal

class Deleted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

try:
    with exit_on_signal():
        Deleted()
        time.sleep(60)
except StoppedEarlyError as error:
    sys.exit(error.status)
"""


def test_a_signal_whose_exception_is_dropped_ends_it_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-c", DROPPED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(50),
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "")
