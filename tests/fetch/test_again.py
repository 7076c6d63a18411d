"""A second crawl: what has not changed is not sent again, and what fails erases nothing."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from crawler import page
from crawler.demo.answers import head as head_of
from crawler.demo.answers import html, status, text
from crawler.demo.misbehaviour import NeverAnswers
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.store.stored_responses import stored_responses
from crawler.vocab import Resource
from tests.crawl_helpers import crawl, rows

AGAIN = ("--max-age", "0s", "--new-run")
DATE = "Sat, 01 Aug 2026 10:00:00 GMT"
RESERVED = '[{"location": "/", "tdm-reservation": 1, "tdm-policy": "/policy.json"}]'
ROBOTS = "User-agent: tdm-audit\nDisallow: /private\nUser-agent: GPTBot\nDisallow: /\n"


def site(host, **pages):
    return Site(host=host, about="", expect={}, pages={f"/{n}": a for n, a in pages.items()})


@dataclass
class Inconstant:
    """Answers each request by the next of these, as (status, headers, body)."""

    answers: tuple
    asked: list = field(default_factory=list)

    async def play(self, exchange):
        code, headers, body = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(exchange.request)
        length = () if code == 304 else (("Content-Length", str(len(body))),)
        await exchange.send(head_of(code, (*headers, *length)) + body)
        return True


STATIC = Site(
    host="static.test",
    about="",
    expect={},
    pages={
        "/robots.txt": text(ROBOTS),
        "/ai.txt": text("User-Agent: *\nDisallow: *.jpg\n"),
        "/.well-known/tdmrep.json": text(RESERVED),
        "/policy.json": text('{"@type": "Offer"}', "application/json"),
        "/": html(in_head='<meta name="robots" content="noai">'),
        "/page": html(in_head='<meta name="tdm-reservation" content="1">'),
        "/private": html(),
    },
)
PAGE = (("Content-Type", "text/html"),)
TAGGED = (*PAGE, ("ETag", 'W/"one"'))
# What a 304 brings along replaces what was there, but for what describes the body.
NEWER = (("ETag", 'W/"two"'), ("TDM-Reservation", "0"), ("Content-Type", "text/plain"))
HEADERS = Inconstant(
    (
        (200, (*TAGGED, ("tdm-reservation", "1"), ("X-Robots-Tag", "noai")), b"<p>x"),
        (304, NEWER, b""),
        (304, (), b""),
    )
)
DATED = Inconstant(((200, (*PAGE, ("Last-Modified", DATE)), b"<p>x"), (304, (), b"")))
UNASKED = Inconstant(((304, TAGGED, b""),))
ODD = Inconstant(((200, (*PAGE, ("ETag", "one"), ("Last-Modified", "yesterday")), b"<p>x"),))
WEB = [
    STATIC,
    site("headers.test", **{"": HEADERS}),
    site("dated.test", **{"": DATED}),
    site("unasked.test", **{"": UNASKED}),
    site("odd.test", **{"": ODD}),
]
URLS = [f"http://{s.host}/x" for s in WEB] + [
    f"http://static.test/{p}" for p in ("page", "private")
]


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    """Three crawls of the same web: the folder, and the findings and bodies after each."""
    folder, after = tmp_path_factory.mktemp("again"), []
    with LoopbackWeb(WEB) as web:
        for more in ((), AGAIN, AGAIN):
            done = crawl(folder, web, URLS, "--pages", "3", *more)
            assert done.returncode == 0, done.stderr
            after.append(
                {
                    "findings": rows(folder, FINDINGS),
                    "statements": rows(folder, STATEMENTS),
                    "bodies": rows(folder, "SELECT count(*) FROM body")[0][0],
                    "asked": len(web.log),
                }
            )
        return folder, after, web.log


FINDINGS = """
    SELECT origin, purpose, rules, state, detail, conflict, complete, statement FROM findings
    WHERE origin = 'http://static.test' ORDER BY 1, 2, 3
"""
STATEMENTS = "SELECT origin, statement, url FROM statements WHERE origin LIKE '%static%' ORDER BY 2"
OF_RUN = """
    SELECT resource, url, status, outcome, digest, stored, size, note
    FROM observations WHERE run = ? AND origin = ? ORDER BY observation
"""


def test_a_static_site_is_not_sent_again(visited):
    folder, after, _ = visited
    first, *later = (rows(folder, OF_RUN, run, "http://static.test") for run in (1, 2, 3))
    kept = {row[1]: row[4:6] for row in first if row[2] == 200}
    assert len(kept) == 6
    for again in later:
        assert [row[:2] for row in again] == [row[:2] for row in first]
        confirmed = [row for row in again if row[2] == 304]
        assert {row[1]: row[4:6] for row in confirmed} == kept
        assert {row[6] for row in confirmed} == {0}
    assert (after[0]["bodies"], after[0]["asked"]) == (
        after[2]["bodies"],
        after[2]["asked"] - after[1]["asked"],
    )


def test_it_reads_as_before(visited):
    _, after, _ = visited
    assert after[0]["findings"] == after[1]["findings"] == after[2]["findings"]
    assert after[0]["statements"] == after[1]["statements"] == after[2]["statements"]
    assert {f[3] for f in after[0]["findings"] if f[1] == "tdm"} == {"conditional"}


def test_the_gate_stands_on_a_robots_txt_that_was_confirmed(visited):
    folder, _, log = visited
    assert "/private" not in {r.path for r in log if r.host == "static.test"}
    withheld = "SELECT run, outcome FROM observations WHERE url = 'http://static.test/private'"
    assert rows(folder, withheld) == [(run, "withheld") for run in (1, 2, 3)]


def test_evidence_keeps_a_304_as_it_came_and_protocols_read_both(visited):
    folder, _, _ = visited
    seen = "SELECT run, headers, confirms FROM observations WHERE origin = ? AND status = 304"
    (second, third) = rows(folder, f"{seen} ORDER BY run", "http://headers.test")
    assert [tuple(pair) for pair in json.loads(second[1])] == list(NEWER)
    assert json.loads(third[1]) == []
    said = "SELECT DISTINCT protocol, raw FROM statements WHERE origin = ? ORDER BY 1"
    assert [protocol for protocol, _ in rows(folder, said, "http://headers.test")] == [
        "tdmrep_header",
        "x_robots_tag",
    ]
    assert "0" in rows(folder, said, "http://headers.test")[0][1]
    keys = "SELECT observation FROM observations WHERE origin = ? AND url LIKE '%t/' ORDER BY run"
    first, next_, _ = (key for (key,) in rows(folder, keys, "http://headers.test"))
    assert (second[2], third[2]) == (first, next_)


def test_the_newest_tag_is_sent(visited):
    assert [r.header("if-none-match") for r in HEADERS.asked] == ["", 'W/"one"', 'W/"two"']
    assert [r.header("if-modified-since") for r in DATED.asked] == ["", DATE, DATE]


def test_what_is_no_validator_is_not_sent(visited):
    sent = {n.lower() for r in ODD.asked for n, _ in r.headers}
    assert sent == {"host", "user-agent", "accept", "accept-encoding"}
    assert len(ODD.asked) == 3


def test_a_304_that_nobody_asked_for_shows_nothing(visited):
    folder, _, _ = visited
    home = "SELECT outcome, status, note FROM observations WHERE origin = ? AND url LIKE '%t/'"
    assert set(rows(folder, home, "http://unasked.test")) == {
        ("broken", None, "answered 304 to a question without conditions")
    }
    presence = "SELECT presence FROM coverage WHERE origin = ? AND resource = 'home'"
    assert rows(folder, presence, "http://unasked.test") == [("unseen",)]


@pytest.fixture
def copied(visited, tmp_path):
    """The database of those crawls, to do with as one likes, with the number of static.test."""
    source = sqlite3.connect(visited[0] / "audit.db")
    with closing(source), closing(sqlite3.connect(tmp_path / "copy.db")) as db:
        source.backup(db)
        yield db, db.execute("SELECT id FROM origin WHERE host = 'static.test'").fetchone()[0]


def known(db, origin, *, whole_pages=False):
    return {resource for resource, _ in stored_responses(db, origin, whole_pages=whole_pages)}


ALL = {
    Resource.ROBOTS_TXT,
    Resource.AI_TXT,
    Resource.TDMREP_JSON,
    Resource.TDM_POLICY,
    Resource.HOME,
    Resource.PAGE,
}


def test_pages_are_asked_for_anew_when_other_code_reads_them(copied, monkeypatch):
    assert known(*copied) == ALL
    monkeypatch.setattr(page, "VERSION", page.VERSION + 1)
    assert known(*copied) == ALL - {Resource.HOME, Resource.PAGE}


def test_pages_are_asked_for_anew_when_they_shall_be_kept_whole(copied):
    assert known(*copied, whole_pages=True) == ALL - {Resource.HOME, Resource.PAGE}


def test_nothing_is_asked_on_conditions_without_the_bytes(copied):
    db, origin = copied
    db.execute("DROP TRIGGER body_stays")
    db.execute("DELETE FROM body")
    assert known(db, origin) == set()


TRANSIENT = {
    "forbidden": status(403),
    "busy": status(429, ("Retry-After", "60")),
    "down": status(503),
    "silent": NeverAnswers(),
}


def test_a_failure_after_a_good_look_leaves_a_gap_and_the_evidence(tmp_path):
    hosts = [f"{name}.test" for name in TRANSIENT]
    urls = [f"http://{host}/" for host in hosts]
    well_known = {"/.well-known/tdmrep.json": text('[{"location": "/", "tdm-reservation": 1}]')}
    good = [Site(host=h, about="", expect={}, pages=well_known) for h in hosts]
    bad = [
        Site(host=f"{name}.test", about="", expect={}, pages={"/.well-known/tdmrep.json": answer})
        for name, answer in TRANSIENT.items()
    ]
    before = "SELECT host, tdm, observed_at FROM reservations ORDER BY host"
    with LoopbackWeb(good) as web:
        crawl(tmp_path, web, urls)
    kept = rows(tmp_path, before)
    assert {tdm for _, tdm, _ in kept} == {"reserved"}
    with LoopbackWeb(bad) as web:
        crawl(tmp_path, web, urls, *AGAIN, timeout="1s")
    assert rows(tmp_path, before) == kept
    gap = """
        SELECT origin, presence, status, last_outcome, last_status FROM coverage
        WHERE resource = 'tdmrep_json' AND last_at > observed_at ORDER BY origin
    """
    assert rows(tmp_path, gap) == [
        ("http://busy.test", "present", 200, "responded", 429),
        ("http://down.test", "present", 200, "responded", 503),
        ("http://forbidden.test", "present", 200, "responded", 403),
        ("http://silent.test", "present", 200, "timed_out", None),
    ]
