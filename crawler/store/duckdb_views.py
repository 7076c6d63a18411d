"""The public views in DuckDB: the text of views.sql over tables of the same names.

Rules for editors: views.sql is one text for two engines. What both understand is written in it;
what only one of them understands is in this module, and nowhere else:

* `CROSS JOIN x ON` is an order of joins in SQLite. DuckDB finds its own, and gets `JOIN x ON`.
* `/*! ... */` is for DuckDB alone: the order in which SQLite meets values, or the row of a group.
* `ORDER BY ... /*-*/` is for SQLite alone: DuckDB sorts arrays itself, whatever order they come in.
* What DuckDB lacks, rounds or orders in another way is a setting or a macro.

tests/store/test_two_engines.py makes every view in both, and compares their rows.
"""

import re
from collections.abc import Collection

from crawler.store.database import view_statements

#: Views of views.sql that are tables of a folder, or views of others of its tables.
INSTEAD = ("observation", "kept_body", "reservations")
_ORDERED_JOIN = re.compile(r"\bCROSS JOIN ([\w.]+(?:\s+AS\s+\w+)?\s+ON\b)")
_FOR_SQLITE = re.compile(r"\bORDER BY [\w., ]+ /\*-\*/")
_FOR_DUCKDB = re.compile(r"/\*! (.*?) \*/")
_IN_ORDER = re.compile(r"\bgroup_concat\(DISTINCT (\w+) /\*! (ORDER BY [^*]+) \*/\)")
_NAME = re.compile(r"CREATE OR REPLACE VIEW (\w+)")
_VIEW = re.compile(r"\bCREATE VIEW\b")
_SETTINGS = (
    # NULL is the least value, and the quotient of a division by 0.
    "default_null_order = 'nulls_first_on_asc_last_on_desc'",
    "ieee_floating_point_ops = false",
    "error_on_division_by_zero = false",
)
# Arrays and objects are in the order of their elements: DuckDB adds up a table in several threads,
# so that `ORDER BY` of a subquery orders nothing. SQLite orders them by such subqueries, likewise.
# SQLite rounds half up, and what is nearer to a half than a number is exact is a half to it.
_MACROS = (
    "iif(a, b, c) AS CASE WHEN a THEN b ELSE c END",
    "json_group_array(x) AS coalesce(to_json(list_sort(list(x))), '[]')",
    "json_group_object(k, v) AS '{' || coalesce(array_to_string("
    "list_sort(list(to_json(k) || ':' || to_json(v))), ','), '') || '}'",
    "in_order(l) AS array_to_string(list_filter(l, lambda x, i: list_position(l, x) = i), ',')",
    "typeof(x) AS CASE WHEN x IS NULL THEN 'null' "
    "WHEN system.main.typeof(x) IN ('BIGINT', 'INTEGER', 'HUGEINT', 'BOOLEAN') THEN 'integer' "
    "WHEN system.main.typeof(x) IN ('DOUBLE', 'FLOAT') THEN 'real' ELSE 'text' END",
    "julianday(x) AS (epoch_ms(CAST(x AS TIMESTAMP)) + 210866760000000) / CAST(86400000 AS DOUBLE)",
    "round(x, digits) AS system.main.round(x + x * CAST(3e-16 AS DOUBLE), digits)",
)


def for_duckdb(sql: str) -> str:
    """Return a statement of views.sql, figures.sql or as_of.sql as DuckDB takes it."""
    sql = _IN_ORDER.sub(r"in_order(list(\1 \2))", _ORDERED_JOIN.sub(r"JOIN \1", sql))
    return _FOR_DUCKDB.sub(r"\1", _FOR_SQLITE.sub("", sql))


def statements(instead: Collection[str] = ()) -> list[str]:
    """Return what makes the views of views.sql in DuckDB, over tables of their names.

    `instead` are the private views that are there already.
    """
    # They may be there already: a file of DuckDB is opened again with the tables of a later state.
    made = [_VIEW.sub("CREATE OR REPLACE VIEW", for_duckdb(sql), 1) for sql in view_statements()]
    return [
        *(f"SET {setting}" for setting in _SETTINGS),
        *(f"CREATE OR REPLACE MACRO {macro}" for macro in _MACROS),
        *(sql for sql in made if _name(sql) not in instead),
    ]


def _name(sql: str) -> str:
    found = _NAME.search(sql)
    assert found is not None
    return found[1]
