"""A batch as a database of its own: what it is given, and how its evidence is taken in."""

import hashlib
import shutil
from contextlib import closing

import pytest

from crawler.model import Observation, Origin, RevalidatedResponse, Target
from crawler.store import bodies, evidence_writer, runs, shards
from crawler.store.batches import Batches
from crawler.store.database import StoreError, connect, transaction
from crawler.store.stored_responses import stored_responses
from crawler.vocab import Outcome, Resource

AT, LATER = "2026-11-22T00:00:00.000Z", "2026-11-23T00:00:00.000Z"
# Of each site its hosts, with their rows.
SITES = {
    "a.example": {"a.example": 9, "www.a.example": 1},
    "b.example": {"b.example": 5},
    "c.example": {"c.example": 3, "x.c.example": 8, "y.c.example": 2},
    "d.example": {"d.example": 4},
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.db"


@pytest.fixture
def db(path):
    with closing(connect(path, create=True)) as connection:
        new = evidence_writer.NewDataset(
            path="d.csv", files=(("d.csv", 1, "0" * 64),), format="csv", url_column="url",
            weight_column="", rows=9, rejects=(),
        )  # fmt: skip
        origins = [
            (h, Origin(scheme="https", host=h, port=443, site=s), n, None, [f"https://{h}/p"])
            for s, hosts in SITES.items()
            for h, n in hosts.items()
        ]
        with transaction(connection):
            evidence_writer.add_dataset(connection, new, origins, AT)
        yield connection


def begun(db, at=AT):
    new = runs.NewRun(
        command="", version="", versions={}, settings={"dataset": 1, "limit_origins": None},
        user_agent="", suffix_list="", catalogue="",
    )  # fmt: skip
    return runs.begin_run(db, new, at)


def due(run, **facts):
    return runs.Due(run=run, datasets=(1,), fresh_since="2027", pages=1, limit=None, **facts)


def number(db, host):
    return db.execute("SELECT id FROM origin WHERE host = ?", (host,)).fetchone()[0]


def hosts(db, origins):
    query = "SELECT host FROM origin WHERE id = ?"
    return sorted(db.execute(query, (o,)).fetchone()[0] for o in origins)


def answered(host, body=b"", **facts):
    url = f"https://{host}/robots.txt"
    target = Target(resource=Resource.ROBOTS_TXT, asked=url, url=url)
    facts = {"outcome": Outcome.RESPONDED, "status": 200, "size": len(body)} | facts
    return Observation(target=target, body=body, started_at=AT, **facts)


def taken(batches, size):
    found = []
    while origins := batches.take(size):
        found.append(origins)
    return found


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, [["a.example", "www.a.example"], ["c.example", "x.c.example", "y.c.example"],
             ["b.example"], ["d.example"]]),
        (3, [["a.example", "c.example", "www.a.example", "x.c.example", "y.c.example"],
             ["b.example", "d.example"]]),
        (99, [sorted(h for hosts in SITES.values() for h in hosts)]),
    ],
    ids=["one", "three", "all"],
)  # fmt: skip
def test_batches_keep_sites_whole_and_the_heaviest_first(db, size, expected):
    assert [hosts(db, origins) for origins in taken(Batches(db, due(begun(db))), size)] == expected


def test_batches_leave_out_what_was_visited_and_count_what_is_left(db):
    run = begun(db)
    with transaction(db):
        for host in SITES["c.example"]:
            evidence_writer.save_visit(db, run, number(db, host), [], AT)
    batches = Batches(db, due(run))
    assert batches.left == 4
    assert hosts(db, batches.take(2)) == ["a.example", "www.a.example"]
    assert batches.left == 2
    assert sum(map(len, taken(batches, 1))) == 2
    assert batches.left == 0


SETTINGS = {"dataset": 1, "limit_origins": None, "fresh_since": "2027", "pages": 1}


def made(db, path, run, *names):
    return shards.Shards(db, path, run).make([number(db, name) for name in names], SETTINGS)


def visit(shard, db, host, *seen, whole=True):
    """As a worker visits an origin; one that is not whole is killed before it says so."""
    with closing(connect(shard.path)) as part, transaction(part):
        evidence_writer.save_visit(part, shard.run, number(db, host), seen, LATER)
        if not whole:
            part.execute("DROP TRIGGER visit_stays")
            part.execute("DELETE FROM visit")


STORED = """
    SELECT host, resource, asked, hop, status, o.digest, b.content, o.confirms, v.finished_at
    FROM observation AS o JOIN origin ON origin.id = o.origin LEFT JOIN body AS b ON
    b.digest = o.stored LEFT JOIN visit AS v ON v.origin = o.origin AND v.run = o.run
    WHERE o.run = ? ORDER BY host, resource
"""


def stored(db, run):
    return db.execute(STORED, (run,)).fetchall()


def test_a_shard_has_its_origins_under_their_numbers_and_no_others(db, path):
    shard = made(db, path, begun(db), "b.example", "a.example")
    with closing(connect(shard.path)) as part:
        asked, settings = runs.due_of(part, shard.run)
        found = [(n, o.host, samples) for n, o, samples in runs.iter_due(part, asked)]
        assert part.execute("PRAGMA foreign_key_check").fetchall() == []
    assert settings == SETTINGS
    assert found == [
        (number(db, host), host, (f"https://{host}/p",)) for host in ("a.example", "b.example")
    ]


def test_visits_are_taken_in_as_they_come_and_once(db, path):
    shard = made(db, path, begun(db), "b.example", "a.example")
    counted = []
    visit(shard, db, "b.example", answered("b.example", b"same"))
    shard.merge(db, counted.append)
    shard.merge(db, counted.append)
    assert (counted, shard.is_merged) == ([1], False)
    visit(shard, db, "a.example", answered("a.example", b"same"))
    shard.merge(db, counted.append)
    assert (counted, shard.is_merged) == ([1, 1], True)
    assert [row[0] for row in stored(db, shard.run)] == ["a.example", "b.example"]
    assert db.execute("SELECT count(*) FROM body").fetchone() == (1,)


def left(shard, keep):
    """A shard as a command leaves it that was killed, and can be left once more."""
    shard.close()
    shutil.copyfile(shard.path, keep)


def test_what_is_left_is_taken_in_once_however_often(db, path, tmp_path):
    shard = made(db, path, begun(db), "b.example", "d.example")
    visit(shard, db, "d.example", answered("d.example", b"half"), whole=False)
    visit(shard, db, "b.example", answered("b.example", b"all"))
    left(shard, tmp_path / "kept")
    shards.merge_leftovers(db, path)
    first = stored(db, shard.run)
    assert [row[0] for row in first] == ["b.example"]
    assert not (tmp_path / "audit.db.shards").exists()
    shard.path.parent.mkdir(parents=True)
    shutil.copyfile(tmp_path / "kept", shard.path)
    shards.merge_leftovers(db, path)
    assert stored(db, shard.run) == first


def ended(db, shard, path):
    runs.end_run(db, shard.run, "finished", LATER)


def damaged(db, shard, path):
    shard.path.write_bytes(shard.path.read_bytes()[:9000] + b"\xff" * 200_000)


def not_even_begun(db, shard, path):
    shard.path.rename(shard.path.with_suffix(".new"))


def of_another(db, shard, path):
    with closing(connect(shard.path)) as part:
        part.execute("DROP TRIGGER run_ends_once")
        part.execute("UPDATE run SET started_at = ?", (LATER,))


@pytest.mark.parametrize("what", [ended, damaged, not_even_begun, of_another])
def test_what_is_not_to_be_taken_in_is_removed(db, path, tmp_path, what):
    shard = made(db, path, begun(db), "b.example")
    visit(shard, db, "b.example", answered("b.example", b"all"))
    shard.close()
    what(db, shard, path)
    shards.merge_leftovers(db, path)
    assert stored(db, shard.run) == []
    assert not (tmp_path / "audit.db.shards").exists()


TAG = (("ETag", '"one"'),)


def test_a_shard_knows_what_may_be_asked_on_conditions(db, path):
    """An answer, a 304 to it, and a failure since; then a 304 by way of a shard."""
    robots = number(db, "b.example")
    first, second, third, now = (begun(db) for _ in range(4))
    other = answered("a.example", b"other", headers=TAG)
    with transaction(db):
        evidence_writer.save_visit(db, first, number(db, "a.example"), [other], AT)
        evidence_writer.save_visit(
            db, first, robots, [answered("b.example", b"rules", headers=TAG)], AT
        )
    confirming = answered("b.example", status=304, confirms=RevalidatedResponse(observation=2))
    with transaction(db):
        evidence_writer.save_visit(db, second, robots, [confirming], AT)
        down = answered("b.example", status=503)
        evidence_writer.save_visit(db, third, robots, [down], AT)
    shard = made(db, path, now, "b.example")
    with closing(connect(shard.path)) as part:
        known = stored_responses(part, robots, whole_pages=False)
        assert [(k.conditions, k.confirms, k.content()) for k in known.values()] == [
            ({"If-None-Match": '"one"'}, RevalidatedResponse(observation=3, headers=TAG), b"rules")
        ]
        assert runs.is_repeated(part, due(now))
        assert stored_responses(part, number(db, "a.example"), whole_pages=False) == {}
    confirming = answered("b.example", status=304, confirms=RevalidatedResponse(observation=3))
    visit(shard, db, "b.example", confirming)
    shard.merge(db, lambda _visits: None)
    ((*_, content, confirms, _at),) = stored(db, now)
    assert (bodies.load_body(db, stored(db, now)[0][5]), confirms) == (b"rules", 3)
    assert content is not None
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_folder_is_removed_with_its_last_run(db, path, tmp_path):
    first, second = (shards.Shards(db, path, begun(db)) for _ in range(2))
    for one in (first, second):
        one.discard(one.make([1], SETTINGS))
    second.clear()
    assert (tmp_path / "audit.db.shards").exists()
    first.clear()
    assert not (tmp_path / "audit.db.shards").exists()


def damage(db, body):
    db.execute("DROP TRIGGER body_is_final")
    query = "UPDATE body SET content = ? WHERE digest = ?"
    db.execute(query, (b"damaged", hashlib.sha256(body).hexdigest()))


def test_damaged_bytes_of_a_shard_are_not_merged_and_their_origin_stays_due(db, path):
    run = begun(db)
    shard = made(db, path, run, "b.example", "d.example")
    visit(shard, db, "b.example", answered("b.example", b"good"))
    visit(shard, db, "d.example", answered("d.example", b"bad"))
    with closing(connect(shard.path)) as part:
        damage(part, b"bad")
    with pytest.raises(StoreError, match="is damaged: stored bytes do not have their SHA-256"):
        shard.merge(db, lambda _visits: None)
    assert [row[0] for row in stored(db, run)] == ["b.example"]
    shard.close()
    shards.merge_leftovers(db, path)
    assert [row[0] for row in stored(db, run)] == ["b.example"]
    assert db.execute("SELECT count(*) FROM body").fetchone() == (1,)
    due_now = [host for _, origin, _ in runs.iter_due(db, due(run)) for host in [origin.host]]
    assert "d.example" in due_now
    assert "b.example" not in due_now


def test_a_merge_replaces_damaged_bytes(db, path):
    first, run = begun(db), begun(db, LATER)
    with transaction(db):
        seen = [answered("a.example", b"rules")]
        evidence_writer.save_visit(db, first, number(db, "a.example"), seen, AT)
    damage(db, b"rules")
    shard = made(db, path, run, "b.example")
    visit(shard, db, "b.example", answered("b.example", b"rules"))
    shard.merge(db, lambda _visits: None)
    assert bodies.load_body(db, stored(db, run)[0][5]) == b"rules"


def test_damaged_bytes_are_not_revalidated(db):
    origin = number(db, "a.example")
    with transaction(db):
        seen = [answered("a.example", b"rules", headers=TAG)]
        evidence_writer.save_visit(db, begun(db), origin, seen, AT)
    assert len(stored_responses(db, origin, whole_pages=False)) == 1
    damage(db, b"rules")
    assert stored_responses(db, origin, whole_pages=False) == {}


def test_a_planted_link_is_not_followed(db, path, tmp_path):
    run = begun(db)
    (tmp_path / "victim").write_text("kept")
    folder = tmp_path / "audit.db.shards" / f"run-{run}"
    folder.mkdir(parents=True)
    (folder / "batch-1.new").symlink_to(tmp_path / "victim")
    shard = made(db, path, run, "b.example")
    assert shard.path.is_file()
    assert not shard.path.is_symlink()
    assert (tmp_path / "victim").read_text() == "kept"
