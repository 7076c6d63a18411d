"""Find the files of a dataset, tell their format, digest them, and open them decompressed."""

import glob
import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import zstandard

from crawler.errors import UserError


class DatasetError(UserError):
    """A dataset that cannot be read; the message is one sentence that says what to do."""


class EmptyDatasetError(DatasetError):
    """There is nothing in the files, not even the names of columns."""


class Format(StrEnum):
    """How the rows of a file are written; `text` is a URL or a host a line.

    `warc` are archives and `cdx` their indexes, a row for each record of a page.
    """

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    TEXT = "text"
    ARROW = "arrow"
    WARC = "warc"
    CDX = "cdx"


class DatasetFile(NamedTuple):
    """A file of a dataset as evidence names it."""

    path: str
    bytes: int
    sha256: str


#: What DuckDB calls the compression that a last suffix stands for.
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}

_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".txt": Format.TEXT,
    ".lst": Format.TEXT,
    ".arrow": Format.ARROW,
    ".feather": Format.ARROW,
    ".warc": Format.WARC,
    ".wet": Format.WARC,
    ".wat": Format.WARC,
    ".cdx": Format.CDX,
    ".cdxj": Format.CDX,
}
# Common Crawl's indexes have numbers for names.
_NUMBERED_CDX = re.compile(r"cdx-\d+")
_PACKED = (Format.PARQUET, Format.ARROW)
_FORMATS = (
    "CSV, TSV, JSONL, Parquet, Arrow, WARC, CDX or plain text, text and WARC also as .gz or .zst"
)


def compression_of(path: Path) -> str:
    """`gzip`, `zstd` or `none`, by the last suffix."""
    return COMPRESSIONS.get(path.suffix.lower(), "none")


def known_format(path: Path) -> Format | None:
    """The format by suffix (one of compression taken off first); None when it is not known."""
    inner = path.with_suffix("") if compression_of(path) != "none" else path
    if _NUMBERED_CDX.fullmatch(inner.name):
        return Format.CDX
    return _SUFFIXES.get(inner.suffix.lower())


def _format_of(path: Path) -> Format:
    if path.name.lower().endswith((".json", ".json.gz", ".json.zst")):
        raise DatasetError(f"{path} is one JSON document; give JSON Lines (.jsonl) instead.")
    found = known_format(path) or Format.TEXT
    if found in _PACKED and compression_of(path) != "none":
        kind = found.capitalize()
        raise DatasetError(f"{path} is compressed {kind}; decompress it, it is compressed inside.")
    return found


def _inside(folder: Path) -> list[Path]:
    """The files of a folder and those below it that have a known format, hidden ones left out.

    Notes in plain text beside tables are not part of the dataset.
    """
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if known_format(path)
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    tables = [path for path in found if known_format(path) is not Format.TEXT and _is_data(path)]
    if not found:
        raise DatasetError(f"{folder} holds no file that can be read: it takes {_FORMATS}.")
    return tables or found


def _is_data(path: Path) -> bool:
    """Whether a file is one of those of a saved Hugging Face dataset, where it is beside one.

    What that library keeps there for itself has the same suffix.
    """
    return known_format(path) is not Format.ARROW or path.name in (
        _saved(path.parent) or [path.name]
    )


def _saved(folder: Path) -> list[str]:
    """The files that the state of a saved dataset names; none without one that can be read."""
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
        return [str(data["filename"]) for data in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _matches(text: str) -> list[Path]:
    """What one argument stands for: itself, what is inside, or what the pattern matches."""
    path = Path(text)
    if path.is_dir():
        return _inside(path)
    if path.exists():
        return [path]
    if not glob.has_magic(text):
        raise DatasetError(f"{text} does not exist; check the path.")
    found = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
    files = [match for match in found if match.is_file()]
    if not files:
        raise DatasetError(f"{text} matches no file; check the pattern.")
    return files


def locate(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[tuple[Path, ...], Format]:
    """The files behind paths, patterns and folders, each once, and their common format."""
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files = tuple(dict.fromkeys(file for item in given for file in _matches(os.fspath(item))))
    if not files:
        raise DatasetError(
            f"No dataset was given; name a file, a folder or a pattern ({_FORMATS})."
        )
    formats = sorted({_format_of(file) for file in files})
    if len(formats) > 1:
        raise DatasetError(f"The files mix {' and '.join(formats)}; give one format at a time.")
    return files, formats[0]


def digests(files: Sequence[Path]) -> Iterator[DatasetFile]:
    """Size and sha256 of each file, read in pieces."""
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
    """The files of a dataset with their digests, without a look at its rows; raises
    `DatasetError`.
    """
    files, _ = locate(paths)
    return tuple(digests(files))


def open_plain(path: Path) -> BinaryIO:
    """The octets of a text file, decompressed while they are read."""
    match compression_of(path):
        case "gzip":
            return cast("BinaryIO", gzip.open(path, "rb"))
        case "zstd":
            stream = path.open("rb")
            reader = zstandard.ZstdDecompressor().stream_reader(
                stream, read_across_frames=True, closefd=True
            )
            return cast("BinaryIO", reader)
        case _:
            return path.open("rb")
