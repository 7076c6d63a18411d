"""Choose the columns with URLs and weights, and write the SQL for their values."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import duckdb

from crawler.dataset.bounds import names_in_message
from crawler.dataset.dialect import URL_NAMES, role_and_path
from crawler.dataset.files import DatasetError
from crawler.dataset.path_finding import columns_of, explored_text, find, leaves
from crawler.dataset.paths import ColumnPath, quoted
from crawler.model import Origin
from crawler.urls.canonical import origin_of

_SAMPLED_ROWS = 2000
# Rows of which whole lists and JSON values are looked at.
_SAMPLED_VALUES = 500
# Octets may be images.
_SAMPLED_BLOBS = 100
_SAMPLED_CHARACTERS = 400
_MAX_LEAVES = 1000
# Share of the texts of a sample that must name a host for a column without a known name.
_MOST = 0.5
_HEAVIEST_ROW = 1e15
_NUMBERS = frozenset(
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT "
    "FLOAT DOUBLE DECIMAL".split()
)
_RANK = {name: rank for rank, name in enumerate(URL_NAMES)}
#: The role of a column that was given without one beside others.
URL_ROLE = "url"
#: Numbers of the texts of several columns or of lists: `row * TEXTS_PER_ROW + place`, where a place
#: is `role * TEXTS_PER_LIST + n`, with n from 1; place 0 is that of a row without any text.
TEXTS_PER_ROW = 1 << 24
TEXTS_PER_LIST = 1 << 20
_MAX_ROLES = TEXTS_PER_ROW // TEXTS_PER_LIST - 1


class UrlColumn(NamedTuple):
    """A column with URLs. `how` it was chosen: `given`, by its `name`, or by its `values`.

    `role` is empty for a column that was given without one.
    """

    path: ColumnPath
    how: str
    role: str = ""

    def __str__(self) -> str:
        return f"{self.role}={self.path}" if self.role else str(self.path)


class RowTimes(Protocol):
    """SQL for the times of rows (see `dates.DateColumn`)."""

    @property
    def has_days(self) -> bool:
        """Return whether a row may have a whole day."""
        ...

    @property
    def has_times(self) -> bool:
        """Return whether a row may have a time."""
        ...

    def sql(self, line: str | None = None) -> str:
        """Return SQL for the number of a row's instant."""
        ...


class UrlColumns(NamedTuple):
    """The columns with URLs of a dataset, in the order of their roles.

    `times` are those at which the rows were collected, None where rows are not asked about a time.
    """

    columns: tuple[UrlColumn, ...]
    times: RowTimes | None = None

    def __str__(self) -> str:
        return " ".join(map(str, self.columns))

    @property
    def how(self) -> str:
        """Return how they were chosen."""
        return self.columns[0].how

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles; none if the only column was given without one."""
        return tuple(column.role for column in self.columns if column.role)

    @property
    def is_plain(self) -> bool:
        """Return whether each row has one text, in a column without a role."""
        return not self.roles and not self.columns[0].path.is_list

    def query(self, number: str, source: str, line: str | None = None) -> str:
        """Return the query for `Rows.parts` over an SQL source with a row number.

        `line` is SQL for the text of a row of JSON Lines, where the source has no other column.
        With `times` there is a column `moment` as well.
        """
        moment = "" if self.times is None else f", {self.times.sql(line)} AS moment"
        texts = [c.path.sql() if line is None else c.path.sql_in_line(line) for c in self.columns]
        if self.is_plain:
            return f"SELECT {number} AS n, {texts[0]} AS url{moment} FROM {source}"  # noqa: S608 - quoted
        # A text without characters is no URL: CSV has no other way to say so.
        lists = [
            f"list_transform({text}, lambda t: {_filled('t')})"
            if column.path.is_list
            else f"[{_filled(text)}]"
            for column, text in zip(self.columns, texts, strict=True)
        ]
        named = ", ".join(f"{text} AS texts_{at}" for at, text in enumerate(lists))
        rows = f"SELECT {number} AS row, {named}{moment} FROM {source}"  # noqa: S608 - quoted
        return _unnested(rows, len(lists), ", moment" if moment else "")


def _filled(text: str) -> str:
    """Return SQL for a text, NULL if it is blank."""
    return f"CASE WHEN trim({text}) != '' THEN {text} END"


def _unnested(rows: str, lists: int, others: str) -> str:
    """Return the query for the texts of rows with `lists` lists; texts that are NULL are none.

    `others` names further columns, each after a comma.
    """
    names = [f"texts_{at}" for at in range(lists)]
    places = [
        f"range({at * TEXTS_PER_LIST + 1}, {at * TEXTS_PER_LIST + 1} + len({name}))"
        for at, name in enumerate(names)
    ]
    too_long = " OR ".join(f"len({name}) >= {TEXTS_PER_LIST}" for name in names)
    refused = f"error('a list has more than {TEXTS_PER_LIST - 1} items')"
    joined = names[0] if lists == 1 else f"list_concat({', '.join(names)})"
    place = places[0] if lists == 1 else f"list_concat({', '.join(places)})"
    return (
        f"SELECT row * {TEXTS_PER_ROW} + place AS n, url{others} FROM ("  # noqa: S608 - our own names
        f"SELECT row{others}, is_empty, "
        "unnest(CASE WHEN is_empty THEN [0] ELSE places END) AS place, "
        "unnest(CASE WHEN is_empty THEN [NULL] ELSE texts END) AS url FROM ("
        f"SELECT row{others}, texts, places, list_any_value(texts) IS NULL AS is_empty FROM ("
        f"SELECT row{others}, CASE WHEN {too_long} THEN {refused} ELSE {joined} END AS texts, "
        f"{place} AS places FROM ({rows})))) WHERE url IS NOT NULL OR is_empty"
    )


def no_host(columns: str) -> DatasetError:
    """Return the error for columns in which no row names a host."""
    return DatasetError(
        f"No row has a host in the column {columns}; say which column holds URLs with --url-column."
    )


class _Sampler:
    """Reads the first texts of paths, each once."""

    def __init__(self, rows: duckdb.DuckDBPyRelation) -> None:
        self._rows = rows
        self._read: dict[tuple[object, ...], list[str]] = {}
        self._shares: dict[tuple[object, ...], float | None] = {}

    def __call__(self, path: ColumnPath) -> list[str | None]:
        """Return the first texts of a path, whole; those of JSON values are JSON."""
        sql = path.sql()
        texts = f"unnest({sql})" if path.is_list else sql
        rows = self._rows.limit(_SAMPLED_VALUES).project(f"{texts} AS text")
        return [text for (text,) in rows.limit(_SAMPLED_ROWS).fetchall()]

    def share(self, path: ColumnPath) -> float | None:
        """Return the share of the first texts that name a host; None if there is no text."""
        key = (path.column, path.steps)
        if key not in self._shares:
            texts = self._texts(path)
            hosts = sum(isinstance(origin_of(text), Origin) for text in texts)
            self._shares[key] = hosts / len(texts) if texts else None
        return self._shares[key]

    def has_host(self, path: ColumnPath) -> bool | None:
        """Return whether one of the first texts names a host; None if there is no text."""
        texts = self._texts(path)
        return any(isinstance(origin_of(text), Origin) for text in texts) if texts else None

    def _texts(self, path: ColumnPath) -> list[str]:
        key = (path.column, path.steps)
        if key not in self._read:
            self._read[key] = self._read_texts(path)
        return self._read[key]

    def _read_texts(self, path: ColumnPath) -> list[str]:
        sql, count = path.sql(), _SAMPLED_ROWS
        if path.shape.form == "blob":
            count = _SAMPLED_BLOBS
        if path.is_list:
            sql, count = f"unnest({sql})", min(count, _SAMPLED_VALUES)
        rows = self._rows.limit(count).project(f"{sql} AS text").limit(_SAMPLED_ROWS)
        cut = rows.project(f"left(text, {_SAMPLED_CHARACTERS})")
        return [text for (text,) in cut.fetchall() if text and text.strip()]


def _listed(rows: duckdb.DuckDBPyRelation) -> str:
    return names_in_message(rows.columns)


def url_columns(
    rows: duckdb.DuckDBPyRelation, given: str | Sequence[str] | None = None
) -> UrlColumns:
    """Return the columns with URLs: those given, else the one that names or values tell.

    `given` are paths, each with a role before it (`page=meta.url`) or without one. Raise
    `DatasetError` if there is no such column.
    """
    wanted = [given] if isinstance(given, str) else list(given or ())
    if not wanted:
        return UrlColumns((_chosen(rows),))
    sample = _Sampler(rows)
    found = []
    for text in wanted:
        role, path = _role_and_path(rows, text)
        if not role and len(wanted) > 1:
            role = URL_ROLE
        found.append(UrlColumn(find(rows, path, sample), "given", role))
    roles = [column.role for column in found]
    if len(set(roles)) < len(roles):
        twice = next(role for role in roles if roles.count(role) > 1)
        raise DatasetError(
            f"Two columns have the role {twice}; name each of --url-column as ROLE=COLUMN."
        )
    if len(found) > _MAX_ROLES:
        raise DatasetError(f"At most {_MAX_ROLES} columns can have roles.")
    return UrlColumns(tuple(found))


def _role_and_path(rows: duckdb.DuckDBPyRelation, text: str) -> tuple[str, str]:
    """Return the role of `role=path` and the path; no role if a column has that whole name."""
    return ("", text) if text in rows.columns else role_and_path(text)


def _chosen(rows: duckdb.DuckDBPyRelation) -> UrlColumn:
    """Return the column that is chosen if the user gives none.

    A column with a known name comes first unless it has no text in a sample, then a part with one
    in which a text names a host; else what mostly holds texts that do.
    """
    sampler = _Sampler(rows)
    columns = columns_of(rows)
    named: list[ColumnPath] = []
    for path in _candidates(columns, sampler):
        if path.name.lower() not in _RANK:
            continue
        has_host = sampler.has_host(path)
        if has_host or (has_host is not None and not path.steps):
            return UrlColumn(path, "name")
        named.append(path)
    by_values = _by_values(columns, sampler)
    if len(by_values) > 1:
        names = ", ".join(map(str, by_values))
        raise DatasetError(f"Several columns hold URLs ({names}); say which with --url-column.")
    if by_values:
        return UrlColumn(by_values[0], "values")
    if named:
        return UrlColumn(named[0], "name")
    return UrlColumn(_only_text(rows, columns), "values")


def _candidates(columns: Iterable[ColumnPath], sampler: _Sampler) -> Iterator[ColumnPath]:
    """Yield paths to texts: those of plain columns, then of lists and parts, then in JSON texts.

    Known names come in the order of `URL_NAMES`, parts that are nested less come first.
    """
    # Plain columns first: they need no look into values.
    plain = [path for path in columns if path.shape.is_text and path.shape.is_known]
    yield from sorted(plain, key=_order)
    nested = [path for column in columns for path in _leaves(column, sampler) if path not in plain]
    yield from sorted(nested, key=_order)
    yield from sorted(_in_json_texts(columns, sampler), key=_order)


def _leaves(column: ColumnPath, sampler: _Sampler) -> Iterator[ColumnPath]:
    return islice(leaves(column, sampler), _MAX_LEAVES)


def _in_json_texts(columns: Iterable[ColumnPath], sampler: _Sampler) -> Iterator[ColumnPath]:
    for column in columns:
        if column.shape.form in ("text", "blob"):
            looked_into = explored_text(column, sampler)
            if looked_into is not column:
                yield from _leaves(looked_into, sampler)


def _order(path: ColumnPath) -> tuple[int, bool, int]:
    known = _RANK.get(path.name.lower(), len(_RANK))
    return len(path.steps), path.is_list, known


def _by_values(columns: Iterable[ColumnPath], sampler: _Sampler) -> list[ColumnPath]:
    """Return the paths whose texts mostly name hosts."""
    found = [path for path in _candidates(columns, sampler) if path.shape.form != "enum"]
    return [path for path in found if (sampler.share(path) or 0) >= _MOST]


def _only_text(rows: duckdb.DuckDBPyRelation, columns: Iterable[ColumnPath]) -> ColumnPath:
    """Return the only column of texts, or of texts that are not all numbers."""
    texts = [path for path in columns if path.shape.form in ("text", "json")]
    candidates = texts if len(texts) == 1 else [path for path in texts if _holds_words(rows, path)]
    if len(candidates) != 1:
        raise DatasetError(
            f"No column holds URLs by its name; say which with --url-column: {_listed(rows)}."
        )
    return candidates[0]


def _holds_words(rows: duckdb.DuckDBPyRelation, column: ColumnPath) -> bool:
    """Return whether the first rows of a text column hold anything but numbers."""
    name = quoted(column.column)
    words = rows.limit(_SAMPLED_ROWS).filter(
        f"{name} IS NOT NULL AND TRY_CAST({name} AS DOUBLE) IS NULL"
    )
    return bool(words.limit(1).fetchall())


def value_path(rows: duckdb.DuckDBPyRelation, given: str, kind: str) -> ColumnPath:
    """Return the path to one value a row, for a column of some kind (`weight column`).

    Raise `DatasetError` if there is no such path, or if it has lists.
    """
    path = find(rows, given, _Sampler(rows))
    if path.is_list:
        raise DatasetError(f"The {kind} {path} holds lists; name one with one value a row.")
    return path


def weight_path(rows: duckdb.DuckDBPyRelation, given: str) -> ColumnPath:
    """Return the path to weights. Raise `DatasetError` if there is none, or if it has lists."""
    return value_path(rows, given, "weight column")


def _is_numeric(rows: duckdb.DuckDBPyRelation, path: ColumnPath) -> bool:
    if path.steps:
        return False
    kind = str(rows.types[rows.columns.index(path.column)])
    return kind.partition("(")[0] in _NUMBERS


def weight_of(rows: duckdb.DuckDBPyRelation, path: ColumnPath) -> str:
    """Return the SQL expression for a weight."""
    # DECIMAL: sums of it are equal in any order, those of DOUBLE are not.
    value = quoted(path.column) if _is_numeric(rows, path) else path.sql()
    number = f"TRY_CAST({value} AS DOUBLE)"
    usable = f"{number} > 0 AND {number} <= {_HEAVIEST_ROW!r}"
    return f"CASE WHEN {usable} THEN CAST({number} AS DECIMAL(38, 12)) ELSE 0 END"


def check_weights(rows: duckdb.DuckDBPyRelation, path: ColumnPath) -> None:
    """Raise `DatasetError` if a weight column holds text that is no number."""
    if _is_numeric(rows, path):
        return
    text = path.sql()
    words = rows.filter(f"trim({text}) <> '' AND TRY_CAST({text} AS DOUBLE) IS NULL")
    found = words.project(f"{text} AS word").limit(1).fetchall()
    if found:
        raise DatasetError(
            f"The weight column {path} holds {str(found[0][0])[:80]!r}; name a column of numbers."
        )
