"""Start helper processes of this package and exchange JSON lines with them.

Messages go both ways, one JSON value a line, over standard input and output. A helper process
exits when its parent is gone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any

# The child gets the parent's `sys.path`, and not the working directory (`-P`): a module of the
# same name that happens to be in that directory must not be imported. `multiprocessing` does so.
_CODE = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main()"
)
_EXIT_ORPHANED = 1


def cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def start(module: str) -> subprocess.Popen[bytes]:
    """Run the function `main` of a module in a new process; raise `OSError` if it cannot start."""
    command = [sys.executable, "-P", "-c", _CODE, json.dumps(sys.path), module]
    pipe = subprocess.PIPE
    # In a new session: Ctrl-C in a terminal reaches the parent only, which then stops its helpers.
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0, start_new_session=True)


def send(process: subprocess.Popen[bytes], message: object) -> None:
    """Send a message to a helper process; raise `OSError` if it is gone."""
    assert process.stdin is not None
    line = memoryview(json.dumps(message).encode() + b"\n")
    # The pipe is unbuffered (`bufsize=0`), so that `write` may take a part of the line.
    while line:
        line = line[process.stdin.write(line) :]


class MessageReader:
    """Reads the messages of a helper process without waiting for them.

    `is_at_end` is True once all are read and there can be no more: the process ends.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._pipe = process.stdout
        # Who reads from several helpers must not wait for any of them.
        os.set_blocking(self._pipe.fileno(), False)
        self._partial_line = b""
        self.is_at_end = False

    def __iter__(self) -> Iterator[Any]:
        """Yield the messages that have arrived since the last call."""
        while received := self._pipe.read(65536):
            *lines, self._partial_line = (self._partial_line + received).split(b"\n")
            yield from map(json.loads, lines)
        self.is_at_end = received is not None


def kill(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes of a helper process, kill it if it still runs, and wait for it."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    process.kill()
    process.wait()


class HelperEndedError(Exception):
    """A helper process ended without an answer; the text says how, as "by signal 9"."""


def ask(module: str, message: object, failures: Sequence[type[Exception]]) -> dict[str, Any]:
    """Run `answer` in the `main` of a module in a helper process; return what it sends.

    Raise `OSError` if it cannot start, `HelperEndedError` if it was killed, and those of `failures`
    that it raised.
    """
    process = start(module)
    assert process.stdout is not None
    sent = b""
    try:
        # If it is gone already, its status says why.
        with suppress(OSError):
            send(process, message)
            sent = process.stdout.read()
        status = process.wait()
    finally:
        kill(process)
    if not sent:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        raise HelperEndedError(how)
    received: dict[str, Any] = json.loads(sent)
    for failure in failures:
        if failure.__name__ in received:
            raise failure(received[failure.__name__])
    return received


def answer(
    work: Callable[[dict[str, Any]], Mapping[str, object]], failures: Sequence[type[Exception]]
) -> None:
    """Do what the message on standard input asks for, in the helper process, and send the result.

    Of `failures` name and message are sent in its place; of classes and subclasses the special ones
    come first.
    """
    parent = ParentChannel()
    try:
        result = work(parent.receive())
    except tuple(failures) as error:
        kind = next(kind for kind in failures if isinstance(error, kind))
        result = {kind.__name__: str(error)}
    parent.send(result)


class HelperProcess:
    """A helper process of a pool: messages go to it and come from it, until it is closed.

    `pipe` is for a selector: `messages` are to be read when it is ready. Raises `OSError` if the
    process cannot be started.
    """

    def __init__(self, module: str) -> None:
        self._process = start(module)
        assert self._process.stdout is not None
        self.pipe = self._process.stdout
        self.messages = MessageReader(self._process)

    def send(self, message: object) -> None:
        """Send a message. That the process has ended is told once its messages are read."""
        with suppress(OSError):
            send(self._process, message)

    def terminate(self) -> None:
        """Send SIGTERM, at which it saves what is whole and ends."""
        self._process.terminate()

    def end(self) -> str:
        """Wait for the process, and return how it ended."""
        status = self._process.wait()
        return f"signal {-status}" if status < 0 else f"status {status}"

    def close(self) -> None:
        """Kill the process if it still runs."""
        kill(self._process)


def is_running(process_id: int) -> bool:
    """Return whether a process of this number exists, of whichever user."""
    # Signal 0 only asks whether the process exists; "not permitted" means that it does.
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


class ParentChannel:
    """The connection of a helper process to the process that started it.

    It takes over file descriptors 0 and 1. What the helper prints goes to standard error, so that
    it cannot corrupt the messages, and children of the helper do not hold the pipes open.
    """

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        self._messages: SimpleQueue[Any] = SimpleQueue()
        Thread(target=self._read_messages, daemon=True).start()

    def _read_messages(self) -> None:
        """Queue the parent's messages; end this process when the parent is gone."""
        rest = b""
        while chunk := os.read(self._in, 65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._messages.put(json.loads(line))
        # Not `sys.exit`, which would end this thread only. What is stored stays stored, and no
        # process is left that waits for the rest.
        os._exit(_EXIT_ORPHANED)

    def receive(self) -> Any:
        """Wait for the next message, and return it."""
        return self._messages.get()

    def send(self, message: object) -> None:
        """Send a message to the parent."""
        os.write(self._out, json.dumps(message).encode() + b"\n")
