"""Inventory of a dataset: its origins, how many rows each has, and a sample of their pages.

DuckDB does the counting, within a memory limit and spilling to disk (`counting`). Python sees only
the texts that a regular expression cannot parse, a batch at a time, and the origins when they are
read.
"""

import contextlib
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import duckdb

from crawler.dataset.columns import UrlColumns, check_weights, url_columns, weight_of, weight_path
from crawler.dataset.counting import Counted, batches_of, count_columns
from crawler.dataset.duck import connect
from crawler.dataset.facet_specs import Facet, check
from crawler.dataset.facets import FacetCounts, dates_of, values_of
from crawler.dataset.files import DatasetError, DatasetFile, cannot_read, digests, locate
from crawler.dataset.formats import DatasetFormat
from crawler.dataset.readers import relation
from crawler.dataset.url_parts import parse_authority
from crawler.model import Origin
from crawler.urls.canonical import make_origin, page_url
from crawler.vocab import Reject

__all__ = ["Inventory", "OriginRows", "RoleRows", "inventory", "parse_authority"]

_HOME = re.compile(r"https?://[^/]*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRows:
    """An origin of a dataset: its rows, their weight (None without a weight column), its samples.

    Of lists and of several columns, `rows` counts the URLs. `samples` are absolute URLs of pages
    other than the home page. `roles` are the rows by role; none if no column has a role.
    """

    origin: Origin
    rows: int
    weight: float | None = None
    samples: tuple[str, ...] = ()
    roles: tuple[tuple[str, int], ...] = ()


class RoleRows(NamedTuple):
    """A column with a role: its URLs, those that name no origin, and those on another host.

    `other_hosts` compares with the first role of the same row; it is None where that has lists.
    """

    role: str
    column: str
    rows: int
    rejects: tuple[tuple[Reject, int, str], ...]
    other_hosts: int | None


class _Part(NamedTuple):
    """The rows and samples of an origin in one column."""

    key: str
    role: str
    host: str
    port: int | None
    rows: int
    weight: float | None
    https: int
    http: int
    samples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The files, columns and origins of a dataset.

    `format` is the name of a `DatasetFormat`. `records` counts the rows of the files, `rows` their
    URLs: with one column and without lists they are the same. `rejects` are (reason, rows, an
    example); files that are cut off are one of 0 rows, since it is not known how many were lost.
    `column_choice` tells how the column was chosen: `given`, by its `name`, or by its `values`.
    `roles` are the columns with roles. `facets` has the rows by facet, and `collected` the first
    and the last date of the column that was named for it. Close it, or use it as a context manager:
    it holds a database in memory and a directory on disk.
    """

    files: tuple[DatasetFile, ...]
    format: str
    records: int
    rows: int
    url_column: str
    column_choice: str
    weight_column: str | None
    rejects: tuple[tuple[Reject, int, str], ...]
    roles: tuple[RoleRows, ...]
    facets: FacetCounts
    collected: tuple[str, str] | None
    _columns: tuple[Counted, ...] = field(repr=False)
    _connection: duckdb.DuckDBPyConnection = field(repr=False)
    _resources: contextlib.ExitStack = field(repr=False)
    _samples: int = field(repr=False)

    def origins(self) -> Iterator[OriginRows]:
        """Yield each origin once, ordered by key. May be called again."""
        parts = merge(*map(self._parts, self._columns), key=attrgetter("key"))
        for _, found in groupby(parts, key=attrgetter("key")):
            yield _origin_rows(list(found))

    def _parts(self, counted: Counted) -> Iterator[_Part]:
        cursor = self._connection.cursor()
        cursor.execute(f"SET schema = '{counted.schema}'")
        for batch in batches_of(cursor, "SELECT * FROM origin_rows", "origin_rows"):
            pages = _pages(cursor, batch[0][0], batch[-1][0]) if self._samples else {}
            for key, host, port, rows, weight, https, http in batch:
                samples = tuple(islice(_page_urls(pages.get(key, ())), self._samples))
                role = counted.column.role
                yield _Part(key, role, host, port, rows, weight, https, http, samples)

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


def _origin_rows(parts: list[_Part]) -> OriginRows:
    """Return the origin that columns agree on."""
    first = parts[0]
    https, http = sum(part.https for part in parts), sum(part.http for part in parts)
    # The scheme of most rows; in a tie, and where no row has one, https.
    scheme = "http" if http > https else "https"
    weights = [part.weight for part in parts if part.weight is not None]
    return OriginRows(
        origin=make_origin(scheme, first.host, first.port, assumed=not (http or https)),
        rows=sum(part.rows for part in parts),
        weight=sum(weights) if weights else None,
        samples=tuple(dict.fromkeys(url for part in parts for url in part.samples)),
        roles=tuple((part.role, part.rows) for part in parts if part.role),
    )


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


def inventory(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    url_column: str | Sequence[str] | None = None,
    weight_column: str | None = None,
    samples: int = 3,
    memory_limit: str = "1GB",
    temp_dir: str | os.PathLike[str] | None = None,
    identified: tuple[DatasetFile, ...] = (),
    facets: Sequence[Facet] = (),
    collected_column: str | None = None,
) -> Inventory:
    """Count the origins of the dataset in files, folders or patterns. Raise `DatasetError`.

    `url_column` is the path of a column, or several paths with roles (`page=meta.url`). Up to
    `samples` pages are chosen for each origin and column, the same ones in any order of the rows
    (another version of DuckDB may choose others). Weights that are missing, negative, not a number
    or above 10^15 count as 0. `memory_limit` is DuckDB's (`1GB`); what does not fit is spilled to
    a directory under `temp_dir` (by default the system's temporary directory). `identified` is the
    result of `files.identify`, so that the files are not digested again. `facets` are counted for
    each origin; `collected_column` has dates.
    """
    check(facets)
    files, dataset_format = locate(paths)
    given = (url_column,) if isinstance(url_column, str) else tuple(url_column or ())
    with contextlib.ExitStack() as resources:
        folder = tempfile.TemporaryDirectory(prefix="tdm-audit-", dir=temp_dir)
        scratch = Path(resources.enter_context(folder))
        connection = resources.enter_context(connect(scratch, memory_limit))
        damaged: dict[Path, str] = {}
        try:
            named = [*given, weight_column, collected_column, *(f.column for f in facets)]
            wanted = [name for name in named if name is not None]
            source = relation(
                connection, files, dataset_format, scratch=scratch, damaged=damaged, wanted=wanted
            )
            urls, weight, number_sql = _open(source, given, weight_column)
            _require_columns(files, dataset_format, urls)
            values, by_facet = values_of(source, facets), FacetCounts(connection, facets)
            counted = count_columns(connection, urls, number_sql, samples, values, by_facet.members)
            for column in counted:
                by_facet.count(column.schema)
            rows = sum(column.rows for column in counted)
            records = rows if urls.is_plain else _records(connection)
            collected = dates_of(source, collected_column)
        except duckdb.Error as error:
            raise cannot_read(_names(files), error, scratch) from error
        identified = identified or tuple(digests(files))
        names = {path: file.path for path, file in zip(files, identified, strict=True)}
        return Inventory(
            files=identified,
            format=dataset_format.name,
            records=records,
            rows=rows,
            url_column=str(urls),
            column_choice=urls.how,
            weight_column=weight,
            rejects=(*_rejects(counted), *_cut_off(damaged, names)),
            roles=_role_rows(counted),
            facets=by_facet,
            collected=collected,
            _columns=counted,
            _connection=connection,
            _samples=samples,
            _resources=resources.pop_all(),
        )


def _require_columns(
    files: tuple[Path, ...], dataset_format: DatasetFormat, urls: UrlColumns
) -> None:
    """Raise `DatasetError` for a file without one of the columns with URLs.

    All files are read as one table, so its rows would be counted as empty.
    """
    handler = dataset_format.handler()
    for path in files if len(files) > 1 else ():
        names = handler.column_names(path)
        for column in urls.columns if names else ():
            if column.path.column.lower() not in names:
                raise DatasetError(
                    f"{path} has no column {column.path.column}, and other files of the dataset "
                    "have; give files of one layout at a time."
                )


def _cut_off(
    damaged: Mapping[Path, str], names: Mapping[Path, str]
) -> tuple[tuple[Reject, int, str], ...]:
    """Return the reject for files that are cut off: which is the first, and where."""
    for path, place in damaged.items():
        more = f" (and {len(damaged) - 1} more files)" if len(damaged) > 1 else ""
        return ((Reject.CUT_OFF, 0, f"{names[path]}, read up to {place}{more}"),)
    return ()


def _names(files: tuple[Path, ...]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _records(connection: duckdb.DuckDBPyConnection) -> int:
    [(records,)] = connection.execute("SELECT count(*) FROM main.dataset_rows").fetchall()
    return int(records)


def _rejects(columns: Iterable[Counted]) -> tuple[tuple[Reject, int, str], ...]:
    """Return the rejects of all columns by reason, with the first example."""
    rows: Counter[Reject] = Counter()
    examples: dict[Reject, str] = {}
    for reason, count, example in (reject for column in columns for reject in column.rejects):
        rows[reason] += count
        examples.setdefault(reason, example)
    return tuple((reason, rows[reason], examples[reason]) for reason in sorted(rows))


def _role_rows(columns: Iterable[Counted]) -> tuple[RoleRows, ...]:
    return tuple(
        RoleRows(c.column.role, str(c.column.path), c.rows, c.rejects, c.other_hosts)
        for c in columns
        if c.column.role
    )


def _open(
    rows: duckdb.DuckDBPyRelation, given: Sequence[str], weight_name: str | None
) -> tuple[UrlColumns, str | None, str]:
    """Create view `dataset_rows`. Return the columns with URLs, the weight's name and its SQL."""
    urls = url_columns(rows, given)
    rows.create_view("dataset_rows")
    if weight_name is None:
        return urls, None, "CAST(NULL AS DECIMAL(38, 12))"
    weight = weight_path(rows, weight_name)
    check_weights(rows, weight)
    return urls, str(weight), weight_of(rows, weight)
