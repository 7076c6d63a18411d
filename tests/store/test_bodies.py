"""Stored bytes: what leaves the database has the digest that it is stored under."""

import hashlib
from contextlib import closing

import pytest
import zstandard

from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.store import bodies, database
from crawler.store.bodies import MAX_BODY, DamagedBodyError
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
