"""Flag: the dataset with a verdict for every row, in the same order."""

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from crawler.commands.flag_manifest import FlagManifest, remove_leftovers
from crawler.commands.flag_writer import Counts, FlagRequest, FlagWriter, Mask
from crawler.commands.interrupts import exit_on_signal
from crawler.dataset import saved
from crawler.dataset.duck import connect
from crawler.dataset.files import COMPRESSIONS, Format, known_format, locate
from crawler.dataset.sinks import ENDINGS, writable
from crawler.errors import UserError
from crawler.flags import SCHEMA
from crawler.progress import Bar
from crawler.store import flag_cache, runs, verdict_cache
from crawler.store.database import (
    StoreError,
    exclusive_lock,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.database import connect as connect_database

__all__ = ["FlagError", "FlagRequest", "FlagResult", "Mask", "flag"]


class FlagError(UserError):
    """The rows cannot be flagged; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagResult:
    """What a flagging gave: all counts, and the files that an earlier one had finished."""

    counts: Counts
    finished_before: tuple[Path, ...] = ()


def flag(
    db: sqlite3.Connection, request: FlagRequest, bar: Bar, *, remember: Path | None = None
) -> FlagResult:
    """Write the flagged rows; raises `FlagError`, `DatasetError` and `ExportError`.

    A file appears under its name only when it is complete. In a folder, files that an earlier
    flagging of the same evidence in the same way has finished are left as they are. What had to be
    worked out is stored in the database `remember` for the next time, if it is free.
    """
    files, form = locate(request.datasets)
    jobs = _jobs(files, form, request)
    for out in jobs:
        remove_leftovers(out)
    bar.begin("flagging rows", None)
    with (
        exit_on_signal(),
        tempfile.TemporaryDirectory(prefix="tdm-audit-") as scratch,
        closing(connect(Path(scratch), request.memory_limit)) as duck,
    ):
        work = FlagWriter(db, duck, Path(scratch), request, bar)
        manifest = FlagManifest(request.out, work.facts) if set(jobs) != {request.out} else None
        done, before = [], []
        for out, group in jobs.items():
            counts = manifest.finished(out, group) if manifest else None
            if counts is not None:
                before.append(out)
            else:
                counts = work.write(out, group, form, some_empty=len(files) > 1)
                if manifest:
                    manifest.add(out, group, counts)
            done.append(counts)
        if manifest and form is Format.ARROW and not request.flags_only:
            _describe(files, request, work.facts)
        if remember is not None:
            _remember(remember, request.agent, work)
    return FlagResult(counts=_sum(done), finished_before=tuple(before))


def _remember(path: Path, agent: str | None, work: FlagWriter) -> None:
    """Store verdicts, unless somebody else writes or the evidence is no longer the same.

    It is a help, not a result: who flags may be one who cannot write there.
    """
    facts, tables = work.learned
    if not tables:
        return
    with (
        contextlib.suppress(StoreError),
        sqlite_errors_as_store_error(path),
        exclusive_lock(path),
        closing(connect_database(path)) as db,
        transaction(db),
    ):
        if runs.fingerprint(db) == work.evidence:
            verdict_cache.save(db, agent, work.new_verdicts)
            flag_cache.save(db, facts, tables)


def _sum(done: list[Counts]) -> Counts:
    if len(done) == 1:
        return done[0]
    digests = [counts.digest for counts in done]
    return Counts(
        reasons=sum((counts.reasons for counts in done), Counter()),
        kept_reasons=sum((counts.kept_reasons for counts in done), Counter()),
        digest=hashlib.sha256("".join(digests).encode()).hexdigest() if all(digests) else "",
    )


def _jobs(
    files: tuple[Path, ...], form: Format, request: FlagRequest
) -> dict[Path, tuple[Path, ...]]:
    """The files to write, each with the files that go into it."""
    out = request.out
    jobs: dict[Path, tuple[Path, ...]]
    if out.is_dir() or not out.suffix:
        jobs = {out / name: (file,) for name, file in _names(files, form, request).items()}
    elif writable(out):
        jobs = {out: files}
    else:
        raise FlagError(f"{out.name}: the suffix must be one of {ENDINGS}, or name a folder")
    same = {file.resolve() for file in files} & {path.resolve() for path in jobs}
    if same:
        raise FlagError(f"{same.pop()} is the dataset itself; name another place with -o")
    return jobs


def _names(files: tuple[Path, ...], form: Format, request: FlagRequest) -> dict[Path, Path]:
    """What the file for each file is called: as that, below the folder that all are in."""
    top = _top(files)
    plain = {file: _absolute(file).relative_to(top) for file in files}
    name = _side_car if request.flags_only else _same
    found = {name(path, form): file for file, path in plain.items()}
    if len(found) < len(files):
        raise FlagError("two files would be written to one name; flag them one at a time")
    return found


def _top(files: tuple[Path, ...]) -> Path:
    """The folder that all files are in. Links are not followed: their ends have other names."""
    return Path(os.path.commonpath([_absolute(file).parent for file in files]))


def _absolute(file: Path) -> Path:
    return Path(os.path.abspath(file))


def _bare(path: Path) -> Path:
    """A name without suffixes of format and compression."""
    while path.suffix.lower() in COMPRESSIONS or (path.suffix and known_format(path)):
        path = path.with_suffix("")
    return path


def _side_car(path: Path, _form: Format) -> Path:
    return Path(f"{_bare(path)}.flags.parquet")


def _same(path: Path, form: Format) -> Path:
    """The same name where that format can be written; URLs alone become CSV, archives Parquet."""
    if writable(path):
        return path
    if form is Format.TEXT:
        packed = path.suffix if path.suffix.lower() in COMPRESSIONS else ""
        return Path(f"{_bare(path)}.csv{packed}")
    return Path(f"{_bare(path)}.parquet")


def _describe(files: tuple[Path, ...], request: FlagRequest, facts: str) -> None:
    saved.describe(_top(files), request.out, map(_absolute, files), SCHEMA, facts)
