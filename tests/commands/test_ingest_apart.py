"""A large dataset is read by a process of its own, which leaves what reading it here leaves."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from crawler import subprocesses
from crawler.commands.ingest import SMALL, IngestError, Wanted, ingest
from crawler.store.database import StoreError, connect
from tests.conftest import ROOT
from tests.crawl_helpers import command, rows, start, waited_for

TABLES = ("dataset", "dataset_file", "dataset_reject", "dataset_origin", "origin", "sample")
# Nobody listens there, and only one origin is asked.
NOWHERE, ONE = SimpleNamespace(port=9), ("--limit-origins", "1", "--workers", "1")
MANY = 12_000
URLS = [f"http://host{n:06}.example/{n}" for n in range(MANY)]
linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")


@pytest.fixture
def started(monkeypatch):
    """The processes that were started, and what is done to each at once."""
    seen = SimpleNamespace(processes=[], then=lambda _process: None)
    real = subprocesses.start

    def watched(*arguments):
        seen.processes.append(process := real(*arguments))
        seen.then(process)
        return process

    monkeypatch.setattr(subprocesses, "start", watched)
    return seen


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder for temporary files of the commands that are started."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def stored(folder, path, small, **options):
    """What is in the tables once a dataset is ingested, but for the moment."""
    folder.mkdir()
    with closing(connect(folder / "audit.db", create=True)) as db:
        number = ingest(
            db, folder / "audit.db", Wanted(datasets=(str(path),), **options), small=small
        )
        found = {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        moment = [row[0] for row in db.execute("SELECT name FROM pragma_table_info('dataset')")]
    at = moment.index("ingested_at")
    found["dataset"] = [row[:at] + row[at + 1 :] for row in found["dataset"]]
    return number, found


TEXT = "http://a.example/x\nb.example\nhttps://a.example/y\nftp://c.example/\n\nhttp://[bad/\n"
CSV = "url,n\nhttps://a.example/x,3\nhttps://a.example/y,4\nhttps://b.example/z,\nmailto:x@y.z,9\n"


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        pytest.param("a.txt", TEXT, {}, id="text"),
        pytest.param("a.csv", CSV, {"weight_column": "n", "samples": 1}, id="weights"),
        pytest.param("ä b.csv", CSV, {"url_column": "URL"}, id="a name beyond ASCII"),
    ],
)
def test_the_tables_are_the_same(tmp_path, started, name, content, options):
    path = tmp_path / name
    path.write_text(content)
    here = stored(tmp_path / "here", path, len(content), **options)
    assert not started.processes
    apart = stored(tmp_path / "apart", path, len(content) - 1, **options)
    assert len(started.processes) == 1
    assert apart == here
    assert all(here[1].values())


def failure(db, path, small, **options):
    with pytest.raises(Exception) as raised:
        ingest(db, path.parent / "audit.db", Wanted(datasets=(str(path),), **options), small=small)
    return raised.type, str(raised.value), raised.value.status


@pytest.mark.parametrize(
    ("name", "content", "options", "words"),
    [
        pytest.param("a.parquet", "no parquet", {}, "cannot be read", id="broken"),
        pytest.param("a.csv", CSV, {"url_column": "none"}, "none", id="no such column"),
        pytest.param("a.csv", CSV, {"memory_limit": "much"}, "'much' is no size", id="limit"),
    ],
)
def test_it_fails_with_the_same_words(tmp_path, db, started, name, content, options, words):
    path = tmp_path / name
    path.write_text(content)
    here, apart = (failure(db, path, small, **options) for small in (SMALL, 0))
    assert apart == here
    assert words in apart[1]
    assert len(started.processes) == 1
    assert db.execute("SELECT count(*) FROM dataset").fetchone() == (0,)


def test_a_known_dataset_starts_no_process(tmp_path, db, started):
    path = tmp_path / "a.txt"
    path.write_text(TEXT)
    wanted = Wanted(datasets=(str(path),))
    numbers = {ingest(db, tmp_path / "audit.db", wanted, small=0) for _ in range(3)}
    assert (numbers, len(started.processes)) == ({1}, 1)


@linux
def test_a_full_disk_is_said_in_one_sentence(tmp_path, db, started):
    path = tmp_path / "a.txt"
    path.write_text(TEXT)
    small = (4096, 4096)
    started.then = lambda process: resource.prlimit(process.pid, resource.RLIMIT_FSIZE, small)
    kind, said, status = failure(db, path, 0)
    assert (kind, status) == (StoreError, 1)
    assert said.startswith("no space left while writing")
    assert db.execute("SELECT count(*) FROM dataset").fetchone() == (0,)


def test_a_process_that_is_killed_is_said_in_one_sentence(tmp_path, db, started):
    path = tmp_path / "a.txt"
    path.write_text(TEXT)
    started.then = subprocess.Popen.kill
    kind, said, status = failure(db, path, 0)
    assert (kind, status) == (IngestError, 1)
    assert said.startswith("the process that read the dataset was ended by signal 9")


def test_a_process_that_cannot_be_started(tmp_path, db, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text(TEXT)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    kind, said, _ = failure(db, path, 0)
    assert (kind, said.count("cannot start a process")) == (IngestError, 1)


def test_the_command_itself_loads_nothing_that_reads_datasets():
    script = "import sys, crawler.commands.crawl; print({'duckdb', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def reader(process):
    """The number of the process that reads for a command; None before it is there."""
    assert process.poll() is None, process.communicate()
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if b"crawler.commands.ingest" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return None


def is_running(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def log_size(folder):
    """Octets of the log that what is not yet committed goes into."""
    return (folder / "audit.db-wal").stat().st_size


def reading(folder, process):
    """The number of its reader as soon as there is one."""
    number = waited_for(lambda: reader(process))
    assert number
    return number


def storing(folder, process):
    """The number of its reader as soon as that has begun to store what it read."""
    number = reading(folder, process)
    before = log_size(folder)
    assert waited_for(lambda: log_size(folder) > before)
    return number


def assert_next_crawl_ingests(folder, arguments):
    """It finds nothing of the dataset, and stores all of it."""
    assert rows(folder, "SELECT count(*) FROM dataset") == [(0,)]
    assert rows(folder, "SELECT count(*) FROM origin") == [(0,)]
    with start(arguments) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert rows(folder, "SELECT dataset, count(*) FROM dataset_origin GROUP BY 1") == [(1, MANY)]
    with closing(sqlite3.connect(folder / "audit.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@linux
@pytest.mark.parametrize(
    ("moment", "number"), [(reading, signal.SIGINT), (storing, signal.SIGTERM)]
)
def test_a_signal_ends_it_and_the_next_crawl_ingests(tmp_path, scratch, moment, number):
    arguments = command(tmp_path, NOWHERE, URLS, *ONE)
    with start(arguments) as process:
        child = moment(tmp_path, process)
        assert list(scratch.glob("tdm-audit-*"))
        process.send_signal(number)
        out, said = process.communicate(timeout=10)
    assert (process.returncode, out) == (4, "")
    assert said == (
        "tdm-audit: stopped early by a signal; run the same command again to continue\n"
    )
    assert not is_running(child)
    assert not list(scratch.iterdir())
    assert_next_crawl_ingests(tmp_path, arguments)


@linux
@pytest.mark.parametrize("moment", [reading, storing])
@pytest.mark.usefixtures("scratch")
def test_a_command_that_is_killed_takes_its_reader_with_it(tmp_path, moment):
    arguments = command(tmp_path, NOWHERE, URLS, *ONE)
    with start(arguments) as process:
        child = moment(tmp_path, process)
        process.kill()
        process.communicate()
    assert waited_for(lambda: not is_running(child), seconds=5)
    assert_next_crawl_ingests(tmp_path, arguments)


@linux
def test_a_signal_to_the_reader_alone_ends_both(tmp_path):
    with start(command(tmp_path, NOWHERE, URLS, *ONE)) as process:
        os.kill(storing(tmp_path, process), signal.SIGTERM)
        out, said = process.communicate(timeout=20)
    assert (process.returncode, out, "by a signal" in said) == (4, "", True)
    assert rows(tmp_path, "SELECT count(*) FROM dataset") == [(0,)]
