"""`flag` on many files: small ones evaluated together, and several processes side by side."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, patience
from tests.crawl_helpers import waited_for

HOST = "http://unanimous.demo.test"
URLS = [f"{HOST}/a", "garbage url", None, "https://nobody.example/x", f"{HOST}/b?c"]
MANY = 9


def rows(n):
    """Return the rows of file `n`: each has other columns, another order and another number."""
    urls = [*URLS[n % 5 :], *URLS[: n % 5]] * (n % 3 + 1)
    columns = {"url": urls, "n": list(range(len(urls)))}
    if n % 4 == 3:
        columns = {"n": columns["n"], "meta": [{"url": url} for url in urls]}
    return pa.table(columns)


def unlike_files(folder):
    folder.mkdir()
    for n in range(MANY):
        pq.write_table(rows(n), folder / f"{n}.parquet")
    pq.write_table(rows(0).slice(0, 0), folder / "empty.parquet")
    pq.write_table(pa.table({"images": [[{"url": f"{HOST}/i"}], []]}), folder / "listed.parquet")


@pytest.fixture
def flag(demo_output, tmp_path, tdm_audit):
    def flagging(*arguments, fails=0):
        given = [*arguments, "--db", demo_output / "audit.db", "--json"]
        done = tdm_audit("flag", *given, cwd=tmp_path)
        assert done.returncode == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout)

    return flagging


def contents(folder):
    return {path.name: pq.read_table(path).to_pylist() for path in folder.glob("*.parquet")}


@pytest.mark.parametrize("way", [[], ["--flags-only"], ["--mask", "keep"]], ids=" ".join)
def test_files_together_and_side_by_side_are_as_each_by_itself(flag, tmp_path, way):
    unlike_files(tmp_path / "in")
    together = flag("in", "-o", "together", *way)
    beside = flag("in", "-o", "beside", "--workers", "3", *way)
    assert {**beside, "out": ""} == {**together, "out": ""}
    assert contents(tmp_path / "beside") == contents(tmp_path / "together")
    if way:
        return
    (tmp_path / "alone").mkdir()
    for name in ("3.parquet", "4.parquet", "listed.parquet"):
        flag(f"in/{name}", "-o", f"alone/{name}")
    alone, all_of_them = contents(tmp_path / "alone"), contents(tmp_path / "together")
    assert alone == {name: all_of_them[name] for name in alone}
    assert len(all_of_them) == MANY + 2


def test_workers_go_on_where_files_are_finished(flag, tmp_path):
    unlike_files(tmp_path / "in")
    first = flag("in", "-o", "out", "--workers", "2")
    (tmp_path / "out/3.parquet").unlink()
    again = flag("in", "-o", "out", "--workers", "2")
    assert len(again.pop("finished_before")) == MANY + 1
    assert again == first


def test_texts_are_written_by_workers_too(flag, tmp_path):
    (tmp_path / "in").mkdir()
    for n in range(4):
        lines = "".join(json.dumps({"url": url, "n": n}) + "\n" for url in URLS)
        (tmp_path / f"in/{n}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert flag("in", "-o", "one")["rows"] == flag("in", "-o", "two", "--workers", "2")["rows"]
    for path in (tmp_path / "one").glob("*.gz"):
        assert gzip.decompress(path.read_bytes()) == gzip.decompress(
            (tmp_path / "two" / path.name).read_bytes()
        )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_cut_file_is_named_and_whole_ones_stay(flag, tmp_path, workers):
    unlike_files(tmp_path / "in")
    whole = (tmp_path / "in/8.parquet").read_bytes()
    (tmp_path / "in/8.parquet").write_bytes(whole[:-20])
    said = flag("in", "-o", "out", "--workers", workers, fails=1)
    assert said.startswith("tdm-audit: in/8.parquet is cut off:")
    assert said.count("\n") == 1
    assert not list((tmp_path / "out").glob(".*.part"))
    (tmp_path / "in/8.parquet").write_bytes(whole)
    flag("in", "-o", "out", "--workers", workers)
    assert len(contents(tmp_path / "out")) == MANY + 2


def large_files(folder):
    folder.mkdir()
    table = pa.table({"url": URLS * 15_000, "n": range(len(URLS) * 15_000)})
    pq.write_table(table, folder / "00.parquet")
    for n in range(1, 12):
        shutil.copy(folder / "00.parquet", folder / f"{n:02}.parquet")


def children(process):
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(pid) for pid in listed.stdout.split()]


def after_the_first_file(folder, db, stop):
    """Begin, and do something as soon as one file is finished; return status and what it says."""
    command = [sys.executable, "-m", "crawler", "flag", "in", "-o", "out", "--workers", "2"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--db", str(db)], cwd=folder, env=env, stderr=subprocess.PIPE, text=True
    )
    manifest = folder / "out/.tdm-audit.jsonl"
    assert waited_for(lambda: manifest.exists() or process.poll() is not None)
    workers = children(process)
    stop(process, workers)
    said = process.communicate(timeout=patience(60))[1]
    return process.returncode, said, workers


def interrupt(process, workers):
    process.send_signal(signal.SIGINT)


def lose_a_worker(process, workers):
    os.kill(workers[0], signal.SIGKILL)


@pytest.mark.parametrize(
    ("stop", "status", "says"),
    [(interrupt, 4, "stopped early by a signal"), (lose_a_worker, 1, "a worker process ended")],
    ids=["signal", "lost worker"],
)
def test_a_stop_leaves_whole_files_and_no_process(flag, tmp_path, demo_db_copy, stop, status, says):
    large_files(tmp_path / "in")
    ended, said, workers = after_the_first_file(tmp_path, demo_db_copy, stop)
    assert len(workers) == 2
    assert (ended, said.count("\n")) == (status, 1)
    assert says in said
    assert waited_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
    assert not list((tmp_path / "out").glob(".*.part"))
    done = contents(tmp_path / "out")
    assert 0 < len(done) < 12
    assert {len(found) for found in done.values()} == {len(URLS) * 15_000}


@pytest.mark.parametrize("out", ["in/out", "in", "in/out.parquet"])
def test_nothing_is_written_into_the_dataset(flag, tmp_path, out):
    unlike_files(tmp_path / "in")
    before = sorted((tmp_path / "in").rglob("*"))
    said = flag("in", "-o", out, fails=1)
    assert "name another place with -o" in said
    assert sorted((tmp_path / "in").rglob("*")) == before
