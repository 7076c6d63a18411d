"""Queries of the report, from `figures.sql`: run, and given as SQL that runs unchanged anywhere."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from crawler.store.overrides import make_views, standalone
from crawler.store.queryable import OWN_SCHEMA, Queryable, is_whole

_QUERY = re.compile(r"^-- name: (\w+)\n(.*?;)$", re.MULTILINE | re.DOTALL)
# Private views of views.sql that several public views read, those that others are made of first.
_SHARED = ("held_sets", "held_states", "held_mixtures")
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


def table(db: Queryable, name: str, **values: _Value) -> Table:
    """Run a query by its name. `values` are its parameters."""
    # Values are literals in the text, so that the text says all that was asked.
    sql = _PARAMETER.sub(lambda found: _literal(values[found[1]]), queries()[name])
    cursor = db.execute(sql)
    columns = tuple(column[0] for column in cursor.description)
    return Table(sql=standalone(db, sql), columns=columns, rows=tuple(cursor.fetchall()))


@contextmanager
def aggregated_once(db: Queryable) -> Iterator[None]:
    """Make once what several views aggregate, for the queries of this connection in the block.

    They stay what they are, and give the same numbers without this. All of them read one state of
    the database. Afterwards the connection is as it was; one to the whole of an audit in parts,
    which never changes, keeps them.
    """
    if is_whole(db):
        _aggregate_whole(db)
        yield
        return
    db.execute("SAVEPOINT aggregated")
    try:
        for view in _SHARED:
            db.execute(f"CREATE TEMP TABLE once_{view} AS SELECT * FROM {view}")  # noqa: S608 - our own names
            db.execute(f"DROP VIEW IF EXISTS temp.{view}")
            db.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM temp.once_{view}")  # noqa: S608
        make_views(db)
        yield
    finally:
        db.execute("ROLLBACK TO aggregated")
        db.execute("RELEASE aggregated")


def _aggregate_whole(db: Queryable) -> None:
    for view in _SHARED:
        made = f"{OWN_SCHEMA}.once_{view}"
        db.execute(f"CREATE TABLE IF NOT EXISTS {made} AS SELECT * FROM {view}")  # noqa: S608
        db.execute(f"CREATE OR REPLACE VIEW {OWN_SCHEMA}.{view} AS SELECT * FROM {made}")  # noqa: S608
    make_views(db)


def _literal(value: _Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value) if isinstance(value, int) else ", ".join(map(_literal, value))


@cache
def queries() -> dict[str, str]:
    """Return the queries by their names."""
    text = (files("crawler.store") / "figures.sql").read_text("utf-8")
    return {name: sql.strip() for name, sql in _QUERY.findall(text)}
