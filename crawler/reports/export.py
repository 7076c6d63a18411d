"""Write a public view as CSV, JSON Lines or Parquet, sorted: equal data give equal bytes."""

import csv
import json
import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.errors import UserError, WrongUsageError
from crawler.folders import new_folders_removed_on_error
from crawler.interrupts import removed_at_the_end
from crawler.store import as_of
from crawler.store.audit_places import audit_at
from crawler.store.database import public_views
from crawler.store.queries import column_types, view_rows
from crawler.store.queryable import Queryable

_ROWS_PER_WRITE = 20_000
# How texts begin that spreadsheets calculate.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Half of a surrogate pair, which JSON may hold and UTF-8 cannot: written as \\udXXX.
ERRORS = "backslashreplace"
_OPEN_FILES = (Path("/dev/fd"), Path("/proc/self/fd"))
Rows = Iterator[tuple[Any, ...]]
_TYPES = {"INTEGER": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string()}


class ExportError(UserError):
    """The export cannot be made; the message is one sentence that says what to do."""


class SuffixError(ExportError, WrongUsageError):
    """The suffix of the file names no format; the message lists those that do."""


def formats() -> list[str]:
    """Return the names of the formats; a file of one has its name as suffix."""
    return [suffix[1:] for suffix in (*_TEXT, _PARQUET)]


def export(
    db: Queryable, view: str, out: Path, form: str | None = None, *, raw: bool = False
) -> int:
    """Write all rows of a view to a file. Return the number of rows.

    The format is `form`, or that of the suffix. In CSV, text that a spreadsheet would calculate
    gets an apostrophe, unless `raw`. A file appears under its name only when it is complete; a
    device or a pipe is written to. Raise `ExportError`.
    """
    columns = _columns(view)
    suffix = out.suffix.lower() if form is None else f".{form}"
    if suffix not in (*_TEXT, _PARQUET):
        raise SuffixError(f"{out.name}: the suffix must be one of {', '.join((*_TEXT, _PARQUET))}")
    with replaced(out) as unfinished, _rows(db, view, columns) as rows:
        if suffix == _PARQUET:
            return _write_parquet(rows, _schema(db, view, columns), unfinished)
        with unfinished.open("w", encoding="utf-8", errors=ERRORS, newline="") as file:
            return _TEXT[suffix](rows, columns, file, raw=raw)


def export_text(db: Queryable, view: str, out: TextIO, form: str, *, raw: bool = False) -> int:
    """Write all rows of a view to a stream as CSV or JSON Lines. Return the number of rows."""
    columns = _columns(view)
    with _rows(db, view, columns) as rows:
        return _TEXT[f".{form}"](rows, columns, out, raw=raw)


def export_parquet(db: Queryable, view: str, out: BinaryIO) -> int:
    """Write all rows of a view to a stream of octets as Parquet. Return the number of rows."""
    columns = _columns(view)
    with _rows(db, view, columns) as rows:
        return _write_parquet(rows, _schema(db, view, columns), out)


@contextmanager
def _rows(db: Queryable, view: str, columns: list[str]) -> Iterator[Rows]:
    """Yield the rows of a view; the cursor ends with the block, also after an error."""
    rows = view_rows(db, view, columns)
    with closing(cast("Generator[tuple[Any, ...], None, None]", rows)):
        yield rows


def _columns(view: str) -> list[str]:
    if view == as_of.HISTORY:
        return list(as_of.HISTORY_COLUMNS)
    views = public_views()
    if view not in views:
        raise ExportError(f"there is no view {view!r}; there are {', '.join(sorted(views))}")
    return list(views[view][1])


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Yield a path to write to, which replaces `out` if the block does not raise.

    A device or a pipe is not replaced: it is the path to write to. Raise `ExportError` also for a
    file of an audit.
    """
    if (audit := audit_at(out)) is not None:
        raise ExportError(f"{out} belongs to the audit {audit}; name another file")
    try:
        with new_folders_removed_on_error([out]):
            out.parent.mkdir(parents=True, exist_ok=True)
            if _is_stream(out):
                yield out
                return
            unfinished = out.with_name(f".{out.name}.{os.getpid()}.part")
            with removed_at_the_end(unfinished):
                _create_exclusively(unfinished)
                yield unfinished
                os.replace(unfinished, out)
    except BrokenPipeError:
        raise  # the reader has read enough
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror or error}") from error


def _is_stream(out: Path) -> bool:
    """Return whether a path is no file or folder, or one of the names of an open file."""
    is_name = out.parent in _OPEN_FILES or str(out) in ("/dev/stdout", "/dev/stderr")
    return is_name or (out.exists() and not out.is_file() and not out.is_dir())


def _create_exclusively(path: Path) -> None:
    """Create a file; a link that another user put there is removed, not followed."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))


class _Lines:
    """A stream that ends lines with LF, for a writer that ends them with CR LF."""

    # The writer quotes a cell with CR or LF only if that is part of its own end of a line.

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, line: str) -> int:
        """Write one line."""
        return self._out.write(line.removesuffix("\r\n") + "\n")


def write_csv(rows: Rows, columns: list[str], out: TextIO, *, raw: bool) -> int:
    """Write rows as CSV with a line of names. Return the number of rows."""
    writer = csv.writer(_Lines(out))
    writer.writerow(columns)
    made = rows if raw else (tuple(map(_neutral, row)) for row in rows)
    return _count(writer.writerow(row) for row in made)


def _neutral(cell: Any) -> Any:
    """Return a cell so that no spreadsheet takes its text for a formula; numbers stay."""
    # OWASP, CSV Injection: a cell that begins with one of these is calculated when it is opened.
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _write_jsonl(rows: Rows, columns: list[str], out: TextIO, *, raw: bool) -> int:
    # JSON is data and has no formulas: `raw` makes no difference.
    del raw
    return _count(out.write(_line(dict(zip(columns, row, strict=True)))) for row in rows)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _count(written: Iterator[Any]) -> int:
    return sum(1 for _ in written)


def _write_parquet(rows: Rows, schema: pa.Schema, out: Path | BinaryIO) -> int:
    written = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        portion: list[tuple[Any, ...]] = []
        for row in rows:
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


def _schema(db: Queryable, view: str, columns: list[str]) -> pa.Schema:
    """Return the type of each column by the values that it holds."""
    # SQLite's columns of views have no declared type.
    types = column_types(db, view, columns)
    return pa.schema([(name, _TYPES[kind]) for name, kind in zip(columns, types, strict=True)])


class _TextWriter(Protocol):
    def __call__(self, rows: Rows, columns: list[str], out: TextIO, *, raw: bool) -> int: ...


_TEXT: dict[str, _TextWriter] = {".csv": write_csv, ".jsonl": _write_jsonl}
_PARQUET = ".parquet"
