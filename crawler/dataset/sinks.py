"""Files that rows are written to: the format is chosen by suffix."""

import json
import lzma
import math
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import pyarrow as pa

from crawler.dataset.compression import COMPRESSIONS, compression_named
from crawler.dataset.detection import known_format, without_suffixes
from crawler.dataset.formats import BY_NAME, JSON, JSONL, DatasetFormat
from crawler.dataset.layout import Layout

#: The suffixes that can be named; those of text may be followed by one of compression.
SUFFIXES = (".parquet", ".csv", ".tsv", ".jsonl", ".json", ".arrow")
ENDINGS = f"{', '.join(SUFFIXES)} (text also with {', '.join(COMPRESSIONS)} behind)"


class Sink(Protocol):
    """Takes columns of one schema, whose texts may come as dictionaries, and writes them."""

    def write(self, columns: list[pa.Array]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Finish the file."""


class SinkTarget(NamedTuple):
    """The file that a sink writes.

    `path` is written to, or a stream that is open; `name` is the final name, whose suffixes tell
    format and compression. `schema` is what readers of the file see. `layout` is for Parquet.
    `as_lines` means that the first column holds lines, the second whether they are objects to which
    the other columns can be added.
    """

    path: Path | BinaryIO
    name: Path
    schema: pa.Schema
    layout: Layout
    as_lines: bool


def writable(name: Path, source: DatasetFormat | None = None) -> DatasetFormat | None:
    """Return the format in which a file of this name is written; None if there is none.

    `source` is the format of the rows. JSON is a document, unless the rows are JSON Lines.
    """
    found = known_format(name)
    if found is None or not found.is_writable:
        return None
    if found is JSON and source is JSONL:
        found = JSONL
    return None if found.is_packed and compression_named(name) != "none" else found


def output_name(path: Path, dataset_format: DatasetFormat) -> Path:
    """Return the name for a file with the rows of `path`: the same, if it tells their format.

    Text becomes CSV under the same compression, archives become Parquet.
    """
    target = BY_NAME[dataset_format.rows_written_as]
    if writable(path, dataset_format) is target:
        return path
    is_compressed = compression_named(path) != "none" and not target.is_packed
    return Path(
        f"{without_suffixes(path)}{target.suffixes[0]}{path.suffix if is_compressed else ''}"
    )


def open_sink(
    unfinished: Path | BinaryIO,
    name: Path,
    schema: pa.Schema,
    layout: Layout,
    *,
    source: DatasetFormat | None = None,
    as_lines: bool = False,
) -> Sink:
    """Open `unfinished` for writing, in the format of its final `name`, which must be `writable`.

    The parameters are those of `SinkTarget`.
    """
    found = writable(name, source)
    assert found is not None
    return found.handler().sink(SinkTarget(unfinished, name, schema, layout, as_lines))


def open_stream(target: SinkTarget) -> pa.NativeFile:
    """Open a text file for writing, compressed as its final name says."""
    kind = compression_named(target.name)
    path = str(target.path) if isinstance(target.path, Path) else target.path
    if kind == "xz":  # Arrow does not write it
        return pa.PythonFile(lzma.open(path, "wb"), mode="w")
    return pa.output_stream(path, compression=None if kind == "none" else kind)


def table_of_columns(columns: list[pa.Array], schema: pa.Schema) -> pa.Table:
    """Return the columns under the names of a schema, with the types that they have."""
    fields = [field.with_type(c.type) for field, c in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def json_text(value: Any) -> str:
    """Return a value as JSON; what JSON has no type for is text, NaN and infinity are null."""
    try:
        return json.dumps(value, ensure_ascii=False, default=as_text, allow_nan=False)
    except ValueError:  # NaN and infinity are not JSON's (RFC 8259, 6)
        return json.dumps(_finite(value), ensure_ascii=False, default=as_text)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_text(value: Any) -> str:
    """Return a value as text; bytes that are not UTF-8 lose what cannot be decoded."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
