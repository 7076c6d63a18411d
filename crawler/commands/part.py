"""Work on one part of an audit: take its newest generation, crawl or judge, put the next one.

Rules for editors:

- A part is worked on in a copy, by one process: its sites are in no other part, so
  the delay between two requests to a host holds.
- What is put is never changed. Of two processes at one part the first to put a generation wins, and
  the work of the other is dropped.
- Evidence that a signal or a fault cut short is put as well, so that the next attempt goes on.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from crawler.clock import stamp
from crawler.commands.crawl import crawl_stored, has_work
from crawler.commands.crawl_request import CrawlRequest, CrawlResult, ProgressListener
from crawler.commands.judge import rebuild
from crawler.commands.part_task import PartTask, PartVerb
from crawler.errors import UserError, WrongUsageError
from crawler.fetch.descriptors import require_descriptors
from crawler.fetch.scheduler import RunEnd
from crawler.interrupts import StoppedEarlyError, exit_on_signal, handle_signals
from crawler.reports.run_report import run_report
from crawler.store.audit_folder import AuditFolder, Generation, PartDamagedError, PartFailure
from crawler.store.database import (
    StoreBusyError,
    StoreError,
    connect,
    sqlite_errors_as_store_error,
)
from crawler.store.derived import rule_set
from crawler.store.failures import StorageDownError
from crawler.store.part_facts import PartFacts, code_digest, count_visits, facts_of
from crawler.store.part_scratch import scratch_folder
from crawler.store.part_tables import put_tables
from crawler.store.part_writer import seal
from crawler.store.queries import visited_origins
from crawler.store.tables_process import TablesProcessError
from crawler.store.verification import Difference


class PartEnd(StrEnum):
    """The end of work on a part.

    - `done`: its next generation is put
    - `nothing`: nothing was due, and no generation is put
    - `superseded`: another process has put the generation before, and its work stands
    - `stopped`: a signal or the time budget; what was saved is put, and is to be continued
    """

    DONE = "done"
    NOTHING = "nothing"
    SUPERSEDED = "superseded"
    STOPPED = "stopped"


class MachineFaultError(UserError):
    """Origins of a part stay due by a fault of this machine."""


class NoNetworkError(MachineFaultError):
    """This machine has no network."""


#: Errors after which other parts would fare no better.
ENDS_ALL = (NoNetworkError, StorageDownError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """Result of work on a part: its end, its newest generation, and sums over the runs it made.

    The last three are of `verify`: what differs, rows by table, and the digest of the file.
    """

    part: int
    end: PartEnd
    generation: int
    origins: int = 0
    due: int = 0
    visited: int = 0
    judged: int = 0
    planned: int = 0
    seen: int = 0
    crashes: int = 0
    warnings: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    sha256: str = ""


def work_on_part(
    folder: AuditFolder, part: int, task: PartTask, listener: ProgressListener | None = None
) -> PartResult:
    """Do the work on one part, in this process.

    Raises `StoreBusyError` at once if another process of this machine is at the part,
    `MachineFaultError`, `StoppedEarlyError` if a signal came and nothing could be saved, and what
    the work itself raises.
    """
    require_descriptors()
    with copied_part(folder, part) as copy:
        return _Work(folder, copy, task).run(listener or ProgressListener())


class PartCopy(NamedTuple):
    """A copy of the newest generation of a part at `path`, and a folder for what is made of it."""

    newest: Generation
    path: Path
    scratch: Path


@contextlib.contextmanager
def copied_part(folder: AuditFolder, part: int) -> Iterator[PartCopy]:
    """Give a copy of a part, of which other processes of this machine are kept out meanwhile.

    A signal in the block raises `StoppedEarlyError`, unless the block has its own handler.
    """
    with exit_on_signal(), folder.storage.held(f"parts/{part:05d}"), scratch_folder() as scratch:
        newest = folder.require(part)
        path = scratch / "audit.db"
        folder.copy(newest, path)
        yield PartCopy(newest, path, scratch)


class Put(NamedTuple):
    """Result of putting a copy of a part: `is_put` is False if another process had been first."""

    is_put: bool
    facts: PartFacts
    warnings: tuple[str, ...] = ()


def put_next(folder: AuditFolder, copy: PartCopy, *, code: str, about: Mapping[str, object]) -> Put:
    """Put a copy of a part that was worked on as its next generation, with its facts and tables.

    That the tables could not be made for want of a process is a warning: the evidence is put.
    """
    seal(copy.path)
    facts = facts_of(copy.path, code=code, about={"made_at": stamp(), **about})
    if not folder.put(copy.newest.next, copy.path, facts, copy.scratch):
        return Put(is_put=False, facts=facts)
    try:
        put_tables(folder, copy.newest.next, copy.path, copy.scratch)
    except TablesProcessError as error:
        warning = f"{error}; the part is put, and the next command that reads all parts makes them"
        return Put(is_put=True, facts=facts, warnings=(warning,))
    return Put(is_put=True, facts=facts)


def attempt_part(
    folder: AuditFolder, part: int, task: PartTask, listener: ProgressListener | None = None
) -> PartResult:
    """Do the work on one part; what fails is noted in the folder, for `status`. Raises the same.

    Nothing is noted if the generation was put and what failed came after it.
    """
    before: Generation | None = None
    try:
        before = folder.require(part)
        return work_on_part(folder, part, task, listener)
    except (StoppedEarlyError, StoreBusyError, WrongUsageError, *ENDS_ALL):
        raise
    except UserError as error:
        if before is None or not _is_put_since(folder, part, before):
            note_failure(folder, part, str(error), is_final=isinstance(error, PartDamagedError))
        raise


def _is_put_since(folder: AuditFolder, part: int, before: Generation) -> bool:
    """Return whether a part has a newer generation, as far as can be told."""
    with contextlib.suppress(StoreError):
        return folder.require(part) != before
    return False


def note_failure(folder: AuditFolder, part: int, why: str, *, is_final: bool = False) -> None:
    """Put why an attempt at the next generation of a part failed, if anything can be put."""
    failure = PartFailure(why, is_final)
    with contextlib.suppress(StoreError), scratch_folder() as scratch:
        folder.add_failure(folder.require(part).next, failure, stamp(), scratch)


class _Work:
    """Work on the copy of a part, and the result of it so far."""

    def __init__(self, folder: AuditFolder, copy: PartCopy, task: PartTask) -> None:
        self._folder, self._copy, self._task = folder, copy, task
        self._newest, self._path = copy.newest, copy.path
        self._ended = RunEnd.FINISHED
        self._fault: MachineFaultError | None = None
        self._sums: dict[str, Any] = {}
        self._warnings: list[str] = []

    def run(self, listener: ProgressListener) -> PartResult:
        """Do the work and put what it leaves."""
        with sqlite_errors_as_store_error(self._path), closing(connect(self._path)) as db:
            visits = count_visits(db)
            try:
                is_anything = self._do(db, listener)
            except StoppedEarlyError:
                if count_visits(db) == visits:
                    raise
                is_anything, self._ended = True, RunEnd.STOPPED
            if self._ended is not RunEnd.FINISHED:
                is_anything = count_visits(db) != visits
        end = PartEnd.DONE if self._ended is RunEnd.FINISHED else PartEnd.STOPPED
        if is_anything:
            # The work is done: a signal that comes now does not undo it.
            with handle_signals(lambda: None):
                result = self._put(end)
        else:
            end = PartEnd.NOTHING if end is PartEnd.DONE else end
            result = self._result(end, self._newest)
        if self._fault is not None:
            raise self._fault
        return result

    def _do(self, db: sqlite3.Connection, listener: ProgressListener) -> bool:
        """Crawl or judge; return False if there was nothing to do."""
        if self._task.verb is PartVerb.CRAWL:
            return self._crawl(db, self._task.request(self._path), listener)
        return self._judge(db, listener)

    def _crawl(
        self, db: sqlite3.Connection, request: CrawlRequest, listener: ProgressListener
    ) -> bool:
        if not has_work(db, request):
            return False
        results = crawl_stored(db, request, listener)
        for result in results:
            self._ended = result.ended
            self._warnings += result.warnings
            self._fault = _fault(result)
        reports = [run_report(db, result.run) for result in results if result.run is not None]
        self._sums = {
            "due": sum(result.due for result in results),
            "visited": sum(result.visited for result in results),
            "planned": sum(report.planned for report in reports),
            "seen": sum(report.seen for report in reports),
            "crashes": sum(report.crashes for report in reports),
        }
        return True

    def _judge(self, db: sqlite3.Connection, listener: ProgressListener) -> bool:
        visited = visited_origins(db)
        if not visited:
            return False
        listener.begin("judging", visited)
        rules = rule_set(db, self._task.rules)
        self._sums = {"judged": rebuild(db, chosen=rules, on_origin=listener.step)}
        return True

    def _put(self, end: PartEnd) -> PartResult:
        about = {
            "kind": self._task.verb.value,
            "ended": self._ended.value,
            "processes": self._task.processes,
            **self._sums,
        }
        if self._task.verb is PartVerb.CRAWL:
            about |= {"most_per_address": self._task.most_per_address}
        code = code_digest() if end is PartEnd.DONE else ""
        put = put_next(self._folder, self._copy, code=code, about=about)
        self._warnings += put.warnings
        end = end if put.is_put else PartEnd.SUPERSEDED
        return replace(self._result(end, self._newest.next), origins=put.facts.origins)

    def _result(self, end: PartEnd, generation: Generation) -> PartResult:
        return PartResult(
            part=generation.part or 0,
            end=end,
            generation=generation.number,
            warnings=tuple(self._warnings),
            **self._sums,
        )


def _fault(result: CrawlResult) -> MachineFaultError | None:
    if not result.fault_of_machine:
        return None
    kind = NoNetworkError if result.ended is RunEnd.NO_NETWORK else MachineFaultError
    return kind(result.fault_of_machine)
