"""An unattended crawl: how it ends, its report on itself, and the robots.txt rules for it."""

import json
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from crawler.demo.answers import Plain, html, status, text
from crawler.demo.misbehaviour import DropsConnection, NeverAnswers
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.interrupts import StoppedEarlyError, exit_on_signal
from crawler.reports.run_report import run_report
from tests.conftest import patience
from tests.crawl_helpers import command, crawl, requests_without_files, rows, start, waited_for


def site(host, **pages):
    named = {"robots": "/robots.txt", "tdmrep": "/.well-known/tdmrep.json", "home": "/"}
    return Site(host=host, about="", expect={}, pages={named[n]: a for n, a in pages.items()})


def reserved(host):
    return site(host, tdmrep=text('[{"location": "/", "tdm-reservation": 1}]'), home=html())


# Seconds for a request that no test waits for: longer than the patience of every test.
UNREACHED_TIMEOUT = "1000s"
QUICK = [f"http://quick{n}.test/" for n in range(6)]
STUCK = [f"http://stuck{n}.test/" for n in range(6)]
SLOW_WEB = [reserved(url[7:-1]) for url in QUICK]
SLOW_WEB += [site(url[7:-1], robots=NeverAnswers()) for url in STUCK]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_before_requests_time_out_and_leaves_something_to_continue(
    number, tmp_path
):
    with LoopbackWeb(SLOW_WEB) as web:
        process = start(command(tmp_path, web, QUICK + STUCK, timeout=UNREACHED_TIMEOUT))
        assert waited_for(lambda: len(web.log) == 6 * requests_without_files() + 6)
        process.send_signal(number)
        _, said = process.communicate(timeout=patience(30))
    assert (process.returncode, "run the same command again" in said) == (4, True)
    # A request that timed out would have ended its visit, so that there were twelve.
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(6,)]
    # Judged in what was left of the time, so there is something to look at.
    assert rows(tmp_path, "SELECT DISTINCT tdm FROM reservations") == [("reserved",)]
    assert rows(tmp_path, "SELECT ended FROM runs") == [(None,)]


def test_a_budget_ends_it_in_the_same_way(tmp_path):
    with LoopbackWeb(SLOW_WEB) as web:
        arguments = command(
            tmp_path, web, QUICK + STUCK, "--time-budget", "1s", timeout=UNREACHED_TIMEOUT
        )
        with start(arguments) as process:
            assert waited_for(lambda: len(web.log))
            _, said = process.communicate(timeout=patience(30))
    assert (process.returncode, "by the time budget" in said) == (4, True)
    assert rows(tmp_path, "SELECT count(*) <= 6 FROM visit") == [(1,)]


def test_a_second_crawl_of_the_same_database_is_told_at_once(tmp_path):
    with LoopbackWeb(SLOW_WEB) as web:
        first = start(command(tmp_path, web, STUCK, timeout=UNREACHED_TIMEOUT))
        assert waited_for(lambda: len(web.log))
        second = crawl(tmp_path, web, STUCK)
        assert (second.returncode, second.stdout) == (3, "")
        assert "another run holds" in second.stderr
        assert first.poll() is None
        first.kill()
        first.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_outside_of_fetching_is_no_crash(number):
    before = signal.getsignal(number)

    def interrupted():
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        except KeyboardInterrupt as error:
            raise RuntimeError("what a library makes of it") from error

    with pytest.raises(StoppedEarlyError, match="run the same command again"), exit_on_signal():
        interrupted()
    assert signal.getsignal(number) is before
    assert StoppedEarlyError.status == 4


def test_other_failures_are_not_taken_for_signals():
    with pytest.raises(RuntimeError, match="unrelated"), exit_on_signal():
        raise RuntimeError("unrelated")


def test_what_was_not_judged_is_judged_by_the_next_command(tmp_path):
    """As after a kill between the last visit and its evaluation: nothing is due then."""
    with LoopbackWeb(SLOW_WEB) as web:
        crawl(tmp_path, web, QUICK)
        found = rows(tmp_path, "SELECT * FROM reservations ORDER BY 1")
        with closing(sqlite3.connect(tmp_path / "audit.db")) as db:
            db.execute("DELETE FROM evaluated_visit")
            db.execute("DELETE FROM disagreement")
            db.execute("DELETE FROM finding")
            db.commit()
        asked = len(web.log)
        assert json.loads(crawl(tmp_path, web, QUICK).stdout)["due"] == 0
        assert len(web.log) == asked
    assert len(found) == len(QUICK)
    assert rows(tmp_path, "SELECT * FROM reservations ORDER BY 1") == found


@pytest.fixture(scope="module")
def half_seen(tmp_path_factory):
    """Crawls of two sites of which one drops every connection: their folder, and what they said."""
    folder = tmp_path_factory.mktemp("half")
    web = [reserved("good.test"), Site(**DROPS)]
    with LoopbackWeb(web) as served:
        urls = ["http://good.test/", "http://drops.test/"]
        done = crawl(folder, served, urls)
        failed = crawl(folder, served, urls, *AGAIN, "--quiet")
        passed = crawl(folder, served, urls, *AGAIN, "--min-coverage", "0.5")
    return folder, done, failed, passed


DROPS = {
    "host": "drops.test",
    "about": "",
    "expect": {},
    "pages": {},
    "otherwise": DropsConnection(),
}
AGAIN = ("--max-age", "0s", "--new-run", "--strict")


def test_a_run_reports_on_itself(half_seen):
    done = half_seen[1]
    report = json.loads(done.stdout)["report"]
    slowest = {s["origin"] for s in report.pop("slowest")}
    assert slowest == {"http://good.test", "http://drops.test"}
    took, rate, size = (report.pop(n) for n in ("seconds", "requests_per_second", "bytes"))
    assert rate == pytest.approx(report["requests"] / took, rel=0.01)
    assert size > 100
    assert report == {
        "run": 1,
        "attempts": 13,
        "requests": 8,
        "not_modified": 0,
        "planned": 13,
        "seen": 7,
        "coverage": 0.5385,
        "min_coverage": 0.9,
        "internal_crashes": 0,
        "stale_origins": 0,
        "budgets_used_up": {},
        "failures": ["coverage 0.5385 is below 0.9: 7 of 13 planned places answered"],
    }
    assert done.returncode == 0


def test_strict_makes_a_failure_of_it(half_seen):
    _, _, failed, passed = half_seen
    assert (failed.returncode, failed.stdout, passed.returncode) == (1, "", 0)
    assert failed.stderr.startswith("tdm-audit: coverage 0.5385 is below 0.9")


def test_a_second_run_counts_what_was_unchanged(half_seen):
    assert json.loads(half_seen[3].stdout)["report"]["not_modified"] == 2


def test_a_crash_of_ours_fails_a_strict_run(half_seen, tmp_path):
    folder = half_seen[0]
    with closing(sqlite3.connect(tmp_path / "copy.db")) as db:
        with closing(sqlite3.connect(folder / "audit.db")) as source:
            source.backup(db)
        reading = db.execute(
            "SELECT reading FROM observation_reading AS r "
            "JOIN observation AS o ON o.id = r.observation "
            "WHERE o.run = (SELECT max(run) FROM visit)"
        ).fetchone()[0]
        db.execute("INSERT INTO issue VALUES (?, 99, 'internal.crash', NULL, 'boom')", (reading,))
        last = db.execute("SELECT max(run) FROM visit").fetchone()[0]
        report = run_report(db, last)
        assert report.crashes == 1
        assert report.failures(0) == ("1 fault of this program (internal.crash)",)


OPTED_OUT = "User-agent: tdm-audit\nDisallow: /\n\nUser-agent: *\nDisallow:\n"


def test_whoever_does_not_want_us_is_left_alone_and_that_is_kept(tmp_path):
    with LoopbackWeb([site("no.test", robots=text(OPTED_OUT))]) as web:
        crawl(tmp_path, web, ["http://no.test/page"])
        assert [r.path for r in web.log] == ["/robots.txt"]
    why = (
        "SELECT DISTINCT outcome, note FROM observations WHERE resource != 'robots_txt' ORDER BY 2"
    )
    line = "http://no.test/robots.txt line 2 (Disallow: /) disallows this path for tdm-audit"
    with_option = f"{line}; --policy-files-always asks in spite of it"
    assert rows(tmp_path, why) == [("withheld", line), ("withheld", with_option)]
    assert rows(tmp_path, "SELECT tdm, complete FROM reservations") == [("unknown", 0)]
    assert rows(tmp_path, ALWAYS) == [(0,)]


ALWAYS = "SELECT settings ->> 'policy_files_always' FROM runs"


def test_policy_files_against_robots_txt_only_where_somebody_said_so(tmp_path):
    with LoopbackWeb([site("no.test", robots=text(OPTED_OUT))]) as web:
        crawl(tmp_path, web, ["http://no.test/page"], "--policy-files-always")
        asked = [r.path for r in web.log]
    assert asked == [
        *("/robots.txt", "/ai.txt", "/.well-known/ai.txt", "/.well-known/tdmrep.json"),
        *("/.well-known/trust.txt", "/trust.txt"),
    ]
    assert rows(tmp_path, ALWAYS) == [(1,)]


DEEP = "[" * 100_000
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE rsl [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + ']><rsl xmlns="https://rslstandard.org/rsl">&j;</rsl>'
)
BOMBS = "".join(f"Disallow: /{'*a' * 200}$\nAllow: /{'a*' * 200}b$\n" for _ in range(50))
LONG = "User-agent: *\n" + "".join(f"Disallow: /{n}\n" for n in range(100_000))
GROUPS = "".join(f"User-agent: bot{n}\nDisallow: /\n" for n in range(50_000))
XML = (("Content-Type", "application/rsl+xml"),)
HOSTILE = {
    "long": {"/robots.txt": text(LONG)},
    "groups": {"/robots.txt": text(GROUPS)},
    "patterns": {
        "/robots.txt": text(f"User-agent: *\n{BOMBS}"),
        "/.well-known/tdmrep.json": text(
            json.dumps([{"location": "/" + "*a" * 500 + "$", "tdm-reservation": 1}] * 50)
        ),
    },
    "deep": {
        "/.well-known/tdmrep.json": text(DEEP),
        "/ai.txt": text(DEEP),
        "/": html(in_head=f'<script type="application/ld+json">{DEEP}</script>'),
    },
    "entities": {
        "/robots.txt": text("License: http://entities.test/rsl.xml\n"),
        "/rsl.xml": Plain(headers=XML, body=ENTITIES.encode()),
        "/": html(in_head='<link rel="license" type="application/rsl+xml" href="/rsl.xml">'),
    },
    "tags": {"/": html(in_head='<meta name="tdm-reservation" content=' * 20_000)},
}


def test_hostile_files_cost_no_more_than_their_length(tmp_path):
    """More than linear time would last longer than the patience of `crawl`."""
    web = [Site(host=f"{n}.test", about="", expect={}, pages=p) for n, p in HOSTILE.items()]
    urls = [f"http://{n}.test/{'a' * 500}" for n in HOSTILE]
    with LoopbackWeb(web) as served:
        done = crawl(tmp_path, served, urls, "--strict", "--min-coverage", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(len(HOSTILE),)]
    assert rows(tmp_path, "SELECT count(*) FROM issues WHERE code = 'internal.crash'") == [(0,)]


def test_codings_nobody_asked_for_leave_a_gap(tmp_path):
    brotli = Plain(headers=(("Content-Encoding", "br"),), body=b"\x0b\x02\x80User-agent\x03")
    with LoopbackWeb(
        [site("br.test", tdmrep=brotli), site("busy.test", robots=status(429))]
    ) as web:
        crawl(tmp_path, web, ["http://br.test/", "http://busy.test/"])
    seen = (
        "SELECT presence, last_outcome FROM coverage WHERE resource = 'tdmrep_json' ORDER BY origin"
    )
    assert rows(tmp_path, seen) == [("unseen", "broken"), ("unseen", "withheld")]
    assert rows(tmp_path, "SELECT DISTINCT tdm FROM reservations") == [("unknown",)]


def test_help_tells_of_the_exit_of_a_strict_run(tdm_audit):
    said = tdm_audit("crawl", "--help").stdout
    assert "--strict" in said
    assert "--min-coverage" in said
