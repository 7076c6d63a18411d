"""Rows of a dataset in and out, in order, batch by batch, with every column as it is."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from crawler.dataset.files import DatasetError, Format
from crawler.dataset.readers import relation, url_column

_BATCH = 8192


class Batches:
    """The rows of some files: their schema, the column with URLs, and the batches in order."""

    def __init__(self, schema: pa.Schema, url: str, batches: Iterator[pa.RecordBatch]) -> None:
        self.schema = schema
        self.url = url
        self._batches = batches

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches


@contextmanager
def open_rows(files: Sequence[Path], form: Format, url: str | None) -> Iterator[Batches]:
    """Open files of one format as batches of rows; raises `DatasetError`.

    Parquet keeps its types to the letter; CSV columns are text as written.
    """
    with tempfile.TemporaryDirectory(prefix="tdm-audit-") as scratch, duckdb.connect() as db:
        try:
            rows = relation(db, files, form, scratch=Path(scratch), wanted=[url] if url else [])
            column = url_column(rows, url)
            if form is Format.PARQUET and len(files) == 1:
                with pq.ParquetFile(files[0]) as parquet:
                    batches = parquet.iter_batches(_BATCH)
                    yield Batches(parquet.schema_arrow, column, batches)
            else:
                reader = rows.to_arrow_reader(_BATCH)
                yield Batches(reader.schema, column, iter(reader))
        except (duckdb.Error, pa.ArrowException) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise DatasetError(f"{files[0]} cannot be read ({reason}).") from error


class Sink(Protocol):
    """Takes batches of one schema and writes them."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""

    def close(self) -> None:
        """Finish the file."""


class _Parquet:
    def __init__(self, out: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(out, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _Csv:
    def __init__(self, out: Path, schema: pa.Schema) -> None:
        self._writer = pacsv.CSVWriter(out, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _Jsonl:
    def __init__(self, out: Path, _schema: pa.Schema) -> None:
        self._file = out.open("w", encoding="utf-8")

    def write(self, batch: pa.RecordBatch) -> None:
        for row in batch.to_pylist():
            self._file.write(json.dumps(row, ensure_ascii=False, default=_plain) + "\n")

    def close(self) -> None:
        self._file.close()


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


SINKS: dict[str, type[_Parquet] | type[_Csv] | type[_Jsonl]] = {
    ".parquet": _Parquet,
    ".csv": _Csv,
    ".jsonl": _Jsonl,
}
