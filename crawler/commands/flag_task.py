"""The files that one `flag` writes, whatever says how they are written."""

import hashlib
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

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
from crawler.commands.flag_processes import Files
from crawler.commands.flag_request import FlagRequest
from crawler.commands.flag_writer import FlagWriter
from crawler.dataset import saved
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.remote import LocalCopies, local_copies
from crawler.folders import new_folders_removed_on_error
from crawler.interrupts import exit_on_signal
from crawler.progress import Bar


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


class FlagTask(NamedTuple):
    """The files of a dataset, their format, those to write with what goes into them, the places.

    Scratch files go to `scratch`. `request` has the place on this machine in `out`.
    """

    request: FlagRequest
    scratch: Path
    bar: Bar
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


@contextmanager
def opened_task(request: FlagRequest, bar: Bar, *, prune_output: bool) -> Iterator[FlagTask]:
    """Find the files of a request. Raises what `flag.flag` does."""
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
        if prune_output and not place.has_manifest(jobs):
            raise FlagError("--prune-output is for a folder; name one with -o")
        # A worker that is killed leaves the folders that it made.
        with new_folders_removed_on_error(jobs):
            scratch = Path(folder)
            yield FlagTask(request, scratch, bar, files, form, jobs, copies, place, prune_output)


def write_one_by_one(
    task: FlagTask, writer: FlagWriter, files: Sequence[Files]
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


def write_files(
    task: FlagTask,
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


def describe(task: FlagTask, schema: pa.Schema, known: str) -> None:
    """Write state and features to the output folder if it is a saved Hugging Face dataset."""
    is_whole = task.place.has_manifest(task.jobs) and not task.request.flags_only
    if is_whole and task.form.is_saved_dataset:
        parent, paths = common_parent(task.files), map(absolute, task.files)
        saved.describe(parent, task.request.out, paths, schema, known)
