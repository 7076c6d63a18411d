"""The files that `flag` writes, each with the files of the dataset that go into it."""

import os
from collections.abc import Collection
from pathlib import Path

from crawler.commands.flag_place import FlagPlace
from crawler.commands.flag_request import FlagRequest
from crawler.dataset.detection import without_suffixes
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.remote import LocalCopies
from crawler.dataset.sinks import ENDINGS, output_name, writable
from crawler.errors import UserError, WrongUsageError


class FlagError(UserError):
    """The output is not possible as asked for; the message is one sentence that says why."""


class OutputSuffixError(FlagError, WrongUsageError):
    """The suffix of the file names no format; the message lists those that do."""


def jobs_of(
    files: tuple[Path, ...], form: DatasetFormat, request: FlagRequest
) -> dict[Path, tuple[Path, ...]]:
    """Return the files to write, each with the files of the dataset that go into it.

    Raise `FlagError`.
    """
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
        raise OutputSuffixError(
            f"{out.name}: the suffix must be one of {ENDINGS}, or name a folder"
        )
    return jobs


def refuse_overwriting(
    files: tuple[Path, ...], jobs: Collection[Path], copies: LocalCopies, place: FlagPlace
) -> None:
    """Raise `FlagError` if a file would be written to the dataset, or be part of it next time."""
    # What is written into a folder of the dataset would be read as a part of it by the next run.
    folders = [Path(name).resolve() for name in copies.paths if Path(name).is_dir()]
    for out in jobs if folders and not copies.are_remote else ():
        if any(out.resolve().is_relative_to(folder) for folder in folders):
            raise FlagError(f"{out} is in a folder of the dataset; name another place with -o")
    overwritten = {copies.identity(file)[0] for file in files} & set(map(place.identity, jobs))
    if overwritten:
        raise FlagError(f"{overwritten.pop()} is the dataset itself; name another place with -o")


def _names_in_folder(
    files: tuple[Path, ...], form: DatasetFormat, request: FlagRequest
) -> dict[Path, Path]:
    """Return the files of the dataset by the names of their outputs, relative to the folder."""
    parent = common_parent(files)
    relative = {file: absolute(file).relative_to(parent) for file in files}
    name = _side_car_name if request.flags_only else output_name
    by_name = {name(path, form): file for file, path in relative.items()}
    if len(by_name) < len(files):
        raise FlagError("two files would be written to one name; flag them one at a time")
    return by_name


def common_parent(files: tuple[Path, ...]) -> Path:
    """Return the folder that all files are in."""
    return Path(os.path.commonpath([absolute(file).parent for file in files]))


def absolute(file: Path) -> Path:
    """Return an absolute path of a file, under the name that it was given."""
    # Not `resolve`: a cache of links (as of Hugging Face) names its targets by digest.
    return Path(os.path.abspath(file))


def _side_car_name(path: Path, _form: DatasetFormat) -> Path:
    return Path(f"{without_suffixes(path)}.flags.parquet")
