"""Queries of the report, from `figures.sql`: run, and given as SQL that runs unchanged anywhere."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from crawler.store.overrides import standalone

_QUERY = re.compile(r"^-- name: (\w+)\n(.*?;)$", re.MULTILINE | re.DOTALL)
_PARAMETER = re.compile(r":(dataset|purpose|top|sites|unplanned)\b")
_Value = str | int | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A result: the SQL that gives it, the names of its columns, and its rows."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows with the names of their columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def table(db: sqlite3.Connection, name: str, **values: _Value) -> Table:
    """Run a query by its name. `values` are its parameters."""
    # Values are literals in the text, so that the text says all that was asked.
    sql = _PARAMETER.sub(lambda found: _literal(values[found[1]]), queries()[name])
    cursor = db.execute(sql)
    columns = tuple(column[0] for column in cursor.description)
    return Table(sql=standalone(db, sql), columns=columns, rows=tuple(cursor.fetchall()))


def _literal(value: _Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value) if isinstance(value, int) else ", ".join(map(_literal, value))


@cache
def queries() -> dict[str, str]:
    """Return the queries by their names."""
    text = (files("crawler.store") / "figures.sql").read_text("utf-8")
    return {name: sql.strip() for name, sql in _QUERY.findall(text)}
