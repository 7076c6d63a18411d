"""Processes of our own beside the command: how one is started, and how the two talk.

Lines of JSON go both ways, over standard input and output. When the command is gone, so are they.
"""

import json
import os
import subprocess
import sys
from queue import SimpleQueue
from threading import Thread
from typing import Any

# As `multiprocessing` does: a module of the same name in the folder of the moment is not meant.
_CODE = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main()"
)
_ORPHANED = 1


def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Run `main` of a module in a process of its own; raises `OSError`."""
    # A session of its own: a signal from the terminal comes to us, and we pass it on.
    command = [sys.executable, "-P", "-c", _CODE, json.dumps(sys.path), module, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0, start_new_session=True)


def send(process: subprocess.Popen[bytes], what: object) -> None:
    """Send a line to a process; raises `OSError` if it is gone."""
    assert process.stdin is not None
    line = memoryview(json.dumps(what).encode() + b"\n")
    while line:
        line = line[process.stdin.write(line) :]


def end(process: subprocess.Popen[bytes]) -> None:
    """Let a process go; it ends at once if it has not ended."""
    for channel in (process.stdin, process.stdout):
        assert channel is not None
        channel.close()
    process.kill()
    process.wait()


class ParentChannel:
    """The process that started this one. Its lines have channels of their own, so that nothing
    that is printed here gets among them and no child of ours keeps them open.
    """

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        self._lines: SimpleQueue[Any] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        held = b""
        while read := os.read(self._in, 65536):
            *lines, held = (held + read).split(b"\n")
            for line in lines:
                self._lines.put(json.loads(line))
        os._exit(_ORPHANED)  # what is stored is stored; nobody waits for the rest

    def receive(self, timeout: float | None = None) -> Any:
        """What the next line says; raises `queue.Empty` if none comes in so many seconds."""
        return self._lines.get(timeout=timeout)

    def send(self, what: object) -> None:
        """Send a line."""
        os.write(self._out, json.dumps(what).encode() + b"\n")
