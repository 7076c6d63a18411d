"""CSV and TSV files."""

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from crawler.dataset.compression import compression_of
from crawler.dataset.dialect import Dialect, dialect_of
from crawler.dataset.formats.handler import ReadContext, refuse_wide
from crawler.dataset.paths import literal, quoted
from crawler.dataset.repair import OVERFLOW, repair_csv
from crawler.dataset.scans import (
    Scan,
    ScanHandler,
    column_types,
    is_utf16,
    line_size,
    reads_whole,
)
from crawler.dataset.sinks import Sink, SinkTarget, as_text, json_text, open_stream


def _options(dialect: Dialect, path: Path, original: Path) -> str:
    types = column_types((name, "VARCHAR") for name in dialect.columns)
    return (
        f"auto_detect=false, delim={literal(dialect.delimiter)}, quote='\"', escape='\"', "
        f"header={str(dialect.header).lower()}, columns={types}, "
        f"compression='{compression_of(path)}'{line_size(path, original)}"
    )


class CsvHandler(ScanHandler):
    """Reads columns as text, as they are written; finds the delimiter and the header."""

    # The delimiter that is written, and the one that is read (None: whichever the file has).
    written_delimiter = ","
    delimiter: str | None = None

    def scan(self, context: ReadContext, path: Path, copy: Path) -> Scan | None:
        """See `ScanHandler.scan`. A file is copied if a row of it would be lost."""
        dialect = dialect_of(path, context.given, self.delimiter)
        if dialect is None:
            return None
        refuse_wide(path, len(dialect.columns))
        scan = Scan(path, _options(dialect, path, path))
        needs_copy = dialect.late or is_utf16(path)
        if not needs_copy and reads_whole(context.connection, scan, self.function):
            return scan
        copy = copy.with_suffix(".csv")
        overflowed = repair_csv(path, dialect, copy, partial(self.mark_cut, path))
        clean = Dialect(",", True, (*dialect.columns, OVERFLOW))
        excluded = "" if overflowed else f" EXCLUDE ({quoted(OVERFLOW)})"
        return Scan(copy, _options(clean, copy, path), excluded)

    def sink(self, target: SinkTarget) -> Sink:
        """See `FormatHandler.sink`."""
        return _CsvSink(open_stream(target), target.schema, self.written_delimiter)


class TsvHandler(CsvHandler):
    """Reads and writes CSV whose delimiter is the tab."""

    written_delimiter = delimiter = "\t"


class _CsvSink:
    """Writes text and numbers as they are, and nested values as JSON."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema, delimiter: str) -> None:
        self._stream = stream
        self._schema = pa.schema(
            [(f.name, f.type if _is_writable(f) else pa.string()) for f in schema]
        )
        options = pacsv.WriteOptions(delimiter=delimiter)
        self._writer = pacsv.CSVWriter(stream, self._schema, write_options=options)

    def write(self, columns: list[pa.Array]) -> None:
        pairs = zip(columns, self._schema, strict=True)
        self._writer.write_table(pa.table([_cells(c, f.type) for c, f in pairs], self._schema))

    def close(self) -> None:
        self._writer.close()
        self._stream.close()


def _is_writable(field: pa.Field) -> bool:
    """Return whether Arrow's writer of CSV takes a column; not bytes, which need not be text."""
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
        return json_text(value)
    return None if value is None else as_text(value)
