"""Handle of a worker process, as its coordinator uses it: channels, and shards assigned to it."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crawler import subprocesses
from crawler.errors import UserError
from crawler.store.shards import Shard


class WorkersError(UserError):
    """Worker processes cannot be started, or failed too often."""


@dataclass(slots=True, kw_only=True)
class WorkerHandle:
    """A worker process and the shards assigned to it, in the order in which it works on them.

    `partial_line` is the beginning of a message whose end has not arrived yet. `leaves_due` says
    that it could not ask some of its origins, because this machine was short of something.
    """

    process: subprocess.Popen[bytes]
    shards: list[Shard] = field(default_factory=list)
    partial_line: bytes = b""
    leaves_due: bool = False

    @property
    def origins(self) -> int:
        """Return the number of origins assigned to it so far."""
        return sum(shard.size for shard in self.shards)

    def assign(self, shard: Shard | None) -> None:
        """Send the path of a shard, or with None that there are no more.

        A process that has ended is not an error here; `Coordinator` notices it when it polls.
        """
        if shard is not None:
            self.shards.append(shard)
        with contextlib.suppress(OSError):
            subprocesses.send(self.process, str(shard.path) if shard else "")

    def messages(self) -> Iterator[Mapping[str, str]]:
        """Yield the messages that have arrived since the last call, without waiting."""
        assert self.process.stdout is not None
        while received := self.process.stdout.read(65536):
            *lines, self.partial_line = (self.partial_line + received).split(b"\n")
            yield from map(json.loads, lines)

    def close(self) -> None:
        """Kill the process if it still runs, and close its shards."""
        for shard in self.shards:
            shard.close()
        subprocesses.kill(self.process)


def start_worker(run: int) -> WorkerHandle:
    """Start a worker process for a run. Raises `WorkersError` if the system refuses."""
    try:
        process = subprocesses.start("crawler.fetch.workers.worker", str(run))
    except OSError as error:
        raise WorkersError(f"cannot start a worker: {error.strerror or error}") from error
    assert process.stdout is not None
    # The coordinator polls several workers and must not wait for any of them.
    os.set_blocking(process.stdout.fileno(), False)
    return WorkerHandle(process=process)
