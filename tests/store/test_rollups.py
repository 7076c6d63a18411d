"""What roll-ups of sites, datasets and rights holders make of the findings of many origins."""

import json
from contextlib import closing

import pytest

from crawler import rulesets
from crawler.model import Origin
from crawler.store import derived, evidence_writer, summaries
from crawler.store.database import connect, transaction
from crawler.vocab import Purpose

RULES = ("signals", "strict", "inclusive")
ROWS = 10


@pytest.fixture
def db(tmp_path):
    with closing(connect(tmp_path / "a.db", create=True)) as db, transaction(db):
        judged = [rulesets.load(name) for name in RULES]
        derived.save_rule_sets(db, judged, judged[0])
        yield db


def ingest(db, path, *hosts):
    """A dataset with ten rows from each host; what is before the first dot is not the site."""
    dataset = evidence_writer.NewDataset(
        path=path,
        files=((path, 0, path * 64),),
        format="text",
        url_column="url",
        weight_column="",
        rows=ROWS * len(hosts),
        rejects=(),
    )
    origins = [Origin(scheme="https", host=h, port=443, site=h.partition(".")[2]) for h in hosts]
    counted = [(o.host, o, ROWS, None, ()) for o in origins]
    evidence_writer.add_dataset(db, dataset, counted, "2026-11-22T00:00:00.000Z")


def judge(db, host, state, *, purposes=tuple(Purpose), rules=RULES, at="2026-11-22"):
    """Findings of that state for some purposes, of silence for the others."""
    for name in rules:
        for purpose in Purpose:
            db.execute(
                "INSERT INTO finding (origin, rules, purpose, state, conflict, complete, headline, "
                "detail, observed_at, since) "
                "SELECT id, ?, ?, ?, 0, 1, 0, '', ?, ? FROM origin WHERE key = ?",
                (
                    rulesets.load(name).label,
                    purpose,
                    state if purpose in purposes else "silent",
                    at,
                    at,
                    host,
                ),
            )
    summaries.add_missing(db)


def rows(db, query):
    return db.execute(query).fetchall()


STRONGEST = {
    "silent silent": "silent",
    "silent permitted": "permitted",
    "silent unknown": "unknown",
    "permitted unknown": "unknown",
    "permitted refused": "refused",
    "unknown refused": "refused",
    "refused partial unknown": "partial",
    "partial conditional silent": "conditional",
    "silent conditional reserved unknown": "reserved",
}


@pytest.mark.parametrize("states", STRONGEST)
def test_of_a_site_the_strongest_state_is_told(db, states):
    hosts = {f"h{n}.a.test": state for n, state in enumerate(states.split())}
    ingest(db, "x", *hosts)
    for host, state in hosts.items():
        judge(db, host, state)
    said = STRONGEST[states]
    found = rows(db, "SELECT site, origins, rows, tdm, ai_train, search FROM sites")
    assert found == [("a.test", len(hosts), ROWS * len(hosts), said, said, said)]


def test_purposes_of_a_site_are_told_apart_and_the_most_that_reserve_are_counted(db):
    ingest(db, "x", "h1.a.test", "h2.a.test", "h3.a.test", "h4.a.test", "h1.b.test")
    judge(db, "h1.a.test", "partial", purposes=["search", "genai_train"])
    judge(db, "h2.a.test", "reserved", purposes=["genai_train"])
    judge(db, "h3.a.test", "refused", purposes=["ai_input"])
    columns = "site, origins, rows, tdm, ai_train, genai_train, ai_input, search, origins_reserving"
    assert rows(db, f"SELECT {columns}, rules FROM sites") == [
        ("a.test", 3, 40, "silent", "silent", "reserved", "refused", "partial", 2, "signals/2")
    ]


def test_datasets_are_counted_each_for_itself(db):
    ingest(db, "x", "h1.a.test", "h2.a.test", "h1.b.test")
    ingest(db, "y", "h2.a.test", "h1.c.test", "h3.a.test")
    ingest(db, "z", "h1.c.test")
    judge(db, "h1.a.test", "reserved")
    judge(db, "h2.a.test", "reserved", rules=["signals", "inclusive"])
    judge(db, "h2.a.test", "partial", rules=["strict"])
    judge(db, "h1.b.test", "partial")
    judge(db, "h3.a.test", "unknown")
    columns = "dataset, state, origins, sites, rows, total_rows, total_origins, total_sites"
    where = "WHERE purpose = 'search' ORDER BY dataset, state"
    assert rows(db, f"SELECT {columns} FROM dataset_summary {where}") == [
        (1, "partial", 1, 1, 10, 30, 3, 2),
        (1, "reserved", 2, 1, 20, 30, 3, 2),
        (2, "reserved", 1, 1, 10, 30, 3, 2),
        (2, "unknown", 2, 2, 20, 30, 3, 2),
        (3, "unknown", 1, 1, 10, 10, 1, 1),
    ]
    columns = "dataset, reserved_min, reserved_shown, reserved_max, unknown, total"
    where = "WHERE purpose = 'search' AND unit = 'rows'"
    assert rows(db, f"SELECT {columns} FROM dataset_bounds {where} ORDER BY dataset") == [
        (1, 10, 30, 30, 0, 30),
        (2, 0, 10, 30, 20, 30),
        (3, 0, 0, 10, 10, 10),
    ]
    columns = "dataset, site, origins, rows, tdm, search, origins_reserving"
    assert rows(db, f"SELECT {columns} FROM dataset_sites ORDER BY dataset, site") == [
        (1, "a.test", 2, 20, "reserved", "reserved", 2),
        (1, "b.test", 1, 10, "partial", "partial", 1),
        (2, "a.test", 2, 20, "reserved", "reserved", 1),
        (2, "c.test", 1, 10, "unknown", "unknown", 0),
        (3, "c.test", 1, 10, "unknown", "unknown", 0),
    ]


def test_a_site_where_nobody_is_named_has_its_origins_and_the_oldest_reservation(db):
    ingest(db, "x", "h2.a.test", "h1.a.test", "h3.a.test", "h1.b.test")
    judge(db, "h1.a.test", "partial", purposes=["ai_train"], at="2026-11-20")
    judge(db, "h2.a.test", "reserved", at="2026-11-19")
    judge(db, "h3.a.test", "permitted", at="2026-11-18")
    judge(db, "h1.b.test", "reserved", purposes=["search"])
    db.commit()
    db.execute("PRAGMA foreign_keys = OFF")
    for host, purpose, at in (
        ("h1.a.test", "ai_train", "2026-11-20"),
        ("h2.a.test", "tdm", "2026-11-19"),
        ("h1.b.test", "search", "2026-11-17"),
    ):
        db.execute(
            "INSERT INTO phase (origin, rules, purpose, n, state, effect, valid_from, first, last, "
            "looks, missed) SELECT id, ?, ?, 1, 'reserved', '', ?, 0, 0, 1, 0 FROM origin "
            "WHERE host = ?",
            (rulesets.load("signals").label, purpose, f"{at}T00:00:00.000Z", host),
        )
    query = (
        "SELECT holder, named, origins, rows, tdm, substr(since, 1, 10) FROM rights_holders "
        "ORDER BY holder"
    )
    found = [(*row[:2], json.loads(row[2]), *row[3:]) for row in rows(db, query)]
    urls = [f"https://h{n}.a.test" for n in (1, 2, 3)]
    assert found == [
        ("a.test", 0, urls, 30, "reserved", "2026-11-19"),
        ("b.test", 0, ["https://h1.b.test"], 10, "silent", None),
    ]
