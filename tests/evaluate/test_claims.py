"""Claims of findings about everybody, about bounds, and about any response.

The first word of an id names the kind of claim.
"""

import bz2
import dataclasses
import gzip
import json
import lzma
import zlib

import pytest

from crawler import rulesets
from crawler.evaluate.applicable import missing
from crawler.evaluate.current_answers import ObservationRow, current_answers
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import LastFailure
from crawler.evaluate.snapshot import EXPECTED, SnapshotReader
from crawler.evaluate.url_verdicts import pages_with_own_statements
from crawler.model import Question
from crawler.protocols.media import cawg
from crawler.vocab import Outcome, Purpose, Resource, Stance, State
from tests.sample_origins import (
    INCLUSIVE,
    NOTHING,
    SIGNALS,
    STRICT,
    Answer,
    codes,
    evidence,
    findings,
    html,
    origin,
    state,
)

ONE = '[{"location": "/", "tdm-reservation": 1}]'
ZERO = '[{"location": "/", "tdm-reservation": 0}]'
ALL = tuple(Purpose)
TRAINING = (Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)
REFUSED = "User-agent: *\nDisallow: /\n\n"
NO_TRAINING = "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n\n"


def own_group(agent: str, *lines: str) -> str:
    return "\n".join([f"User-agent: {agent}", *lines, "", ""])


EXCEPTIONS = {
    "B1 two training agents": (
        "User-agent: GPTBot\nUser-agent: CCBot\nAllow: /\n\n" + REFUSED,
        ALL, State.REFUSED, ("GPTBot", "CCBot"), False,
    ),
    "B1 two search engines": (
        REFUSED + own_group("Googlebot", "Allow: /") + own_group("bingbot", "Disallow:"),
        (Purpose.SEARCH,), State.REFUSED, ("Googlebot", "bingbot"), False,
    ),
    "B1 an agent of no catalogue": (
        REFUSED + own_group("Housebot", "Disallow: /cgi/"),
        ALL, State.REFUSED, ("Housebot",), False,
    ),
    "B1 named twice, in two spellings": (
        REFUSED + own_group("GPTBot", "Allow: /") + own_group("gptbot", "Allow: /a"),
        ALL, State.REFUSED, ("GPTBot",), False,
    ),
    "B1 refused by name as well": (
        REFUSED + own_group("GPTBot", "Disallow: /"), (Purpose.TDM,), State.REFUSED, (), False,
    ),
    "B1 a search engine refused by name as well": (
        REFUSED + own_group("Googlebot", "Disallow: /"), (Purpose.TDM,), State.REFUSED, (), False,
    ),
    "B2 AIPREF, the example of the draft": (
        "User-agent: *\nContent-Usage: train-ai=n\nAllow: /\n\n"
        + own_group("ExampleBot", "Content-Usage: train-ai=y", "Allow: /"),
        (Purpose.GENAI_TRAIN,), State.RESERVED, ("ExampleBot",), True,
    ),
    "B2 a content signal": (
        NO_TRAINING + own_group("ExampleBot", "Content-Signal: ai-train=yes", "Allow: /"),
        (Purpose.AI_TRAIN,), State.RESERVED, ("ExampleBot",), True,
    ),
    "B2 a group without the line": (
        NO_TRAINING + own_group("CCBot", "Allow: /"), TRAINING, State.RESERVED, ("CCBot",), False,
    ),
    "B2 a group that says the same": (
        NO_TRAINING + own_group("CCBot", "Content-Signal: ai-train=no", "Allow: /"),
        TRAINING, State.RESERVED, (), False,
    ),
    "B2 one permitted, one left out": (
        NO_TRAINING
        + own_group("a-bot", "Content-Signal: ai-train=yes", "Allow: /")
        + own_group("b-bot", "Allow: /"),
        (Purpose.AI_TRAIN,), State.RESERVED, ("a-bot", "b-bot"), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("robots", "purposes", "expected", "agents", "conflict"), EXCEPTIONS.values(), ids=EXCEPTIONS
)
def test_what_covers_everybody_names_its_exceptions(robots, purposes, expected, agents, conflict):
    found = findings(origin(robots=robots))
    for purpose in purposes:
        one = found[purpose]
        detail = f"except {', '.join(agents)}" if agents else ""
        assert (one.state, one.exceptions, one.conflict) == (expected, agents, conflict)
        assert one.detail == detail


@pytest.mark.parametrize("robots", [row[0] for row in EXCEPTIONS.values()], ids=EXCEPTIONS)
def test_a_question_about_one_agent_has_no_exceptions(robots):
    found = evaluate(origin(robots=robots), Question(agent="CCBot"), SIGNALS)
    assert {finding.exceptions for finding in found} == {()}


def test_b2_what_another_protocol_reserves_for_everybody_has_no_exception():
    resources = origin(robots=NO_TRAINING + own_group("CCBot", "Allow: /"), tdmrep=ONE)
    assert {f.exceptions for f in findings(resources).values()} == {()}


def test_b1_of_many_exceptions_the_first_are_named():
    robots = REFUSED + "".join(own_group(f"bot-{n}", "Allow: /") for n in range(12))
    found = findings(origin(robots=robots))[Purpose.TDM]
    assert len(found.exceptions) == 12
    assert found.detail.endswith("bot-7 and 4 more")


def tdm_header(*values: str) -> Answer:
    return html("", *[("tdm-reservation", value) for value in values])


MALFORMED = {
    "C1 an object with a number": (origin(tdmrep=ONE[1:-1]), "tdm"),
    "C1 a string": (origin(tdmrep=ONE.replace("1", '"1"')), "tdm"),
    "C1 a byte order mark": (origin(tdmrep=b"\xef\xbb\xbf" + ONE.encode()), "tdm"),
    "C1 the header twice": (origin(home=tdm_header("1", "1")), "tdm"),
    "C1 a meta element in the body": (
        origin(home=Answer(body='<p>x<meta name="tdm-reservation" content="1">', kind="text/html")),
        "tdm",
    ),
    "C1 a structured field with a space": (
        origin(robots="User-agent: *\nContent-Usage: train-ai = n\nAllow: /\n"), "genai_train",
    ),
    "C1 an object with a string": (origin(tdmrep=ONE[1:-1].replace("1", '"1"')), "tdm"),
    "C1 on one page of two": (
        origin(pages={"/p": tdm_header("1", "1"), "/q": html()}), "tdm",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("resources", "purpose"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_reservation_is_shown_and_counts_for_the_upper_bound(resources, purpose):
    for rules in (SIGNALS, STRICT):
        found = findings(resources, rules)[purpose]
        assert (found.state, found.malformed, found.complete) == (State.SILENT, True, True)
        assert found.detail.startswith("malformed reservation: ")
    wide = findings(resources, INCLUSIVE)[purpose]
    assert wide.state in (State.RESERVED, State.PARTIAL)
    assert not wide.malformed
    assert wide.deciding is not None


UNREADABLE = {
    "C1 JSON that breaks off": origin(tdmrep='[{"location": "/", "tdm-res'),
    "C1 a header that is no value": origin(home=tdm_header("maybe")),
}


@pytest.mark.parametrize("resources", UNREADABLE.values(), ids=UNREADABLE)
def test_what_could_not_be_read_is_unknown_for_the_upper_bound(resources):
    found, wide = (findings(resources, rules)["tdm"] for rules in (SIGNALS, INCLUSIVE))
    assert (found.state, found.malformed, found.complete) == (State.SILENT, True, True)
    assert wide.malformed
    assert wide.state is State.UNKNOWN


def test_a_refusal_that_only_a_lenient_reading_yields_counts_for_the_upper_bound():
    resources = origin(robots="User-agent: *\nDisallow: /\n".encode("utf-16"))
    found, wide = (findings(resources, rules)["tdm"] for rules in (SIGNALS, INCLUSIVE))
    assert (found.state, wide.state) == (State.SILENT, State.RESERVED)


def test_c1_a_reservation_that_counts_has_no_malformed_one_beside_it():
    found = findings(origin(tdmrep=ONE, home=tdm_header("1", "1")))["tdm"]
    assert (found.state, found.malformed) == (State.RESERVED, False)


def test_c1_a_malformed_permission_is_no_reservation():
    for rules in (SIGNALS, INCLUSIVE):
        found = findings(origin(tdmrep=ZERO.replace("0", '"0"')), rules)["tdm"]
        assert (found.state, found.malformed) == (State.SILENT, False)


ENTAILED = {
    "C4 TDMRep 0": (origin(tdmrep=ZERO), ("permitted", "silent", "silent")),
    "C4 a header 0": (origin(home=tdm_header("0")), ("silent", "silent", "silent")),
    "C4 ai.txt": (origin(ai="User-Agent: *\nAllow: /\n"), ("silent", "permitted", "silent")),
    "C4 a content signal": (
        origin(robots="User-agent: *\nContent-Signal: ai-train=yes\nAllow: /\n"),
        ("silent", "permitted", "silent"),
    ),
    "C4 trust.txt": (origin(trust="datatrainingallowed=yes\n"), ("silent", "permitted", "silent")),
    "C4 a reservation entails": (origin(tdmrep=ONE), ("reserved", "reserved", "reserved")),
}
ENTAILING = dataclasses.replace(SIGNALS, id="entailing", permission_entails=True)


@pytest.mark.parametrize(("resources", "expected"), ENTAILED.values(), ids=ENTAILED)
def test_a_permission_speaks_for_its_own_purpose(resources, expected):
    for rules in (SIGNALS, INCLUSIVE, STRICT):
        got = tuple(state(resources, p, rules) for p in ("tdm", *TRAINING))
        assert got == expected


def test_c4_a_rule_set_may_say_that_permissions_entail():
    got = [state(origin(tdmrep=ZERO), purpose, ENTAILING) for purpose in Purpose]
    assert got == ["permitted"] * 3 + ["silent"] * 2


def of_use(stance, use="non-generative", purpose=Purpose.AI_TRAIN):
    """Return an origin whose file reserves or permits, changed to speak of a part of a purpose."""
    given = ONE if stance is Stance.RESERVED else ZERO
    resources = origin(tdmrep=given)
    changed = []
    for one in resources:
        readings = tuple(
            (
                protocol,
                key,
                dataclasses.replace(
                    reading,
                    statements=tuple(
                        dataclasses.replace(s, use=use, purpose=purpose) for s in reading.statements
                    ),
                    rules=None,
                ),
            )
            for protocol, key, reading in one.readings
        )
        # CAWG applies its statements as they are stored.
        by_cawg = tuple((cawg, key, r) for p, key, r in readings if p.NAME == "tdmrep_file")
        changed.append(one._replace(readings=by_cawg or readings))
    return tuple(changed)


USES = {
    "C5 reserved": (of_use(Stance.RESERVED), ("silent", "partial", "silent"), "use: "),
    "C5 permitted": (of_use(Stance.PERMITTED), ("silent", "silent", "silent"), ""),
    "C5 a part of mining": (
        of_use(Stance.RESERVED, "speech", Purpose.TDM), ("partial", "silent", "silent"), "use: ",
    ),
    "C5 a part of generative training": (
        of_use(Stance.RESERVED, "images", Purpose.GENAI_TRAIN),
        ("silent", "silent", "partial"), "use: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("resources", "expected", "detail"), USES.values(), ids=USES)
def test_a_statement_about_a_part_of_a_purpose_says_nothing_of_the_rest(
    resources, expected, detail
):
    found = findings(resources)
    assert tuple(found[p].state.value for p in ("tdm", *TRAINING)) == expected
    partial = [f.detail for f in found.values() if f.state is State.PARTIAL]
    assert all(one.startswith(detail) for one in partial)
    assert bool(partial) == bool(detail)


PAGE, ELSEWHERE = "https://h.example/a.jpg", "https://cdn.example/a.jpg"
RESERVING, NOAI = ("tdm-reservation", "1"), ("X-Robots-Tag", "noai")


def row(key, status=200, *fields, day=1, hop=0, url=PAGE, note="", resource=Resource.PAGE):
    """Return an observation of a run a day; a status of None is a timeout, 0 is withheld."""
    outcome = {None: Outcome.TIMED_OUT, 0: Outcome.WITHHELD}.get(status, Outcome.RESPONDED)
    return ObservationRow(
        key=key,
        run=day,
        stored=None,
        resource=resource.value,
        asked=PAGE,
        hop=hop,
        url=url,
        outcome=outcome.value,
        status=status or None,
        headers=json.dumps(fields),
        truncated=0,
        observed_at=f"2026-11-{day:02}T00:00:00.000Z",
        note=note,
        confirmed=None,
    )


# What else a crawl requests of every origin, and is not there.
ABSENT = [
    row(90 + n, 404, resource=resource)._replace(asked=f"https://h.example{path}")
    for n, (resource, path) in enumerate(EXPECTED.items())
]


def load(rows):
    return SnapshotReader(lambda _origin: [*rows, *ABSENT], {}.get).load(1)


RESPONSES = {
    "D1 a redirect": ([row(1, 302, RESERVING), row(2, hop=1, url=ELSEWHERE)], "tdm", "reserved"),
    "D1 a redirect that says noai": (
        [row(1, 301, NOAI), row(2, hop=1, url=ELSEWHERE)], "ai_train", "reserved",
    ),
    "D1 a second redirect": (
        [row(1, 302), row(2, 307, RESERVING, hop=1), row(3, hop=2, url=ELSEWHERE)],
        "tdm", "reserved",
    ),
    "D1 a redirect that leads nowhere": (
        [row(1, 302, RESERVING), row(2, None, hop=1, url=ELSEWHERE)], "tdm", "reserved",
    ),
    "D1 a redirect without": ([row(1, 302), row(2, hop=1, url=ELSEWHERE)], "tdm", "silent"),
    "D2 403": ([row(1, 403, RESERVING)], "tdm", "reserved"),
    "D2 404": ([row(1, 404, RESERVING)], "tdm", "reserved"),
    "D2 402 that says noai": ([row(1, 402, NOAI)], "ai_train", "reserved"),
    "D2 503": ([row(1, 503, RESERVING)], "tdm", "reserved"),
    "D2 403 without": ([row(1, 403)], "tdm", "unknown"),
    "D2 a later 403": ([row(1), row(2, 403, RESERVING, day=2)], "tdm", "reserved"),
    "D2 a header of the page before, an error now": (
        [row(1, 200, RESERVING), row(2, 503, day=2)], "tdm", "reserved",
    ),
    "D2 an error before, a page now": ([row(1, 403, RESERVING), row(2, day=2)], "tdm", "silent"),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "purpose", "expected"), RESPONSES.values(), ids=RESPONSES)
def test_header_fields_count_on_every_answer_received(rows, purpose, expected):
    resources = load(rows).resources
    assert state(resources, purpose, path="/a.jpg") == expected


def test_d1_what_cannot_be_read_on_a_redirect_is_no_silence():
    rows = [row(1, 302, ("tdm-reservation", "maybe")), row(2, hop=1, url=ELSEWHERE)]
    resources = load(rows).resources
    found, wide = (findings(resources, r, path="/a.jpg")["tdm"] for r in (SIGNALS, INCLUSIVE))
    assert (found.state, found.malformed) == (State.SILENT, True)
    assert (wide.state, wide.complete) == (State.UNKNOWN, False)


def test_d1_header_evidence_is_as_old_as_its_first_look_and_stale_after_a_failure():
    first = [row(1, 302, RESERVING), row(2, hop=1, url=ELSEWHERE)]
    second = [row(3, 302, RESERVING, day=2), row(4, hop=1, url=ELSEWHERE, day=2)]
    found = findings(load([*first, *second, row(5, None, day=3)]).resources, path="/a.jpg")["tdm"]
    assert (found.state, found.stale) == (State.RESERVED, True)
    assert found.deciding.evidence.observed_at[:10] == "2026-11-02"
    assert found.deciding.evidence.since[:10] == "2026-11-01"
    changed = [row(5, 302, NOAI, RESERVING, day=3), row(6, hop=1, url=ELSEWHERE, day=3)]
    (hop,) = [e for e in load([*first, *second, *changed]).resources if not e.is_final]
    assert (hop.since[:10], hop.is_stale) == ("2026-11-03", False)


LICENCE = "https://h.example/license.xml"
NAMED = f"License: {LICENCE}\n\nUser-agent: *\nDisallow:\n"
NOWHERE = {
    "D3 404": Answer(status=404),
    "D3 410": Answer(status=410),
    "D3 a page": html(),
    "D3 no XML": Answer(body="<rsl", kind="application/rsl+xml"),
    "D3 nothing": Answer(kind="application/rsl+xml"),
    "D3 503": Answer(status=503),
    "D3 no answer": NOTHING,
}


@pytest.mark.parametrize("answer", NOWHERE.values(), ids=NOWHERE)
def test_a_licence_that_leads_nowhere_is_unknown(answer):
    resources = origin(robots=NAMED, licences={LICENCE: answer})
    for rules in (SIGNALS, INCLUSIVE, STRICT):
        found = findings(resources, rules)
        assert {f.state for f in found.values()} == {State.UNKNOWN}
        assert {"rsl_license" in f.detail for f in found.values()} == {True}


def test_d3_a_licence_of_another_agent_leaves_nothing_open_for_this_one():
    robots = f"User-agent: CCBot\nLicense: {LICENCE}\nDisallow:\n\nUser-agent: *\nDisallow:\n"
    resources = origin(robots=robots, licences={LICENCE: Answer(status=404)})
    assert state(resources, "tdm", agent="GPTBot") == "silent"
    assert state(resources, "tdm", agent="CCBot") == state(resources) == "unknown"


FAILURES = {
    "A1 a timeout": ([row(1), row(2, None, day=5)], (False, 4.0, "timed_out")),
    "A1 503": ([row(1), row(2, 503, day=5)], (False, 4.0, "answered 503")),
    "A1 429": ([row(1), row(2, 429, day=2)], (False, 1.0, "answered 429")),
    "A1 401": ([row(1), row(2, 401, day=2)], (True, 1.0, "answered 401")),
    "A1 403": ([row(1), row(2, 403, day=2)], (True, 1.0, "answered 403")),
    "A1 451": ([row(1), row(2, 451, day=2)], (True, 1.0, "answered 451")),
    "A1 refused by robots.txt": (
        [row(1), row(2, 0, day=2, note="https://h.example/robots.txt disallows this path for us")],
        (True, 1.0, "/robots.txt disallows this path for us"),
    ),
    "A1 withheld since robots.txt failed": (
        [row(1), row(2, 0, day=2, note="robots.txt was not seen")],
        (False, 1.0, "robots.txt was not seen"),
    ),
    "A1 a timeout after a refusal": (
        [row(1), row(2, 403, day=2), row(3, None, day=3)],
        (True, 2.0, "answered 403, then timed_out"),
    ),
    "A1 a refusal before the answer": (
        [row(1, 403), row(2, day=2), row(3, None, day=3)], (False, 1.0, "timed_out"),
    ),
    "A1 an answer after a refusal": ([row(1), row(2, 403, day=2), row(3, day=3)], None),
    "A1 never anything else": ([row(1, 503)], (False, 0.0, "answered 503")),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), FAILURES.values(), ids=FAILURES)
def test_the_last_failure_of_a_resource(rows, expected):
    (answer,) = current_answers(rows)
    assert answer.last_failure == (expected and LastFailure(*expected))


def aged(days: float, *, is_refusal: bool = False, presence_of=Resource.ROBOTS_TXT, **files):
    """Return an origin one of whose resources could not be renewed since so many days."""
    failure = LastFailure(is_refusal, days, "timed_out")
    return tuple(
        e._replace(last_failure=failure) if e.resource is presence_of else e
        for e in origin(**files)
    )


OLD = {
    "A1 young silence": (aged(3), "silent", True),
    "A1 silence on its last day": (aged(30), "silent", True),
    "A1 old silence": (aged(30.5), "unknown", True),
    "A1 refused silence": (aged(0.1, is_refusal=True), "unknown", True),
    "A1 young permission": (aged(3, tdmrep=ZERO), "permitted", False),
    "A1 old permission": (aged(99, tdmrep=ZERO), "unknown", False),
    "A1 an old permission itself": (
        aged(99, presence_of=Resource.TDMREP_JSON, tdmrep=ZERO), "unknown", False,
    ),
    "A1 an old reservation": (
        aged(999, presence_of=Resource.TDMREP_JSON, tdmrep=ONE), "reserved", True,
    ),
    "A1 a refused reservation": (
        aged(9, is_refusal=True, presence_of=Resource.TDMREP_JSON, tdmrep=ONE), "reserved", True,
    ),
    "A1 a fresh reservation beside old evidence": (aged(999, tdmrep=ONE), "reserved", False),
    "A1 an old refusal": (aged(99, robots=REFUSED), "refused", True),
}  # fmt: skip


@pytest.mark.parametrize(("resources", "expected", "stale"), OLD.values(), ids=OLD)
def test_old_evidence_reserves_and_never_frees(resources, expected, stale):
    found = findings(resources)["tdm"]
    assert found.state.value == expected
    if expected in ("silent", "permitted", "unknown"):
        assert found.stale
        assert found.complete == (expected != "unknown")
    else:
        assert found.stale == stale


def test_a1_a_rule_set_names_the_age():
    strict = dataclasses.replace(SIGNALS, freedom_expires_after=1)
    assert [state(aged(2), "tdm", rules) for rules in (SIGNALS, strict)] == ["silent", "unknown"]
    assert missing(aged(2), strict) == aged(2)[:1]
    assert "timed_out, 2 days old" in findings(aged(2), strict)["tdm"].detail


SINCE = {
    "A3 one look": ([row(1)], 1),
    "A3 the same again": ([row(1), row(2, day=2), row(3, day=3)], 1),
    "A3 another in between": ([row(1), row(2, 404, RESERVING, day=2), row(3, day=3)], 3),
    "A3 a failure in between": ([row(1), row(2, None, day=2), row(3, day=3)], 1),
    "A3 a new header": ([row(1), row(2, 200, RESERVING, day=2), row(3, 200, RESERVING, day=3)], 2),
    "A3 a header that nobody reads": ([row(1), row(2, 200, ("Date", "x"), day=2)], 1),
    "A3 failures after it": ([row(1), row(2, day=2), row(3, None, day=3)], 1),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "day"), SINCE.values(), ids=SINCE)
def test_since_is_the_first_look_of_an_unbroken_chain(rows, day):
    (answer,) = current_answers(rows)
    assert answer.since[:10] == f"2026-11-{day:02}"


def test_a_user_rule_set_without_the_new_keys_means_what_it_meant():
    text = "\n".join(
        line
        for line in SIGNALS.text.splitlines()
        if not line.startswith(("lenient_", "permission_", "freedom_"))
    )
    rules = rulesets.parse(text.replace('"signals"', '"mine"'), "mine.toml")
    assert (rules.lenient_counts_as, rules.permission_entails) == ("nothing", False)
    assert rules.freedom_expires_after == 30


def test_an_unread_resource_of_an_origin_is_named_with_its_reason():
    resources = (*origin(), evidence(Resource.PAGE, "/p", Answer(status=403), 9))
    assert findings(resources)["tdm"].detail == "not seen: page (answered 403)"


def test_a_resource_that_no_protocol_reads_is_seen_and_says_nothing():
    robots = evidence(Resource.OTHER_ROBOTS_TXT, "https://x.example/robots.txt", Answer(), 9)
    assert robots.readings == ()
    assert state((*origin(), robots)) == "silent"


META = b'<meta name="tdm-reservation" content="1">'


def as_page(body: bytes) -> Answer:
    return Answer(body=body, kind="text/html")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(gzip.compress(META), id="D4 gzip"),
        pytest.param(zlib.compress(META), id="D4 zlib"),
        pytest.param(bz2.compress(META), id="D4 bzip2"),
        pytest.param(lzma.compress(META), id="D4 xz"),
        pytest.param(b"\xff\xfe\0\0" + META.decode().encode("utf-32-le"), id="D4 UTF-32"),
    ],
)
def test_what_an_undeclared_encoding_of_a_page_hides_is_malformed(body):
    hidden = origin(home=as_page(body))
    found = findings(hidden)[Purpose.TDM]
    assert (found.state, found.malformed, found.complete) == (State.SILENT, True, True)
    assert codes(hidden, "page_text") == ["page.undeclared_encoding"]
    assert state(hidden, rules=INCLUSIVE) == "partial"
    assert state(hidden, rules=INCLUSIVE, path="/") == "reserved"


@pytest.mark.parametrize("rules", [SIGNALS, INCLUSIVE, STRICT], ids=lambda rules: rules.id)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(META.decode().encode("utf-16-le"), id="D4 UTF-16LE"),
        pytest.param(META.decode().encode("utf-32-be"), id="D4 UTF-32BE"),
        pytest.param(b"%PDF-1.4", id="D4 PDF"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", id="D4 PNG"),
        pytest.param(b"\0\1\2\3" * 9, id="D4 binary"),
        pytest.param(gzip.compress(META)[:12] + b"\xff" * 9, id="D4 gzip, damaged"),
        pytest.param(gzip.compress(b"<p>" + bytes(range(32, 127)))[:-20], id="D4 gzip, cut"),
    ],
)
def test_a_page_that_nothing_decodes_is_unread(body, rules):
    unread = origin(home=as_page(body), pages={"/p": html()})
    found = findings(unread, rules)[Purpose.TDM]
    assert (found.state, found.complete, found.detail) == (State.UNKNOWN, False, "not seen: home")
    assert state(unread, rules=rules, path="/") == "unknown"
    assert state(unread, rules=rules, path="/p") == "silent"
    assert "page.undecodable" in codes(unread, "page_text")
    reserving = origin(tdmrep=ONE, home=as_page(body))
    assert state(reserving, rules=rules) == "reserved"


def test_a_page_that_nothing_decodes_gets_a_verdict_of_its_own():
    unread = origin(home=as_page(b"%PDF-1.4"), pages={"/p": html()})
    assert pages_with_own_statements(unread) == ("/", "/p")


AGENTS_OF_PAGES = {
    "B header": (
        html("", ("X-Robots-Tag", "GPTBot: noai")), "1 of 1 pages seen: / (agents: GPTBot)",
    ),
    "B meta element": (
        html('<meta name="googlebot" content="noai">'), "1 of 1 pages seen: / (agents: googlebot)",
    ),
    "B two agents": (
        html("", ("X-Robots-Tag", "GPTBot: noai"), ("X-Robots-Tag", "CCBot: noai")),
        "1 of 1 pages seen: / (agents: GPTBot, CCBot)",
    ),
    "B everybody as well": (
        html('<meta name="robots" content="noai">', ("X-Robots-Tag", "GPTBot: noai")),
        "1 of 1 pages seen: /",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("home", "detail"), AGENTS_OF_PAGES.values(), ids=AGENTS_OF_PAGES)
def test_pages_that_speak_to_some_agents_say_so(home, detail):
    found = findings(origin(home=home), INCLUSIVE)[Purpose.AI_TRAIN]
    assert (found.state, found.detail) == (State.PARTIAL, detail)
