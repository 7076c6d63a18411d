"""Rows of a dataset: their URLs as a query, and the whole of them in order, batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from crawler.dataset.columns import text_of
from crawler.dataset.files import DatasetError, Format
from crawler.dataset.readers import path_literal, relation, url_column

_BATCH = 65_536
#: Rows whose verdicts are worked out at once: this bounds memory, whatever the dataset.
_AT_ONCE = 10_000_000


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
) -> Iterator[Rows]:
    """Open files of one format; raises `DatasetError`.

    Parquet keeps its types to the letter; CSV columns are text as written. `scratch` is an
    existing directory for repaired copies.
    """
    try:
        rows = relation(duck, files, form, scratch=scratch, wanted=[url] if url else [])
        column = url_column(rows, url)
        text = text_of(rows, column)
        if form is Format.PARQUET and len(files) == 1:
            with pq.ParquetFile(files[0]) as parquet:
                parts = _parts(files[0], parquet.metadata, text)
                yield Rows(parquet.schema_arrow, column, parts, parquet.iter_batches(_BATCH))
        else:
            rows.create_view("rows_of_files", replace=True)
            whole = f"SELECT row_number() OVER () AS n, {text} AS url FROM rows_of_files"  # noqa: S608 - quoted
            reader = duck.cursor().sql("FROM rows_of_files").to_arrow_reader(_BATCH)
            yield Rows(reader.schema, column, [whole], iter(reader))
    except (duckdb.Error, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DatasetError(f"{files[0]} cannot be read ({reason}).") from error


def _parts(path: Path, metadata: pq.FileMetaData, text: str) -> list[str]:
    """Queries for ranges of rows, cut between row groups."""
    source = f"read_parquet({path_literal(path)}, file_row_number=true)"
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
