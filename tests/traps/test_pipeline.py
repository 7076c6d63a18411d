"""Traps of the pipeline: evidence, restarts, size, crashes and dependencies (11, 12, 47 to 51)."""

import json
import re
import sqlite3
import time
import tomllib
from contextlib import closing

import pytest

from crawler.dataset.inventory import inventory
from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import html as page_of
from crawler.demo.site import everywhere
from crawler.protocols import PROTOCOLS
from crawler.protocols.files import ai_txt
from crawler.protocols.robots_directives import x_robots_tag
from crawler.vocab import State
from tests.conftest import ROOT, patience
from tests.sample_origins import html, origin, reading, state

ZERO = '[{"location": "/", "tdm-reservation": 0}]'


def test_trap_11_a_failure_has_a_status_and_no_body_and_no_text_stands_in_for_one(query):
    rows = query("SELECT status, digest FROM observations WHERE outcome <> 'responded'")
    failed = [r for r in rows if r["status"] is None]
    assert failed
    assert {r["digest"] for r in failed} == {None}


CHANGES = [
    "DELETE FROM observation",
    "UPDATE observation SET note = 'x'",
    "DELETE FROM body",
    "UPDATE body SET content = x'00'",
]


@pytest.mark.parametrize("change", CHANGES)
def test_trap_12_evidence_is_neither_changed_nor_deleted(change, demo_db_copy):
    refused = pytest.raises(sqlite3.IntegrityError, match="append-only")
    with closing(sqlite3.connect(demo_db_copy)) as db, refused:
        db.execute(change)


def test_trap_12_what_could_not_be_read_keeps_its_bytes(query, demo_output, tdm_audit):
    (row,) = query(
        "SELECT o.stored FROM observations AS o WHERE o.url = ?",
        "http://tdmrep-malformed.demo.test/.well-known/tdmrep.json",
    )
    db = demo_output / "audit.db"
    kept = tdm_audit("explain", "--body", row["stored"], "--db", db).stdout
    with pytest.raises(json.JSONDecodeError):
        json.loads(kept)


def test_trap_47_an_interrupted_run_asks_every_host_exactly_once(tdm_audit, tmp_path):
    hosts = [f"h{n}.test" for n in range(8)]
    sites = [
        Site(host=h, about="", expect=everywhere(State.SILENT), pages={"/": page_of()})
        for h in hosts
    ]
    (tmp_path / "d.txt").write_text("".join(f"http://{h}/\n" for h in hosts))
    with LoopbackWeb(sites) as web:
        command = (
            "crawl", tmp_path / "d.txt", "--db", tmp_path / "a.db", "--delay", "0", "--quiet",
            "--timeout", "3s", "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network",
            "127.0.0.1/32", "--concurrency", "1",
        )  # fmt: skip
        assert tdm_audit(*command, "--time-budget", "0s").returncode == 4
        before = len({r.host for r in web.log})
        assert tdm_audit(*command).returncode == 0
        asked = [r.host for r in web.log if r.path == "/robots.txt"]
    assert before < len(hosts)
    assert sorted(asked) == hosts


def test_trap_48_a_long_list_of_hosts_takes_no_quadratic_time(tmp_path):
    path = tmp_path / "hosts.txt"
    urls = [f"https://host-{n}.example/x\n" for n in range(60_000)]
    path.write_text("".join(urls + urls))
    began = time.perf_counter()
    with inventory(path) as got:
        rows = [one.rows for one in got.origins()]
    assert rows == [2] * 60_000
    # Quadratic time would take hours; the limit only ends them.
    assert time.perf_counter() - began < patience(60)


CRASHES = [("a file", ai_txt, "ai_train"), ("a header", x_robots_tag, "ai_train")]


@pytest.mark.parametrize(
    ("protocol", "purpose"), [c[1:] for c in CRASHES], ids=[c[0] for c in CRASHES]
)
def test_trap_50_a_crash_of_a_reader_is_unknown_and_never_in_order(protocol, purpose, monkeypatch):
    def parse(_document):
        raise RuntimeError("boom")

    monkeypatch.setattr(protocol, "parse", parse)
    resources = origin(
        ai="User-Agent: *\nAllow: /\n", tdmrep=ZERO, home=html("", ("X-Robots-Tag", "all"))
    )
    assert state(resources, purpose) == "unknown"
    (crash,) = reading(resources, protocol.NAME).issues
    assert (crash.code, "boom" in crash.excerpt) == ("internal.crash", True)


FAST_MOVING = ("aiohttp", "duckdb", "http-sf", "scrapy", "sqlite-utils")


@pytest.mark.parametrize("name", FAST_MOVING)
def test_trap_51_what_breaks_with_a_major_version_has_an_upper_bound(name):
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (found,) = (d for d in config["project"]["dependencies"] if re.match(rf"{name}\b[^-]", d))
    assert re.search(r"<\d", found)


def test_trap_51_our_modules_hide_no_other_packages():
    assert {p.__name__.partition(".")[0] for p in PROTOCOLS} == {"crawler"}
