"""Remote datasets: an S3 server, a web server and fsspec's memory, all on this machine."""

import http.server
import io
import json
import os
import subprocess
import sys
import threading
import urllib.error
from typing import ClassVar

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.dataset.files import DatasetError
from crawler.dataset.remote import Upload, local_copies
from crawler.remote import shown_name
from tests.conftest import ROOT, patience
from tests.s3 import SECRETS, moto_server

HOST = "http://unanimous.demo.test"


def parquet(*urls):
    stream = io.BytesIO()
    pq.write_table(pa.table({"url": list(urls), "n": list(range(len(urls)))}), stream)
    return stream.getvalue()


SHARDS = {
    "set/data/train-00000.parquet": parquet(f"{HOST}/a", f"{HOST}/b"),
    "set/data/train-00001.parquet": parquet("https://nobody.example/x"),
    "set/README.md": b"words",
    "set/dataset_info.json": b"{}",
    "set/.gitattributes": b"*",
    "other/list.txt": b"a.example\n",
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with moto_server(tmp_path_factory.mktemp("s3")) as server:
        server.put("bucket")
        for path, data in SHARDS.items():
            server.put(f"bucket/{path}", data)
        yield server


class Web(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        Web.asked.append(self.path)
        data = b"url\nhttp://127.0.0.1:9/x\n" if "there" in self.path else b""
        self.send_response(200 if data else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass


@pytest.fixture
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Web.asked.clear()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def command(*arguments, cwd, env=None):
    done = subprocess.run(
        [sys.executable, "-m", "crawler", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "160"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    return done


def test_a_folder_on_s3_is_fetched_once(s3, tmp_path):
    since = len(s3.log.read_text())
    done = command("crawl", "s3://bucket/set", "--dry-run", "--json", cwd=tmp_path, env=s3.env)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    names = [f"set/data/train-0000{n}.parquet" for n in range(2)]
    assert [file["path"] for file in found["files"]] == [f"s3://bucket/{name}" for name in names]
    assert [file["bytes"] for file in found["files"]] == [len(SHARDS[name]) for name in names]
    assert (found["rows"], found["format"]) == (3, "parquet")
    assert {one["origin"] for one in found["would_ask"]} == {HOST, "https://nobody.example"}
    assert s3.fetched(since) == {f"bucket/{name}": 1 for name in names}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["s3://bucket/set/data/train-*.parquet", "s3://bucket/set/data/train-0000?.parquet"]
)
def test_a_pattern_on_s3(s3, tmp_path, name):
    done = command("crawl", name, "--dry-run", "--json", cwd=tmp_path, env=s3.env)
    assert len(json.loads(done.stdout)["files"]) == 2


def test_flags_go_to_s3_and_a_second_run_continues(s3, tmp_path, demo_output):
    words = ["flag", "s3://bucket/set", "-o", "s3://bucket/flagged/", "--json"]
    words += ["--db", demo_output / "audit.db"]
    done = command(*words, cwd=tmp_path, env=s3.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["rows"]["reserved"] == 2
    for n, states in enumerate((["reserved", "reserved"], ["unknown"])):
        written = s3.get(f"bucket/flagged/train-0000{n}.parquet")
        assert pq.read_table(io.BytesIO(written))["tdm_state"].to_pylist() == states
    since = len(s3.log.read_text())
    again = json.loads(command(*words, cwd=tmp_path, env=s3.env).stdout)
    assert again["finished_before"] == [
        f"s3://bucket/flagged/train-0000{n}.parquet" for n in range(2)
    ]
    assert s3.fetched(since)["bucket/set/data/train-00001.parquet"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_on_s3_whose_source_is_gone_is_removed_if_you_say_so(s3, tmp_path, demo_output):
    shards = [data for path, data in SHARDS.items() if path.endswith(".parquet")]
    for n, shard in enumerate(shards):
        s3.put(f"bucket/shrinking/{n}.parquet", shard)
    words = ["flag", "s3://bucket/shrinking", "-o", "s3://bucket/mirror", "--json"]
    words += ["--db", demo_output / "audit.db"]
    assert command(*words, cwd=tmp_path, env=s3.env).returncode == 0
    s3.put("bucket/mirror/9.parquet", b"not of this program")
    s3.delete("bucket/shrinking/1.parquet")
    done = command(*words, "--prune-output", cwd=tmp_path, env=s3.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["removed"] == ["s3://bucket/mirror/1.parquet"]
    assert s3.get("bucket/mirror/9.parquet") == b"not of this program"
    with pytest.raises(urllib.error.HTTPError):
        s3.get("bucket/mirror/1.parquet")
    again = json.loads(command(*words, cwd=tmp_path, env=s3.env).stdout)
    assert "outdated" not in again
    assert len(again["finished_before"]) == len(shards) - 1


def test_one_file_with_flags_only_names_the_shards_of_rows(s3, tmp_path, demo_output):
    words = ["flag", "s3://bucket/set", "-o", "s3://bucket/all.parquet", "--flags-only"]
    done = command(*words, "--db", demo_output / "audit.db", cwd=tmp_path, env=s3.env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Written: s3://bucket/all.parquet\n")
    rows = pq.read_table(io.BytesIO(s3.get("bucket/all.parquet")))
    assert [name.rpartition("-")[2] for name in rows["file"].to_pylist()] == [
        "00000.parquet",
        "00000.parquet",
        "00001.parquet",
    ]
    assert rows["file"][0].as_py().startswith("s3://bucket/")


ERRORS = {
    "no object": (["crawl", "s3://bucket/none.parquet", "--dry-run"], "does not exist"),
    "no bucket": (["crawl", "s3://none/a.csv", "--dry-run"], "s3://none/a.csv"),
    "no table": (["crawl", "s3://bucket/set/README.md", "--dry-run"], "s3://bucket/set/README.md"),
    "a scheme": (["crawl", "nope://x/a.csv", "--dry-run"], "is of no known kind"),
    "itself": (
        ["flag", "s3://bucket/other/list.txt", "-o", "s3://bucket/other/list.txt"],
        "suffix must be one of",
    ),
    "its place": (
        ["flag", "s3://bucket/set/data", "-o", "s3://bucket/set/data"],
        "is the dataset itself",
    ),
    "a web address": (
        ["flag", "s3://bucket/set", "-o", "https://jane:s3cret@a.example/x.csv"],
        "https://a.example/x.csv can only be read",
    ),
}


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "no table"])
def test_errors_are_one_sentence_that_names_the_url(s3, tmp_path, demo_output, name):
    words, expected = ERRORS[name]
    done = command(*words, "--db", demo_output / "audit.db", cwd=tmp_path, env=s3.env)
    assert done.returncode == (2 if expected == "suffix must be one of" else 1)
    assert expected in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


def test_credentials_of_a_web_address_are_nowhere_kept(web, tmp_path):
    url = f"http://jane:s3cret@{web}/there.csv?X-Amz-Signature=5160a7u4e"
    done = command("crawl", url, "--db", "a.db", "--contact", "a@b.example", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(Web.asked) == 1
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert f"http://{web}/there.csv".encode() in kept
    assert not any(secret.encode() in kept for secret in SECRETS)


def test_a_web_address_that_is_not_there(web, tmp_path):
    url = f"http://jane:s3cret@{web}/gone.csv?X-Amz-Signature=5160a7u4e"
    done = command("crawl", url, "--dry-run", cwd=tmp_path)
    assert done.returncode == 1
    assert f"http://{web}/gone.csv cannot be read" in done.stderr
    assert done.stderr.count("\n") == 1


NAMES = {
    "https://u:p@a.example/x.csv?sig=1#f": "https://a.example/x.csv",
    "HTTPS://u:p@a.example/x.csv": "HTTPS://a.example/x.csv",
    "https://a.example/@v/x.csv": "https://a.example/@v/x.csv",
    "s3://key:secret@bucket/a-?.csv": "s3://bucket/a-?.csv",
    "hf://datasets/a/b@main/x.csv": "hf://datasets/a/b@main/x.csv",
    "/a/b?.csv": "/a/b?.csv",
    "C:/x@y.csv": "C:/x@y.csv",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_without_credentials(name):
    assert shown_name(name) == NAMES[name]


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_any_file_system_of_fsspec(memory, tmp_path):
    memory.pipe("/set/a.csv", b"url\na.example\n")
    memory.pipe("/set/b.csv.bin", b"no table")
    memory.pipe("/set/deep/b.jsonl.gz", b"")
    memory.pipe("/set/deep/notes.txt", b"words")
    with local_copies(["memory://set/a.csv"]) as copies:
        [file] = copies.identify()
        assert file[:2] == ("memory://set/a.csv", 14)
        [local] = copies.paths
    assert not os.path.exists(local)
    with local_copies(["memory://set"]) as copies:
        assert [os.path.basename(path) for path in copies.paths] == ["a.csv", "b.jsonl.gz"]
    with pytest.raises(DatasetError, match="memory://none does not exist or holds no file"):
        local_copies(["memory://none"]).__enter__()
    upload = Upload("memory://out/")
    (tmp_path / "x").write_bytes(b"abc")
    upload.put(tmp_path / "x", "d/x")
    assert (upload.size("d/x"), upload.size("d/y")) == (3, None)
    assert memory.cat("/out/d/x") == b"abc"
