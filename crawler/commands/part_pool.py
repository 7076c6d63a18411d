"""Work on many parts of an audit in a pool of processes on this machine.

Each process works on one part at a time. A part whose attempt failed is tried again, after the
others, until it has failed three times; then it is named, and the rest goes on. The state is in
the folder alone: whatever is killed, the same command goes on from there.
"""

import selectors
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from crawler import subprocesses
from crawler.clock import stamp
from crawler.commands.crawl_request import ProgressListener
from crawler.commands.part import PartEnd, PartResult, note_failure
from crawler.commands.part_task import PartTask, PartVerb, task_as_json
from crawler.errors import UserError
from crawler.interrupts import handle_signals
from crawler.store.audit_folder import MAX_ATTEMPTS, AuditFolder
from crawler.store.failures import StoreBusyError, StoreError
from crawler.store.part_facts import code_digest

# Origins after which a process is replaced, so that memory it leaks is returned.
_MAX_ORIGINS = 10_000
# Seconds between two looks at the clock, and seconds from a signal until processes are killed:
# they save what is whole within 2.5, and then put a file that may have some 100 MB.
_POLL_S, _KILL_S = 0.5, 25.0
_WRONG_USAGE = 2


class PartPoolError(UserError):
    """The processes of a pool cannot be started, or none of them can do the work.

    `status` is the exit status of the command.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True, kw_only=True)
class PoolResult:
    """Results by part; sentences by part that failed three times; parts that others work on.

    `skipped` counts the parts that had nothing to do by their facts alone. `stopped` says that the
    pool was stopped, by a signal or (`is_budget`) by its time budget.
    """

    done: dict[int, PartResult] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    skipped: int = 0
    stopped: bool = False
    is_budget: bool = False

    def total(self, name: str) -> int:
        """Return the sum of a number of the results."""
        return sum(getattr(result, name) for result in self.done.values())

    def ended(self, end: PartEnd) -> list[int]:
        """Return the parts whose work ended so."""
        return sorted(part for part, result in self.done.items() if result.end is end)


def parts_with_work(folder: AuditFolder, parts: Sequence[int], task: PartTask) -> list[int]:
    """Return the parts that there is anything to do for, by their names and facts alone.

    Those that cannot be told are among them: of a part that is missing or damaged the attempt says
    why. The heaviest come first, so that no process is left alone with one at the end.
    """
    wanted, sizes = frozenset(parts), dict.fromkeys(parts, 0)
    code, fresh_since = code_digest(), stamp(ago=task.max_age.total_seconds())
    chosen = (files for files in folder.listed() if files.newest.part in wanted)
    for files, facts in folder.with_facts(chosen):
        part = files.newest.part or 0
        if isinstance(facts, StoreError):
            continue
        # A rule set that was named may be another one than the part shows.
        is_current = facts.code == code and task.rules is None and not facts.is_unfinished
        sizes[part] = facts.origins
        if not (task.verb is PartVerb.JUDGE or facts.is_due(fresh_since) or not is_current):
            del sizes[part]
    return sorted(sizes, key=lambda part: (-sizes[part], part))


def work_on_parts(
    folder: AuditFolder,
    parts: Sequence[int],
    task: PartTask,
    workers: int,
    listener: ProgressListener | None = None,
) -> PoolResult:
    """Do the work on parts in up to `workers` processes.

    The first signal stops it in good order, as does the time budget of the task; a second one
    stops it at once. Raises `PartPoolError`.
    """
    return _Pool(folder, parts, task, workers, listener or ProgressListener()).run()


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


class _Pool:
    """The pool: processes, parts that wait, and what has come of the others."""

    def __init__(
        self,
        folder: AuditFolder,
        parts: Sequence[int],
        task: PartTask,
        workers: int,
        listener: ProgressListener,
    ) -> None:
        self._folder, self._task, self._listener = folder, task, listener
        # The budget is for all parts together, so only the pool heeds it.
        unlimited = replace(task, fetch=replace(task.fetch, time_budget=None))
        self._setup = {"folder": folder.shown, "task": task_as_json(unlimited)}
        self._waiting, self._max_workers = deque(parts), workers
        self._attempts: Counter[int] = Counter()
        self._processes: list[_PartProcess] = []
        self._selector = selectors.DefaultSelector()
        self._result = PoolResult()
        self._failure: UserError | None = None
        self._signals = self._handled = 0
        self._kill_at = 0.0

    def run(self) -> PoolResult:
        """Work until all parts are done or given up, or until it is stopped."""
        self._listener.begin(f"{self._task.verb}: parts", len(self._waiting))
        budget, begun = self._task.fetch.time_budget, time.monotonic()
        with handle_signals(self._count_signal), self._closed_at_end():
            while self._start_processes() or self._processes:
                for key, _ in self._selector.select(_POLL_S):
                    self._read(key.data)
                if budget is not None and time.monotonic() - begun >= budget:
                    self._stop(is_budget=True)
                self._handle_signals()
        if self._failure is not None:
            raise self._failure
        return self._result

    @contextmanager
    def _closed_at_end(self) -> Iterator[None]:
        try:
            yield
        finally:
            for process in self._processes:
                process.close()
            self._selector.close()

    def _count_signal(self) -> None:
        # Only counted here: a handler may run in the middle of any statement.
        self._signals += 1

    def _handle_signals(self) -> None:
        while self._handled < self._signals:
            self._handled += 1
            if self._handled > 1:
                self._kill_at = 0.0
            self._stop()
        if self._is_stopping and time.monotonic() > self._kill_at:
            for process in self._processes:
                self._selector.unregister(process.pipe)
                process.close()
            self._processes.clear()

    @property
    def _is_stopping(self) -> bool:
        return self._result.stopped or self._failure is not None

    def _stop(self, *, is_budget: bool = False) -> None:
        """Let the processes save what is whole, and assign nothing more."""
        if self._result.stopped:
            return
        self._result.stopped, self._result.is_budget = True, is_budget
        self._begin_end()

    def _fail(self, error: UserError) -> None:
        if self._failure is None:
            self._failure = error
            self._begin_end()

    def _begin_end(self) -> None:
        self._waiting.clear()
        self._kill_at = time.monotonic() + _KILL_S
        for process in self._processes:
            process.terminate()

    def _start_processes(self) -> bool:
        """Start processes while parts wait for one; return whether any was started."""
        is_started = False
        while self._waiting and len(self._processes) < self._max_workers:
            process = _PartProcess(self._setup)
            self._processes.append(process)
            self._selector.register(process.pipe, selectors.EVENT_READ, process)
            process.assign(self._waiting.popleft())
            is_started = True
        return is_started

    def _read(self, process: _PartProcess) -> None:
        for message in process.messages:
            part = process.part
            process.part = None
            if part is None:
                continue
            if "done" in message:
                self._note_done(process, _part_result(message["done"]))
            elif "failed" in message:
                self._note_failure(part, message)
            may_go_on = self._waiting and process.origins < _MAX_ORIGINS
            process.assign(self._waiting.popleft() if may_go_on else None)
        if process.messages.is_at_end:
            self._reap(process)

    def _reap(self, process: _PartProcess) -> None:
        """Forget a process that has ended; the part that it was at has failed."""
        self._selector.unregister(process.pipe)
        self._processes.remove(process)
        ended = process.end()
        process.close()
        if process.part is not None and not self._is_stopping:
            why = f"its process ended with {ended}"
            note_failure(self._folder, process.part, why)
            self._note_attempt(process.part, why)

    def _note_done(self, process: _PartProcess, result: PartResult) -> None:
        self._result.done[result.part] = result
        process.origins += result.origins
        self._listener.step()

    def _note_failure(self, part: int, message: Mapping[str, Any]) -> None:
        sentence, status = message["failed"], message["status"]
        if status == StoreBusyError.status:
            self._result.held.add(part)
        elif message["ends_all"] or status == _WRONG_USAGE:
            self._fail(PartPoolError(sentence, status))
        elif not self._is_stopping:
            self._note_attempt(part, sentence)

    def _note_attempt(self, part: int, why: str) -> None:
        """Count an attempt that failed; the part waits again, or is given up."""
        self._attempts[part] += 1
        if self._attempts[part] < MAX_ATTEMPTS:
            self._waiting.append(part)
        else:
            self._result.failed[part] = why
            self._listener.step()


def _part_result(values: Mapping[str, Any]) -> PartResult:
    return PartResult(
        **{**values, "end": PartEnd(values["end"]), "warnings": tuple(values["warnings"])}
    )
