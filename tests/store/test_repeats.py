"""Observations that are as before are stored as that, and are read whole."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.commands.judge import rebuild
from crawler.commands.verify import verify
from crawler.model import RevalidatedResponse
from crawler.store import evidence_writer, leaves, repeats, runs
from crawler.store.database import connect, transaction
from crawler.store.evidence_reader import rows_of
from crawler.vocab import Outcome, Resource
from tests.store.conftest import NEW_RUN, SIGNALS, answer
from tests.store.test_order import day, ingest
from tests.strategies import UNTIMED

WHOLE = "SELECT {} FROM observation_row WHERE base IS NULL ORDER BY id"
COLUMNS = ", ".join(repeats.COLUMNS)


@pytest.fixture
def db(tmp_path):
    with closing(connect(tmp_path / "audit.db", create=True)) as connection:
        ingest(connection)
        yield connection


def dated(number: int, **facts):
    """Return an answer of robots.txt that differs from those of other days by its date alone."""
    fields = (("Date", f"Sun, {number:02} Nov 2026 05:30:00 GMT"), ("Server", "nginx"))
    fields = (*fields, ("Content-Type", "text/plain"), ("Cache-Control", "max-age=600"))
    said = {"headers": fields, "started_at": day(number), "address": "192.0.2.1:443"} | facts
    return replace(answer("h.example", Resource.ROBOTS_TXT, "/robots.txt", "User-agent: *"), **said)


def visit(db, number: int, *seen):
    """Store a run that has ended; return its observations as they must be read."""
    with transaction(db):
        run = runs.begin_run(db, NEW_RUN, day(number))
        evidence_writer.save_visit(db, run, 1, seen, day(number))
    runs.end_run(db, run, "finished", day(number))
    return [evidence_writer._observation_row(db, run, 1, one, keep_pages=False) for one in seen]


def read(db):
    return [dict(zip(repeats.COLUMNS, row, strict=True)) for row in
            db.execute(f"SELECT {COLUMNS} FROM observation ORDER BY id")]  # fmt: skip


def stored_whole(db):
    return [n for (n,) in db.execute(WHOLE.format("id"))]


def test_what_differs_by_its_date_is_stored_once_and_read_whole(db):
    rows = [row for n in range(1, 6) for row in visit(db, n, dated(n))]
    assert read(db) == rows
    assert stored_whole(db) == [1]
    ((headers, digest, url),) = db.execute(
        "SELECT headers, digest, url FROM observation_row WHERE id = 5"
    )
    assert (json.loads(headers)[2], digest, url) == ("5", None, "")


CHANGES = {
    "another body": {"body": b"User-agent: *\nDisallow: /", "size": 25},
    "another status": {"status": 404},
    "another address": {"address": "192.0.2.2:443"},
    "a certificate": {"tls_certificate": "f" * 64, "tls_version": "TLSv1.3"},
    "a note": {"note": "in spite of a rule"},
}
OTHERS = {
    "no answer": {"outcome": Outcome.TIMED_OUT, "status": None, "body": b"", "headers": ()},
    "other fields": {"headers": tuple((f"X-{n}", f"{n * n}" * 9) for n in range(20))},
    "no address": {"address": ""},
}


@pytest.mark.parametrize("change", [*CHANGES.values(), *OTHERS.values()], ids=[*CHANGES, *OTHERS])
def test_whatever_changes_is_read_as_it_was(db, change):
    seen = [dated(1), dated(2, **change), dated(3), dated(4, **change)]
    rows = [row for n, one in enumerate(seen, start=1) for row in visit(db, n, one)]
    assert read(db) == rows
    # What cannot be told by a short difference is whole, and a base for the next that is like it.
    expected = [1, 2] if change in OTHERS.values() else [1]
    assert stored_whole(db) == expected


def test_a_304_has_what_it_confirms(db):
    visit(db, 1, dated(1))
    for n in (2, 3):
        confirms = RevalidatedResponse(observation=n - 1, headers=dated(n).headers)
        again = dated(n, status=304, confirms=confirms, headers=dated(n).headers[:2], size=0)
        visit(db, n, again)
    assert {row["digest"] for row in read(db)} == {read(db)[0]["digest"]}
    assert [row["confirms"] for row in read(db)] == [None, 1, 2]
    # The first one has other header fields, and the second is as the first one.
    assert stored_whole(db) == [1, 2]
    assert db.execute("SELECT digest FROM observation_row WHERE id = 3").fetchall() == [(None,)]


def test_leaves_are_those_of_whole_rows_and_the_database_verifies(db, tmp_path):
    for n in range(1, 4):
        visit(db, n, dated(n))
    rebuild(db, chosen=SIGNALS)
    assert verify(db, with_derived=True).differences == []
    found = [leaves.leaves(db, "observation", n) for n in (1, 2, 3)]
    # As an older version stored them: all whole.
    whole = db.execute("SELECT * FROM observation ORDER BY id").fetchall()
    for trigger in ("observation_stays", "observation_in_open_run"):
        db.execute(f"DROP TRIGGER {trigger}")
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("DELETE FROM observation_row WHERE id > 1")
    marks = ", ".join("?" * len(whole[0]))
    db.executemany(f"INSERT INTO observation VALUES ({marks})", whole[1:])
    assert stored_whole(db) == [1, 2, 3]
    assert [leaves.leaves(db, "observation", n) for n in (1, 2, 3)] == found


def test_a_base_that_is_not_there_is_damage(db):
    for n in (1, 2):
        visit(db, n, dated(n))
    for statement in ("DROP TRIGGER observation_is_final", "PRAGMA foreign_keys = OFF"):
        db.execute(statement)
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute("UPDATE observation_row SET base = 99 WHERE id = 2")
    with pytest.raises(sqlite3.DatabaseError, match="malformed row: observation 2 has no base"):
        rows_of(db, 1)


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=382), max_size=60)


@settings(UNTIMED, suppress_health_check=[*HealthCheck])
@given(base=TEXTS, other=TEXTS, cut=st.integers(0, 60))
def test_the_view_and_the_reader_make_the_same_text_of_a_difference(db, base, other, cut):
    text = json.dumps([base[:cut] + other + base[cut:]], ensure_ascii=False)
    base = json.dumps([base], ensure_ascii=False)
    patch = repeats._patch(base, text)
    assert repeats.whole(patch, base) == text
    query = (
        "SELECT substr(?2, 1, ?1 ->> 0) || (?1 ->> 2) || substr(?2, length(?2) + 1 - (?1 ->> 1))"
    )
    assert db.execute(query, (patch, base)).fetchone() == (text,)


def test_the_reader_and_the_view_say_the_same(db):
    for n in range(1, 5):
        visit(db, n, dated(n, note="x" if n % 2 else ""))
    columns = "id, run, stored, resource, asked, hop, url, outcome, status, headers, truncated"
    columns += ", observed_at, note"
    expected = db.execute(f"SELECT {columns} FROM observation ORDER BY id").fetchall()
    assert [tuple(row)[: len(expected[0])] for row in rows_of(db, 1)] == expected


@pytest.mark.parametrize(
    ("base", "why"),
    [("1, 2", "whole"), ("9", "whole"), ("NULL", "stored already")],
    ids=["of another URL", "not there", "the same again"],
)
def test_a_difference_has_a_whole_base_of_its_url(db, base, why):
    with transaction(db):
        run = runs.begin_run(db, NEW_RUN, day(1))
        other = replace(answer("h.example", Resource.AI_TXT, "/ai.txt", ""), started_at=day(1))
        evidence_writer.save_visit(db, run, 1, (other, dated(1)), day(1))
    names = COLUMNS.replace("hop", "hop + 1") if base != "NULL" else COLUMNS
    base = base.partition(",")[0]
    with pytest.raises(sqlite3.IntegrityError, match=why):
        db.execute(
            f"INSERT INTO observation_row ({COLUMNS}, base) "
            f"SELECT {names}, {base} FROM observation WHERE id = 2"
        )
