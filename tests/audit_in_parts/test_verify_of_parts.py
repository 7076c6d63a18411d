"""`verify` of a folder finds what differs in a part, in its facts, its generations and its cut."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.audit_in_parts.folders import crawl_command, newest, opened, plan
from tests.conftest import run

PARTS = 4


@pytest.fixture(scope="module")
def crawled(tmp_path_factory, urls, web, commands):
    """Return a folder with an audit that was crawled; part 2 has one generation more."""
    folder = tmp_path_factory.mktemp("crawled")
    plan(folder, urls, "--parts", str(PARTS))
    for how in (("--workers", "1"), ("--part", "2", "--max-age", "0")):
        assert commands.run(crawl_command(folder, web, *how)).status == 0
    return folder


@pytest.fixture
def copied(crawled, tmp_path):
    shutil.copytree(crawled, tmp_path, dirs_exist_ok=True)
    return tmp_path


def verified(folder, *more):
    """Verify, and return the exit status, what was printed, and standard error."""
    done = run("verify", "--db", folder / "audit", "--json", *more)
    return done.returncode, json.loads(done.stdout), done.stderr


def state_of(folder):
    return json.loads(run("status", "--db", folder / "audit", "--json").stdout)["state"]


def change(path, sql):
    """Change a database as whoever can write the file can, and leave its schema as it is."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        triggers = triggers.fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        assert db.execute(sql).rowcount
        for _, made_by in triggers:
            db.execute(made_by)


def facts_of(path):
    """Give the database at a path its new digest, as whoever changes it could."""
    folder = opened(path.parents[3])
    number = int(path.stem[1:])
    generation = folder.require(int(path.parent.name))._replace(number=number)
    from crawler.store.part_facts import facts_of as made

    path.with_suffix(".json").unlink()
    path.with_suffix(".json").write_bytes(made(path, about={}).as_json())
    assert folder.facts(generation).sha256


def test_a_whole_audit_has_a_name(crawled):
    status, found, err = verified(crawled, "--derived", "--workers", "2")
    assert (status, err, found["whole"], found["differences"]) == (0, "", True, [])
    assert found["counts"]["origin"] == 40
    assert found["counts"]["manifest"] == PARTS + 1
    assert found["state"] == state_of(crawled)
    shown = run("verify", "--db", crawled / "audit", "--head", found["state"])
    assert shown.returncode == 0
    assert "Whole: 4 parts, 5 manifests over 5 runs" in shown.stdout
    assert f"Vouched for by the state {found['state']}." in shown.stdout


def test_parts_are_verified_as_tasks_of_an_array(crawled):
    for part, visited in ((2, 1), (3, 1)):
        status, found, _ = verified(crawled, "--part", part, "--of", PARTS)
        assert (status, found["parts"], found["state"]) == (0, visited, "")
    assert verified(crawled, "--part", "0-2")[1]["parts"] == 3


def test_the_state_has_another_name_after_each_change(crawled, copied, web, commands):
    before = state_of(crawled)
    assert commands.run(crawl_command(copied, web, "--part", "1", "--max-age", "0")).status == 0
    status, found, _ = verified(copied, "--head", before)
    assert (status, found["differences"]) == (
        5,
        [
            {
                "part": None,
                "table": "state",
                "key": before,
                "what": "is not the name of the state of this audit",
            }
        ],
    )
    assert found["state"] == state_of(copied) != before
    assert verified(copied, "--head", found["state"])[0] == 0


def newest_of(folder, part):
    return folder / "audit" / opened(folder).require(part).name


def evidence(folder, part):
    sql = "UPDATE observation_row SET status = 200 WHERE status = 404"
    change(newest_of(folder, part), sql)


def evidence_with_its_facts(folder, part):
    evidence(folder, part)
    facts_of(newest_of(folder, part))


def facts(folder, part):
    file = newest_of(folder, part).with_suffix(".json")
    file.write_text(file.read_text().replace('"unvisited": 0', '"unvisited": 1'))


def no_facts(folder, part):
    newest_of(folder, part).with_suffix(".json").write_text("{}")


def missing(folder, part):
    shutil.rmtree(newest_of(folder, part).parent)


def one_too_many(folder, _part):
    shutil.copytree(folder / "audit/parts/00001", folder / "audit/parts/00004")


def sites_of_another(folder, part):
    for name in ("g1.db", "g1.json"):
        shutil.copy(newest_of(folder, 0).with_name(name), newest_of(folder, part).with_name(name))


def older_evidence(folder, part):
    older = newest_of(folder, part).with_name("g1.db")
    change(older, "UPDATE origin SET host = host || 'x' WHERE id = (SELECT max(id) FROM origin)")


def older_chain(folder, part):
    older = newest_of(folder, part).with_name("g1.db")
    change(older, "UPDATE manifest SET digest = lower(hex(zeroblob(32)))")
    facts_of(older)


def planned_datasets(folder, _part):
    file = folder / "audit/plan.json"
    digest = json.loads(file.read_text())["datasets"]
    file.write_text(file.read_text().replace(digest, digest[::-1]))


def planned_rows(folder, _part):
    file = folder / "audit/plan.json"
    said = json.loads(file.read_text())
    said["dataset"][0]["rows"] += 1
    file.write_text(json.dumps(said))


def datasets(folder, _part):
    change(folder / "audit/datasets/g0.db", "DELETE FROM version_origin")


def lost(folder, part):
    newest_of(folder, part).unlink()


def damaged(folder, part):
    newest_of(folder, part).write_bytes(b"SQLite format 3\0" + b"\1" * 5000)


NOT_ITS_DIGEST = "has not the SHA-256 that g1.json says"
OTHER_ROWS = ("observation", "has other rows than it had")
# What is changed in which parts of one audit, and what is to be named of each.
CHANGES = {
    "evidence": [
        (evidence, 1, [("generation", NOT_ITS_DIGEST), OTHER_ROWS]),
        (older_evidence, 2, [("generation", NOT_ITS_DIGEST)]),
        (facts, 3, [("generation", "has not the unvisited that g1.json says")]),
        (one_too_many, None, [("part", "is not one of those that plan.json names")]),
    ],
    "evidence and its facts": [
        (evidence_with_its_facts, 1, [OTHER_ROWS]),
        (older_chain, 2, [("generation", "has another chain of manifests than the generation")]),
        (no_facts, 3, [("generation", "has a g1.json that is no file of facts")]),
        (datasets, None, [("datasets: generation", "has not the SHA-256 that g0.json says")]),
    ],
    "the plan": [(planned_rows, None, [("plan", "is not what the database of the datasets")])],
    "lost": [
        (missing, 1, [("part", "has no database, though plan.json names it")]),
        (lost, 2, [("generation", "is missing, though files about it are there")]),
        (damaged, 3, [("generation", f"{NOT_ITS_DIGEST}, and cannot be read; restore it")]),
    ],
    "the cut": [
        (
            sites_of_another,
            1,
            [("part_of_plan", "is not as plan.json says"), ("origin", "is of a site of part 0")],
        ),
        (planned_datasets, 3, [("dataset", "is not as plan.json says")]),
    ],
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_what_differs_is_named_with_its_part(copied, changes):
    for changed, part, _ in changes:
        changed(copied, part)
    status, found, err = verified(copied, "--workers", "1")
    assert (status, found["whole"], found["failed"]) == (5, False, {})
    named = [(d["part"], d["table"], d["what"]) for d in found["differences"]]
    for _, part, differences in changes:
        for table, what in differences:
            assert [n for n in named if n[:2] == (part, table) and what in n[2]], named
    if planned_datasets not in [changed for changed, *_ in changes]:
        assert {part for part, *_ in named} == {part for _, part, _ in changes}
    assert "difference" in err
    # Nothing is written, not even that something failed.
    assert not list((copied / "audit").rglob("*failed*"))


def test_what_was_derived_is_compared_if_that_is_asked_for(copied):
    path = newest(copied)[1]
    change(path, "UPDATE finding SET state = 'silent' WHERE state = 'reserved'")
    facts_of(path)
    assert verified(copied, "--part", "1")[0] == 0
    status, found, _ = verified(copied, "--part", "1", "--derived")
    assert status == 5
    assert {d["part"] for d in found["differences"]} == {1}


def test_what_cannot_be_read_is_named(copied):
    damaged(copied, 1)
    newest(copied)[1].with_suffix(".json").unlink()
    status, found, err = verified(copied)
    assert (status, found["whole"], list(found["failed"])) == (1, False, ["1"])
    assert "part 1 cannot be read: " in err
    assert found["parts"] == PARTS - 1
    assert run("verify", "--db", copied / "audit", "--part", "1").returncode == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--prove", "1"), "--prove is not for `verify` of an audit in parts"),
        (("--head", "0" * 64, "--part", "1"), "--part does not verify"),
        (("--part", "9"), "there is no part 9"),
    ],
)
def test_options_that_are_refused(crawled, options, why):
    done = run("verify", "--db", crawled / "audit", *options)
    assert done.returncode == 2
    assert why in done.stderr
