"""Worker processes leave the evidence that one process leaves, whichever of them is killed."""

import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest

from crawler.demo.misbehaviour import NeverAnswers
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.fetch.options import FetchOptions
from crawler.fetch.workers import coordinator
from tests.conftest import patience
from tests.crawl_helpers import command, crawl, rows, start, waited_for
from tests.faults.evidence import EVIDENCE, HOSTS, SITES, URLS, evidence

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")
IN_PROCESSES = ("--workers", "2", "--batch", "10")
FOLDER = "audit.db.shards"
# Seconds for a request that no test waits for: longer than the patience of every test.
UNREACHED_TIMEOUT = "1000s"


@pytest.fixture(scope="module")
def web():
    with LoopbackWeb(SITES) as served:
        yield served


@pytest.fixture(scope="module")
def calm(tmp_path_factory, web):
    """Return the evidence of one process that was not disturbed."""
    folder = tmp_path_factory.mktemp("calm")
    done = crawl(folder, web, URLS, "--workers", "1")
    assert done.returncode == 0, done.stderr
    return evidence(folder)


def workers(process):
    """Return the process ids of the workers of a command."""
    found = []
    for children in Path(f"/proc/{process.pid}/task").glob("*/children"):
        for child in children.read_text().split():
            said = Path(f"/proc/{child}/cmdline").read_bytes()
            found += [int(child)] if b"crawler.fetch.workers.worker" in said else []
    return found


def asked(web, number):
    """Return a condition: at least `number` more requests than now."""
    before = len(web.log)
    return lambda: len(web.log) >= before + number


def shards(folder):
    return list(folder.glob(f"{FOLDER}/run-*/batch-*.db"))


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory, web):
    """Return the folder of a crawl by two processes that was not disturbed."""
    folder = tmp_path_factory.mktemp("beside")
    done = crawl(folder, web, URLS, *IN_PROCESSES)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("what", EVIDENCE)
def test_two_processes_find_what_one_finds(calm, two_processes, what):
    assert evidence(two_processes)[what] == calm[what]


def test_nothing_but_the_database_is_left_and_the_run_says_how_many_asked(two_processes):
    assert not (two_processes / FOLDER).exists()
    query = "SELECT settings ->> 'workers', settings ->> 'concurrency' FROM runs"
    assert rows(two_processes, query) == [(2, 64)]


def test_a_worker_that_is_killed_takes_nothing_with_it(tmp_path, web, calm):
    begun = asked(web, 60)
    with start(command(tmp_path, web, URLS, *IN_PROCESSES)) as process:
        assert waited_for(begun)
        os.kill(workers(process)[0], signal.SIGKILL)
        _, said = process.communicate(timeout=patience(60))
    assert process.returncode == 0, said
    assert evidence(tmp_path) == calm
    assert not (tmp_path / FOLDER).exists()


def test_workers_that_are_killed_again_and_again_end_it_and_the_next_command_goes_on(
    tmp_path, web, calm
):
    with start(command(tmp_path, web, URLS, *IN_PROCESSES)) as process:
        while process.poll() is None:
            for worker in workers(process):
                os.kill(worker, signal.SIGKILL)
            time.sleep(0.01)
        out, said = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert said.startswith("tdm-audit: workers ended 4 times before they were done")
    assert crawl(tmp_path, web, URLS, *IN_PROCESSES).returncode == 0
    assert evidence(tmp_path) == calm


def test_a_command_that_is_killed_takes_its_workers_with_it(tmp_path, web, calm):
    begun = asked(web, 20)
    with start(command(tmp_path, web, URLS, *IN_PROCESSES)) as process:
        assert waited_for(begun)
        theirs = workers(process)
        process.kill()
        process.communicate()
    assert waited_for(lambda: not any(is_running(worker) for worker in theirs))
    assert len(theirs) == 2
    assert shards(tmp_path)
    assert rows(tmp_path, "SELECT count(*) < ? FROM visit", HOSTS) == [(1,)]
    done = crawl(tmp_path, web, URLS, *IN_PROCESSES)
    assert done.returncode == 0, done.stderr
    assert evidence(tmp_path) == calm
    assert not (tmp_path / FOLDER).exists()


def is_running(process):
    """Return whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_whose_disk_is_full_ends_it_with_one_sentence(tmp_path, web, calm):
    begun = asked(web, 20)
    with start(command(tmp_path, web, URLS, *IN_PROCESSES)) as process:
        assert waited_for(begun)
        for worker in workers(process):
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (4096, 4096))
        out, said = process.communicate(timeout=patience(60))
    assert (process.returncode, out, said.count("\n")) == (1, "", 1), said
    assert said.startswith("tdm-audit: the system failed to read or write")
    assert crawl(tmp_path, web, URLS, *IN_PROCESSES).returncode == 0
    assert evidence(tmp_path) == calm


def slow_web():
    """Return six sites that answer, and three that never do: fewer than one worker may ask."""
    quick = [Site(host=f"quick{n}.test", about="", expect={}, pages={}) for n in range(6)]
    never = {"/robots.txt": NeverAnswers()}
    stuck = [Site(host=f"stuck{n}.test", about="", expect={}, pages=never) for n in range(3)]
    return [*quick, *stuck]


@pytest.mark.parametrize("whom", [os.kill, os.killpg], ids=["process", "group"])
def test_a_signal_ends_all_of_them_before_requests_time_out(tmp_path, whom):
    sites = slow_web()
    urls = [f"http://{site.host}/" for site in sites]
    with LoopbackWeb(sites) as web:
        stuck = asked(web, 6 * 6 + 3)
        arguments = command(
            tmp_path, web, urls, "--workers", "2", "--batch", "2", timeout=UNREACHED_TIMEOUT
        )
        with start(["setsid", *arguments]) as process:
            assert waited_for(stuck)
            assert workers(process)
            whom(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=patience(30))
    assert (process.returncode, "run the same command again" in said) == (4, True)
    # A request that timed out would have ended its visit, so that there were nine.
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(6,)]
    assert not (tmp_path / FOLDER).exists()


def test_a_budget_ends_all_of_them(tmp_path):
    sites = slow_web()
    urls = [f"http://{site.host}/" for site in sites]
    with LoopbackWeb(sites) as web:
        more = ("--workers", "2", "--batch", "2", "--time-budget", "0s")
        done = crawl(tmp_path, web, urls, *more, timeout=UNREACHED_TIMEOUT)
    assert (done.returncode, "by the time budget" in done.stderr) == (4, True)
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize(
    ("workers", "concurrency", "per_address"),
    [(1, 64, 8), (2, 32, 4), (3, 21, 2), (8, 8, 1), (64, 1, 1)],
)
def test_all_of_them_together_do_no_more_than_one_may(workers, concurrency, per_address):
    mine = coordinator.share(FetchOptions(concurrency=64, time_budget=9.0), workers)
    assert (mine.concurrency, mine.per_address) == (concurrency, per_address)
    assert mine.time_budget is None


@pytest.mark.parametrize(
    ("origins", "largest", "expected"),
    [(199, 1000, True), (200, 1000, False), (39, 10, True), (40, 10, False)],
)
def test_few_origins_are_asked_by_one(origins, largest, expected):
    assert coordinator.fits_one_process(origins, largest) is expected
