"""Tables are the same whether a process of its own writes them or this one."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from crawler import subprocesses
from crawler.store import tables_process
from crawler.store.database import StoreError, connect
from crawler.store.failures import DiskNotWritableError
from crawler.store.tables_process import TablesProcessError, export_tables
from crawler.vocab import Resource
from tests.conftest import patience
from tests.crawl_helpers import waited_for
from tests.store.conftest import answer

linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")
MODULE = tables_process.__name__


@pytest.fixture
def path(audit, tmp_path):
    audit(answer("a.example", Resource.ROBOTS_TXT, "/robots.txt", "User-agent: *\nDisallow: /\n"))
    return tmp_path / "audit.db"


@pytest.fixture
def apart(monkeypatch):
    """Have the tables of every database written by another process."""
    monkeypatch.setattr(tables_process, "MAX_BYTES_IN_PROCESS", 0)


def written(folder):
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_the_files_are_the_same(path, tmp_path, started, monkeypatch):
    export_tables(path, tmp_path / "here", 7, 3)
    assert started.processes == []
    monkeypatch.setattr(tables_process, "MAX_BYTES_IN_PROCESS", 0)
    export_tables(path, tmp_path / "apart", 7, 3)
    assert len(started.processes) == 1
    assert written(tmp_path / "apart") == written(tmp_path / "here")
    assert "origin/00007-g3.parquet" in written(tmp_path / "here")


def damage(path, _folder):
    with closing(connect(path)) as db:
        db.execute("DROP TABLE finding")


def occupy(_path, folder):
    folder.write_text("not a folder")


@pytest.mark.parametrize("fault", [damage, occupy])
def test_it_fails_with_the_same_words(path, tmp_path, monkeypatch, fault):
    folder = tmp_path / "tables"
    fault(path, folder)
    said = []
    for most in (tables_process.MAX_BYTES_IN_PROCESS, 0):
        monkeypatch.setattr(tables_process, "MAX_BYTES_IN_PROCESS", most)
        with pytest.raises(StoreError) as raised:
            export_tables(path, folder, 1, 1)
        said.append((raised.type, str(raised.value)))
    assert said[0] == said[1]


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("kind", [DiskNotWritableError, StoreError])
def test_a_full_disk_stays_a_full_disk(path, tmp_path, monkeypatch, kind):
    words = [sys.executable, "-c", f"print({json.dumps({kind.__name__: 'so it is'})!r})"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    monkeypatch.setattr(subprocesses, "start", lambda _module: subprocess.Popen(words, **pipes))
    with pytest.raises(kind, match=r"^so it is$") as raised:
        export_tables(path, tmp_path / "tables", 1, 1)
    assert raised.type is kind


@pytest.mark.usefixtures("apart")
def test_a_process_that_is_killed(path, tmp_path, started):
    started.then = subprocess.Popen.kill
    with pytest.raises(TablesProcessError, match=r"ended by signal 9$"):
        export_tables(path, tmp_path / "tables", 1, 1)


@pytest.mark.usefixtures("apart")
def test_a_process_that_cannot_be_started(path, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(TablesProcessError, match="could be started, No such file"):
        export_tables(path, tmp_path / "tables", 1, 1)


def handles(process, number):
    """Return whether a process has a handler for a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@linux
def test_signals_do_not_end_it(path, tmp_path):
    process = subprocesses.start(MODULE)
    try:
        assert waited_for(lambda: handles(process, signal.SIGHUP))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(process.pid, number)
        message = {"db": str(path), "folder": str(tmp_path / "t"), "part": 0, "generation": 1}
        subprocesses.send(process, message)
        assert process.stdout.read() == b"{}\n"
        assert process.wait(patience(10)) == 0
    finally:
        subprocesses.kill(process)
    assert "origin/00000-g1.parquet" in written(tmp_path / "t")


@linux
def test_it_ends_with_the_process_that_started_it(path, tmp_path):
    copy = tmp_path / "copy.db"
    with closing(connect(path)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        # What is locked makes it wait for ten seconds.
        db.execute("BEGIN EXCLUSIVE")
        process = subprocesses.start(MODULE)
        try:
            message = {"db": str(copy), "folder": str(tmp_path / "t"), "part": 0, "generation": 1}
            subprocesses.send(process, message)
            assert waited_for(lambda: str(copy) in opened_by(process))
            process.stdin.close()
            status, said = process.wait(patience(10)), process.stdout.read()
        finally:
            subprocesses.kill(process)
    # Not a word: it did not wait for the lock.
    assert (status, said) == (1, b"")


def opened_by(process):
    """Return the files that a process has open."""
    found = set()
    for link in Path(f"/proc/{process.pid}/fd").glob("*"):
        with suppress(OSError):  # it may be closed by now
            found.add(os.readlink(link))
    return found
