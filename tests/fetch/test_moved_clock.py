"""A clock that goes on between crawls: what is due, and what is requested in full again."""

import json
from dataclasses import dataclass, field

import pytest

from crawler import clock
from crawler.demo.answers import head as head_of
from crawler.demo.answers import text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.fetch.http.conditional import may_be_confirmed
from crawler.model import RevalidatedResponse
from crawler.store.stored_responses import StoredResponse
from tests.crawl_helpers import crawl, rows

BEGIN = "2026-10-01T02:30"
PAGE = (("Content-Type", "text/html"), ("ETag", '"one"'))


@dataclass
class Revalidated:
    """Serve a page that never changes, whole with what is `added` or as 304 with only its tag."""

    added: tuple = ()
    asked: list = field(default_factory=list)

    async def play(self, exchange):
        self.asked.append(exchange.request)
        if exchange.request.header("if-none-match"):
            await exchange.send(head_of(304, PAGE[1:]))
            return True
        fields = (*PAGE, *self.added, ("Content-Length", "4"))
        await exchange.send(head_of(200, fields) + b"<p>x")
        return True


def at(monkeypatch, moment):
    monkeypatch.setenv(clock.VARIABLE, moment)


def site(host, home):
    pages = {"/": home, "/robots.txt": text("User-agent: *\nDisallow:\n")}
    return Site(host=host, about="", expect={}, pages=pages)


HOME = """
    SELECT run, status, confirms IS NOT NULL FROM observations
    WHERE origin = ? AND resource = 'home' ORDER BY observation
"""
ONE = "http://one.test"


# Header fields that sites add to a page which does not change otherwise.
ADDED = {
    "usage": ("Content-Usage", "train-ai=n"),
    "noai": ("X-Robots-Tag", "noai"),
    "tdmrep": ("tdm-reservation", "1"),
    "signal": ("Content-Signal", "ai-train=no"),
}
STATES = "SELECT substr(origin, 8), genai_train FROM reservations ORDER BY 1"


def test_a2_a_header_that_a_304_hides_is_seen_after_full_every(tmp_path, monkeypatch):
    homes = {name: Revalidated() for name in ADDED}
    urls = [f"http://{name}/" for name in homes]
    days = ["10-01", "10-12", "10-30", "11-01", "11-03"]
    after = []
    with LoopbackWeb([site(name, home) for name, home in homes.items()]) as web:
        for day in days:
            at(monkeypatch, f"2026-{day}T02:30")
            done = crawl(tmp_path, web, urls, "--pages", "0")
            assert (done.returncode, done.stderr) == (0, "")
            after.append({state for _, state in rows(tmp_path, STATES)})
            for name, home in homes.items():
                home.added = (ADDED[name],)
    assert after == [{"silent"}] * 3 + [{"partial"}] * 2
    for name in homes:
        statuses = [(s, c) for _, s, c in rows(tmp_path, HOME, f"http://{name}")]
        assert statuses == [(200, 0), (304, 1), (304, 1), (200, 0), (304, 1)]
    # A 304 is stored as it came.
    sent = "SELECT DISTINCT headers FROM observations WHERE status = 304 AND resource = 'home'"
    assert [tuple(map(tuple, json.loads(h))) for (h,) in rows(tmp_path, sent)] == [PAGE[1:]]
    dates = "SELECT DISTINCT substr(observed_at, 6, 5) FROM observations ORDER BY 1"
    assert [day for (day,) in rows(tmp_path, dates)] == days
    begun = "SELECT substr(started_at, 6, 5), substr(ended_at, 6, 5) FROM runs ORDER BY run"
    assert rows(tmp_path, begun) == [(day, day) for day in days]
    times = """
        SELECT min(o.observed_at) >= r.started_at, max(o.observed_at) <= r.ended_at
        FROM observations AS o JOIN runs AS r USING (run) GROUP BY run
    """
    assert set(rows(tmp_path, times)) == {(1, 1)}
    every = "SELECT DISTINCT settings ->> 'full_every' FROM runs"
    assert rows(tmp_path, every) == [(30 * 86400.0,)]


@pytest.mark.parametrize(
    ("every", "statuses"),
    [
        pytest.param("1d", [200, 200, 200], id="A2 each day"),
        pytest.param("36h", [200, 304, 200], id="A2 each second day"),
        pytest.param("0", [200, 200, 200], id="A2 always in full"),
    ],
)
def test_full_every_is_an_option_and_a_setting(tmp_path, monkeypatch, every, statuses):
    with LoopbackWeb([site("one.test", Revalidated())]) as web:
        for moment in ("01T02:30", "02T03:30", "03T04:30"):
            at(monkeypatch, f"2026-10-{moment}")
            crawl(tmp_path, web, [f"{ONE}/"], "--pages", "0", "--full-every", every)
    assert [status for _, status, _ in rows(tmp_path, HOME, ONE)] == statuses


def test_max_age_goes_by_the_same_clock(tmp_path, monkeypatch):
    with LoopbackWeb([site("one.test", Revalidated())]) as web:
        visited = []
        for moment in ("01T02:30", "01T20:00", "02T02:00", "02T02:40"):
            at(monkeypatch, f"2026-10-{moment}")
            visited.append(json.loads(crawl(tmp_path, web, [f"{ONE}/"]).stdout)["visited"])
    assert visited == [1, 0, 0, 1]


def test_a_clock_that_was_ahead_stops_no_later_run(tmp_path, monkeypatch):
    def visits(moment, *more):
        at(monkeypatch, moment)
        done = crawl(tmp_path, web, [f"{ONE}/", "http://two.test/"], "--pages", "0", *more)
        return json.loads(done.stdout)["visited"], done.stderr

    homes = [site("one.test", Revalidated()), site("two.test", Revalidated())]
    with LoopbackWeb(homes) as web:
        assert visits("2027-11-05T02:30") == (2, "")
        number, warning = visits("2026-10-01T02:30")
        assert number == 2
        assert warning.startswith("tdm-audit: 2 origins were visited later than now, at 2027-11-05")
        assert warning.count("\n") == 1
        # What was visited since is fresh, and whoever wants no age gets none.
        assert visits("2026-10-01T03:30") == (0, "")
        assert visits("2026-10-01T03:40", "--max-age", "0s") == (2, "")
        assert visits("2026-10-01T03:50", "--max-age", "0") == (2, "")
        assert visits("2026-10-03T02:30") == (2, "")
    # The age of what is dated later than now is not known, so that it is requested in full.
    assert [s for _, s, _ in rows(tmp_path, HOME, ONE)] == [200, 200, 304, 304, 304]


def test_a_clock_that_is_no_time_is_refused_in_one_sentence(tmp_path, monkeypatch):
    at(monkeypatch, "soon")
    with LoopbackWeb([site("one.test", Revalidated())]) as web:
        done = crawl(tmp_path, web, [f"{ONE}/"])
        assert not web.log
    assert done.returncode == 1
    assert done.stderr.startswith("tdm-audit: TDM_AUDIT_NOW='soon' is no time; write ")
    assert done.stderr.count("\n") == 1


NOW = clock.datetime(2026, 11, 1, 2, 30, tzinfo=clock.UTC)


@pytest.mark.parametrize(
    ("whole_at", "every", "expected"),
    [
        pytest.param("2026-11-01T02:29:59.000Z", 30, True, id="younger"),
        pytest.param("2026-11-01T02:29:30.001Z", 30, True, id="just younger"),
        pytest.param("2026-11-01T02:29:30.000Z", 30, False, id="as old"),
        pytest.param("2026-10-01T02:30:00.000Z", 30, False, id="older"),
        pytest.param("2026-11-01T02:30:00.000Z", 30, True, id="now"),
        pytest.param("2026-11-01T02:30:00.000Z", 0, False, id="never"),
        pytest.param("2026-11-01T02:30:00.001Z", 30, False, id="ahead"),
        pytest.param("", 30, False, id="no date"),
        pytest.param(None, 30, False, id="nothing stored"),
    ],
)
def test_which_stored_responses_are_revalidated(monkeypatch, whole_at, every, expected):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    stored = None
    if whole_at is not None:
        confirms = RevalidatedResponse(observation=1)
        stored = StoredResponse(conditions={}, confirms=confirms, whole_at=whole_at, content=bytes)
    assert may_be_confirmed(stored, every) is expected
