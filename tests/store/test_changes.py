"""`tdm-audit changes` in every format, what a crawl says at its end, and feeds that validate."""

import csv
import io
import json
from contextlib import closing

import pytest
from lxml import etree

from crawler.commands.judge import rebuild
from crawler.demo.answers import text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.model import Observation, Origin, Target
from crawler.store import evidence_writer, runs
from crawler.store.database import checkpoint, connect, transaction
from crawler.vocab import Outcome
from tests.crawl_helpers import crawl
from tests.store.conftest import NEW_RUN
from tests.store.test_history import ALL, BOTH, GPTBOT, OPEN
from tests.store.test_order import DATASET, EXPECTED, SIGNALS, day

HOSTS = {
    "heavy.test": (900, [OPEN, GPTBOT, BOTH]),
    "light.test": (1, [GPTBOT, GPTBOT, ALL]),
    "freed.test": (50, [ALL, OPEN, OPEN]),
    "same.test": (7, [GPTBOT, GPTBOT, GPTBOT]),
}


def visit(host, at, robots):
    for resource, path in EXPECTED.items():
        url = f"https://{host}{path}"
        body = robots if path == "/robots.txt" else b""
        yield Observation(
            target=Target(resource=resource, asked=url, url=url),
            outcome=Outcome.RESPONDED,
            status=200 if body else 404,
            body=body,
            size=len(body),
            started_at=at,
        )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A database of three runs."""
    file = tmp_path_factory.mktemp("changes") / "audit.db"
    with closing(connect(file, create=True)) as db:
        origins = [
            (host, Origin(scheme="https", host=host, port=443, site=host), rows, None, ())
            for host, (rows, _) in HOSTS.items()
        ]
        with transaction(db):
            evidence_writer.add_dataset(db, DATASET, origins, day(0))
        for n in range(3):
            run = runs.begin_run(db, NEW_RUN, day(n))
            with transaction(db):
                for origin, (host, (_, told)) in enumerate(HOSTS.items(), start=1):
                    seen = tuple(visit(host, day(n), told[n]))
                    evidence_writer.save_visit(db, run, origin, seen, day(n))
            runs.end_run(db, run, "finished", day(n))
        rebuild(db, chosen=SIGNALS)
        checkpoint(db)
    return file


@pytest.fixture
def told(path, tdm_audit):
    def run(*words):
        done = tdm_audit("changes", "--db", path, *words)
        return done.returncode, done.stdout, done.stderr

    return run


def kinds(told, *words):
    status, said, _ = told("--format", "json", "--purpose", "genai_train", *words)
    assert status == 0
    return [(c["origin"][8:], c["kind"]) for c in json.loads(said)["changes"]]


FILTERS = {
    "all, by rows": (
        [],
        [
            ("heavy.test", "began"),
            ("heavy.test", "scope"),
            ("freed.test", "stopped"),
            ("light.test", "stricter"),
        ],
    ),
    "since a run": (["--since", "3"], [("heavy.test", "scope"), ("light.test", "stricter")]),
    "until a run": (["--until", "2"], [("heavy.test", "began"), ("freed.test", "stopped")]),
    "since a day": (
        ["--since", day(2)[:10]],
        [("heavy.test", "scope"), ("light.test", "stricter")],
    ),
    "until a day": (["--until", day(1)[:10]], [("heavy.test", "began"), ("freed.test", "stopped")]),
    "since a time": (["--since", "2026-01-03T00:01Z"], []),
    "of a kind": (["--kind", "stopped"], [("freed.test", "stopped")]),
    "the heaviest": (["--limit", "1"], [("heavy.test", "began")]),
    "of a dataset": (["--dataset", "d", "--kind", "began"], [("heavy.test", "began")]),
    "under other rules": (
        ["--rules", "strict"],
        [("freed.test", "stopped"), ("light.test", "began")],
    ),
}


@pytest.mark.parametrize(("words", "expected"), FILTERS.values(), ids=FILTERS)
def test_what_is_listed(told, words, expected):
    assert kinds(told, *words) == expected


def test_json_says_what_was_added_and_removed_and_by_which_observation(told):
    _, said, _ = told("--format", "json", "--purpose", "genai_train", "--kind", "scope")
    answer = json.loads(said)
    assert answer["origins"] == {"began": 0, "stopped": 0, "stricter": 0, "looser": 0, "scope": 1}
    (change,) = answer["changes"]
    assert change["added"] == [["robots_txt", "reserved", "ccbot", "/", "", "", ""]]
    assert change["removed"] == []
    assert (change["rows"], change["weight"], change["run"]) == (900, None, 3)
    place = "heavy.test robots_txt 0 {} https://heavy.test/robots.txt"
    assert change["observation"] == place.format(day(2))
    assert change["observation_before"] == place.format(day(1))


def test_a_table_and_csv_have_the_same_changes(told):
    _, table, _ = told("--purpose", "genai_train")
    assert "Changes: 1 began, 1 stopped, 1 stricter, 1 scope" in table
    assert "+robots_txt reserved ccbot" in table
    _, lines, _ = told("--purpose", "genai_train", "--format", "csv")
    found = list(csv.DictReader(io.StringIO(lines)))
    assert [row["kind"] for row in found] == ["began", "scope", "stopped", "stricter"]
    assert told("--since", "2026-02-01")[1] == "No changes.\n"


FAILING = {
    "began": (
        ["--fail-on", "began", "--purpose", "genai_train"],
        5,
        "1 origin with changes of kind began",
    ),
    "nothing looser": (["--fail-on", "looser", "--since", "3"], 0, ""),
    "an unknown run": (["--since", "9"], 2, "there is no run 9"),
    "no date": (["--since", "2026-13-40"], 2, "is no run and no date"),
    "no rules": (["--rules", "nobody"], 2, "nobody"),
}


@pytest.mark.parametrize(("words", "status", "said"), FAILING.values(), ids=FAILING)
def test_exit_statuses(told, words, status, said):
    returned, _, error = told(*words)
    assert (returned, said in error) == (status, True)


# RFC 4287, appendix B: the elements that a feed of changes has, and no other.
SCHEMA = """
<grammar xmlns="http://relaxng.org/ns/structure/1.0" ns="http://www.w3.org/2005/Atom"
    datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <define name="date"><data type="dateTime"/></define>
  <define name="uri"><data type="anyURI"><param name="pattern">[a-z]+:.+</param></data></define>
  <define name="common">
    <element name="id"><ref name="uri"/></element>
  </define>
  <start><element name="feed"><interleave>
    <ref name="common"/>
    <element name="title"><text/></element>
    <element name="updated"><ref name="date"/></element>
    <oneOrMore><element name="author"><element name="name"><text/></element></element></oneOrMore>
    <optional><element name="generator"><attribute name="version"/><text/></element></optional>
    <zeroOrMore><element name="entry"><interleave>
      <ref name="common"/>
      <element name="title"><text/></element>
      <element name="updated"><ref name="date"/></element>
      <oneOrMore><element name="link">
        <attribute name="href"><ref name="uri"/></attribute>
        <attribute name="rel"><value>alternate</value></attribute>
      </element></oneOrMore>
      <zeroOrMore><element name="category"><attribute name="term"/></element></zeroOrMore>
      <element name="summary"><text/></element>
    </interleave></element></zeroOrMore>
  </interleave></element></start>
</grammar>
"""
ID = "{http://www.w3.org/2005/Atom}id"


def test_a_feed_validates_and_its_ids_stay_when_it_is_made_again(told, path, tdm_audit):
    feeds = []
    for _ in range(2):
        status, said, _ = told("--format", "atom")
        feeds.append(etree.fromstring(said.encode()))
        assert status == 0
        assert tdm_audit("judge", "--db", path, "--quiet").returncode == 0
    schema = etree.RelaxNG(etree.fromstring(SCHEMA))
    for feed in feeds:
        schema.assertValid(feed)
    ids = [[element.text for element in feed.iter(ID)] for feed in feeds]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0]) > 5
    assert all(one.startswith("tag:") for one in ids[0])


def test_a_feed_of_nothing_validates(told):
    _, said, _ = told("--format", "atom", "--since", "2026-02-01")
    etree.RelaxNG(etree.fromstring(SCHEMA)).assertValid(etree.fromstring(said.encode()))


def test_a_crawl_ends_with_what_it_saw_first(tmp_path):
    robots = {"/robots.txt": text(OPEN.decode())}
    with LoopbackWeb([Site(host="one.test", about="", expect={}, pages=robots)]) as web:
        said = []
        for body in (OPEN, BOTH, BOTH):
            robots["/robots.txt"] = text(body.decode())
            done = crawl(tmp_path, web, ["http://one.test/"], "--pages", "0", "--max-age", "0s")
            said.append(json.loads(done.stdout)["changes"])
    assert said[0] is None
    assert said[1]["origins"]["began"] == 1
    assert [c["kind"] for c in said[1]["heaviest"]] == ["began"]
    assert said[2] == {"origins": dict.fromkeys(said[1]["origins"], 0), "heaviest": []}
