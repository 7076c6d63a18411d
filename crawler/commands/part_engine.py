"""Work on parts in whatever does it: parts that wait, failed attempts, signals, the time budget.

A pool of processes (`part_pool`) and Ray (`part_ray`) share this.

A part whose attempt failed is tried again, after the others, until it has failed three times; then
it is named, and the rest goes on. The state is in the folder alone: whatever is killed, the same
command goes on from there.
"""

import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crawler.clock import stamp
from crawler.commands.crawl_request import ProgressListener
from crawler.commands.part import PartEnd, PartResult, note_failure
from crawler.commands.part_task import PartTask, PartVerb
from crawler.errors import UserError
from crawler.interrupts import handle_signals
from crawler.store.audit_folder import MAX_ATTEMPTS, AuditFolder
from crawler.store.failures import StoreBusyError, StoreError
from crawler.store.part_facts import code_digest
from crawler.store.verification import Difference

#: Origins after which a process is replaced, so that memory it leaks is returned: fewer than a part
#: has, since a process that had two of 10,000 took 294 MB.
MAX_ORIGINS = 8_000
# Seconds between two looks at the clock, and seconds from a signal until work is killed: it saves
# what is whole within 2.5, and then puts a file that may have some 100 MB.
_POLL_S, _KILL_S = 0.5, 25.0
# Seconds until a part is tried again that a lost process of ours still works on.
_HELD_S = 2.0
_WRONG_USAGE = 2


class PartPoolError(UserError):
    """Work on parts cannot be started, or none of those who do it can do it.

    `status` is the exit status of the command.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True, kw_only=True)
class PoolResult:
    """Results by part; sentences by part that failed three times; parts that others work on.

    `final` are those of the failed that were tried once, since they are missing or damaged.
    `skipped` counts the parts that had nothing to do by their facts alone. `stopped` says that the
    work was stopped, by a signal or (`is_budget`) by its time budget.
    """

    done: dict[int, PartResult] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    final: set[int] = field(default_factory=set)
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
        if not (task.verb is not PartVerb.CRAWL or facts.is_due(fresh_since) or not is_current):
            del sizes[part]
    return sorted(sizes, key=lambda part: (-sizes[part], part))


class PartEngine(ABC):
    """Work on parts, until all are done or given up, or until it is stopped.

    The first signal stops it in good order, as does the time budget of the task; a second one
    stops it at once. `is_one_machine` says that all parts share its disk.
    """

    is_one_machine = True

    def __init__(
        self,
        folder: AuditFolder,
        parts: Sequence[int],
        task: PartTask,
        listener: ProgressListener | None,
    ) -> None:
        self._folder, self._listener = folder, listener or ProgressListener()
        # The budget is for all parts together, so only the engine heeds it.
        self._budget = task.fetch.time_budget
        self._task = replace(task, fetch=replace(task.fetch, time_budget=None))
        self._waiting = deque(parts)
        self._attempts: Counter[int] = Counter()
        self._lost: set[int] = set()
        self._not_before: dict[int, float] = {}
        self._result = PoolResult()
        self._failure: UserError | None = None
        self._signals = self._handled = 0
        self._kill_at = 0.0

    @abstractmethod
    def _start_work(self) -> None:
        """Start work on parts (`_take`), as far as there are places for it."""

    @abstractmethod
    def _is_busy(self) -> bool:
        """Return whether anything is at work."""

    @abstractmethod
    def _read(self, seconds: float) -> None:
        """Note what came of parts, and wait for it for some seconds at most."""

    @abstractmethod
    def _ask_to_stop(self) -> None:
        """Have all who work save what is whole and end."""

    @abstractmethod
    def _kill(self) -> None:
        """End all work at once; afterwards nothing is busy."""

    def run(self) -> PoolResult:
        """Work on all parts. Raise `PartPoolError`."""
        self._listener.begin(f"{self._task.verb}: parts", len(self._waiting))
        begun = time.monotonic()
        with handle_signals(self._count_signal):
            self._start_work()
            while self._waiting or self._is_busy():
                self._read(_POLL_S)
                if self._budget is not None and time.monotonic() - begun >= self._budget:
                    self._stop(is_budget=True)
                self._handle_signals()
                self._start_work()
        if self._failure is not None:
            raise self._failure
        return self._result

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
            self._kill()

    @property
    def _is_stopping(self) -> bool:
        return self._result.stopped or self._failure is not None

    def _stop(self, *, is_budget: bool = False) -> None:
        """Have what is whole saved, and give out nothing more."""
        if self._result.stopped:
            return
        self._result.stopped, self._result.is_budget = True, is_budget
        self._begin_end(_KILL_S)

    def _fail(self, error: UserError, seconds: float = _KILL_S) -> None:
        """Stop with an error; whoever works has some seconds to save what is whole."""
        if self._failure is None:
            self._failure = error
            self._begin_end(seconds)

    def _begin_end(self, seconds: float) -> None:
        self._waiting.clear()
        self._kill_at = time.monotonic() + seconds
        self._ask_to_stop()

    def _take(self) -> int | None:
        """Return the next part that waits and may be tried now; None if there is none."""
        now = time.monotonic()
        for part in self._waiting:
            if self._not_before.get(part, now) <= now:
                self._waiting.remove(part)
                return part
        return None

    def _note(self, part: int, message: Mapping[str, Any]) -> PartResult | None:
        """Note the message of `part_worker` about a part; return the result if it is done."""
        if "done" in message:
            result = _part_result(message["done"])
            self._result.done[part] = result
            self._listener.step()
            return result
        if "failed" in message:
            self._note_failure(part, message)
        return None

    def _note_failure(self, part: int, message: Mapping[str, Any]) -> None:
        sentence, status = message["failed"], message["status"]
        if status == StoreBusyError.status and part not in self._lost:
            self._result.held.add(part)
        elif status == StoreBusyError.status and not self._is_stopping:
            # A process that was counted as lost lives on and will end: this is no failed attempt.
            self._not_before[part] = time.monotonic() + _HELD_S
            self._waiting.append(part)
        elif self._ends_all(message):
            self._fail(PartPoolError(sentence, status))
        elif not self._is_stopping:
            # What cannot be read is not read better another time.
            is_final = bool(message["is_final"]) or self._task.verb is PartVerb.VERIFY
            if is_final:
                self._result.final.add(part)
            self._note_attempt(part, sentence, 1 if is_final else MAX_ATTEMPTS)

    def _ends_all(self, message: Mapping[str, Any]) -> bool:
        """Return whether other parts would fare no better."""
        ends_all = bool(message["ends_all"]) or message["status"] == _WRONG_USAGE
        return ends_all or (self.is_one_machine and bool(message["ends_machine"]))

    def _note_lost(self, part: int, why: str) -> None:
        """Note that whoever worked on a part is gone, without a word about it."""
        if self._is_stopping:
            return
        self._lost.add(part)
        if self._task.verb is not PartVerb.VERIFY:
            note_failure(self._folder, part, why)
        self._note_attempt(part, why)

    def _note_attempt(self, part: int, why: str, most: int = MAX_ATTEMPTS) -> None:
        """Count an attempt that failed; the part waits again, or is given up."""
        self._attempts[part] += 1
        if self._attempts[part] < most:
            self._waiting.append(part)
        else:
            self._result.failed[part] = why
            self._listener.step()


def _part_result(values: Mapping[str, Any]) -> PartResult:
    own = {"end": PartEnd(values["end"]), "warnings": tuple(values["warnings"])}
    differences = tuple(Difference(*one) for one in values["differences"])
    return PartResult(**{**values, **own, "differences": differences})
