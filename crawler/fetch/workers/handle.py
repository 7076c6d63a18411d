"""A worker as the process sees it that started it: its channels, and the shards it was handed."""

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
        with contextlib.suppress(OSError):
            subprocesses.send(self.process, str(shard.path) if shard else "")

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
        subprocesses.end(self.process)


def start(run: int) -> Worker:
    """A new worker for a run; raises `WorkersError`."""
    try:
        process = subprocesses.start("crawler.fetch.workers.worker", str(run))
    except OSError as error:
        raise WorkersError(f"cannot start a worker: {error.strerror or error}") from error
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return Worker(process=process)
