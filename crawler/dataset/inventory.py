"""Take stock of a dataset: which origins its rows come from, how many, and some of their pages.

DuckDB does the counting, within a memory limit and spilling to disk; Python sees only texts
that a regular expression cannot name, a batch at a time, and the origins as they are read.
"""

import contextlib
import importlib.resources
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
from crawler.dataset.files import DatasetError, DatasetFile, Format, digests, locate
from crawler.dataset.readers import relation
from crawler.model import Origin
from crawler.urls.canonical import origin_at, origin_key, origin_of, page_url
from crawler.vocab import Reject

_BATCH = 20_000
_LONGEST_EXAMPLE = 200
# Candidates beyond the samples asked for: some turn out to be the home page, or equal.
_SPARE = 2
# Pages asked for by share: of three pages in many rows, one in 130 is lost.
_OF_A_SHARE = 2
# Drawn pages that a reading looks for: joined and told apart they take some 300 MB.
_AT_ONCE = 1_000_000
_INSERT = (
    "INSERT INTO place (kind, text, scheme, host, port, reject) "
    "SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
    "unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::VARCHAR[])"
)
_HOME = re.compile(r"https?://[^/]*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRows:
    """An origin of a dataset: its rows, their weight (None if not asked for), sampled pages."""

    origin: Origin
    rows: int
    weight: float | None = None
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What a dataset consists of; `rows` are those of its origins and of its rejects together.

    `rejects` are (why, rows, an example). Close it, or use it as a context manager: it holds
    a database in memory and a directory on disk.
    """

    files: tuple[DatasetFile, ...]
    format: Format
    rows: int
    url_column: str
    weight_column: str | None
    rejects: tuple[tuple[Reject, int, str], ...]
    _connection: duckdb.DuckDBPyConnection = field(repr=False)
    _kept: contextlib.ExitStack = field(repr=False)
    _samples: int = field(repr=False)

    def origins(self) -> Iterator[OriginRows]:
        """The origins, each key once, in the order of their keys; as often as wanted."""
        cursor = self._connection.cursor()
        batches = _batches(cursor, "SELECT * FROM origin_rows", "origin_rows")
        for batch in batches:
            pages = _pages(cursor, batch[0][0], batch[-1][0]) if self._samples else {}
            for key, host, port, rows, weight, https, http in batch:
                scheme = "http" if http > https else "https"
                origin = origin_at(scheme, host, port, assumed=not (http or https))
                samples = tuple(islice(_asked(pages.get(key, ())), self._samples))
                yield OriginRows(origin=origin, rows=rows, weight=weight, samples=samples)

    def close(self) -> None:
        """Give back memory and disk."""
        self._kept.close()

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
    """The rows of a table in its own order, a bounded number at a time."""
    [(count,)] = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    for start in range(0, count, _BATCH):
        bounds = f"WHERE rowid >= {start} AND rowid < {start + _BATCH} ORDER BY rowid"
        yield cursor.execute(f"{select} {bounds}").fetchall()


def _pages(
    cursor: duckdb.DuckDBPyConnection, first: str, last: str
) -> dict[str, list[tuple[str, bool]]]:
    """The drawn pages of the origins between two keys: text, and whether it is ready.

    They come as they are stored, in the order of their lots.
    """
    found: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    rows = cursor.execute(
        "SELECT key, page, ready FROM sample WHERE key BETWEEN ? AND ?", [first, last]
    )
    for key, page, ready in rows.fetchall():
        found[key].append((page, ready))
    return found


def _asked(pages: Iterable[tuple[str, bool]]) -> Iterator[str]:
    """The pages to ask for behind (text, ready or not): absolute, each once, no home page."""
    seen: set[str] = set()
    for text, ready in pages:
        page = text if ready else page_url(text)
        if page and page not in seen and (ready or not _HOME.fullmatch(page)):
            seen.add(page)
            yield page


def _sql(name: str) -> str:
    return importlib.resources.files("crawler.dataset").joinpath("sql", name).read_text("utf-8")


def parse_authority(kind: str, text: str) -> Origin | Reject:
    """The origin of a spot (see marks.sql).

    The slash keeps white space at its end from being cut off.
    """
    return origin_of(text if kind in ("bare", "other") else f"{kind}://{text}/")


def _placed(
    kind: str, text: str
) -> tuple[str, str, str | None, str | None, int | None, str | None]:
    """The row of `place` for a spot that only Python can name."""
    origin = parse_authority(kind, text)
    if isinstance(origin, Reject):
        return kind, text, None, None, None, origin.value
    port = None if origin_key(origin) == origin.host else origin.port
    return kind, text, "bare" if origin.assumed else origin.scheme, origin.host, port, None


def _name_hard_spots(connection: duckdb.DuckDBPyConnection) -> None:
    cursor = connection.cursor()
    for batch in _batches(cursor, "SELECT kind, text FROM hard_spot", "hard_spot"):
        placed = zip(*(_placed(*row) for row in batch), strict=True)
        connection.execute(_INSERT, [list(column) for column in placed])


def _rejects(connection: duckdb.DuckDBPyConnection) -> tuple[tuple[Reject, int, str], ...]:
    rows = connection.execute(
        "SELECT reject, sum(rows)::BIGINT, "
        "min(left(CASE WHEN kind IN ('http', 'https') THEN kind || '://' ELSE '' END || text, ?)) "
        "FROM place JOIN spot USING (kind, text) WHERE reject IS NOT NULL "
        "GROUP BY reject ORDER BY reject",
        [_LONGEST_EXAMPLE],
    ).fetchall()
    return tuple((Reject(reject), count, example) for reject, count, example in rows)


def _fetch_pages(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill `sample` from a second reading, or from several if pages of very many are drawn."""
    connection.execute(_sql("drawn.sql"))
    [(count,)] = connection.execute("SELECT count(*) FROM drawn").fetchall()
    turns = 1 + count // _AT_ONCE
    meeting = _sql("met.sql").replace("$turns", str(turns))
    for turn in range(turns):
        connection.execute(meeting.replace("$turn", str(turn)))
    connection.execute("DROP TABLE drawn")
    connection.execute(_sql("samples.sql"))


def _count(connection: duckdb.DuckDBPyConnection, samples: int) -> int:
    """Fill the tables; returns the number of rows."""
    drawn = samples + _SPARE if samples else 0
    shares = max(1, samples // _OF_A_SHARE) if samples else 0
    spots = _sql("spots.sql").replace("$shares", str(shares))
    connection.execute(_sql("marks.sql"))
    connection.execute(spots.replace("$drawn", str(drawn)))
    _name_hard_spots(connection)
    connection.execute(_sql("origins.sql"))
    if drawn:
        _fetch_pages(connection)
    [(rows,)] = connection.execute("SELECT coalesce(sum(rows), 0)::BIGINT FROM spot").fetchall()
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
    """Take stock of the dataset in files, folders or patterns; raises `DatasetError`.

    Up to `samples` pages are drawn for each origin, the same ones in whatever order the rows come
    (another version of DuckDB may draw others). Weights that are missing, negative, not a number
    or above 10^15 count as 0. `memory_limit` is DuckDB's; what does not fit is spilled to a
    directory under `temp_dir` (the system's temporary directory by default). `identified` is what
    `files.identify` gave, so that the files are not digested again.
    """
    files, form = locate(paths)
    with contextlib.ExitStack() as kept:
        folder = tempfile.TemporaryDirectory(prefix="tdm-audit-", dir=temp_dir)
        scratch = Path(kept.enter_context(folder))
        connection = kept.enter_context(connect(scratch, memory_limit))
        try:
            columns = _open(connection, scratch, files, form, url_column, weight_column)
            rows = _count(connection, samples)
        except duckdb.Error as error:
            raise DatasetError(f"{_names(files)} cannot be read ({_first_line(error)}).") from error
        return Inventory(
            files=identified or tuple(digests(files)),
            format=form,
            rows=rows,
            url_column=columns[0],
            weight_column=columns[1],
            rejects=_rejects(connection),
            _connection=connection,
            _samples=samples,
            _kept=kept.pop_all(),
        )


def _names(files: tuple[Path, ...]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _open(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    files: tuple[Path, ...],
    form: Format,
    url_name: str | None,
    weight_name: str | None,
) -> tuple[str, str | None]:
    """Make the view `source` of the two columns that matter; returns their names."""
    wanted = [name for name in (url_name, weight_name) if name is not None]
    rows = relation(connection, files, form, scratch=scratch, wanted=wanted)
    url = url_column(rows, url_name)
    weight = None if weight_name is None else column_named(rows, weight_name)
    number = "CAST(NULL AS DECIMAL(38, 12))"
    if weight is not None:
        check_weights(rows, weight)
        number = weight_of(rows, weight)
    rows.project(f"{text_of(rows, url)} AS url, {number} AS weight").create_view("source")
    return url, weight
