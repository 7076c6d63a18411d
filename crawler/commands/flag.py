"""`flag`: write a dataset again with a verdict for every row, in the same order."""

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections import Counter, deque
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from crawler.commands.flag_manifest import remove_leftovers
from crawler.commands.flag_place import FlagPlace, destination
from crawler.commands.flag_writer import Counts, FlagRequest, FlagWriter, Mask, check_guess
from crawler.dataset import saved
from crawler.dataset.detection import without_suffixes
from crawler.dataset.duck import connect
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.remote import LocalCopies, local_copies
from crawler.dataset.sinks import ENDINGS, output_name, writable
from crawler.errors import UserError
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


class FlagError(UserError):
    """The output is not possible as asked for; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagResult:
    """The counts over all files, and the files that an earlier run had finished."""

    counts: Counts
    finished_before: tuple[str, ...] = ()


def flag(
    db: sqlite3.Connection, request: FlagRequest, bar: Bar, *, cache_into: Path | None = None
) -> FlagResult:
    """Write the flagged rows to `request.out` or `request.stream`.

    A file appears under its name only when it is complete. In a folder, files that an earlier run
    finished from the same evidence with the same options are left as they are. New verdicts are
    stored in the database at `cache_into` for the next run, if no other process holds it.

    Raises `FlagError`, `DatasetError`, `ExportError`, and `StoppedEarlyError` at a signal.
    """
    with (
        exit_on_signal(),
        local_copies(request.datasets) as copies,
        destination(request.out, request.remote_out) as place,
    ):
        files, form = copies.locate()
        request = replace(request, out=place.out)
        jobs = _jobs(files, form, request)
        _refuse_overwriting(files, jobs, copies, place)
        if not request.stream:
            for out in jobs:
                remove_leftovers(out)
        bar.begin("flagging rows", None)
        with (
            tempfile.TemporaryDirectory(prefix="tdm-audit-") as scratch,
            closing(connect(Path(scratch), request.memory_limit)) as duck,
        ):
            writer = FlagWriter(db, duck, Path(scratch), request, bar, copies.name)
            result = _write(jobs, form, writer, copies, place)
            if place.has_manifest(jobs) and form.is_saved_dataset and not request.flags_only:
                _describe(files, request, writer)
            if cache_into is not None:
                _store_results(cache_into, request.agent, writer)
    return result


def _write(
    jobs: Mapping[Path, tuple[Path, ...]],
    form: DatasetFormat,
    writer: FlagWriter,
    copies: LocalCopies,
    place: FlagPlace,
) -> FlagResult:
    """Write the files that are not finished; a remote file is here while it is needed."""
    manifest = place.manifest(writer.facts, copies) if place.has_manifest(jobs) else None
    counts_of_files, finished_before = [], []
    some_empty = sum(map(len, jobs.values())) > 1
    done = {out: manifest.finished(out, group) if manifest else None for out, group in jobs.items()}
    unfinished = deque(group[0] for out, group in jobs.items() if done[out] is None)
    for out, group in jobs.items():
        counts = done[out]
        if counts is not None:
            finished_before.append(place.shown(out))
        else:
            # A copy of a remote file is here only while it is written.
            if len(jobs) > 1 and not copies.are_remote:
                writer.read_ahead(unfinished, form)
                unfinished.popleft()
            for path in group:
                copies.fetch(path)
                copies.check(path, form)
            counts = writer.write(out, group, form, some_empty=some_empty)
            if manifest:
                manifest.add(out, group, counts)
            place.finish(out)
        counts_of_files.append(counts)
        for path in group:
            copies.release(path)
    counts = _sum(counts_of_files)
    check_guess(counts)
    return FlagResult(counts=counts, finished_before=tuple(finished_before))


def _store_results(path: Path, agent: str | None, writer: FlagWriter) -> None:
    """Store new verdicts and the state of the flagger for the next run.

    Best effort: the database may be read-only, or held by another process.
    """
    key, tables = writer.export_state()
    if not tables:
        return
    with (
        contextlib.suppress(StoreError),
        sqlite_errors_as_store_error(path),
        exclusive_lock(path),
        closing(connect_database(path)) as db,
    ):
        with transaction(db):
            # A crawl may have stored evidence meanwhile; the verdicts would be of an older state.
            if runs.fingerprint(db) == writer.evidence:
                verdict_cache.save(db, agent, writer.new_verdicts)
                flag_cache.save(db, key, tables)
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
    )


def _jobs(
    files: tuple[Path, ...], form: DatasetFormat, request: FlagRequest
) -> dict[Path, tuple[Path, ...]]:
    """Return the files to write, each with the files of the dataset that go into it."""
    out = request.out
    if request.stream:
        return {out: files}
    jobs: dict[Path, tuple[Path, ...]]
    if out.is_dir() or not out.suffix:
        jobs = {
            out / name: (file,) for name, file in _names_in_folder(files, form, request).items()
        }
    elif writable(out, form):
        jobs = {out: files}
    else:
        raise FlagError(f"{out.name}: the suffix must be one of {ENDINGS}, or name a folder")
    return jobs


def _refuse_overwriting(
    files: tuple[Path, ...], jobs: Collection[Path], copies: LocalCopies, place: FlagPlace
) -> None:
    """Raise `FlagError` if a file of the dataset would be written to."""
    overwritten = {copies.identity(file)[0] for file in files} & set(map(place.identity, jobs))
    if overwritten:
        raise FlagError(f"{overwritten.pop()} is the dataset itself; name another place with -o")


def _names_in_folder(
    files: tuple[Path, ...], form: DatasetFormat, request: FlagRequest
) -> dict[Path, Path]:
    """Return the files of the dataset by the names of their outputs, relative to the folder."""
    parent = _common_parent(files)
    relative = {file: _absolute(file).relative_to(parent) for file in files}
    name = _side_car_name if request.flags_only else output_name
    by_name = {name(path, form): file for file, path in relative.items()}
    if len(by_name) < len(files):
        raise FlagError("two files would be written to one name; flag them one at a time")
    return by_name


def _common_parent(files: tuple[Path, ...]) -> Path:
    """Return the folder that all files are in."""
    return Path(os.path.commonpath([_absolute(file).parent for file in files]))


def _absolute(file: Path) -> Path:
    # Not `resolve`: a cache of links (as of Hugging Face) names its targets by digest.
    return Path(os.path.abspath(file))


def _side_car_name(path: Path, _form: DatasetFormat) -> Path:
    return Path(f"{without_suffixes(path)}.flags.parquet")


def _describe(files: tuple[Path, ...], request: FlagRequest, writer: FlagWriter) -> None:
    """Write state and features of a saved Hugging Face dataset to the output folder."""
    paths = map(_absolute, files)
    saved.describe(_common_parent(files), request.out, paths, writer.schema, writer.facts)
