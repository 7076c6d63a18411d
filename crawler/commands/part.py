"""Work on one part of an audit: take its newest generation, crawl or judge, put the next one.

Rules for editors:

- A part is worked on in a copy, by one process without workers: its sites are in no other part, so
  the delay between two requests to a host holds.
- What is put is never changed. Of two processes at one part the first to put a generation wins, and
  the work of the other is dropped.
- Evidence that a signal or a fault cut short is put as well, so that the next attempt goes on.
"""

import contextlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from crawler.clock import stamp
from crawler.commands.crawl import crawl_stored, has_work
from crawler.commands.crawl_request import CrawlRequest, CrawlResult, ProgressListener
from crawler.commands.judge import rebuild
from crawler.commands.visiting import most_per_address
from crawler.errors import UserError, WrongUsageError
from crawler.fetch.descriptors import require_descriptors
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import RunEnd
from crawler.interrupts import StoppedEarlyError, exit_on_signal, handle_signals
from crawler.reports.run_report import run_report
from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import (
    StoreBusyError,
    StoreError,
    connect,
    sqlite_errors_as_store_error,
)
from crawler.store.derived import rule_set
from crawler.store.object_storage import StorageDownError
from crawler.store.part_facts import code_digest, count_visits, facts_of
from crawler.store.part_scratch import scratch_folder
from crawler.store.part_writer import seal
from crawler.store.queries import visited_origins


class PartVerb(StrEnum):
    """The work that is done on a part."""

    CRAWL = "crawl"
    JUDGE = "judge"


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
class PartTask:
    """Work that is the same for all parts, with the options of `CrawlRequest`.

    `processes` is the number of processes that work on parts of the audit at the same time, on this
    machine and others. The requests in flight to one address are shared among them.
    """

    verb: PartVerb
    fetch: FetchOptions
    processes: int
    command: str = "crawl"
    max_age: timedelta = timedelta(hours=24)
    new_run: bool = False
    keep_pages: bool = False
    rules: str | None = None

    def request(self, db: Path) -> CrawlRequest:
        """Return the request for the database of a part."""
        alone = max(1, self.fetch.per_address // self.processes)
        return CrawlRequest(
            datasets=(),
            db=db,
            fetch=replace(self.fetch, per_address=alone),
            command=self.command,
            max_age=self.max_age,
            new_run=self.new_run,
            keep_pages=self.keep_pages,
            rules=self.rules,
            workers=1,
            processes=self.processes,
        )

    @property
    def most_per_address(self) -> int:
        """Return the most requests in flight to one address, over all processes."""
        return most_per_address(self.request(Path()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """Result of work on a part: its end, its newest generation, and sums over the runs it made."""

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


def work_on_part(
    folder: AuditFolder, part: int, task: PartTask, listener: ProgressListener | None = None
) -> PartResult:
    """Do the work on one part, in this process.

    Raises `StoreBusyError` at once if another process of this machine is at the part,
    `MachineFaultError`, `StoppedEarlyError` if a signal came and nothing could be saved, and what
    the work itself raises.
    """
    require_descriptors()
    listener = listener or ProgressListener()
    with exit_on_signal(), folder.storage.held(f"parts/{part:05d}"), scratch_folder() as scratch:
        newest = folder.require(part)
        path = scratch / "audit.db"
        folder.storage.get(newest.name, path)
        work = _crawl if task.verb is PartVerb.CRAWL else _judge
        return _Work(folder, newest, task, scratch, path).run(work, listener)


def attempt_part(
    folder: AuditFolder, part: int, task: PartTask, listener: ProgressListener | None = None
) -> PartResult:
    """Do the work on one part; what fails is noted in the folder, for `status`. Raises the same."""
    try:
        return work_on_part(folder, part, task, listener)
    except (StoppedEarlyError, StoreBusyError, WrongUsageError, *ENDS_ALL):
        raise
    except UserError as error:
        note_failure(folder, part, str(error))
        raise


def note_failure(folder: AuditFolder, part: int, why: str) -> None:
    """Put why an attempt at the next generation of a part failed, if anything can be put."""
    with contextlib.suppress(StoreError), scratch_folder() as scratch:
        folder.add_failure(folder.require(part).next, why, stamp(), scratch)


class _Done:
    """The result so far of work on the copy of a part."""

    def __init__(self) -> None:
        self.ended = RunEnd.FINISHED
        self.fault: MachineFaultError | None = None
        self.is_nothing = False
        self.sums: dict[str, int] = {}
        self.warnings: list[str] = []


class _Work:
    """Work on the copy of a part at `path`."""

    def __init__(
        self, folder: AuditFolder, newest: Generation, task: PartTask, scratch: Path, path: Path
    ) -> None:
        self._folder, self._newest, self._task = folder, newest, task
        self._scratch, self._path = scratch, path

    def run(self, work: Any, listener: ProgressListener) -> PartResult:
        """Do the work and put what it leaves."""
        done = _Done()
        with sqlite_errors_as_store_error(self._path), closing(connect(self._path)) as db:
            visits = count_visits(db)
            try:
                work(db, self._task, self._task.request(self._path), listener, done)
            except StoppedEarlyError:
                if count_visits(db) == visits:
                    raise
                done.ended = RunEnd.STOPPED
            done.is_nothing = done.is_nothing or (
                done.ended is not RunEnd.FINISHED and count_visits(db) == visits
            )
        end = PartEnd.DONE if done.ended is RunEnd.FINISHED else PartEnd.STOPPED
        if done.is_nothing:
            end = PartEnd.NOTHING if end is PartEnd.DONE else end
            result = self._result(done, end, self._newest)
        else:
            # The work is done: a signal that comes now does not undo it.
            with handle_signals(lambda: None):
                result = self._put(done, end)
        if done.fault is not None:
            raise done.fault
        return result

    def _put(self, done: _Done, end: PartEnd) -> PartResult:
        seal(self._path)
        about = {
            "kind": self._task.verb.value,
            "made_at": stamp(),
            "ended": done.ended.value,
            "processes": self._task.processes,
            **done.sums,
        }
        if self._task.verb is PartVerb.CRAWL:
            about |= {"most_per_address": self._task.most_per_address}
        facts = facts_of(self._path, code=code_digest() if end is PartEnd.DONE else "", about=about)
        generation = self._newest.next
        if not self._folder.put(generation, self._path, facts, self._scratch):
            end = PartEnd.SUPERSEDED
        return replace(self._result(done, end, generation), origins=facts.origins)

    def _result(self, done: _Done, end: PartEnd, generation: Generation) -> PartResult:
        return PartResult(
            part=generation.part or 0,
            end=end,
            generation=generation.number,
            warnings=tuple(done.warnings),
            **done.sums,
        )


def _crawl(
    db: sqlite3.Connection,
    task: PartTask,
    request: CrawlRequest,
    listener: ProgressListener,
    done: _Done,
) -> None:
    del task
    if not has_work(db, request):
        done.is_nothing = True
        return
    results = crawl_stored(db, request, listener)
    for result in results:
        done.ended = result.ended
        done.warnings += result.warnings
        done.fault = _fault(result)
    reports = [run_report(db, result.run) for result in results if result.run is not None]
    done.sums = {
        "due": sum(result.due for result in results),
        "visited": sum(result.visited for result in results),
        "planned": sum(report.planned for report in reports),
        "seen": sum(report.seen for report in reports),
        "crashes": sum(report.crashes for report in reports),
    }


def _fault(result: CrawlResult) -> MachineFaultError | None:
    if not result.fault_of_machine:
        return None
    kind = NoNetworkError if result.ended is RunEnd.NO_NETWORK else MachineFaultError
    return kind(result.fault_of_machine)


def _judge(
    db: sqlite3.Connection,
    task: PartTask,
    request: CrawlRequest,
    listener: ProgressListener,
    done: _Done,
) -> None:
    del request
    if not visited_origins(db):
        done.is_nothing = True
        return
    listener.begin("judging", visited_origins(db))
    judged = rebuild(db, chosen=rule_set(db, task.rules), on_origin=listener.step)
    done.sums = {"judged": judged}


def task_as_json(task: PartTask) -> Mapping[str, object]:
    """Return a task as data that another process understands."""
    names = FetchOptions.__dataclass_fields__
    values = {name: getattr(task, name) for name in PartTask.__dataclass_fields__}
    values["fetch"] = {name: getattr(task.fetch, name) for name in names}
    values["max_age"] = task.max_age.total_seconds()
    return values


def task_from_json(values: Mapping[str, Any]) -> PartTask:
    """Return the task that another process sent."""
    # JSON has no tuples, and `FetchOptions` must be hashable.
    tuples = {name: tuple(values["fetch"][name]) for name in ("connect_to", "allow_network")}
    return PartTask(
        **{
            **values,
            "verb": PartVerb(values["verb"]),
            "fetch": FetchOptions(**{**values["fetch"], **tuples}),
            "max_age": timedelta(seconds=values["max_age"]),
        }
    )
