"""Commands that read say of an audit in parts what they say of one file with the same evidence."""

import contextlib
import csv
import io
import json
import re
import sqlite3
from contextlib import closing

import duckdb
import pyarrow.parquet as pq
import pytest

from crawler import rulesets
from crawler.cli._parts import opened_for_reading
from crawler.reports.export import export_parquet, export_text
from crawler.store import as_of
from crawler.store.database import public_views
from crawler.store.figures import Table
from tests.audit_in_parts import folders
from tests.conftest import run
from tests.store.test_two_engines import make

PARTS = 3
#: A day between the two runs.
BETWEEN = "2027-01-20"
ROBOTS = "User-agent: GPTBot\nDisallow: /\n"
#: Views with numbers that each part counts for itself.
COUNTED = {"runs": ("run",), "observations": ("run",), "changes": ("run",), "judgings": ()}
_HOST = {
    **dict.fromkeys(("robots", "ai", "tdmrep", "rsl", "holder", "trust"), ""),
    **{"headers": (), "rows": 3, "later": None, "is_seen": True},
}


@pytest.fixture(scope="module")
def of_demo(demo_output, tmp_path_factory):
    """The demo as one file, and the same evidence in parts."""
    file = demo_output / "audit.db"
    folder = tmp_path_factory.mktemp("demo_in_parts")
    return file, folders.cut_into(folder, file, PARTS, rulesets.load("signals"))


@pytest.fixture(scope="module")
def of_two_runs(tmp_path_factory):
    """Evidence of two runs, in which hosts changed, as one file and in parts."""
    folder = tmp_path_factory.mktemp("two_runs")
    hosts = [
        _HOST | {"site": site, "rows": n + 1, "robots": before, "later": after}
        for n, (site, before, after) in enumerate(
            zip("aabbcdef", ["", ROBOTS] * 4, [ROBOTS, "", None, ROBOTS] * 2, strict=True)
        )
    ]
    file = make(folder, hosts)
    return file, folders.cut_into(folder, file, PARTS, rulesets.load("signals"))


def both(audits, command, *more, status=0):
    """Run a command on the file and on the folder; return what it prints."""
    printed = []
    for db in audits:
        done = run(*command, "--db", db, *more)
        assert done.returncode == status, done.stderr
        printed.append(done.stdout)
    return printed


def reports(audits, *more):
    return map(json.loads, both(audits, ("report", "-o", "-", "--format", "json"), *more))


def test_a_report_on_a_folder_is_that_of_a_file(of_demo):
    of_file, of_folder = reports(of_demo)
    how = of_folder["how"]
    newest, made = how.pop("newest run"), of_file["how"].pop("newest run")
    assert (newest[:8], made[:5]) == ("that of ", "run 1")
    assert "tdm-audit export --sql" in how.pop("to repeat")
    assert newest.removeprefix(f"that of each of {PARTS} parts") == made.removeprefix("run 1")
    of_file["how"].pop("to repeat")
    assert of_folder == of_file


@pytest.mark.parametrize(("given", "figures"), [((), 11), (("--as-of", BETWEEN), 6)])
def test_each_number_of_a_report_is_given_by_its_sql_in_any_duckdb(
    given, figures, of_two_runs, tmp_path
):
    (found,) = reports(of_two_runs[1:], *given)
    script = tmp_path / "views.sql"
    done = run("export", "--sql", "--db", of_two_runs[1], "-o", script)
    assert done.returncode == 0, done.stderr
    shown = {"lead": found["lead"], **found["figures"]}
    with closing(duckdb.connect()) as duck:
        duck.execute(script.read_text())
        for figure, told in shown.items():
            for name, table in told["tables"].items():
                query = duck.execute(table["sql"])
                columns = tuple(column[0] for column in query.description)
                made = Table(sql="", columns=columns, rows=tuple(query.fetchall()))
                for row, expected in zip(made.dicts(), table["rows"], strict=True):
                    assert row == pytest.approx(expected), (figure, name)
    assert len(shown) == 1 + figures


def test_a_report_tells_no_number_above_32_bits(of_two_runs):
    for form in ("html", "md"):
        _, of_folder = both(of_two_runs, ("report", "-o", "-", "--format", form))
        # Digits of a digest are no number.
        found = re.findall(r"(?<![0-9a-f])\d{10,}(?![0-9a-f])", of_folder)
        assert not [number for number in found if int(number) >> 32]


def dataset_name(audits, name):
    with closing(sqlite3.connect(audits[0])) as db:
        query = "SELECT name FROM dataset WHERE path LIKE ?"
        return db.execute(query, (f"%{name}",)).fetchone()[0]


@pytest.mark.parametrize("view", ["reservations", "sites", "dataset_summary", "datasets"])
def test_an_export_of_one_dataset_of_several(of_two_runs, view):
    chosen = ("--dataset", f"{dataset_name(of_two_runs, 'e.txt')}@1")
    of_file, of_folder = both(of_two_runs, ("export", view, "-o", "-"), *chosen)
    assert of_folder == of_file
    assert of_folder not in both(of_two_runs, ("export", view, "-o", "-"))


@pytest.mark.parametrize("name", ["d.csv", "e.txt"])
def test_a_report_on_one_dataset_of_several(of_two_runs, name):
    of_file, of_folder = reports(of_two_runs, "--dataset", dataset_name(of_two_runs, name))
    for told in (of_file, of_folder):
        del told["how"]
    assert of_folder["lead"]["text"] == of_file["lead"]["text"]
    assert numbers(of_folder) == numbers(of_file)
    assert of_folder["change"] == of_file["change"]


@pytest.mark.parametrize("given", [BETWEEN, "2027-01-02", "2027-02-03", "2000-01-01"])
@pytest.mark.parametrize("distance", [(), ("--max-distance", "1")])
def test_a_report_of_a_time_in_the_past(of_two_runs, given, distance):
    of_file, of_folder = reports(of_two_runs, "--as-of", given, *distance)
    assert numbers(of_folder) == numbers(of_file)
    assert of_folder["lead"]["text"] == of_file["lead"]["text"]


@pytest.mark.parametrize("view", as_of.VIEWS)
def test_an_export_of_a_time_in_the_past(of_two_runs, view):
    of_file, of_folder = both(of_two_runs, ("export", view, "-o", "-"), "--as-of", BETWEEN)
    assert of_folder == of_file != ""


def numbers(report):
    return {
        (figure, name): table["rows"]
        for figure, told in report["figures"].items()
        for name, table in told["tables"].items()
    }


@pytest.fixture(scope="module")
def opened(of_demo, of_two_runs):
    """Connections to the files, and to the folders with the same evidence."""
    with contextlib.ExitStack() as stack:
        yield [
            [stack.enter_context(opened_for_reading(db)) for db in audits]
            for audits in (of_demo, of_two_runs)
        ]


@pytest.mark.parametrize("view", public_views())
def test_an_export_of_a_folder_is_that_of_a_file(view, opened):
    for file, folder in opened:
        of_file, of_folder = exported(file, view), exported(folder, view)
        if view in COUNTED:
            assert rows_without(of_folder, view) == rows_without(of_file, view)
        else:
            assert of_folder == of_file


def exported(db, view):
    out = io.StringIO()
    export_text(db, view, out, "csv")
    return out.getvalue()


def rows_without(text, view):
    """The rows of a CSV without numbers that a part counts; each once, since parts repeat them."""
    found = list(csv.DictReader(io.StringIO(text)))
    if view in ("runs", "judgings"):
        return {row.get("started_at") for row in found}
    return [{k: v for k, v in row.items() if k not in COUNTED[view]} for row in found]


@pytest.mark.parametrize("view", ["dataset_bounds", "reservations", "leverage", "changes"])
def test_columns_of_parquet_have_the_types_that_they_have_from_a_file(view, opened):
    tables = []
    for db in opened[1]:
        out = io.BytesIO()
        export_parquet(db, view, out)
        tables.append(pq.read_table(io.BytesIO(out.getvalue())))
    assert tables[1].schema == tables[0].schema
    assert tables[1].num_rows == tables[0].num_rows > 0


@pytest.mark.parametrize("form", ["table", "json", "csv", "atom"])
def test_changes_of_a_folder_are_those_of_a_file(form, of_two_runs):
    of_file, of_folder = both(of_two_runs, ("changes",), "--format", form, "--since", "2027-01-01")
    if form in ("json", "csv"):
        of_file, of_folder = (
            re.sub(r"(\"run\": |,)\d+(?=,)", r"\1", t) for t in (of_file, of_folder)
        )
    assert of_folder == of_file != ""
    assert "began" in of_folder


def test_changes_of_a_kind_are_a_status(of_two_runs):
    both(of_two_runs, ("changes",), "--fail-on", "began", status=5)
    both(of_two_runs, ("changes",), "--until", "2020-01-01", "--fail-on", "began")


def test_a_run_names_nothing_in_parts(of_two_runs):
    done = run("changes", "--db", of_two_runs[1], "--since", "1")
    assert done.returncode == 2
    assert "each part of an audit counts its own runs, so 1 names none; give a date" in done.stderr


def test_sql_is_for_an_audit_in_parts(of_demo, tmp_path):
    done = run("export", "--sql", "--db", of_demo[0], "-o", tmp_path / "views.sql")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "is a database that has its views in it" in done.stderr
    done = run("export", "sites", "--sql", "--db", of_demo[1], "-o", "-")
    assert "leave out sites" in done.stderr
    assert "name a file" in run("export", "--sql", "--db", of_demo[1]).stderr


@pytest.mark.parametrize("command", [("report",), ("changes",), ("export", "sites", "-o", "-")])
def test_a_folder_that_is_no_audit_is_wrong_usage(command, tmp_path):
    done = run(*command, "--db", tmp_path)
    assert done.returncode == 2
    assert "has no plan.json" in done.stderr
