"""A worker as the process sees it that started it: its channels, and the shards it was handed."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crawler.errors import ExplainedError
from crawler.store.shards import Shard

# As `multiprocessing` does: a module of the same name in the folder of the moment is not meant.
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from crawler.fetch.worker import main; main()"
)


class WorkersError(ExplainedError):
    """The processes cannot do their work."""


@dataclass(slots=True, kw_only=True)
class Worker:
    """A process, the shards it was handed, and what it said of a line not yet ended."""

    process: subprocess.Popen[bytes]
    shards: list[Shard] = field(default_factory=list)
    held: bytes = b""

    @property
    def origins(self) -> int:
        """How many origins it was handed."""
        return sum(shard.size for shard in self.shards)

    def hand(self, shard: Shard | None) -> None:
        """Give it a batch, or say that there are no more. One that is gone is found out later."""
        if shard is not None:
            self.shards.append(shard)
        line = json.dumps(str(shard.path) if shard else "").encode() + b"\n"
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(line)

    def said(self) -> Iterator[Mapping[str, str]]:
        """What it said since."""
        assert self.process.stdout is not None
        while read := self.process.stdout.read(65536):
            *lines, self.held = (self.held + read).split(b"\n")
            yield from map(json.loads, lines)

    def close(self) -> None:
        """Let it and its shards go; it ends at once if it has not ended."""
        for shard in self.shards:
            shard.close()
        for channel in (self.process.stdin, self.process.stdout):
            assert channel is not None
            channel.close()
        self.process.kill()
        self.process.wait()


def start(run: int) -> Worker:
    """A new worker for a run; raises `WorkersError`."""
    # A session of its own: a signal from the terminal comes to us, and we pass it on.
    command = [sys.executable, "-P", "-c", _CODE, json.dumps(sys.path), str(run)]
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, bufsize=0, start_new_session=True
        )
    except OSError as error:
        raise WorkersError(f"cannot start a worker: {error.strerror or error}") from error
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return Worker(process=process)
