"""`crawl --ask` killed at any request, and run again, asks what is left, and nothing else twice.

A visit that was in flight is made again; whatever was stored is not.
"""

import json
import os
import random  # noqa: TID251 - seeded, so that the moments are the same each time
import signal
from collections import Counter
from contextlib import closing
from itertools import pairwise

import pytest

from crawler.commands.verify import verify
from crawler.demo.answers import RedirectsTo, html, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.store.database import connect_read_only
from tests.crawl_helpers import rows
from tests.faults.evidence import Slowly
from tests.faults.test_kills import Killer, counted

#: After how many of its requests each command is killed; a kill takes a third of a second of the
#: processor.
MOMENTS = (90, 40, 30, 25)
if "TDM_AUDIT_TEST_ALL" in os.environ:
    MOMENTS = tuple(random.Random(20261129).choices(range(5, 100), k=20))
HOSTS, URLS_OF_HOST, CONCURRENCY = 8, 8, 2
# Visits are stored once a second: so a command stores some of them before it is killed.
PAUSE = 0.06
FILES = {"/robots.txt": text("User-agent: *\nDisallow: /shut/\n")}
# What is known of each URL in the end: by which attempt it was settled, and how often it was asked.
SETTLED = """
    SELECT o.url || u.path AS asked, u.outcome, (
        SELECT count(*) FROM observation
        WHERE origin = u.origin AND asked = o.url || u.path AND hop = 0
            AND resource IN ('home', 'page', 'media')
    )
    FROM requested_url AS u JOIN origin AS o ON o.id = u.origin ORDER BY 1
"""


def site(number):
    pages = {f"/{n}": html(in_body=f"{number} {n}") for n in range(URLS_OF_HOST - 2)}
    pages |= {"/moved": RedirectsTo("/target"), "/target": html(), "/shut/1": html()}
    slow = {path: Slowly(answer, PAUSE) for path, answer in (FILES | pages).items()}
    return Site(host=f"h{number}.test", about="", expect={}, pages=slow)


SITES = [site(n) for n in range(HOSTS)]
URLS = [
    f"http://{s.host}{path}"
    for s in SITES
    for path in s.pages
    if path not in ("/robots.txt", "/target")
]


def arguments(folder, web):
    path = folder / "list.txt"
    path.write_text("".join(f"{url}\n" for url in URLS))
    return (
        *("crawl", "--ask", path, "--budget", "1h", "--db", folder / "audit.db", "--delay", "0"),
        *("--timeout", "3s", "--no-progress", "--json", "--concurrency", CONCURRENCY),
        *("--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32"),
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory, commands):
    """Return the folder, the result of the last command, and the requests of each command."""
    folder, killer = tmp_path_factory.mktemp("asked"), Killer()
    logs, settled = [], [0]
    with LoopbackWeb([counted(each, killer) for each in SITES]) as web:
        words, seen = arguments(folder, web), 0
        for moment in (*MOMENTS, -1):
            done = commands.wait(killer.aim(lambda: commands.start(words), moment))
            assert done.status == (0 if done.out else -signal.SIGKILL), done.err
            logs.append(web.log[seen:])
            seen = len(web.log)
            if (folder / "audit.db").exists():
                with closing(connect_read_only(folder / "audit.db")) as db:
                    assert verify(db).differences == []
                query = "SELECT count(*) FROM requested_url WHERE outcome IS NOT NULL"
                settled += rows(folder, query)[0]
            if not done.status:
                break
    return folder, json.loads(done.out), logs, settled


def test_every_url_is_settled_once_whatever_was_killed(killed):
    folder, result, logs, settled = killed
    assert len(logs) > 2
    assert settled == sorted(settled)
    assert rows(folder, SETTLED) == [
        (url, "withheld" if "/shut/" in url else "responded", 1) for url in sorted(URLS)
    ]
    ask = result["ask"]
    assert (ask["urls"], ask["asked"], ask["waiting"]) == (len(URLS), len(URLS), 0)
    assert (ask["answered"], ask["withheld"], ask["failed"]) == (len(URLS) - HOSTS, HOSTS, 0)
    # What was stored before is not asked again.
    assert 0 < ask["asked_now"] < len(URLS)


def test_what_was_in_flight_is_asked_again_and_nothing_else(killed):
    _, _, logs, _ = killed
    asked = Counter(f"{r.host}{r.path}" for log in logs for r in log)
    assert max(asked.values()) <= len(logs)
    for earlier, log in pairwise(logs):
        again = {r.host for r in earlier} & {r.host for r in log}
        # At most those of the last second, and those that were in flight.
        assert len(again) < HOSTS


def test_every_command_asks_a_host_for_robots_txt_before_anything_else(killed):
    _, _, logs, _ = killed
    known = set()
    for log in logs:
        first = {}
        for r in log:
            first.setdefault(r.host, r.path)
            assert "/shut/" not in r.path
        # Once a visit is stored, its robots.txt is fresh; until then it is asked for first.
        assert all(path == "/robots.txt" or host in known for host, path in first.items())
        known |= first.keys()


def test_the_runs_that_were_killed_have_ended_with_their_manifests(killed):
    folder, *_ = killed
    assert rows(folder, "SELECT count(*) FROM run WHERE ended IS NULL") == [(0,)]
    with closing(connect_read_only(folder / "audit.db")) as db:
        found = verify(db, with_derived=True)
    assert (found.differences, found.counts["not_covered"]) == ([], 0)
