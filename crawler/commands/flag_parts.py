"""`flag` on an audit in parts: each portion of the files is flagged from an excerpt of the audit.

An excerpt has what is known of the origins of its files, and the flagger reads it as any database.
What is evaluated is shared by the files of a portion, and not stored: the databases of an audit in
parts are never changed.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb

from crawler.commands.flag_counts import Counts
from crawler.commands.flag_processes import Files, FlagProcesses
from crawler.commands.flag_request import FlagRequest, facts
from crawler.commands.flag_results import store_state
from crawler.commands.flag_task import (
    FlagResult,
    FlagTask,
    describe,
    opened_task,
    write_files,
    write_one_by_one,
)
from crawler.commands.flag_worker import as_setup
from crawler.commands.flag_writer import FlagWriter, open_files, read_together
from crawler.dataset.duck import connect
from crawler.dataset.files import DatasetError, EmptyDatasetError
from crawler.dataset.rows import reading
from crawler.flags import SCHEMA, wanted_keys
from crawler.progress import Bar
from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
from crawler.store.excerpts import Excerpts

# Keys and files of a portion. An excerpt takes memory by the origins that it has, and no file is
# written before its portion was read.
_MAX_KEYS, _MAX_FILES = 500_000, 1_000
# One file may name more hosts than that. Files of a dataset name the same hosts again and again, so
# the files after it go on in its portion as long as they make it no larger than so.
_GROWTH = 1.1
# Octets of copies of remote files, which are here while their portion is written.
_MAX_COPIED = 4 << 30


def flag_parts(
    excerpts: Excerpts, request: FlagRequest, bar: Bar, *, prune_output: bool = False
) -> FlagResult:
    """Write the flagged rows as `flag.flag` does, from an audit in parts. Raises the same."""
    with opened_task(request, bar, prune_output=prune_output) as task:
        known = facts(excerpts.evidence, task.request)
        portions = _Portions(excerpts, task)
        result = write_files(task, known, portions.write)
        describe(task, portions.schema, known)
        return result


class _Portions:
    """Writes files portion by portion. `schema` has the columns of the file written last."""

    def __init__(self, excerpts: Excerpts, task: FlagTask) -> None:
        self._excerpts, self._task = excerpts, task
        self._made = 0
        self._read_in = task.scratch
        self.schema = SCHEMA

    def write(self, files: Sequence[Files]) -> Iterator[tuple[Path, Counts]]:
        """Write files; yield the name and counts of each."""
        while files:
            excerpt, count = self._excerpt_of(files)
            try:
                yield from self._write(excerpt, files[:count])
            finally:
                excerpt.unlink(missing_ok=True)
            files = files[count:]

    def _excerpt_of(self, files: Sequence[Files]) -> tuple[Path, int]:
        """Make an excerpt for the first of some files; return it, and for how many it is."""
        task = self._task
        self._made += 1
        path = task.scratch / f"excerpt-{self._made}.db"
        # Copies that reading makes are not those that writing makes.
        self._read_in = path.with_suffix(".read")
        self._read_in.mkdir()
        with closing(connect(task.scratch, task.request.memory_limit)) as duck:
            count = self._want_keys(duck, files[:_MAX_FILES])
            shutil.rmtree(self._read_in)
            request = task.request
            self._excerpts.write(duck, path, request.rules, request.agent, request.purposes)
        return path, count

    def _want_keys(self, duck: duckdb.DuckDBPyConnection, files: Sequence[Files]) -> int:
        """Want the keys of the first of some files; return how many files are one portion.

        The one that would make it too large is read again, with its own portion.
        """
        wanted_keys.create(duck)
        count, copied, most = 0, 0, _MAX_KEYS
        for out, group in files:
            try:
                copied += self._read_keys(duck, out, group)
            except DatasetError:
                # Who comes first raises it, once the files before it are written.
                if not count:
                    raise
                break
            keys = wanted_keys.count(duck) + wanted_keys.choose_new(duck)
            if not count:
                most = max(most, int(keys * _GROWTH))
            elif keys > most or copied > _MAX_COPIED:
                break
            wanted_keys.add_new(duck)
            count += 1
        return count

    def _read_keys(
        self, duck: duckdb.DuckDBPyConnection, out: Path, files: tuple[Path, ...]
    ) -> int:
        """Read the keys of what goes into one file; return the octets of its copies."""
        task, request = self._task, self._task.request
        wanted_keys.begin(duck)
        for path in files:
            task.prepare(path)
        for group in read_together(files, request):
            with (
                contextlib.suppress(EmptyDatasetError),
                open_files(duck, group, task.form, out, request, self._read_in, {}) as rows,
                reading(group[0], self._read_in),
            ):
                wanted_keys.read(duck, rows.parts)
        return sum(path.stat().st_size for path in files) if task.copies.are_remote else 0

    def _write(self, excerpt: Path, files: Sequence[Files]) -> Iterator[tuple[Path, Counts]]:
        if self._task.request.workers > 1 and self._task.is_divisible:
            yield from self._write_in_processes(excerpt, files)
        else:
            yield from self._write_here(excerpt, files)

    def _write_here(self, excerpt: Path, files: Sequence[Files]) -> Iterator[tuple[Path, Counts]]:
        task = self._task
        with (
            sqlite_errors_as_store_error(excerpt),
            closing(connect_read_only(excerpt)) as db,
            closing(connect(task.scratch, task.request.memory_limit)) as duck,
            closing(
                FlagWriter(
                    *(db, duck, task.scratch, task.request, task.bar, task.copies.name),
                    self._excerpts.evidence,
                )
            ) as writer,
        ):
            yield from write_one_by_one(task, writer, files)
            self.schema = writer.schema

    def _write_in_processes(
        self, excerpt: Path, files: Sequence[Files]
    ) -> Iterator[tuple[Path, Counts]]:
        task, request, evidence = self._task, self._task.request, self._excerpts.evidence
        with sqlite_errors_as_store_error(excerpt), closing(connect_read_only(excerpt)) as db:
            store_state(db, request, excerpt, task.scratch)
        scratch = excerpt.with_suffix("")
        scratch.mkdir()
        setup = as_setup(excerpt, request, task.form.name, scratch, evidence)
        known = facts(evidence, request)
        with FlagProcesses(setup, known, request.workers, task.copies.name, task.prepare) as found:
            for out, counts in found.write(files, is_new=True):
                task.bar.step(counts.reasons.total())
                yield out, counts
