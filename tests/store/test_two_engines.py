"""views.sql is one text for two engines: every view is made, and says the same, in both."""

import json
import re
import shutil
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler import page, rulesets
from crawler.commands.ingest import IngestRequest, ingest
from crawler.commands.judge import rebuild
from crawler.dataset.duck import connect as connect_duckdb
from crawler.model import Observation
from crawler.store import duckdb_views, evidence_writer, exported_tables, figures, runs, tables
from crawler.store.database import (
    connect,
    new_database,
    public_views,
    transaction,
)
from crawler.store.provenance import Provenance
from crawler.store.whole_audit import open_tables
from crawler.vocab import Resource
from tests.store.conftest import AT, NEW_RUN, answer
from tests.store.cutting import cut
from tests.strategies import AI_TXT, HEADERS, ROBOTS, RSL, TDMREP

SIGNALS = rulesets.load("signals")
#: Views of what each part has for itself, so that a whole in parts has a row for each of them.
OF_PARTS = ("runs", "judgings")
LATER = "2027-02-03T00:00:00.000Z"


@pytest.fixture(scope="module")
def db():
    """An empty audit database."""
    with closing(new_database()) as db:
        yield db


@pytest.fixture(scope="module")
def empty(db, tmp_path_factory):
    """The tables of an empty audit database, opened in DuckDB."""
    folder = tmp_path_factory.mktemp("empty")
    tables.export(db, folder)
    with closing(connect_duckdb(folder, "256MB")) as duck:
        open_tables(duck, folder)
        yield duck


@pytest.mark.parametrize("view", public_views())
def test_a_view_has_the_same_columns_in_both_engines(view, db, empty):
    columns = list(public_views()[view][1])
    assert [c[0] for c in empty.execute(f"SELECT * FROM {view}").description] == columns
    assert [c[0] for c in db.execute(f"SELECT * FROM {view}").description] == columns


@pytest.mark.parametrize("name", sorted(set(figures.queries()) - {"bases"}))
def test_a_query_of_the_report_runs_in_both_engines(name, db, empty):
    values = {"dataset": "1", "purpose": "'tdm'", "top": "9", "sites": "9", "unplanned": "'page'"}
    sql = re.sub(r":(\w+)\b", lambda found: values[found[1]], figures.queries()[name])
    shown = empty.execute(duckdb_views.for_duckdb(sql)).fetchall()
    assert shown == db.execute(sql).fetchall()


@pytest.mark.parametrize(
    "number",
    [0.0, 1 / 128, 1 / 640, 3 / 640, 0.1234565, 2 / 3, 246913 / 2000000, 1e-7, 5e-7, 12345.6],
)
def test_a_share_is_rounded_as_in_sqlite(number, db, empty):
    sql = f"SELECT round({number!r}, 6)"
    # SQLite makes a text of it and reads that again, which may cost it the last bit.
    expected = pytest.approx(db.execute(sql).fetchone()[0], rel=1e-15)
    assert empty.execute(sql).fetchone()[0] == expected


def test_null_is_not_rounded(empty):
    assert empty.execute("SELECT round(NULL, 6)").fetchall() == [(None,)]


def test_nothing_but_what_views_read_is_exported(db):
    text = " ".join(duckdb_views.statements())
    read = {name for name in exported_tables.TABLES if re.search(rf"\b{name}\b", text)}
    # The bytes that are missing are told by one more table, in place of the bytes; and `flag` reads
    # two tables that no view reads.
    assert set(exported_tables.TABLES) - read == {"erased_body", "current_answer", "url_pattern"}
    columns = {
        column for name in exported_tables.TABLES for column in exported_tables.columns_of(db, name)
    }
    assert columns.isdisjoint({"content", "private"})
    assert set(exported_tables.TABLES).isdisjoint({"body", "sample", "flag_cache", "description"})


def shown(engine, view):
    """The rows of a view in an order of their own, as both engines can say them."""
    return sorted((tuple(map(said, row)) for row in rows_of(engine, view)), key=repr)


def rows_of(engine, view):
    return engine.execute(f"SELECT * FROM {view}").fetchall()


def said(value):
    if isinstance(value, float):
        return float(f"{value:.12g}")  # a sum of weights is one in any order
    if isinstance(value, int):
        return value % (1 << exported_tables.PART_BITS)  # without the number of the part
    if isinstance(value, str):
        with suppress(ValueError):
            if value[:1] == "{":  # an object is one in any order
                return json.dumps(json.loads(value), sort_keys=True)
        return re.sub(r"^\d+:(?=[0-9a-f]{16})", "", value)  # likewise
    return value


def opened(duck, folder, *paths):
    """Open the tables of databases that are parts."""
    for part, path in enumerate(paths):
        with closing(connect(path)) as db:
            tables.export(db, folder, part=part)
    open_tables(duck, folder)
    return duck


def require_equal(path, folder, parts=2):
    """Compare the views of a database in SQLite, in DuckDB, and in parts in DuckDB."""
    folder.mkdir()
    with closing(connect(path)) as db, closing(connect_duckdb(folder, "1GB")) as duck:
        expected = {view: shown(db, view) for view in public_views()}
        opened(duck, folder / "one", path)
        for view, rows in expected.items():
            assert shown(duck, view) == rows, view
    with closing(connect_duckdb(folder, "1GB")) as duck:
        opened(duck, folder / "parts", *cut(path, folder, parts, SIGNALS))
        for view, rows in expected.items():
            assert view in OF_PARTS or shown(duck, view) == rows, view
        sums = "SELECT count(DISTINCT run), sum(origins), sum(observations) FROM runs"
        (counted,), (of_runs,) = duck.execute(sums).fetchall(), [runs_of(expected)]
        assert counted == (of_runs[0] * parts, *of_runs[1:])
    return expected


def runs_of(expected):
    columns = list(public_views()["runs"][1])
    found = [dict(zip(columns, row, strict=True)) for row in expected["runs"]]
    return len(found), sum(r["origins"] for r in found), sum(r["observations"] for r in found)


def test_the_demo_says_the_same_in_both_engines_and_in_parts(demo_db_copy, tmp_path):
    expected = require_equal(demo_db_copy, tmp_path / "duck", parts=3)
    assert len(expected["findings"]) > 1000
    assert len(expected["parties"]) > 10


PERSON = '{"@type": "Person", "name": "Jo Doe"}'
HOLDERS = (
    "",
    '{"@type": "Organization", "@id": "https://acme.example/#us", "name": "ACME"}',
    '{"@type": "Organization", "name": "News Ltd", "url": "https://news.example/"}',
    PERSON,
)
TRUST = ("", "controlledby=https://h1.b.test\n", "control=https://h0.a.test\ncontact=/us\n")
HOST = st.fixed_dictionaries(
    {
        "site": st.sampled_from("abc"),
        "robots": ROBOTS,
        "ai": AI_TXT,
        "tdmrep": TDMREP,
        "rsl": RSL,
        "headers": HEADERS,
        "holder": st.sampled_from(HOLDERS),
        "trust": st.sampled_from(TRUST),
        "rows": st.integers(1, 9),
        "later": st.none() | ROBOTS,
        "is_seen": st.sampled_from((True, True, True, False)),
    }
)


def answers(host, given, *, robots=None):
    head = (
        '<script type="application/ld+json">{"@context": "https://schema.org", "@type": "WebPage", '
        f'"copyrightHolder": {given["holder"]}}}</script>'
        if given["holder"]
        else ""
    )
    yield answer(host, Resource.ROBOTS_TXT, "/robots.txt", robots or given["robots"])
    yield answer(host, Resource.AI_TXT, "/ai.txt", given["ai"])
    yield answer(host, Resource.TDMREP_JSON, "/.well-known/tdmrep.json", given["tdmrep"])
    yield answer(host, Resource.TRUST_TXT, "/.well-known/trust.txt", given["trust"])
    yield with_headers(answer(host, Resource.HOME, "/", f"<head>{head}</head>"), given["headers"])


def with_headers(observation: Observation, headers) -> Observation:
    sent = (*observation.headers, *headers)
    return type(observation)(**{**fields(observation), "headers": sent})


def fields(observation):
    return {name: getattr(observation, name) for name in observation.__slots__}


def make(folder, hosts):
    """An audit of random answers: two datasets with weights and facets, and two runs."""
    named = {f"h{n}.{host['site']}.test": host for n, host in enumerate(hosts)}
    lines = [
        f"https://{name}/{n},{n % 3},{'en' if n % 2 else ''}"
        for name, host in named.items()
        for n in range(host["rows"])
    ]
    text = "\n".join(["url,weight,language", *lines, "no url,1,en", ",2,"])
    (folder / "d.csv").write_text(text)
    (folder / "e.txt").write_text("".join(f"https://{name}/\n" for name in list(named)[::2]))
    path = folder / "audit.db"
    with closing(connect(path, create=True)) as db:
        weighed = IngestRequest(
            datasets=(str(folder / "d.csv"),), url_columns=("url",), weight_column="weight",
            facets=(("language", "language"),), provenance=Provenance(crawler="CCBot"),
        )  # fmt: skip
        ingest(db, path, weighed)
        ingest(db, path, IngestRequest(datasets=(str(folder / "e.txt"),)))
        numbers = dict(db.execute("SELECT host, id FROM origin"))
        for at, is_first in ((AT, True), (LATER, False)):
            with transaction(db):
                run = runs.begin_run(db, NEW_RUN, at)
                for name, host in named.items():
                    if host["is_seen"] and (is_first or host["later"]):
                        given = answers(name, host, robots=None if is_first else host["later"])
                        timed = [with_time(observation, at) for observation in given]
                        evidence_writer.save_visit(db, run, numbers[name], timed, at)
                runs.end_run(db, run, "finished", at)
        rebuild(db, chosen=SIGNALS)
    return path


def with_time(observation, at):
    return type(observation)(**{**fields(observation), "started_at": at})


@settings(max_examples=2, deadline=None, suppress_health_check=[*HealthCheck], print_blob=True)
@given(hosts=st.lists(HOST, min_size=4, max_size=9))
def test_random_evidence_says_the_same_in_both_engines_and_in_parts(hosts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    require_equal(make(folder, hosts), folder / "duck")
    shutil.rmtree(folder)


#: Folders of the corpus: the place of their files, and which are taken (each, or each second).
OF_CORPUS = {
    "robots": (Resource.ROBOTS_TXT, "/robots.txt", 2),
    "aitxt": (Resource.AI_TXT, "/ai.txt", 1),
    "tdmrep": (Resource.TDMREP_JSON, "/.well-known/tdmrep.json", 1),
    "trusttxt": (Resource.TRUST_TXT, "/.well-known/trust.txt", 1),
    "html": (Resource.HOME, "/", 1),
}


def of_corpus(corpus):
    """Yield hosts with the answers that real files are; each host has one file of each folder."""
    folders = {
        name: sorted((corpus / name).rglob("*.*"))[::step] for name, (*_, step) in OF_CORPUS.items()
    }
    for n in range(max(map(len, folders.values()))):
        host = f"h{n}.s{n // 3}.test"
        yield (
            host,
            [
                with_body(answer(host, resource, path, ""), folders[name][n].read_bytes())
                for name, (resource, path, _) in OF_CORPUS.items()
                if n < len(folders[name])
            ],
        )


def with_body(observation, body):
    is_page = observation.target.resource is Resource.HOME
    extract = page.extract(body) if is_page else b""
    return replace(observation, body=body, size=len(body), extract=extract)


@pytest.mark.corpus
def test_real_files_say_the_same_in_both_engines_and_in_parts(corpus, tmp_path):
    hosts, path = dict(of_corpus(corpus)), tmp_path / "audit.db"
    urls = [f"https://{host}/{n}" for n, host in enumerate(hosts) for _ in range(1 + n % 3)]
    (tmp_path / "d.txt").write_text("\n".join(urls))
    with closing(connect(path, create=True)) as db:
        ingest(db, path, IngestRequest(datasets=(str(tmp_path / "d.txt"),)))
        numbers = dict(db.execute("SELECT host, id FROM origin"))
        with transaction(db):
            run = runs.begin_run(db, NEW_RUN, AT)
            for host, given in hosts.items():
                evidence_writer.save_visit(db, run, numbers[host], given, AT)
            runs.end_run(db, run, "finished", AT)
        rebuild(db, chosen=SIGNALS)
    expected = require_equal(path, tmp_path / "duck", parts=3)
    assert len(expected["reservations"]) == len(hosts) > 200
    assert len(expected["statements"]) > 5000
