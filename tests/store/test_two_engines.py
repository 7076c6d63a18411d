"""views.sql is one text for two engines: every view is made, and says the same, in both."""

import re
from contextlib import closing

import pytest

from crawler.dataset.duck import connect as connect_duckdb
from crawler.store import duckdb_views, figures
from crawler.store.database import new_database, public_views

KINDS = {"INTEGER": "BIGINT", "TEXT": "VARCHAR", "REAL": "DOUBLE", "BLOB": "BLOB"}
#: Private views that DuckDB has as tables, for their bytes or their number of joins.
INSTEAD = ("observation", "kept_body")


@pytest.fixture(scope="module")
def db():
    """An empty audit database."""
    with closing(new_database()) as db:
        yield db


@pytest.fixture(scope="module")
def empty_tables(db, tmp_path_factory):
    """DuckDB with the tables of an audit database, without rows, and the views over them."""
    with closing(connect_duckdb(tmp_path_factory.mktemp("duck"), "256MB")) as duck:
        tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for name in (*(name for (name,) in tables), *INSTEAD):
            columns = db.execute("SELECT name, type FROM pragma_table_info(?)", (name,)).fetchall()
            shaped = ", ".join(f'"{c}" {KINDS.get(kind, "VARCHAR")}' for c, kind in columns)
            duck.execute(f'CREATE TABLE "{name}" ({shaped})')
        duckdb_views.make_views(duck, INSTEAD)
        yield duck


@pytest.mark.parametrize("view", public_views())
def test_a_view_has_the_same_columns_in_both_engines(view, db, empty_tables):
    columns = list(public_views()[view][1])
    assert [c[0] for c in empty_tables.execute(f"SELECT * FROM {view}").description] == columns
    assert [c[0] for c in db.execute(f"SELECT * FROM {view}").description] == columns


@pytest.mark.parametrize("name", sorted(set(figures.queries()) - {"bases"}))
def test_a_query_of_the_report_runs_in_both_engines(name, db, empty_tables):
    values = {"dataset": "1", "purpose": "'tdm'", "top": "9", "sites": "9"}
    sql = re.sub(r":(\w+)\b", lambda found: values[found[1]], figures.queries()[name])
    shown = empty_tables.execute(duckdb_views.for_duckdb(sql)).fetchall()
    assert shown == db.execute(sql).fetchall()


ROUNDED = (0.0, 1 / 128, 1 / 640, 3 / 640, 0.1234565, 2 / 3, 246913 / 2000000, 1e-7, 5e-7, 12345.6)


@pytest.mark.parametrize("number", ROUNDED)
def test_a_share_is_rounded_as_in_sqlite(number, db, empty_tables):
    sql = f"SELECT round({number!r}, 6)"
    # SQLite makes a text of it and reads that again, which may cost it the last bit.
    expected = pytest.approx(db.execute(sql).fetchone()[0], rel=1e-15)
    assert empty_tables.execute(sql).fetchone()[0] == expected


def test_null_is_not_rounded(empty_tables):
    assert empty_tables.execute("SELECT round(NULL, 6)").fetchall() == [(None,)]


def test_what_only_one_engine_understands_is_nowhere_in_the_views():
    # An executable comment is an order, and nothing else.
    text = "".join(duckdb_views.for_duckdb(sql) for sql in duckdb_views.view_statements())
    assert "/*!" not in text
    assert not re.search(r"CROSS JOIN \w+( AS \w+)?\s+ON", text)
