"""Rows from which origins are counted: they say what findings, evidence and observations say."""

import shutil
from contextlib import closing

import pytest

from crawler.store.database import connect, transaction
from crawler.store.runs import end_run

# What views say from summaries, and the same from what summaries are made of.
EQUAL = {
    "states": (
        "SELECT s.origin, t.rules, t.purpose, t.state FROM origin_summary AS s "
        "JOIN state_of_set AS t ON t.state_set = s.state_set ORDER BY 1, 2, 3",
        "SELECT origin, rules, purpose, state FROM finding ORDER BY 1, 2, 3",
    ),
    "places": (
        "SELECT resource, presence, places FROM coverage_summary ORDER BY 1, 2",
        "SELECT resource, presence, count(*) FROM coverage GROUP BY 1, 2 ORDER BY 1, 2",
    ),
    "all times": (
        "SELECT min(first_at), max(last_at) FROM coverage_summary",
        "SELECT min(observed_at), max(last_at) FROM coverage",
    ),
    "places of an origin": (
        "SELECT * FROM coverage_by_origin ORDER BY origin",
        "SELECT origin, site, count(*), sum(presence <> 'unseen'), "
        "sum(resource = 'page' AND presence IN ('present', 'absent')), min(observed_at), "
        "max(last_at) FROM coverage GROUP BY origin ORDER BY origin",
    ),
    "states of a dataset": (
        "SELECT dataset, purpose, state, origins, sites, rows FROM dataset_summary "
        "WHERE state <> 'unknown' ORDER BY 1, 2, 3",
        "SELECT d.dataset, f.purpose, f.state, count(*), count(DISTINCT o.site), sum(d.rows) "
        "FROM dataset_origin AS d JOIN origin AS o ON o.id = d.origin JOIN finding AS f "
        "ON f.origin = o.id AND f.rules = (SELECT label FROM ruleset WHERE chosen = 1) "
        "WHERE f.state <> 'unknown' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    ),
    "runs": (
        "SELECT run, origins, observations, outcomes FROM run_counts ORDER BY run",
        "SELECT r.id, (SELECT count(*) FROM visit AS v WHERE v.run = r.id), count(*), ("
        "SELECT json_group_object(outcome, n) FROM (SELECT outcome, count(*) AS n "
        "FROM observation AS b WHERE b.run = r.id GROUP BY outcome ORDER BY outcome)) "
        "FROM run AS r JOIN observation AS o ON o.run = r.id GROUP BY r.id ORDER BY r.id",
    ),
}
TABLES = ("origin_summary", "state_set", "place_set", "run_counts")


def rows(db, query):
    return [tuple(row) for row in db.execute(query)]


@pytest.mark.parametrize("what", EQUAL)
def test_a_summary_says_what_it_is_made_of(demo_db_copy, what):
    with closing(connect(demo_db_copy)) as db:
        summary, whole = EQUAL[what]
        assert rows(db, summary) == rows(db, whole) != []


def test_a_database_without_summaries_gets_the_same_ones(demo_db_copy):
    def stored(db):
        return {table: sorted(rows(db, f"SELECT * FROM {table}")) for table in TABLES}

    with closing(connect(demo_db_copy)) as db:
        judged = stored(db)
        for table in TABLES:
            db.execute(f"DELETE FROM {table}")
        db.execute("PRAGMA user_version = 1")
    with closing(connect(demo_db_copy)) as db:
        assert stored(db) == judged
        assert all(judged.values())


def test_a_run_is_counted_while_it_goes_on_and_when_it_has_ended(demo_db_copy, tmp_path):
    copy = tmp_path / "open.db"
    shutil.copy(demo_db_copy, copy)
    counts = "SELECT run, origins, observations, outcomes FROM runs"
    with closing(connect(copy)) as db:
        ended = rows(db, counts)
        db.execute("DROP TRIGGER run_ends_once")
        with transaction(db):
            db.execute("DELETE FROM run_counts")
            db.execute("UPDATE run SET ended = NULL, ended_at = NULL")
        assert rows(db, counts) == ended
        assert rows(db, "SELECT * FROM run_counts") == []
        for run, *_ in ended:
            end_run(db, run, "finished", "2027-01-01T00:00:00.000Z")
        assert rows(db, counts) == ended
        assert len(rows(db, "SELECT * FROM run_counts")) == len(ended)
