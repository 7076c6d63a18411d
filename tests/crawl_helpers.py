"""Crawl webs of loopback with the command that is shipped, and ask what it left behind."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

from tests.conftest import ROOT


def command(folder, web, urls, *more, delay="0", timeout="3"):
    """The command line of a crawl of these URLs, whose dataset is written into a folder."""
    dataset = folder / "dataset.txt"
    dataset.write_text("".join(f"{url}\n" for url in urls))
    return [
        sys.executable, "-m", "crawler", "crawl", str(dataset), "--db", str(folder / "audit.db"),
        "--delay", delay, "--timeout", timeout, "--no-progress", "--json",
        "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32",
        *map(str, more),
    ]  # fmt: skip


def start(arguments):
    """The command in a process of its own."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(arguments, cwd=ROOT, env=env, **pipes)


def crawl(folder, web, urls, *more, **options):
    """Run it to its end; what it printed and how it ended comes back."""
    with start(command(folder, web, urls, *more, **options)) as process:
        out, err = process.communicate(timeout=100)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def rows(folder, sql, *values):
    with closing(sqlite3.connect(folder / "audit.db")) as db:
        return db.execute(sql, values).fetchall()


def waited_for(condition, seconds=30):
    """What a condition gives once it holds, or at last."""
    limit = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < limit:
        time.sleep(0.005)
    return found
