"""Run the crawl command against loopback webs and query the database that it writes."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

from tests.conftest import ROOT, patience
from tests.sample_origins import planned


def command(folder, web, urls, *more, delay="0", timeout="3s"):
    """Write a dataset of these URLs to a folder and return the command line that crawls it."""
    dataset = folder / "dataset.txt"
    dataset.write_text("".join(f"{url}\n" for url in urls))
    return [
        sys.executable, "-m", "crawler", "crawl", str(dataset), "--db", str(folder / "audit.db"),
        "--delay", delay, "--timeout", timeout, "--no-progress", "--json",
        "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32",
        *map(str, more),
    ]  # fmt: skip


def start(arguments):
    """Start the command in a subprocess."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(arguments, cwd=ROOT, env=env, **pipes)


def crawl(folder, web, urls, *more, **options):
    """Crawl to the end and return the exit code and the output."""
    with start(command(folder, web, urls, *more, **options)) as process:
        out, err = process.communicate(timeout=patience(100))
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def rows(folder, sql, *values):
    """Return the rows of a query on the folder's database."""
    with closing(sqlite3.connect(folder / "audit.db")) as db:
        return db.execute(sql, values).fetchall()


def waited_for(condition, seconds=30):
    """Call `condition` until its result is true or the time is over; return the last result.

    `seconds` is what an idle machine needs at most (see `tests.conftest.patience`).
    """
    limit = time.monotonic() + patience(seconds)
    while not (result := condition()) and time.monotonic() < limit:
        time.sleep(0.005)
    return result


def requests_without_files():
    """Return how many requests the plan makes to an origin that answers 404 to all of them."""
    return len(planned({}))
