"""`dataset_bounds`: three readings, in order for any evidence, and equal to those of Python."""

from contextlib import closing
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import rulesets
from crawler.commands.ingest import IngestRequest, ingest
from crawler.model import Origin
from crawler.store import bounds, derived, evidence_writer, summaries
from crawler.store.database import connect, transaction
from crawler.vocab import Purpose, State

UNITS = {"rows", "weight", "origins", "sites"}
SETS = ("strict", "signals", "inclusive")
# Of an origin: its site, its weight, and its states under the rule sets; None: it was not judged.
ORIGIN = st.tuples(
    st.sampled_from("abc"),
    st.integers(0, 9),
    st.none() | st.tuples(*[st.sampled_from(State)] * len(SETS)),
)


def make(path, origins, *, chosen="signals", weighted=True):
    """A database with those origins, each with one row more than the one before it."""
    db = connect(path, create=True)
    judged = [rulesets.load(name) for name in SETS]
    with transaction(db):
        derived.save_rule_sets(db, judged, rulesets.load(chosen))
        counted = [
            (
                f"h{n}.{site}.test",
                Origin(scheme="https", host=f"h{n}.{site}.test", port=443, site=f"{site}.test"),
                n,
                float(weight) if weighted else None,
                (),
            )
            for n, (site, weight, _) in enumerate(origins, start=1)
        ]
        dataset = evidence_writer.NewDataset(
            path="x", files=(("x", 0, "0" * 64),), format="text", url_column="url",
            weight_column="w" if weighted else "", rows=sum(row[2] for row in counted) + 5,
            rejects=(("empty", 5, ""),),
        )  # fmt: skip
        evidence_writer.add_dataset(db, dataset, counted, "2026-11-22T00:00:00.000Z")
        for (host, *_), (*_, states) in zip(counted, origins, strict=True):
            for rules, state in zip(judged, states or (), strict=False):
                db.execute(
                    "INSERT INTO finding (origin, rules, purpose, state, conflict, complete, "
                    "headline, detail) SELECT id, ?, 'tdm', ?, 0, 1, 0, '' FROM origin "
                    "WHERE key = ?",
                    (rules.label, state, host),
                )
        summaries.add_missing(db)
    return db


def found(db, purpose="tdm"):
    query = (
        "SELECT unit, reserved_min, reserved_shown, reserved_max, unknown, total, share_min, "
        "share_shown, share_max, share_unknown FROM dataset_bounds WHERE purpose = ?"
    )
    return {unit: numbers for unit, *numbers in db.execute(query, (purpose,))}


def expected(origins, chosen):
    """The bounds of rows and of weight, by the definition in Python."""
    sums = {"rows": [0, 0, 5], "weight": [0, 0, 0]}
    for n, (_, weight, states) in enumerate(origins, start=1):
        by_set = dict(zip(SETS, states or (State.UNKNOWN,) * len(SETS), strict=True))
        within = bounds.readings(by_set["strict"], by_set[chosen], by_set["inclusive"])
        for unit, size in (("rows", n), ("weight", weight)):
            sums[unit] = [s + size * w for s, w in zip(sums[unit], within, strict=True)]
    return sums


@settings(max_examples=40)
@given(st.lists(ORIGIN, min_size=1, max_size=8), st.sampled_from(SETS))
def test_bounds_are_in_order_in_every_unit(tmp_path_factory, origins, chosen):
    path = tmp_path_factory.mktemp("bounds") / "a.db"
    with closing(make(path, origins, chosen=chosen)) as db:
        by_unit = found(db)
        by_python = expected(origins, chosen)
    assert set(by_unit) == UNITS
    for unit, (least, shown, most, unknown, total, *_) in by_unit.items():
        assert 0 <= least <= shown <= most <= total, unit
        assert shown <= total - unknown or unit == "sites", unit
        assert unknown <= most, unit
        if unit in by_python:
            assert [least, shown, most] == by_python[unit], unit


def test_every_combination_of_states_is_in_order():
    for states in product(State, repeat=3):
        narrowest, shown, widest = bounds.readings(*states)
        assert narrowest <= shown <= widest


def test_shares_are_of_the_total(tmp_path):
    three = [("a", 1, (State.RESERVED,) * 3), ("b", 2, (State.SILENT,) * 3), ("b", 7, None)]
    with closing(make(tmp_path / "a.db", three)) as db:
        assert found(db) == {
            "rows": [1, 1, 9, 8, 11, 0.090909, 0.090909, 0.818182, 0.727273],
            "weight": [1.0, 1.0, 8.0, 7.0, 10.0, 0.1, 0.1, 0.8, 0.7],
            "origins": [1, 1, 2, 1, 3, 0.333333, 0.333333, 0.666667, 0.333333],
            "sites": [1, 1, 2, 1, 2, 0.5, 0.5, 1.0, 0.5],
        }


def test_without_a_weight_column_there_is_no_line_of_weight(tmp_path):
    with closing(make(tmp_path / "a.db", [("a", 1, None)], weighted=False)) as db:
        assert set(found(db)) == UNITS - {"weight"}


def test_what_was_never_judged_is_unknown_for_every_purpose(tmp_path):
    with closing(make(tmp_path / "a.db", [("a", 1, None), ("b", 1, None)])) as db:
        for purpose in Purpose:
            assert found(db, purpose)["origins"] == [0, 0, 2, 2, 2, 0.0, 0.0, 1.0, 1.0]


DOMAINS = [
    ("https://blog.github.io/", "blog.github.io", "github.io"),
    ("https://a.b.example.co.uk/", "example.co.uk", "example.co.uk"),
    ("https://shop.blogspot.com/", "shop.blogspot.com", "blogspot.com"),
    ("http://192.0.2.1/", "192.0.2.1", "192.0.2.1"),
]


@pytest.mark.parametrize("drop", [False, True], ids=["at ingest", "at an upgrade"])
def test_a_site_has_its_domain_without_private_suffixes(tmp_path, drop):
    (tmp_path / "urls.txt").write_text("".join(f"{url}\n" for url, _, _ in DOMAINS))
    with closing(connect(tmp_path / "a.db", create=True)) as db:
        ingest(db, tmp_path / "a.db", IngestRequest(datasets=(str(tmp_path / "urls.txt"),)))
        if drop:
            db.execute("DELETE FROM site_domain")
            db.execute("PRAGMA user_version = 1")
    with closing(connect(tmp_path / "a.db")) as db:
        query = "SELECT site, domain FROM dataset_sites ORDER BY site"
        assert db.execute(query).fetchall() == sorted(row[1:] for row in DOMAINS)
