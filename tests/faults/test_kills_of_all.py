"""Commands killed one after the other, at any step of each, leave a database that verifies.

What one of them left is what the next one finds: nobody repairs anything in between.
"""

import os
import random  # noqa: TID251 - seeded, so that the moments are the same each time
import signal
from contextlib import closing

import pytest

from crawler.commands import hold
from crawler.commands.verify import verify
from crawler.demo.answers import html, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.store.database import connect_read_only
from tests.crawl_helpers import rows

SEED = int(os.environ.get("TDM_AUDIT_TEST_SEED", "20261129"))
#: How many commands are killed; each takes a second of the processor, with its `verify`.
KILLS = int(os.environ.get("TDM_AUDIT_TEST_KILLS", "6"))
PAGES = {f"/{n}": html(in_head='<meta name="robots" content="noai">') for n in range(3)}
SITES = [
    Site(
        host=f"h{n}.test",
        about="",
        expect={},
        pages={"/robots.txt": text(f"# {n}\nUser-agent: *\nDisallow: /2\n")} | PAGES,
    )
    for n in range(3)
]


def commands_of(folder, web):
    """Return the commands, each with the most steps after which it is killed."""
    (folder / "list.txt").write_text(
        "".join(f"http://{s.host}{path}\n" for s in SITES for path in PAGES)
    )
    (folder / "rows.csv").write_text("url\n" + "".join(f"http://{s.host}/1\n" for s in SITES))
    (folder / "parties.csv").write_text("domain,name\nh1.test,Example Ltd\n")
    db = ("--db", folder / "audit.db")
    web_words = (
        *("--delay", "0", "--timeout", "3s", "--no-progress", "--quiet", "--max-age", "0s"),
        *("--connect-to", f"::127.0.0.1:{web.port}", "--allow-network", "127.0.0.1/32"),
    )
    return {
        "crawl": (("crawl", folder / "rows.csv", *web_words, *db), 900),
        "ask": (
            ("crawl", "--ask", folder / "list.txt", "--budget", "1h", *web_words, *db),
            900,
        ),
        "judge": (("judge", "--keep-contacts", "--quiet", *db), 700),
        "redact": (("redact", "--url", "http://h1.test/1", "--reason", "ticket 1", *db), 800),
        "redact a host": (("redact", "--origin", "h2.test", "--reason", "ticket 2", *db), 800),
        "prune": (("prune", "--media", "--page-bodies-older-than", "0s", "--yes", *db), 800),
        "finish": (("prune", "--finish", "--yes", *db), 600),
        "import": (
            ("import", folder / "parties.csv", "--as", "parties", "--publisher", "P", *db),
            500,
        ),
        "forget": (("forget", "rows.csv", "--all", "--yes", *db), 500),
        "forget a list": (("forget", "--list", "1", "--yes", *db), 500),
        "hold": (("hold", "add", "case 1", *db), 400),
        "release": (("hold", "release", "1", *db), 400),
        "adopt": (("adopt", *db), 400),
    }


def assert_whole(folder, killed):
    with closing(connect_read_only(folder / "audit.db")) as db:
        found = verify(db)
    assert found.differences == [], killed
    # The file of manifests beside it has no other line than the database.
    beside = folder / "audit.db.manifests.jsonl"
    if beside.exists():
        with closing(connect_read_only(folder / "audit.db")) as db:
            texts = [t for (t,) in db.execute("SELECT text FROM manifest ORDER BY n")]
        whole = beside.read_text("utf-8")
        lines = whole[: whole.rfind("\n") + 1].splitlines()
        assert lines == texts[: len(lines)], killed


@pytest.fixture(scope="module")
def rough(tmp_path_factory, commands):
    """Return a folder in which commands were killed, those commands, and how to run one."""
    folder, dice, killed = tmp_path_factory.mktemp("rough"), random.Random(SEED), []
    with LoopbackWeb(SITES) as web:
        ways = commands_of(folder, web)
        for begin in ("crawl", "ask"):
            assert commands.run(ways[begin][0]).status == 0
        while len(killed) < KILLS:
            name = dice.choice(list(ways))
            words, most = ways[name]
            done = commands.run(words, die_at=dice.randint(1, most))
            assert done.status in (0, 1, -signal.SIGKILL), (name, done.err)
            assert "Traceback" not in done.err, (name, done.err)
            if done.status == -signal.SIGKILL:
                killed.append((name, done.steps))
            assert_whole(folder, killed)
        yield folder, killed, lambda name: commands.run(ways[name][0])


def test_each_kill_left_a_database_that_verifies(rough):
    folder, killed, _ = rough
    assert len(killed) == KILLS
    assert len({name for name, _ in killed}) > 2
    assert_whole(folder, killed)


def test_what_was_left_is_finished_by_the_commands_that_say_so(rough):
    folder, killed, run = rough
    query = "SELECT hold FROM holds WHERE released_at IS NULL"
    for (number,) in rows(folder, query):
        hold.release(folder / "audit.db", number)
    for name in ("finish", "ask", "crawl", "adopt", "judge"):
        done = run(name)
        assert done.status == 0, (name, done.err, killed)
    with closing(connect_read_only(folder / "audit.db")) as db:
        found = verify(db, with_derived=True, file=folder / "audit.db.manifests.jsonl")
    assert found.is_whole, (found.differences, found.unfinished_since, killed)
    assert found.counts["lists_not_covered"] == found.counts["not_covered"] == 0
    assert rows(folder, "SELECT count(*) FROM requested_urls WHERE outcome IS NULL") == rows(
        folder, "SELECT count(*) FROM requested_urls WHERE erased AND outcome IS NULL"
    )
