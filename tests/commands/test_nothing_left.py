"""A command that fails before its first work leaves no database and no folder behind."""

import os
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.interrupts import StoppedEarlyError
from crawler.store.creating import exclusive_lock_to_create
from crawler.store.database import connect

NEW = ("--db", "new/sub/audit.db")
KNOWN = ("--db", "known.db")
ASK = ("crawl", *NEW, "--budget", "1h", "--ask")
COMMANDS = {
    "crawl, no file": ("crawl", "none.csv", *NEW),
    "crawl, an empty file": ("crawl", "empty.txt", *NEW),
    "crawl, words": ("crawl", "words.csv", *NEW),
    "crawl, words read in a subprocess": ("crawl", "many.csv", *NEW),
    "crawl, a damaged file": ("crawl", "cut.parquet", *NEW),
    "crawl, no such column": ("crawl", "urls.txt", "--url-column", "none", *NEW),
    "crawl, no such weight": ("crawl", "urls.txt", "--weight-column", "none", *NEW),
    "crawl, no such facet": ("crawl", "urls.txt", "--facet", "none", *NEW),
    "crawl, no such rules": ("crawl", "urls.txt", "--rules", "none", *NEW),
    "ask, no file": (*ASK, "none.txt"),
    "ask, an empty file": (*ASK, "empty.txt"),
    "ask, a file that may not be read": (*ASK, "unreadable.txt"),
    "ask, words": (*ASK, "words.csv"),
    "ask, words read in a subprocess": (*ASK, "many.csv"),
    "ask, a damaged file": (*ASK, "cut.parquet"),
    "ask, no file beside a dataset": (*ASK, "none.txt", "urls.txt"),
    "ask, beside no dataset": (*ASK, "urls.txt", "none.csv"),
    "flag, no database": ("flag", "urls.txt", "-o", "out/sub", *NEW),
    "flag, no file": ("flag", "none.csv", "-o", "out/sub", *KNOWN),
    "flag, words": ("flag", "words.csv", "-o", "out/sub", *KNOWN),
    "flag, words into a file": ("flag", "words.csv", "-o", "out/sub/f.csv", *KNOWN),
    "flag, no such column": ("flag", "folder", "-o", "out/sub", "--url-column", "none", *KNOWN),
    "flag, workers": (
        *("flag", "folder", "-o", "out/sub", "--url-column", "none", "--workers", "2"),
        *KNOWN,
    ),
    "report, no dataset": ("report", "-o", "out/r.html", *KNOWN),
    "export, no dataset": ("export", "sites", "-o", "out/s.csv", "--dataset", "none", *KNOWN),
    "judge": ("judge", *NEW),
    "hold": ("hold", "add", "case 1", *NEW),
    "forget": ("forget", "d@1", "--yes", *NEW),
    "import": ("import", "words.csv", "--as", "parties", *NEW),
    "prune": ("prune", "--media", "--yes", *NEW),
    "redact": ("redact", "--origin", "a.test", "--reason", "ticket 1", *NEW),
    "stamp": ("stamp", "--tsa", "http://127.0.0.1:1/", *NEW),
    "adopt": ("adopt", *NEW),
    "verify": ("verify", *NEW),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("")
    Path("words.csv").write_text("id,title\n1,some words\n2,more\n")
    Path("many.csv").write_text("id,title\n" + "1,some words\n" * 8000)
    Path("cut.parquet").write_bytes(b"PAR1" + b"x" * 50)
    Path("urls.txt").write_text("http://a.test/\n")
    Path("unreadable.txt").write_text("http://a.test/\n")
    # root may read every file; a link to itself nobody can.
    if os.geteuid() == 0:
        Path("unreadable.txt").unlink()
        Path("unreadable.txt").symlink_to("unreadable.txt")
    else:
        Path("unreadable.txt").chmod(0)
    Path("folder/sub").mkdir(parents=True)
    for name in ("a.csv", "sub/b.csv"):
        Path("folder", name).write_text("url,id\nhttp://a.test/,1\n")
    connect("known.db", create=True).close()
    return tmp_path


def names(folder):
    # Readers of a database in WAL mode make its -shm file (sqlite.org/wal.html, 2.3), and a lock
    # stays: who removes one may remove that of another process.
    beside = {"known.db-shm", "known.db-wal", "known.db.lock"}
    return {path for path in folder.rglob("*") if path.name not in beside}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_fails_leaves_nothing(words, folder):
    before = names(folder)
    done = CliRunner().invoke(main, words)
    assert done.exit_code in (1, 2), done.output
    assert names(folder) == before


def test_folders_and_files_that_were_there_stay(folder):
    Path("new").mkdir()
    Path("new/sub").mkdir()
    Path("new/sub/audit.db.lock").write_text("")
    Path("out/sub").mkdir(parents=True)
    before = names(folder)
    assert CliRunner().invoke(main, COMMANDS["crawl, words"]).exit_code == 1
    assert CliRunner().invoke(main, COMMANDS["flag, words"]).exit_code == 1
    assert names(folder) == before


def killed_after(path, stored):
    with exclusive_lock_to_create(path):
        with closing(connect(path, create=True)) as db:
            if stored:
                db.execute(
                    "INSERT INTO dataset (id, path, digest, bytes, format, url_column, "
                    "column_given, weight_column, rows, ingested_at) "
                    "VALUES (1, 'd', '', 0, 'csv', 'url', 0, '', 1, '')"
                )
        raise StoppedEarlyError


@pytest.mark.parametrize("stored", [False, True])
def test_a_new_database_stays_once_something_is_stored(stored, folder):
    path = Path("new/audit.db")
    with pytest.raises(StoppedEarlyError):
        killed_after(path, stored)
    assert path.exists() is path.parent.exists() is stored


def test_a_database_that_was_there_stays(folder):
    before = Path("known.db").read_bytes()
    assert CliRunner().invoke(main, ["crawl", "words.csv", *KNOWN]).exit_code == 1
    assert Path("known.db").read_bytes()[:16] == before[:16]
