"""JSON Lines: a JSON object a line."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crawler.dataset.columns import url_column
from crawler.dataset.files import compression_of, open_plain
from crawler.dataset.formats.handler import ReadContext, Rows, relation_rows
from crawler.dataset.repair import repair_jsonl
from crawler.dataset.scans import (
    LINE_OPTIONS,
    Scan,
    ScanHandler,
    column_types,
    path_literal,
    union,
)
from crawler.dataset.sinks import Sink, SinkTarget, json_text, open_stream, table_of_columns

# Types that are kept; texts stay as they are written, nested values stay JSON text.
_KEPT_TYPES = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")
_LINE = pa.schema([pa.field("line", pa.string())])
_ROWS_PER_WRITE = 8192


class JsonlHandler(ScanHandler):
    """Reads members as columns; a line that is no object is a row without values."""

    function = "read_json"

    def scan(self, context: ReadContext, path: Path, copy: Path) -> Scan | None:
        """See `ScanHandler.scan`. A file is copied if a line of it is no object."""
        with open_plain(path) as stream:
            if not stream.read(1):
                return None
        compression = compression_of(path)
        types = _types(context.connection, path, compression)
        if types is None:
            copy = copy.with_suffix(".jsonl")
            repair_jsonl(path, copy)
            path, compression = copy, "none"
            types = _types(context.connection, path, compression)
        if not types:
            return None
        # Duplicate keys in an object are an error to DuckDB; to ignore it costs no row.
        options = (
            f"format='newline_delimited', ignore_errors=true, columns={column_types(types)}, "
            f"auto_detect=false, compression='{compression}'"
        )
        return Scan(path, options)

    def rows_as_lines(self, context: ReadContext, files: Sequence[Path], url: str | None) -> Rows:
        """See `FormatHandler.rows_as_lines`. Of a repaired file, the lines of the copy."""
        try:
            scans = self.scans(context._replace(given=()), files)
            whole = union([_line_scan(scan) for scan in scans], "read_csv")
            lines = context.connection.sql(whole).filter("trim(line, ' \t\r') <> ''")
            rows = context.connection.sql(union(scans, self.function))
        except duckdb.Error as error:
            raise self.cannot_read(files[0], error) from error
        column = url_column(rows, url)
        # A URL is what DuckDB finds on a line under the column's name (RFC 6901 for its escapes).
        pointer = "/" + column.replace("~", "~0").replace("/", "~1").replace("'", "''")
        text = f"CASE WHEN json_valid(line) THEN line ->> '{pointer}' END"
        found = relation_rows(context.connection, lines, "line", text)
        return Rows(_LINE, column, found.parts, iter(found))

    def sink(self, target: SinkTarget) -> Sink:
        """See `FormatHandler.sink`."""
        stream = open_stream(target)
        if target.as_lines:
            return _LineSink(stream, target.schema)
        return _JsonlSink(stream, target.schema)


def _types(
    connection: duckdb.DuckDBPyConnection, path: Path, compression: str
) -> list[tuple[str, str]] | None:
    """Return names and types of the columns of a file; None if a line of it is no JSON object."""
    query = (
        f"DESCRIBE SELECT * FROM read_json([{path_literal(path)}], records=true, "  # noqa: S608
        f"format='newline_delimited', sample_size=-1, maximum_depth=2, "
        f"compression='{compression}')"
    )
    try:
        rows = connection.execute(query).fetchall()
    except duckdb.Error:
        return None
    return [(str(name), _type(str(kind))) for name, kind, *_ in rows]


def _type(kind: str) -> str:
    if kind in _KEPT_TYPES:
        return kind
    nested = kind == "JSON" or kind.endswith(("]", ")"))
    return "JSON" if nested else "VARCHAR"


def _line_scan(scan: Scan) -> Scan:
    compression = compression_of(scan.path)
    options = f"{LINE_OPTIONS}columns={{'line': 'VARCHAR'}}, compression='{compression}'"
    return Scan(scan.path, options)


class _JsonlSink:
    """Writes a row as an object, with nested values and numbers as JSON has them."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._stream, self._schema = stream, schema

    def write(self, columns: list[pa.Array]) -> None:
        for batch in table_of_columns(columns, self._schema).to_batches(_ROWS_PER_WRITE):
            lines = map(json_text, batch.to_pylist())
            self._stream.write("".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        self._stream.close()


class _LineSink:
    """Writes lines of JSON as they were read, with members added at the end of each object."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._stream = stream
        self._names = schema.names[1:]
        self._any_name = re.compile("|".join(re.escape(f'"{name}"') for name in self._names))

    def write(self, columns: list[pa.Array]) -> None:
        lines, *added = columns
        parts = [_member(name, column) for name, column in zip(self._names, added, strict=True)]
        members = pc.binary_join_element_wise(*parts, ", ")
        pairs = zip(lines.to_pylist(), members.to_pylist(), strict=True)
        self._stream.write("".join(self._extended(*pair) for pair in pairs).encode())

    def _extended(self, line: str, members: str) -> str:
        text = line.strip(" \t\r")
        if self._any_name.search(text):
            text = self._without_added(text)
        inside = text[1:-1].rstrip(" \t,") if text.startswith("{") else ""
        return f"{{{inside}, {members}}}\n" if inside else f"{{{members}}}\n"

    def _without_added(self, text: str) -> str:
        """Return an object without the members that are added, which an earlier run wrote."""
        # What a sink of this class wrote stands at the end and is cut off; this keeps the rest of
        # the line to the byte. Anything else is parsed and written again.
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
    """Return a column as members of JSON objects; each distinct value is serialised once."""
    is_dictionary = pa.types.is_dictionary(column.type)
    encoded = column if is_dictionary else column.dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    texts = pa.array([f"{json_text(name)}: {json_text(value)}" for value in values])
    return texts.take(encoded.indices.fill_null(len(values) - 1))


def _members(text: str) -> dict[str, Any]:
    """Return the members of an object; none if the text is no object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
