"""Start work on parts, kill it, finish it, and compare it with one undisturbed crawl."""

import contextlib
import json
import os
import signal
from pathlib import Path

from tests.audit_in_parts.folders import crawl_command, newest, said, summary
from tests.crawl_helpers import waited_for

PARTS = 4


def tree(pid):
    """Return the process ids of a process and all that it has started."""
    found = [pid]
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [p for child in listed.read_text().split() for p in tree(int(child))]
    return found


def kill(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def started(commands, web, command, requests, **how):
    """Start a command, and return its process id once the web has answered so many requests."""
    before = len(web.log)
    pid = commands.start(command, **how)
    assert waited_for(lambda: len(web.log) >= before + requests)
    return pid


def finish(commands, folder, web):
    """Crawl each part as a task of an array; return how many origins were visited."""
    visited = 0
    for part in range(PARTS):
        done = commands.run(crawl_command(folder, web, "--part", part, "--of", PARTS))
        assert done.status == 0, done.err
        visited += json.loads(done.out)["visited"]
    return visited


def assert_as_calm(folder, calm, calm_words):
    found = newest(folder)
    assert len(found) == PARTS
    words = said(*found)
    assert {view for view in words if words[view] != calm_words[view]} == set()
    assert summary(*found) == summary(calm)
    names = [p.name for p in (folder / "audit").rglob("*") if p.is_file()]
    assert [n for n in names if n.startswith(".") or n.endswith(("-wal", "-shm"))] == []
