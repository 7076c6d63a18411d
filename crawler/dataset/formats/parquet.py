"""Parquet files."""

import base64
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from crawler.dataset.columns import UrlColumns
from crawler.dataset.files import DatasetError
from crawler.dataset.formats.handler import (
    FormatHandler,
    ReadContext,
    Rows,
    refuse_wide,
    relation_rows,
)
from crawler.dataset.layout import Layout, layout_of
from crawler.dataset.scans import TABLE_OPTIONS, Scan, path_literal, select
from crawler.dataset.sinks import Sink, SinkTarget, table_of_columns

_MAGIC = b"PAR1"
_BATCH_ROWS = 65_536
_MIN_BATCH_ROWS = 1024
_BATCH_BYTES = 32 * 1024 * 1024
#: URLs of one part: their verdicts are computed together, so this bounds memory.
_PART_TEXTS = 3_000_000
# A row group has at most one of these, whichever is reached first.
_GROUP_ROWS = 1_000_000
_GROUP_BYTES = 128 * 1024 * 1024
# Octets that may wait to be written while more rows are gathered.
_PENDING_BYTES = 256 * 1024 * 1024


class ParquetHandler(FormatHandler):
    """Reads and writes Parquet files; types stay as they are."""

    counts_rows = True

    def make_relation(self, context: ReadContext, files: Sequence[Path]) -> duckdb.DuckDBPyRelation:
        """See `FormatHandler.make_relation`."""
        for path in files:
            _refuse_cut(path)
        with suppress(OSError, pa.ArrowException):  # DuckDB says what is wrong with a file
            refuse_wide(files[0], len(pq.read_schema(files[0])))
        query = select(Scan(files[0], TABLE_OPTIONS), files, "read_parquet")
        return context.connection.sql(query)

    def rows(self, context: ReadContext, files: Sequence[Path]) -> Rows:
        """See `FormatHandler.rows`. Files with different columns get the types of DuckDB."""
        relation = self.relation(context, files)
        urls = context.url_columns(relation)
        first, *others = map(pq.read_schema, files)
        if not all(schema.equals(first) for schema in others):
            return relation_rows(context, relation, urls)
        described = [pq.read_metadata(file) for file in files]
        parts = [
            part
            for file, metadata in zip(files, described, strict=True)
            for part in _parts(file, metadata, urls)
        ]
        count = sum(metadata.num_rows for metadata in described)
        return Rows(first, urls, parts, _batches(files), count)

    def column_names(self, file: Path) -> frozenset[str]:
        """See `FormatHandler.column_names`."""
        metadata = pq.read_metadata(file)
        names = metadata.schema.to_arrow_schema().names if metadata.num_rows else []
        return frozenset(name.lower() for name in names)

    def layout(self, file: Path, added: Iterable[str], with_statistics: Iterable[str]) -> Layout:
        """See `FormatHandler.layout`: the layout of the file that is read."""
        return layout_of(file, added, with_statistics)

    def sink(self, target: SinkTarget) -> Sink:
        """See `FormatHandler.sink`."""
        return _ParquetSink(target.path, target.schema, target.layout)


def _refuse_cut(path: Path) -> None:
    """Raise `DatasetError` for a file that is cut off: without its end no row can be found."""
    with path.open("rb") as stream:
        starts = stream.read(len(_MAGIC)) == _MAGIC
        stream.seek(-min(stream.seek(0, os.SEEK_END), len(_MAGIC)), os.SEEK_END)
        if starts and stream.read() != _MAGIC:
            raise DatasetError(
                f"{path} is cut off: a Parquet file lists its rows at its end, so none can be "
                "read; get it again."
            )


def _batches(files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for file in files:
        with pq.ParquetFile(file) as parquet:
            yield from parquet.iter_batches(_batch_size(parquet.metadata))


def _batch_size(metadata: pq.FileMetaData) -> int:
    """Return a number of rows: few where rows are large, but not so few that batches are slow."""
    groups = (metadata.row_group(n) for n in range(metadata.num_row_groups))
    size = sum(int(group.total_byte_size) for group in groups)
    average = size // max(int(metadata.num_rows), 1)
    return max(_MIN_BATCH_ROWS, min(_BATCH_ROWS, _BATCH_BYTES // max(average, 1)))


def _parts(path: Path, metadata: pq.FileMetaData, urls: UrlColumns) -> list[str]:
    """Return queries for ranges of rows of a file, cut between row groups."""
    source = f"read_parquet({path_literal(path)}, file_row_number=true)"
    ends, last, end, waiting = [0], 0, 0, 0
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        texts = _texts(metadata.row_group(group), urls)
        if waiting + texts > _PART_TEXTS and end > last:
            ends.append(last := end)
            waiting = 0
        end, waiting = end + size, waiting + texts
    ends.append(end)
    return [
        urls.query(
            "file_row_number",
            f"{source} WHERE file_row_number >= {start} AND file_row_number < {stop}",
        )
        for start, stop in pairwise(ends)
    ]


def _texts(group: pq.RowGroupMetaData, urls: UrlColumns) -> int:
    """Return the number of URLs in a row group: lists have more values than the group has rows."""
    names = tuple(column.path.column for column in urls.columns)
    columns = (group.column(n) for n in range(group.num_columns))
    values = [c.num_values for c in columns if c.path_in_schema.startswith(names)]
    return max([int(group.num_rows), *map(int, values)])


class _ParquetSink:
    """Writes a Parquet file whose readers see the schema as it was given.

    A thread writes one row group while the rows of the next one are gathered.
    """

    def __init__(self, out: Path | BinaryIO, schema: pa.Schema, layout: Layout) -> None:
        self._out, self._schema, self._layout = out, schema, layout
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._rows = self._bytes = 0
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._writing: deque[tuple[Future[None], int]] = deque()

    def write(self, columns: list[pa.Array]) -> None:
        table = table_of_columns(columns, self._schema)
        self._waiting.append(table)
        self._rows += len(table)
        self._bytes += table.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Hand the rows that wait to the thread."""
        self._wait_until_pending(_PENDING_BYTES - self._bytes)
        table = pa.concat_tables(self._waiting)
        self._writing.append((self._thread.submit(self._write, table), self._bytes))
        self._waiting, self._rows, self._bytes = [], 0, 0

    def _wait_until_pending(self, allowed: int) -> None:
        """Wait until at most `allowed` octets are still to be written; raise what failed."""
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
        # Arrow stores its schema for its own readers. Texts are written from dictionaries, which
        # that schema would show; so the schema that was given is stored in its place.
        plain = self._schema.serialize().to_pybytes()
        metadata = {**(self._schema.metadata or {}), b"ARROW:schema": base64.b64encode(plain)}
        writer.add_key_value_metadata(metadata)
        return writer

    def close(self) -> None:
        try:
            with self._thread:
                if self._waiting:
                    self._flush()
                self._wait_until_pending(-1)
        finally:
            writer = self._writer or self._open(self._schema)
            writer.close()
