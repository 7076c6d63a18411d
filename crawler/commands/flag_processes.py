"""Write the files of a dataset in several processes, side by side."""

import selectors
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from crawler import subprocesses
from crawler.commands.flag_counts import Counts, counts_of_json
from crawler.commands.flag_manifest import remove_leftovers
from crawler.dataset.files import DatasetError
from crawler.errors import UserError
from crawler.evaluate.url_verdicts import Verdict

# Files of one message. Many small files are evaluated together, and each worker should get some.
_MAX_FILES = 64
_SHARES = 4
# Evaluations of workers that are passed on to others, which bounds memory.
_MAX_SHARED = 50_000

Files = tuple[Path, tuple[Path, ...]]


class FlagWorkerError(UserError):
    """A worker process failed. `status` is the exit status of the command."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class FlagProcesses:
    """Up to `workers` processes that write files. Close it, or use it as a context manager.

    `facts` says what the verdicts must come from (see `FlagWriter`), `name` how a file of the
    dataset is shown. `prepare` is called with each file of the dataset before it is read.
    `new_verdicts` are those that the database did not hold, once all files are written.
    """

    def __init__(
        self,
        setup: Mapping[str, Any],
        facts: str,
        workers: int,
        name: Callable[[Path], str],
        prepare: Callable[[Path], None],
    ) -> None:
        self._setup, self._facts, self._count = setup, facts, workers
        self._name, self._prepare = name, prepare
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        # How many are to be started once the first one has stored what it evaluated.
        self._waiting = 0
        # What workers evaluated, each with the one that did.
        self._shared: list[tuple[_Worker, object]] = []
        self.new_verdicts: list[tuple[int, str, tuple[Verdict, ...]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the processes that still run, and remove the files that they were writing."""
        for worker in self._workers:
            worker.close()
        self._selector.close()

    def write(
        self, files: Sequence[Files], *, is_new: bool = False
    ) -> Iterator[tuple[Path, Counts]]:
        """Write files; yield the name and counts of each in the order in which they are complete.

        `is_new` tells that little is evaluated of what they need.
        Raise `DatasetError`, `FlagWorkerError`, and what `prepare` raises.
        """
        size = max(1, min(_MAX_FILES, len(files) // (_SHARES * self._count)))
        left = deque(files[at : at + size] for at in range(0, len(files), size))
        # With few files to take in turns, waiting would cost more than evaluating twice.
        waits = is_new and len(left) >= _SHARES * self._count
        # As many as there is work for.
        count = min(self._count, len(left))
        self._waiting = count - 1 if waits else 0
        for _ in range(count - self._waiting):
            self._start(left, stores_state=waits)
        while self._selector.get_map():
            for key, _ in self._selector.select():
                yield from self._read(key.data, left)

    def _start(self, left: deque[Sequence[Files]], *, stores_state: bool = False) -> None:
        # Whoever starts later gets what is shared, too: a state may be too large to be stored.
        setup = {**self._setup, "stores_state": stores_state}
        worker = _Worker(setup, len(self._workers))
        self._workers.append(worker)
        self._selector.register(worker.pipe, selectors.EVENT_READ, worker)
        self._assign(worker, left)

    def _assign(self, worker: "_Worker", left: deque[Sequence[Files]]) -> None:
        files = left.popleft() if left else ()
        for _, group in files:
            for path in group:
                self._prepare(path)
        new = self._shared[worker.told :] if files else []
        others = [entry for by, entry in new if by is not worker]
        worker.told += len(new)
        worker.assign(files, self._name, others)

    def _read(
        self, worker: "_Worker", left: deque[Sequence[Files]]
    ) -> Iterator[tuple[Path, Counts]]:
        for message in worker.messages:
            if "out" in message:
                yield worker.finished(message["out"]), counts_of_json(message["counts"])
            elif "wants" in message:
                self._shared += [(worker, entry) for entry in message["shared"]]
                del self._shared[_MAX_SHARED:]
                self._assign(worker, left)
                for _ in range(min(self._waiting, len(left))):
                    self._start(left)
                self._waiting = 0
            elif "verdicts" in message:
                worker.is_done = True
                self.new_verdicts += map(_verdicts, message["verdicts"])
            elif "failed" in message:
                raise _failure(message)
            elif message["facts"] != self._facts:
                raise FlagWorkerError("the evidence changed meanwhile; run the same command again")
        if worker.messages.is_at_end:
            if not worker.is_done:
                raise FlagWorkerError(
                    f"a worker process ended ({worker.end()}); files that are complete stay; run "
                    "the same command again, with fewer workers if memory was short"
                )
            self._selector.unregister(worker.pipe)


class _Worker(subprocesses.HelperProcess):
    """A worker process, with the files that it has to write."""

    def __init__(self, setup: dict[str, Any], number: int) -> None:
        scratch = Path(setup["scratch"]) / str(number)
        scratch.mkdir()
        try:
            super().__init__("crawler.commands.flag_worker")
        except OSError as error:
            raise FlagWorkerError(f"cannot start a worker: {error.strerror or error}") from error
        self.is_done = False
        #: How much of what others evaluated it was told.
        self.told = 0
        self._unfinished: dict[str, Path] = {}
        self.send(setup | {"scratch": str(scratch)})

    def assign(
        self, files: Sequence[Files], name: Callable[[Path], str], shared: Sequence[object]
    ) -> None:
        """Send files to write, and what others evaluated; no files means that there are no more."""
        self._unfinished = {str(out): out for out, _ in files}
        named = [(str(out), [(str(path), name(path)) for path in group]) for out, group in files]
        self.send({"files": named, "shared": shared})

    def finished(self, out: str) -> Path:
        """Return the path of a file that is complete."""
        return self._unfinished.pop(out)

    def close(self) -> None:
        """Kill the process if it still runs, and remove what it was writing."""
        super().close()
        for out in self._unfinished.values():
            remove_leftovers(out)


def _verdicts(row: Sequence[Any]) -> tuple[int, str, tuple[Verdict, ...]]:
    origin, pattern_set, verdicts = row
    return origin, pattern_set, tuple(Verdict(*each) for each in verdicts)


def _failure(message: Mapping[str, Any]) -> UserError:
    if message["is_dataset"]:
        return DatasetError(message["failed"])
    return FlagWorkerError(message["failed"], message["status"])
