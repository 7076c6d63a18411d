"""JSON Lines: a JSON object a line."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crawler.dataset.bounds import MAX_COLUMNS, MAX_COPIED_LINE, MAX_SCANNED_LINE
from crawler.dataset.columns import UrlColumns
from crawler.dataset.compression import compression_of, open_plain
from crawler.dataset.dialect import URL_NAMES, header_names
from crawler.dataset.files import DatasetError, cannot_read
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.formats.handler import ReadContext, Rows, numbered, refuse_wide
from crawler.dataset.json_lines import IS_OBJECT, needs_copy, rows_of_files, write_copy
from crawler.dataset.scans import (
    LINE_OPTIONS,
    UNREADABLE,
    Scan,
    ScanHandler,
    column_types,
    path_literal,
    union,
)
from crawler.dataset.sinks import Sink, SinkTarget, json_text, open_stream, table_of_columns

# Types that are kept; texts stay as they are written, nested values stay JSON text.
_KEPT_TYPES = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")
_LINE = pa.schema([("line", pa.binary()), ("is_object", pa.bool_())])
_ROWS_PER_WRITE = 8192
_BYTES_PER_BATCH = 8 * 1024 * 1024
# A name of a verdict column may be written with escapes of its letters (RFC 8259, 7).
_ESCAPED_LETTER = r"\\u00(?:5[fF]|[67])"
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonlHandler(ScanHandler):
    """Reads members as columns; a line that is no object is a row without values."""

    function = "read_json"

    def __init__(self, dataset_format: DatasetFormat) -> None:
        super().__init__(dataset_format)
        self._wide: tuple[Path, int] | None = None

    def scan(self, context: ReadContext, path: Path, copy: Path) -> Scan | None:
        """See `ScanHandler.scan`. A file is copied if a line of it is no object."""
        with open_plain(path) as stream:
            if not stream.read(1):
                return None
        compression = compression_of(path)
        types = _types(context.connection, path, compression)
        if types is None:
            write_copy(path, lines := _copy_of_lines(copy), partial(self.mark_cut, path))
            copy = copy.with_suffix(".jsonl")
            _write_objects(context.connection, lines, copy)
            path, compression = copy, "none"
            types = _types(context.connection, path, compression)
        if not types:
            return None
        types = self._narrowed(context, path, types)
        # Duplicate keys in an object are an error to DuckDB; to ignore it costs no row.
        options = (
            f"format='newline_delimited', ignore_errors=true, columns={column_types(types)}, "
            f"auto_detect=false, compression='{compression}'"
        )
        return Scan(path, options)

    def _narrowed(
        self, context: ReadContext, path: Path, types: list[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """Return the columns that are read of a file whose members have very many names.

        One row may have brought them, so the others are read all the same.
        """
        if len(types) <= MAX_COLUMNS:
            return types
        self._wide = path, len(types)
        times = [context.times] if isinstance(context.times, str) else []
        wanted = {*URL_NAMES, *header_names((*context.given, *context.urls, *times))}
        known = [(name, kind) for name, kind in types if name.lower() in wanted]
        return known[:MAX_COLUMNS] or types[:MAX_COLUMNS]

    def rows(self, context: ReadContext, files: Sequence[Path]) -> Rows:
        """See `ScanHandler.rows`; `rows_as_lines` keeps any number of columns."""
        rows = super().rows(context, files)
        if self._wide is not None:
            refuse_wide(*self._wide)
        return rows

    def rows_as_lines(self, context: ReadContext, files: Sequence[Path]) -> Rows:
        """See `FormatHandler.rows_as_lines`. DuckDB reads the lines of copies where it has to."""
        connection = context.connection
        found = self.scans(context._replace(given=()), files)
        scans = {self.sources.get(path, path): scan for path, scan in found.items()}
        try:
            line_scans = [
                _line_scan(_lines_for_duckdb(context.scratch / f"lines-{n}", path, scan))
                for n, (path, scan) in enumerate(scans.items())
            ]
            rows = connection.sql(union([*scans.values()], self.function))
            lines = connection.sql(_rows_of_lines(line_scans))
        except UNREADABLE as error:
            raise self.cannot_read(files[0], error, context.scratch) from error
        self.refuse_cut()
        urls = context.url_columns(rows)
        lines.create_view("rows_of_files", replace=True)
        # A URL is what DuckDB finds on a line under the column's name.
        part = numbered(urls, f"CASE WHEN {IS_OBJECT} THEN line END")
        return _LineRows(context, [*scans], urls, part)

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
    options = (
        f"[{path_literal(path)}], format='newline_delimited', sample_size=-1, maximum_depth=2, "
        f"compression='{compression}'"
    )
    try:
        # As members of one object: DuckDB's work for columns grows with the square of their number,
        # and one row may have any number of members. Columns of its own are needed only where
        # names differ in case alone, since DuckDB renames them.
        (whole,) = connection.sql(f"FROM read_json({options}, records=false)").types
        members = whole.children if whole.id == "struct" else []
        is_unique = len({name.lower() for name, _ in members}) == len(members)
        if members and (is_unique or len(members) > MAX_COLUMNS):
            return [(str(name), _type(str(kind))) for name, kind in members]
        rows = connection.execute(f"DESCRIBE FROM read_json({options}, records=true)").fetchall()
    except duckdb.Error:
        return None
    return [(str(name), _type(str(kind))) for name, kind, *_ in rows]


def _type(kind: str) -> str:
    if kind in _KEPT_TYPES:
        return kind
    nested = kind == "JSON" or kind.endswith(("]", ")"))
    return "JSON" if nested else "VARCHAR"


def _copy_of_lines(copy: Path) -> Path:
    return copy.with_suffix(".lines")


def _lines_for_duckdb(copy: Path, path: Path, scan: Scan) -> Path:
    """Return a file whose lines DuckDB reads as the rows of `path`: itself, or a copy."""
    if scan.path != path:
        return _copy_of_lines(scan.path)
    if not needs_copy(path):
        return path
    write_copy(path, copy)
    return copy


def _line_scan(path: Path) -> Scan:
    kind = compression_of(path)
    # DuckDB allocates sixteen of the longest lines for a compressed file. Copies are not
    # compressed, and lines of a file that is read itself are at most so long.
    size = MAX_COPIED_LINE if kind == "none" else MAX_SCANNED_LINE
    options = f"{LINE_OPTIONS}columns={{'line': 'VARCHAR'}}, compression='{kind}'"
    return Scan(path, f"{options}, max_line_size={size}")


def _rows_of_lines(scans: Sequence[Scan]) -> str:
    whole = union(scans, "read_csv")
    return f"SELECT line FROM ({whole}) WHERE trim(line, ' \t\r') <> ''"  # noqa: S608 - quoted


def _write_objects(connection: duckdb.DuckDBPyConnection, lines: Path, copy: Path) -> None:
    """Write the objects of a copy of lines, and an empty one for each line that holds none."""
    query = _rows_of_lines([_line_scan(lines)])
    cursor = connection.cursor().execute(
        f"SELECT CASE WHEN {IS_OBJECT} THEN line ELSE '{{}}' END FROM ({query})"  # noqa: S608
    )
    with copy.open("w", encoding="utf-8", newline="\n") as stream:
        while rows := cursor.fetchmany(_ROWS_PER_WRITE):
            stream.writelines(f"{line}\n" for (line,) in rows)


class _LineRows(Rows):
    """The rows of some files as they are written, of which view `rows_of_files` has the lines."""

    def __init__(
        self, context: ReadContext, files: Sequence[Path], urls: UrlColumns, part: str
    ) -> None:
        super().__init__(_LINE, urls, [part], self._read(context, files))

    def _read(self, context: ReadContext, files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
        """Yield batches of rows, which DuckDB tells to be objects or not, and count the latter."""
        query = f"SELECT {IS_OBJECT} FROM rows_of_files"  # noqa: S608 - our own names
        relation = context.connection.cursor().sql(query)
        told = (each for batch in relation.to_arrow_reader() for each in batch[0].to_pylist())
        try:
            for rows in _batches(rows_of_files(files)):
                are_objects = list(islice(told, len(rows)))
                if len(are_objects) < len(rows):
                    raise DatasetError(f"{files[0]} changed while it was read; try again.")
                self.unreadable += are_objects.count(False)
                yield pa.record_batch([pa.array(rows, pa.binary()), are_objects], schema=_LINE)
        except UNREADABLE as error:
            raise cannot_read(files[0], error, context.scratch) from error


def _batches(rows: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield rows in lists that are not too long, in number and in octets."""
    batch: list[bytes] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row)
        if len(batch) >= _ROWS_PER_WRITE or size >= _BYTES_PER_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


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
    """Writes rows of `_LINE` as they were read, with members added at the end of each object."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._stream = stream
        self._names = frozenset(schema.names[2:])
        self._ordered = schema.names[2:]
        names = "|".join(re.escape(name) for name in self._ordered)
        self._may_have_names = re.compile(f'"(?:{names})"|{_ESCAPED_LETTER}'.encode())

    def write(self, columns: list[pa.Array]) -> None:
        lines, are_objects, *added = columns
        parts = [_member(name, column) for name, column in zip(self._ordered, added, strict=True)]
        members = pc.binary_join_element_wise(*parts, ", ").cast(pa.binary())
        rows = zip(lines.to_pylist(), are_objects.to_pylist(), members.to_pylist(), strict=True)
        self._stream.write(
            b"".join(self._extended(row, own) if ok else row for row, ok, own in rows)
        )

    def _extended(self, row: bytes, members: bytes) -> bytes:
        """Return a row with members before its last brace, every other octet as it was."""
        if self._may_have_names.search(row):
            row = _without_members(row, self._names)
        end = row.rindex(b"}")
        before = row[:end].rstrip()
        # DuckDB takes a comma before the brace.
        comma = b"" if before.endswith((b"{", b",")) else b", "
        return row[:end] + comma + members + row[end:]

    def close(self) -> None:
        self._stream.close()


def _member(name: str, column: pa.Array) -> pa.Array:
    """Return a column as members of JSON objects; each distinct value is serialised once."""
    is_dictionary = pa.types.is_dictionary(column.type)
    encoded = column if is_dictionary else column.dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    texts = pa.array([f"{json_text(name)}: {json_text(value)}" for value in values])
    return texts.take(encoded.indices.fill_null(len(values) - 1))


def _without_members(row: bytes, names: frozenset[str]) -> bytes:
    """Return a row without the members of these names, every other octet as it was."""
    # In Latin-1 each octet is a character, so places in the text are places in the octets.
    text = row.decode("latin-1")
    try:
        members = list(_members(text))
    except (ValueError, RecursionError, IndexError):
        return row  # what Python does not parse is left as it is
    kept = [(start, end) for name, start, end in members if name not in names]
    if len(kept) == len(members):
        return row
    # A member is copied with what separates it from the next one, which may be removed.
    starts = [start for _, start, _ in members] + [members[-1][2]]
    following = dict(pairwise(starts))
    between = [text[start : following[start]] for start, _ in kept[:-1]]
    last = [text[start:end] for start, end in kept[-1:]]
    end = members[-1][2]
    if kept and kept[-1][1] != end:
        # White space before the comma was there before anything was added.
        last.append(text[kept[-1][1] : _after_space(text, kept[-1][1])])
    return "".join([text[: members[0][1]], *between, *last, text[end:]]).encode("latin-1")


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield name, start and end of each member of the object in a text."""
    at = _after_space(text, text.index("{") + 1)
    while text[at] != "}":
        start = at
        name, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        _, at = _DECODER.raw_decode(text, _after_space(text, at + 1))
        yield name, start, at
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr] # it matches everywhere
