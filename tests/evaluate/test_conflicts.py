"""Conflicting signals: which one decides, and that the other one is still shown.

Real bytes of every carrier, read by the real protocols and evaluated. Ids name
the row of the table of conflicts and of the principles behind it.
"""

import json
from dataclasses import dataclass, field

import pytest

from crawler import media
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.records import ApplicableStatement
from crawler.model import AppliedStatement, Document, Statement
from crawler.protocols.media import plus_xmp
from crawler.protocols.rsl import rsl_html, rsl_link
from crawler.urls import canonical
from crawler.vocab import DeclaredBy, Presence, Purpose, Reads, Resource, Stance
from tests.media_files import VOCABULARY, plus
from tests.sample_origins import (
    INCLUSIVE,
    NOTHING,
    STRICT,
    Answer,
    codes,
    evidence,
    findings,
    html,
    origin,
    reading,
    state,
)

ONE = '[{"location": "/", "tdm-reservation": 1}]'
ZERO = '[{"location": "/", "tdm-reservation": 0}]'
TERMS = '[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://h.example/policy.json"}]'
GPTBOT = "User-agent: GPTBot\nDisallow: /\n"
NOAI = '<meta name="robots" content="noai">'
LICENCE = "https://h.example/licence.xml"
NO_JPEG = "User-Agent: *\nDisallow: *.jpg\nAllow: /\n"
WALL = Answer(body="<html><body>Are you a robot?</body></html>", status=403, kind="text/html")
PAID = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
    '<permits type="usage">ai-train</permits>'
    '<payment type="subscription"><standard>https://h.example/offer</standard></payment>'
    "</license></content></rsl>"
)
TWO_GROUPS = (
    "User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: *\nContent-Signal: ai-train=yes\n"
)
FREED = "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n\nUser-agent: GPTBot\nAllow: /\n"
EXEMPT = (
    "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n\n"
    "User-agent: GPTBot\nContent-Signal: ai-train=yes\nAllow: /\n"
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A row of the table of conflicts.

    `deciding` is the protocol that decides. `other` are the other protocols considered, with the
    beginning of `excluded_because`. `strict` and `inclusive` are the states of the other rule
    sets.
    """

    id: str
    resources: tuple
    purpose: str
    expect: str
    deciding: str | None
    other: tuple[tuple[str, str], ...] = ()
    conflict: bool = False
    strict: str
    inclusive: str
    question: dict = field(default_factory=dict)


PAGE_0 = origin(tdmrep=ONE, pages={"/p": html("", ("tdm-reservation", "0"))})
FILE_0 = origin(tdmrep=ZERO, robots=GPTBOT)
PREFERS = origin(tdmrep=ONE, robots="User-agent: *\nContent-Usage: train-ai=y\nAllow: /\n")
EDGE = origin(pages={"/p": html(NOAI, ("Content-Signal", "ai-train=yes"))})
LICENSED = origin(
    tdmrep=TERMS, robots=f"License: {LICENCE}\n", licences={LICENCE: Answer(body=PAID)}
)
SEARCH_ONLY = origin(robots="User-agent: *\nContent-Signal: search=yes\nAllow: /\n")
P, GPT, CC = {"path": "/p"}, {"agent": "GPTBot"}, {"agent": "CCBot"}


def aipref(robots: str, header: str):
    return origin(
        robots=f"User-agent: *\nContent-Usage: train-ai={robots}\nAllow: /\n",
        pages={"/p": html("", ("Content-Usage", f"train-ai={header}"))},
    )


CASES = [
    Case(
        id="1: TDMRep file 1, header 0, the page",
        resources=PAGE_0, question=P, purpose="tdm",
        expect="permitted", deciding="tdmrep_header", other=(("tdmrep_file", "superseded by"),),
        strict="permitted", inclusive="permitted",
    ),
    Case(
        id="1: TDMRep file 1, header 0, the origin",
        resources=PAGE_0, purpose="tdm",
        expect="partial", deciding="tdmrep_file", other=(("tdmrep_header", ""),),
        strict="partial", inclusive="partial",
    ),
    Case(
        id="2: TDMRep 0, GPTBot refused, mining",
        resources=FILE_0, purpose="tdm",
        expect="permitted", deciding="tdmrep_file", strict="permitted", inclusive="permitted",
    ),
    Case(
        id="2: TDMRep 0, GPTBot refused, training",
        resources=FILE_0, purpose="genai_train",
        expect="partial", deciding="robots_txt", other=(("tdmrep_file", ""),), conflict=True,
        strict="silent", inclusive="partial",
    ),
    Case(
        id="2: TDMRep 0, GPTBot refused, asked for GPTBot",
        resources=FILE_0, question=GPT, purpose="genai_train",
        expect="reserved", deciding="robots_txt", other=(("tdmrep_file", ""),), conflict=True,
        strict="silent", inclusive="reserved",
    ),
    Case(
        id="2: TDMRep 0, GPTBot refused, asked for another",
        resources=FILE_0, question=CC, purpose="genai_train",
        expect="silent", deciding=None, other=(("tdmrep_file", ""),),
        strict="silent", inclusive="silent",
    ),
    Case(
        id="3: TDMRep 1, AIPREF train-ai=y, mining",
        resources=PREFERS, purpose="tdm",
        expect="reserved", deciding="tdmrep_file", strict="reserved", inclusive="reserved",
    ),
    Case(
        id="3: TDMRep 1, AIPREF train-ai=y, training",
        resources=PREFERS, purpose="genai_train",
        expect="reserved", deciding="tdmrep_file", other=(("aipref_robots", ""),), conflict=True,
        strict="reserved", inclusive="reserved",
    ),
    Case(
        id="4: signal no, GPTBot allowed to crawl",
        resources=origin(robots=FREED), purpose="ai_train",
        expect="reserved", deciding="content_signal_robots",
        strict="reserved", inclusive="reserved",
    ),
    Case(
        id="5: signal yes in a header, noai in the page",
        resources=EDGE, question=P, purpose="ai_train",
        expect="reserved", deciding="meta_robots", other=(("content_signal_header", ""),),
        conflict=True, strict="reserved", inclusive="reserved",
    ),
    Case(
        id="6: two groups for everybody",
        resources=origin(robots=TWO_GROUPS), purpose="ai_train",
        expect="reserved", deciding="content_signal_robots", other=(("content_signal_robots", ""),),
        conflict=True, strict="reserved", inclusive="reserved",
    ),
    Case(
        id="7: ai.txt closes JPEG, a JPEG",
        resources=origin(ai=NO_JPEG), question={"path": "/a.jpg"}, purpose="ai_train",
        expect="reserved", deciding="ai_txt", strict="reserved", inclusive="reserved",
    ),
    Case(
        id="7: ai.txt closes JPEG, a page",
        resources=origin(ai=NO_JPEG), question={"path": "/a.html"}, purpose="ai_train",
        expect="permitted", deciding="ai_txt", strict="permitted", inclusive="permitted",
    ),
    Case(
        id="7: ai.txt closes JPEG only, a page",
        resources=origin(ai="User-Agent: *\nDisallow: *.jpg\n"), question={"path": "/a.html"},
        purpose="ai_train", expect="silent", deciding=None, strict="silent", inclusive="silent",
    ),
    Case(
        id="10: robots.txt answers 503",
        resources=origin(robots=Answer(status=503)), purpose="genai_train",
        expect="unknown", deciding=None, strict="unknown", inclusive="unknown",
    ),
    Case(
        id="10: robots.txt times out, TDMRep permits",
        resources=origin(robots=NOTHING, tdmrep=ZERO), purpose="tdm",
        expect="unknown", deciding=None, other=(("tdmrep_file", ""),),
        strict="unknown", inclusive="unknown",
    ),
    Case(
        id="11: a wall in front of robots.txt",
        resources=origin(robots=WALL), purpose="genai_train",
        expect="unknown", deciding=None, strict="unknown", inclusive="unknown",
    ),
    Case(
        id="12: a typo in robots.txt",
        resources=origin(robots="User-agent: GPTBot\nDisalow: /\n"), question=GPT,
        purpose="genai_train",
        expect="reserved", deciding="robots_txt", strict="silent", inclusive="reserved",
    ),
    Case(
        id="12: a string in TDMRep",
        resources=origin(tdmrep=ONE.replace("1", '"1"')), purpose="tdm",
        expect="silent", deciding=None, other=(("tdmrep_file", "not counted"),),
        strict="silent", inclusive="reserved",
    ),
    Case(
        id="13: a key that some parsers take for Disallow",
        resources=origin(robots="User-agent: *\nDisallowAITraining: /\n"), purpose="genai_train",
        expect="reserved", deciding="ai_control", strict="reserved", inclusive="reserved",
    ),
    Case(
        id="13: the same, and what it does not speak about",
        resources=origin(robots="User-agent: *\nDisallowAITraining: /\n"), purpose="search",
        expect="silent", deciding=None, strict="silent", inclusive="silent",
    ),
    Case(
        id="15: two licences on offer",
        resources=LICENSED, purpose="ai_train",
        expect="conditional", deciding="tdmrep_file", other=(("rsl", ""),),
        strict="conditional", inclusive="conditional",
    ),
    Case(
        id="16: search permitted, search",
        resources=SEARCH_ONLY, purpose="search",
        expect="permitted", deciding="content_signal_robots",
        strict="permitted", inclusive="permitted",
    ),
    Case(
        id="16: search permitted, training",
        resources=SEARCH_ONLY, purpose="ai_train",
        expect="silent", deciding=None, strict="silent", inclusive="silent",
    ),
    Case(
        id="17: a group of one's own is weaker, everybody",
        resources=origin(robots=EXEMPT), purpose="ai_train",
        expect="reserved", deciding="content_signal_robots", other=(("content_signal_robots", ""),),
        conflict=True, strict="reserved", inclusive="reserved",
    ),
    Case(
        id="17: a group of one's own is weaker, its agent",
        resources=origin(robots=EXEMPT), question=GPT, purpose="ai_train",
        expect="permitted", deciding="content_signal_robots",
        strict="permitted", inclusive="permitted",
    ),
    Case(
        id="17: a group of one's own is weaker, another agent",
        resources=origin(robots=EXEMPT), question=CC, purpose="ai_train",
        expect="reserved", deciding="content_signal_robots",
        strict="reserved", inclusive="reserved",
    ),
    Case(
        id="17: crawling refused except for one, that one",
        resources=origin(robots="User-agent: *\nDisallow: /\n\nUser-agent: GPTBot\nAllow: /\n"),
        question=GPT, purpose="tdm",
        expect="silent", deciding=None, strict="silent", inclusive="silent",
    ),
    Case(
        id="17: crawling refused except for one, everybody",
        resources=origin(robots="User-agent: *\nDisallow: /\n\nUser-agent: GPTBot\nAllow: /\n"),
        purpose="tdm",
        expect="refused", deciding="robots_txt", strict="silent", inclusive="reserved",
    ),
    Case(
        id="19: AIPREF n in the header, y in robots.txt",
        resources=aipref("y", "n"), question=P, purpose="genai_train",
        expect="reserved", deciding="aipref_header", other=(("aipref_robots", ""),),
        strict="reserved", inclusive="reserved",
    ),
    Case(
        id="19: AIPREF y in the header, n in robots.txt",
        resources=aipref("n", "y"), question=P, purpose="genai_train",
        expect="reserved", deciding="aipref_robots", other=(("aipref_header", ""),),
        strict="reserved", inclusive="reserved",
    ),
    Case(
        id="20: the page is gone, the file reserves",
        resources=origin(tdmrep=ONE, pages={"/p": Answer(status=410)}), question=P, purpose="tdm",
        expect="reserved", deciding="tdmrep_file", strict="reserved", inclusive="reserved",
    ),
    Case(
        id="20: the page is gone, another reserves itself",
        resources=origin(
            home=html("", ("tdm-reservation", "1")), pages={"/p": Answer(status=404)}
        ),
        question=P, purpose="tdm",
        expect="partial", deciding="tdmrep_header", strict="partial", inclusive="partial",
    ),
    Case(
        id="a page of equal rank permits: no exception, the whole stays reserved",
        resources=origin(
            robots="User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n",
            pages={"/p": html("", ("Content-Signal", "ai-train=yes"))},
        ),
        purpose="ai_train",
        expect="reserved", deciding="content_signal_robots", other=(("content_signal_header", ""),),
        strict="reserved", inclusive="reserved",
    ),
]  # fmt: skip


def cases(function):
    return pytest.mark.parametrize("case", CASES, ids=[c.id for c in CASES])(function)


@cases
def test_which_statement_decides_and_which_stay_in_sight(case):
    found = findings(case.resources, **case.question)[Purpose(case.purpose)]
    assert found.state.value == case.expect
    assert (found.deciding.protocol.NAME if found.deciding else None) == case.deciding
    rest = [h for h in found.considered if h is not found.deciding]
    assert [h.protocol.NAME for h in rest] == [name for name, _ in case.other]
    for one, (_, excluded_because) in zip(rest, case.other, strict=True):
        assert one.excluded_because.startswith(excluded_because)
        assert bool(one.excluded_because) == bool(excluded_because)


@cases
def test_what_is_a_conflict(case):
    found = findings(case.resources, **case.question)[Purpose(case.purpose)]
    pairs = list(find_conflicts(h for h in found.considered if not h.excluded_because))
    assert (found.conflict, bool(pairs)) == (case.conflict, case.conflict)
    named = {(a.protocol.NAME, b.protocol.NAME) for a, b in pairs}
    assert named == ({(case.deciding, case.other[0][0])} if case.conflict else set())


@cases
def test_rule_sets_differ_as_they_should(case):
    got = [state(case.resources, case.purpose, r, **case.question) for r in (STRICT, INCLUSIVE)]
    assert got == [case.strict, case.inclusive]


def applicable(protocol, key, stance, limited_to="", source=PAGE_0[0]):
    """A statement of a reading: what `find_conflicts` compares, and nothing else."""
    statement = Statement(
        rule="x", stance=stance, purpose=Purpose.TDM, tier=1, place="", raw="", clause="",
        declared_by=DeclaredBy.PAGE,
    )  # fmt: skip
    applied = AppliedStatement(statement=statement, limited_to=limited_to)
    return ApplicableStatement(protocol=protocol, reading_key=key, evidence=source, applied=applied)


NO, YES = Stance.RESERVED, Stance.PERMITTED
SAME_OR_NOT = [
    ("one reading, both whole", (rsl_html, "1", NO), (rsl_html, "1", YES), True),
    ("one reading, a part reserved", (rsl_html, "1", NO, "paths"), (rsl_html, "1", YES), False),
    ("one reading, a part permitted", (rsl_html, "1", NO), (rsl_html, "1", YES, "paths"), False),
    ("two readings of one response", (rsl_html, "1", NO), (rsl_link, "2", YES), False),
    ("equal readings of two", (rsl_html, "1", NO), (rsl_html, "1", YES, "", PAGE_0[1]), False),
    ("two protocols", (rsl_html, "1", NO), (plus_xmp, "2", YES), True),
    ("two protocols, parts", (rsl_html, "1", NO, "paths"), (plus_xmp, "2", YES, "paths"), True),
]


@pytest.mark.parametrize(
    ("one", "other", "expected"), [c[1:] for c in SAME_OR_NOT], ids=[c[0] for c in SAME_OR_NOT]
)
def test_statements_of_one_family_conflict_only_within_one_reading(one, other, expected):
    pairs = list(find_conflicts([applicable(*one), applicable(*other)]))
    assert bool(pairs) == expected


def test_2_everybody_one_and_the_others_are_three_questions():
    """b.1, 5: was anyone told no, was everyone told no, was our agent told no."""
    asked = ({}, GPT, CC)
    got = [state(FILE_0, "genai_train", **question) for question in asked]
    assert got == ["partial", "reserved", "silent"]


def test_12_the_other_reading_is_kept_and_shown():
    typo = reading(origin(robots="User-agent: GPTBot\nDisalow: /\n"), "robots_txt")
    string = reading(origin(tdmrep=ONE.replace("1", '"1"')), "tdmrep_file")
    assert [(s.reads, s.counts) for s in typo.statements] == [(Reads.LENIENT, True)]
    assert [(s.reads, s.counts) for s in string.statements] == [(Reads.LENIENT, False)]


def test_13_both_verdicts_about_access_are_recorded():
    assert "robots.directive.prefix_hazard" in codes(
        origin(robots="User-agent: *\nDisallowAITraining: /\n"), "robots_txt"
    )


def test_14_hosts_and_ports_speak_for_themselves():
    """Rows of one host by http and https are one origin, asked by the scheme that most have."""
    urls = [
        "http://h.example/",
        "https://h.example/",
        "https://www.h.example/",
        "http://h.example:8080/",
    ]
    keys = [canonical.origin_key(canonical.origin_of(url)) for url in urls]
    assert keys == ["h.example", "h.example", "www.h.example", "h.example:8080"]


def test_14_a_site_shows_the_strictest_of_its_origins(query):
    said = dict(
        map(tuple, query("SELECT origin, tdm FROM reservations WHERE site = 'example.com'"))
    )
    assert said == {"http://www.example.com": "reserved", "http://media.example.com": "permitted"}
    ((tdm, reserving),) = query("SELECT tdm, origins_reserving FROM sites WHERE site='example.com'")
    assert (tdm, reserving) == ("reserved", 1)


def test_15_both_offers_keep_their_address():
    found = findings(LICENSED)[Purpose.AI_TRAIN]
    assert [h.statement.policy for h in found.considered] == [
        "https://h.example/policy.json",
        "https://h.example/offer",
    ]


def test_principle_4_reserving_goes_downward_only():
    assert [state(origin(tdmrep=ONE), p) for p in Purpose] == ["reserved"] * 3 + ["silent"] * 2
    prefers = origin(robots="User-agent: *\nContent-Usage: train-ai=n\nAllow: /\n")
    assert [state(prefers, p) for p in Purpose] == ["silent", "silent", "reserved"] + ["silent"] * 2


def test_principle_6_access_is_not_use():
    refused = origin(robots="User-agent: *\nDisallow: /\n")
    assert {state(refused, p) for p in Purpose} == {"refused"}
    assert {state(refused, p, STRICT) for p in Purpose} == {"silent"}


def test_principle_7_a_reservation_counts_from_when_it_was_seen(query):
    late = query(
        "SELECT count(*) FROM trail AS t JOIN observations AS o ON o.observation = t.observation "
        "WHERE t.observed_at <> o.observed_at"
    )
    assert late[0][0] == 0
    assert query("SELECT count(*) FROM trail")[0][0] > 0


def test_principle_9_what_a_network_wrote_is_told_from_what_the_origin_wrote():
    rule = "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n"
    managed = f"# BEGIN Cloudflare Managed content\n{rule}# END Cloudflare Managed Content\n"
    by = [
        reading(origin(robots=text), "content_signal_robots").statements[0].declared_by
        for text in (rule, managed)
    ]
    assert by == [DeclaredBy.ORIGIN_FILE, DeclaredBy.CDN_MANAGED]


PAIRS = [
    ("contradiction-agents", "genai_train", "robots_txt / tdmrep_file"),
    ("contradiction-ai-txt", "ai_train", "tdmrep_file / ai_txt"),
    ("contradiction-zero", "ai_train", "ai_txt / tdmrep_file"),
    ("content-signal-twice", "ai_train", "content_signal_robots / content_signal_robots"),
]


@pytest.mark.parametrize(("host", "purpose", "kind"), PAIRS, ids=[p[0] for p in PAIRS])
def test_a_crawl_shows_the_pair(host, purpose, kind, query, demo_output, tdm_audit):
    at = f"http://{host}.demo.test"
    (row,) = query("SELECT * FROM conflicts WHERE origin = ? AND purpose = ?", at, purpose)
    assert row["kind"] == kind
    assert row["reserving"]
    assert row["permitting"]
    keys = {row["reserving_statement"], row["permitting_statement"]}
    kept = query("SELECT statement, stance FROM statements WHERE origin = ?", at)
    assert len(keys) == 2
    assert keys <= {r["statement"] for r in kept}
    assert query("SELECT conflict FROM reservations WHERE origin = ?", at)[0][0] == 1
    asked = ("explain", at, "--origin", "--json", "--db", demo_output / "audit.db")
    said = {f["purpose"]: f for f in json.loads(tdm_audit(*asked).stdout)["findings"]}[purpose]
    cited = {said["decided_by"]["statement"], *(one["statement"] for one in said["considered"])}
    assert (said["conflict"], keys <= cited) == (True, True)


def pictured(key: str, **more):
    """Return an origin with a sampled JPEG that carries a PLUS statement."""
    extract = media.write(
        media.Media(kind="jpeg", packets=(media.Packet(place="APP1", text=plus(VOCABULARY + key)),))
    )
    read = plus_xmp.parse(Document(body=extract))
    picture = evidence(Resource.MEDIA, "/a.jpg", Answer(kind="image/jpeg"), 9)._replace(
        presence=Presence.PRESENT,
        readings=((plus_xmp, "plus", read),),
    )
    return (*origin(**more), picture)


def test_8_a_file_that_prohibits_is_reserved_where_its_host_permits():
    resources = pictured("DMI-PROHIBITED", tdmrep=ZERO)
    found = findings(resources, path="/a.jpg")[Purpose.TDM]
    assert (found.state.value, found.deciding.protocol.NAME) == ("reserved", "plus_xmp")
    assert state(resources, path="/") == "permitted"


def test_9_a_file_that_permits_does_not_undo_its_host():
    found = findings(pictured("DMI-ALLOWED", tdmrep=ONE), path="/a.jpg")[Purpose.TDM]
    assert (found.state.value, found.deciding.protocol.NAME) == ("reserved", "tdmrep_file")
    assert found.conflict


@pytest.mark.parametrize(
    ("rules", "expected", "conflict"),
    [
        pytest.param([("/", 1), ("/open/", 0)], "reserved", True, id="a part permitted"),
        pytest.param([("/", 0), ("/data/", 1)], "partial", True, id="a part reserved"),
        pytest.param([("/data/", 1), ("/", 0)], "partial", False, id="both readings agree"),
        pytest.param([("/a/", 0), ("/", 1), ("/b/", 0)], "partial", True, id="one agreed, one not"),
    ],
)
def test_two_readings_of_a_tdmrep_file_conflict_for_the_origin(rules, expected, conflict):
    text = json.dumps([{"location": path, "tdm-reservation": bit} for path, bit in rules])
    found = findings(origin(tdmrep=text))["tdm"]
    assert (found.state.value, found.conflict) == (expected, conflict)
