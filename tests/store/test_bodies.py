"""Stored bytes: what leaves the database has the digest that it is stored under."""

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace as replace_fields

import pytest
import zstandard

from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.store import bodies, database
from crawler.store.bodies import MAX_BODY, DamagedBodyError
from crawler.store.database import StoreError, sqlite_errors_as_store_error
from crawler.store.stored_responses import stored_responses
from crawler.vocab import Resource
from tests.store.conftest import answer

ROBOTS = b"User-agent: *\nDisallow: /\n"
OTHER = b"User-agent: *\nAllow: /\n"
DIGEST = hashlib.sha256(ROBOTS).hexdigest()


@pytest.fixture
def db(tmp_path):
    with closing(database.connect(tmp_path / "audit.db", create=True)) as connection:
        bodies.save_body(connection, ROBOTS)
        connection.execute("DROP TRIGGER body_is_final")
        yield connection


def replace(db, content, size=None):
    size = len(ROBOTS) if size is None else size
    db.execute("UPDATE body SET content = ?, size = ? WHERE digest = ?", (content, size, DIGEST))


def flipped(bit):
    frame = bytearray(zstandard.compress(ROBOTS))
    frame[bit // 8] ^= 1 << bit % 8
    return bytes(frame)


BOMB = zstandard.compress(bytes(MAX_BODY + 1))
STREAM = zstandard.ZstdCompressor(write_content_size=False).compress(ROBOTS)
DAMAGE = {
    "other bytes of the same length": (zstandard.compress(b"x" * len(ROBOTS)), None),
    "other bytes": (zstandard.compress(OTHER), len(OTHER)),
    "fewer bytes than are said": (zstandard.compress(ROBOTS[:5]), None),
    "cut off": (zstandard.compress(ROBOTS)[:-3], None),
    "not compressed": (ROBOTS, None),
    "nothing": (b"", 0),
    "more than a crawl ever stores": (BOMB, MAX_BODY + 1),
    "more, and the row does not say so": (BOMB, len(ROBOTS)),
    "a size that is no size": (zstandard.compress(ROBOTS), 2**60),
}


@pytest.mark.parametrize(("content", "size"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_bytes_are_never_returned(content, size, db):
    replace(db, content, size)
    with pytest.raises(DamagedBodyError, match=f"{DIGEST} are damaged"):
        bodies.read_body(db, DIGEST)
    assert bodies.load_body(db, DIGEST) is None


def test_a_flipped_bit_gives_the_same_bytes_or_none(db):
    for bit in range(8 * len(zstandard.compress(ROBOTS))):
        replace(db, flipped(bit))
        assert bodies.load_body(db, DIGEST) in (None, ROBOTS), bit


def test_frames_have_checksums(db):
    (frame,) = db.execute("SELECT content FROM body").fetchone()
    assert zstandard.get_frame_parameters(frame).has_checksum


def test_bytes_that_come_again_replace_damaged_ones(db):
    replace(db, *DAMAGE["other bytes"])
    assert bodies.save_body(db, ROBOTS) == DIGEST
    assert bodies.read_body(db, DIGEST) == ROBOTS


def test_after_a_repair_bodies_are_append_only_again(tmp_path):
    with closing(database.connect(tmp_path / "audit.db", create=True)) as db:
        bodies.save_body(db, ROBOTS)
        trigger = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'body_is_final'")
        (sql,) = trigger.fetchone()
        db.execute("DROP TRIGGER body_is_final")
        replace(db, *DAMAGE["other bytes"])
        db.execute(sql)
        bodies.save_body(db, ROBOTS)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            replace(db, *DAMAGE["other bytes"])
        assert bodies.read_body(db, DIGEST) == ROBOTS


def test_a_frame_without_its_size_is_as_good(db):
    replace(db, STREAM)
    assert bodies.read_body(db, DIGEST) == ROBOTS


def test_bytes_that_are_not_stored_are_none(db):
    assert bodies.read_body(db, "0" * 64) is None


def test_a_swapped_robots_txt_frees_nothing(audit):
    db = audit(answer("a.test", Resource.ROBOTS_TXT, "/robots.txt", ROBOTS.decode()))
    (stored,) = db.execute("SELECT stored FROM observation WHERE stored IS NOT NULL").fetchone()
    assert stored == DIGEST
    db.execute("DROP TRIGGER body_is_final")
    replace(db, zstandard.compress(OTHER), len(OTHER))
    rebuild(db, chosen=rulesets.load("signals"))
    codes = db.execute("SELECT DISTINCT code FROM issues").fetchall()
    assert codes == [("internal.damaged",)]
    states = db.execute("SELECT DISTINCT state FROM findings WHERE rules = 'signals/2'").fetchall()
    assert states == [("unknown",)]


def test_damaged_bytes_are_not_revalidated(audit):
    tagged = replace_fields(
        answer("a.test", Resource.ROBOTS_TXT, "/robots.txt", ROBOTS.decode()),
        headers=(("ETag", '"one"'),),
    )
    db = audit(tagged)
    assert len(stored_responses(db, 1, whole_pages=False)) == 1
    db.execute("DROP TRIGGER body_is_final")
    replace(db, b"damaged")
    assert stored_responses(db, 1, whole_pages=False) == {}


HEADERS = {
    "cut off": '[["content-type", "text/pl',
    "no JSON": "content-type: text/plain",
    "no list": "1",
    "no pairs": '["content-type"]',
    "no texts": '[["content-type", 1]]',
    "nested too deep": "[" * 100_000,
}


@pytest.fixture
def damaged(audit):
    """Return a function that judges a site which reserves, after a column was damaged."""

    def judge(column, value):
        rule = '[{"location": "/", "tdm-reservation": 0}]'
        db = audit(
            answer("a.test", Resource.ROBOTS_TXT, "/robots.txt", OTHER.decode()),
            answer("a.test", Resource.TDMREP_JSON, "/.well-known/tdmrep.json", rule),
        )
        assert states(db) == {"permitted", "silent"}
        db.execute("DROP TRIGGER observation_is_final")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(f"UPDATE observation_row SET {column} = ?", (value,))
        rebuild(db, chosen=rulesets.load("signals"))
        return db

    return judge


def states(db):
    query = "SELECT DISTINCT state FROM findings WHERE rules = 'signals/2'"
    return {state for (state,) in db.execute(query)}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_damaged_header_fields_leave_a_resource_unseen(headers, damaged):
    db = damaged("headers", headers)
    assert states(db) == {"unknown"}
    issues = db.execute("SELECT DISTINCT code, excerpt FROM issues").fetchall()
    assert issues == [("internal.damaged", "the header fields")]


OTHER_COLUMNS = {
    "another resource": ("resource", "robots_txu"),
    "another outcome": ("outcome", "respondee"),
    "no time": ("observed_at", "2026-11-22T00:00:00.0\x000Z"),
    "a day that does not exist": ("observed_at", "2026-02-30T00:00:00.000Z"),
}


@pytest.mark.parametrize(("column", "value"), OTHER_COLUMNS.values(), ids=OTHER_COLUMNS)
def test_a_row_that_no_crawl_stores_is_damage(column, value, damaged, tmp_path):
    with (
        pytest.raises(StoreError, match=r"is damaged \(malformed row: observation 1 has"),
        sqlite_errors_as_store_error(tmp_path / "audit.db"),
    ):
        damaged(column, value)
