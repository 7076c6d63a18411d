"""Verdicts from SQL equal the reference: on generated files and URLs, and on the demo's dataset."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import rulesets
from crawler.commands.explain import explain
from crawler.commands.flag import FlagRequest, flag
from crawler.commands.flag_writer import FlagWriter
from crawler.commands.judge import rebuild
from crawler.errors import UserError
from crawler.evaluate.url_verdicts import Verdict, verdict_of
from crawler.flags import COLUMNS, Flagger
from crawler.flags.flagger import FlaggerBusyError
from crawler.model import Observation, Origin, Target
from crawler.progress import Bar
from crawler.store import evidence_writer, flag_cache, runs, verdict_cache
from crawler.store.database import connect, connect_read_only, transaction
from crawler.urls import canonical
from crawler.vocab import Purpose, Resource
from tests import strategies as files
from tests.sample_origins import AT, MISSING, Answer, html, observed

PURPOSES = st.sampled_from(
    [(Purpose.GENAI_TRAIN,), (Purpose.TDM, Purpose.SEARCH), (Purpose.SEARCH, Purpose.TDM)]
)
HOSTS = ("h.example", "h.example:8080", "other.example", "h.example:80", "[::1]")
AUTHORITIES = st.sampled_from(
    (
        *("h.example", "H.EXAMPLE", "h.example:443", "h.example:80", "h.example:8080"),
        *("u:p@h.example", "other.example", "xn--caf-dma.example", "[::1]", "never.example"),
        *("h.example.", "1.5", "", "h%2Eexample", "h%2eEXAMPLE", "h\texample", "h.exa\rmple"),
        *("h。example", "h.example.:443", "h.example:", "h.example:0443", "u@h.example:80"),
        *(
            "[::1]:443",
            "[0:0::1]",
            "café.example",
            "h.example:99999",
            "H.example:8080",
            "localhost",
        ),
    )
)
# What may stand between an authority and a path, or end a URL, without being a path.
TAILS = st.sampled_from(
    (
        *(
            "",
            "",
            "?",
            "#",
            "?#",
            "#?",
            "\\",
            "/?",
            "/?#x",
            "\\?",
            "/\\",
            " ",
            "\n",
            "\t?",
            "/.",
            "/..",
        ),
        *("/p?", "/p??", "/p?#?", "/a?", "/./a?", "/%2e?", "/%2E%2e/p", "/\tp", "/p\r\n", "\\a\\p"),
        *(
            "/a/..\\p",
            "/%61",
            "/p%3F",
            "/p%23",
            "/" + "a" * 8170,
            "/" + "é" * 2000,
            "/p?" + "q" * 9000,
        ),
    )
)
URLS = st.one_of(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            (
                *("https://", "http://", "", "//", "HTTPS://", " https://", "https:/\\", "\\\\"),
                *("HtTp://", "http:", "https:///", "ht\ntps://", "https:\\\\", "///", "ftp://"),
            )
        ),
        AUTHORITIES,
        files.PATHS | TAILS,
    ),
    st.builds("{}{}{}".format, st.sampled_from(("", " ", "\t", "\ufeff")), AUTHORITIES, TAILS),
    st.sampled_from((None, "", "words", "mailto:a@h.example", "https://h.example/\ta", "ftp://x/")),
    st.text(max_size=20),
)
VISITS = st.fixed_dictionaries(
    {
        Resource.ROBOTS_TXT: files.ROBOTS,
        Resource.AI_TXT: files.AI_TXT,
        Resource.TDMREP_JSON: files.TDMREP,
        Resource.HOME: files.HEADERS,
        Resource.PAGE: files.HEADERS,
    }
)
NEW_RUN = runs.NewRun(
    command="test",
    version="0",
    versions={},
    settings={"dataset": 1},
    user_agent="nobody",
    suffix_list="none",
    catalogue="none",
)
_PATHS = {
    Resource.ROBOTS_TXT: "/robots.txt",
    Resource.AI_TXT: "/ai.txt",
    Resource.TDMREP_JSON: "/.well-known/tdmrep.json",
    Resource.HOME: "/",
    Resource.PAGE: "/p",
}


def _answer(resource: Resource, said: object) -> Answer:
    if resource in (Resource.HOME, Resource.PAGE):
        return html("", *said)
    return Answer(body=said) if said else MISSING


def _visit(base: str, said: dict[Resource, object]) -> list[Observation]:
    return [
        observed(
            Target(resource=resource, asked=base + path, url=base + path),
            _answer(resource, said[resource]),
        )
        for resource, path in _PATHS.items()
    ]


def _stored(db: sqlite3.Connection, visits: list[dict[Resource, object]]) -> None:
    """Store a dataset of HOSTS, and visits of the first of them."""
    dataset = evidence_writer.NewDataset(
        path="rows",
        files=(("rows", 0, "0" * 64),),
        format="text",
        url_column="url",
        weight_column="",
        rows=len(HOSTS),
        rejects=(),
    )
    origins = [canonical.origin_of(f"https://{host}/") for host in HOSTS]
    counted = ((canonical.origin_key(o), o, 1, None, ()) for o in origins)
    with transaction(db):
        evidence_writer.add_dataset(db, dataset, counted, AT)
    run = runs.begin_run(db, NEW_RUN, AT)
    keys = dict(db.execute("SELECT key, id FROM origin"))
    with transaction(db):
        for origin, said in zip(origins, visits, strict=False):
            number = keys[canonical.origin_key(origin)]
            evidence_writer.save_visit(db, run, number, _visit(origin.url, said), AT)


@contextmanager
def database(visits: list[dict[Resource, object]], rules: str = "signals") -> Iterator:
    with TemporaryDirectory() as folder, closing(connect(f"{folder}/a.db", create=True)) as db:
        _stored(db, visits)
        rebuild(db, chosen=rulesets.load(rules))
        yield db


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


#: What may stand around a host: with the first ones it names the whole origin.
AROUND = [
    *(("", ""), (" ", " "), ("", "."), ("", ":"), ("", ":443"), ("\ufeff", "\n")),
    *(("", "/"), ("", "?"), ("", "#x"), ("", "\\"), ("//", ""), ("http://", ""), ("HTTP://", "?")),
]


@given(
    visits=st.lists(VISITS, min_size=1, max_size=3),
    urls=st.lists(URLS, max_size=12),
    purposes=PURPOSES,
    agent=st.sampled_from([None, "GPTBot", "Nobody"]),
    rules=st.sampled_from(["signals", "inclusive", "strict"]),
)
@settings(max_examples=60)
def test_verdicts_equal_the_reference(visits, urls, purposes, agent, rules):
    with database(visits) as db:
        flagger = Flagger(db, rulesets.load(rules), purposes, agent)
        assert rows(flagger.flag(urls)) == [tuple(flagger.verdict(url)) for url in urls]


def test_verdicts_equal_the_reference_on_the_demo(demo_output):
    given = [url for (url,) in _urls(demo_output)]
    ends = ("?q=%2F", "#x", ".JPG", "/../é", "%7E", "?", "?#x", "\\", "/%2e%2E/", "\t", "??", " ")
    changed = [f"{url}{end}" for url in given for end in ends]
    hosts = [
        canonical.origin_key(o) for o in map(canonical.origin_of, given) if isinstance(o, Origin)
    ]
    alone = [f"{a}{host}{b}" for host in hosts for a, b in AROUND]
    with closing(connect_read_only(demo_output / "audit.db")) as db:
        for purpose in (Purpose.TDM, Purpose.GENAI_TRAIN):
            flagger = Flagger(db, rulesets.load("signals"), (purpose,))
            urls = [*given, *changed[::7], *alone, *[u.upper() for u in given[::9]]]
            assert rows(flagger.flag(urls)) == [tuple(flagger.verdict(url)) for url in urls]


def _said(verdict: Verdict) -> tuple[object, ...]:
    return verdict.state, verdict.purpose, verdict.basis, verdict.policy_url


@pytest.mark.parametrize("purpose", [Purpose.TDM, Purpose.GENAI_TRAIN, Purpose.SEARCH])
def test_flags_equal_explanations_on_the_demo(demo_output, purpose):
    rules = rulesets.load("signals")
    given = [url for (url,) in _urls(demo_output)][::5]
    ends = ("", "?", "\\", "#x", "/..\\a?", "\t")
    hosts = {o.host: o for o in map(canonical.origin_of, given) if isinstance(o, Origin)}
    urls = [f"{url}{end}" for url in given for end in ends]
    urls += [f"{a}{host}{b}" for host in hosts for a, b in AROUND]
    explained = {}
    with closing(connect_read_only(demo_output / "audit.db")) as db:
        for url in urls:
            with suppress(UserError):
                found = explain(db, url, rules, agent=None, whole_origin=False).findings
                [finding] = [f for f in found if f.purpose is purpose]
                explained[url] = _said(verdict_of(finding, rules, ""))
        flags = Flagger(db, rules, (purpose,)).flag(list(explained)).to_pylist()
    got = [tuple(f[f"tdm_{n}"] for n in ("state", "purpose", "basis", "policy_url")) for f in flags]
    assert len(explained) > len(hosts) * len(AROUND) // 2
    assert got == [*explained.values()]


def _urls(demo_output) -> list[tuple[str | None]]:
    path = demo_output / "dataset.parquet"
    return duckdb.execute(f"SELECT url FROM '{path}' ORDER BY hash(url) LIMIT 400").fetchall()


AGENTS_ALONE = {
    Resource.ROBOTS_TXT: "User-agent: CCBot\nDisallow: /a\nUser-agent: *\nDisallow: /b",
    Resource.AI_TXT: "",
    Resource.TDMREP_JSON: "",
    Resource.HOME: [],
    Resource.PAGE: [("tdm-reservation", "1")],
}


def verdicts(flagger: Flagger, *paths: str) -> list[tuple[str, bool | None, str | None]]:
    found = flagger.flag([f"https://h.example{path}" for path in paths]).to_pylist()
    return [(row["tdm_state"], row["tdm_reserved"], row["tdm_basis"]) for row in found]


def test_a_row_gets_the_verdict_of_its_path_and_of_its_page():
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,))
        assert verdicts(flagger, "/a/1", "/b/1", "/p", "/c") == [
            ("partial", None, "tdmrep_header"),
            ("partial", None, "tdmrep_header"),
            ("reserved", True, "tdmrep_header"),
            ("partial", None, "tdmrep_header"),
        ]
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,), "CCBot")
        assert verdicts(flagger, "/a/1", "/b/1", "/p") == [
            ("reserved", True, "robots_txt"),
            ("partial", None, "tdmrep_header"),
            ("reserved", True, "tdmrep_header"),
        ]


@pytest.mark.parametrize("said", [[("tdm-reservation", "1")], [("tdm-reservation", "0")]])
def test_a_page_does_not_stand_for_the_paths_that_match_the_same_patterns(said):
    home = [("tdm-reservation", "1")]
    robots = b"User-agent: *\nAllow: /p\n"
    visit = AGENTS_ALONE | {Resource.ROBOTS_TXT: robots, Resource.HOME: home, Resource.PAGE: said}
    paths = ("/p", "/p2", "/p/3")
    with database([visit]) as db:
        alone = [
            verdicts(Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,)), path)[0]
            for path in paths
        ]
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,))
        assert verdicts(flagger, *paths) == alone
        assert alone[0] != alone[1] == alone[2]


@pytest.mark.parametrize(
    "path",
    ["/./p", "/q/../p", "/q\\..\\p", "/\tp", "/p#x", "\\p", "/q/%2e%2E/p"],
)
def test_a_page_is_known_however_its_path_is_written(path):
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,))
        assert verdicts(flagger, path) == [("reserved", True, "tdmrep_header")]


ONLY_ITS_HOME_PAGE = AGENTS_ALONE | {
    Resource.ROBOTS_TXT: "",
    Resource.HOME: [("tdm-reservation", "0")],
}
HOSTS_ALONE = (
    "h.example",
    "H.EXAMPLE",
    "h.example.",
    "h.example:443",
    " h.example ",
    "h.ex%61mple",
)
HOME_PAGES = ("https://h.example", "h.example/", "h.example#x", "//h.example", "h.example\\")


@pytest.mark.parametrize("agent", [None, "GPTBot"])
@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not stored"])
def test_f1_a_host_alone_gets_the_verdict_of_its_origin(agent, stored):
    rules = "signals" if stored else "inclusive"
    with database([ONLY_ITS_HOME_PAGE]) as db:
        flagger = Flagger(db, rules, (Purpose.TDM,), agent)
        urls = [*HOSTS_ALONE, *HOME_PAGES]
        got = rows(flagger.flag(urls))
        assert got == [tuple(flagger.verdict(url)) for url in urls]
        assert {row[0] for row in got[: len(HOSTS_ALONE)]} == {"partial"}
        assert {row[0] for row in got[len(HOSTS_ALONE) :]} == {"permitted"}
        first = flag_cache_of(db, flagger)
        again = Flagger(db, rules, (Purpose.TDM,), agent)
        assert (rows(again.flag(urls)), again.export_state()) == (got, {})
        assert first


def flag_cache_of(db: sqlite3.Connection, flagger: Flagger) -> dict[str, bytes]:
    state = flagger.export_state()
    with transaction(db):
        verdict_cache.save(db, flagger._evaluator.agent, flagger.new_verdicts)
        flag_cache.save(db, flagger.cache_key, state)
    return state


def test_f1_a_host_alone_does_not_match_the_patterns_of_paths():
    said = AGENTS_ALONE | {
        Resource.ROBOTS_TXT: "User-agent: GPTBot\nDisallow: /$\nDisallow: /?",
        Resource.PAGE: [],
    }
    with database([said]) as db:
        flagger = Flagger(db, "signals", (Purpose.GENAI_TRAIN,), "GPTBot")
        got = flagger.flag(["h.example", "h.example/", "h.example?", "https://h.example/x"])
        assert got["tdm_state"].to_pylist() == ["partial", "reserved", "reserved", "silent"]


def test_f1_where_each_path_is_evaluated_a_host_alone_is_too(monkeypatch):
    monkeypatch.setattr("crawler.flags.tables.MAX_PATTERNS", 0)
    probes = "".join(f"Disallow: {probe}\n" for probe in ("/t", "/0", "/q", "/X", "/~"))
    said = AGENTS_ALONE | {Resource.ROBOTS_TXT: f"User-agent: GPTBot\n{probes}"}
    with database([said]) as db:
        flagger = Flagger(db, "signals", (Purpose.GENAI_TRAIN,))
        urls = [*HOSTS_ALONE, *HOME_PAGES, "h.example/x"]
        assert rows(flagger.flag(urls)) == [tuple(flagger.verdict(url)) for url in urls]


EMPTY_QUERIES = ["/p?", "/?", "?", "/p?#x", "\\p?", "/./p?", "/%70?"]


@pytest.mark.parametrize("path", EMPTY_QUERIES)
def test_f2_an_empty_query_is_a_query(path):
    said = AGENTS_ALONE | {
        Resource.ROBOTS_TXT: "User-agent: GPTBot\nDisallow: /*?",
        Resource.PAGE: [],
    }
    with database([said]) as db:
        flagger = Flagger(db, "signals", (Purpose.GENAI_TRAIN,), "GPTBot")
        assert verdicts(flagger, path) == [("reserved", True, "robots_txt")]
        assert verdicts(flagger, path.replace("?", "")) == [("silent", False, None)]
        found = explain(
            db, f"https://h.example{path}", rulesets.load("signals"), agent="GPTBot",
            whole_origin=False,
        ).findings  # fmt: skip
        assert [f.state for f in found if f.purpose is Purpose.GENAI_TRAIN] == ["reserved"]


def test_a_verdict_without_evidence_was_never_looked_at():
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, "signals")
        got = flagger.flag([None, "words", "https://other.example/", "https://h.example/"])
        assert got["tdm_last_looked_at"].to_pylist() == [None, None, None, AT]
        assert got["tdm_stale"].to_pylist() == got["tdm_malformed"].to_pylist() == [False] * 4


def test_what_names_no_origin_or_was_never_asked_is_unknown_with_a_reason():
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.TDM,))
        got = flagger.flag([None, "words", "https://nowhere.example/", "https://other.example/"])
        assert [(r["tdm_state"], r["tdm_reserved"], r["tdm_basis"]) for r in got.to_pylist()] == [
            ("unknown", None, "no origin: empty"),
            ("unknown", None, "no origin: no_host"),
            ("unknown", None, "origin never asked"),
            ("unknown", None, "origin never asked"),
        ]
        assert got.column_names == list(COLUMNS)


def test_stored_verdicts_are_not_evaluated_again():
    with database([AGENTS_ALONE]) as db:
        purposes, rules = (Purpose.GENAI_TRAIN,), rulesets.load("strict")
        first = Flagger(db, rules, purposes, "CCBot")
        urls = ["https://h.example/a", "https://h.example/a/b", "https://h.example/p"]
        want = rows(first.flag(urls))
        assert {what for _, what, _ in first.new_verdicts} >= {"", "=/p", "1"}
        with transaction(db):
            verdict_cache.save(db, "CCBot", first.new_verdicts)
        second = Flagger(db, rules, purposes, "CCBot")
        assert (rows(second.flag(urls)), second.new_verdicts) == (want, [])


@pytest.mark.parametrize("most", range(8))
def test_verdicts_that_are_not_all_kept_are_not_taken_for_all(monkeypatch, most):
    monkeypatch.setattr("crawler.flags.reference._MAX_NEW_VERDICTS", most)
    with database([AGENTS_ALONE]) as db:
        given = (db, rulesets.load("strict"), (Purpose.GENAI_TRAIN,), "CCBot")
        urls = ["h.example", *(f"https://h.example{path}" for path in ("/a", "/a/b", "/p", "/c"))]
        with Flagger(*given) as first:
            want = rows(first.flag(urls))
            assert len(first.new_verdicts) <= most
            with transaction(db):
                verdict_cache.save(db, "CCBot", first.new_verdicts)
        with Flagger(*given) as second:
            assert rows(second.flag(urls)) == want


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"agent": "GPTBot"}, False),
        ({"purposes": (Purpose.TDM,)}, False),
        ({"rules": "signals"}, False),
    ],
    ids=["the same way", "another agent", "another purpose", "other rules"],
)
def test_the_flag_cache_serves_only_equal_options(other, same):
    urls = [f"https://h.example{path}" for path in ("/a", "/b", "/p", "/c", "/d")]
    way = {"purposes": (Purpose.GENAI_TRAIN,), "agent": "CCBot", "rules": "strict"}
    with database([AGENTS_ALONE]) as db:
        first = Flagger(db, **way)
        first.flag(urls[:3])
        with transaction(db):
            flag_cache.save(db, first.cache_key, first.export_state())
        second = Flagger(db, **way | other)
        assert rows(second.flag(urls)) == [tuple(second.verdict(url)) for url in urls]
        assert (second.new_verdicts == []) == same
        assert (second.export_state() == {}) == same


@pytest.mark.parametrize("options", [{}, {"run": 1}], ids=["all of it", "a run"])
def test_judging_again_deletes_the_flag_cache(options):
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, "strict")
        with transaction(db):
            flag_cache.save(db, flagger.cache_key, flagger.export_state())
        rebuild(db, chosen=rulesets.load("signals"), **options)
        assert flag_cache.load(db, flagger.cache_key) == {}


def test_the_flag_cache_is_bounded_in_entries_and_size(monkeypatch):
    monkeypatch.setattr("crawler.store.flag_cache.MOST_BYTES", 8)
    with database([AGENTS_ALONE]) as db:
        for n in range(12):
            flag_cache.save(db, f"way {n}", {"a": b"1234", "b": b"5678"[: n % 5 + 3]})
        flag_cache.save(db, "too large", {"a": b"123456789"})
        kept = db.execute("SELECT DISTINCT cache_key FROM flag_cache ORDER BY rowid").fetchall()
        assert kept == [(f"way {n}",) for n in range(4, 12)]


def test_judging_again_deletes_stored_verdicts():
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, rulesets.load("strict"), (Purpose.TDM,))
        flagger.flag(["https://h.example/b/1"])
        with transaction(db):
            verdict_cache.save(db, None, flagger.new_verdicts)
        rebuild(db, chosen=rulesets.load("signals"))
        kept = db.execute("SELECT DISTINCT rules FROM verdict").fetchall()
        assert kept == [("signals/2",)]


def test_an_origin_with_too_many_patterns_is_evaluated_path_by_path(monkeypatch):
    many = AGENTS_ALONE | {
        Resource.ROBOTS_TXT: "User-agent: GPTBot\n"
        + "".join(f"Disallow: /{n}/\n" for n in range(9))
    }
    monkeypatch.setattr("crawler.flags.tables.MAX_PATTERNS", 5)
    with database([many]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,))
        urls = [f"https://h.example/{n}/{m}" for n in range(12) for m in "ab"]
        assert rows(flagger.flag(urls)) == [tuple(flagger.verdict(url)) for url in urls]


def test_iterators_of_one_flagger_may_be_interleaved():
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,))
        pages = "SELECT range AS n, 'https://h.example/p' AS url FROM range(3)"
        unknown = "SELECT range AS n, 'https://never.example/' AS url FROM range(2)"
        first, second = flagger.row_batches(pages), flagger.row_batches(unknown)
        [second_ids], [first_ids] = list(second), list(first)
        states = [
            flagger.ids.columns(ids["verdict"])[0].to_pylist() for ids in (first_ids, second_ids)
        ]
        assert states == [["reserved"] * 3, ["unknown"] * 2]


def test_a_call_during_an_evaluation_is_refused():
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.GENAI_TRAIN,), "CCBot")
        refused = []

        def flag_again(_statement):
            with pytest.raises(FlaggerBusyError, match="one call at a time") as raised:
                flagger.flag(["https://other.example/"])
            refused.append(raised.value)

        # SQLite calls this while the evaluator reads evidence, in the middle of an evaluation.
        db.set_trace_callback(flag_again)
        outer = rows(flagger.flag(["https://h.example/p"]))
        db.set_trace_callback(None)
        assert refused
        assert outer == [tuple(flagger.verdict("https://h.example/p"))]
        assert verdicts(flagger, "/p") == [("reserved", True, "tdmrep_header")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_arrow_columns_are_flagged_as_they_are(kind):
    with database([AGENTS_ALONE]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.TDM,))
        urls = ["https://h.example/p", None]
        chunks = pa.chunked_array([pa.array([url], kind) for url in urls])
        assert rows(flagger.flag(chunks)) == rows(flagger.flag(urls))


@pytest.mark.parametrize("meanwhile", [False, True], ids=["nobody else", "a crawl began"])
def test_only_verdicts_on_the_evidence_that_is_there_are_remembered(
    demo_db_copy, demo_output, tmp_path, monkeypatch, meanwhile
):
    write = FlagWriter.write

    def and_a_run_begins(self, *given, **more):
        counts = write(self, *given, **more)
        if meanwhile:
            with closing(connect(demo_db_copy)) as db:
                runs.begin_run(db, NEW_RUN, AT)
        return counts

    monkeypatch.setattr(FlagWriter, "write", and_a_run_begins)
    request = FlagRequest(
        datasets=(str(demo_output / "dataset.parquet"),),
        out=tmp_path / "out.parquet",
        rules=rulesets.load("signals"),
        purposes=(Purpose.TDM,),
        agent="OnlyInThisTest",
    )
    with closing(connect_read_only(demo_db_copy)) as db, Bar(shown=False) as bar:
        flag(db, request, bar, cache_into=demo_db_copy)
        kept = db.execute("SELECT count(*) FROM verdict WHERE agent = 'OnlyInThisTest'").fetchone()[
            0
        ]
    assert bool(kept) is not meanwhile


@pytest.mark.parametrize("text", ["http://a.example/", b"http://a.example/"])
def test_one_text_is_no_list_of_urls(text):
    with database([]) as db:
        flagger = Flagger(db, rulesets.load("signals"), (Purpose.TDM,))
        with pytest.raises(TypeError, match="a list"):
            flagger.flag(text)
