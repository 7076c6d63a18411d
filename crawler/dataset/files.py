"""Find the files of a dataset, detect their format, and digest them.

Rule for editors: no DuckDB and no Arrow here. Commands import this module at once, and a dataset
that was ingested before needs neither.
"""

import errno
import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crawler.dataset.bounds import special_file
from crawler.dataset.compression import COMPRESSIONS, head_of
from crawler.dataset.detection import detect, known_format, without_suffixes
from crawler.dataset.formats import FORMATS, JSON, TAR, TEXT, DatasetFormat
from crawler.errors import UserError


class DatasetError(UserError):
    """The dataset cannot be read; the message is one sentence that says what to do."""


class EmptyDatasetError(DatasetError):
    """The files hold nothing, not even the names of columns."""


class DatasetFile(NamedTuple):
    """A file of a dataset: its path as given, its size in octets, and its SHA-256."""

    path: str
    bytes: int
    sha256: str


# Errors of the system for a disk, a quota or a limit of file sizes that is full.
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_FULL_TEXTS = tuple(os.strerror(number) for number in sorted(_FULL))
# How a message of DuckDB begins when its limit of memory is reached.
_NO_MEMORY = "Out of Memory Error"

_TITLES = [dataset_format.title for dataset_format in FORMATS]
_FORMATS = (
    f"{', '.join(_TITLES[:-1])} or {_TITLES[-1]}, text and WARC also as {', '.join(COMPRESSIONS)}"
)
_HEAD = 64 * 1024
# Files that describe a dataset beside its rows, as Hugging Face's libraries write them.
_DESCRIPTIONS = frozenset(
    {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
)


def cannot_read(
    name: Path | str, error: BaseException, scratch: Path, format_name: str = ""
) -> DatasetError:
    """Return the error for a file that is damaged or of another format.

    If there was no memory, or no room for the temporary files in `scratch`, the message says that
    instead.
    """
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    if getattr(error, "errno", None) in _FULL or any(text in str(error) for text in _FULL_TEXTS):
        return DatasetError(
            f"Cannot write temporary files to {scratch.parent} ({reason}); set TMPDIR."
        )
    if _NO_MEMORY in reason:
        return DatasetError(
            f"Reading {name} needs more memory than --memory-limit ({reason}); give more."
        )
    kind = f" as {format_name}" if format_name else ""
    return DatasetError(f"{name} cannot be read{kind} ({reason}); check the file.")


def _format_of(path: Path) -> DatasetFormat:
    found = _detected(path)
    if isinstance(found, str):
        raise DatasetError(found)
    return found or TEXT


def _detected(path: Path) -> DatasetFormat | str | None:
    try:
        return detect(path)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}).") from error


def _files_of_folder(folder: Path) -> list[Path]:
    """Return the files of a dataset in and below a folder, without hidden ones.

    Names tell which files belong to it; where none is of a known format, the first bytes do.
    """
    found = [
        path for path in sorted(folder.rglob("*")) if belongs_to_dataset(path.relative_to(folder))
    ]
    known = [path for path in found if known_format(path)]
    for path in known:
        if path.is_symlink() and not path.exists():
            raise _broken_link(path)
    known = without_notes([path for path in known if path.is_file()])
    if known:
        return known
    told = [path for path in found if path.is_file() and isinstance(_detected(path), DatasetFormat)]
    if not told:
        raise DatasetError(f"{folder} holds no file that can be read: it takes {_FORMATS}.")
    return told


def belongs_to_dataset(path: Path) -> bool:
    """Return whether a file, by its path in a folder, is neither hidden nor a description."""
    # Spark writes `_SUCCESS` beside its shards.
    hidden = any(part.startswith(".") for part in path.parts) or path.name.startswith("_")
    return not hidden and path.name not in _DESCRIPTIONS


def without_notes(files: list[Path]) -> list[Path]:
    """Return files without plain text and JSON documents where there are other formats.

    They are taken for notes. An archive of samples is left out where a table of the same name
    lists its samples. Files that are not on this machine are told by their names.
    """
    tables = [path for path in files if not _is_note(path) and _is_data(path)]
    if any(known_format(path) is not JSON for path in tables):
        tables = [path for path in tables if not _is_one_object(path)]
    stems = {without_suffixes(path) for path in tables if known_format(path) is not TAR}
    tables = [
        path
        for path in tables
        if known_format(path) is not TAR or without_suffixes(path) not in stems
    ]
    return tables or files


def _is_note(path: Path) -> bool:
    named = known_format(path)
    if named is JSON and path.exists():
        # Nobody compresses notes: what cannot be read there is a damaged shard, and is told.
        return path.suffix.lower() == ".json" and _detected(path) is JSON
    return named in (TEXT, JSON)


def _is_one_object(path: Path) -> bool:
    """Return whether a file called JSON has one line, as statistics of other files do."""
    if known_format(path) is not JSON:
        return False
    return b"\n" not in head_of(path, _HEAD).strip()


def _broken_link(path: Path) -> DatasetError:
    return DatasetError(f"{path} is a link to {os.readlink(path)}, which does not exist.")


def _is_data(path: Path) -> bool:
    """Return whether a file belongs to the dataset, not to Hugging Face's `datasets`.

    That library keeps caches with the same suffix in the folder of a saved dataset; the state of
    the dataset lists the files with its rows.
    """
    dataset_format = known_format(path)
    if dataset_format is None or not dataset_format.is_saved_dataset:
        return True
    return path.name in (_saved_files(path.parent) or [path.name])


def _saved_files(folder: Path) -> list[str]:
    """Return the file names in the state of a saved dataset; none without a readable state."""
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
        return [str(data["filename"]) for data in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _matches(text: str) -> list[Path]:
    """Return the files that one argument names: a file, a folder or a pattern."""
    path = Path(text)
    if path.is_dir():
        return _files_of_folder(path)
    if path.exists():
        if kind := special_file(path):
            raise DatasetError(f"{text} is {kind}, which cannot be read twice; give a file.")
        return [path]
    if path.is_symlink():
        raise _broken_link(path)
    if not glob.has_magic(text):
        raise DatasetError(f"{text} does not exist; check the path.")
    found = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
    files = [match for match in found if match.is_file()]
    if not files:
        raise DatasetError(f"{text} matches no file; check the pattern.")
    return files


def locate(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[tuple[Path, ...], DatasetFormat]:
    """Return the files of paths, patterns and folders, each once, and their common format.

    Raise `DatasetError` if there is no file, or if formats are mixed.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files = tuple(dict.fromkeys(file for item in given for file in _matches(os.fspath(item))))
    if not files:
        raise DatasetError(
            f"No dataset was given; name a file, a folder or a pattern ({_FORMATS})."
        )
    formats = {found.name: found for found in map(_format_of, files)}
    if len(formats) > 1:
        names = " and ".join(sorted(formats))
        raise DatasetError(f"The files mix {names}; give one format at a time.")
    return files, formats.popitem()[1]


def digests(files: Sequence[Path]) -> Iterator[DatasetFile]:
    """Yield the size and the SHA-256 of each file, read in pieces. Raise `DatasetError`."""
    for path in files:
        try:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                yield DatasetFile(str(path), stream.tell(), digest)
        except OSError as error:
            raise DatasetError(f"{path} cannot be read ({error.strerror}).") from error


def identify(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[DatasetFile, ...]:
    """Return the files of a dataset with their digests, without reading rows.

    Raise `DatasetError`.
    """
    files, _ = locate(paths)
    return tuple(digests(files))
