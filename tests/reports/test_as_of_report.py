"""`report` and `export` with `--as-of`: states of a time, and nothing that is of the present."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from crawler.commands.judge import rebuild
from crawler.model import Origin
from crawler.store import evidence_writer
from crawler.store.as_of import HISTORY_COLUMNS
from crawler.store.database import connect, transaction
from crawler.store.guarded_connection import GuardedConnection
from tests.reports.test_dataset_report import Page
from tests.store.test_history import ALL, CLOSED, OPEN, visit
from tests.store.test_order import DATASET, HOST, SIGNALS, day, ingest, store

LONG_AFTER, LONG_BEFORE = "2100-01-01", "2000-01-01"


@pytest.fixture(scope="module")
def db(demo_output):
    return str(demo_output / "audit.db")


@pytest.fixture
def export(db, tdm_audit):
    def exporting(view, *options):
        done = tdm_audit("export", view, "--db", db, "-o", "-", *options)
        assert done.returncode == 0, done.stderr
        return list(csv.DictReader(io.StringIO(done.stdout)))

    return exporting


@pytest.mark.parametrize("view", ["dataset_summary", "dataset_bounds", "sites", "sensitivity"])
def test_after_the_last_look_states_are_those_of_today(export, view):
    assert export(view, "--as-of", LONG_AFTER) == export(view)


def test_before_the_first_look_all_is_unknown(export):
    states = {row["state"] for row in export("dataset_summary", "--as-of", LONG_BEFORE)}
    assert states == {"unknown"}


def test_history_of_a_time_has_a_row_for_each_purpose_and_rule_set(export):
    found = export("history", "--as-of", LONG_AFTER)
    assert tuple(found[0]) == HISTORY_COLUMNS
    today = export("findings")
    assert {(r["origin"], r["purpose"], r["rules"], r["state"]) for r in found} == {
        (r["origin"], r["purpose"], r["rules"], r["state"]) for r in today
    }
    assert {r["as_of_basis"] for r in found} == {"before_only", "unknown_at_collection"}
    old = export("history", "--as-of", LONG_AFTER, "--max-distance", "30")
    assert {r["as_of_basis"] for r in old} == {"unknown_at_collection"}
    assert {r["reserved"] for r in old} == {""}


def test_what_is_more_than_states_is_refused(db, tdm_audit):
    done = tdm_audit("export", "reservations", "--db", db, "-o", "-", "--as-of", LONG_AFTER)
    assert done.returncode == 2
    assert "made of states" in " ".join(done.stderr.split())


def test_the_report_of_a_time_says_what_its_states_rest_on(db, tdm_audit):
    given = ("report", "--db", db, "-o", "-", "--as-of", LONG_AFTER)
    told = json.loads(tdm_audit(*given, "--format", "json").stdout)
    assert told["as_of"] == LONG_AFTER
    assert list(told["figures"]) == ["answer", "states", "readings", "bases", "leverage", "sites"]
    rows = told["figures"]["bases"]["tables"]["bases"]["rows"]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert "as of 2100-01-01 (the whole day in UTC)" in told["lead"]["text"][0]
    page = tdm_audit(*given, "--format", "html").stdout
    assert "#bases" in page
    assert "#signals" not in page
    assert "of planned places" not in page


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A database of four runs, with two versions of a dataset, and one more dataset."""
    path = tmp_path_factory.mktemp("several") / "audit.db"
    with closing(connect(path, create=True)) as db:
        ingest(db)
        for n, robots in ((0, OPEN), (10, ALL), (20, 404), (30, CLOSED)):
            store(db, visit(n, robots), started=day(n))
        silent = Origin(scheme="https", host="b.test", port=443, site="b.test")
        with transaction(db):
            new = replace(DATASET, files=(("d", 9, "1" * 64),), rows=6)
            counted = [("a.test", HOST, 4, None, ["/x"]), ("b.test", silent, 2, None, [])]
            evidence_writer.add_dataset(db, new, counted, day(31))
            weighed = replace(DATASET, path="e", weight_column="tokens", rows=9)
            evidence_writer.add_dataset(db, weighed, [("a.test", HOST, 9, 5.0, [])], day(32))
        rebuild(db, chosen=SIGNALS)
    return path


SCOPES = [
    (),
    ("--dataset", "e", "--purpose", "ai_input"),
    ("--dataset", "d@1"),
    ("--as-of", day(15)),
    ("--as-of", day(25)[:10], "--purpose", "ai_train"),
    ("--as-of", day(15), "--max-distance", "3.5"),
    ("--as-of", day(15)[:10], "--dataset", "d@1"),
    ("--as-of", day(35), "--dataset", "d", "--purpose", "search"),
]


@pytest.mark.parametrize("scope", SCOPES, ids=" ".join)
def test_the_sql_of_a_report_gives_its_numbers_on_the_database_as_it_stands(
    several, tdm_audit, scope
):
    def report(form, *options):
        done = tdm_audit("report", "--db", several, "-o", "-", "--format", form, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = json.loads(report("json", *scope))
    parts = {"lead": told["lead"], **told["figures"]}
    tables = {(part, name): t for part, one in parts.items() for name, t in one["tables"].items()}
    page, markdown = Page(report("html", *scope)), report("md", *scope)
    printed = sorted(sql for queries in page.sql.values() for sql in queries)
    assert printed == sorted(table["sql"] for table in tables.values())
    # As in a shell or in Datasette: a connection that knows nothing of the time or the dataset.
    with closing(sqlite3.connect(several.as_uri() + "?mode=ro", uri=True)) as db:
        for name, table in tables.items():
            assert table["sql"] in markdown
            cursor = db.execute(table["sql"])
            columns = [column[0] for column in cursor.description]
            found = [dict(zip(columns, row, strict=True)) for row in cursor]
            assert found == table["rows"], name
    if "--as-of" in scope:
        today = json.loads(report("json"))["figures"]["answer"]["tables"]["bounds"]["rows"]
        assert tables["answer", "bounds"]["rows"] != today


def test_the_sql_of_a_time_may_run_in_serve(several, tdm_audit):
    given = ("--as-of", day(15), "--dataset", "d@1", "--format", "json")
    told = json.loads(tdm_audit("report", "--db", several, "-o", "-", *given).stdout)
    with closing(sqlite3.connect(several, factory=GuardedConnection)) as db:
        db.guard(lambda: None)
        for figure in told["figures"].values():
            for table in figure["tables"].values():
                assert len(db.execute(table["sql"]).fetchall()) == len(table["rows"])
