"""Traps of fetching: what an answer, a failure, a redirect and an address mean (1 to 14, 52)."""

import ipaddress
import json

import pytest

from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import html as page_of
from crawler.demo.answers import status, text
from crawler.demo.misbehaviour import DropsConnection
from crawler.demo.site import everywhere
from crawler.fetch.http.address_guard import is_public
from crawler.model import Document
from crawler.protocols.robots import robots_txt
from crawler.urls import canonical
from crawler.vocab import Outcome, Presence, Purpose, Resource, State
from tests.sample_origins import Answer, origin, planned, state

ONE = '[{"location": "/", "tdm-reservation": 1}]'
ZERO = '[{"location": "/", "tdm-reservation": 0}]'
BAN = "User-agent: GPTBot\nDisallow: /\n"


@pytest.mark.parametrize("code", [404, 410])
def test_trap_01_a_missing_robots_txt_leaves_everything_else_to_be_asked(code):
    seen = planned({"/robots.txt": Answer(status=code)})
    asked = {o.target.resource for o in seen if o.outcome is Outcome.RESPONDED}
    assert asked >= {Resource.AI_TXT, Resource.TDMREP_JSON, Resource.TRUST_TXT, Resource.HOME}
    assert state(origin(robots=Answer(status=code), tdmrep=ONE)) == "reserved"


FAILURES = [
    Answer(status=500),
    Answer(status=503),
    *(
        Answer(status=None, outcome=outcome)
        for outcome in (
            Outcome.TIMED_OUT,
            Outcome.BROKEN,
            Outcome.REFUSED,
            Outcome.NOT_FOUND_HOST,
            Outcome.TLS_FAILED,
        )
    ),
]


@pytest.mark.parametrize("answer", FAILURES, ids=lambda a: str(a.status or a.outcome))
def test_trap_02_a_failure_is_unknown_and_never_allowed(answer):
    resources = origin(robots=answer, tdmrep=ZERO)
    assert {state(resources, p) for p in Purpose} == {"unknown"}
    seen = planned({"/robots.txt": answer})
    later = [o for o in seen if o.target.resource is not Resource.ROBOTS_TXT]
    assert later
    assert {o.outcome for o in later} == {Outcome.WITHHELD}


def test_trap_02_a_failure_is_not_final(query):
    """A failure leaves no fresh evidence, so that the next run requests the host again."""
    rows = query("SELECT presence, observed_at FROM coverage WHERE last_outcome = 'timed_out'")
    assert rows
    assert {row["presence"] for row in rows} == {"unseen"}


@pytest.mark.parametrize(("code", "goes_on"), [(429, False), (401, True), (403, True)])
def test_trap_03_being_busy_or_forbidden_is_not_having_no_rules(code, goes_on):
    answer = Answer(status=code)
    assert state(origin(robots=answer), "genai_train") == "unknown"
    (tdmrep,) = (
        o for o in planned({"/robots.txt": answer}) if o.target.resource is Resource.TDMREP_JSON
    )
    assert (tdmrep.outcome is Outcome.RESPONDED) == goes_on
    if not goes_on:
        assert "429" in tdmrep.note


PAGE = Answer(body="<!doctype html><html><body>Welcome</body></html>", kind="text/html")


def test_trap_05_a_page_for_every_path_is_no_policy_file():
    resources = origin(robots=PAGE, ai=PAGE, tdmrep=PAGE, trust=PAGE)
    files = [s.presence for s in resources if s.resource is not Resource.HOME]
    assert files == [Presence.ABSENT] * 4
    assert {state(resources, p) for p in Purpose} == {"silent"}


@pytest.mark.parametrize("code", [403, 404, 500, 503])
def test_trap_06_the_body_of_an_error_is_not_parsed(code):
    resources = origin(robots=Answer(status=code, body=BAN), tdmrep=Answer(status=code, body=ONE))
    assert all(s.readings == () for s in resources if s.resource is not Resource.HOME)
    assert state(resources, "genai_train") == ("silent" if code == 404 else "unknown")


def redirect(to):
    return Answer(status=301, headers=(("Location", to),))


def test_trap_07_rules_from_elsewhere_belong_to_the_asker(query):
    origin_url = "http://robots-elsewhere.demo.test"
    hops = query(
        "SELECT url FROM observations WHERE origin = ? AND resource = 'robots_txt' ORDER BY hop",
        origin_url,
    )
    assert [row["url"] for row in hops][:1] == [f"{origin_url}/robots.txt"]
    assert "shared-policy.demo.test" in hops[1]["url"]
    rows = query("SELECT genai_train FROM reservations WHERE origin = ?", origin_url)
    assert rows[0][0] != "unknown"


def test_trap_07_a_redirected_tdmrep_file_counts(query):
    origin_url = "http://tdmrep-elsewhere.demo.test"
    assert query("SELECT tdm FROM reservations WHERE origin = ?", origin_url)[0][0] == "reserved"


def test_trap_07_long_chains_and_loops_end():
    hops = {"/robots.txt": redirect("/1")} | {f"/{n}": redirect(f"/{n + 1}") for n in range(1, 9)}
    loop = {"/robots.txt": redirect("/robots.txt")}
    for answers, asked in ((hops, 6), (loop, 1)):
        robots = [o for o in planned(answers) if o.target.resource is Resource.ROBOTS_TXT]
        assert robots[-1].outcome is Outcome.REDIRECT_LIMIT
        assert len(robots) == asked + 1


BLOCKED = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "192.168.1.1"]


@pytest.mark.parametrize("address", BLOCKED)
def test_trap_08_addresses_that_are_not_public_are_refused(address):
    assert not is_public(ipaddress.ip_address(address))


def test_trap_08_a_redirect_into_a_network_is_refused_and_recorded(query):
    rows = query("SELECT DISTINCT origin FROM observations WHERE outcome = 'blocked_address'")
    hosts = {row["origin"].removeprefix("http://").partition("-internal")[0] for row in rows}
    assert hosts == {"robots", "tdmrep", "home"}


NAMES = [
    ("https://h.example", "https://h.example"),
    ("HTTPS://H.Example:443/", "https://h.example"),
    ("https://h.example./x", "https://h.example"),
    ("https://bücher.example/", "https://xn--bcher-kva.example"),
    ("h.example", "https://h.example"),
    ("https://www.h.example/", "https://www.h.example"),
    ("https://news.h.example/", "https://news.h.example"),
]


@pytest.mark.parametrize(("written", "expected"), NAMES, ids=[n[0] for n in NAMES])
def test_trap_09_a_host_is_named_in_one_way(written, expected):
    assert canonical.origin_of(written).url == expected


def test_trap_10_a_long_file_is_read_up_to_its_limit_and_marked():
    comment = "# " + "ü" * 300_000 + "\n"
    text_ = f"{BAN}{comment}User-agent: CCBot\nDisallow: /\n"
    reading = robots_txt.parse(Document(body=text_.encode()))
    assert [s.agent for s in reading.statements] == ["GPTBot"]
    assert "robots.truncated" in [issue.code for issue in reading.issues]
    assert not any("\ufffd" in issue.excerpt for issue in reading.issues)


def test_trap_10_comment_lines_make_no_rows():
    reading = robots_txt.parse(Document(body=("#\n" * 100_000 + BAN).encode()))
    assert (len(reading.statements), len(reading.issues)) == (1, 0)


def site(host, **pages):
    return Site(host=host, about="", expect=everywhere(State.SILENT), pages=pages.pop("pages"))


FEEDS = "User-agent: *\nDisallow: /*.json$\nDisallow: /*.txt$\n"
WITHHOLDS = "User-agent: *\nDisallow: /.well-known/\nDisallow: /ai.txt\n"
WEB = [
    site("good.test", pages={"/robots.txt": text("User-agent: *\nDisallow:"), "/": page_of()}),
    site("drops.test", pages={"/robots.txt": DropsConnection(), "/": page_of()}),
    site(
        "withholds.test",
        pages={
            "/robots.txt": text(WITHHOLDS),
            "/.well-known/tdmrep.json": text(ONE, "application/json"),
            "/": page_of(),
        },
    ),
    site(
        "feeds.test",
        pages={
            "/robots.txt": text(FEEDS),
            "/.well-known/tdmrep.json": text(ONE, "application/json"),
            "/": page_of(),
        },
    ),
    site("busy.test", pages={"/robots.txt": status(429)}),
]


@pytest.fixture(scope="module")
def visited(tdm_audit, tmp_path_factory):
    """Crawl four hosts with several rows each; return the requests and the database."""
    return _crawl(tdm_audit, tmp_path_factory.mktemp("traps"))


def _crawl(tdm_audit, folder, *more):
    urls = [f"http://{one.host}/{n}" for one in WEB for n in range(5)]
    (folder / "d.txt").write_text("".join(f"{url}\n" for url in urls))
    with LoopbackWeb(WEB) as web:
        done = tdm_audit(
            "crawl", folder / "d.txt", "--db", folder / "a.db", "--delay", "0", "--timeout", "5s",
            "--pages", "3", "--connect-to", f"::127.0.0.1:{web.port}", "--allow-network",
            "127.0.0.1/32", "--quiet", *more,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return web.log, folder / "a.db"


def test_trap_04_the_client_says_who_it_is(visited):
    agents = {request.header("user-agent").partition("/")[0] for request in visited[0]}
    assert agents == {"tdm-audit"}


def exported(tdm_audit, db, view, folder):
    out = folder / "out.jsonl"
    assert tdm_audit("export", view, "--db", db, "-o", out).returncode == 0
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def test_trap_13_a_dropped_connection_costs_no_timeout(visited, tdm_audit, tmp_path):
    rows = exported(tdm_audit, visited[1], "observations", tmp_path)
    outcomes = {r["outcome"] for r in rows if r["origin"] == "http://drops.test"}
    assert "broken" in outcomes
    # What runs into the limit is `timed_out`: no clock is needed to see that nothing did.
    assert "timed_out" not in outcomes


def test_trap_14_everything_is_asked_with_get_and_once(visited):
    assert {request.method for request in visited[0]} == {"GET"}
    asked = [(r.host, r.path) for r in visited[0] if r.host != "drops.test"]
    assert len(asked) == len(set(asked))


def test_trap_49_robots_txt_is_asked_once_for_all_urls_of_a_host(visited):
    asked = [r.path for r in visited[0] if r.host == "good.test"]
    assert asked.count("/robots.txt") == 1
    assert len(asked) > 5


def test_trap_52_a_policy_file_that_robots_txt_withholds_is_a_visible_gap(
    visited, tdm_audit, tmp_path
):
    log, db = visited
    asked = {r.path for r in log if r.host == "withholds.test"}
    assert "/" in asked
    assert not {"/ai.txt", "/.well-known/tdmrep.json"} & asked
    rows = exported(tdm_audit, db, "coverage", tmp_path)
    withheld = {r["resource"]: r for r in rows if r["last_outcome"] == "withheld"}
    assert {"ai_txt", "tdmrep_json"} <= set(withheld)
    assert withheld["tdmrep_json"]["note"] == (
        "http://withholds.test/robots.txt line 2 (Disallow: /.well-known/) disallows this path for "
        "tdm-audit; --policy-files-always asks in spite of it"
    )
    states = {r["host"]: r["tdm"] for r in exported(tdm_audit, db, "reservations", tmp_path)}
    assert states["withholds.test"] == "unknown"


def test_trap_52_a_rule_for_other_files_hides_no_policy_file(visited, tdm_audit, tmp_path):
    log, db = visited
    asked = {r.path for r in log if r.host == "feeds.test"}
    assert asked >= {"/ai.txt", "/.well-known/ai.txt", "/.well-known/tdmrep.json", "/trust.txt"}
    rows = exported(tdm_audit, db, "observations", tmp_path)
    notes = {r["resource"]: r["note"] for r in rows if r["origin"] == "http://feeds.test"}
    line = "asked in spite of http://feeds.test/robots.txt line"
    assert notes["tdmrep_json"] == f"{line} 2 (Disallow: /*.json$): a rule for other files"
    assert notes["ai_txt"] == f"{line} 3 (Disallow: /*.txt$): a rule for other files"
    assert notes["home"] is None
    states = {r["host"]: r["tdm"] for r in exported(tdm_audit, db, "reservations", tmp_path)}
    assert states["feeds.test"] == "reserved"


def test_trap_52_whoever_wants_the_policy_files_all_the_same_says_so(tdm_audit, tmp_path):
    log, db = _crawl(tdm_audit, tmp_path, "--policy-files-always")
    assert "/.well-known/tdmrep.json" in {r.path for r in log if r.host == "withholds.test"}
    states = {r["host"]: r["tdm"] for r in exported(tdm_audit, db, "reservations", tmp_path)}
    assert states["withholds.test"] == "reserved"
    rows = exported(tdm_audit, db, "observations", tmp_path)
    notes = [r["note"] for r in rows if r["url"] == "http://withholds.test/.well-known/tdmrep.json"]
    assert notes == [
        "asked in spite of http://withholds.test/robots.txt line 2 (Disallow: /.well-known/): "
        "--policy-files-always"
    ]
