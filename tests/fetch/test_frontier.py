"""The frontier in the database, also when Scrapy's command line opens it."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from crawler.demo import SITES, LoopbackWeb
from crawler.fetch.frontier import open_frontier
from crawler.fetch.scheduler import RunEnd
from crawler.store.database import StoreBusyError, StoreError, exclusive_lock
from tests.conftest import ROOT, patience

SOME = [site for site in SITES if site.complete][:12]


def test_scrapy_continues_a_run_that_was_begun(tmp_path, tdm_audit):
    dataset, db = tmp_path / "d.txt", tmp_path / "a.db"
    dataset.write_text("".join(f"{site.origin}/x\n" for site in SOME))
    with LoopbackWeb(SITES) as web:
        begun = tdm_audit(
            "crawl", dataset, "--db", db, "--delay", "0", "--time-budget", "0s",
            "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32",
        )  # fmt: skip
        assert begun.returncode == 4
        command = [sys.executable, "-m", "scrapy", "crawl", "reservations", "-a", f"db={db}"]
        command += ["-s", "DOWNLOAD_DELAY=0"]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(60),
        )
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT run, ended, origins FROM runs").fetchall() == [
            (1, "finished", 12)
        ]


def test_without_an_unfinished_run_there_is_nothing_to_continue(demo_db_copy):
    with pytest.raises(StoreError, match="no unfinished run"):
        open_frontier(str(demo_db_copy), None)
    with exclusive_lock(demo_db_copy):
        pass


def test_an_open_frontier_holds_the_database_until_it_is_finished(demo_db_copy):
    with closing(sqlite3.connect(demo_db_copy)) as db:
        db.execute("DROP TRIGGER run_ends_once")
        db.execute("UPDATE run SET ended = NULL, ended_at = NULL")
        db.commit()
    frontier = open_frontier(str(demo_db_copy), 1)
    with pytest.raises(StoreBusyError), exclusive_lock(demo_db_copy):
        pass
    assert len(frontier) == 0
    assert list(frontier.jobs()) == []
    frontier.finish(RunEnd.STOPPED)
    with exclusive_lock(demo_db_copy):
        pass
