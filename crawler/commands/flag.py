"""`flag`: write a dataset again with a verdict for every row, in the same order."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from crawler.commands.flag_counts import Counts
from crawler.commands.flag_jobs import FlagError
from crawler.commands.flag_processes import Files, FlagProcesses
from crawler.commands.flag_request import FlagRequest, Mask, facts
from crawler.commands.flag_results import NewVerdicts, store_results, store_state
from crawler.commands.flag_task import (
    FlagResult,
    FlagTask,
    describe,
    opened_task,
    write_files,
    write_one_by_one,
)
from crawler.commands.flag_worker import as_setup
from crawler.commands.flag_writer import FlagWriter
from crawler.dataset.duck import connect
from crawler.progress import Bar
from crawler.store import runs

__all__ = ["FlagError", "FlagRequest", "FlagResult", "Mask", "flag"]


def flag(
    db: sqlite3.Connection,
    request: FlagRequest,
    bar: Bar,
    *,
    cache_into: Path | None = None,
    prune_output: bool = False,
) -> FlagResult:
    """Write the flagged rows to `request.out` or `request.stream`.

    A file appears under its name only when it is complete. In a folder, files that an earlier run
    finished from the same evidence with the same options are left as they are; with `prune_output`
    those whose file of the dataset is gone are removed. New verdicts are stored in the database at
    `cache_into` for the next run, if no other process holds it.

    Raises `FlagError`, `DatasetError`, `ExportError`, and `StoppedEarlyError` at a signal.
    """
    with opened_task(request, bar, prune_output=prune_output) as task:
        if request.workers > 1 and task.is_divisible:
            assert cache_into is not None
            return _in_processes(db, task, cache_into)
        return _in_this_process(db, task, cache_into)


def _in_this_process(db: sqlite3.Connection, task: FlagTask, cache_into: Path | None) -> FlagResult:
    """Write the files one after the other."""
    request = task.request
    with (
        closing(connect(task.scratch, request.memory_limit)) as duck,
        closing(FlagWriter(db, duck, task.scratch, request, task.bar, task.copies.name)) as writer,
    ):
        write = partial(write_one_by_one, task, writer)
        result = write_files(task, writer.facts, write)
        describe(task, writer.schema, writer.facts)
        if cache_into is not None:
            writer.store_state(cache_into, with_verdicts=True)
    return result


def _in_processes(db: sqlite3.Connection, task: FlagTask, cache_into: Path) -> FlagResult:
    """Write the files in several processes."""
    request = task.request
    evidence = runs.fingerprint(db)
    known = facts(evidence, request)
    key = ""
    setup = as_setup(cache_into, request, task.form.name, task.scratch)
    with FlagProcesses(setup, known, request.workers, task.copies.name, task.prepare) as processes:

        def write(files: Sequence[Files]) -> Iterator[tuple[Path, Counts]]:
            nonlocal key
            is_new = False
            if files:
                key, is_new = store_state(db, request, cache_into, task.scratch)
            for out, counts in processes.write(files, is_new=is_new):
                task.bar.step(counts.reasons.total())
                yield out, counts

        result = write_files(task, known, write)
        # The state that was stored lacks the new verdicts: the next run makes it again with them.
        new = NewVerdicts(evidence, processes.new_verdicts, key, {})
        store_results(cache_into, request.agent, new)
    return result
