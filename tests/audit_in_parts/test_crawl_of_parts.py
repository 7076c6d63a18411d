"""A crawl of parts says what a crawl into one file says, and so do what is made of it."""

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from crawler.commands.whole import opened_whole
from crawler.demo.answers import html, json_text, status, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import SILENT, Site
from tests.audit_in_parts.folders import crawl_command, newest, opened, plan, query, said
from tests.conftest import run
from tests.crawl_helpers import command as single_command

FIRST = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
ONE = json_text('[{"location": "/", "tdm-reservation": 1}]')


@pytest.fixture(scope="module")
def crawled(tmp_path_factory, urls, web, commands):
    """Return a folder with an audit of three parts that was crawled, and what was printed."""
    folder = tmp_path_factory.mktemp("crawled")
    plan(folder, urls, "--parts", "3")
    done = [
        commands.run(crawl_command(folder, web, *how))
        for how in (("--part", "1", "--of", "3"), ("--workers", "2"))
    ]
    assert [one.status for one in done] == [0, 0]
    return folder, [json.loads(one.out) for one in done]


def test_the_bound_on_requests_to_an_address_is_told_and_stored(crawled):
    folder, printed = crawled
    # Three tasks share the 8 requests: 2 each. Two processes: 4 each.
    assert [(p["processes"], p["most_per_address"]) for p in printed] == [(3, 6), (2, 8)]
    settings = "SELECT settings ->> 'per_address', settings ->> 'most_per_address' FROM run"
    assert query(newest(folder), settings) == [(4, 8), (2, 6), (4, 8)]
    about = [opened(folder).facts(f.newest).about for f in opened(folder).listed()]
    assert [one["most_per_address"] for one in about] == [8, 6, 8]


def test_nothing_is_done_twice(crawled, web, commands):
    folder, _ = crawled
    before = newest(folder)
    for how, skipped in ((("--workers", "2"), 3), (("--part", "2"), 0)):
        done = commands.run(crawl_command(folder, web, *how))
        assert (done.status, json.loads(done.out)["visited"]) == (0, 0)
        assert json.loads(done.out)["skipped"] == skipped
    assert newest(folder) == before


def observations_of(folder, origin):
    """Return the numbers of observations that the views of the whole have for an origin."""
    with opened_whole(opened(folder)) as whole:
        rows = whole.execute("SELECT observation FROM observations WHERE origin = ?", (origin,))
        return {number for (number,) in rows}


def observations_named(explanation):
    """Return the numbers of observations that an explanation names."""
    named = {seen["observation"] for seen in explanation["resources"]}
    decided = [finding["decided_by"] for finding in explanation["findings"]]
    return (named | {statement["observation"] for statement in decided if statement}) - {None}


def test_one_origin_is_answered_from_its_part(crawled, calm, urls):
    folder, _ = crawled
    for url in urls[:40:7]:
        one = json.loads(run("explain", url, "--db", calm, "--json").stdout)
        part = json.loads(run("explain", url, "--db", folder / "audit", "--json").stdout)
        states = [[(f["purpose"], f["state"]) for f in said["findings"]] for said in (one, part)]
        assert states[0] == states[1]
        assert part["origin"] == one["origin"]
        assert observations_of(folder, part["origin"]) >= observations_named(part) != set()
    listed = json.loads(run("datasets", "--db", folder / "audit", "--json").stdout)
    assert [(d["rows"], d["origins"]) for d in listed["datasets"]] == [(41, 40)]


TIMES = ("tdm_observed_at", "tdm_last_looked_at", "tdm_since")


def test_flags_are_those_of_one_file(crawled, calm, urls, tmp_path):
    folder, _ = crawled
    pages = [f"{url.rsplit('/', 1)[0]}/{path}" for url in urls[:40] for path in ("a", "private/b")]

    def flagged(db, chosen, name):
        source, out = tmp_path / f"{name}.csv", tmp_path / f"{name}-flagged.csv"
        source.write_text("".join(f"{line}\n" for line in ["url", *chosen]))
        done = run("flag", source, "--db", db, "-o", out, "--quiet")
        assert done.returncode == 0, done.stderr
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {row["url"]: {k: v for k, v in row.items() if k not in TIMES} for row in rows}

    found, one = {}, tmp_path / "one.db"
    shutil.copy(calm, one)  # `flag` stores verdicts
    for part in newest(folder):
        keys = {key for (key,) in query([part], "SELECT key FROM origin")}
        own = [page for page in pages if page.split("/")[2] in keys]
        found |= flagged(part, own, part.parent.name)
    assert found == flagged(one, pages, "whole")
    assert len(found) == len(pages)


def test_judged_again_with_other_rules_each_part_says_what_one_file_does(
    crawled, calm, tmp_path, commands
):
    shutil.copytree(crawled[0], tmp_path, dirs_exist_ok=True)
    one = tmp_path / "one.db"
    shutil.copy(calm, one)
    assert run("judge", "--db", one, "--rules", "strict", "--quiet").returncode == 0
    judge = ("judge", "--db", tmp_path / "audit", "--rules", "strict", "--json", "--no-progress")
    done = [commands.run([*judge, *how]) for how in (("--workers", "1"), ("--part", "0"))]
    assert [one.status for one in done] == [0, 0]
    assert json.loads(done[0].out)["judged"] == 40
    assert [path.name for path in newest(tmp_path)] == ["g3.db", "g2.db", "g2.db"]
    assert said(*newest(tmp_path)) == said(one)


def test_a_time_budget_ends_a_pool(planned, web, commands):
    slow = crawl_command(planned, web, "--workers", "2", "--concurrency", "1", delay="200ms")
    done = commands.run([*slow, "--time-budget", "1ms"])
    assert (done.status, "by the time budget" in done.err) == (4, True)


def changing(night):
    """Return sites that begin and cease to reserve: host n changes at night n % 3."""
    sites = []
    for n in range(12):
        reserves = (night >= n % 3) != bool(n % 2)
        pages = {"/robots.txt": text(f"User-agent: *\nDisallow: /{n}\n"), "/": html()}
        pages |= {"/.well-known/tdmrep.json": ONE} if reserves else {}
        host = f"h{n}.test"
        site = Site(host=host, about="", expect=SILENT, pages=pages, otherwise=status(404))
        sites.append(site)
    return sites


def test_two_more_crawls_leave_the_history_whole(tmp_path, commands):
    hosts = [f"http://{site.host}/" for site in changing(0)]
    plan(tmp_path, hosts, "--parts", "2")
    aged = ("--max-age", "12h")
    for night in range(3):
        now = {"env": {"TDM_AUDIT_NOW": (FIRST + timedelta(days=night)).isoformat()}}
        with LoopbackWeb(changing(night)) as web:
            one = single_command(tmp_path, web, hosts, *aged)[3:]
            for how in (one, *(crawl_command(tmp_path, web, "--part", n, *aged) for n in (0, 1))):
                done = commands.run(how, **now)
                assert done.status == 0, done.err
    parts, whole = newest(tmp_path), [tmp_path / "audit.db"]
    assert {path.name for path in parts} == {"g3.db"}
    phases = (
        "SELECT origin, purpose, rules, state, substr(valid_from, 1, 10), substr(valid_to, 1, 10), "
        "looks FROM history"
    )
    assert sorted(query(parts, phases)) == sorted(query(whole, phases))
    assert len(query(parts, "SELECT DISTINCT origin FROM changes")) == 8
    assert said(*parts) == said(*whole)
    # Each generation says what was known when it was made.
    first = [path.with_name("g1.db") for path in parts]
    assert query(first, "SELECT count(*) FROM changes") == [(0,)] * 2
