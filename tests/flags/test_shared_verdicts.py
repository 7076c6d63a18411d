"""Flags of origins with equal evidence: evaluated once, as if each were evaluated for itself."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.flags import Flagger
from crawler.model import Observation, Target
from crawler.store import evidence_writer, flag_cache, runs, verdict_cache
from crawler.store.database import connect, transaction
from crawler.urls import canonical
from crawler.vocab import Purpose, Resource
from tests import strategies as files
from tests.flags.test_flagger import NEW_RUN, rows
from tests.sample_origins import AT, MISSING, NOTHING, Answer, html, observed

HOSTS = ("a.example", "b.example", "a.example:8080", "www.a.example", "[::1]")
_FILES = {
    Resource.ROBOTS_TXT: "/robots.txt",
    Resource.AI_TXT: "/ai.txt",
    Resource.TDMREP_JSON: "/.well-known/tdmrep.json",
}
Visit = dict[Resource, Answer | tuple[str, Answer]]


def origin_of(host: str):
    return canonical.origin_of(f"https://{host}/")


def visit(host: str, said: Visit, second: int) -> Iterator[Observation]:
    """Yield observations at times of their own, which differ between hosts."""
    base = origin_of(host).url
    places = [(r, path, said.get(r, MISSING)) for r, path in _FILES.items()]
    places.append((Resource.HOME, "/", said.get(Resource.HOME, html())))
    places += [(r, *said[r]) for r in (Resource.PAGE,) if r in said]
    for n, (resource, path, answer) in enumerate(places):
        target = Target(resource=resource, asked=base + path, url=base + path)
        at = f"2026-11-22T0{second}:{n:02}:00.000Z"
        yield replace(observed(target, answer), started_at=at)


@contextmanager
def audit(*visits: list[Visit]) -> Iterator[sqlite3.Connection]:
    """Open a judged database; each of `visits` is a run, in which hosts were visited in turn."""
    dataset = evidence_writer.NewDataset(
        path="rows",
        files=(("rows", 0, "0" * 64),),
        format="text",
        url_column="url",
        weight_column="",
        rows=len(HOSTS),
        rejects=(),
    )
    origins = list(map(origin_of, HOSTS))
    counted = ((canonical.origin_key(o), o, 1, None, ()) for o in origins)
    with TemporaryDirectory() as folder, closing(connect(f"{folder}/a.db", create=True)) as db:
        with transaction(db):
            evidence_writer.add_dataset(db, dataset, counted, AT)
        for number, said in enumerate(visits):
            add_run(db, said, number)
        rebuild(db, chosen=rulesets.load("signals"))
        yield db


def add_run(db: sqlite3.Connection, said: list[Visit], number: int) -> None:
    run = runs.begin_run(db, NEW_RUN, AT)
    keys = dict(db.execute("SELECT key, id FROM origin"))
    with transaction(db):
        for n, (host, visited) in enumerate(zip(HOSTS, said, strict=False)):
            origin = keys[canonical.origin_key(origin_of(host))]
            seen = tuple(visit(host, visited, n + number * len(HOSTS)))
            evidence_writer.save_visit(db, run, origin, seen, AT)


def loads(db: sqlite3.Connection, flagger: Flagger, urls: list[str]) -> tuple[list, int]:
    """Return flags, and how often the evidence of an origin was loaded for them."""
    seen = []
    db.set_trace_callback(seen.append)
    flags = rows(flagger.flag(urls))
    db.set_trace_callback(None)
    return flags, sum("tls_verified, base FROM observation_row" in text for text in seen)


def urls_of(*paths: str) -> list[str]:
    return [origin_of(host).url + path for host in HOSTS for path in paths]


def answered(body: str) -> Answer:
    return Answer(body=body) if body else MISSING


_NOT_SEEN = st.sampled_from((MISSING, NOTHING, Answer(status=403), Answer(status=301)))
_PAGES = st.one_of(st.builds(lambda fields: html("", *fields), files.HEADERS), _NOT_SEEN)
VISITS = st.fixed_dictionaries(
    {Resource.ROBOTS_TXT: st.builds(answered, files.ROBOTS) | _NOT_SEEN},
    optional={
        Resource.AI_TXT: st.builds(answered, files.AI_TXT) | _NOT_SEEN,
        Resource.TDMREP_JSON: st.builds(answered, files.TDMREP),
        Resource.HOME: _PAGES,
        Resource.PAGE: st.tuples(st.sampled_from(("/p", "/a", "/q", "/news/1")), _PAGES),
    },
)


@st.composite
def alike(draw) -> list[Visit]:
    """Visits of which most are equal, but for what is drawn again of some."""
    kinds = draw(st.lists(VISITS, min_size=1, max_size=2))
    said = [dict(draw(st.sampled_from(kinds))) for _ in HOSTS]
    for one in said:
        if draw(st.integers(0, 3)) == 0:
            one |= draw(VISITS)
    return said


@given(
    first=alike(),
    second=st.none() | alike(),
    paths=st.lists(files.PATHS.filter(lambda path: path.startswith("/")), max_size=5),
    agent=st.sampled_from([None, "GPTBot"]),
    rules=st.sampled_from(["signals", "inclusive"]),
    purposes=st.sampled_from([(Purpose.GENAI_TRAIN,), (Purpose.TDM, Purpose.SEARCH)]),
)
@settings(max_examples=25)
def test_shared_evaluation_gives_the_verdicts_of_one_evaluation_each(
    first, second, paths, agent, rules, purposes
):
    urls = [*urls_of("/a", "/p", "/news/1", *paths), *HOSTS]
    with audit(first, *([second] if second else [])) as db:
        shared = Flagger(db, rules, purposes, agent)
        got = rows(shared.flag(urls))
        db.execute("UPDATE evaluated_visit SET evidence_key = NULL")
        assert got == rows(Flagger(db, rules, purposes, agent).flag(urls))
        assert got == [tuple(shared.verdict(url)) for url in urls]


PATHS: Visit = {
    Resource.ROBOTS_TXT: Answer(body="User-agent: GPTBot\nDisallow: /a\nDisallow: /b\n")
}
OTHER_SITEMAP = "User-agent: GPTBot\nDisallow: /a\nDisallow: /b\nSitemap: https://x.test/{}\n"


def test_evidence_is_loaded_for_one_origin_of_each_kind():
    silent_pages = [PATHS | {Resource.PAGE: (f"/page-{n}", html())} for n in range(len(HOSTS))]
    for visits, wanted in (([PATHS] * 5, 1), (silent_pages, 1), ([PATHS, {}, PATHS, {}, {}], 1)):
        with audit(visits) as db:
            flags, loaded = loads(db, Flagger(db, "signals"), urls_of("/a", "/b/1", "/c"))
            assert loaded == wanted
            assert len({row[5] for row in flags}) > 3  # each with times of its own


def test_other_rules_and_agents_share_as_well():
    with audit([PATHS] * 5) as db:
        flagger = Flagger(db, "strict", (Purpose.TDM,), "CCBot")
        flags, loaded = loads(db, flagger, urls_of("/a", "/c"))
        assert loaded == 1
        assert flags == [tuple(flagger.verdict(url)) for url in urls_of("/a", "/c")]


def test_policies_are_those_of_each_origin():
    said = {
        **PATHS,
        Resource.TDMREP_JSON: Answer(
            body='[{"location": "/a", "tdm-reservation": 1, "tdm-policy": "/policy"}]'
        ),
    }
    with audit([said] * 5) as db:
        flags = Flagger(db, "signals", (Purpose.TDM,)).flag(urls_of("/a"))
        policies = [origin_of(host).url + "/policy" for host in HOSTS]
        assert flags["tdm_policy_url"].to_pylist() == policies


def test_an_origin_that_waits_to_be_judged_is_evaluated_from_what_it_says_now():
    with audit([PATHS] * 5) as db:
        reserving = {Resource.ROBOTS_TXT: Answer(body="User-agent: *\nDisallow: /a\n")}
        add_run(db, [PATHS, PATHS | reserving], 1)
        flagger = Flagger(db, "signals")
        urls = urls_of("/a")
        flags, loaded = loads(db, flagger, urls)
        assert flags == [tuple(flagger.verdict(url)) for url in urls]
        assert loaded == 3  # of both, and of one for all others


@pytest.mark.parametrize("agent", [None, "GPTBot"])
@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not stored"])
def test_nothing_that_was_stored_answers_for_an_origin_that_waits_to_be_judged(agent, stored):
    before = {Resource.ROBOTS_TXT: Answer(body="User-agent: *\nDisallow: /a\n")}
    now = {Resource.ROBOTS_TXT: Answer(body="User-agent: *\nDisallow: /b\n")}
    paths = ("/a", "/a/1", "/b", "/b/1", "/c")
    urls = [*HOSTS, *urls_of(*paths)]
    with audit([PATHS | before] * 5) as db:
        if stored:
            with Flagger(db, "signals", agent=agent) as flagger, transaction(db):
                flagger.flag(urls)
                verdict_cache.save(db, agent, flagger.new_verdicts)
        add_run(db, [PATHS | now, PATHS, PATHS | now], 1)
        with Flagger(db, "signals", agent=agent) as flagger:
            assert rows(flagger.flag(urls)) == [tuple(flagger.verdict(url)) for url in urls]


def test_verdicts_of_an_origin_that_waits_to_be_judged_are_not_stored():
    with audit([PATHS] * 5) as db:
        add_run(db, [PATHS] * 2, 1)
        with Flagger(db, "signals", agent="GPTBot") as flagger, transaction(db):
            flagger.flag(urls_of("/a"))
            verdict_cache.save(db, "GPTBot", flagger.new_verdicts)
        stored = db.execute("SELECT DISTINCT origin FROM verdict WHERE agent = 'GPTBot'").fetchall()
        assert {origin for (origin,) in stored} == {3, 4, 5}


def test_evidence_that_was_lost_frees_nobody():
    said = [{Resource.ROBOTS_TXT: Answer(body=OTHER_SITEMAP.format(n))} for n in range(5)]
    urls = urls_of("/a")
    with audit(said) as db:
        # The origin that is opened for all: the others do not become unknown with it.
        (opened,) = db.execute("SELECT url FROM origin ORDER BY id LIMIT 1").fetchone()
        lost = [origin_of(host).url for host in HOSTS].index(opened)
        digest = hashlib.sha256(OTHER_SITEMAP.format(lost).encode()).hexdigest()
        db.execute("DROP TRIGGER body_is_final")
        db.execute("UPDATE body SET content = x'00' WHERE digest = ?", (digest,))
        flagger = Flagger(db, "signals", agent="GPTBot")
        states = flagger.flag(urls)["tdm_state"].to_pylist()
        assert states == ["unknown" if n == lost else "reserved" for n in range(5)]
        assert states == [flagger.verdict(url).state for url in urls]


def test_keys_are_equal_where_only_what_nobody_reads_differs():
    said = [{Resource.ROBOTS_TXT: Answer(body=OTHER_SITEMAP.format(n))} for n in range(3)]
    with audit([*said, PATHS, {Resource.HOME: NOTHING}]) as db:
        keys = [key for (key,) in db.execute("SELECT evidence_key FROM evaluated_visit")]
        assert len(keys) == 5
        assert len(set(keys)) == 3
        rebuild(db, chosen=rulesets.load("signals"))
        again = [key for (key,) in db.execute("SELECT evidence_key FROM evaluated_visit")]
        assert again == keys


def test_keys_of_protocols_of_another_version_are_not_used():
    with audit([PATHS] * 5) as db:
        db.execute("UPDATE protocol SET version = version + 1 WHERE name = 'robots_txt'")
        _, loaded = loads(db, Flagger(db, "signals"), urls_of("/a"))
        assert loaded == len(HOSTS)


def test_verdicts_of_some_purposes_are_not_taken_for_those_of_others():
    urls = urls_of("/a", "/c")
    with audit([PATHS] * 5) as db:
        for purposes in ((Purpose.TDM,), (Purpose.SEARCH, Purpose.TDM), (Purpose.SEARCH,)):
            flagger = Flagger(db, "strict", purposes)
            assert rows(flagger.flag(urls)) == [tuple(flagger.verdict(url)) for url in urls]
            with transaction(db):
                verdict_cache.save(db, None, flagger.new_verdicts)


def test_another_process_takes_over_what_was_evaluated():
    urls = urls_of("/a", "/b/1", "/c")
    with audit([PATHS] * 5) as db:
        first, second = Flagger(db, "signals"), Flagger(db, "signals")
        flags, _ = loads(db, first, urls)
        second.shared.add(json.loads(json.dumps(first.shared.take_new())))
        assert loads(db, second, urls) == (flags, 0)
        assert first.shared.take_new() == []


def test_a_flagger_begins_with_the_state_that_another_stored():
    urls = urls_of("/a", "/b/1", "/c")
    with audit([PATHS] * 5) as db:
        with Flagger(db, "signals") as first:
            flags, loaded = loads(db, first, urls)
            assert loaded
            with transaction(db):
                flag_cache.save(db, first.cache_key, first.export_state())
        with Flagger(db, "signals") as second:
            assert loads(db, second, urls) == (flags, 0)
            assert second.export_state() == {}
