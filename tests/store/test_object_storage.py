"""Files of an audit in parts in an object store: put once, whatever the server and the net do."""

import os
from types import SimpleNamespace

import pytest
import s3fs

from crawler.store.failures import StorageDownError, StoreError
from crawler.store.object_storage import ObjectStorage
from tests.s3 import SECRETS, environment, moto_server, odd_server

MEBI = 1 << 20
URL = "s3://bucket/audit"


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    with moto_server(tmp_path_factory.mktemp("s3")) as server:
        server.put("bucket")
        yield server


@pytest.fixture
def opened(monkeypatch):
    """Return a function that opens the storage at a server."""

    def at(server):
        for name, value in environment(server.url).items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        return ObjectStorage(URL)

    yield at
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a file."""

    def written(content):
        (tmp_path / "file").write_bytes(content)
        return tmp_path / "file"

    return written


def test_a_file_is_put_once(moto, opened, file, tmp_path):
    storage = opened(moto)
    assert storage.names("parts") == []
    assert storage.read("parts/00001/g0.db") is None
    assert storage.put_once(file(b"first"), "parts/00001/g0.db")
    assert not storage.put_once(file(b"other"), "parts/00001/g0.db")
    assert storage.read("parts/00001/g0.db") == b"first"
    storage.get("parts/00001/g0.db", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"first"
    with storage.opened("parts/00001/g0.db") as path:
        assert path.read_bytes() == b"first"
    assert not path.exists()
    assert storage.names("parts") == ["parts/00001/g0.db"]
    assert storage.names("parts/0000") == []
    several = ["parts/00001/g0.db", "parts/00002/g0.db"]
    assert storage.read_all(several) == {several[0]: b"first"}
    assert storage.read_all([]) == {}
    storage.replace("plan.json", b"1")
    storage.replace("plan.json", b"2")
    assert storage.read("plan.json") == b"2"


def test_a_file_that_comes_in_several_requests_is_put_once(moto, opened, file):
    storage = opened(moto)
    first = os.urandom(32 * MEBI + 1)
    assert storage.put_once(file(first), "large/g0.db")
    assert b"uploadId" in moto.log.read_bytes()
    assert not storage.put_once(file(first[1:]), "large/g0.db")
    assert not storage.put_once(file(b"small"), "large/g0.db")
    with storage.opened("large/g0.db") as path:
        assert path.read_bytes() == first
    # Nothing of what was refused stays in the store, where it would cost.
    assert b"<Upload>" not in moto.get("bucket?uploads")


@pytest.mark.parametrize(
    ("heeds", "size", "how"),
    [((), 1, "replaces a file though"), (("PUT",), 33 * MEBI, "in several requests though")],
    ids=["never", "not of uploads in several requests"],
)
def test_a_server_that_replaces_files_is_refused(opened, file, heeds, size, how):
    with odd_server(*heeds) as server:
        storage = opened(server)
        with pytest.raises(StoreError, match=how):
            storage.put_once(file(bytes(size)), "parts/00001/g0.db")
        assert list(server.files) == ["/bucket/audit/put-once.txt"]


FAULTS = {
    "no answer though it was stored": [0, 0, 500],
    "another put is under way": [0, 0, 409, 409],
    "too many requests": [503],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_put_is_tried_again(opened, file, name):
    with odd_server("PUT", faults=FAULTS[name]) as server:
        storage = opened(server)
        assert storage.put_once(file(b"mine"), "g0.db")
        assert server.faults == []
        assert server.files["/bucket/audit/g0.db"] == b"mine"
        assert not storage.put_once(file(b"hers"), "g0.db")


def test_a_server_that_is_down_is_one_sentence(opened, file, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = opened(SimpleNamespace(url="http://127.0.0.1:9"))
    for work in (
        lambda: storage.names("parts"),
        lambda: storage.read("a"),
        lambda: storage.read_all(["a", "b"]),
        lambda: storage.put_once(file(b"new"), "b"),
    ):
        with pytest.raises(StorageDownError) as caught:
            work()
        sentence = str(caught.value)
        assert sentence.startswith(URL)
        assert "the same command goes on from there" in sentence
        assert "\n" not in sentence
        assert not any(secret in sentence for secret in SECRETS)


def test_a_bucket_that_is_not_there(moto, opened, file):
    opened(moto)
    storage = ObjectStorage("s3://nobucket/audit")
    for work in (lambda: storage.names("parts"), lambda: storage.put_once(file(b"x"), "a")):
        with pytest.raises(StoreError, match=r"bucket does not exist.*; check the URL"):
            work()


@pytest.mark.parametrize("url", ["memory://x/y", "sftp://a.example/x", "https://a.example/x"])
def test_places_without_a_put_that_never_replaces_are_refused(url):
    with pytest.raises(StoreError, match="only s3:// and gs:// refuse to replace a file"):
        ObjectStorage(url)
