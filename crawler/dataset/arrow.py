"""Arrow files: streams, as Hugging Face's library saves datasets, and files with an index."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from crawler.dataset.files import DatasetError

_ROWS = 65_536
_MAGIC = b"ARROW1"


def schema_of(path: Path) -> pa.Schema:
    """The columns of a file; raises `DatasetError`."""
    try:
        with pa.memory_map(str(path)) as mapped:
            return _reader(mapped).schema
    except (OSError, pa.ArrowException) as error:
        raise _cannot(path, error) from error


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file in order, a bounded number at a time; raises `DatasetError`."""
    try:
        # The map lives as long as what was read from it.
        for batch in _batches(_reader(pa.memory_map(str(path)))):
            for start in range(0, len(batch), _ROWS):
                yield batch.slice(start, _ROWS)
    except (OSError, pa.ArrowException) as error:
        raise _cannot(path, error) from error


def relation(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], scratch: Path
) -> duckdb.DuckDBPyRelation:
    """The columns of plain values of some files, as DuckDB sees them; raises `DatasetError`.

    The files are mapped, not read; what can't be used where it lies is copied to `scratch`.
    """
    tables = [_mapped(path, scratch / f"copy-{n}.arrow") for n, path in enumerate(files)]
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise _cannot(files[0], error) from error
    connection.register("rows_in_arrow", whole)
    return connection.sql("FROM rows_in_arrow")


def _is_indexed(source: pa.NativeFile) -> bool:
    start = source.read(len(_MAGIC))
    source.seek(0)
    return bool(start == _MAGIC)


def _reader(source: pa.NativeFile) -> pa.RecordBatchReader | pa.RecordBatchFileReader:
    return pa.ipc.open_file(source) if _is_indexed(source) else pa.ipc.open_stream(source)


def _batches(
    reader: pa.RecordBatchReader | pa.RecordBatchFileReader,
) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchFileReader):
        return (reader.get_batch(n) for n in range(reader.num_record_batches))
    return iter(reader)


def _mapped(path: Path, copy: Path) -> pa.Table:
    """The columns of plain values of a file, whose buffers lie in the file or in a copy."""
    try:
        plain = [n for n, field in enumerate(schema_of(path)) if _is_plain(field.type)]
        found = iter([batch.select(plain) for batch in batches(path)])
        columns = pa.schema([schema_of(path).field(n) for n in plain])
        if not _lies_open(path):
            _copy(found, columns, copy)
            found = batches(copy)
            columns = schema_of(copy)
        return pa.Table.from_batches(found, columns)
    except (OSError, pa.ArrowException) as error:
        raise _cannot(path, error) from error


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    return (
        pa.types.is_integer(kind)
        or kind
        in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary())
        or kind in (pa.bool_(), pa.float32(), pa.float64())
        or pa.types.is_decimal128(kind)
    )


def _lies_open(path: Path) -> bool:
    """Whether the buffers of a file can be used where they lie: neither compressed nor in codes."""
    if any(pa.types.is_dictionary(field.type) for field in schema_of(path)):
        return False
    with pa.memory_map(str(path)) as source:
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
