"""What counts as evidence is final: triggers refuse changes, with one door for datasets."""

import sqlite3
from contextlib import closing
from importlib.resources import files

import pytest
from sqlite_utils import Database, Migrations

from crawler.store import evidence_writer, leaves, party_lists, request_lists, runs
from crawler.store.database import connect, transaction
from tests.store.test_order import day, ingest, look, store

TABLES = (
    *leaves.OF_DATASET,
    *("origin", "observation", "visit", "body", "run", "ingested", "forgotten"),
)
#: Those of lists, which databases of the first versions do not have.
LISTS = (
    *leaves.OF_LIST,
    *leaves.OF_PARTIES,
    *("listed", "forgotten_list", "imported"),
)
#: What came of a URL of a list is said by evidence; `verify` compares.
OBSERVED = ("asked_at", "outcome", "observation")
NEW_LIST = "INSERT INTO request_list VALUES ({0}, 'l{0}', '{1}', 'url', '', 3, '{{}}', '')"
FORGOTTEN_LIST = "INSERT INTO forgotten_list VALUES ({0}, 'l', '', 3, 2, '', ?, 'tdm-audit forget')"
NEW_DATASET = (
    "INSERT INTO dataset (id, path, digest, bytes, format, url_column, column_given, weight_column,"
    " rows, ingested_at) VALUES ({0}, 'd', '', 0, 'csv', 'url{0}', 0, '', 1, '')"
)
FORGOTTEN = "INSERT INTO forgotten VALUES ({0}, 'd', 1, 'd', '', 1, 1, '', ?, 'tdm-audit forget d')"
# What is said of a version, and is no fact of its files.
SAID = (
    *("name", "named", "source", "version", "counts"),
    *("collected_from", "collected_to", "upstream", "crawler", "facets"),
)
REFUSED = pytest.raises(sqlite3.IntegrityError, match=r"append-only|final|identity")


@pytest.fixture
def db(tmp_path):
    """A database with rows in every table of evidence."""
    with closing(connect(tmp_path / "audit.db", create=True)) as connection:
        fill(connection)
        yield connection


def fill(db):
    with transaction(db):
        db.execute(NEW_DATASET.format(7))
        db.execute("INSERT INTO dataset_file VALUES (7, 'd', 0, '')")
        db.execute("INSERT INTO version_reject VALUES (7, 'empty', 1, '')")
        db.execute("INSERT INTO dataset_role VALUES (7, 'page', 1, 'url', 1, NULL)")
        db.execute("INSERT INTO dataset_role_reject VALUES (7, 'page', 'empty', 1, '')")
        db.execute("INSERT INTO ingested VALUES (7)")
    ingest(db, "other")
    with transaction(db):
        db.execute(NEW_DATASET.format(6))
        db.execute("INSERT INTO dataset_role VALUES (6, 'page', 1, 'url', 1, 0)")
        db.execute("INSERT INTO dataset_role_origin VALUES (6, 'page', 1, 1)")
        db.execute("INSERT INTO ingested VALUES (6)")
    with transaction(db):
        db.execute(NEW_DATASET.format(9))
        db.execute("INSERT INTO ingested VALUES (9)")
        db.execute(FORGOTTEN.format(9), (day(0),))
        db.execute("DELETE FROM dataset WHERE id = 9")
    fill_lists(db)
    store(db, look(day(1), 200, b"User-agent: *\n"))


def fill_lists(db):
    """Store a request list of which a URL will be asked, one that was removed, and parties."""
    url = "INSERT INTO requested_url (origin, path, list, n) VALUES (1, ?, 1, ?)"
    with transaction(db):
        for number in (1, 2):
            db.execute(NEW_LIST.format(number, str(number) * 64))
        db.executemany(url, [("/", 0), ("/never", 2)])
        db.execute("INSERT INTO listed VALUES (1), (2)")
        db.execute(FORGOTTEN_LIST.format(2), (day(0),))
        db.execute("DELETE FROM request_list WHERE id = 2")
        entry = party_lists.ListedParty(1, "a.test", "A Ltd", "a ltd", ("lei:1",))
        party_lists.add_list(db, "p.csv", "a" * 64, ("P", "1"), [entry], day(0))


def columns(db, table):
    return [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def test_every_table_of_the_test_has_rows(db):
    for table in (*TABLES, *LISTS):
        assert db.execute(f"SELECT count(*) > 0 FROM {table}").fetchone() == (1,), table


def test_every_table_with_rows_of_a_dataset_is_one_of_them(db):
    query = """
        SELECT t.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND c.name = 'dataset'
    """
    made_again = {"facet_total", "facet_origin", "facets_changed"}
    assert {name for (name,) in db.execute(query)} <= {*TABLES, *made_again, "withheld_row"}


@pytest.mark.parametrize("table", [*TABLES, *LISTS])
def test_nothing_can_be_deleted_changed_or_replaced(db, table):
    for column in columns(db, table):
        if (table, column) in (("run", "ended"), ("run", "ended_at")):
            continue
        if (table == "dataset" and column in SAID) or (
            table == "requested_url" and column in OBSERVED
        ):
            continue
        changed = "||  '1'" if table == "run" else ""
        with REFUSED:
            db.execute(f"UPDATE {table} SET {column} = {column} {changed}")
    with REFUSED:
        db.execute(f"DELETE FROM {table}")
    with REFUSED:
        db.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


@pytest.mark.parametrize(
    "column", ["command", "version", "versions", "settings", "user_agent", "catalogue"]
)
def test_of_a_run_that_goes_on_only_the_end_is_open(db, column):
    run = store(db, (), ended=None)
    with REFUSED:
        db.execute(f"UPDATE run SET {column} = '[]' WHERE id = ?", (run,))
    runs.end_run(db, run, "finished", day(2))


@pytest.mark.parametrize("table", ["observation", "visit"])
def test_nothing_is_added_to_a_run_that_ended(db, table):
    changed = {"observation": ("id", "hop"), "visit": ("origin",)}[table]
    values = [f"{c} + 90" if c in changed else c for c in columns(db, table)]
    db.execute("PRAGMA foreign_keys = OFF")
    with REFUSED:
        db.execute(f"INSERT INTO {table} SELECT {', '.join(values)} FROM {table}")


@pytest.mark.parametrize(
    "row",
    [
        "dataset_file VALUES (7, 'more', 0, '')",
        "version_reject VALUES (7, 'no_host', 1, '')",
        "version_origin VALUES (7, 1, 5, NULL)",
        "sample VALUES (1, 7, 5, '/more')",
        "dataset_role VALUES (7, 'more', 1, 'url', 1, NULL)",
        "dataset_role_reject VALUES (7, 'page', 'no_host', 1, '')",
        "dataset_role_origin VALUES (7, 'page', 1, 1)",
        NEW_DATASET.format(9).removeprefix("INSERT INTO "),
    ],
)
def test_nothing_is_added_to_a_dataset_that_is_stored(db, row):
    with REFUSED:
        db.execute(f"INSERT INTO {row}")


@pytest.mark.parametrize(
    "row",
    [
        "requested_url (origin, path, list, n) VALUES (1, '/more', 1, 9)",
        NEW_LIST.format(2, "b" * 64).removeprefix("INSERT INTO "),
        "party_list_entry VALUES (1, 2, 'b.test', 'B', 'b', '[]')",
    ],
)
def test_nothing_is_added_to_a_list_that_is_stored(db, row):
    with REFUSED:
        db.execute(f"INSERT INTO {row}")


def test_the_number_of_a_list_that_was_removed_is_not_used_again(db):
    with transaction(db):
        new = request_lists.NewList(
            path="l", digest="c" * 64, url_column="url", column_given="", urls=[]
        )
        assert request_lists.add_list(db, new, day(2)) == 3


def test_rows_of_a_dataset_are_deleted_where_the_log_says_so(db):
    with REFUSED:
        db.execute("DELETE FROM sample WHERE dataset = 8")
    db.execute(FORGOTTEN.format(8), (day(2),))
    for table in reversed(leaves.OF_DATASET):
        number = "id" if table == "dataset" else "dataset"
        db.execute(f"DELETE FROM {table} WHERE {number} = 8")
        with REFUSED:
            db.execute(f"DELETE FROM {table} WHERE {number} = 7")
            raise sqlite3.IntegrityError("final: there was no row") from None
    # The number is not used again: what was said of it stays true.
    assert ingest(db, "next") == 10


def migrations_before(number):
    return sorted(
        file.name.removesuffix(".sql")
        for file in (files("crawler.store") / "migrations").iterdir()
        if file.name < number
    )


def as_it_was(path, number="0011"):
    """Make a database of the version before a migration."""
    old = sqlite3.connect(path, isolation_level=None)
    migrations = Migrations("tdm-audit")
    for name in migrations_before(number):

        @migrations(name=name)
        def _(db, name=name):
            statement = ""
            sql = (files("crawler.store") / f"migrations/{name}.sql").read_text("utf-8")
            for line in sql.splitlines(keepends=True):
                statement += line
                if sqlite3.complete_statement(statement):
                    db.execute(statement)
                    statement = ""

    migrations.apply(Database(old))
    return old


def test_a_database_of_an_older_version_keeps_its_evidence(tmp_path, db):
    path = tmp_path / "old.db"
    tables = [table for table in TABLES if table not in ("ingested", "forgotten")]
    kept = {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    with closing(as_it_was(path)) as old:
        for table, rows in kept.items():
            marks = ", ".join("?" * len(rows[0]))
            old.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    with closing(connect(path)) as new:
        assert {t: new.execute(f"SELECT * FROM {t}").fetchall() for t in tables} == kept
        assert new.execute("SELECT dataset FROM ingested").fetchall() == [(6,), (7,), (8,)]
        assert new.execute("PRAGMA foreign_key_check").fetchall() == []
        assert new.execute("PRAGMA foreign_keys").fetchone() == (1,)
        for name in ("observation", "visit", "run", "sample"):
            query = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? ORDER BY 1, 2"
            schema = new.execute(query, (name,)).fetchall()
            assert schema == db.execute(query, (name,)).fetchall()
        with REFUSED:
            new.execute("UPDATE version_origin SET rows = 9")


def test_a_dataset_that_fails_half_way_leaves_nothing(db):
    def origins():
        raise OSError("the disk is full")
        yield

    before = db.execute("SELECT count(*) FROM ingested").fetchone()
    with pytest.raises(OSError, match="full"), transaction(db):
        evidence_writer.add_dataset(
            db,
            evidence_writer.NewDataset(
                path="x",
                files=(),
                format="csv",
                url_column="x",
                weight_column="",
                rows=0,
                rejects=(),
            ),
            origins(),
            day(0),
        )
    assert db.execute("SELECT count(*) FROM ingested").fetchone() == before
