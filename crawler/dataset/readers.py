"""Open a dataset as one DuckDB relation: every column, every row, in the order of the files."""

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from crawler.dataset.formats import DatasetFormat
from crawler.dataset.formats.handler import ReadContext


def relation(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    dataset_format: DatasetFormat,
    *,
    scratch: Path,
    damaged: dict[Path, str],
    wanted: Collection[str] = (),
) -> duckdb.DuckDBPyRelation:
    """Return the files as one relation with all their columns, rows in the order of the files.

    CSV columns are all text, as written; JSONL strings stay text and nested values JSON. `scratch`
    is an existing directory for repaired copies, which must outlive the relation. `wanted` are
    column names that the user gave. `damaged` takes the files that are cut off or damaged (see
    `ReadContext`). Raise `DatasetError`.
    """
    # Row order holds as long as the connection preserves insertion order (DuckDB's default) and
    # nothing is joined. Number the rows before joining.
    context = ReadContext(connection, scratch, damaged, wanted)
    return dataset_format.handler().relation(context, files)
