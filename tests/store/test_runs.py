"""Which origins a run asks, and in which order."""

from contextlib import closing

import pytest

from crawler.model import Origin
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, transaction
from tests.store.conftest import AT, NEW_RUN


def at(host):
    return Origin(scheme="https", host=host, port=443, site=host)


@pytest.fixture
def db(tmp_path):
    with closing(connect(tmp_path / "audit.db", create=True)) as connection:
        yield connection


def ingested(db, rows, name="d.csv"):
    new = evidence_writer.NewDataset(
        path=name, files=((name, 1, name.ljust(64, "0")),), format="csv", url_column="url",
        weight_column="", rows=9, rejects=(),
    )  # fmt: skip
    origins = [
        (host, at(host), count, weight, [f"https://{host}/a"]) for host, count, weight in rows
    ]
    with transaction(db):
        return evidence_writer.add_dataset(db, new, origins, AT)


def due(dataset, **facts):
    facts = {"run": 1, "fresh_since": "2026-11-21", "limit": None, "pages": 1} | facts
    return runs.Due(datasets=(dataset,), **facts)


ROWS = [("few.example", 1, None), ("many.example", 9, None), ("some.example", 5, None)]


def hosts(db, asked):
    return [origin.host for _, origin, _ in runs.iter_due(db, asked, at_once=2)]


def test_most_rows_come_first(db):
    asked = due(ingested(db, ROWS))
    assert hosts(db, asked) == ["many.example", "some.example", "few.example"]
    assert runs.count_due(db, asked) == 3


def test_weight_goes_before_rows(db):
    asked = due(ingested(db, [("light.example", 9, 1.0), ("heavy.example", 1, 5.0)]), limit=1)
    assert hosts(db, asked) == ["heavy.example"]


def test_a_limit_counts_what_was_visited_already(db):
    dataset = ingested(db, ROWS)
    with transaction(db):
        run = runs.begin_run(db, NEW_RUN, AT)
        many = db.execute("SELECT id FROM origin WHERE host = 'many.example'").fetchone()[0]
        evidence_writer.save_visit(db, run, many, [], AT)
    assert hosts(db, due(dataset, limit=2)) == ["some.example"]
    assert hosts(db, due(dataset, run=2, fresh_since="2027")) == [
        "many.example",
        "some.example",
        "few.example",
    ]


def visited(db, host, *times):
    """Store a visit of an origin for each time, each in a run of its own."""
    origin = db.execute("SELECT id FROM origin WHERE host = ?", (host,)).fetchone()[0]
    with transaction(db):
        for time in times:
            run = runs.begin_run(db, NEW_RUN, AT)
            evidence_writer.save_visit(db, run, origin, [], time)


NOW = {"run": 99, "fresh_since": "2026-11-21T02:30", "now": "2026-11-22T02:30"}


@pytest.mark.parametrize(
    ("times", "is_due", "again"),
    [
        pytest.param(["2026-11-20"], True, (0, ""), id="long ago"),
        pytest.param(["2026-11-21T02:30"], True, (0, ""), id="as old as may be"),
        pytest.param(["2026-11-21T02:31"], False, (0, ""), id="fresh"),
        pytest.param(["2026-11-22T02:30"], False, (0, ""), id="now"),
        pytest.param(["2026-11-22T02:31"], True, (1, "2026-11-22T02:31"), id="a minute ahead"),
        pytest.param(["2027-12-27"], True, (1, "2027-12-27"), id="400 days ahead"),
        pytest.param(["2026-11-21T03", "2027-12-27"], False, (0, ""), id="ahead after fresh"),
        pytest.param(["2027-12-27", "2026-11-21T03"], False, (0, ""), id="fresh after ahead"),
        pytest.param(["2027-12-27", "2026-11-20"], True, (0, ""), id="visited again since"),
        pytest.param(
            ["2028-01-01", "2027-12-27"], True, (1, "2027-12-27"), id="ahead of now twice"
        ),
    ],
)
def test_a_visit_in_the_future_is_due(db, times, is_due, again):
    dataset = ingested(db, [("a.example", 1, None)])
    visited(db, "a.example", *times)
    asked = due(dataset, **NOW)
    assert hosts(db, asked) == ["a.example"] * is_due
    assert runs.count_due_again(db, asked) == again


def test_without_an_age_every_visit_of_another_run_is_due(db):
    dataset = ingested(db, [("a.example", 1, None)])
    for time in ("2026-11-22T02:29:59", "2026-11-22T02:30", "2026-11-22T02:31"):
        visited(db, "a.example", time)
        now = NOW | {"fresh_since": NOW["now"]}
        assert hosts(db, due(dataset, **now)) == ["a.example"]


def test_samples_come_with_an_origin_each_once(db):
    first = ingested(db, ROWS)
    ingested(db, ROWS, "e.csv")
    assert next(samples for _, _, samples in runs.iter_due(db, due(first))) == (
        "https://many.example/a",
    )
    assert next(samples for _, _, samples in runs.iter_due(db, due(first, pages=0))) == ()
