"""Arrow files: streams, as Hugging Face's library saves datasets, and files with an index."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa

from crawler.dataset.files import DatasetError
from crawler.dataset.formats.handler import FormatHandler, ReadContext, Rows, numbered, refuse_wide
from crawler.dataset.sinks import Sink, SinkTarget, table_of_columns

_ROWS = 65_536
_MAGIC = b"ARROW1"


def schema_of(path: Path) -> pa.Schema:
    """Return the columns of a file. Raise `DatasetError`."""
    try:
        with pa.memory_map(str(path)) as mapped:
            return _reader(mapped).schema
    except (OSError, pa.ArrowException) as error:
        raise _cannot(path, error) from error


def batches(path: Path, damaged: dict[Path, str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file in order, at most `_ROWS` at a time. Raise `DatasetError`.

    With `damaged` (see `ReadContext`) a file that is cut off gives its whole batches.
    """
    rows = 0
    try:
        # The map lives as long as the batches that were read from it.
        mapped = pa.memory_map(str(path))
        if damaged is not None and _has_no_end(mapped):
            damaged[path] = "the last whole batch"
        for batch in _batches(_reader(mapped)):
            for start in range(0, len(batch), _ROWS):
                yield batch.slice(start, _ROWS)
            rows += len(batch)
    except (OSError, pa.ArrowException) as error:
        if damaged is None or not rows:
            raise _cannot(path, error) from error
        damaged[path] = f"row {rows:,}"


class ArrowHandler(FormatHandler):
    """Reads and writes Arrow files; types stay as they are."""

    def make_relation(self, context: ReadContext, files: Sequence[Path]) -> duckdb.DuckDBPyRelation:
        """See `FormatHandler.make_relation`: the columns of types that DuckDB reads.

        The files are mapped into memory, not read. One whose buffers cannot be used in place is
        copied to the scratch directory.
        """
        copies = (context.scratch / f"copy-{n}.arrow" for n in range(len(files)))
        refuse_wide(files[0], max(len(schema_of(path)) for path in files))
        tables = [
            _mapped(path, copy, context.damaged) for path, copy in zip(files, copies, strict=True)
        ]
        try:
            whole = pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException as error:
            raise _cannot(files[0], error) from error
        context.connection.register("rows_in_arrow", whole)
        return context.connection.sql("FROM rows_in_arrow")

    def rows(self, context: ReadContext, files: Sequence[Path]) -> Rows:
        """See `FormatHandler.rows`: all columns, as they are in the files."""
        relation = self.relation(context, files)
        urls = context.url_columns(relation)
        first, *others = map(schema_of, files)
        if not all(schema.equals(first) for schema in others):
            raise DatasetError(
                "The files have different columns; flag them into a folder (-o FOLDER)."
            )
        relation.create_view("rows_of_files", replace=True)
        found = (batch for file in files for batch in batches(file, context.damaged))
        return Rows(first, urls, [numbered(urls)], found)

    def sink(self, target: SinkTarget) -> Sink:
        """See `FormatHandler.sink`."""
        return _ArrowSink(
            target.path, target.schema, indexed=target.name.suffix.lower() == ".feather"
        )


class _ArrowSink:
    """Writes a stream, as Hugging Face's library keeps datasets, or a file with an index."""

    def __init__(self, out: Path | BinaryIO, schema: pa.Schema, *, indexed: bool) -> None:
        self._schema = schema
        new = pa.ipc.new_file if indexed else pa.ipc.new_stream
        self._writer = new(str(out) if isinstance(out, Path) else out, schema)

    def write(self, columns: list[pa.Array]) -> None:
        self._writer.write_table(table_of_columns(columns, self._schema).cast(self._schema))

    def close(self) -> None:
        self._writer.close()


def _is_indexed(source: pa.NativeFile) -> bool:
    start = source.read(len(_MAGIC))
    source.seek(0)
    return bool(start == _MAGIC)


def _has_no_end(source: pa.NativeFile) -> bool:
    """Return whether a file with an index is cut off: the index is at its end."""
    if not _is_indexed(source):
        return False
    source.seek(max(0, source.size() - len(_MAGIC)))
    end = source.read()
    source.seek(0)
    return bool(end != _MAGIC)


def _reader(source: pa.NativeFile) -> pa.RecordBatchReader | pa.RecordBatchFileReader:
    if not _is_indexed(source):
        return pa.ipc.open_stream(source)
    if not _has_no_end(source):
        return pa.ipc.open_file(source)
    # What precedes the index is a stream, behind the magic and two octets.
    source.seek(len(_MAGIC) + 2)
    return pa.ipc.open_stream(source)


def _batches(
    reader: pa.RecordBatchReader | pa.RecordBatchFileReader,
) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchFileReader):
        return (reader.get_batch(n) for n in range(reader.num_record_batches))
    return iter(reader)


def _mapped(path: Path, copy: Path, damaged: dict[Path, str]) -> pa.Table:
    """Return the columns of a file that can be read; their buffers are in the file or in a copy."""
    try:
        plain = [n for n, field in enumerate(schema_of(path)) if _is_readable_type(field.type)]
        found = iter([batch.select(plain) for batch in batches(path, damaged)])
        columns = pa.schema([schema_of(path).field(n) for n in plain])
        if not _is_usable_in_place(path):
            _copy(found, columns, copy)
            found = batches(copy)
            columns = schema_of(copy)
        return pa.Table.from_batches(found, columns)
    except (OSError, pa.ArrowException) as error:
        raise _cannot(path, error) from error


def _is_readable_type(kind: pa.DataType) -> bool:
    """Return whether DuckDB reads a type: plain values, and what nests values that it knows."""
    if pa.types.is_dictionary(kind):
        return _is_plain_type(kind.value_type)
    return _is_plain_type(kind) or (pa.types.is_nested(kind) and _is_readable_part(kind))


def _is_readable_part(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        parts = [kind.field(n).type for n in range(kind.num_fields)]
        return not pa.types.is_union(kind) and all(map(_is_readable_part, parts))
    is_known = pa.types.is_temporal(kind) or pa.types.is_null(kind)
    is_octets = pa.types.is_fixed_size_binary(kind) or kind == pa.binary_view()
    return is_known or (is_octets and not pa.types.is_decimal(kind)) or _is_plain_type(kind)


def _is_plain_type(kind: pa.DataType) -> bool:
    return (
        pa.types.is_integer(kind)
        or kind
        in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary())
        or kind in (pa.bool_(), pa.float32(), pa.float64())
        or pa.types.is_decimal128(kind)
    )


def _is_usable_in_place(path: Path) -> bool:
    """Return whether the buffers of a file can be used in place: not compressed, no dictionary."""
    if any(pa.types.is_dictionary(field.type) for field in schema_of(path)):
        return False
    with pa.memory_map(str(path)) as source:
        # What is decompressed is allocated; what is used in place is not.
        before = pa.total_allocated_bytes()
        batch = next(_batches(_reader(source)), None)
        return batch is None or pa.total_allocated_bytes() - before < batch.nbytes


def _copy(found: Iterable[pa.RecordBatch], columns: pa.Schema, copy: Path) -> None:
    plain = pa.schema([_decoded(field) for field in columns])
    with pa.ipc.new_stream(str(copy), plain) as writer:
        for batch in found:
            writer.write_table(pa.Table.from_batches([batch]).cast(plain))


def _decoded(field: pa.Field) -> pa.Field:
    kind = field.type
    return pa.field(field.name, kind.value_type) if pa.types.is_dictionary(kind) else field


def _cannot(path: Path, error: BaseException) -> DatasetError:
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return DatasetError(f"{path} cannot be read as arrow ({reason}); check the file.")
