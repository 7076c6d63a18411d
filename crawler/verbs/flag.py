"""Flag: the dataset with a verdict for every row, in the same order."""

import contextlib
import hashlib
import json
import os
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.dataset.duck import connect
from crawler.dataset.files import Format, locate
from crawler.dataset.sinks import SUFFIXES
from crawler.errors import ExplainedError
from crawler.progress import Bar
from crawler.publish.export import replaced
from crawler.store import runs, verdicts
from crawler.store.database import StoreError, explained, held, transaction
from crawler.store.database import connect as connect_database
from crawler.verbs.flagging import Counts, Flagging, FlagRequest, Mask

__all__ = ["FlagError", "FlagRequest", "Flagged", "Mask", "flag"]

#: What the finished files of a folder were made from and hold, for the next flagging.
MANIFEST = ".tdm-audit.json"


class FlagError(ExplainedError):
    """The rows cannot be flagged; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """What a flagging gave: all counts, and the files that an earlier one had finished."""

    counts: Counts
    finished_before: tuple[Path, ...] = ()


def flag(
    db: sqlite3.Connection, request: FlagRequest, bar: Bar, *, remember: Path | None = None
) -> Flagged:
    """Write the flagged rows; raises `FlagError`, `DatasetError` and `ExportError`.

    A file appears under its name only when it is complete. In a folder, files that an earlier
    flagging of the same evidence in the same way has finished are left as they are. What had to be
    worked out is stored in the database `remember` for the next time, if it is free.
    """
    files, form = locate(request.datasets)
    jobs = _jobs(files, form, request)
    bar.begin("flagging rows", None)
    with (
        tempfile.TemporaryDirectory(prefix="tdm-audit-") as scratch,
        closing(connect(Path(scratch), request.memory_limit)) as duck,
    ):
        work = Flagging(db, duck, Path(scratch), request, bar)
        manifest = _Manifest(request.out, work.facts) if set(jobs) != {request.out} else None
        done, before = [], []
        for out, group in jobs.items():
            counts = manifest.finished(out, group) if manifest else None
            if counts is not None:
                before.append(out)
            else:
                counts = work.write(out, group, form)
                if manifest:
                    manifest.add(out, group, counts)
            done.append(counts)
        if remember is not None:
            _remember(remember, runs.fingerprint(db), request.agent, work.worked_out)
    return Flagged(counts=_sum(done), finished_before=tuple(before))


def _remember(
    path: Path, evidence: str, agent: str | None, worked_out: list[tuple[int, str, Any]]
) -> None:
    """Store verdicts, unless somebody else writes or the evidence is no longer the same.

    It is a help, not a result: who flags may be one who cannot write there.
    """
    if not worked_out:
        return
    with (
        contextlib.suppress(StoreError),
        explained(path),
        held(path),
        closing(connect_database(path)) as db,
        transaction(db),
    ):
        if runs.fingerprint(db) == evidence:
            verdicts.save(db, agent, worked_out)


def _sum(done: list[Counts]) -> Counts:
    if len(done) == 1:
        return done[0]
    digests = [counts.digest for counts in done]
    return Counts(
        rows=sum((counts.rows for counts in done), Counter()),
        kept=sum((counts.kept for counts in done), Counter()),
        digest=hashlib.sha256("".join(digests).encode()).hexdigest() if all(digests) else "",
    )


class _Manifest:
    """Which files of a folder are finished, kept in the folder itself.

    A file counts as finished if it was made from the same files (by size and time of change),
    from the same evidence and in the same way.
    """

    def __init__(self, folder: Path, facts: str) -> None:
        self._path, self._facts = folder / MANIFEST, facts
        self._entries: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._path.read_text("utf-8"))
            self._entries = found if isinstance(found, dict) else {}

    def finished(self, out: Path, files: tuple[Path, ...]) -> Counts | None:
        """The counts of a file that need not be written again, None for one that must."""
        entry = self._entries.get(str(out))
        if not out.is_file() or entry is None or entry["from"] != self._identity(files):
            return None
        return Counts(
            rows=Counter(entry["rows"]), kept=Counter(entry["kept"]), digest=entry["digest"]
        )

    def add(self, out: Path, files: tuple[Path, ...], counts: Counts) -> None:
        """Note that a file is finished."""
        entry = {"from": self._identity(files), "rows": counts.rows, "kept": counts.kept}
        self._entries[str(out)] = entry | {"digest": counts.digest}
        with replaced(self._path) as unfinished:
            unfinished.write_text(json.dumps(self._entries, indent=1, sort_keys=True), "utf-8")

    def _identity(self, files: tuple[Path, ...]) -> list[Any]:
        stats = [(str(file.resolve()), file.stat()) for file in files]
        return [self._facts, *([name, s.st_size, s.st_mtime_ns] for name, s in stats)]


def _jobs(
    files: tuple[Path, ...], form: Format, request: FlagRequest
) -> dict[Path, tuple[Path, ...]]:
    """The files to write, each with the files that go into it."""
    out, suffix = request.out, request.out.suffix.lower()
    jobs: dict[Path, tuple[Path, ...]]
    if out.is_dir() or not suffix:
        jobs = {out / name: (file,) for name, file in _names(files, form, request).items()}
    elif suffix in SUFFIXES:
        jobs = {out: files}
    else:
        raise FlagError(
            f"{out.name}: the suffix must be one of {', '.join(SUFFIXES)}, or name a folder"
        )
    same = {file.resolve() for file in files} & {path.resolve() for path in jobs}
    if same:
        raise FlagError(f"{same.pop()} is the dataset itself; name another place with -o")
    return jobs


def _names(files: tuple[Path, ...], form: Format, request: FlagRequest) -> dict[str, Path]:
    """What the file for each file is called: as that, below the folder that all are in."""
    top = Path(os.path.commonpath([file.resolve().parent for file in files]))
    suffix = f".{form}" if f".{form}" in SUFFIXES else ".csv"
    ending = ".flags.parquet" if request.flags_only else suffix
    found: dict[str, Path] = {}
    for file in files:
        plain = file.resolve().relative_to(top)
        while plain.suffix.lower() in (".gz", ".zst", f".{form}", suffix):
            plain = plain.with_suffix("")
        found[f"{plain}{ending}"] = file
    if len(found) < len(files):
        raise FlagError("two files would be written to one name; flag them one at a time")
    return found
