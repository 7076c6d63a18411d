"""Parts that are missing, damaged or cut short are named, and the others are worked on."""

import json
import shutil

import pytest

from tests.audit_in_parts.folders import crawl_command, newest, opened
from tests.conftest import run

DAMAGES = ("missing", "empty", "cut", "other", "lost")
WORDS = {
    "missing": "parts/00001 has no database",
    "lost": "g1.db is missing, though files about it are there",
}


@pytest.fixture(params=DAMAGES)
def damaged(request, planned):
    """Return a planned audit whose part 1 is damaged, and a part of the sentence about it."""
    file = newest(planned)[1]
    match request.param:
        case "missing":
            shutil.rmtree(file.parent)
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(file.read_bytes()[:-4096])
        case "lost":
            # Of a newer generation, only what was put after its database.
            shutil.copyfile(file.with_suffix(".json"), file.with_name("g1.json"))
        case "other":
            # Whole for SQLite, and not what was put.
            shutil.copyfile(newest(planned)[2], file)
    return planned, WORDS.get(request.param, "g0.db is damaged")


def test_a_pool_names_it_and_does_the_others(damaged, web):
    folder, words = damaged
    done = run(*crawl_command(folder, web, "--workers", "2"))
    assert done.returncode == 1
    assert (f"part 1: {folder / 'audit'}" in done.stderr, words in done.stderr) == (True, True)
    assert "/tmp/tdm-audit" not in done.stderr
    found = json.loads(done.stdout)
    assert sorted(found["parts"]["done"]) == [0, 2, 3]
    assert list(found["failed"]) == ["1"]
    assert {file.parent.name for file in newest(folder) if file.stem == "g1"} == {
        *("00000", "00002", "00003"),
    }


def test_a_task_of_an_array_fails(damaged, web):
    folder, words = damaged
    done = run(*crawl_command(folder, web, "--part", "1"))
    assert (done.returncode, done.stdout, words in done.stderr) == (1, "", True), done.stderr


def test_planning_again_says_that_a_part_is_missing(planned):
    shutil.rmtree(newest(planned)[1].parent)
    done = run("plan", planned / "dataset.txt", "--db", planned / "audit", "--no-progress")
    assert (done.returncode, WORDS["missing"] in done.stderr) == (1, True), done.stderr


def test_status_says_what_cannot_be_read(planned):
    file = newest(planned)[1]
    file.write_bytes(b"no database")
    file.with_suffix(".json").unlink()
    done = run("status", "--db", planned / "audit", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["states"]["failed"], found["part"][1]["state"]) == (1, "failed")
    assert "g0.db" in found["part"][1]["why"]


def test_status_names_a_part_that_is_missing(planned):
    shutil.rmtree(newest(planned)[1].parent)
    done = run("status", "--db", planned / "audit", "--json")
    assert (done.returncode, json.loads(done.stdout)["missing"]) == (1, [1])


def test_a_report_is_not_made_of_one_part(planned, web):
    assert run(*crawl_command(planned, web, "--part", "1")).returncode == 0
    part = newest(planned)[1]
    done = run("report", "--db", part, "-o", planned / "r.html")
    assert (done.returncode, "one part of an audit" in done.stderr) == (1, True), done.stderr
    assert not (planned / "r.html").exists()
    assert opened(planned).newest(1).number == 1
