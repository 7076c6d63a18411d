"""Inventory of a dataset: its origins, how many rows each has, and a sample of their pages.

DuckDB does the counting, within a memory limit and spilling to disk. Python sees only the texts
that a regular expression cannot parse, a batch at a time, and the origins when they are read.

The SQL files run in this order; each is named for the rows it makes:
url_parts.sql, authorities.sql, origins.sql, sample_hashes.sql, sample_urls.sql, samples.sql.
"""

import contextlib
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from crawler.dataset.columns import check_weights, column_named, text_of, url_column, weight_of
from crawler.dataset.duck import connect
from crawler.dataset.files import DatasetFile, cannot_read, digests, locate
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.readers import relation
from crawler.dataset.url_parts import create_views, parse_authority, sql
from crawler.model import Origin
from crawler.urls.canonical import make_origin, origin_key, page_url
from crawler.vocab import Reject

__all__ = ["Inventory", "OriginRows", "inventory", "parse_authority"]

_BATCH = 20_000
_LONGEST_EXAMPLE = 200
# Hashes beyond the samples asked for: some belong to the home page, or to equal pages.
_SPARE_HASHES = 2
# Samples per share. Of three pages in many rows, one in 130 is lost.
_SAMPLES_PER_SHARE = 2
# Sampled pages that one pass looks for. The join and DISTINCT over them take some 300 MB.
_HASHES_PER_PASS = 1_000_000
_INSERT_PARSED = (
    "INSERT INTO parsed_authority (kind, text, scheme, host, port, reject) "
    "SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
    "unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::VARCHAR[])"
)
_HOME = re.compile(r"https?://[^/]*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRows:
    """An origin of a dataset: its rows, their weight (None without a weight column), its samples.

    `samples` are absolute URLs of pages other than the home page.
    """

    origin: Origin
    rows: int
    weight: float | None = None
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The files, columns and origins of a dataset.

    `format` is the name of a `DatasetFormat`. `rows` counts the rows of origins and of rejects.
    `rejects` are (reason, rows, an example). Close it, or use it as a context manager: it holds a
    database in memory and a directory on disk.
    """

    files: tuple[DatasetFile, ...]
    format: str
    rows: int
    url_column: str
    weight_column: str | None
    rejects: tuple[tuple[Reject, int, str], ...]
    _connection: duckdb.DuckDBPyConnection = field(repr=False)
    _resources: contextlib.ExitStack = field(repr=False)
    _samples: int = field(repr=False)

    def origins(self) -> Iterator[OriginRows]:
        """Yield each origin once, ordered by key. May be called again."""
        cursor = self._connection.cursor()
        batches = _batches(cursor, "SELECT * FROM origin_rows", "origin_rows")
        for batch in batches:
            pages = _pages(cursor, batch[0][0], batch[-1][0]) if self._samples else {}
            for key, host, port, rows, weight, https, http in batch:
                # The scheme of most rows; in a tie, and where no row has one, https.
                scheme = "http" if http > https else "https"
                origin = make_origin(scheme, host, port, assumed=not (http or https))
                samples = tuple(islice(_page_urls(pages.get(key, ())), self._samples))
                yield OriginRows(origin=origin, rows=rows, weight=weight, samples=samples)

    def close(self) -> None:
        """Free memory and disk."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _batches(
    cursor: duckdb.DuckDBPyConnection, select: str, table: str
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a table in the order they were inserted, at most `_BATCH` at a time."""
    [(count,)] = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    for start in range(0, count, _BATCH):
        bounds = f"WHERE rowid >= {start} AND rowid < {start + _BATCH} ORDER BY rowid"
        yield cursor.execute(f"{select} {bounds}").fetchall()


def _pages(
    cursor: duckdb.DuckDBPyConnection, first: str, last: str
) -> dict[str, list[tuple[str, bool]]]:
    """Return the sampled pages (text, ready) of the origins between two keys, by key.

    They come as they are stored, in the order of their hashes.
    """
    pages: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    rows = cursor.execute(
        "SELECT key, page, ready FROM sample WHERE key BETWEEN ? AND ?", [first, last]
    )
    for key, page, ready in rows.fetchall():
        pages[key].append((page, ready))
    return pages


def _page_urls(pages: Iterable[tuple[str, bool]]) -> Iterator[str]:
    """Yield the absolute URLs of sampled pages (text, ready), each once, without the home page."""
    seen: set[str] = set()
    for text, ready in pages:
        page = text if ready else page_url(text)
        if page and page not in seen and (ready or not _HOME.fullmatch(page)):
            seen.add(page)
            yield page


def _parsed_row(
    kind: str, text: str
) -> tuple[str, str, str | None, str | None, int | None, str | None]:
    """Return the row of table `parsed_authority` for a text that SQL could not parse."""
    origin = parse_authority(kind, text)
    if isinstance(origin, Reject):
        return kind, text, None, None, None, origin.value
    port = None if origin_key(origin) == origin.host else origin.port
    return kind, text, "bare" if origin.assumed else origin.scheme, origin.host, port, None


def _parse_authorities(connection: duckdb.DuckDBPyConnection) -> None:
    cursor = connection.cursor()
    query = "SELECT kind, text FROM unparsed_authority"
    for batch in _batches(cursor, query, "unparsed_authority"):
        columns = zip(*(_parsed_row(*row) for row in batch), strict=True)
        connection.execute(_INSERT_PARSED, [list(column) for column in columns])


def _rejects(connection: duckdb.DuckDBPyConnection) -> tuple[tuple[Reject, int, str], ...]:
    rows = connection.execute(
        "SELECT reject, sum(rows)::BIGINT, "
        "min(left(CASE WHEN kind IN ('http', 'https') THEN kind || '://' ELSE '' END || text, ?)) "
        "FROM parsed_authority JOIN authority_text USING (kind, text) WHERE reject IS NOT NULL "
        "GROUP BY reject ORDER BY reject",
        [_LONGEST_EXAMPLE],
    ).fetchall()
    return tuple((Reject(reject), count, example) for reject, count, example in rows)


def _fetch_pages(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill `sample` by reading the dataset again, in several passes if very many are sampled."""
    connection.execute(sql("sample_hashes.sql"))
    [(count,)] = connection.execute("SELECT count(*) FROM sampled_hash").fetchall()
    passes = 1 + count // _HASHES_PER_PASS
    sample_urls = sql("sample_urls.sql").replace("$passes", str(passes))
    for number in range(passes):
        connection.execute(sample_urls.replace("$pass", str(number)))
    connection.execute("DROP TABLE sampled_hash")
    connection.execute(sql("samples.sql"))


def _count(connection: duckdb.DuckDBPyConnection, samples: int) -> int:
    """Fill the tables from view `source`. Return the number of rows of the dataset."""
    hashes = samples + _SPARE_HASHES if samples else 0
    shares = max(1, samples // _SAMPLES_PER_SHARE) if samples else 0
    authorities = sql("authorities.sql").replace("$shares", str(shares))
    create_views(connection)
    connection.execute(authorities.replace("$hashes", str(hashes)))
    _parse_authorities(connection)
    connection.execute(sql("origins.sql"))
    if hashes:
        _fetch_pages(connection)
    query = "SELECT coalesce(sum(rows), 0)::BIGINT FROM authority_text"
    [(rows,)] = connection.execute(query).fetchall()
    return int(rows)


def inventory(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    url_column: str | None = None,
    weight_column: str | None = None,
    samples: int = 3,
    memory_limit: str = "1GB",
    temp_dir: str | os.PathLike[str] | None = None,
    identified: tuple[DatasetFile, ...] = (),
) -> Inventory:
    """Count the origins of the dataset in files, folders or patterns. Raise `DatasetError`.

    Up to `samples` pages are chosen for each origin, the same ones in any order of the rows
    (another version of DuckDB may choose others). Weights that are missing, negative, not a number
    or above 10^15 count as 0. `memory_limit` is DuckDB's (`1GB`); what does not fit is spilled to
    a directory under `temp_dir` (by default the system's temporary directory). `identified` is the
    result of `files.identify`, so that the files are not digested again.
    """
    files, dataset_format = locate(paths)
    with contextlib.ExitStack() as resources:
        folder = tempfile.TemporaryDirectory(prefix="tdm-audit-", dir=temp_dir)
        scratch = Path(resources.enter_context(folder))
        connection = resources.enter_context(connect(scratch, memory_limit))
        try:
            columns = _open(connection, scratch, files, dataset_format, url_column, weight_column)
            rows = _count(connection, samples)
        except duckdb.Error as error:
            raise cannot_read(_names(files), error, scratch) from error
        return Inventory(
            files=identified or tuple(digests(files)),
            format=dataset_format.name,
            rows=rows,
            url_column=columns[0],
            weight_column=columns[1],
            rejects=_rejects(connection),
            _connection=connection,
            _samples=samples,
            _resources=resources.pop_all(),
        )


def _names(files: tuple[Path, ...]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _open(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    files: tuple[Path, ...],
    dataset_format: DatasetFormat,
    url_name: str | None,
    weight_name: str | None,
) -> tuple[str, str | None]:
    """Create view `source` (url, weight). Return the names of the two columns in the dataset."""
    given = [name for name in (url_name, weight_name) if name is not None]
    rows = relation(connection, files, dataset_format, scratch=scratch, wanted=given)
    url = url_column(rows, url_name)
    weight = None if weight_name is None else column_named(rows, weight_name)
    number_sql = "CAST(NULL AS DECIMAL(38, 12))"
    if weight is not None:
        check_weights(rows, weight)
        number_sql = weight_of(rows, weight)
    rows.project(f"{text_of(rows, url)} AS url, {number_sql} AS weight").create_view("source")
    return url, weight
