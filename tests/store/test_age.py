"""What several crawls of one host make of its findings: days of invented answers, judged."""

import dataclasses
import json
from contextlib import closing

import pytest

from crawler import rulesets
from crawler.commands.explain import explain
from crawler.commands.judge import rebuild
from crawler.model import Observation, Origin, RevalidatedResponse
from crawler.reports.explain import as_json, as_text
from crawler.reports.run_report import run_report
from crawler.reports.summary import summary
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, transaction
from crawler.vocab import Outcome, Purpose, Resource
from tests.store.conftest import NEW_RUN, SIGNALS, answer

HOST = "a.test"
FILES = {
    Resource.ROBOTS_TXT: ("/robots.txt", "User-agent: *\nDisallow:\n"),
    Resource.TDMREP_JSON: ("/.well-known/tdmrep.json", "[]"),
    Resource.HOME: ("/", "<title>A page</title>"),
    Resource.AI_TXT: ("/ai.txt", ""),
}
ONE = '[{"location": "/", "tdm-reservation": 1}]'
ZERO = '[{"location": "/", "tdm-reservation": 0}]'
RULE = "https://a.test/robots.txt disallows this path for tdm-audit"


def good(**bodies: str) -> list[Observation]:
    """Return a look at which every resource answered; bodies by the name of the resource."""
    return [
        answer(HOST, resource, path, bodies.get(resource.value, body))
        for resource, (path, body) in FILES.items()
    ]


def failed(outcome=Outcome.RESPONDED, status=None, note="") -> list[Observation]:
    """Return a look at which everything failed in one way."""
    return [
        dataclasses.replace(
            one, outcome=outcome, status=status, headers=(), body=b"", extract=b"", note=note
        )
        for one in good()
    ]


def newly_refused() -> list[Observation]:
    """Return a look at a robots.txt that refuses this client, so that the rest is withheld."""
    (robots, *_) = good(robots_txt="User-agent: tdm-audit\nDisallow: /\n")
    return [robots, *failed(Outcome.WITHHELD, note=RULE)[1:]]


DEAD = failed(Outcome.NOT_FOUND_HOST)
HANGS = failed(Outcome.TIMED_OUT)
FORBIDDEN = failed(status=403)
NO_ROBOTS = [failed(status=503)[0], *failed(Outcome.WITHHELD, note="robots.txt was not seen")[1:]]


def not_modified(first: int, **bodies: str) -> list[Observation]:
    """Return a look that confirms with 304 each response of the first look, by their numbers."""
    return [
        dataclasses.replace(one, status=304, confirms=RevalidatedResponse(observation=n))
        for n, one in enumerate(good(**bodies), start=first)
    ]


@pytest.fixture
def days(tmp_path):
    """Make a database of looks by the day of November, each in a run of its own, judged."""
    opened = []

    def make(looks: dict[int, list[Observation]]):
        db = connect(tmp_path / "audit.db", create=True)
        opened.append(db)
        new = evidence_writer.NewDataset(
            path="d", files=(), format="csv", url_column="url", weight_column="", rows=3, rejects=()
        )
        origin = Origin(scheme="https", host=HOST, port=443, site=HOST)
        with transaction(db):
            evidence_writer.add_dataset(db, new, [(HOST, origin, 3, None, [])], "2026-11-01")
            for day, seen in looks.items():
                at = f"2026-{11 + (day - 1) // 30:02}-{(day - 1) % 30 + 1:02}T00:00:00.000Z"
                run = runs.begin_run(db, NEW_RUN, at)
                dated = [dataclasses.replace(one, started_at=at) for one in seen]
                evidence_writer.save_visit(db, run, 1, dated, at)
                runs.end_run(db, run, "finished", at)
        rebuild(db, chosen=SIGNALS, keep_contacts=False)
        return db

    yield make
    for db in opened:
        db.close()


def shown(db, columns="tdm, complete, stale, last_outcome") -> tuple:
    return db.execute(f"SELECT {columns} FROM reservations").fetchone()


AGES = {
    "A1 all good": ({1: good(), 5: good()}, ("silent", 1, 0, "responded")),
    "A1 the host dies": ({1: good(), 5: DEAD}, ("silent", 1, 1, "not_found_host")),
    "A1 it stays dead": ({1: good(), 5: DEAD, 32: DEAD}, ("unknown", 0, 1, "not_found_host")),
    "A1 it hangs": ({1: good(), 31: HANGS}, ("silent", 1, 1, "timed_out")),
    "A1 403 for all": ({1: good(), 2: FORBIDDEN}, ("unknown", 0, 1, "answered 403")),
    "A1 robots.txt 503": ({1: good(), 2: NO_ROBOTS}, ("silent", 1, 1, "answered 503")),
    "A1 robots.txt 503 for long": ({1: good(), 40: NO_ROBOTS}, ("unknown", 0, 1, "answered 503")),
    "A1 robots.txt refuses us": (
        {1: good(), 2: newly_refused()},
        ("unknown", 0, 1, "/robots.txt disallows this path for tdm-audit"),
    ),
    "A1 refuses, then hangs": (
        {1: good(), 2: FORBIDDEN, 3: HANGS}, ("unknown", 0, 1, "timed_out"),
    ),
    "A1 comes back": ({1: good(), 2: FORBIDDEN, 3: good()}, ("silent", 1, 0, "responded")),
    "A1 permitted, then dead": (
        {1: good(tdmrep_json=ZERO), 5: DEAD}, ("permitted", 1, 1, "not_found_host"),
    ),
    "A1 permitted, then dead for long": (
        {1: good(tdmrep_json=ZERO), 50: DEAD}, ("unknown", 0, 1, "not_found_host"),
    ),
    "A1 reserved, then dead for long": (
        {1: good(tdmrep_json=ONE), 50: DEAD}, ("reserved", 0, 1, "not_found_host"),
    ),
    "A1 reserved, then forbidden": (
        {1: good(tdmrep_json=ONE), 2: FORBIDDEN}, ("reserved", 0, 1, "answered 403"),
    ),
    "A1 never seen": ({1: HANGS}, ("unknown", 0, 0, "timed_out")),
}  # fmt: skip


@pytest.mark.parametrize(("looks", "expected"), AGES.values(), ids=AGES)
def test_what_old_evidence_still_shows(days, looks, expected):
    db = days(looks)
    assert shown(db) == expected
    (last,) = shown(db, "last_looked_at")
    assert last == db.execute("SELECT max(observed_at) FROM observations").fetchone()[0]


@pytest.mark.parametrize(("looks", "expected"), AGES.values(), ids=AGES)
def test_every_report_counts_what_is_stale(days, looks, expected):
    db = days(looks)
    _, _, stale, _ = expected
    assert summary(db, 1, None).stale == run_report(db, len(looks)).stale == stale
    told = explain(db, f"https://{HOST}", SIGNALS, agent=None, whole_origin=True)
    (mining,) = [f for f in as_json(told)["findings"] if f["purpose"] == "tdm"]
    assert (mining["state"], mining["stale"]) == (expected[0], bool(stale))
    assert any(line.startswith("  stale: ") for line in as_text(told)) == bool(stale)


SINCE = {
    "one look": ({3: good(tdmrep_json=ONE)}, 3),
    "equal bodies": ({3: good(tdmrep_json=ONE), 4: good(tdmrep_json=ONE)}, 3),
    "a failure in between": (
        {3: good(tdmrep_json=ONE), 4: HANGS, 5: good(tdmrep_json=ONE)}, 3,
    ),
    "a 304": ({3: good(tdmrep_json=ONE), 4: not_modified(1, tdmrep_json=ONE)}, 3),
    "a 304 of a 304": (
        {
            3: good(tdmrep_json=ONE),
            4: not_modified(1, tdmrep_json=ONE),
            5: not_modified(1, tdmrep_json=ONE),
        },
        3,
    ),
    "gone in between": ({3: good(tdmrep_json=ONE), 4: good(), 5: good(tdmrep_json=ONE)}, 5),
    "it began later": ({3: good(), 4: good(tdmrep_json=ONE), 5: good(tdmrep_json=ONE)}, 4),
}  # fmt: skip


@pytest.mark.parametrize(("looks", "day"), SINCE.values(), ids=SINCE)
def test_since_when_a_reservation_is_known(days, looks, day):
    db = days(looks)
    at = f"2026-11-{day:02}T00:00:00.000Z"
    assert db.execute("SELECT since FROM rights_holders").fetchone() == (at,)
    query = "SELECT since, observed_at FROM findings WHERE purpose = 'tdm' AND rules = ?"
    since, observed_at = db.execute(query, (SIGNALS.label,)).fetchone()
    assert since == at
    assert observed_at >= at


def test_a_document_is_known_since_it_was_written_and_what_it_says_since_it_says_so(days):
    db = days({3: good(tdmrep_json=ONE), 4: good(tdmrep_json=f"{ONE} ")})
    holders = db.execute("SELECT since FROM rights_holders").fetchall()
    assert holders == [("2026-11-03T00:00:00.000Z",)]
    query = "SELECT since FROM findings WHERE purpose = 'tdm' AND rules = ?"
    assert db.execute(query, (SIGNALS.label,)).fetchall() == [("2026-11-04T00:00:00.000Z",)]


@pytest.mark.parametrize("name", rulesets.NAMES)
def test_a5_the_trail_is_that_of_the_rule_set_chosen(days, tmp_path, name):
    robots = "User-agent: *\nDisallow: /x\n\nUser-agent: GPTBot\nDisallow: /\n"
    chosen = rulesets.load(name)
    with closing(days({1: good(tdmrep_json=ONE, robots_txt=robots)})) as db:
        rebuild(db, chosen=chosen, keep_contacts=False)
        trail = db.execute("SELECT DISTINCT rules FROM trail").fetchall()
        assert trail == db.execute("SELECT DISTINCT rules FROM reservations").fetchall()
        assert trail == [(chosen.label,)]
        twice = "SELECT origin, purpose FROM trail GROUP BY 1, 2 HAVING count(*) > 1"
        assert db.execute(twice).fetchall() == []


def test_a5_trail_and_findings_agree(days):
    db = days({1: good(tdmrep_json=ONE)})
    query = (
        "SELECT count(*) FROM trail JOIN findings USING (origin, purpose, rules) "
        "WHERE trail.state IS NOT findings.state"
    )
    assert db.execute(query).fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM trail").fetchone() == (3,)


def test_exceptions_and_malformed_files_stand_in_the_views(days):
    robots = "User-agent: GPTBot\nAllow: /\n\nUser-agent: *\nDisallow: /\n"
    db = days({1: good(robots_txt=robots, tdmrep_json=ONE.replace("1", '"1"'))})
    assert shown(db, "tdm, exceptions, malformed") == ("refused", '["GPTBot"]', 1)
    query = "SELECT purpose, exceptions, malformed FROM findings WHERE rules = ?"
    found = {p: (json.loads(e), m) for p, e, m in db.execute(query, (SIGNALS.label,))}
    assert set(found) == set(Purpose)
    assert {tuple(agents) for agents, _ in found.values()} == {("GPTBot",)}
    assert {p for p, (_, m) in found.items() if m} == {"tdm", "ai_train", "genai_train"}
    assert summary(db, 1, None).malformed == 1
    told = explain(db, f"https://{HOST}", SIGNALS, agent=None, whole_origin=True)
    mining = as_json(told)["findings"][0]
    assert (mining["exceptions"], mining["malformed"]) == (["GPTBot"], True)
    lines = list(as_text(told))
    (first,) = [
        n for n, line in enumerate(lines) if line.startswith("tdm,") or line.startswith("tdm ")
    ]
    assert "REFUSED (except GPTBot; malformed reservation: " in lines[first]
    assert "except" in lines[first + 1]


def test_headers_of_a_refusal_lead_back_to_their_response(days):
    look = failed(status=403)
    look[2] = dataclasses.replace(look[2], headers=(("tdm-reservation", "1"),))
    db = days({1: good(), 2: look})
    query = (
        "SELECT f.state, f.stale, o.status FROM findings AS f JOIN observations AS o "
        "USING (observation) WHERE f.purpose = 'tdm' AND f.rules = ?"
    )
    assert db.execute(query, (SIGNALS.label,)).fetchall() == [("partial", 0, 403)]
    # The other purposes rest on what was seen the day before.
    assert shown(db, "search, stale") == ("unknown", 1)
    assert db.execute("SELECT count(*) FROM statements WHERE purpose = 'tdm'").fetchone() == (1,)
