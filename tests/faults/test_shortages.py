"""Shortages and obstacles: a command that meets one says so, and the next one goes on.

Each kind of shortage comes in rising steps, as of a machine that gets better, and the database is
looked at after each.
"""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from crawler import clock
from crawler.demo.server import LoopbackWeb
from tests.crawl_helpers import command, rows
from tests.faults.evidence import EVIDENCE, HOSTS, SITES, URLS, assert_true_so_far, evidence
from tests.forks import Commands

KIB, MIB = 1024, 1024 * 1024


@pytest.fixture(scope="module")
def web():
    with LoopbackWeb(SITES) as served:
        yield served


def assert_one_sentence(done):
    """Assert that a command that failed says why in one sentence, and nothing else."""
    assert done.status == 1, done
    assert done.err.startswith("tdm-audit: "), done.err
    assert (done.err.count("\n"), "Traceback" in done.err) == (1, False), done.err


def assert_completes(commands, arguments, folder, calm):
    """Assert that the same command goes on to the evidence of an undisturbed crawl."""
    done = commands.run(arguments)
    assert (done.status, done.err) == (0, "")
    for what in EVIDENCE:
        assert evidence(folder)[what] == calm[what]


# Sizes of files: of nothing, while a database is made, while its tables grow.
FILES = (4, 20, 100, 200, 300, 340, 360, 400, 440, 480, 520)
SHORT = {
    "files of a few KiB": [{"limits": {"RLIMIT_FSIZE": n * KIB}} for n in FILES],
    "few descriptors": [{"limits": {"RLIMIT_NOFILE": n}} for n in (4, 8, 12, 16, 20, 24, 32)],
}
MEMORY = (1, 4, 16, 32, 48, 64, 96, 128, 192)


@pytest.mark.parametrize("steps", SHORT.values(), ids=SHORT)
def test_a_shortage_is_one_sentence_and_loses_nothing(steps, web, commands, calm, tmp_path):
    arguments = command(tmp_path, web, URLS)[3:]
    failures = 0
    for how in steps:
        done = commands.run(arguments, **how)
        if done.status:
            assert_one_sentence(done)
            failures += 1
        assert_true_so_far(tmp_path, calm)
    assert failures > len(steps) // 3
    assert_completes(commands, arguments, tmp_path, calm)


def test_a_process_that_is_refused_memory_loses_nothing(web, commands, calm, tmp_path):
    """It may end without a word: libraries in C abort when they are refused memory."""
    arguments = command(tmp_path, web, URLS)[3:]
    failures = 0
    for size in MEMORY:
        done = commands.run(arguments, memory=size * MIB)
        failures += bool(done.status)
        assert "Traceback" not in done.err, done.err
        assert_true_so_far(tmp_path, calm)
    assert failures
    assert_completes(commands, arguments, tmp_path, calm)


def test_a_full_disk_at_every_stage_is_one_sentence_and_loses_nothing(web, calm, tmp_path):
    """The disk is a small file system, which grows between two commands."""
    disk = tmp_path / "disk"
    disk.mkdir()
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "none", disk]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here, so no small disk can be made")
    with Commands("unshare", "-m", "sh", "-ec", 'exec "$@"', "sh") as commands:
        inside = ["nsenter", "-t", commands.pid, "-m"]
        seen = tmp_path / "seen"

        def mount(*options):
            words = [*inside, "mount", *options, disk]
            subprocess.run(list(map(str, words)), check=True)

        def look():
            """Copy the database out of the file system that only the commands see."""
            shutil.rmtree(seen, ignore_errors=True)
            seen.mkdir()
            for file in Path(f"/proc/{commands.pid}/root{disk}").glob("audit.db*"):
                if file.name in ("audit.db", "audit.db-wal"):
                    shutil.copy(file, seen)
            return assert_true_so_far(seen, calm)

        mount("-t", "tmpfs", "-o", "size=4k", "none")
        arguments = command(disk, web, URLS)[3:]
        (tmp_path / "dataset.txt").write_text("".join(f"{url}\n" for url in URLS))
        arguments[1] = tmp_path / "dataset.txt"
        failures = 0
        for size in (4, 100, 300, 400, 500, 700, 900, 1100):
            mount("-o", f"remount,size={size}k")
            done = commands.run(arguments, env={"TMPDIR": str(tmp_path)})
            if done.status:
                assert_one_sentence(done)
                failures += 1
            look()
        assert failures > 3
        mount("-o", "remount,size=100m")
        mount("-o", "remount,ro")
        read_only = commands.run([*arguments, "--max-age", "0s"])
        assert_one_sentence(read_only)
        assert "cannot be written" in read_only.err
        look()
        mount("-o", "remount,rw")
        done = commands.run(arguments)
        assert (done.status, done.err, look()) == (0, "", HOSTS)
        assert evidence(seen) == calm


def test_a_machine_without_network_visits_nothing_and_goes_on_with_one(
    web, commands, calm, tmp_path
):
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        pytest.skip("`unshare -n` does not work here, so the network cannot be taken away")
    arguments = command(tmp_path, web, URLS)[3:]
    done = commands.run(arguments, offline=True)
    assert_one_sentence(done)
    assert "no network" in done.err
    assert assert_true_so_far(tmp_path, calm) == 0
    assert_completes(commands, arguments, tmp_path, calm)


DAYS = 86400
CLOCKS = {
    "ahead, then right": (400 * DAYS, 0),
    "behind, then right": (-400 * DAYS, 0),
    "back by an hour": (0, -3600),
}


@pytest.mark.parametrize("shifts", CLOCKS.values(), ids=CLOCKS)
def test_a_clock_that_jumps_in_the_middle_of_a_run_loses_nothing(
    shifts, web, commands, calm, tmp_path
):
    arguments = command(tmp_path, web, URLS)[3:]
    budget = [*arguments, "--time-budget", "1s", "--concurrency", "2"]
    stopped = commands.run(budget, env={clock.VARIABLE: f"{shifts[0]:+}"})
    assert stopped.status == 4, stopped.err
    assert_true_so_far(tmp_path, calm)
    done = commands.run(arguments, env={clock.VARIABLE: f"{shifts[1]:+}"})
    assert done.status == 0, done.err
    origins = "SELECT count(DISTINCT origin), max(run) FROM visit"
    assert rows(tmp_path, origins) == [(HOSTS, 1)]
    assert evidence(tmp_path)["findings"] == calm["findings"]
    assert evidence(tmp_path)["observations"] == calm["observations"]


def test_a_reader_that_holds_an_old_state_stops_nothing(web, commands, calm, tmp_path):
    arguments = command(tmp_path, web, URLS)[3:]
    commands.run([*arguments, "--time-budget", "0s"])
    with closing(sqlite3.connect(tmp_path / "audit.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT count(*) FROM observation").fetchone()
        assert_completes(commands, arguments, tmp_path, calm)
        assert reader.execute("SELECT count(*) FROM observation").fetchone() == before
    assert assert_true_so_far(tmp_path, calm) == HOSTS


def test_a_writer_that_holds_the_database_is_named_and_nothing_is_lost(
    web, commands, calm, tmp_path
):
    arguments = command(tmp_path, web, URLS)[3:]
    commands.run([*arguments, "--time-budget", "0s"])
    with closing(sqlite3.connect(tmp_path / "audit.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        done = commands.run(arguments)
        writer.execute("ROLLBACK")
    assert_one_sentence(done)
    assert "locked by another program" in done.err
    assert_true_so_far(tmp_path, calm)
    assert_completes(commands, arguments, tmp_path, calm)
