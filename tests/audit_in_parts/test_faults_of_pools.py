"""A pool whose processes die, or whose machine is short of something, loses nothing."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from crawler.demo.misbehaviour import NeverAnswers
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from tests.audit_in_parts.folders import crawl_command, newest, plan, query, said
from tests.audit_in_parts.interrupting import kill, tree
from tests.audit_in_parts.test_kills_of_parts import POOL
from tests.conftest import patience
from tests.crawl_helpers import start, waited_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes as Linux does")
# Seconds for a request that no test waits for: longer than the patience of every test.
UNREACHED_TIMEOUT = "1000s"


def started(arguments, *before):
    """Start a command in a process of its own."""
    return start([*before, sys.executable, "-m", "crawler", *map(str, arguments)])


def asked(web, number):
    """Return a condition: at least `number` more requests than now."""
    before = len(web.log)
    return lambda: len(web.log) >= before + number


def assert_goes_on(commands, folder, web, calm_words):
    """Assert that the same command goes on to what an undisturbed crawl says."""
    done = commands.run(crawl_command(folder, web, *POOL))
    assert (done.status, done.err) == (0, "")
    assert said(*newest(folder)) == calm_words


def test_processes_that_are_killed_again_and_again_end_it_and_the_next_command_goes_on(
    planned, web, commands, calm_words
):
    with started(crawl_command(planned, web, *POOL)) as process:
        while process.poll() is None:
            kill(tree(process.pid)[1:])
            time.sleep(0.01)
        out, err = process.communicate()
    assert process.returncode == 1, err
    assert list(json.loads(out)["failed"]) == ["0", "1", "2", "3"]
    assert "4 parts failed three times" in err
    assert "its process ended with signal 9" in err
    assert_goes_on(commands, planned, web, calm_words)


def test_processes_whose_disk_is_full_end_it_and_the_next_command_goes_on(
    planned, web, commands, calm_words
):
    with started(crawl_command(planned, web, *POOL)) as process:
        while process.poll() is None:
            for child in tree(process.pid)[1:]:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(child, resource.RLIMIT_FSIZE, (4096, 4096))
            time.sleep(0.01)
        _, err = process.communicate()
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert_goes_on(commands, planned, web, calm_words)


def test_few_descriptors_are_no_refusal_of_a_host(planned, web, commands, calm_words):
    limit = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    with started(crawl_command(planned, web, *POOL), *limit) as process:
        process.communicate(timeout=patience(60))
    assert process.returncode in (0, 1)
    outcomes = "SELECT DISTINCT outcome FROM observations"
    assert set(query(newest(planned), outcomes)) <= {("responded",), ("withheld",)}
    assert_goes_on(commands, planned, web, calm_words)


def test_a_machine_without_network_puts_no_generation(planned, web, commands, calm_words):
    without = ("unshare", "-n")
    if subprocess.run([*without, "true"], check=False, capture_output=True).returncode:
        pytest.skip("`unshare -n` does not work here, so the network cannot be taken away")
    with started(crawl_command(planned, web, *POOL), *without) as process:
        _, err = process.communicate(timeout=patience(60))
    assert (process.returncode, "no network" in err, err.count("\n")) == (1, True, 1), err
    assert {path.name for path in newest(planned)} == {"g0.db"}
    assert_goes_on(commands, planned, web, calm_words)


@pytest.mark.parametrize("whom", [os.kill, os.killpg], ids=["process", "group"])
def test_a_signal_ends_all_of_them_before_requests_time_out(tmp_path, whom):
    """Six sites answer, and three never do: fewer than one process may ask at a time."""
    never = {"/robots.txt": NeverAnswers()}
    sites = [Site(host=f"quick{n}.test", about="", expect={}, pages={}) for n in range(6)]
    sites += [Site(host=f"stuck{n}.test", about="", expect={}, pages=never) for n in range(3)]
    plan(tmp_path, [f"http://{site.host}/" for site in sites], "--parts", "2")
    with LoopbackWeb(sites) as web:
        stuck = asked(web, 6 * 6 + 3)
        slow = crawl_command(tmp_path, web, *POOL, "--timeout", UNREACHED_TIMEOUT)
        with started(slow, "setsid") as process:
            assert waited_for(stuck)
            whom(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=patience(30))
    assert (process.returncode, "run the same command again" in err) == (4, True), err
    # A request that timed out would have ended its visit, so that there were nine.
    assert sum(n for (n,) in query(newest(tmp_path), "SELECT count(*) FROM visit")) == 6


def test_a_full_disk_ends_a_pool_at_once_and_loses_nothing(planned, web, tmp_path, calm_words):
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "none", tmp_path]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here, so no small disk can be made")
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    octets = sum(file.stat().st_size for file in (planned / "audit").rglob("*"))
    # What was planned fits into it, and the next generation of no part.
    script = f"""
        mount -t tmpfs -o size={octets // 1024 + 200}k none {disk}
        cp -r {planned / "audit"} {disk}/audit
        TMPDIR={tmp_path} "$@" || echo "status $?"
        mount -o remount,size=100m {disk}
        TMPDIR={tmp_path} "$@"
        cp -r {disk}/audit {kept}/audit
    """
    command = [sys.executable, "-m", "crawler", *map(str, crawl_command(disk, web, *POOL))]
    with start(["unshare", "-m", "sh", "-ec", script, "sh", *command]) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.startswith("status 1\n")
    (sentence,) = err.splitlines()
    assert "no space left" in sentence
    assert "three times" not in sentence
    assert said(*newest(kept)) == calm_words
