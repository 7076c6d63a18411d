"""`tdm-audit report`: numbers come from the SQL beside them, and strangers' text stays text."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from html.parser import HTMLParser

import pytest

from crawler import rulesets
from crawler.commands.report import Format, ReportRequest, report_text
from crawler.model import Origin
from crawler.reports.dataset_report import curve, words
from crawler.reports.dataset_report.build import NothingToReportError
from crawler.store import derived, evidence_writer
from crawler.store.database import connect, connect_read_only, transaction
from crawler.vocab import Purpose, State

AT = "2026-11-22T00:00:00.000Z"
# What a page must not have: anything that is loaded or run.
LOADING = {"script", "link", "img", "iframe", "object", "embed", "source", "base", "form"}


class Page(HTMLParser):
    """Collects, for each section, its SQL and the numbers marked as data; and all tags."""

    def __init__(self, text):
        super().__init__()
        self.sql, self.numbers, self.tags, self.text = {}, {}, [], []
        self.section, self._in_code = "lead", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        if tag == "section":
            self.section = given["id"]
        elif tag == "data":
            self.numbers.setdefault(self.section, []).append(float(given["value"]))
        elif tag == "pre":
            self.sql.setdefault(self.section, []).append("")
            self._in_code = True

    def handle_endtag(self, tag):
        if tag == "pre":
            self._in_code = False

    def handle_data(self, data):
        self.text.append(data)
        if self._in_code:
            self.sql[self.section][-1] += data


@pytest.fixture(scope="module")
def db(demo_output):
    with closing(connect_read_only(demo_output / "audit.db")) as db:
        yield db


FIGURES = (
    "answer states readings coverage signals agents leverage sites named conflicts prose".split()
)


@pytest.mark.parametrize("purpose", Purpose)
def test_every_number_on_the_page_is_given_by_the_sql_of_its_figure(db, purpose):
    page = Page(report_text(db, ReportRequest(purpose=purpose, top=10)))
    assert [s for s in page.sql if s != "lead"] == FIGURES
    for section, queries in page.sql.items():
        given = set()
        for sql in queries:
            cells = (cell for row in db.execute(sql).fetchall() for cell in row)
            given |= {float(cell) for cell in cells if isinstance(cell, int | float)}
        printed = page.numbers.get(section, [])
        # A state that no row has is no row of the query either.
        assert set(printed) - given <= {0.0}, section
        assert printed or section in ("agents", "leverage", "conflicts", "prose")


def test_json_has_the_rows_of_its_own_sql(db):
    report = json.loads(report_text(db, ReportRequest(form=Format.JSON)))
    assert list(report["figures"]) == FIGURES
    for figure in (*report["figures"].values(), report["lead"]):
        for table in figure["tables"].values():
            cursor = db.execute(table["sql"])
            names = [column[0] for column in cursor.description]
            assert [dict(zip(names, row, strict=True)) for row in cursor] == table["rows"]
    for figure in report["figures"].values():
        assert figure["title"]
        assert re.search(r"\d|sites|origins", figure["unit"], re.IGNORECASE)


def test_the_summary_says_rows_and_weight_and_what_is_unknown(db):
    lead = json.loads(report_text(db, ReportRequest(form=Format.JSON)))["lead"]["text"]
    shown, least, most, unknown = db.execute(
        "SELECT share_shown, share_min, share_max, share_unknown FROM dataset_bounds "
        "WHERE purpose = 'genai_train' AND unit = 'rows'"
    ).fetchone()
    (origins,) = db.execute("SELECT origins FROM datasets").fetchone()
    assert lead[0].startswith(f"On {origins} source origins of this dataset, asked ")
    assert f"for {words.share(shown)} of the rows and " in lead[0]
    assert "of the tokens." in lead[0]
    assert f"narrowest reading gives {words.share(least)} of the rows and " in lead[-1]
    assert f"the widest {words.share(most)} of the rows and " in lead[-1]
    assert f"not consent; {words.share(unknown)} of the rows are unknown" in lead[-1]


def test_nothing_is_loaded_and_nothing_is_run(db):
    page = Page(report_text(db, ReportRequest()))
    names = {tag for tag, _ in page.tags}
    assert not names & LOADING
    for tag, given in page.tags:
        assert not [name for name in given if name.startswith("on")], tag
        assert "src" not in given
        assert given.get("href", "#").startswith("#")
        assert "url(" not in (given.get("style") or "")
    policy = [g["content"] for t, g in page.tags if g.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


@pytest.mark.parametrize("form", Format)
def test_equal_databases_give_equal_bytes(form, demo_output, demo_db_copy, tdm_audit, tmp_path):
    with closing(sqlite3.connect(demo_db_copy)) as copy:
        copy.execute("VACUUM")
    for db, out in ((demo_output / "audit.db", "a"), (demo_db_copy, "b")):
        done = tdm_audit("report", "--db", db, "-o", tmp_path / f"{out}.{form}")
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / f"a.{form}").read_bytes() == (tmp_path / f"b.{form}").read_bytes()


def test_the_demo_leaves_its_report(demo_output, db):
    assert (demo_output / "report.html").read_text("utf-8") == report_text(db, ReportRequest())


def make(path, hosts, *, name="x", weight_column="tokens", state=State.RESERVED):
    """A database with a row from each host, judged, with that state for all of them."""
    db = connect(path, create=True)
    rules = rulesets.load("signals")
    dataset = evidence_writer.NewDataset(
        path=name, files=((name, 0, "0" * 64),), format="text", url_column="url",
        weight_column=weight_column, rows=len(hosts), rejects=(),
    )  # fmt: skip
    weight = 2.0 if weight_column else None
    counted = [(h, Origin(scheme="https", host=h, port=443, site=h), 1, weight, ()) for h in hosts]
    with transaction(db):
        evidence_writer.add_dataset(db, dataset, counted, AT)
        derived.save_rule_sets(db, [rules], rules)
        db.execute(
            "INSERT INTO run (started_at, command, version, versions, settings, user_agent, "
            "suffix_list, catalogue) VALUES (?, 'c', '0', '{}', '{}', ?, 's', 'c')",
            (AT, f"{name} agent"),
        )
        db.execute(
            "INSERT INTO finding (origin, rules, purpose, state, conflict, complete, headline, "
            "detail) SELECT id, ?, purpose.name, ?, 0, 1, 0, '' FROM origin CROSS JOIN purpose",
            (rules.label, state),
        )
    return db


HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m\"'&|`[x](http://a.example)"


@pytest.mark.parametrize("form", Format)
def test_hostile_text_is_shown_as_text(form, tmp_path):
    with closing(make(tmp_path / "a.db", [HOSTILE], name=HOSTILE, weight_column=HOSTILE)) as db:
        text = report_text(db, ReportRequest(form=form))
    assert "\x1b" not in text
    assert "\u202e" not in text
    if form is Format.HTML:
        page = Page(text)
        assert not {tag for tag, _ in page.tags} & LOADING
        assert "".join(page.text).count("<script>alert(1)</script>\\u202e\\x1b[31m\"'&|`") >= 4
    elif form is Format.MARKDOWN:
        assert "<script" not in text
        assert not re.search(r"(?<!\\)\[x\]", text)
    else:
        assert json.loads(text)["dataset"] == HOSTILE


def test_a_page_is_small_however_large_the_dataset_is(tmp_path):
    hosts = [f"{'h' * 60}.{'i' * 60}.{'j' * 60}.{n}.example" for n in range(3000)]
    with closing(make(tmp_path / "a.db", hosts)) as db:
        text = report_text(db, ReportRequest(top=100))
    assert len(text.encode()) <= 300_000
    assert text.count("<tr>") > 100


def test_without_a_weight_column_nothing_is_said_of_weight(tmp_path):
    with closing(make(tmp_path / "a.db", ["a.example"], weight_column="")) as db:
        text = report_text(db, ReportRequest(form=Format.MARKDOWN))
    assert "tokens" not in text
    assert "**100\u00a0%** of the rows." in text


def test_a_dataset_with_nothing_in_it_has_a_report(tmp_path):
    with closing(make(tmp_path / "a.db", ["a.example"], state=State.SILENT)) as db:
        db.execute("DELETE FROM finding")
        for form in Format:
            assert report_text(db, ReportRequest(form=form))


def test_what_cannot_be_reported_is_said_in_a_sentence(tmp_path, db):
    with (
        closing(connect(tmp_path / "empty.db", create=True)) as empty,
        pytest.raises(NothingToReportError, match="has no dataset; run `tdm-audit crawl`"),
    ):
        report_text(empty, ReportRequest())
    with pytest.raises(NothingToReportError, match="there is no dataset 7; there is 1"):
        report_text(db, ReportRequest(dataset=7))
    with closing(make(tmp_path / "a.db", ["a.example"])) as unjudged:
        unjudged.execute("UPDATE ruleset SET chosen = 0")
        with pytest.raises(NothingToReportError, match="run `tdm-audit judge` first"):
            report_text(unjudged, ReportRequest())


def test_the_command_writes_to_standard_output_and_by_suffix(demo_output, tdm_audit, tmp_path):
    words_ = ["report", "--db", demo_output / "audit.db"]
    assert json.loads(tdm_audit(*words_, "-o", "-", "--format", "json").stdout)["figures"]
    assert tdm_audit(*words_, "-o", "-").stdout.startswith("<!doctype html>")
    assert tdm_audit(*words_, "-o", tmp_path / "a.md").returncode == 0
    assert (tmp_path / "a.md").read_text("utf-8").startswith("# Text and data mining")
    missing = tdm_audit("report", "--db", tmp_path / "none.db", "-o", tmp_path / "b.html")
    assert missing.returncode == 1
    assert "there is no database at" in missing.stderr
    assert not (tmp_path / "b.html").exists()


def test_several_datasets_are_told_apart(demo_db_copy):
    shutil.copy(demo_db_copy, demo_db_copy.with_name("two.db"))
    with closing(connect(demo_db_copy.with_name("two.db"))) as db:
        dataset = evidence_writer.NewDataset(
            path="second.csv", files=(("second.csv", 0, "1" * 64),), format="csv",
            url_column="url", weight_column="", rows=3, rejects=(("empty", 1, ""),),
        )  # fmt: skip
        origin = Origin(scheme="https", host="new.example", port=443, site="new.example")
        with transaction(db):
            counted = [("new.example", origin, 2, None, ())]
            evidence_writer.add_dataset(db, dataset, counted, AT)
        newest = json.loads(report_text(db, ReportRequest(form=Format.JSON)))
        first = json.loads(report_text(db, ReportRequest(form=Format.JSON, dataset=1)))
    assert newest["dataset"] == "second.csv"
    assert newest["figures"]["answer"]["tables"]["bounds"]["rows"][1]["unknown"] == 3
    assert "Of all datasets in the database." in newest["figures"]["coverage"]["unit"]
    assert first["dataset"] != "second.csv"


SHARES = [
    (None, "–"), (0, "0\u00a0%"), (1e-9, "<\u00a00.1\u00a0%"), (0.295, "29.5\u00a0%"),
    (0.99999, ">\u00a099.9\u00a0%"), (1, "100\u00a0%"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), SHARES)
def test_little_is_not_nothing_and_much_is_not_all(value, text):
    assert str(words.share(value)) == text


@pytest.mark.parametrize(("value", "text"), [(999, "999"), (25_765_159_890, "25.8\u00a0billion")])
def test_amounts(value, text):
    assert str(words.amount(value)) == text


@pytest.mark.parametrize("found", [[(1, 0.00001)], [(1, 0.3), (2, 0.4)], [(1, 0.9), (10**5, 1.0)]])
def test_the_curve_stays_in_its_frame(found):
    drawn = curve.of(found)
    assert drawn is not None
    for x, y in drawn.points:
        assert drawn.left <= x <= drawn.right
        assert 0 <= y <= drawn.height
    assert curve.of([]) is None
