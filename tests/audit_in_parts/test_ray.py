"""`--on ray` does what the pool does, also if its processes and machines are killed."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path

import pytest

from tests.audit_in_parts.folders import crawl_command, newest, opened
from tests.audit_in_parts.interrupting import PARTS, assert_as_calm, finish, kill, started, tree
from tests.audit_in_parts.ray_machines import Machines, environment
from tests.conftest import ROOT, patience, run
from tests.crawl_helpers import waited_for

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed: the extra [ray]"
    ),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes as Linux does"),
]
ON_RAY = ("--on", "ray", "--workers", "2")


@pytest.fixture(scope="module")
def machines():
    with Machines() as started_machines:
        yield started_machines


@pytest.fixture
def node(machines):
    """Add a node of two processors, and return the process id of its raylet."""
    yield machines.add(2)
    machines.remove_all()


def at_work(raylet):
    """Return the processes of a node that are at a part."""
    title = b"ray::message_of_attempt"
    return [pid for pid in tree(raylet) if title in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_started_on_this_machine_it_leaves_what_one_crawl_leaves(
    planned, web, commands, calm, calm_words
):
    command = crawl_command(planned, web, *ON_RAY)
    with tempfile.TemporaryDirectory(prefix="tdm-ray-") as folder:
        done = commands.run(command, env=environment(folder))
        assert (done.status, done.err) == (0, "")
        printed = json.loads(done.out)
        assert printed["parts"]["done"] == list(range(PARTS))
        assert (printed["processes"], printed["most_per_address"]) == (2, 8)
        assert_as_calm(planned, calm, calm_words)
        # Ray is not even started if there is nothing to do.
        done = commands.run(command, env={"RAY_ADDRESS": "127.0.0.1:9"})
        assert (done.status, json.loads(done.out)["skipped"]) == (0, PARTS)


def test_the_same_command_twice_at_once(planned, web, commands, calm, calm_words, machines, node):
    command = crawl_command(planned, web, *ON_RAY)
    pids = [commands.start(command, env=machines.env) for _ in range(2)]
    done = [commands.wait(pid) for pid in pids]
    # 3: the other one was at work on a part.
    assert {one.status for one in done} <= {0, 3}, [one.err for one in done]
    finish(commands, planned, web)
    assert_as_calm(planned, calm, calm_words)


def test_a_worker_is_killed(planned, web, commands, calm, calm_words, machines, node):
    slow = crawl_command(planned, web, *ON_RAY, "--concurrency", "2", delay="20ms")
    pid = started(commands, web, slow, 30, env=machines.env)
    killed = at_work(node)[:1]
    assert killed
    kill(killed)
    done = commands.wait(pid)
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["parts"]["done"] == list(range(PARTS))
    assert_as_calm(planned, calm, calm_words)


def test_a_raylet_is_killed_and_its_worker_lives_on(
    planned, web, commands, calm, calm_words, machines, node
):
    second = machines.add(2)
    command = crawl_command(
        planned, web, "--on", "ray", "--workers", "4", "--concurrency", "2", delay="20ms"
    )
    pid = started(commands, web, command, 30, env=machines.env)
    assert waited_for(lambda: at_work(node) and at_work(second))
    os.kill(second, signal.SIGKILL)
    done = commands.wait(pid)
    assert (done.status, done.err) == (0, "")
    ended = json.loads(done.out)["parts"]
    # Of a part that the lost worker has done the second attempt finds nothing left to do.
    assert sorted(chain.from_iterable(ended.values())) == list(range(PARTS))
    assert ended["stopped"] == []
    assert_as_calm(planned, calm, calm_words)


def test_stopped_and_continued(planned, web, commands, calm, calm_words, machines, node):
    slow = crawl_command(planned, web, *ON_RAY, "--concurrency", "2", delay="20ms")
    pid = started(commands, web, slow, 50, env=machines.env)
    os.kill(pid, signal.SIGTERM)
    done = commands.wait(pid)
    assert done.status == 4
    assert "run the same command again to continue" in done.err
    status = json.loads(run("status", "--db", planned / "audit", "--json").stdout)
    assert status["states"]["unfinished"] >= 1
    assert 0 < status["unvisited"] < 40
    done = commands.run(crawl_command(planned, web, *ON_RAY), env=machines.env)
    assert (done.status, json.loads(done.out)["visited"]) == (0, status["unvisited"])
    assert_as_calm(planned, calm, calm_words)


def test_a_time_budget_ends_it_and_a_part_that_fails_is_named(
    planned, web, commands, machines, node
):
    slow = crawl_command(planned, web, *ON_RAY, "--concurrency", "1", delay="200ms")
    done = commands.run([*slow, "--time-budget", "1ms"], env=machines.env)
    assert (done.status, "by the time budget" in done.err) == (4, True)
    damaged = planned / "audit" / opened(planned).require(3).name
    damaged.write_bytes(b"SQLite format 3\0" + b"\1" * 5000)
    done = commands.run(crawl_command(planned, web, *ON_RAY), env=machines.env)
    assert (done.status, list(json.loads(done.out)["failed"])) == (1, ["3"])
    assert "1 part failed three times" in done.err
    judge = ("judge", "--db", planned / "audit", "--on", "ray", "--json", "--no-progress")
    done = commands.run(judge, env=machines.env)
    assert (done.status, list(json.loads(done.out)["failed"])) == (1, ["3"])
    assert json.loads(done.out)["parts"]["done"] == [0, 1, 2]


_WITHOUT_NODES = """
import sys
from crawler.commands.part_ray import ray_cluster
from crawler.commands.part_task import PartTask, PartVerb
from crawler.errors import UserError
from crawler.fetch.options import FetchOptions
from crawler.store.audit_folder import AuditFolder
from crawler.store.parts import storage_at

task = PartTask(verb=PartVerb.JUDGE, fetch=FetchOptions(), processes=1)
folder = AuditFolder(storage_at(sys.argv[1]))
with ray_cluster("") as cluster:
    try:
        cluster.work_on_parts(folder, [0], task, 1, no_nodes_after=1)
    except UserError as error:
        sys.exit(str(error))
"""


def test_no_nodes_for_a_minute_is_an_error(planned, machines):
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_NODES, str(planned / "audit")],
        env=os.environ | machines.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    assert done.returncode == 1
    assert "has had no node with a processor for 1 second" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {path.name for path in newest(planned)} == {"g0.db"}


@pytest.mark.parametrize("on", ["ray://127.0.0.1:9", "ray:127.0.0.1:9", "ray:127.0.0.1:99999"])
def test_where_no_ray_answers_it_is_said(planned, web, commands, on):
    done = commands.run(crawl_command(planned, web, "--on", on))
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert f"no Ray answers at {on.removeprefix('ray:') if '//' not in on else on}" in done.err
