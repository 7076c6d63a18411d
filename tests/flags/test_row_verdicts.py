"""Rows with several URLs: the verdict from SQL is that of the definition in Python."""

import json
from contextlib import closing

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.dataset.columns import url_columns
from crawler.evaluate.url_verdicts import RowVerdict, Verdict, row_verdict, unknown_verdict
from crawler.flags import ALL_COLUMNS, COLUMNS, Flagger
from crawler.flags.reference import ReferenceEvaluator
from crawler.rulesets import load
from crawler.store.database import connect_read_only
from crawler.store.derived import rule_set
from crawler.vocab import Purpose, State

MORE = [None, "", "words", "https://never.example/", "http://unanimous.demo.test/a.html"]


@pytest.fixture(scope="module")
def flagger(demo_output):
    duck = duckdb.connect()
    path = demo_output / "audit.db"
    with closing(connect_read_only(path)) as db, Flagger(path, duck=duck) as opened:
        rules = rule_set(db, None)
        opened.duck = duck
        opened.definition = ReferenceEvaluator(db, rules, (Purpose.GENAI_TRAIN,)).row_verdict
        yield opened


@pytest.fixture(scope="module")
def urls(demo_output):
    return [*MORE, *pq.read_table(demo_output / "dataset.parquet")["url"].to_pylist()]


def flagged(flagger, table, *given):
    """Return the rows of a table as `RowVerdict`, out of SQL."""
    flagger.duck.register("rows_of_test", table)
    chosen = url_columns(flagger.duck.sql("FROM rows_of_test"), given)
    query = chosen.query("row_number() OVER ()", "rows_of_test")
    batches = list(flagger.row_batches(query, chosen))
    flagger.duck.unregister("rows_of_test")
    verdicts = [Verdict(*row.values()) for row in flagger.ids.table().to_pylist()]
    for row in (row for batch in batches for row in batch.to_pylist()):
        states = {s.value: n for s in State if (n := row[f"tdm_urls_{s}"])}
        role = row.get("tdm_decided_by")
        yield RowVerdict(verdicts[row["verdict"]], role, row["tdm_urls"], states)


def defined(flagger, rows):
    # A blank text is no URL of its role or list.
    for row in rows:
        yield flagger.definition([(role, url) for role, url in row if (url or "").strip(" ")])


@given(data=st.data())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lists_are_judged_as_they_are_defined(flagger, urls, data):
    lists = st.lists(
        st.lists(st.sampled_from(urls), max_size=5) | st.none(), min_size=1, max_size=8
    )
    rows = data.draw(lists)
    table = pa.table({"urls": pa.array(rows, pa.list_(pa.string()))})
    wanted = [
        told._replace(decided_by=None)
        for told in defined(flagger, [[("", url) for url in row or ()] for row in rows])
    ]
    assert list(flagged(flagger, table, "urls")) == wanted


@given(data=st.data())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_roles_are_judged_as_they_are_defined(flagger, urls, data):
    one, some = st.sampled_from(urls), st.lists(st.sampled_from(urls), max_size=3)
    rows = data.draw(st.lists(st.tuples(one, some, one), min_size=1, max_size=8))
    pages, assets, licences = zip(*rows, strict=True)
    table = pa.table(
        {
            "p": pa.array(pages, pa.string()),
            "a": pa.array(assets, pa.list_(pa.string())),
            "l": pa.array(licences, pa.string()),
        }
    )
    wanted = defined(
        flagger,
        [
            [("page", page), *(("asset", url) for url in assets), ("licence", licence)]
            for page, assets, licence in rows
        ],
    )
    given_columns = ("page=p", "asset=a", "licence=l")
    assert list(flagged(flagger, table, *given_columns)) == list(wanted)


def test_the_strictest_decides_and_the_first_of_equal_ones():
    rules = load("signals")
    silent, unknown, other = (
        unknown_verdict(reason, Purpose.TDM, rules)._replace(state=state)
        for reason, state in (("a", "silent"), ("b", "unknown"), ("c", "unknown"))
    )
    given_verdicts = [("page", silent), ("asset", unknown), ("licence", other)]
    assert row_verdict(given_verdicts, silent) == RowVerdict(
        unknown, "asset", 3, {"silent": 1, "unknown": 2}
    )
    assert row_verdict([], other) == RowVerdict(other, None, 0, {})


def test_many_urls_in_one_row(flagger):
    rows = [["https://never.example/"] * 70_000 + ["http://unanimous.demo.test/a.html"], []]
    table = pa.table({"urls": rows})
    first, second = flagged(flagger, table, "urls[]")
    assert (first.urls, first.states) == (70_001, {"reserved": 1, "unknown": 70_000})
    assert first.verdict.state == "reserved"
    assert (second.urls, second.verdict.basis) == (0, "no origin: empty")


@pytest.mark.parametrize("blank", [None, "", " "])
def test_a_blank_text_is_no_url_of_its_role(flagger, blank):
    table = pa.table({"p": ["http://unanimous.demo.test/b", blank], "a": [blank, blank]})
    first, second = flagged(flagger, table, "page=p", "asset=a")
    assert (first.verdict.state, first.decided_by, first.urls) == ("reserved", "page", 1)
    assert (second.verdict.basis, second.decided_by, second.urls) == (
        *("no origin: empty", None, 0),
    )


# Files

ROWS = [
    {"page": "https://never.example/", "images": [{"url": "http://unanimous.demo.test/a"}, None]},
    {"page": "http://unanimous.demo.test/b", "images": []},
    {"page": None, "images": None},
]


def run(tdm_audit, demo_output, folder, *options):
    done = tdm_audit("flag", *options, "--db", demo_output / "audit.db", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    lines = [json.dumps(row) for row in ROWS]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\nno object\n")
    return tmp_path


ROLES = ("--url-column", "page=page", "--url-column", "asset=images[].url")


@pytest.mark.parametrize("options", [[], ["--flags-only"]], ids=["whole", "side-car"])
@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_files_with_roles(tdm_audit, demo_output, folder, name, options):
    run(tdm_audit, demo_output, folder, name, "-o", "out.parquet", *ROLES, *options)
    found = pq.read_table(folder / "out.parquet").to_pylist()[:3]
    names = ("tdm_state", "tdm_decided_by", "tdm_urls", "tdm_urls_reserved", "tdm_urls_unknown")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("reserved", "asset", 2, 1, 1),
        ("reserved", "page", 1, 1, 0),
        ("unknown", None, 0, 0, 0),
    ]


def test_lines_keep_their_text_and_get_the_columns(tdm_audit, demo_output, folder):
    given_text = (folder / "a.jsonl").read_text().splitlines()
    for source in ("a.jsonl", "b.jsonl"):  # and again over the columns of the first run
        said = run(tdm_audit, demo_output, folder, source, "-o", f"{source[0]}b.jsonl", *ROLES)
        out = folder / f"{source[0]}b.jsonl"
        (folder / "b.jsonl").write_text(out.read_text())
        lines = out.read_text().splitlines()
        assert lines[3] == given_text[3]
        assert all(
            new.startswith(old[:-1]) for new, old in zip(lines, given_text[:3], strict=False)
        )
        assert lines[0].count('"tdm_urls_reserved": 1') == 1
    assert "URL column: page=page asset=images[].url (given)" in said


def test_no_columns_are_added_for_a_plain_column(tdm_audit, demo_output, folder):
    run(tdm_audit, demo_output, folder, "a.parquet", "-o", "o.parquet", "--url-column", "page")
    names = set(pq.read_schema(folder / "o.parquet").names)
    assert names.isdisjoint(set(ALL_COLUMNS) - set(COLUMNS))


def test_a_guess_without_a_host_writes_nothing(tdm_audit, demo_output, folder):
    pq.write_table(pa.table({"text": ["some words", "more"]}), folder / "t.parquet")
    options = ("t.parquet", "-o", "o.parquet", "--db", demo_output / "audit.db")
    done = tdm_audit("flag", *options, cwd=folder)
    assert done.returncode == 1
    assert "No row has a host in the column text" in done.stderr
    assert not (folder / "o.parquet").exists()
