"""Documents of many hosts read once: each host still shows what its own document says."""

import pytest

from crawler.store import derived
from crawler.store.evidence_reader import snapshot_reader
from crawler.vocab import Resource
from tests.store.conftest import answer

INTERRUPTED = "User-agent: GPTBot\nSitemap: https://{}/s.xml\nUser-agent: CCBot\nDisallow: /\n"
ALIKE = "Sitemap: https://{}/s.xml\nUser-agent: GPTBot\nDisallow: /\n"


def test_issues_quote_the_file_of_their_own_host(audit):
    hosts = ("a.test", "b.test")
    db = audit(
        *(answer(h, Resource.ROBOTS_TXT, "/robots.txt", INTERRUPTED.format(h)) for h in hosts)
    )
    query = "SELECT origin, excerpt FROM issues WHERE code = 'robots.group.interrupted' ORDER BY 1"
    assert [row[1] for row in db.execute(query)] == [f"Sitemap: https://{h}/s.xml" for h in hosts]


@pytest.mark.parametrize(
    ("resource", "path", "body"),
    [
        (Resource.ROBOTS_TXT, "/robots.txt", ALIKE),
        (Resource.HOME, "/", "<title>{}</title><meta name=robots content=noai>"),
    ],
)
def test_alike_documents_have_one_reading_and_digests_of_their_own(audit, resource, path, body):
    db = audit(*(answer(h, resource, path, body.format(h)) for h in ("a.test", "b.test")))
    reader = snapshot_reader(db)
    one, other = (reader.load(n).readings for n in (1, 2))
    assert [a.reading is b.reading for (_, a), (_, b) in zip(one, other, strict=True)] == [
        True
    ] * len(one)
    assert {a.document for _, a in one}.isdisjoint(b.document for _, b in other)
    states = (
        "SELECT DISTINCT state FROM findings WHERE purpose = 'genai_train' AND rules = 'signals/2'"
    )
    assert [state for (state,) in db.execute(states)] in (["partial"], ["reserved"])


def test_what_found_nothing_is_not_stored(audit):
    db = audit(
        answer("a.test", Resource.ROBOTS_TXT, "/robots.txt", "User-agent: *\nDisallow:\n"),
        answer("a.test", Resource.HOME, "/", "<title>A page</title>"),
        answer("b.test", Resource.TDMREP_JSON, "/.well-known/tdmrep.json", "[]"),
    )
    assert db.execute("SELECT count(*) FROM reading").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM observation_reading").fetchone() == (0,)
    seen = "SELECT host, tdm, textual_candidate FROM reservations ORDER BY host"
    assert db.execute(seen).fetchall() == [("a.test", "silent", 0), ("b.test", "silent", None)]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM protocol WHERE name = 'ai_txt'",
        "UPDATE protocol SET version = 99 WHERE name = 'ai_txt'",
        "INSERT INTO protocol VALUES ('of_yesterday', 1)",
    ],
)
def test_what_other_versions_of_protocols_read_is_outdated(audit, change):
    db = audit(answer("a.test", Resource.ROBOTS_TXT, "/robots.txt", "User-agent: *\nDisallow:\n"))
    rules = derived.rule_set(db, None)
    assert not derived.is_outdated(db, rules)
    db.execute(change)
    assert derived.is_outdated(db, rules)
