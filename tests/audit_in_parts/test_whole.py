"""The whole of an audit in parts: its tables, and all public views over them."""

import shutil
from contextlib import closing

import duckdb
import pytest

from crawler.commands.whole import opened_whole
from crawler.store.database import StoreError, connect
from tests.audit_in_parts.folders import crawl_command, newest, opened, query
from tests.conftest import run

STATES = (
    "SELECT purpose, state, origins, rows FROM dataset_summary WHERE rows > :least ORDER BY 1, 2"
)


def states(db):
    return db.execute(STATES, {"least": 0, "unused": 1}).fetchall()


def test_the_whole_says_what_one_database_says(crawled, calm):
    with closing(connect(calm)) as db, opened_whole(opened(crawled)) as whole:
        assert states(whole) == states(db) != []
        origins = whole.execute("SELECT count(*) FROM reservations WHERE host != ?", ("",))
        assert origins.fetchone() == (40,)


def test_tables_are_put_with_each_generation(crawled):
    for file in newest(crawled):
        part, number = file.parent.name, file.stem
        assert (crawled / f"audit/tables/origin/{part}-{number}.parquet").exists()


def test_what_is_only_planned_is_part_of_the_whole(planned):
    with opened_whole(opened(planned)) as whole:
        assert {(state, origins) for _, state, origins, _ in states(whole)} == {("unknown", 40)}


def test_tables_that_are_missing_are_made_again(crawled):
    with opened_whole(opened(crawled)) as whole:
        before = states(whole)
    shutil.rmtree(crawled / "audit" / "tables")
    with opened_whole(opened(crawled)) as whole:
        assert states(whole) == before


def test_a_part_that_is_missing_is_named(crawled):
    shutil.rmtree(crawled / "audit" / "parts" / "00002")
    with (
        pytest.raises(StoreError, match="parts/00002 has no database"),
        opened_whole(opened(crawled)),
    ):
        pass


def test_wrong_sql_is_an_error_of_the_store(crawled):
    with opened_whole(opened(crawled)) as whole, pytest.raises(StoreError, match="nothing_such"):
        whole.execute("SELECT nothing_such FROM runs")


def test_rows_of_two_queries_are_read_side_by_side(crawled):
    with opened_whole(opened(crawled)) as whole:
        outer = whole.execute("SELECT origin FROM reservations ORDER BY 1")
        assert all(whole.execute("SELECT 1").fetchone() == (1,) for _ in outer)


def test_a_number_is_followed_to_its_bytes(crawled, calm):
    kept = "SELECT origin, stored FROM observations WHERE stored IS NOT NULL AND size > 0"
    ((url, digest), *_) = query(newest(crawled)[2:3], kept)
    printed = run("explain", url, "--body", digest, "--db", crawled / "audit")
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout == run("explain", "--body", digest, "--db", calm).stdout != ""
    assert run("explain", "--body", digest, "--db", crawled / "audit").returncode == 2
    assert run("explain", url, "--body", digest, "--db", calm).returncode == 2


def test_views_are_made_again_in_one_file_of_duckdb(planned, web, tmp_path):
    """Tables without rows and tables with rows replace each other."""

    def sites():
        script = run("export", "--sql", "--db", planned / "audit", "-o", "-").stdout
        with closing(duckdb.connect(tmp_path / "kept.duckdb")) as duck:
            duck.execute(script)
            duck.execute(script)
            return duck.execute("SELECT count(*) FROM findings").fetchone()[0]

    assert sites() == 0
    done = run(*crawl_command(planned, web, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    assert sites() > 0
