"""`flag`: write a dataset again with a verdict for every row, in the same order."""

import contextlib
import hashlib
import sqlite3
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from crawler.commands.flag_counts import Counts, check_guess
from crawler.commands.flag_jobs import (
    FlagError,
    absolute,
    common_parent,
    jobs_of,
    refuse_overwriting,
)
from crawler.commands.flag_manifest import remove_leftovers
from crawler.commands.flag_place import FlagPlace, destination
from crawler.commands.flag_processes import Files, FlagProcesses
from crawler.commands.flag_request import FlagRequest, Mask, facts
from crawler.commands.flag_worker import as_setup
from crawler.commands.flag_writer import FlagWriter
from crawler.dataset import saved
from crawler.dataset.duck import connect
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.remote import LocalCopies, local_copies
from crawler.evaluate.url_verdicts import Verdict
from crawler.flags import Flagger
from crawler.folders import new_folders_removed_on_error
from crawler.interrupts import exit_on_signal
from crawler.progress import Bar
from crawler.store import flag_cache, runs, verdict_cache
from crawler.store.database import (
    StoreError,
    checkpoint,
    exclusive_lock,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.database import connect as connect_database

__all__ = ["FlagError", "FlagRequest", "FlagResult", "Mask", "flag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagResult:
    """The counts over all files, and the files that an earlier run had finished.

    `outdated` are files of the folder whose files of the dataset are gone, `removed` those of them
    that were removed.
    """

    counts: Counts
    finished_before: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


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
    with (
        exit_on_signal(),
        local_copies(request.datasets) as copies,
        destination(request.out, request.remote_out) as place,
        tempfile.TemporaryDirectory(prefix="tdm-audit-") as folder,
    ):
        files, form = copies.locate()
        request = replace(request, out=place.out)
        jobs = jobs_of(files, form, request)
        refuse_overwriting(files, jobs, copies, place)
        if not request.stream:
            for out in jobs:
                remove_leftovers(out)
        bar.begin("flagging rows", None)
        task = _Task(files, form, jobs, copies, place, prune_output)
        if prune_output and not place.has_manifest(jobs):
            raise FlagError("--prune-output is for a folder; name one with -o")
        session = _Session(db, request, Path(folder), bar, cache_into)
        run = _in_processes if request.workers > 1 and task.is_divisible else _in_this_process
        # A worker that is killed leaves the folders that it made.
        with new_folders_removed_on_error(jobs):
            return run(session, task)


class _Session(NamedTuple):
    """The parts that all files of one command share; scratch files go to `scratch`."""

    db: sqlite3.Connection
    request: FlagRequest
    scratch: Path
    bar: Bar
    cache_into: Path | None


class _Task(NamedTuple):
    """The files of a dataset, their format, those to write with what goes into them, the places."""

    files: tuple[Path, ...]
    form: DatasetFormat
    jobs: Mapping[Path, tuple[Path, ...]]
    copies: LocalCopies
    place: FlagPlace
    prune_output: bool

    @property
    def is_divisible(self) -> bool:
        """Return whether several processes can write it."""
        # The features of a saved dataset are written behind its files, by who wrote them.
        return len(self.jobs) > 1 and not self.form.is_saved_dataset

    def prepare(self, path: Path) -> None:
        """Have a file here and make sure that it is of the dataset's format."""
        self.copies.fetch(path)
        self.copies.check(path, self.form)


def _in_this_process(session: _Session, task: _Task) -> FlagResult:
    """Write the files one after the other."""
    db, request, scratch, bar, cache_into = session
    with closing(connect(scratch, request.memory_limit)) as duck:
        writer = FlagWriter(db, duck, scratch, request, bar, task.copies.name)
        result = _write(task, writer.facts, lambda files: _write_one_by_one(task, writer, files))
        is_whole = task.place.has_manifest(task.jobs) and not request.flags_only
        if is_whole and task.form.is_saved_dataset:
            _describe(task.files, request, writer)
        if cache_into is not None:
            key, tables = writer.export_state()
            verdicts = _NewVerdicts(writer.evidence, writer.new_verdicts, key, tables)
            _store_results(cache_into, request.agent, verdicts)
    return result


def _write_one_by_one(
    task: _Task, writer: FlagWriter, files: Sequence[Files]
) -> Iterator[tuple[Path, Counts]]:
    """Write files in their order; yield the name and counts of each."""
    some_empty = sum(map(len, task.jobs.values())) > 1
    ahead = deque(group[0] for _, group in files)
    for out, group in files:
        # A copy of a remote file is here only while it is written.
        if len(task.jobs) > 1 and not task.copies.are_remote:
            writer.read_ahead(ahead, task.form)
            ahead.popleft()
        for path in group:
            task.prepare(path)
        yield out, writer.write(out, group, task.form, some_empty=some_empty)


def _in_processes(session: _Session, task: _Task) -> FlagResult:
    """Write the files in several processes."""
    db, request, scratch, bar, cache_into = session
    assert cache_into is not None
    evidence = runs.fingerprint(db)
    known = facts(evidence, request)
    key = ""
    setup = as_setup(cache_into, request, task.form.name, scratch)
    with FlagProcesses(setup, known, request.workers, task.copies.name, task.prepare) as processes:

        def write(files: Sequence[Files]) -> Iterator[tuple[Path, Counts]]:
            nonlocal key
            key = _store_state(db, request, cache_into) if files else ""
            for out, counts in processes.write(files):
                bar.step(counts.reasons.total())
                yield out, counts

        result = _write(task, known, write)
        # The state that was stored lacks the new verdicts: the next run makes it again with them.
        _store_results(
            cache_into, request.agent, _NewVerdicts(evidence, processes.new_verdicts, key, {})
        )
    return result


def _store_state(db: sqlite3.Connection, request: FlagRequest, path: Path) -> str:
    """Store the state that flags begin with, unless it is there; return its key.

    Otherwise each process would make it for itself.
    """
    if request.times is not None:
        return ""  # it is made as rows need it
    with Flagger(db, request.rules, request.purposes, request.agent) as flagger:
        new = _NewVerdicts(flagger.evidence, [], flagger.cache_key, flagger.export_state())
    _store_results(path, request.agent, new)
    return new.key


def _write(
    task: _Task,
    known: str,
    write: Callable[[Sequence[Files]], Iterator[tuple[Path, Counts]]],
) -> FlagResult:
    """Write the files that are not finished; a remote file is here while it is needed."""
    jobs, place = task.jobs, task.place
    manifest = place.manifest(known, task.copies) if place.has_manifest(jobs) else None
    counts_of = {
        out: counts
        for out, files in jobs.items()
        if manifest and (counts := manifest.finished(out, files)) is not None
    }
    finished_before = tuple(map(place.shown, counts_of))
    for out, counts in write([job for job in jobs.items() if job[0] not in counts_of]):
        if manifest:
            manifest.add(out, jobs[out], counts)
        place.finish(out)
        for path in jobs[out]:
            task.copies.release(path)
        counts_of[out] = counts
    counts = _sum([counts_of[out] for out in jobs])
    check_guess(counts)
    outdated = manifest.outdated(jobs, task.copies.is_gone) if manifest else []
    removed = place.remove(outdated, manifest) if manifest and task.prune_output else []
    return FlagResult(
        counts=counts,
        finished_before=finished_before,
        outdated=tuple(map(place.shown, outdated)),
        removed=tuple(map(place.shown, removed)),
    )


class _NewVerdicts(NamedTuple):
    """New verdicts on some evidence, and the state of the flagger, for the database.

    Without `tables` the state with that key is removed.
    """

    evidence: str
    verdicts: Sequence[tuple[int, str, tuple[Verdict, ...]]]
    key: str
    tables: Mapping[str, bytes]


def _store_results(path: Path, agent: str | None, new: _NewVerdicts) -> None:
    """Store new verdicts and the state of the flagger for the next run.

    Best effort: the database may be read-only, or held by another process.
    """
    if not new.tables and not new.verdicts:
        return
    with (
        contextlib.suppress(StoreError),
        sqlite_errors_as_store_error(path),
        exclusive_lock(path),
        closing(connect_database(path)) as db,
    ):
        with transaction(db):
            # A crawl may have stored evidence meanwhile; the verdicts would be of an older state.
            if runs.fingerprint(db) == new.evidence:
                verdict_cache.save(db, agent, new.verdicts)
                flag_cache.save(db, new.key, new.tables)
        checkpoint(db)


def _sum(files: list[Counts]) -> Counts:
    if len(files) == 1:
        return files[0]
    digests = [counts.digest for counts in files]
    return Counts(
        reasons=sum((counts.reasons for counts in files), Counter()),
        kept_reasons=sum((counts.kept_reasons for counts in files), Counter()),
        digest=hashlib.sha256("".join(digests).encode()).hexdigest() if all(digests) else "",
        unreadable=sum(counts.unreadable for counts in files),
        columns=tuple(dict.fromkeys(column for counts in files for column in counts.columns)),
        damaged={path: place for counts in files for path, place in counts.damaged.items()},
        as_of=sum((counts.as_of for counts in files), Counter()),
    )


def _describe(files: tuple[Path, ...], request: FlagRequest, writer: FlagWriter) -> None:
    """Write state and features of a saved Hugging Face dataset to the output folder."""
    paths = map(absolute, files)
    saved.describe(common_parent(files), request.out, paths, writer.schema, writer.facts)
