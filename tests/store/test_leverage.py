"""The view `leverage`, and the shares of `dataset_summary`, on origins made for the purpose."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

from crawler import rulesets
from crawler.model import Origin
from crawler.store import derived, evidence_writer, summaries
from crawler.store.database import connect, transaction

AT = "2026-11-22T00:00:00.000Z"
#: Host, site, rows, weight, and the state for training; the state for search is another.
ORIGINS = [
    ("a.one.example", "one.example", 10, 1.0, "reserved"),
    ("b.one.example", "one.example", 20, 2.0, "conditional"),
    ("two.example", "two.example", 25, 5.0, "reserved"),
    ("three.example", "three.example", 25, 0.5, "partial"),
    ("four.example", "four.example", 10, 0.5, "silent"),
]
REJECTED = 10
COLUMNS = "rank, site, origins, rows, partial_rows, weight, share, cumulative_share"


@pytest.fixture
def made(tmp_path):
    """A database where those origins have those states, with weights or without."""
    with closing(connect(tmp_path / "a.db", create=True)) as db:

        def making(weighted, rules="signals"):
            chosen = rulesets.load(rules)
            with transaction(db):
                _fill(db, weighted, chosen)
            return db

        yield making


def _fill(db, weighted, chosen):
    dataset = evidence_writer.NewDataset(
        path="x",
        files=(("x", 0, "0" * 64),),
        format="text",
        url_column="url",
        weight_column="w" if weighted else "",
        rows=sum(row[2] for row in ORIGINS) + REJECTED,
        rejects=(("empty", REJECTED, ""),),
    )
    counted = [
        (
            host,
            Origin(scheme="https", host=host, port=443, site=site),
            rows,
            w if weighted else None,
            (),
        )
        for host, site, rows, w, _ in ORIGINS
    ]
    evidence_writer.add_dataset(db, dataset, counted, AT)
    derived.save_rule_sets(db, [chosen], chosen)
    for host, _, _, _, state in ORIGINS:
        for purpose, said in (("ai_train", state), ("search", "permitted")):
            db.execute(
                "INSERT INTO finding (origin, rules, purpose, state, conflict, complete, headline, "
                "detail) SELECT id, ?, ?, ?, 0, 1, 0, '' FROM origin WHERE key = ?",
                (chosen.label, purpose, said, host),
            )
    summaries.add_missing(db)


def rows(db, sql):
    return db.execute(sql).fetchall()


def test_without_weights_sites_are_ordered_by_rows(made):
    db = made(weighted=False)
    assert rows(db, f"SELECT {COLUMNS} FROM leverage WHERE purpose = 'ai_train'") == [
        (1, "one.example", 2, 30, 0, None, 0.3, 0.3),
        (2, "three.example", 1, 25, 25, None, 0.25, 0.55),
        (3, "two.example", 1, 25, 0, None, 0.25, 0.8),
    ]


def test_with_weights_sites_are_ordered_by_weight(made):
    db = made(weighted=True)
    assert rows(db, f"SELECT {COLUMNS} FROM leverage") == [
        (1, "two.example", 1, 25, 0, 5.0, 0.555556, 0.555556),
        (2, "one.example", 2, 30, 0, 3.0, 0.333333, 0.888889),
        (3, "three.example", 1, 25, 25, 0.5, 0.055556, 0.944444),
    ]


OWN = ["conditional"], ["reserved", "conditional"], ["silent", "permitted"]


@pytest.mark.parametrize("reserved", OWN, ids=" ".join)
def test_the_rule_set_says_which_states_reserve(made, tmp_path, reserved):
    text = rulesets.load("signals").text.replace('id = "signals"', 'id = "mine"')
    text = re.sub(r"reserved_states = \[.*\]", f"reserved_states = {json.dumps(reserved)}", text)
    (tmp_path / "mine.toml").write_text(text)
    db = made(weighted=False, rules=str(tmp_path / "mine.toml"))
    expected = {site for _, site, _, _, state in ORIGINS if state in reserved}
    found = rows(db, "SELECT site FROM leverage WHERE purpose = 'ai_train'")
    assert {site for (site,) in found} == expected
    assert rows(db, "SELECT DISTINCT rules FROM leverage") == [("mine/2",)]


def test_shares_of_states_by_rows_weight_origins_and_sites(made):
    db = made(weighted=True)
    found = rows(
        db,
        "SELECT state, share, weight_share, origin_share, site_share FROM dataset_summary "
        "WHERE purpose = 'ai_train' ORDER BY state",
    )
    assert found == [
        ("conditional", 0.2, 0.222222, 0.2, 0.25),
        ("partial", 0.25, 0.055556, 0.2, 0.25),
        ("reserved", 0.35, 0.666667, 0.4, 0.5),
        ("silent", 0.1, 0.055556, 0.2, 0.25),
        ("unknown", 0.1, None, 0.0, 0.0),
    ]


def test_of_the_demonstration_the_shares_add_up(query):
    for row in query(
        "SELECT max(rank) AS sites, max(cumulative_share) AS most, sum(share) AS all_, "
        "sum(rows) AS rows, purpose FROM leverage GROUP BY dataset, purpose"
    ):
        assert row["most"] == pytest.approx(row["all_"], abs=1e-4)
    [(most, reserved)] = query(
        "SELECT (SELECT sum(rows) FROM leverage WHERE purpose = 'tdm'), (SELECT sum(rows) "
        "FROM dataset_summary WHERE purpose = 'tdm' "
        "AND state IN ('reserved', 'conditional', 'partial'))"
    )
    assert most == reserved > 0


def test_a_database_without_findings_has_no_leverage(tmp_path):
    with closing(connect(tmp_path / "a.db", create=True)) as db:
        assert isinstance(db, sqlite3.Connection)
        assert rows(db, "SELECT * FROM leverage") == []
