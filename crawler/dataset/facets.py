"""Facets: columns by whose values the rows of each origin are counted, such as language or year.

A facet has at most `MAX_VALUES` values, those of most rows; the rest are `other`.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import duckdb

from crawler.dataset.columns import value_path
from crawler.dataset.facet_specs import MAX_VALUES, OTHER, YEAR, Facet
from crawler.dataset.files import DatasetError
from crawler.dataset.paths import literal, quoted

_LONGEST_VALUE = 100
_BATCH = 20_000
_COMPACT = r"^\s*([0-9]{4})([0-9]{2})([0-9]{2})(?:$|[T ])"
_DATE = r"^\s*([0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?)(?:$|[-/T .])"
_INTEGERS = frozenset("TINYINT SMALLINT INTEGER BIGINT UTINYINT USMALLINT UINTEGER UBIGINT".split())


class FacetRows(NamedTuple):
    """The rows of an origin with one value of a facet; no value is the empty text."""

    key: str
    facet: str
    value: str
    rows: int
    weight: float | None


def value_of(rows: duckdb.DuckDBPyRelation, facet: Facet) -> str:
    """Return the SQL expression for the values of a facet as text. Raise `DatasetError`."""
    if facet.name == YEAR:
        year = f"left({_date_of(rows, facet.column)}, 4)"
        value, _ = _resolve(rows, facet.column)
        if str(rows.project(f"{value} AS v").types[0]) not in ("DATE", "TIMESTAMP"):
            return year
        # The same without formatting the day.
        usual = f"year({value}) BETWEEN 1000 AND 9999"
        return f"CASE WHEN {usual} THEN CAST(year({value}) AS VARCHAR) ELSE {year} END"
    _, text = _resolve(rows, facet.column)
    return f"nullif(left(trim({text}, e' \\t\\r\\n'), {_LONGEST_VALUE}), '')"


def _resolve(rows: duckdb.DuckDBPyRelation, name: str) -> tuple[str, str]:
    """Return the SQL expressions for a column that a user named: its value, and that as text."""
    path = value_path(rows, name, "column")
    return (path.sql() if path.steps else quoted(path.column)), path.sql()


def _date_of(rows: duckdb.DuckDBPyRelation, name: str) -> str:
    """Return the SQL expression for the dates of a column: `2024-03-01`, `2024-03` or `2024`.

    Texts and numbers are dates if they begin as ISO 8601 writes them, with or without hyphens.
    """
    value, text = _resolve(rows, name)
    kind = str(rows.project(f"{value} AS v").types[0])
    if kind.startswith(("DATE", "TIMESTAMP")):
        return f"strftime({value}, '%Y-%m-%d')"
    if kind in _INTEGERS:
        text = f"CASE WHEN {value} BETWEEN 1000 AND 9999 OR {value} > 9999999 THEN {text} END"
    # In `20240301` a month and a day stand without hyphens; longer numbers are no dates.
    hyphenated = f"regexp_replace({text}, '{_COMPACT}', '\\1-\\2-\\3 ')"
    found = f"regexp_extract({hyphenated}, '{_DATE}', 1)"
    return f"nullif({found}, '')"


def dates_of(rows: duckdb.DuckDBPyRelation, name: str | None) -> tuple[str, str] | None:
    """Return the first and the last date of a column, None without dates. Raise `DatasetError`."""
    if name is None:
        return None
    date = _date_of(rows, name)
    [(first, last)] = rows.aggregate(f"min({date}), max({date})").fetchall()
    if first is None:
        raise DatasetError(f"The column {name} holds no dates; name one with dates of ISO 8601.")
    return first, last


class FacetCounts:
    """Counts of the rows of views `source` by facets, where facet number n is column `facet_n`.

    Each column with URLs has a schema with such a view (see `counting`).
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, facets: Sequence[Facet]) -> None:
        self._connection, self._facets = connection, tuple(facets)
        self._schemas: list[str] = []

    def members(self) -> list[str]:
        """Return SQL for the value of each facet in view `source` of the current schema."""
        return [self._value(n) for n in range(len(self._facets))]

    def count(self, schema: str) -> None:
        """Count the rows of a schema, whose table `authority_group` was made with `members`."""
        if not self._facets:
            return
        self._schemas.append(schema)
        self._connection.execute(f"SET schema = '{schema}'")
        numbered = ", ".join(f"value_{n}" for n in range(len(self._facets)))
        # Authorities are joined by a hash of 64 bits, which is cheaper than their texts.
        self._connection.execute(
            "CREATE TABLE facet_group AS "  # noqa: S608 - our own names
            f"SELECT hash(kind, text) AS authority, {numbered}, rows, weight FROM authority_group"
        )
        self._connection.execute("DROP TABLE authority_group")
        totals, rows = zip(*(self._sums(n) for n in range(len(self._facets))), strict=True)
        self._connection.execute(f"CREATE TABLE facet_totals AS {' UNION ALL '.join(totals)}")
        self._connection.execute(
            f"CREATE TABLE facet_rows AS {' UNION ALL '.join(rows)} ORDER BY facet, value, key"
        )
        self._connection.execute("DROP TABLE facet_group")

    def _value(self, n: int) -> str:
        """Return the SQL expression for a value of a facet, as a member of type `facet_n_value`."""
        # Of columns with few values, which are stored as dictionaries, each is looked up once.
        found = self._connection.execute(
            f"SELECT facet_{n}, count(*) FROM source WHERE facet_{n} IS NOT NULL "  # noqa: S608 - a number
            f"GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT {MAX_VALUES + 1}"
        )
        values = [value for value, _ in found.fetchall()]
        others = len(values) > MAX_VALUES
        kept = dict.fromkeys([*values[:MAX_VALUES], *([OTHER] if others else [])] or [OTHER])
        members = ", ".join(literal(value) for value in kept)
        self._connection.execute(f"CREATE TYPE facet_{n}_value AS ENUM ({members})")
        known = f"TRY_CAST(facet_{n} AS facet_{n}_value)"
        if not others:
            return known
        return f"CASE WHEN facet_{n} IS NOT NULL THEN coalesce({known}, '{OTHER}') END"

    @staticmethod
    def _sums(n: int) -> tuple[str, str]:
        """Return the queries for the rows of each value of a facet: of all rows, and by origin."""
        value = f"{n} AS facet, coalesce(value_{n}::VARCHAR, '') AS value"
        return (
            f"SELECT {value}, sum(rows)::BIGINT AS rows FROM facet_group GROUP BY ALL",  # noqa: S608 - a number
            f"SELECT {value}, key, sum(facet_group.rows)::BIGINT AS rows, "  # noqa: S608 - a number
            "sum(facet_group.weight)::DOUBLE AS weight FROM facet_group "
            "JOIN authority_with_origin AS a ON facet_group.authority = hash(a.kind, a.text) "
            "GROUP BY ALL",
        )

    def totals(self) -> Iterator[tuple[str, str, int]]:
        """Yield (facet, value, rows) over all rows, also those that name no origin.

        Of several columns with URLs a value comes once for each.
        """
        for schema in self._schemas:
            query = f"SELECT facet, value, rows FROM {schema}.facet_totals ORDER BY ALL"  # noqa: S608 - our own name
            for n, value, rows in self._connection.cursor().execute(query).fetchall():
                yield self._facets[n].name, value, rows

    def rows(self) -> Iterator[FacetRows]:
        """Yield the rows of each origin by value, of one column with URLs after the other.

        They are ordered by facet, value and key.
        """
        for schema in self._schemas:
            query = (
                f"SELECT key, facet, value, rows, weight FROM {schema}.facet_rows ORDER BY rowid"  # noqa: S608 - our own name
            )
            cursor = self._connection.cursor().execute(query)
            while batch := cursor.fetchmany(_BATCH):
                for key, n, *rest in batch:
                    yield FacetRows(key, self._facets[n].name, *rest)


def values_of(rows: duckdb.DuckDBPyRelation, facets: Sequence[Facet]) -> tuple[str, ...]:
    """Return the SQL expressions for facets over the rows of the files. Raise `DatasetError`."""
    return tuple(value_of(rows, facet) for facet in facets)
