"""A small web of slow hosts, and the evidence that a crawl of it leaves, by natural keys."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from crawler.demo.answers import Plain, RedirectsTo, html, status, text
from crawler.demo.site import Site
from crawler.store.database import connect_read_only
from tests.crawl_helpers import rows

HOSTS = 80
# Seconds that a server takes.
PAUSE = 0.02


@dataclass(frozen=True)
class Slowly:
    """Waits before it answers."""

    answer: Plain | RedirectsTo
    seconds: float = PAUSE

    async def play(self, exchange):
        await asyncio.sleep(self.seconds)
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
_TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM observation GROUP BY origin, resource, asked, hop HAVING count(*) > 1
    )
"""
_VISITED = "SELECT o.url FROM visit AS v JOIN origin AS o ON o.id = v.origin"


def evidence(folder):
    """Return the evidence and findings in a folder's database."""
    return {name: rows(folder, sql) for name, sql in EVIDENCE.items()}


def assert_true_so_far(folder, calm, hosts=HOSTS):
    """Assert that a database opens, is whole, and says nothing that `calm` does not say.

    Returns how many origins it says are visited; none if there is no database yet.
    """
    path = folder / "audit.db"
    if not path.exists():
        return 0
    connect_read_only(path).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute(_TWICE).fetchall() == [(0,)]
        visited = {url for (url,) in db.execute(_VISITED)}
        ended = db.execute("SELECT ended FROM run").fetchall()
    whole = [row for row in calm["observations"] if row[1] in visited]
    assert rows(folder, EVIDENCE["observations"]) == whole
    assert set(rows(folder, EVIDENCE["bodies"])) <= set(calm["bodies"])
    # A run is finished when everything was visited, and not before.
    assert len(visited) == hosts or set(ended) <= {(None,)}
    return len(visited)
