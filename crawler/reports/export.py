"""Write a public view as CSV, JSON Lines or Parquet, sorted: equal data give equal bytes."""

import csv
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.errors import UserError
from crawler.store.database import public_views
from crawler.store.queries import column_type, view_rows

_ROWS_PER_WRITE = 20_000
_TYPES = {"INTEGER": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string()}


class ExportError(UserError):
    """The export cannot be made; the message is one sentence that says what to do."""


def export(db: sqlite3.Connection, view: str, out: Path) -> int:
    """Write all rows of a view to a file, in the format of its suffix. Return the number of rows.

    The file appears under its name only when it is complete. Raise `ExportError`.
    """
    columns = _columns(view)
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise ExportError(f"{out.name}: the suffix must be one of {', '.join(_WRITERS)}")
    with replaced(out) as unfinished:
        return write(db, view, columns, unfinished)


def _columns(view: str) -> list[str]:
    views = public_views()
    if view not in views:
        raise ExportError(f"there is no view {view!r}; there are {', '.join(sorted(views))}")
    return list(views[view][1])


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Yield a path to write to, which replaces `out` if the block does not raise."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            yield unfinished
            os.replace(unfinished, out)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror or error}") from error


def _write_csv(db: sqlite3.Connection, view: str, columns: list[str], out: Path) -> int:
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        return _count(writer.writerow(row) for row in view_rows(db, view, columns))


def _write_jsonl(db: sqlite3.Connection, view: str, columns: list[str], out: Path) -> int:
    with out.open("w", encoding="utf-8") as file:
        return _count(
            file.write(_line(dict(zip(columns, row, strict=True))))
            for row in view_rows(db, view, columns)
        )


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _count(written: Iterator[Any]) -> int:
    return sum(1 for _ in written)


def _write_parquet(db: sqlite3.Connection, view: str, columns: list[str], out: Path) -> int:
    schema = _schema(db, view, columns)
    written = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        portion: list[tuple[Any, ...]] = []
        for row in view_rows(db, view, columns):
            portion.append(row)
            if len(portion) == _ROWS_PER_WRITE:
                writer.write_table(_table(portion, schema))
                written += len(portion)
                portion = []
        writer.write_table(_table(portion, schema))
    return written + len(portion)


def _table(portion: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*portion, strict=True) if portion else [()] * len(schema)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _schema(db: sqlite3.Connection, view: str, columns: list[str]) -> pa.Schema:
    """Return the type of each column by the values that it holds."""
    # SQLite's columns of views have no declared type.
    return pa.schema([pa.field(name, _TYPES[column_type(db, view, name)]) for name in columns])


_WRITERS = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}
