"""Files that rows are written to, by suffix."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

_ROWS_AT_ONCE = 8192
_ROW_GROUP = 1_000_000


class Sink(Protocol):
    """Takes columns of one schema, whose texts may come as dictionaries, and writes them."""

    def write(self, columns: list[pa.Array]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Finish the file."""


class _Parquet:
    """A Parquet file whose readers see the schema as it was given."""

    def __init__(self, out: Path, schema: pa.Schema, compression: str | Mapping[str, str]) -> None:
        self._out, self._schema, self._compression = out, schema, compression
        self._writer: pq.ParquetWriter | None = None

    def write(self, columns: list[pa.Array]) -> None:
        table = pa.table(columns, names=self._schema.names)
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table, row_group_size=_ROW_GROUP)

    def _open(self, written: pa.Schema) -> pq.ParquetWriter:
        writer = pq.ParquetWriter(
            self._out, written, compression=self._compression, store_schema=False
        )
        # What Arrow stores for its readers, but for the dictionaries that we write from.
        plain = self._schema.serialize().to_pybytes()
        facts = {**(self._schema.metadata or {}), b"ARROW:schema": base64.b64encode(plain)}
        writer.add_key_value_metadata(facts)
        return writer

    def close(self) -> None:
        if self._writer is None:
            self._writer = self._open(self._schema)
        self._writer.close()


class _Csv:
    def __init__(self, out: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pacsv.CSVWriter(out, schema)

    def write(self, columns: list[pa.Array]) -> None:
        self._writer.write_table(pa.table(columns, names=self._schema.names).cast(self._schema))

    def close(self) -> None:
        self._writer.close()


class _Jsonl:
    def __init__(self, out: Path, schema: pa.Schema) -> None:
        self._names = schema.names
        self._file = out.open("w", encoding="utf-8")

    def write(self, columns: list[pa.Array]) -> None:
        for batch in pa.table(columns, names=self._names).to_batches(_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                self._file.write(json.dumps(row, ensure_ascii=False, default=_plain) + "\n")

    def close(self) -> None:
        self._file.close()


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


SUFFIXES = (".parquet", ".csv", ".jsonl")


def open_sink(
    out: Path, suffix: str, schema: pa.Schema, compression: str | Mapping[str, str] = "zstd"
) -> Sink:
    """A file to write to, by suffix. `schema` is what its readers are to see."""
    if suffix == ".parquet":
        return _Parquet(out, schema, compression)
    return _Csv(out, schema) if suffix == ".csv" else _Jsonl(out, schema)
