"""Work on parts that is killed, stopped or done twice leaves what one undisturbed crawl leaves."""

import json
import os
import shutil
import signal
import sys

import pytest

from tests.audit_in_parts.folders import crawl_command, newest, opened
from tests.audit_in_parts.interrupting import PARTS, assert_as_calm, finish, kill, started, tree
from tests.conftest import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes as Linux does")
HOSTS = 40
POOL = ("--workers", "2")
KILLED = -signal.SIGKILL


def test_a_process_at_a_part_is_killed(planned, web, commands, calm, calm_words):
    scratch = planned / "scratch"
    scratch.mkdir()
    command, how = crawl_command(planned, web, "--part", "1"), {"env": {"TMPDIR": str(scratch)}}
    pid = started(commands, web, [*command, "--concurrency", "1"], 10, **how)
    kill([pid])
    assert commands.wait(pid).status == KILLED
    assert [path.name for path in newest(planned)] == ["g0.db"] * PARTS
    assert list(scratch.rglob("audit.db"))
    assert commands.run(command, **how).status == 0
    assert list(scratch.iterdir()) == []
    finish(commands, planned, web)
    assert_as_calm(planned, calm, calm_words)


WHICH = {"the whole tree": slice(None), "a worker": slice(1, 2), "the command": slice(1)}


# The last one takes two seconds of the processor more: its workers end by themselves.
@pytest.mark.parametrize(
    "which", list(WHICH) if "TDM_AUDIT_TEST_ALL" in os.environ else list(WHICH)[:2]
)
def test_a_pool_is_killed(planned, web, commands, calm, calm_words, which):
    command = crawl_command(planned, web, *POOL, "--concurrency", "2")
    pid = started(commands, web, command, 40)
    kill(tree(pid)[WHICH[which]])
    done = commands.wait(pid)
    assert done.status == (0 if which == "a worker" else KILLED)
    if done.status:
        finish(commands, planned, web)
    else:
        assert json.loads(done.out)["parts"]["done"] == list(range(PARTS))
    assert_as_calm(planned, calm, calm_words)


def test_the_same_command_twice_at_once(planned, web, commands, calm, calm_words):
    tasks = [crawl_command(planned, web, "--part", n, "--of", PARTS) for n in range(PARTS)]
    pids = [commands.start(task) for task in tasks for _ in range(2)]
    # 3: the other one was at work on the part.
    assert {commands.wait(pid).status for pid in pids} <= {0, 3}
    finish(commands, planned, web)
    assert_as_calm(planned, calm, calm_words)


def test_each_host_is_asked_by_one_process_alone(planned, web, commands):
    slow = crawl_command(planned, web, "--part", "1", "--concurrency", "1", delay="200ms")
    pid = started(commands, web, slow, 2)
    second = commands.run(slow)
    kill([pid])
    assert (second.status, commands.wait(pid).status) == (3, KILLED)
    assert "another run holds" in second.err


def test_a_generation_that_another_machine_has_put_meanwhile_stands(planned, web, commands):
    folder = opened(planned)
    first = folder.require(1)
    slow = crawl_command(planned, web, "--part", "1", "--concurrency", "1", delay="10ms")
    pid = started(commands, web, slow, 2)
    put = planned / "audit" / first.next.name
    shutil.copy(planned / "audit" / first.name, put)
    before = put.read_bytes()
    done = commands.wait(pid)
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["parts"]["superseded"] == [1]
    assert put.read_bytes() == before
    assert folder.require(1) == first.next


@pytest.mark.parametrize("way", [("--part", "1"), POOL], ids=["part", "pool"])
def test_stopped_and_continued(planned, web, commands, calm, calm_words, way):
    slow = crawl_command(planned, web, *way, "--concurrency", "2", delay="20ms")
    # So many that the first origins of a part are whole.
    pid = started(commands, web, slow, 50)
    os.kill(pid, signal.SIGTERM)
    done = commands.wait(pid)
    assert done.status == 4
    assert "run the same command again to continue" in done.err
    assert json.loads(done.out)["parts"]["stopped"]
    status = json.loads(run("status", "--db", planned / "audit", "--json").stdout)
    assert status["states"]["unfinished"] >= 1
    assert 0 < status["unvisited"] < HOSTS
    assert finish(commands, planned, web) == status["unvisited"]
    assert_as_calm(planned, calm, calm_words)
    assert run("status", "--db", planned / "audit", "--quiet").returncode == 0


def test_a_part_that_fails_is_named_and_the_others_go_on(planned, web, commands):
    damaged = planned / "audit" / opened(planned).require(3).name
    damaged.write_bytes(b"SQLite format 3\0" + b"\1" * 5000)
    done = commands.run(crawl_command(planned, web, *POOL))
    assert done.status == 1
    found = json.loads(done.out)
    assert (found["parts"]["done"], list(found["failed"])) == ([0, 1, 2], ["3"])
    assert "1 part cannot be worked on, and the others are done" in done.err
    assert "part 3: " in done.err
    status = run("status", "--db", planned / "audit", "--json")
    assert status.returncode == 1
    states = {"done": 3, "unfinished": 0, "due": 0, "failed": 1}
    assert json.loads(status.stdout)["states"] == states
