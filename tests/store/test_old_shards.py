"""Shards next to a database, left by a crawl of an older version: removed with a sentence."""

import json

from crawler.demo.server import LoopbackWeb
from crawler.store import old_shards
from tests.conftest import run
from tests.crawl_helpers import crawl, rows
from tests.faults.evidence import SITES, URLS, evidence

HOSTS = 12


def leave(folder):
    """Make what a crawl of an older version left when it was killed; return its folder."""
    shards = folder / "audit.db.shards"
    (shards / "run-1").mkdir(parents=True)
    for name in ("empty", "batch-1.db", "batch-1.db-wal", "batch-2.new"):
        (shards / "run-1" / name).write_bytes(b"anything")
    return shards


def test_a_run_of_an_older_version_goes_on_without_its_shards(tmp_path):
    """What the database has stays; what only a shard had is asked again."""
    (tmp_path / "calm").mkdir()
    with LoopbackWeb(SITES[:HOSTS]) as web:
        assert crawl(tmp_path / "calm", web, URLS[:HOSTS]).returncode == 0
        assert crawl(tmp_path, web, URLS[:HOSTS], "--time-budget", "0s").returncode == 4
        before = rows(tmp_path, "SELECT * FROM visit")
        shards = leave(tmp_path)
        done = crawl(tmp_path, web, URLS[:HOSTS])
        again = crawl(tmp_path, web, URLS[:HOSTS])
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert f"tdm-audit: {shards}, which a crawl of an older version left, is removed" in done.stderr
    assert not shards.exists()
    assert again.stderr == ""
    assert set(before) <= set(rows(tmp_path, "SELECT * FROM visit"))
    assert rows(tmp_path, "SELECT run, ended FROM runs") == [(1, "finished")]
    assert evidence(tmp_path) == evidence(tmp_path / "calm")


def test_a_crawl_of_a_list_alone_says_it_too(tmp_path):
    shards, urls = leave(tmp_path), tmp_path / "list.txt"
    urls.write_text(f"{URLS[2]}\n")
    with LoopbackWeb(SITES[2:3]) as web:
        done = run(
            *("crawl", "--ask", urls, "--budget", "1h", "--db", tmp_path / "audit.db", "--json"),
            *("--delay", "0", "--connect-to", f"::127.0.0.1:{web.port}", "--no-progress"),
            *("--allow-network", "127.0.0.1/32"),
        )
    assert (done.returncode, json.loads(done.stdout)["ask"]["asked"]) == (0, 1), done.stderr
    assert "is removed" in done.stderr
    assert not shards.exists()


def test_nothing_is_erased_while_a_shard_may_have_the_same_bytes(tmp_path, demo_db_copy):
    shards = leave(tmp_path)
    redact = ("redact", "--origin", "all-404.demo.test", "--reason", "ticket 1")
    preview = run(*redact, "--dry-run", "--db", demo_db_copy)
    done = run(*redact, "--db", demo_db_copy)
    assert done.returncode == 1
    assert done.stderr.startswith(f"tdm-audit: {shards}, which a crawl of an older version left")
    assert "may have bytes that are to be erased" in done.stderr
    assert shards.exists()
    assert (preview.returncode, preview.stderr) == (0, "")


def test_without_shards_there_is_nothing_to_say(tmp_path):
    assert old_shards.remove(tmp_path / "audit.db") == ()
    old_shards.refuse(tmp_path / "audit.db")
