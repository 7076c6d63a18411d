"""Work on many parts of an audit in a pool of processes on this machine.

Each process works on one part at a time; `part_engine` says what is done about failures.
"""

import selectors
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from crawler import subprocesses
from crawler.commands.crawl_request import ProgressListener
from crawler.commands.part_engine import MAX_ORIGINS, PartEngine, PartPoolError, PoolResult
from crawler.commands.part_task import PartTask, task_as_json
from crawler.store.audit_folder import AuditFolder


def work_on_parts(
    folder: AuditFolder,
    parts: Sequence[int],
    task: PartTask,
    workers: int,
    listener: ProgressListener | None = None,
) -> PoolResult:
    """Do the work on parts in up to `workers` processes. Raise `PartPoolError`."""
    with _Pool(folder, parts, task, workers, listener).closed_at_end() as pool:
        return pool.run()


class _PartProcess(subprocesses.HelperProcess):
    """A process of the pool, and the part that it is at."""

    def __init__(self, setup: Mapping[str, object]) -> None:
        try:
            super().__init__("crawler.commands.part_worker")
        except OSError as error:
            raise PartPoolError(f"cannot start a process: {error.strerror or error}") from error
        self.part: int | None = None
        self.origins = 0
        self.send(setup)

    def assign(self, part: int | None) -> None:
        """Give it a part, or with None tell it that there are no more."""
        self.part = part
        self.send(part)


class _Pool(PartEngine):
    """The processes of the pool."""

    def __init__(
        self,
        folder: AuditFolder,
        parts: Sequence[int],
        task: PartTask,
        workers: int,
        listener: ProgressListener | None,
    ) -> None:
        super().__init__(folder, parts, task, listener)
        self._setup = {"folder": folder.shown, "task": task_as_json(self._task)}
        self._max_workers = workers
        self._processes: list[_PartProcess] = []
        self._selector = selectors.DefaultSelector()

    @contextmanager
    def closed_at_end(self) -> Iterator["_Pool"]:
        """Kill what is left of the pool at the end of the block."""
        try:
            yield self
        finally:
            for process in self._processes:
                process.close()
            self._selector.close()

    def _start_work(self) -> None:
        while len(self._processes) < self._max_workers and (part := self._take()) is not None:
            process = _PartProcess(self._setup)
            self._processes.append(process)
            self._selector.register(process.pipe, selectors.EVENT_READ, process)
            process.assign(part)

    def _is_busy(self) -> bool:
        return bool(self._processes)

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._read_messages(key.data)

    def _read_messages(self, process: _PartProcess) -> None:
        for message in process.messages:
            part = process.part
            process.part = None
            if part is None:
                continue
            result = self._note(part, message)
            process.origins += 0 if result is None else result.origins
            process.assign(self._take() if process.origins < MAX_ORIGINS else None)
        if process.messages.is_at_end:
            self._reap(process)

    def _reap(self, process: _PartProcess) -> None:
        """Forget a process that has ended; the part that it was at has failed."""
        self._selector.unregister(process.pipe)
        self._processes.remove(process)
        ended = process.end()
        process.close()
        if process.part is not None:
            self._note_lost(process.part, f"its process ended with {ended}")

    def _ask_to_stop(self) -> None:
        for process in self._processes:
            process.terminate()

    def _kill(self) -> None:
        for process in self._processes:
            self._selector.unregister(process.pipe)
            process.close()
        self._processes.clear()
