"""The database refuses what it must, describes what it holds, and says plainly what is wrong."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sqlite_utils import Database

from crawler import vocab
from crawler.model import Observation, Origin, Target
from crawler.store import bodies, database, evidence_writer, runs
from crawler.store.database import (
    StoreBusyError,
    StoreError,
    connect,
    connect_read_only,
    exclusive_lock,
)
from crawler.vocab import Outcome, Purpose, Reject, Resource, State
from tests.conftest import ROOT
from tests.store.conftest import answer

AT = "2026-11-22T00:00:00.000Z"
HERE = Origin(scheme="https", host="h.example", port=443, site="h.example")


@pytest.fixture
def db(tmp_path):
    with closing(connect(tmp_path / "audit.db", create=True)) as connection:
        yield connection


def fill(db, observations=()):
    """A dataset, a run and a visit of one origin."""
    new = evidence_writer.NewDataset(
        path="d.csv",
        files=(("d.csv", 3, "a" * 64),),
        format="csv",
        url_column="url",
        weight_column="",
        rows=3,
        rejects=((Reject.EMPTY, 1, ""),),
    )
    run = runs.NewRun(
        command="c",
        version="0",
        versions={},
        settings={"dataset": 1},
        user_agent="u",
        suffix_list="s",
        catalogue="c",
    )
    with database.transaction(db):
        evidence_writer.add_dataset(
            db, new, [("h.example", HERE, 2, 1.5, ["https://h.example/a"])], AT
        )
        number = runs.begin_run(db, run, AT)
        evidence_writer.save_visit(db, number, 1, observations, AT)
    return number


def seen(resource=Resource.ROBOTS_TXT, body=b"User-agent: *", **facts) -> Observation:
    url = f"https://h.example/{resource}"
    target = Target(resource=resource, asked=url, url=url)
    facts = {"outcome": Outcome.RESPONDED, "status": 200, "started_at": AT} | facts
    return Observation(target=target, body=body, size=len(body), **facts)


@pytest.mark.parametrize("table", list(database._VOCABULARY))
def test_vocabulary_of_sql_is_that_of_python(db, table):
    names = [name for (name,) in db.execute(f"SELECT name FROM {table}")]
    assert sorted(names) == sorted(database._VOCABULARY[table])


def test_every_closed_vocabulary_is_a_table():
    enums = {
        value
        for value in vars(vocab).values()
        if isinstance(value, type) and issubclass(value, vocab.StrEnum)
    }
    assert enums - {vocab.StrEnum} == set(database._VOCABULARY.values())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE observation SET status = 404",
        "DELETE FROM observation",
        "UPDATE body SET size = 0",
        "DELETE FROM body",
        "UPDATE visit SET finished_at = ''",
        "DELETE FROM visit",
        "UPDATE origin SET scheme = 'http'",
        "DELETE FROM origin",
        "DELETE FROM run",
        "UPDATE run SET settings = '{}'",
    ],
)
def test_evidence_is_append_only(db, statement):
    fill(db, [seen()])
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|final|identity"):
        db.execute(statement)


def test_a_run_ends_once(db):
    run = fill(db)
    runs.end_run(db, run, "finished", AT)
    with pytest.raises(sqlite3.IntegrityError, match="final"):
        runs.end_run(db, run, "finished", AT)


@pytest.mark.parametrize(
    "row",
    [
        {"outcome": "invented", "status": None},
        {"outcome": "responded", "status": None},
        {"outcome": "timed_out", "status": 200},
        {"outcome": "responded", "status": 200, "headers": "no json"},
    ],
)
def test_the_schema_says_no(db, row):
    fill(db)
    values = {
        "run": 1,
        "origin": 1,
        "resource": "home",
        "asked": "a",
        "hop": 0,
        "url": "a",
        "headers": "[]",
        "size": 0,
    }
    values |= {"truncated": 0, "observed_at": AT, "elapsed_ms": 0, "address": "", "note": ""} | row
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(f"INSERT INTO observation ({columns}) VALUES ({marks})", list(values.values()))


def test_saving_a_visit_twice_changes_nothing(db):
    run = fill(db, [seen()])
    with database.transaction(db):
        evidence_writer.save_visit(db, run, 1, [seen(body=b"other")], AT)
    assert db.execute("SELECT count(*) FROM observation").fetchone() == (1,)


def test_equal_bodies_are_stored_once_and_come_back(db):
    fill(db, [seen(), seen(Resource.AI_TXT), seen(Resource.TDMREP_JSON, body=b"")])
    digests = [d for (d,) in db.execute("SELECT stored FROM observation ORDER BY id")]
    assert db.execute("SELECT count(*) FROM body").fetchone() == (2,)
    assert bodies.load_body(db, digests[0]) == b"User-agent: *"
    assert bodies.load_body(db, digests[2]) == b""
    assert bodies.load_body(db, "0" * 64) is None


def test_of_a_page_the_extract_is_kept_and_the_digest_of_the_whole(db):
    fill(db, [seen(Resource.HOME, body=b"<html>", extract=b"{}")])
    digest, stored = db.execute("SELECT digest, stored FROM observation").fetchone()
    assert digest != stored
    assert bodies.load_body(db, stored) == b"{}"
    assert bodies.load_body(db, digest) is None


def test_headers_with_foreign_octets_come_back_as_they_were(db):
    fill(db, [seen(headers=(("X", "caf\udce9"),))])
    (headers,) = db.execute("SELECT headers FROM observation").fetchone()
    assert json.loads(headers) == [["X", "caf\udce9"]]


def test_every_view_and_column_is_described(db):
    described = set(db.execute('SELECT view, "column" FROM description'))
    for view in database.public_views():
        columns = [d[0] for d in db.execute(f"SELECT * FROM {view}").description]
        assert columns == list(database.public_views()[view][1])
        assert {(view, c) for c in ["", *columns]} <= described
    views = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")}
    # Rows of versions that count, times, whole observations, bodies kept or erased, sets of states.
    private = {"dataset_origin", "dataset_reject", "reserved_since", "observation"}
    private |= {"redacted_observation", "withheld_bytes", "kept_body", "never_visited"}
    private |= {"held_sets", "held_states", "held_mixtures", "shown_rules", "state_of_set"}
    private |= {"states_of_site"}
    assert views - private == set(database.public_views())


def test_views_that_users_rely_on_are_there():
    promised = "runs datasets reservations findings statements issues observations coverage sites"
    promised += " dataset_summary dataset_bounds dataset_sites rights_holders trail conflicts"
    promised += " sensitivity leverage protocols parties candidates agents"
    assert set(promised.split()) <= set(database.public_views())


def test_a_name_that_sqlite_takes_for_memory_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(connect(":memory:", create=True)) as db:
        file = db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
    assert file == (str(tmp_path / ":memory:"),)


def test_opening_again_changes_nothing(tmp_path):
    path = tmp_path / "audit.db"
    connect(path, create=True).close()
    before = path.read_bytes()
    connect(path).close()
    assert path.read_bytes() == before


RENAMED = {
    "sight": "resource_evidence",
    "read_from": "observation_reading",
    "judged": "evaluated_visit",
    "shape": "url_pattern",
    "prepared": "flag_cache",
}


def before_names(path):
    """Open a new database with the tables that it had before 0005_names, and with an old view."""
    old = sqlite3.connect(path, isolation_level=None)
    for table, renamed in RENAMED.items():
        old.execute(f"ALTER TABLE {renamed} RENAME TO {table}")
    old.execute("ALTER TABLE prepared RENAME COLUMN cache_key TO facts")
    old.execute("ALTER TABLE verdict RENAME COLUMN pattern_set TO what")
    old.execute("DROP INDEX observation_reading_by_reading")
    old.execute("CREATE INDEX read_from_by_reading ON read_from (reading)")
    old.execute("DELETE FROM _sqlite_migrations WHERE name = '0005_names'")
    old.execute("CREATE VIEW retired AS SELECT * FROM sight")
    old.execute("PRAGMA user_version = 1")
    return old


def answers(path):
    with closing(connect_read_only(path)) as db:
        return {
            view: db.execute(f"SELECT * FROM {view} ORDER BY 1, 2, 3").fetchall()
            for view in database.public_views()
        }


def schema(path):
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2"
        return db.execute(query).fetchall()


def test_a_database_of_an_older_version_gives_the_same_answers(audit, tmp_path):
    path = tmp_path / "audit.db"
    robots = "User-agent: *\nDisallow: /private/\nContent-Signal: ai-train=no\n"
    home = '<meta name="tdm-reservation" content="1"><p>No text and data mining.</p>'
    audit(
        answer("a.example", Resource.ROBOTS_TXT, "/robots.txt", robots),
        answer("a.example", Resource.HOME, "/", home),
        answer("b.example", Resource.HOME, "/", "<p>b</p>"),
    ).close()
    before, tables = answers(path), schema(path)
    before_names(path).close()
    with pytest.raises(StoreError, match="made by an older tdm-audit"):
        connect_read_only(path)
    connect(path).close()
    assert (answers(path), schema(path)) == (before, tables)


def test_a_migration_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "audit.db"
    connect(path, create=True).close()
    with closing(before_names(path)) as old:
        old.execute("CREATE TABLE flag_cache (x)")  # the name that the last rename wants
    before = schema(path)
    with pytest.raises(StoreError):
        connect(path)
    assert [row for row in schema(path) if row[0] == "table"] == [
        row for row in before if row[0] == "table"
    ]


def insert_and_fail(db):
    with database.transaction(db):
        db.execute("INSERT INTO outcome VALUES ('x')")
        raise RuntimeError


def test_a_failed_transaction_leaves_nothing(db):
    with pytest.raises(RuntimeError):
        insert_and_fail(db)
    assert ("x",) not in db.execute("SELECT name FROM outcome").fetchall()


def foreign(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (x)")


def newer(path):
    row = {"migration_set": "tdm-audit", "name": "9999_x", "applied_at": ""}
    with closing(connect(path, create=True)) as db:
        Database(db)["_sqlite_migrations"].insert(row)


REFUSED = [
    ("missing", lambda _path: None, "there is no database"),
    (
        "not a database",
        lambda path: path.write_bytes(b"hello, I am a text" * 100),
        "not an SQLite database",
    ),
    ("another program's", foreign, "database of another program"),
    ("newer", newer, "newer tdm-audit"),
    ("a folder", lambda path: path.mkdir(), "is a folder|no database"),
]


@pytest.mark.parametrize("opener", [connect, connect_read_only])
@pytest.mark.parametrize(("make", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_cannot_be_used_is_refused_and_left_as_it_is(tmp_path, opener, make, said):
    path = tmp_path / "x.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=said):
        opener(path)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_an_empty_file_is_no_audit_for_who_makes_none(tmp_path):
    path = tmp_path / "audit.db"
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="is empty; run `tdm-audit crawl` first"):
        database.connect(path)
    assert path.read_bytes() == b""
    database.connect(path, create=True).close()


def test_an_empty_file_is_no_audit_for_readers(tmp_path):
    (tmp_path / "x.db").touch()
    with pytest.raises(StoreError, match="empty"):
        connect_read_only(tmp_path / "x.db")


SENTENCES = [
    (sqlite3.OperationalError("database is locked"), "locked by another program"),
    (sqlite3.OperationalError("attempt to write a readonly database"), "read-only"),
    (sqlite3.OperationalError("database or disk is full"), "no space left"),
    (sqlite3.OperationalError("disk I/O error"), "failed to read or write"),
    (sqlite3.DatabaseError("database disk image is malformed"), "is damaged"),
    (sqlite3.OperationalError("unable to open database file"), "cannot open"),
    (sqlite3.OperationalError("out of memory"), "no memory left"),
    (sqlite3.OperationalError("no such table: x"), "failed: no such table"),
]


@pytest.mark.parametrize(("error", "said"), SENTENCES)
def test_errors_of_sqlite_become_a_sentence(error, said):
    with pytest.raises(StoreError, match=said), database.sqlite_errors_as_store_error("x.db"):
        raise error


def test_a_locked_database_is_said(tmp_path, monkeypatch):
    path = tmp_path / "audit.db"
    with closing(connect(path, create=True)) as first, closing(connect(path)) as second:
        first.execute("BEGIN IMMEDIATE")
        second.execute("PRAGMA busy_timeout = 1")
        with (
            pytest.raises(StoreError, match="locked"),
            database.sqlite_errors_as_store_error(path),
            database.transaction(second),
        ):
            pass
        first.rollback()


def fill_up(db, path):
    with database.sqlite_errors_as_store_error(path), database.transaction(db):
        for n in range(2000):
            bodies.save_body(db, str(n).encode() * 500)


def test_a_full_disk_loses_nothing(tmp_path):
    path = tmp_path / "audit.db"
    with closing(connect(path, create=True)) as db:
        fill(db, [seen()])
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="no space left"):
            fill_up(db, path)
    with closing(connect(path)) as db:
        assert db.execute("SELECT count(*) FROM body").fetchone() == (1,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_only_one_run_holds_a_database(tmp_path):
    with (
        exclusive_lock(tmp_path / "audit.db"),
        pytest.raises(StoreBusyError),
        exclusive_lock(tmp_path / "audit.db"),
    ):
        pass
    with exclusive_lock(tmp_path / "audit.db"):
        pass


MAKE = """
import sys
from crawler.store.database import connect
connect(sys.argv[1], create=True).close()
import sqlite_utils.db
assert sqlite_utils.db.pd is None
import pandas
"""


def test_pandas_is_left_alone_and_can_be_imported_later(tmp_path):
    (tmp_path / "pandas.py").write_text("print('imported')\n", encoding="utf-8")
    command = [sys.executable, "-c", MAKE, str(tmp_path / "audit.db")]
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("imported\n", "")


def test_no_view_has_an_empty_text_for_what_is_missing(demo_output):
    with closing(database.connect_read_only(demo_output / "audit.db")) as db:
        for view, (_, columns) in database.public_views().items():
            empty = ", ".join(f"coalesce(sum({column} = ''), 0)" for column in map(quoted, columns))
            found = db.execute(f"SELECT {empty} FROM {view}").fetchone()
            assert dict(zip(columns, found, strict=True)) == dict.fromkeys(columns, 0), view


def quoted(name):
    return f'"{name}"'


def test_descriptions_list_the_words_that_a_column_may_have():
    views = database.public_views()
    for view, column, words in (
        ("findings", "state", State),
        ("coverage", "resource", Resource),
        ("observations", "outcome", Outcome),
        ("dataset_bounds", "purpose", Purpose),
    ):
        said = views[view][1][column]
        assert all(word in said for word in words)
        assert "{" not in "".join(views[view][1].values())
