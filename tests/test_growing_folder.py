"""A folder of shards that changes every night, crawled by cron: versions, and what is asked."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.demo.answers import html, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import SILENT, Site
from tests.conftest import ROOT, patience
from tests.crawl_helpers import rows

FIRST = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
ROBOTS = {
    "open": "",
    "refuses-all": "User-agent: *\nDisallow: /\n",
    "refuses-ccbot": "User-agent: CCBot\nDisallow: /\n",
    "refuses-a-path": "User-agent: CCBot\nDisallow: /private/\n",
}
#: The shards of each night, each with the hosts of its rows, two rows for a host.
NIGHTS = (
    {"a": ["open", "refuses-all"]},
    {"a": ["open", "refuses-all"], "b": ["open", "refuses-ccbot"]},
    {"a": ["open", "refuses-all"], "b": ["open", "refuses-ccbot"]},
    {"a": ["open", "refuses-all"], "b": ["open", "refuses-ccbot"], "c": ["refuses-a-path"]},
    {"b": ["open", "refuses-ccbot"], "c": ["refuses-a-path"]},
)
#: For each night: versions so far, rows, and rows of hosts in `reservations`.
EXPECTED = (
    (1, 4, {"open": 2, "refuses-all": 2}),
    (2, 8, {"open": 4, "refuses-all": 2, "refuses-ccbot": 2}),
    (2, 8, {"open": 4, "refuses-all": 2, "refuses-ccbot": 2}),
    (3, 10, {"open": 4, "refuses-all": 2, "refuses-ccbot": 2, "refuses-a-path": 2}),
    (4, 6, {"open": 2, "refuses-all": 0, "refuses-ccbot": 2, "refuses-a-path": 2}),
)
LANGUAGES = {"a": "en", "b": "de", "c": "fr"}


def write_shards(data: Path, shards) -> None:
    for old in data.glob("*.parquet"):
        if old.stem not in shards:
            old.unlink()
    for name, hosts in shards.items():
        if not (data / f"{name}.parquet").exists():
            urls = [f"http://{host}.test/{name}/{n}" for host in hosts for n in (1, 2)]
            table = {"url": urls, "language": [LANGUAGES[name]] * len(urls)}
            table["date"] = [f"2024-0{n % 2 + 2}-0{n + 1}" for n in range(len(urls))]
            pq.write_table(pa.table(table), data / f"{name}.parquet")


def crawl(folder, web, night, *more):
    command = [
        *(sys.executable, "-m", "crawler", "crawl", folder / "data", "--db", folder / "audit.db"),
        *("--delay", "0", "--timeout", "3s", "--max-age", "6h", "--no-progress", "--json"),
        *("--allow-network", "127.0.0.0/8", "--connect-to", f"::127.0.0.1:{web.port}"),
        *("--facet", "language", "--facet", "year=date"),
        *("--collected-column", "date", "--upstream", "Common Crawl", "--crawler", "ccbot", *more),
    ]
    now = FIRST + timedelta(days=night)
    env = os.environ | {"PYTHONPATH": str(ROOT), "TDM_AUDIT_NOW": now.isoformat()}
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=env, capture_output=True, text=True,
        timeout=patience(60), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """The folder, and for each night the summary and what the views say."""
    folder = tmp_path_factory.mktemp("nights")
    (folder / "data").mkdir()
    sites = [
        Site(
            host=f"{host}.test",
            about="",
            expect=SILENT,
            pages={"/robots.txt": text(robots), "/": html()},
            otherwise=html(),
        )
        for host, robots in ROBOTS.items()
    ]
    found = []
    with LoopbackWeb(sites) as web:
        for night, shards in enumerate(NIGHTS):
            write_shards(folder / "data", shards)
            summary = crawl(folder, web, night)
            hosts = dict(rows(folder, "SELECT replace(host, '.test', ''), rows FROM reservations"))
            total = rows(folder, "SELECT max(version), sum(counts), count(*) FROM datasets")[0]
            found.append((summary, hosts, total))
    return folder, found


@pytest.mark.parametrize("night", range(len(NIGHTS)))
def test_each_night_counts_the_folder_as_it_is(nights, night):
    summary, hosts, (versions, counting, _) = nights[1][night]
    number, total, by_host = EXPECTED[night]
    assert (versions, counting, summary["rows"]) == (number, 1, total)
    assert hosts == by_host
    assert sum(by_host.values()) == total


def test_the_purposes_of_the_last_night_are_of_its_rows_alone(nights):
    folder, found = nights
    query = "SELECT sum(rows) FROM dataset_summary WHERE purpose = 'tdm'"
    assert rows(folder, query) == [(6,)]
    assert sum(found[-1][0]["purposes"]["tdm"]["rows"].values()) == 6
    assert rows(folder, "SELECT sum(rows) FROM sites") == [(6,)]


def test_hosts_that_left_keep_their_evidence(nights):
    query = "SELECT tdm, rows FROM reservations WHERE host = 'refuses-all.test'"
    assert rows(nights[0], query) == [("refused", 0)]


def test_facets_of_the_last_night(nights):
    query = (
        "SELECT facet, value, state, rows, share FROM dataset_facets "
        "WHERE purpose = 'genai_train' ORDER BY 1, 2, 3"
    )
    assert rows(nights[0], query) == [
        ("language", "de", "partial", 2, 0.5),
        ("language", "de", "silent", 2, 0.5),
        ("language", "fr", "partial", 2, 1.0),
        ("year", "2024", "partial", 4, 0.666667),
        ("year", "2024", "silent", 2, 0.333333),
    ]


def test_what_the_collecting_crawler_is_told(nights):
    folder, found = nights
    query = "SELECT crawler, access, origins, rows FROM dataset_collection ORDER BY 2"
    assert rows(folder, query) == [
        ("CCBot", "admitted", 1, 2),
        ("CCBot", "partly", 1, 2),
        ("CCBot", "refused", 1, 2),
    ]
    assert found[-1][0]["collection"] == {
        "crawler": "CCBot",
        "upstream": "Common Crawl",
        "collected_from": "2024-02-01",
        "collected_to": "2024-03-04",
        "access": {
            "refused": {"origins": 1, "rows": 2},
            "partly": {"origins": 1, "rows": 2},
            "admitted": {"origins": 1, "rows": 2},
            "unknown": {"origins": 0, "rows": 0},
        },
    }


def test_older_versions_can_still_be_asked_about(nights, tdm_audit, tmp_path):
    folder = nights[0]
    name, db = folder / "data", folder / "audit.db"
    out = tmp_path / "sites.csv"
    done = tdm_audit("export", "sites", "--dataset", f"{name}@1", "-o", out, "--db", db)
    assert done.returncode == 0, done.stderr
    lines = out.read_text().splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["open.test", "1", "2"],
        ["refuses-all.test", "1", "2"],
    ]
    done = tdm_audit("judge", "--agent", "CCBot", "--dataset", f"{name}@3", "--json", "--db", db)
    (summary,) = json.loads(done.stdout)["datasets"]
    assert summary["rows"] == 10
    assert sum(summary["purposes"]["tdm"]["rows"].values()) == 10


def test_versions_are_listed_and_forgotten(nights, tdm_audit, tmp_path):
    db = tmp_path / "audit.db"
    db.write_bytes((nights[0] / "audit.db").read_bytes())
    name = str(nights[0] / "data")
    listed = json.loads(tdm_audit("datasets", "--json", "--db", db).stdout)["datasets"]
    assert [(v["version"], v["counts"], v["rows"], v["files"]) for v in listed] == [
        (1, False, 4, 1),
        (2, False, 8, 2),
        (3, False, 10, 3),
        (4, True, 6, 2),
    ]
    assert f"{name}@4" in tdm_audit("datasets", "--db", db).stdout
    before = rows(tmp_path, "SELECT count(*), max(id) FROM observation")
    done = tdm_audit("forget", name, "--older", "--db", db)
    assert "Nothing was removed" in done.stdout
    assert rows(tmp_path, "SELECT count(*) FROM datasets") == [(4,)]
    done = tdm_audit("forget", name, "--older", "--yes", "--db", db)
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(tmp_path, "SELECT version FROM datasets") == [(4,)]
    assert rows(tmp_path, "SELECT count(*) FROM forgotten_datasets") == [(3,)]
    assert rows(tmp_path, "SELECT count(*), max(id) FROM observation") == before
    assert rows(tmp_path, "SELECT sum(rows) FROM reservations") == [(6,)]
    done = tdm_audit("verify", "--derived", "--db", db)
    assert done.returncode == 0, done.stdout
    done = tdm_audit("forget", "olds", "--all", "--yes", "--db", db)
    assert (done.returncode, "there is no dataset olds" in done.stderr) == (1, True)
