"""A crawl killed at any moment and started again leaves the evidence of one that was not."""

import asyncio
import random  # noqa: TID251 - seeded, so that the moments are the same each time
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass

import pytest

from crawler.demo.answers import Plain, RedirectsTo, html, status, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from tests.conftest import patience
from tests.crawl_helpers import command, crawl, rows, start

HOSTS, KILLS, SEED = 80, 20, 20261122
# Seconds that a server takes, and seconds of fetching or of starting before the process is killed.
PAUSE, FETCHING, STARTING = 0.02, 1.5, 1.0


@dataclass(frozen=True)
class Slowly:
    """Waits before it answers."""

    answer: Plain | RedirectsTo

    async def play(self, exchange):
        await asyncio.sleep(PAUSE)
        return await self.answer.play(exchange)


def site(number):
    host = f"h{number:02}.test"
    rules = f"# {host}\nUser-agent: *\nDisallow: /private\n"
    pages = {
        "/robots.txt": text(rules) if number % 5 else status(503),
        "/ai.txt": text(f"User-Agent: *\nDisallow: /{number}\n"),
        "/.well-known/tdmrep.json": text('[{"location": "/", "tdm-reservation": 1}]'),
        "/": html(in_body=host) if number % 3 else RedirectsTo("/home"),
        "/home": html(in_head='<meta name="robots" content="noai">'),
    }
    slow = {path: Slowly(answer) for path, answer in pages.items()}
    return Site(host=host, about="", expect={}, pages=slow, otherwise=Slowly(status(404)))


SITES = [site(n) for n in range(HOSTS)]
URLS = [f"http://{s.host}/{(n % 2 and 'private') or 'page'}" for n, s in enumerate(SITES)]
EVIDENCE = {
    "observations": """
        SELECT run, origin, resource, asked, hop, url, outcome, status, digest, stored, size, note
        FROM observations ORDER BY origin, observation
    """,
    "bodies": "SELECT digest, size, content FROM body ORDER BY digest",
    "runs": "SELECT run, ended, origins, observations, outcomes FROM runs",
    "findings": "SELECT origin, purpose, rules, state, statement FROM findings ORDER BY 1, 2, 3",
}


def evidence(folder):
    return {name: rows(folder, sql) for name, sql in EVIDENCE.items()}


def killed(arguments, web, dice):
    """Start a command and kill it at a random moment; return whether it was still alive then."""
    asked = len(web.log)
    starts = dice.random() < 0.4
    after = dice.uniform(0, STARTING if starts else FETCHING)
    with start(arguments) as process:
        if not starts:
            limit = time.monotonic() + patience(20)
            while len(web.log) == asked and process.poll() is None and time.monotonic() < limit:
                time.sleep(0.005)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def crawls(tmp_path_factory):
    """Return the folders of an undisturbed crawl and of one that was killed, and how often."""
    calm, rough = (tmp_path_factory.mktemp(name) for name in ("calm", "rough"))
    dice = random.Random(SEED)
    with LoopbackWeb(SITES) as web:
        done = crawl(calm, web, URLS)
        assert done.returncode == 0, done.stderr
        again = command(rough, web, URLS, "--concurrency", "2")
        kills = sum(killed(again, web, dice) for _ in range(KILLS))
        visited = rows(rough, "SELECT count(*) FROM visit")[0][0]
        done = crawl(rough, web, URLS)
        assert done.returncode == 0, done.stderr
    return {"calm": calm, "rough": rough, "kills": kills, "visited": visited}


def test_it_was_killed_often_enough_and_in_between(crawls):
    assert crawls["kills"] == KILLS
    assert 0 < crawls["visited"] < HOSTS


@pytest.mark.parametrize("what", EVIDENCE)
def test_the_evidence_is_the_same(crawls, what):
    assert evidence(crawls["rough"])[what] == evidence(crawls["calm"])[what]


def test_nothing_is_there_twice(crawls):
    twice = """
        SELECT count(*) FROM (
            SELECT 1 FROM observation GROUP BY origin, resource, asked, hop HAVING count(*) > 1
        )
    """
    assert rows(crawls["rough"], twice) == [(0,)]
    assert rows(crawls["rough"], "SELECT count(*) FROM visit") == [(HOSTS,)]


def test_the_database_is_whole(crawls):
    with closing(sqlite3.connect(crawls["rough"] / "audit.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
