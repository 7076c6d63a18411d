"""Handle of a worker process, as its coordinator uses it: channels, and shards assigned to it."""

import contextlib
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crawler import subprocesses
from crawler.errors import UserError
from crawler.store.shards import Shard


class WorkersError(UserError):
    """Worker processes cannot be started, or failed too often."""


@dataclass(slots=True, kw_only=True)
class WorkerHandle:
    """A worker process and the shards assigned to it, in the order in which it works on them.

    `messages` yields those that have arrived. `leaves_due` says that it could not ask some of its
    origins, because this machine was short of something.
    """

    process: subprocess.Popen[bytes]
    messages: Iterable[Mapping[str, str]]
    shards: list[Shard] = field(default_factory=list)
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
    return WorkerHandle(process=process, messages=subprocesses.MessageReader(process))
