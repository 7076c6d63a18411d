"""A large dataset is read in a subprocess, with the same result as in this process."""

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

from crawler.commands.ingest import MAX_BYTES_IN_PROCESS, IngestError, IngestRequest, ingest
from crawler.store.database import StoreError, connect
from tests.conftest import ROOT, patience
from tests.crawl_helpers import command, rows, start, waited_for

TABLES = ("dataset", "dataset_file", "version_reject", "version_origin", "origin", "sample")
# No server listens on this port, and only one origin is visited.
NOWHERE, ONE = SimpleNamespace(port=9), ("--limit-origins", "1")
MANY = 12_000
URLS = [f"http://host{n:06}.example/{n}" for n in range(MANY)]
linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Return the folder for temporary files of the commands that are started."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def stored(folder, path, small, **options):
    """Ingest a dataset; return its number and all rows, without the time of ingestion."""
    folder.mkdir()
    with closing(connect(folder / "audit.db", create=True)) as db:
        number = ingest(
            db,
            folder / "audit.db",
            IngestRequest(datasets=(str(path),), **options),
            max_bytes_in_process=small,
        )
        found = {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        columns = [row[0] for row in db.execute("SELECT name FROM pragma_table_info('dataset')")]
    time = columns.index("ingested_at")
    found["dataset"] = [row[:time] + row[time + 1 :] for row in found["dataset"]]
    return number, found


TEXT = "http://a.example/x\nb.example\nhttps://a.example/y\nftp://c.example/\n\nhttp://[bad/\n"
CSV = "url,n\nhttps://a.example/x,3\nhttps://a.example/y,4\nhttps://b.example/z,\nmailto:x@y.z,9\n"


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        pytest.param("a.txt", TEXT, {}, id="text"),
        pytest.param("a.csv", CSV, {"weight_column": "n", "samples": 1}, id="weights"),
        pytest.param("ä b.csv", CSV, {"url_columns": ("URL",)}, id="a name beyond ASCII"),
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
        ingest(
            db,
            path.parent / "audit.db",
            IngestRequest(datasets=(str(path),), **options),
            max_bytes_in_process=small,
        )
    return raised.type, str(raised.value), raised.value.status


@pytest.mark.parametrize(
    ("name", "content", "options", "words"),
    [
        pytest.param("a.parquet", "no parquet", {}, "cannot be read", id="broken"),
        pytest.param("a.csv", CSV, {"url_columns": ("none",)}, "none", id="no such column"),
        pytest.param("a.csv", CSV, {"memory_limit": "much"}, "'much' is no size", id="limit"),
    ],
)
def test_it_fails_with_the_same_words(tmp_path, db, started, name, content, options, words):
    path = tmp_path / name
    path.write_text(content)
    here, apart = (failure(db, path, small, **options) for small in (MAX_BYTES_IN_PROCESS, 0))
    assert apart == here
    assert words in apart[1]
    assert len(started.processes) == 1
    assert db.execute("SELECT count(*) FROM dataset").fetchone() == (0,)


def test_a_known_dataset_starts_no_process(tmp_path, db, started):
    path = tmp_path / "a.txt"
    path.write_text(TEXT)
    wanted = IngestRequest(datasets=(str(path),))
    numbers = {ingest(db, tmp_path / "audit.db", wanted, max_bytes_in_process=0) for _ in range(3)}
    assert (numbers, len(started.processes)) == ({1}, 1)


@linux
def test_a_full_disk_is_said_in_one_sentence(tmp_path, db, started):
    path = tmp_path / "a.txt"
    path.write_text(TEXT)
    small = (4096, 4096)
    started.then = lambda process: resource.prlimit(process.pid, resource.RLIMIT_FSIZE, small)
    kind, said, status = failure(db, path, 0)
    assert (kind, status) == (StoreError, 1)
    assert said.startswith("the system failed to read or write")
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
    """Return the id of the subprocess of a command that reads; None before it has started."""
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
    """Return the size of the write-ahead log, which takes what is not committed yet."""
    return (folder / "audit.db-wal").stat().st_size


def reading(folder, process):
    """Wait until the subprocess has started; return its id."""
    number = waited_for(lambda: reader(process))
    assert number
    return number


def storing(folder, process):
    """Wait until the subprocess stores rows; return its id."""
    number = reading(folder, process)
    before = log_size(folder)
    assert waited_for(lambda: log_size(folder) > before)
    return number


def assert_nothing_is_stored(folder):
    """Assert that nothing of the dataset is stored: the new database is gone, or it is empty."""
    if (folder / "audit.db").exists():  # the command was killed
        assert rows(folder, "SELECT count(*) FROM dataset") == [(0,)]
        assert rows(folder, "SELECT count(*) FROM origin") == [(0,)]


def assert_next_crawl_ingests(folder, arguments):
    """Assert that nothing of the dataset is stored, and that the next crawl stores all of it."""
    assert_nothing_is_stored(folder)
    with start(arguments) as process:
        _, said = process.communicate(timeout=patience(60))
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
        out, said = process.communicate(timeout=patience(10))
    assert (process.returncode, out) == (4, "")
    assert said == (
        "tdm-audit: stopped early by a signal; run the same command again to continue\n"
    )
    # A signal may arrive before the command knows its subprocess; that then ends by itself.
    assert waited_for(lambda: not is_running(child), seconds=5)
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
        out, said = process.communicate(timeout=patience(20))
    assert (process.returncode, out, "by a signal" in said) == (4, "", True)
    assert_nothing_is_stored(tmp_path)
