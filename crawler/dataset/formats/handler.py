"""Base class of the readers and writers of dataset formats."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from crawler.dataset.bounds import MAX_COLUMNS
from crawler.dataset.columns import UrlColumns, url_columns
from crawler.dataset.dates import DateColumn, create_macros, date_column
from crawler.dataset.files import DatasetError, cannot_read
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.layout import Layout
from crawler.dataset.sinks import Sink, SinkTarget
from crawler.instants import Instant

_BATCH = 65_536


class ReadContext(NamedTuple):
    """The parameters of reading, apart from the files.

    `scratch` is an existing directory for repaired copies, which must outlive the relation. `given`
    are names of columns that the user gave, `urls` those of columns with URLs. Files that are cut
    off or damaged are added to `damaged`, each with the place up to which it was read. `times` is
    the column with the times of rows, or one instant for all.
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    damaged: dict[Path, str]
    given: Collection[str] = ()
    urls: Sequence[str] = ()
    times: str | Instant | None = None

    def url_columns(self, rows: duckdb.DuckDBPyRelation) -> UrlColumns:
        """Return the columns of some rows that hold URLs, and times. Raise `DatasetError`."""
        found = url_columns(rows, self.urls)
        if self.times is None:
            return found
        create_macros(self.connection)
        if isinstance(self.times, Instant):
            return found._replace(times=DateColumn(instant=self.times))
        return found._replace(times=date_column(rows, self.times))


class Rows:
    """The rows of some files, as record batches in order.

    `schema` has all their columns and `urls` are those with URLs. `parts` are queries with the
    columns `n` (row number), `url`, and `moment` where rows have times, that together give every
    row once, in order; for lists and several columns they give every text once (see
    `columns.TEXTS_PER_ROW`). `unreadable` counts the rows so far that cannot be read and have no
    values, where that is known. `count` is the number of rows where it is known, `n` begins with 0,
    and `parts` can be asked with those of other files.
    """

    unreadable = 0

    def __init__(
        self,
        schema: pa.Schema,
        urls: UrlColumns,
        parts: Sequence[str],
        batches: Iterator[pa.RecordBatch],
        count: int | None = None,
    ) -> None:
        self.schema, self.urls, self.parts, self.count = schema, urls, parts, count
        self._batches = batches

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches


class FormatHandler:
    """Reads and writes files of one format. A subclass overrides what its format can do.

    `counts_rows` tells whether `rows` give a `count`.
    """

    counts_rows = False

    def __init__(self, dataset_format: DatasetFormat) -> None:
        self.format = dataset_format

    def relation(self, context: ReadContext, files: Sequence[Path]) -> duckdb.DuckDBPyRelation:
        """Return the files as one relation: all columns and rows, in the order of the files.

        Raise `DatasetError`.
        """
        try:
            relation = self.make_relation(context, files)
        except duckdb.Error as error:
            raise self.cannot_read(files[0], error, context.scratch) from error
        refuse_wide(files[0], len(relation.columns))
        return relation

    def make_relation(self, context: ReadContext, files: Sequence[Path]) -> duckdb.DuckDBPyRelation:
        """Return what `relation` does; may raise `duckdb.Error` as well."""
        raise NotImplementedError

    def rows(self, context: ReadContext, files: Sequence[Path]) -> Rows:
        """Return the rows with the types that DuckDB has for them."""
        relation = self.relation(context, files)
        return relation_rows(context, relation, context.url_columns(relation))

    def rows_as_lines(self, context: ReadContext, files: Sequence[Path]) -> Rows:
        """Return the lines as they are written, and whether each can take members.

        For formats that `keeps_lines`.
        """
        raise NotImplementedError

    def layout(
        self,
        file: Path,  # noqa: ARG002 - for Parquet
        added: Iterable[str],  # noqa: ARG002 - for Parquet
        with_statistics: Iterable[str],  # noqa: ARG002 - for Parquet
    ) -> Layout | None:
        """Return how a Parquet file with these rows is to be written; None for the default."""
        return None

    def sink(self, target: SinkTarget) -> Sink:
        """Open a file for writing rows."""
        raise NotImplementedError

    def column_names(self, file: Path) -> frozenset[str]:  # noqa: ARG002 - for Parquet
        """Return the names of a file's columns in lower case, as DuckDB compares them.

        None are returned where each row has its own names, and for a file without rows.
        """
        return frozenset()

    def cannot_read(self, path: Path, error: BaseException, scratch: Path) -> DatasetError:
        """Return the error for a file that is damaged or of another format, or for a full disk."""
        return cannot_read(path, error, scratch, self.format.name)


def refuse_wide(path: Path, columns: int) -> None:
    """Raise `DatasetError` for more columns than a dataset may have."""
    if columns > MAX_COLUMNS:
        raise DatasetError(
            f"{path} has {columns:,} columns, more than {MAX_COLUMNS:,}; keep those with URLs and "
            "weights, and whatever else is needed."
        )


def numbered(urls: UrlColumns, line: str | None = None) -> str:
    """Return the query for `Rows.parts` over view `rows_of_files`; `line` is as in `query`."""
    return urls.query("row_number() OVER ()", "rows_of_files", line)


def relation_rows(
    context: ReadContext, relation: duckdb.DuckDBPyRelation, urls: UrlColumns
) -> Rows:
    """Return the rows of a relation, read batch by batch."""
    relation.create_view("rows_of_files", replace=True)
    reader = context.connection.cursor().sql("FROM rows_of_files").to_arrow_reader(_BATCH)
    return Rows(reader.schema, urls, [numbered(urls)], iter(reader))
