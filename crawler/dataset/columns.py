"""Choose the columns with URLs and weights, and write the SQL expressions for their values."""

import duckdb

from crawler.dataset.dialect import URL_NAMES
from crawler.dataset.files import DatasetError

_SAMPLED_ROWS = 2000
_HEAVIEST_ROW = 1e15
_NUMBERS = frozenset(
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT "
    "FLOAT DOUBLE DECIMAL".split()
)


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _listed(rows: duckdb.DuckDBPyRelation) -> str:
    return ", ".join(rows.columns)


def column_named(rows: duckdb.DuckDBPyRelation, name: str) -> str:
    """Return the column of that name, else of that name ignoring case. Raise `DatasetError`."""
    exact = [column for column in rows.columns if column == name]
    similar = [column for column in rows.columns if column.lower() == name.lower()]
    if not similar:
        raise DatasetError(f"There is no column {name}; the columns are: {_listed(rows)}.")
    return (exact or similar)[0]


def _text_columns(rows: duckdb.DuckDBPyRelation) -> list[str]:
    kinds = zip(rows.columns, map(str, rows.types), strict=True)
    return [name for name, kind in kinds if kind in ("VARCHAR", "JSON")]


def _holds_words(rows: duckdb.DuckDBPyRelation, column: str) -> bool:
    """Return whether the first rows of a text column hold anything but numbers."""
    name = quoted(column)
    words = rows.limit(_SAMPLED_ROWS).filter(
        f"{name} IS NOT NULL AND TRY_CAST({name} AS DOUBLE) IS NULL"
    )
    return bool(words.limit(1).fetchall())


def url_column(rows: duckdb.DuckDBPyRelation, given: str | None = None) -> str:
    """Return the column with URLs: the given one, one of a known name, or the only one with text.

    Raise `DatasetError` if there is none.
    """
    if given is not None:
        return column_named(rows, given)
    texts = _text_columns(rows)
    for known in URL_NAMES:
        for column in texts:
            if column.lower() == known:
                return column
    candidates = texts if len(texts) == 1 else [name for name in texts if _holds_words(rows, name)]
    if len(candidates) != 1:
        raise DatasetError(
            f"No column holds URLs by its name; say which with --url-column: {_listed(rows)}."
        )
    return candidates[0]


def _type(rows: duckdb.DuckDBPyRelation, column: str) -> str:
    return str(rows.types[rows.columns.index(column)])


def text_of(rows: duckdb.DuckDBPyRelation, column: str) -> str:
    """Return the SQL expression for a column as text."""
    kind, name = _type(rows, column), quoted(column)
    if kind == "JSON":
        return f"json_extract_string({name}, '$')"
    return name if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)"


def _is_numeric(rows: duckdb.DuckDBPyRelation, column: str) -> bool:
    return _type(rows, column).partition("(")[0] in _NUMBERS


def weight_of(rows: duckdb.DuckDBPyRelation, column: str) -> str:
    """Return the SQL expression for a weight."""
    # DECIMAL: sums of it are equal in any order, those of DOUBLE are not.
    value = quoted(column) if _is_numeric(rows, column) else text_of(rows, column)
    number = f"TRY_CAST({value} AS DOUBLE)"
    usable = f"{number} > 0 AND {number} <= {_HEAVIEST_ROW!r}"
    return f"CASE WHEN {usable} THEN CAST({number} AS DECIMAL(38, 12)) ELSE 0 END"


def check_weights(rows: duckdb.DuckDBPyRelation, column: str) -> None:
    """Raise `DatasetError` if a weight column holds text that is no number."""
    if _is_numeric(rows, column):
        return
    text = text_of(rows, column)
    words = rows.filter(f"trim({text}) <> '' AND TRY_CAST({text} AS DOUBLE) IS NULL")
    found = words.project(f"{text} AS word").limit(1).fetchall()
    if found:
        raise DatasetError(
            f"The weight column {column} holds {str(found[0][0])[:80]!r}; name a column of numbers."
        )
