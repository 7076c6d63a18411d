"""Tables of a part that another process writes: what is loaded, killed and stopped meanwhile."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from crawler.commands.part_task import PartTask, PartVerb, task_as_json
from crawler.commands.part_worker import message_of_attempt
from crawler.fetch.options import FetchOptions
from crawler.store import tables_process
from tests.audit_in_parts.folders import newest, opened
from tests.audit_in_parts.test_tables_of_parts import numbers
from tests.conftest import ROOT

JUDGE = PartTask(verb=PartVerb.JUDGE, fetch=FetchOptions(), processes=1)
# What reads and writes tables, which takes 43 MB of a process.
OF_TABLES = {"pyarrow", "duckdb"}
# A process of a pool, at one part.
SCRIPT = """
import json, sys
from crawler.commands.part_worker import message_of_attempt
from crawler.store import tables_process
folder, most, task = sys.argv[1:]
tables_process.MAX_BYTES_IN_PROCESS = int(most)
message = message_of_attempt(folder, 1, json.loads(task))
print(json.dumps({"message": message, "loaded": list(sys.modules)}))
"""


def work(place, web, most, env=None):
    """Crawl part 1 in a process; return its message, and those of the libraries it has loaded."""
    fetch = FetchOptions(
        delay=0, connect_to=(f"::127.0.0.1:{web.port}",), allow_network=("127.0.0.1/32",)
    )
    task = PartTask(verb=PartVerb.CRAWL, fetch=fetch, processes=1)
    words = [str(place), str(most), json.dumps(task_as_json(task))]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=ROOT,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["message"]["done"], OF_TABLES & set(found["loaded"])


def judge(folder):
    return message_of_attempt(str(folder / "audit"), 1, task_as_json(JUDGE))["done"]


@pytest.fixture
def apart(monkeypatch):
    monkeypatch.setattr(tables_process, "MAX_BYTES_IN_PROCESS", 0)


def tables(folder, generation):
    return list((folder / "audit/tables").glob(f"*/00001-g{generation}.parquet"))


def test_a_process_that_crawls_loads_neither_arrow_nor_duckdb(planned, web):
    done, loaded = work(planned / "audit", web, 0)
    assert (done["end"], done["warnings"], loaded) == ("done", [], set())
    assert done["judged"] or done["visited"]
    assert tables(planned, 1)


def test_of_few_origins_no_process_is_started(planned, web):
    _, loaded = work(planned / "audit", web, tables_process.MAX_BYTES_IN_PROCESS)
    assert loaded == {"pyarrow"}
    assert tables(planned, 1)


@pytest.mark.usefixtures("apart")
def test_a_killed_process_loses_nothing_and_is_told(crawled, started):
    before = numbers(crawled)
    started.then = subprocess.Popen.kill
    done = judge(crawled)
    (warning,) = done["warnings"]
    assert (done["end"], done["generation"]) == ("done", 2)
    assert warning.startswith("the tables of a part were not written: the process for it ended by")
    assert newest(crawled)[1].name == "g2.db"
    assert tables(crawled, 2) == []
    folder = opened(crawled)
    assert folder.newest(1) == folder.require(1)
    assert all(files.failures == () for files in folder.listed())
    started.then = lambda _process: None
    assert numbers(crawled) == before
    assert tables(crawled, 2)


@pytest.mark.usefixtures("apart")
def test_a_killed_process_is_told_by_whoever_reads(crawled, started, tdm_audit):
    for file in (crawled / "audit/parts").glob("*/g1-tables.json"):
        file.unlink()
    started.then = subprocess.Popen.kill
    done = tdm_audit("report", "--db", crawled / "audit", "-o", crawled / "report.html")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "were not written: the process for it ended by signal 9" in done.stderr


@pytest.mark.usefixtures("apart")
def test_import_tells_it_too(crawled, started, tdm_audit, tmp_path):
    started.then = subprocess.Popen.kill
    rows = "".join(f"h{n:02}.test,Holding Ltd\n" for n in range(40))
    file = tmp_path / "list.csv"
    file.write_text(f"domain,name\n{rows}")
    words = ("--as", "parties", "--publisher", "Council", "--db", crawled / "audit")
    done = tdm_audit("import", file, *words)
    assert done.returncode == 0, done.stderr
    assert "part 1: the tables of a part were not written" in done.stderr


@pytest.mark.usefixtures("apart")
def test_a_signal_meanwhile_is_ignored(crawled, started):
    """As while a part is put: the work is done."""
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("SIGTERM"))
    try:
        started.then = lambda _process: os.kill(os.getpid(), signal.SIGTERM)
        done = judge(crawled)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (done["end"], done["warnings"], seen) == ("done", (), [])
    assert len(started.processes) == 1
    assert tables(crawled, 2)


def test_tables_that_cannot_be_written_are_no_failure_of_a_part_that_was_put(crawled):
    place = crawled / "audit"
    shutil.rmtree(place / "tables")
    (place / "tables").write_text("no folder")
    message = message_of_attempt(str(place), 1, task_as_json(JUDGE))
    assert "tables" in message["failed"]
    assert newest(crawled)[1].name == "g2.db"
    assert all(files.failures == () for files in opened(crawled).listed())
