"""Files that rows are written to, by suffix."""

import base64
import json
import math
import re
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from crawler.dataset.files import COMPRESSIONS, Format, compression_of, known_format
from crawler.dataset.layout import Layout

_ROWS_AT_ONCE = 8192
# A row group is as large as one of these, whichever comes first.
_GROUP_ROWS = 1_000_000
_GROUP_BYTES = 128 * 1024 * 1024
# What may wait to be written while more is gathered.
_PENDING_BYTES = 256 * 1024 * 1024
_WRITABLE = (Format.PARQUET, Format.ARROW, Format.CSV, Format.TSV, Format.JSONL)

#: The suffixes that can be named; those of text may be followed by one of compression.
SUFFIXES = (".parquet", ".csv", ".tsv", ".jsonl", ".arrow")
ENDINGS = f"{', '.join(SUFFIXES)} (text also with {' or '.join(COMPRESSIONS)} behind)"


class Sink(Protocol):
    """Takes columns of one schema, whose texts may come as dictionaries, and writes them."""

    def write(self, columns: list[pa.Array]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Finish the file."""


def writable(name: Path) -> Format | None:
    """The format that a file of this name is written in; None where there is none."""
    form = known_format(name)
    packed = form in (Format.PARQUET, Format.ARROW) and compression_of(name) != "none"
    return form if form in _WRITABLE and not packed else None


def open_sink(
    unfinished: Path,
    name: Path,
    schema: pa.Schema,
    layout: Layout,
    *,
    as_lines: bool = False,
) -> Sink:
    """A file to write to, in the format that its final name tells.

    `schema` is what readers are to see. `as_lines` says that the first column holds JSON objects
    that the others are to be added to. `layout` is Parquet's.
    """
    match writable(name):
        case Format.PARQUET:
            return _Parquet(unfinished, schema, layout)
        case Format.ARROW:
            return _Arrow(unfinished, schema, indexed=name.suffix.lower() == ".feather")
        case Format.JSONL if as_lines:
            return _JsonLines(_stream(unfinished, name), schema)
        case Format.JSONL:
            return _Jsonl(_stream(unfinished, name), schema)
        case form:
            return _Csv(_stream(unfinished, name), schema, "\t" if form is Format.TSV else ",")


def _stream(unfinished: Path, name: Path) -> pa.NativeFile:
    kind = compression_of(name)
    return pa.output_stream(str(unfinished), compression=None if kind == "none" else kind)


def _table(columns: list[pa.Array], schema: pa.Schema) -> pa.Table:
    """The columns under the names of a schema, of the types that they have."""
    fields = [field.with_type(c.type) for field, c in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


class _Parquet:
    """A Parquet file whose readers see the schema as it was given.

    Row groups are written by a thread of their own, while the next one is gathered.
    """

    def __init__(self, out: Path, schema: pa.Schema, layout: Layout) -> None:
        self._out, self._schema, self._layout = out, schema, layout
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._rows = self._bytes = 0
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._writing: deque[tuple[Future[None], int]] = deque()

    def write(self, columns: list[pa.Array]) -> None:
        table = _table(columns, self._schema)
        self._waiting.append(table)
        self._rows += len(table)
        self._bytes += table.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Have the rows that wait written, after those before them."""
        self._written(_PENDING_BYTES - self._bytes)
        table = pa.concat_tables(self._waiting)
        self._writing.append((self._thread.submit(self._write, table), self._bytes))
        self._waiting, self._rows, self._bytes = [], 0, 0

    def _written(self, allowed: int) -> None:
        """Wait until no more than so many octets are still to be written, if there are any."""
        while self._writing and sum(size for _, size in self._writing) > allowed:
            self._writing.popleft()[0].result()

    def _write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table, row_group_size=_GROUP_ROWS)

    def _open(self, written: pa.Schema) -> pq.ParquetWriter:
        writer = pq.ParquetWriter(
            self._out,
            written,
            compression=self._layout.compression,
            use_dictionary=self._layout.dictionaries,
            write_statistics=self._layout.statistics,
            store_schema=False,
        )
        # What Arrow stores for its readers, but for the dictionaries that we write from.
        plain = self._schema.serialize().to_pybytes()
        facts = {**(self._schema.metadata or {}), b"ARROW:schema": base64.b64encode(plain)}
        writer.add_key_value_metadata(facts)
        return writer

    def close(self) -> None:
        try:
            with self._thread:
                if self._waiting:
                    self._flush()
                self._written(-1)
        finally:
            writer = self._writer or self._open(self._schema)
            writer.close()


class _Arrow:
    """A stream, as Hugging Face's library keeps datasets, or a file with an index."""

    def __init__(self, out: Path, schema: pa.Schema, *, indexed: bool) -> None:
        self._schema = schema
        new = pa.ipc.new_file if indexed else pa.ipc.new_stream
        self._writer = new(str(out), schema)

    def write(self, columns: list[pa.Array]) -> None:
        self._writer.write_table(_table(columns, self._schema).cast(self._schema))

    def close(self) -> None:
        self._writer.close()


class _Csv:
    """Text and numbers as they are; what has parts is JSON."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema, delimiter: str) -> None:
        self._stream = stream
        self._schema = pa.schema([(f.name, f.type if _fits(f) else pa.string()) for f in schema])
        options = pacsv.WriteOptions(delimiter=delimiter)
        self._writer = pacsv.CSVWriter(stream, self._schema, write_options=options)

    def write(self, columns: list[pa.Array]) -> None:
        pairs = zip(columns, self._schema, strict=True)
        self._writer.write_table(pa.table([_cells(c, f.type) for c, f in pairs], self._schema))

    def close(self) -> None:
        self._writer.close()
        self._stream.close()


def _fits(field: pa.Field) -> bool:
    """Whether the writer of CSV takes a column; not octets, which need not be text."""
    if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
        return False
    try:
        pacsv.write_csv(pa.schema([field]).empty_table(), pa.BufferOutputStream())
    except (pa.ArrowException, TypeError):
        return False
    return not pa.types.is_dictionary(field.type)


def _cells(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type):
        return column.cast(kind)
    return pa.array(map(_cell, column.to_pylist()), pa.string())


def _cell(value: Any) -> str | None:
    if isinstance(value, dict | list | tuple):
        return _json(value)
    return None if value is None else _plain(value)


class _Jsonl:
    """An object a line, with parts and numbers as JSON has them."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._stream, self._schema = stream, schema

    def write(self, columns: list[pa.Array]) -> None:
        for batch in _table(columns, self._schema).to_batches(_ROWS_AT_ONCE):
            lines = map(_json, batch.to_pylist())
            self._stream.write("".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        self._stream.close()


class _JsonLines:
    """Lines of JSON as they were written, with members added at the end of each object."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._stream = stream
        self._names = schema.names[1:]
        self._named = re.compile("|".join(re.escape(f'"{name}"') for name in self._names))

    def write(self, columns: list[pa.Array]) -> None:
        lines, *added = columns
        parts = [_member(name, column) for name, column in zip(self._names, added, strict=True)]
        members = pc.binary_join_element_wise(*parts, ", ")
        pairs = zip(lines.to_pylist(), members.to_pylist(), strict=True)
        self._stream.write("".join(self._grown(*pair) for pair in pairs).encode())

    def _grown(self, line: str, members: str) -> str:
        text = line.strip(" \t\r")
        if self._named.search(text):
            text = self._without(text)
        inside = text[1:-1].rstrip(" \t,") if text.startswith("{") else ""
        return f"{{{inside}, {members}}}\n" if inside else f"{{{members}}}\n"

    def _without(self, text: str) -> str:
        """An object without members of the names that are added; what we added is cut off."""
        start = text.rfind(f'"{self._names[0]}"')
        if start > 0 and list(_members("{" + text[start:])) == self._names:
            text = text[:start].rstrip(" ,") + "}"
        found = _members(text)
        if not found.keys() & set(self._names):
            return text
        return json.dumps({n: value for n, value in found.items() if n not in self._names})

    def close(self) -> None:
        self._stream.close()


def _member(name: str, column: pa.Array) -> pa.Array:
    """A column as members of JSON objects, each distinct value written once."""
    is_coded = pa.types.is_dictionary(column.type)
    coded = column if is_coded else column.dictionary_encode()
    words = [*coded.dictionary.to_pylist(), None]
    texts = pa.array([f"{_json(name)}: {_json(word)}" for word in words])
    return texts.take(coded.indices.fill_null(len(words) - 1))


def _members(text: str) -> dict[str, Any]:
    """The members of an object; none of what is no object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:  # NaN and infinity are not JSON's (RFC 8259, 6)
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
