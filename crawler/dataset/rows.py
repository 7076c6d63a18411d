"""Rows of a dataset: their URLs as a query, and the whole of them in order, batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from crawler.dataset import arrow
from crawler.dataset.columns import text_of
from crawler.dataset.files import DatasetError, Format
from crawler.dataset.readers import json_lines, path_literal, relation, url_column

_BATCH = 65_536
_SMALLEST_BATCH = 1024
_BATCH_BYTES = 32 * 1024 * 1024
#: Rows whose verdicts are worked out at once: this bounds memory, whatever the dataset.
_AT_ONCE = 3_000_000
_LINE = pa.schema([pa.field("line", pa.string())])


class Rows:
    """The rows of some files: `schema`, the column with URLs, and `parts`, queries with `n` and
    `url` that together give every row once, in order.
    """

    def __init__(
        self, schema: pa.Schema, url: str, parts: Sequence[str], batches: Iterator[pa.RecordBatch]
    ) -> None:
        self.schema, self.url, self.parts = schema, url, parts
        self._batches = batches

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches


@contextmanager
def open_rows(
    duck: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    form: Format,
    url: str | None,
    scratch: Path,
    *,
    as_lines: bool = False,
) -> Iterator[Rows]:
    """Open files of one format; raises `DatasetError`.

    Parquet and Arrow keep their types to the letter; CSV columns are text as written. `as_lines`
    gives the lines of JSONL whole, in one column. `scratch` is an existing directory for copies.
    """
    try:
        if as_lines:
            yield _lines(duck, files, url, scratch)
            return
        rows = relation(duck, files, form, scratch=scratch, wanted=[url] if url else [])
        column = url_column(rows, url)
        text = text_of(rows, column)
        schema = _common_schema(files, form)
        if form is Format.PARQUET and schema is not None:
            parts = [part for file in files for part in _parts(file, text)]
            yield Rows(schema, column, parts, _parquet(files))
        elif schema is not None:
            rows.create_view("rows_of_files", replace=True)
            found = (batch for file in files for batch in arrow.batches(file))
            yield Rows(schema, column, [_numbered(text)], found)
        else:
            yield _relation_rows(duck, rows, column, text)
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DatasetError(f"{files[0]} cannot be read ({reason}).") from error


def _numbered(text: str) -> str:
    return f"SELECT row_number() OVER () AS n, {text} AS url FROM rows_of_files"  # noqa: S608 - quoted


def _relation_rows(
    duck: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, column: str, text: str
) -> Rows:
    """The rows of a relation, with the types that DuckDB has for them."""
    rows.create_view("rows_of_files", replace=True)
    reader = duck.cursor().sql("FROM rows_of_files").to_arrow_reader(_BATCH)
    return Rows(reader.schema, column, [_numbered(text)], iter(reader))


def _lines(
    duck: duckdb.DuckDBPyConnection, files: Sequence[Path], url: str | None, scratch: Path
) -> Rows:
    """JSONL as it is written; a URL is what DuckDB finds on a line under the column's name."""
    rows, lines = json_lines(duck, files, scratch)
    column = url_column(rows, url)
    pointer = "/" + column.replace("~", "~0").replace("/", "~1").replace("'", "''")
    found = _relation_rows(
        duck, lines, "line", f"CASE WHEN json_valid(line) THEN line ->> '{pointer}' END"
    )
    return Rows(_LINE, column, found.parts, iter(found))


def _common_schema(files: Sequence[Path], form: Format) -> pa.Schema | None:
    """The schema of files whose rows are taken as they are; None if they are read by DuckDB."""
    if form not in (Format.PARQUET, Format.ARROW):
        return None
    read = pq.read_schema if form is Format.PARQUET else arrow.schema_of
    first, *others = (read(file) for file in files)
    if all(schema.equals(first) for schema in others):
        return first
    if form is Format.ARROW:
        raise DatasetError("The files have different columns; flag them into a folder (-o FOLDER).")
    return None


def _parquet(files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for file in files:
        with pq.ParquetFile(file) as parquet:
            yield from parquet.iter_batches(_batch_size(parquet.metadata))


def _batch_size(metadata: pq.FileMetaData) -> int:
    """So many rows that neither few large ones nor many small ones fill the memory."""
    groups = (metadata.row_group(n) for n in range(metadata.num_row_groups))
    size = sum(int(group.total_byte_size) for group in groups)
    average = size // max(int(metadata.num_rows), 1)
    return max(_SMALLEST_BATCH, min(_BATCH, _BATCH_BYTES // max(average, 1)))


def _parts(path: Path, text: str) -> list[str]:
    """Queries for ranges of rows of a Parquet file, cut between row groups."""
    source = f"read_parquet({path_literal(path)}, file_row_number=true)"
    metadata = pq.read_metadata(path)
    ends, last, end = [0], 0, 0
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        if end + size - last > _AT_ONCE and end > last:
            ends.append(last := end)
        end += size
    ends.append(end)
    return [
        f"SELECT file_row_number AS n, {text} AS url FROM {source} "  # noqa: S608 - quoted
        f"WHERE file_row_number >= {start} AND file_row_number < {stop}"
        for start, stop in pairwise(ends)
    ]
