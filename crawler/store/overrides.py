"""Names that mean another query for one connection, and the SQL that says the same without them.

Names in the schema `temp` hide those of the database (sqlite.org/lang_naming.html), also from the
public views once these are made again there. Nothing is stored. A query that ran on such a
connection gives other numbers elsewhere, so `standalone` puts the queries behind the names into it.

Rules for editors: DuckDB, which the whole of an audit in parts is read with, does the same with a
schema that the search path begins with. SQL that is given back is that of the engine.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from crawler.store.database import view_statements
from crawler.store.duckdb_views import INSTEAD, for_duckdb
from crawler.store.failures import StoreError
from crawler.store.queryable import Queryable, is_whole, own_schema

_CREATE = re.compile(r"\s*(?:--[^\n]*\n\s*)*CREATE VIEW (\w+) AS\s+(.*)", re.DOTALL)
# A literal, which stays, or a comment, which goes with the blanks before it.
_COMMENT = re.compile(r"('(?:[^']|'')*')|\s*--[^\n]*")
# Tables of a query. Those of a named schema are never overridden.
_USED = re.compile(r"\b(?:FROM|JOIN|IN)\s+(\w+)\b(?!\.)")
_BEGINS_WITH = re.compile(r"WITH\s+")


class _Override(NamedTuple):
    """The query that a name means; `is_kept` if its rows are computed once."""

    select: str
    is_kept: bool


def override(db: Queryable, name: str, select: str, *, is_kept: bool = False) -> None:
    """Let `name` mean a query for this connection. The rows are computed now if `is_kept`.

    A name of the database that the query itself uses is written with its schema, `main`.
    """
    own = own_schema(db)
    db.execute(f"CREATE TABLE IF NOT EXISTS {own}.override (name TEXT, meaning TEXT, is_kept INT)")
    db.execute(
        f"INSERT INTO {own}.override VALUES (?, ?, ?)",  # noqa: S608 - our own name
        (name, _plain(select), int(is_kept)),
    )
    db.execute(f"CREATE {'TABLE' if is_kept else 'VIEW'} {own}.{name} AS {select}")


def make_views(db: Queryable) -> None:
    """Make the public views for this connection, so that they read what was overridden."""
    own = own_schema(db)
    for name, select in _views_of(db).items():
        db.execute(f"CREATE VIEW IF NOT EXISTS {own}.{name} AS {select}")


def standalone(db: Queryable, sql: str) -> str:
    """Return a query that gives on the database what `sql` gives on this connection."""
    made = _standalone(db, sql)
    return for_duckdb(made) if is_whole(db) else made


def _standalone(db: Queryable, sql: str) -> str:
    overridden = _overridden(db)
    if not overridden:
        return sql
    views = _views_of(db)
    meanings = {name: _Override(select, False) for name, select in views.items()} | overridden
    tables = [
        f"{name} AS {'MATERIALIZED ' if meanings[name].is_kept else ''}(\n"
        f"{meanings[name].select}\n)"
        for name in _needed(sql, meanings, frozenset(overridden))
    ]
    if not tables:
        return sql
    begin = _BEGINS_WITH.match(sql)
    rest = ",\n" + sql[begin.end() :] if begin else "\n" + sql
    return "WITH " + ",\n".join(tables) + rest


def _overridden(db: Queryable) -> dict[str, _Override]:
    query = f"SELECT name, meaning, is_kept FROM {own_schema(db)}.override"  # noqa: S608 - our own
    try:
        rows = db.execute(query).fetchall()
    except (sqlite3.OperationalError, StoreError):
        return {}  # nothing was overridden, so there is no such table
    return {name: _Override(meaning, bool(is_kept)) for name, meaning, is_kept in rows}


def _needed(sql: str, meanings: Mapping[str, _Override], overridden: frozenset[str]) -> list[str]:
    """Return the names to define for a query: overridden ones, and views that use them.

    Each comes behind those that it uses.
    """
    found: dict[str, bool] = {}

    def reaches(text: str) -> bool:
        """Look at all tables of a query, and return whether one of them is overridden."""
        are_other = [define(name) for name in _tables(text) if name in meanings]
        return any(are_other)

    def define(name: str) -> bool:
        if name not in found:
            is_other = reaches(meanings[name].select) or name in overridden
            found[name] = is_other
        return found[name]

    reaches(sql)
    return [name for name, is_other in found.items() if is_other]


def _tables(sql: str) -> Iterator[str]:
    return iter(dict.fromkeys(_USED.findall(sql)))


def _views_of(db: Queryable) -> dict[str, str]:
    """Return the query of each view that can be made again: of a whole, some are tables."""
    is_table = INSTEAD if is_whole(db) else ()
    return {name: select for name, select in _views().items() if name not in is_table}


@cache
def _views() -> dict[str, str]:
    """Return the query of each view, without comments."""
    found = (_CREATE.fullmatch(statement) for statement in view_statements())
    return {view[1]: _plain(view[2]) for view in found if view}


def _plain(sql: str) -> str:
    return _COMMENT.sub(lambda found: found[1] or "", sql).strip()
