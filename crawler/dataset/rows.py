"""Rows of a dataset: their URLs as a query, and all columns in order, batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from crawler.dataset.files import cannot_read
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.formats.handler import ReadContext, Rows
from crawler.instants import Instant

__all__ = ["Rows", "open_rows", "reading"]


@contextmanager
def reading(file: Path, scratch: Path) -> Iterator[None]:
    """Raise what goes wrong in the block as a `DatasetError` about the file that is read."""
    try:
        yield
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        raise cannot_read(file, error, scratch) from error


@contextmanager
def open_rows(
    duck: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    dataset_format: DatasetFormat,
    urls: Sequence[str],
    scratch: Path,
    damaged: dict[Path, str],
    *,
    as_lines: bool = False,
    times: str | Instant | None = None,
) -> Iterator[Rows]:
    """Open files of one format for reading their rows. Raise `DatasetError`, also while reading.

    Errors of the system in the block count as errors of reading; the block converts others.
    Parquet and Arrow keep their exact types; CSV columns are text as written. `urls` name the
    columns with URLs (none: the one that is found). `as_lines` gives the lines of a format that
    `keeps_lines` whole. `scratch` is an existing directory for copies. `damaged` takes the files
    that are cut off or damaged (see `ReadContext`).
    """
    handler = dataset_format.handler()
    given = [*urls, *([times] if isinstance(times, str) else [])]
    context = ReadContext(duck, scratch, damaged, given, urls, times)
    with reading(files[0], scratch):
        yield (handler.rows_as_lines if as_lines else handler.rows)(context, files)
