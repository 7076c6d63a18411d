"""Read the URLs of a dataset one by one, as they stand in its columns."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb

from crawler.dataset.columns import url_columns
from crawler.dataset.duck import connect
from crawler.dataset.files import cannot_read, locate
from crawler.dataset.readers import relation

# Texts that are in memory at a time.
_BATCH = 20_000


class UrlList(NamedTuple):
    """The columns with URLs of a dataset, and its texts, each of which is read once.

    A row without a text gives None. `damaged` has the files that are cut off, and where, once
    `texts` are exhausted.
    """

    url_column: str
    texts: Iterator[str | None]
    damaged: dict[Path, str]


@contextmanager
def url_list(
    paths: Sequence[str], given: Sequence[str], memory_limit: str, temp_dir: str | None = None
) -> Iterator[UrlList]:
    """Give the URLs in files, folders or patterns, in the order of the rows. Raise `DatasetError`.

    `given` are paths of columns as in `inventory`. `memory_limit` is DuckDB's; what does not fit is
    spilled to a directory under `temp_dir`.
    """
    files, dataset_format = locate(paths)
    damaged: dict[Path, str] = {}
    with ExitStack() as resources:
        folder = tempfile.TemporaryDirectory(prefix="tdm-audit-", dir=temp_dir)
        scratch = Path(resources.enter_context(folder))
        connection = resources.enter_context(connect(scratch, memory_limit))
        try:
            rows = relation(
                connection, files, dataset_format, scratch=scratch, damaged=damaged, wanted=given
            )
            columns = url_columns(rows, given)
            rows.create_view("dataset_rows")
            texts = _texts(connection, columns.query("0", "dataset_rows"))
            yield UrlList(str(columns), texts, damaged)
        except duckdb.Error as error:
            raise cannot_read(", ".join(map(str, files[:3])), error, scratch) from error


def _texts(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[str | None]:
    # A stream: the result of a plain query would be in memory whole.
    reader = connection.sql(f"SELECT url FROM ({query})").to_arrow_reader(_BATCH)  # noqa: S608 - our own SQL
    for batch in reader:
        yield from batch.column(0).to_pylist()
