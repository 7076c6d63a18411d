"""`report` and `export` with `--as-of`: states of a time, and nothing that is of the present."""

import csv
import io
import json

import pytest

from crawler.store.as_of import HISTORY_COLUMNS

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
