"""Exports: formulas are neutralised in CSV only, and no failure to write leaves a traceback."""

import csv
import io
import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crawler.commands.judge import rebuild
from crawler.reports import export
from crawler.store import queries
from crawler.store.database import connect, public_views
from tests.store.test_order import RESERVES, SIGNALS, day, ingest, look, store

# H5: cells that a spreadsheet would calculate, and neighbours that it would not.
CELLS = [
    ("=", "=HYPERLINK(\"http://a.example\",\"x\")", True),
    ("+", "+49 40 1234", True),
    ("-", "-1+1|cmd", True),
    ("@", "@SUM(1)", True),
    ("tab", "\t=1", True),
    ("carriage return", "\r=1", True),
    ("a minus alone", "-", True),
    ("a number as text", "-1", True),
    ("a number", -1, False),
    ("a real number", -1.5, False),
    ("empty", "", False),
    ("nothing", None, False),
    ("inside", "a=1", False),
    ("an apostrophe", "'=1", False),
    ("a blank first", " =1", False),
    ("a full-width sign", "\uff1d1", False),
]  # fmt: skip


@pytest.fixture
def view(monkeypatch):
    """Make the view `parties` that of a table with one text, and return its database."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE parties (n INTEGER PRIMARY KEY, said)")
        columns = {"parties": ("", {"n": "", "said": ""})}
        monkeypatch.setattr(export, "public_views", lambda: columns)
        yield db


@pytest.mark.parametrize(
    ("cell", "is_formula"), [c[1:] for c in CELLS], ids=[f"H5: {c[0]}" for c in CELLS]
)
def test_csv_has_no_formulas_and_the_others_are_letter_true(cell, is_formula, view, tmp_path):
    view.execute("INSERT INTO parties VALUES (1, ?)", (cell,))
    for name, raw in (
        ("a.csv", False),
        ("raw.csv", True),
        ("a.jsonl", False),
        ("a.parquet", False),
    ):
        assert export.export(view, "parties", tmp_path / name, raw=raw) == 1

    def cell_of(name):
        text = (tmp_path / name).read_bytes().decode()
        return list(csv.reader(io.StringIO(text, newline="")))[1][1]

    as_text = "" if cell is None else str(cell)
    assert cell_of("a.csv") == ("'" if is_formula else "") + as_text
    assert cell_of("raw.csv") == as_text
    assert json.loads((tmp_path / "a.jsonl").read_text("utf-8"))["said"] == cell
    assert pq.read_table(tmp_path / "a.parquet")["said"].to_pylist() == [cell]


def test_the_format_may_differ_from_the_suffix(view, tmp_path):
    view.execute("INSERT INTO parties VALUES (1, 'a')")
    export.export(view, "parties", tmp_path / "a.txt", "jsonl")
    assert json.loads((tmp_path / "a.txt").read_text()) == {"n": 1, "said": "a"}


def test_parquet_may_go_to_a_stream(view):
    view.execute("INSERT INTO parties VALUES (1, 'a')")
    out = io.BytesIO()
    assert export.export_parquet(view, "parties", out) == 1
    assert pq.read_table(io.BytesIO(out.getvalue())).to_pylist() == [{"n": 1, "said": "a"}]


def test_formats_are_those_of_the_command(tdm_audit):
    said = tdm_audit("export", "--help").stdout
    assert f"[{'|'.join(export.formats())}]" in said


def test_a_planted_link_is_not_followed(view, tmp_path):
    (tmp_path / "victim").write_text("kept")
    (tmp_path / f".a.csv.{os.getpid()}.part").symlink_to(tmp_path / "victim")
    export.export(view, "parties", tmp_path / "a.csv")
    assert (tmp_path / "victim").read_text() == "kept"
    assert (tmp_path / "a.csv").read_text() == "n,said\n"


def test_a_device_is_written_to_and_stays(demo_output, tdm_audit):
    words = ["export", "runs", "--db", demo_output / "audit.db", "--format", "csv", "-o"]
    assert tdm_audit(*words, "/dev/null").returncode == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_an_unknown_view_is_refused(view, tmp_path):
    assert "parties" in public_views()
    with pytest.raises(export.ExportError, match="no view 'none'"):
        export.export(view, "none", tmp_path / "a.csv")


EXPORTED = ["observations", "findings", "coverage", "statements", "trail"]


@pytest.mark.parametrize("view", EXPORTED)
def test_exports_do_not_depend_on_the_numbers_of_rows(view, tmp_path):
    written = []
    for order in (1, -1):
        name = f"{order}.db"
        with closing(connect(tmp_path / name, create=True)) as db:
            ingest(db)
            for visit in [look(day(n), 200, RESERVES) for n in (1, 2)][::order]:
                store(db, visit)
            rebuild(db, chosen=SIGNALS)
            columns = [c for c in public_views()[view][1] if c != "run"]
            rows = list(queries.view_rows(db, view, columns))
            written.append(rows)
            assert {row[columns.index("observation")] for row in rows} <= {None} | {
                key for (key,) in db.execute("SELECT natural_key FROM observations")
            }
            out = tmp_path / f"{order}.parquet"
            assert export.export(db, view, out) == len(rows)
            assert pq.read_schema(out).field("observation").type == "string"
    assert written[0] == written[1] != []
