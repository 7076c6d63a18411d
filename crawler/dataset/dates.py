"""Columns with the times at which rows were collected, as numbers of `instants.Instant`.

Rules for editors: `instants.instant_of` is the definition for texts; tests compare the two.
"""

from dataclasses import dataclass

import duckdb

from crawler.dataset.columns import value_path
from crawler.dataset.files import DatasetError
from crawler.dataset.paths import ColumnPath, literal, quoted
from crawler.instants import COMPACT_DAY, COMPACT_TIME, DAY, FIRST_MS, LAST_MS, TIME, ZONE, Instant

_INTEGERS = frozenset("INTEGER BIGINT UINTEGER UBIGINT".split())


@dataclass(frozen=True, slots=True)
class DateColumn:
    """The times of rows: those of a column, or one `instant` for all.

    `given` is the column as the user names it. `has_days` and `has_times` tell whether there may
    be whole days and times.
    """

    given: str = ""
    path: ColumnPath | None = None
    kind: str = ""
    instant: Instant | None = None

    @property
    def has_days(self) -> bool:
        """Return whether a row may have a whole day."""
        if self.instant is not None:
            return self.instant.is_day
        return not self.kind.startswith("TIMESTAMP")

    @property
    def has_times(self) -> bool:
        """Return whether a row may have a time."""
        if self.instant is not None:
            return not self.instant.is_day
        return self.kind != "DATE"

    def sql(self, line: str | None = None) -> str:
        """Return SQL for the number of a row's instant; NULL without one.

        `line` is SQL for the text of a row of JSON Lines, where the source has no other column.
        """
        if self.instant is not None:
            return f"{self.instant.number}::BIGINT"
        assert self.path is not None
        if line is not None:
            return _of_text(self.path.sql_in_line(line))
        if self.path.steps:
            return _of_text(self.path.sql())
        value = quoted(self.path.column)
        if self.kind == "DATE":
            return f"possible_instant(TRY(epoch_ms(CAST({value} AS TIMESTAMP))) * 2 + 1)"
        if self.kind == "TIMESTAMP WITH TIME ZONE":
            return f"possible_instant({_floor(value)} * 2)"
        if self.kind.startswith("TIMESTAMP"):
            return f"possible_instant({_floor(f'TRY(CAST({value} AS TIMESTAMP))')} * 2)"
        return _of_text(self.path.sql())


def date_column(rows: duckdb.DuckDBPyRelation, given: str) -> DateColumn:
    """Return the column with dates that a user named.

    Raise `DatasetError` if there is none, or if it has lists, or neither dates nor texts.
    """
    path = value_path(rows, given, "date column")
    kind = ""
    if not path.steps:
        kind = str(rows.types[rows.columns.index(path.column)])
        is_read = kind.startswith(("DATE", "TIMESTAMP")) or kind in _INTEGERS
        if not is_read and not path.shape.is_text and kind != '"NULL"':
            raise DatasetError(
                f"The date column {path} is of type {kind}; name one with dates, times or texts."
            )
    return DateColumn(given=given, path=path, kind=kind)


def _floor(time: str) -> str:
    """Return SQL for the milliseconds of a time; those of DuckDB are rounded."""
    return f"TRY(floor(epoch_us({time}) / 1000)::BIGINT)"


def _of_text(text: str) -> str:
    """Return SQL for the number of the instant that a text is; NULL for any other text."""
    return f"instant_number(CAST({text} AS VARCHAR))"


def _matches(pattern: str) -> str:
    return f"regexp_full_match(t, {literal(f'(?:{pattern})')})"


# Macros, so that the text of a row is one expression.
_MACROS = f"""
CREATE OR REPLACE MACRO possible_instant(number) AS
    CASE WHEN number BETWEEN {2 * FIRST_MS} AND {2 * LAST_MS + 1} THEN number END;
CREATE OR REPLACE MACRO instant_number(given) AS (
    SELECT possible_instant(CASE
        WHEN starts_with(t, '0000') THEN NULL
        WHEN {_matches(DAY)} THEN TRY(epoch_ms(TRY_CAST(t AS DATE)::TIMESTAMP)) * 2 + 1
        WHEN {_matches(TIME)} THEN {_floor("TRY_CAST(upper(t) AS TIMESTAMP)")} * 2
        WHEN {_matches(TIME + ZONE)} THEN {_floor("TRY_CAST(upper(t) AS TIMESTAMPTZ)")} * 2
        WHEN {_matches(COMPACT_TIME)} THEN TRY(epoch_ms(strptime(t, '%Y%m%d%H%M%S'))) * 2
        WHEN {_matches(COMPACT_DAY)} THEN TRY(epoch_ms(strptime(t, '%Y%m%d'))) * 2 + 1
    END)
    FROM (SELECT trim(given, e' \\t\\r\\n') AS t)
)
"""  # noqa: S608 - our own expressions


def create_macros(duck: duckdb.DuckDBPyConnection) -> None:
    """Create the macros that the SQL of `DateColumn` calls."""
    duck.execute(_MACROS)
