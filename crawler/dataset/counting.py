"""Count the origins of texts with URLs, in DuckDB: the tables that an inventory is read from.

Each column with URLs has its schema with the same tables, so that the columns of several
roles are counted by the same SQL files. They run in this order, each named for its rows:
url_parts.sql, authorities.sql, origins.sql, sample_hashes.sql, sample_urls.sql, samples.sql.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import duckdb

from crawler.dataset.columns import UrlColumn, UrlColumns
from crawler.dataset.url_parts import create_views, parse_authority, sql
from crawler.urls.canonical import origin_key
from crawler.vocab import Reject

BATCH = 20_000
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


# The rows of `authority_group` over all values of facets.
_WITHOUT_VALUES = """(
    SELECT kind, text, share, sum(rows)::BIGINT AS rows, sum(weight) AS weight,
        min(min_0) AS min_0, max(max_0) AS max_0, min(min_1) AS min_1, max(max_1) AS max_1,
        min(min_2) AS min_2, max(max_2) AS max_2, min(min_3) AS min_3, max(max_3) AS max_3,
        sum(hashes)::BIGINT AS hashes, bit_xor(all_hashes) AS all_hashes
    FROM authority_group GROUP BY kind, text, share
)"""


class Counted(NamedTuple):
    """A column that was counted: the schema of its tables, its URLs, and those without an origin.

    `other_hosts` counts the URLs on another host than the first column of the same row; None if
    that is not known, since the first column has lists.
    """

    column: UrlColumn
    schema: str
    rows: int
    rejects: tuple[tuple[Reject, int, str], ...]
    other_hosts: int | None = None


def count_columns(
    connection: duckdb.DuckDBPyConnection,
    urls: UrlColumns,
    weight: str,
    samples: int,
    facets: Sequence[str] = (),
    members: Callable[[], Sequence[str]] = tuple,
) -> tuple[Counted, ...]:
    """Count the origins of each column of view `dataset_rows`; `weight` is SQL for that of a row.

    The tables of a column are in the schema of the result. `facets` are SQL for values of a row,
    which view `source` of the schema has as `facet_0` and so on. `members` is called when it is
    there, and returns SQL by which rows are grouped for each of them: the columns `value_0` and so
    on of table `authority_group`, which there is with facets only.
    """
    found: list[Counted] = []
    weight = _shared_by_columns(urls, weight)
    for number, column in zip(count(), urls.columns):
        schema = f"column_{number}"
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"SET schema = '{schema}'")
        connection.execute(f"CREATE VIEW source AS {_source(column, weight, facets)}")
        rows = _count(connection, samples, members())
        counted = Counted(column, schema, rows, _rejects(connection))
        found.append(counted._replace(other_hosts=_other_hosts(connection, found, counted)))
    return tuple(found)


def _shared_by_columns(urls: UrlColumns, weight: str) -> str:
    """Return SQL for the weight that each column of a row gets: all weights add up to the row's.

    Columns share it that have a URL in the row; without any, all of them do.
    """
    if len(urls.columns) == 1:
        return weight
    held = [_holds_text(column) for column in urls.columns]
    sharing = f"coalesce(nullif({' + '.join(held)}, 0), {len(held)})"
    return f"CAST({weight} / {sharing} AS DECIMAL(38, 12))"


def _holds_text(column: UrlColumn) -> str:
    """Return SQL for 1 where a column holds a text in a row, else 0."""
    text = column.path.sql()
    first = f"list_any_value({text})" if column.path.is_list else text
    return f"CASE WHEN {first} IS NULL OR trim({first}) = '' THEN 0 ELSE 1 END"


def _source(column: UrlColumn, weight: str, facets: Sequence[str]) -> str:
    """Return the query for the texts of a column (url, weight, facets); NULL in a list is none.

    The weight of a row is shared by the texts of its list.
    """
    text = column.path.sql()
    made = "".join(f", {value} AS facet_{n}" for n, value in enumerate(facets))
    kept = "".join(f", facet_{n}" for n in range(len(facets)))
    if not column.path.is_list:
        return f"SELECT {text} AS url, {weight} AS weight{made} FROM main.dataset_rows"  # noqa: S608 - quoted
    share = "CAST(weight / list_count(texts) AS DECIMAL(38, 12))"
    return (
        f"SELECT url, weight{kept} FROM ("  # noqa: S608 - our own names
        "SELECT is_empty, unnest(CASE WHEN is_empty THEN [NULL] ELSE texts END) AS url, "
        f"CASE WHEN is_empty THEN weight ELSE {share} END AS weight{kept} FROM ("
        f"SELECT texts, weight, list_any_value(texts) IS NULL AS is_empty{kept} FROM ("
        f"SELECT {text} AS texts, {weight} AS weight{made} FROM main.dataset_rows"
        "))) WHERE url IS NOT NULL OR is_empty"
    )


def _other_hosts(
    connection: duckdb.DuckDBPyConnection, before: list[Counted], counted: Counted
) -> int | None:
    """Return how many URLs of a column are on another host than that of the first column."""
    if not before or before[0].column.path.is_list:
        return None if before else 0
    first, path = before[0], counted.column.path
    other = f"unnest({path.sql()})" if path.is_list else path.sql()
    query = sql("other_hosts.sql").replace("$first", first.column.path.sql())
    query = query.replace("$other", other).replace("$schemas_first", first.schema)
    [(found,)] = connection.execute(query.replace("$schemas_other", counted.schema)).fetchall()
    return int(found)


def batches_of(
    cursor: duckdb.DuckDBPyConnection, select: str, table: str
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a table in the order they were inserted, at most `BATCH` at a time."""
    [(size,)] = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    for start in range(0, size, BATCH):
        bounds = f"WHERE rowid >= {start} AND rowid < {start + BATCH} ORDER BY rowid"
        yield cursor.execute(f"{select} {bounds}").fetchall()


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
    query = "SELECT kind, text FROM unparsed_authority"
    for batch in batches_of(connection, query, "unparsed_authority"):
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


def _count(connection: duckdb.DuckDBPyConnection, samples: int, values: Sequence[str]) -> int:
    """Fill the tables from view `source`. Return the number of rows of the dataset.

    `values` are SQL for those of facets.
    """
    hashes = samples + _SPARE_HASHES if samples else 0
    shares = max(1, samples // _SAMPLES_PER_SHARE) if samples else 0
    parts = {
        "$shares": str(shares),
        "$hashes": str(hashes),
        "$values": "".join(f"{value} AS value_{n}, " for n, value in enumerate(values)),
        "$grouped": "".join(f"value_{n}, " for n in range(len(values))),
        "$relation": "TABLE" if values else "VIEW",
        "$authorities": _WITHOUT_VALUES if values else "authority_group",
    }
    authorities = sql("authorities.sql")
    for name, text in parts.items():
        authorities = authorities.replace(name, text)
    create_views(connection)
    connection.execute(authorities)
    _parse_authorities(connection)
    connection.execute(sql("origins.sql"))
    if hashes:
        _fetch_pages(connection)
    query = "SELECT coalesce(sum(rows), 0)::BIGINT FROM authority_text"
    [(rows,)] = connection.execute(query).fetchall()
    return int(rows)
