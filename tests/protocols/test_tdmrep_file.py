"""tdmrep.json: rules, their order, what a sloppy file was meant to say, and real files."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.model import Document, Observation, Question, Reading, Target
from crawler.protocols import parse
from crawler.protocols.tdmrep import tdmrep_file
from crawler.vocab import Outcome, Presence, Reads, Resource, Stance

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)
TWO = [
    {"location": "/directory-a/", "tdm-reservation": 1},
    {
        "location": "/directory-b/html/",
        "tdm-reservation": 1,
        "tdm-policy": "https://provider.com/policies/policy.json",
    },
    {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0},
]


def read(content: object, **kind: object) -> Reading:
    if isinstance(content, str):
        content = content.encode()
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return tdmrep_file.parse(Document(body=body, **kind))


def rule(location: str, value: object, **more: object) -> dict[str, object]:
    return {"location": location, "tdm-reservation": value, **more}


def counting_stances(reading: Reading, path: str | None) -> list[tuple[str, str]]:
    """Return stance and limit of the statements that count."""
    applicable = tdmrep_file.statements_for(reading, Question(path=path))
    return [
        (one.statement.stance.value, one.limited_to) for one in applicable if one.statement.counts
    ]


def lenient_stances(reading: Reading, path: str | None) -> list[str]:
    applicable = tdmrep_file.statements_for(reading, Question(path=path))
    return [one.statement.stance.value for one in applicable if not one.statement.counts]


def codes(reading: Reading) -> list[str]:
    return [issue.code.removeprefix("tdmrep.") for issue in reading.issues]


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        pytest.param([rule("/", 1)], "/any/where?x=1", [("reserved", "")], id="T01"),
        pytest.param(TWO, "/directory-a/x.pdf", [("reserved", "")], id="T02-a"),
        pytest.param(TWO, "/directory-b/html/p", [("conditional", "")], id="T02-b-html"),
        pytest.param(TWO, "/directory-b/images/a.jpg", [("permitted", "")], id="T02-b-jpg"),
        pytest.param(TWO, "/directory-b/images/a.png", [], id="T02-b-png"),
        pytest.param(TWO, "/x", [], id="T02-elsewhere"),
        pytest.param(TWO, "/Directory-A/x.pdf", [], id="T03"),
        pytest.param(
            [rule("/", 1), rule("/open/", 0)],
            "/open/x",
            [("reserved", ""), ("permitted", "")],
            id="T04",
        ),
        pytest.param([rule("/open/", 0), rule("/", 1)], "/open/x", [("permitted", "")], id="T05"),
        pytest.param([rule("/path/foo-%24", 1)], "/path/foo-$", [("reserved", "")], id="T06"),
        pytest.param([rule("/path/foo-%24", 1)], "/path/foo-", [], id="T06-no-anchor"),
        pytest.param([rule("/*.pdf$", 1)], "/a.pdf?x=1", [], id="T07"),
        pytest.param([rule("/*.pdf$", 1)], "/x.pdf.pdf", [("reserved", "")], id="P29-backtrack"),
        pytest.param([rule("/", 2)], "/", [], id="T08"),
        pytest.param([rule("/", "1")], "/", [], id="T09-string"),
        pytest.param([rule("/", True)], "/", [], id="T09-true"),
        pytest.param([{"location": "/", "tdm-policy": "/p"}], "/", [], id="T10"),
        pytest.param(rule("/", 1), "/", [], id="T11"),
        pytest.param([rule("/", 0, **{"tdm-policy": "/p"})], "/", [("permitted", "")], id="T23"),
        pytest.param([rule("*.pdf", 1)], "/x/y.pdf", [("reserved", "")], id="leading star"),
        pytest.param([], "/", [], id="no rules"),
    ],
)
def test_the_first_and_the_longest_match_decide_for_a_path(rules, path, expected):
    assert counting_stances(read(rules), path) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([rule("/", 1)], [("reserved", "")], id="everything"),
        pytest.param([rule("/*", 0)], [("permitted", "")], id="everything by star"),
        pytest.param(
            TWO,
            [("reserved", "paths"), ("conditional", "paths"), ("permitted", "paths")],
            id="T02",
        ),
        pytest.param(
            [rule("/", 1), rule("/open/", 0)],
            [("reserved", ""), ("permitted", "disputed paths")],
            id="T04",
        ),
        pytest.param(
            [rule("/open/", 0), rule("/", 1)],
            [("permitted", "paths"), ("reserved", "paths")],
            id="T05 an exception before",
        ),
        pytest.param(
            [rule("/a/", 1), rule("/", 1)],
            [("reserved", "paths"), ("reserved", "")],
            id="an earlier rule that takes nothing out",
        ),
        pytest.param(
            [rule("/a", 1), rule("/a/b", 0), rule("/b/*", 0), rule("/b/c$", 1)],
            [("reserved", "paths"), *[("permitted", "disputed paths")] * 2, ("reserved", "paths")],
            id="a rule behind a prefix applies by its length",
        ),
        pytest.param(
            [rule("/a$", 1), rule("/a$b", 0)],
            [("reserved", "paths"), ("permitted", "paths")],
            id="an anchored rule hides nothing",
        ),
    ],
)
def test_every_rule_that_ever_applies_covers_the_origin(rules, expected):
    assert counting_stances(read(rules), None) == expected


@pytest.mark.parametrize(
    ("content", "presence", "expected_codes", "lenient"),
    [
        pytest.param([rule("/", 2)], "malformed", ["value.not_a_bit"], ["reserved"], id="T08"),
        pytest.param(
            [rule("/", "yes")], "malformed", ["type_mismatch"], ["reserved"], id="T08-yes"
        ),
        pytest.param([rule("/", "maybe")], "malformed", ["value.not_a_bit"], [], id="T08-maybe"),
        pytest.param([rule("/", None)], "malformed", ["value.not_a_bit"], [], id="null"),
        pytest.param([rule("/", "1")], "malformed", ["type_mismatch"], ["reserved"], id="T09"),
        pytest.param(
            [rule("/", True)], "malformed", ["type_mismatch"], ["reserved"], id="T09-true"
        ),
        pytest.param([rule("/", 1.0)], "malformed", ["type_mismatch"], ["reserved"], id="1.0"),
        pytest.param([rule("/", False)], "malformed", ["type_mismatch"], ["permitted"], id="false"),
        pytest.param(
            [{"location": "/", "tdm-policy": "/p"}],
            "malformed",
            ["rule.no_reservation"],
            [],
            id="T10",
        ),
        pytest.param(rule("/", 1), "malformed", ["not_array"], ["reserved"], id="T11"),
        pytest.param(
            {"tdm-reservation": 1},
            "malformed",
            ["not_array", "rule.no_location"],
            ["reserved"],
            id="T11 without a location",
        ),
        pytest.param(
            {"tdm": [rule("/", 1), {}], "name": "x"},
            "malformed",
            ["not_array", "unknown_field", "rule.no_location", "rule.no_reservation"],
            ["reserved"],
            id="P30 rules inside an object",
        ),
        pytest.param(
            {"policies": [{"use": "deny"}], "policy": "deny"},
            "malformed",
            [
                "not_array",
                "unknown_field",
                "unknown_field",
                "rule.no_location",
                "rule.no_reservation",
            ],
            [],
            id="another vocabulary",
        ),
        pytest.param("[{}", "malformed", ["json"], [], id="T15 cut off"),
        pytest.param(
            '[{"location":"/","tdm-reservation":1},', "malformed", ["json"], ["reserved"], id="cut"
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":1},]',
            "malformed",
            ["json"],
            ["reserved"],
            id="T15 trailing comma",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":1}\n{"location":"/b","tdm-reservation":0},]',
            "malformed",
            ["json"],
            ["reserved"],
            id="P30 missing comma",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":1}] x',
            "malformed",
            ["json"],
            ["reserved"],
            id="something behind",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":1} 5]',
            "malformed",
            ["json"],
            ["reserved"],
            id="no comma, 5",
        ),
        pytest.param(
            '{"location":"/","tdm-reservation":1}}',
            "malformed",
            ["json", "not_array"],
            ["reserved"],
            id="object and a brace",
        ),
        pytest.param(
            b'\xef\xbb\xbf[{"location":"/","tdm-reservation":1}]',
            "malformed",
            ["bom"],
            ["reserved"],
            id="T15 byte order mark",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":1}]'.encode("utf-16"),
            "malformed",
            ["encoding"],
            ["reserved"],
            id="UTF-16",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":1}]'.encode("utf-16-be"),
            "malformed",
            ["encoding"],
            ["reserved"],
            id="UTF-16 without a mark",
        ),
        pytest.param(
            '[{"location":"/é","tdm-reservation":1}]'.encode("latin-1"),
            "malformed",
            ["encoding"],
            [],
            id="Latin-1",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":NaN}]', "malformed", ["json"], [], id="NaN"
        ),
        pytest.param("[" * 100_000, "malformed", ["json"], [], id="nested too deeply"),
        pytest.param(
            '[{"location":"/","tdm-reservation":' + "1" * 5000 + "}]",
            "malformed",
            ["value.not_a_bit"],
            [],
            id="a huge number",
        ),
        pytest.param("Not found", "malformed", ["json"], [], id="prose"),
        pytest.param('"x"', "malformed", ["not_array", "rule.not_object"], [], id="a string"),
        pytest.param([1], "malformed", ["rule.not_object"], [], id="a number in the array"),
        pytest.param(
            '[{"location":"/","tdm-reservation":0,"tdm-reservation":1}]',
            "malformed",
            ["duplicate_key"],
            ["reserved"],
            id="a name twice, and they differ",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":1,"tdm-reservation":0}]',
            "malformed",
            ["duplicate_key"],
            ["reserved"],
            id="a name twice, the reservation first",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":"yes","tdm-reservation":0,"tdm-reservation":"x"}]',
            "malformed",
            ["duplicate_key", "duplicate_key", "type_mismatch"],
            ["reserved"],
            id="a name three times",
        ),
        pytest.param(
            '[{"location":"/","tdm_reservation":1,"tdm-reservation":0}]',
            "malformed",
            ["legacy_key"],
            ["reserved"],
            id="a reservation in another spelling",
        ),
        pytest.param(
            '[{"location":"/","tdm-reservation":0,"tdm-reservation":"no"}]',
            "malformed",
            ["duplicate_key", "type_mismatch"],
            ["permitted"],
            id="a name twice, no reservation",
        ),
        pytest.param(
            [{"location": "/", "tdm_reservation": 1, "TDM-Policy": "/p"}],
            "malformed",
            ["legacy_key", "legacy_key"],
            ["conditional"],
            id="underscores",
        ),
        pytest.param(
            [rule("https://example.org/", 1)],
            "malformed",
            ["rule.location"],
            ["reserved"],
            id="a URL as location",
        ),
        pytest.param(
            [{"tdm-reservation": 1}],
            "malformed",
            ["rule.no_location"],
            ["reserved"],
            id="P30 no location",
        ),
        pytest.param([rule("", 1)], "malformed", ["rule.no_location"], ["reserved"], id="empty"),
        pytest.param([rule("docs", 1)], "malformed", ["rule.location"], [], id="no slash"),
        pytest.param(
            [rule("/", 1), rule("/x", 7), "y"],
            "present",
            ["value.not_a_bit", "rule.not_object"],
            [],
            id="P30 good rules stay",
        ),
        pytest.param(
            '[{"location":"/","location":"/","tdm-reservation":1,"note":[1]}]',
            "present",
            ["duplicate_key", "unknown_field"],
            [],
            id="a name twice, and they agree",
        ),
        pytest.param(
            [rule("/", 1, **{"tdm-policy": "mailto:x@example.org"})],
            "present",
            ["policy.not_a_url"],
            [],
            id="a policy one cannot visit",
        ),
        pytest.param(
            [rule("/", 1, **{"tdm-policy": 7})], "present", ["policy.not_a_url"], [], id="policy 7"
        ),
        pytest.param([], "present", [], [], id="no rules"),
    ],
)
def test_faults_are_issues_and_their_meaning_is_kept_as_lenient(
    content, presence, expected_codes, lenient
):
    reading = read(content)
    assert reading.presence.value == presence
    assert codes(reading) == expected_codes
    assert lenient_stances(reading, "/") == lenient


@pytest.mark.parametrize(
    ("body", "kind", "presence", "code"),
    [
        pytest.param(b"<html>", {}, "absent", "soft_404", id="T14 by its body"),
        pytest.param(b"Nope", {"media_type": "text/html"}, "absent", "soft_404", id="T14"),
        pytest.param(b" \n", {}, "absent", "empty", id="empty"),
        pytest.param(b"%PDF\x00\x01", {}, "unseen", "binary", id="binary"),
        pytest.param(b"GIF89a\x00", {"media_type": "image/gif"}, "absent", "binary", id="image"),
        pytest.param(b"[]", {"truncated": True}, "malformed", "truncated", id="truncated"),
        pytest.param(b"[]", {"media_type": "text/html"}, "malformed", "media_type", id="as HTML"),
    ],
)
def test_other_bodies_are_absent_or_malformed(body, kind, presence, code):
    reading = read(body, **kind)
    assert (reading.presence.value, codes(reading)) == (presence, [code])
    assert tdmrep_file.statements_for(reading, Question()) == ()


def test_a_rule_served_as_html_is_still_a_rule():
    reading = read([rule("/", 1)], media_type="text/html")
    assert (reading.presence, counting_stances(reading, "/x")) == (
        Presence.PRESENT,
        [("reserved", "")],
    )


@pytest.mark.parametrize(
    ("outcome", "status", "expected"),
    [
        pytest.param(Outcome.RESPONDED, 404, "absent", id="T12-404"),
        pytest.param(Outcome.RESPONDED, 410, "absent", id="T12-410"),
        pytest.param(Outcome.RESPONDED, 503, "unseen", id="T13-503"),
        pytest.param(Outcome.TIMED_OUT, None, "unseen", id="T13-timeout"),
        pytest.param(Outcome.RESPONDED, 200, "present", id="T01"),
    ],
)
def test_presence_by_outcome_and_status(outcome, status, expected):
    url = "https://example.org/.well-known/tdmrep.json"
    observation = Observation(
        target=Target(resource=Resource.TDMREP_JSON, asked=url, url=url),
        outcome=outcome,
        status=status,
        body=b'[{"location": "/", "tdm-reservation": 1}]',
    )
    reading = parse.read(tdmrep_file, observation)
    assert reading.presence.value == expected
    assert len(reading.statements) == (expected == "present")


ONE, NIL = ("reserved", ""), ("permitted", "")
PART, OPEN = ("reserved", "paths"), ("permitted", "paths")
DISPUTED = ("permitted", "disputed paths")


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        pytest.param([rule("/", 0), rule("/data/", 1)], "/data/x", [NIL, ONE], id="C3"),
        pytest.param([rule("/", 0), rule("/data/", 1)], "/x", [NIL], id="C3 elsewhere"),
        pytest.param([rule("/", 0), rule("/data/", 1)], None, [DISPUTED, PART], id="C3 origin"),
        pytest.param([rule("/", 1), rule("/open/", 0)], None, [ONE, DISPUTED], id="eyes open"),
        pytest.param([rule("/data/", 1), rule("/", 0)], None, [PART, OPEN], id="eyes, in order"),
        pytest.param(
            [rule("/*.pdf", 1), rule("/docs/x/", 0), rule("/b/", 0)],
            None,
            [PART, DISPUTED, OPEN],
            id="eyes, two that meet",
        ),
        pytest.param(
            [rule("/", 1), *(rule(f"/{n}/", 0) for n in range(20))],
            None,
            [ONE, *[DISPUTED] * 20],
            id="eyes, many",
        ),
        pytest.param([rule("/*", 0), rule("/data/*", 1)], "/data/x", [NIL, ONE], id="stars"),
        pytest.param([rule("/", 0), rule("/*.pdf$", 1)], "/a.pdf", [NIL, ONE], id="an end"),
        pytest.param([rule("/", 0), rule("/*.pdf$", 1)], "/a.pdf?x", [NIL], id="not the end"),
        pytest.param([rule("/a*b", 0), rule("/a/b", 1)], "/a/b", [NIL], id="equal lengths"),
        pytest.param([rule("/a", 0), rule("/a*", 1)], "/ab", [NIL, ONE], id="the same by a star"),
        pytest.param(
            [rule("/a", 0), rule("/a*", 1)], None, [DISPUTED, PART], id="the same, origin"
        ),
        pytest.param([rule("/", 0), rule("/*", 1)], None, [NIL, ONE], id="everything twice"),
        pytest.param([rule("/*", 0), rule("/", 1)], None, [NIL], id="everything, shorter behind"),
        pytest.param([rule("/a", 1), rule("/a/b", 1)], "/a/b", [ONE], id="both reserve"),
        pytest.param(
            [rule("/a", 1), rule("/a/b", 1, **{"tdm-policy": "/p"})],
            "/a/b",
            [ONE, ("conditional", "")],
            id="terms for a part",
        ),
        pytest.param(
            [rule("/open/", 0), rule("/open/*", 1), rule("/", 1)],
            None,
            [DISPUTED, PART, ONE],
            id="an exception that a longer rule takes back",
        ),
        pytest.param(
            [rule("/b", 0), rule("/**", 1)],
            None,
            [DISPUTED, ONE],
            id="an exception shorter than the rule for everything",
        ),
    ],
)
def test_where_sequence_and_length_differ_both_apply(rules, path, expected):
    assert counting_stances(read(rules), path) == expected


LOCATIONS = st.sampled_from(
    ["/", "/*", "*", "/a", "/a*", "/a/", "/a/b", "/*b", "/a$", "/b/*", "/b"]
)
PATHS = ("/", "/a", "/ab", "/a/", "/a/b", "/a/bx", "/b", "/b/", "/xb", "/x", "/a/x")


@settings(max_examples=400, deadline=None)
@given(rules=st.lists(st.builds(rule, LOCATIONS, st.sampled_from([0, 1])), max_size=6))
@example(rules=[rule("/", 0), rule("/*", 1), rule("/a*", 0)])
@example(rules=[rule("/a", 0), rule("/a*", 1), rule("/", 1), rule("/a/b", 0)])
def test_an_origin_is_covered_only_if_every_path_is(rules):
    reading = read(rules)
    whole = {stance for stance, limit in counting_stances(reading, None) if not limit}
    at_paths = [{stance for stance, _ in counting_stances(reading, path)} for path in PATHS]
    if "reserved" in whole:
        assert all("reserved" in stances for stances in at_paths)
    if whole == {"permitted"}:
        assert all(stances == {"permitted"} for stances in at_paths)
    anywhere = {stance for stance, _ in counting_stances(reading, None)}
    assert set().union(*at_paths) <= anywhere


@pytest.mark.parametrize(
    ("location", "path", "expected"),
    [
        pytest.param("/.*", "/x", ["reserved"], id="C2 a plugin's star"),
        pytest.param("^/", "/x", ["reserved"], id="a start"),
        pytest.param(".*", "/x", ["reserved"], id="anything"),
        pytest.param("/(.*)", "/x", ["reserved"], id="a group"),
        pytest.param("^/data/.+$", "/data/x", ["reserved"], id="a folder"),
        pytest.param("^/data/.+$", "/x", [], id="outside the folder"),
        pytest.param("/.*\\.(jpg|png)$", "/a.png", ["reserved"], id="extensions"),
        pytest.param("/[a-z]+/\\d+", "/ab/12", ["reserved"], id="classes"),
        pytest.param("(?i)^/x/?$", "/x", ["reserved"], id="an optional slash"),
        pytest.param("/" + "(.*)" * 500, "/x", [], id="too long"),
        pytest.param("https://example.org", "/x", ["reserved"], id="C1 the origin"),
        pytest.param("http://www.example.org/d/", "/d/x", ["reserved"], id="www"),
        pytest.param("//example.org/d/", "/d/x", ["reserved"], id="no scheme"),
        pytest.param("example.org/d/", "/d/x", ["reserved"], id="a host"),
        pytest.param("index.html", "/index.html", ["reserved"], id="a file"),
        pytest.param(" /d/", "/d/x", ["reserved"], id="a space"),
    ],
)
def test_locations_are_read_leniently(location, path, expected):
    reading = read([rule(location, 1)])
    assert counting_stances(reading, path) == []
    assert lenient_stances(reading, path) == expected


def test_a_location_like_a_regular_expression_keeps_its_literal_meaning():
    assert codes(read([rule("/a_(b)", 1)])) == []
    reading = read([rule("/.*", 1)])
    assert (reading.presence, codes(reading)) == (Presence.PRESENT, ["rule.regex"])
    assert counting_stances(reading, "/.htaccess") == [("reserved", "")]
    assert (counting_stances(reading, "/x"), lenient_stances(reading, "/x")) == ([], ["reserved"])


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param("[{'location':'/it\\'s','tdm-reservation':1}]", "/it's", ["reserved"], id="'"),
        pytest.param(
            "[{\u201clocation\u201d: \u201c/\u201d, \u201ctdm-reservation\u201d: 1}]",
            "/",
            ["reserved"],
            id="typographic quotation marks",
        ),
        pytest.param('/* a */[{"location":"/","tdm-reservation":1}]', "/", ["reserved"], id="/*"),
        pytest.param('# a\n[{"location":"/","tdm-reservation":1}]', "/", ["reserved"], id="#"),
        pytest.param('{"location":"/", "tdm-reservation":1,}', "/", ["reserved"], id="object"),
        pytest.param('[{"location"="/", "tdm-reservation"=1}]', "/", ["reserved"], id="="),
        pytest.param('[{location:"/", "tdm-reservation":True}]', "/", ["reserved"], id="Python"),
        pytest.param('[{"location":"/a","tdm-reservation":1}, x {', "/a", ["reserved"], id="noise"),
        pytest.param('[{"location":"/a","tdm-reservation":1}, x {', "/b", [], id="noise, path"),
        pytest.param('[{"location":"/","tdm-reservation":1,"tdm-', "/", ["reserved"], id="cut"),
        pytest.param('[{"location":"/","tdm-reservation":', "/", [], id="cut before the value"),
        pytest.param('[{"location":"/","tdm-reservation":0}', "/", ["permitted"], id="cut, 0"),
        pytest.param("location: /\ntdm-reservation: 1\n", "/", ["reserved"], id="YAML"),
        pytest.param("tdm-reservation = yes", "/", ["reserved"], id="an INI file"),
        pytest.param("tdm-reservation = perhaps", "/", [], id="another value"),
        pytest.param("{" * 2000 + "}", "/", [], id="braces"),
        pytest.param("/*" * 100_000, "/", [], id="comments without an end"),
        pytest.param("[1,]", "/", [], id="no rules"),
        pytest.param("[,]", "/", [], id="only a comma"),
        pytest.param("{]", "/", [], id="crossed"),
        pytest.param("]{,", "/", [], id="closed first"),
    ],
)
def test_broken_files_are_malformed_and_never_absent(text, path, expected):
    reading = read(text)
    assert reading.presence is Presence.MALFORMED
    assert "json" in codes(reading) or "not_array" in codes(reading)
    assert (counting_stances(reading, path), lenient_stances(reading, path)) == ([], expected)


def test_a_file_that_was_cut_off_keeps_what_is_whole():
    reading = read('[{"location":"/","tdm-reservation":1},{"loc', truncated=True)
    assert (reading.presence, codes(reading)) == (Presence.MALFORMED, ["truncated"])
    assert lenient_stances(reading, "/") == ["reserved"]


def test_rules_in_a_page_are_lenient():
    reading = read(
        "<pre>[{&quot;location&quot;:&quot;/&quot;,&quot;tdm-reservation&quot;:1}]</pre>",
        media_type="text/html",
    )
    assert (reading.presence, codes(reading)) == (Presence.MALFORMED, ["soft_404"])
    assert lenient_stances(reading, "/x") == ["reserved"]
    page = read('<meta name="tdm-reservation" content="1">')
    assert (page.presence, page.statements) == (Presence.ABSENT, ())


def test_order_ambiguity_quotes_the_other_reading():
    reading = read([rule("/", 1), rule("/open/", 0), rule("/shut/", 1)])
    assert codes(reading) == ["order_ambiguity"]
    assert reading.issues[0].excerpt == "/open/: reserved by /; by longest match permitted"
    assert codes(read([rule("/open/", 0), rule("/", 1)])) == []


def test_a_statement_has_its_place():
    reading = read(
        '[\n  {"location": "/a", "tdm-reservation": 0},\n\n {"location":"/b",\n'
        ' "tdm-policy": "/terms", "tdm-reservation": 1}\n]'
    )
    first, second = reading.statements
    assert (first.n, first.line, first.place) == (1, 2, "tdmrep.json rule 1 (line 2)")
    assert (second.n, second.line, second.path, second.tier) == (2, 4, "/b", 1)
    assert (second.stance, second.policy) == (Stance.CONDITIONAL, "/terms")
    assert second.raw.startswith('{"location":"/b",\n')
    assert (second.rule, second.reads, second.counts) == ("tdmrep.file.1", Reads.BOTH, True)


def test_names_are_the_policies_of_reserving_rules_once():
    one, two = {"tdm-policy": "https://x.example/p"}, {"tdm-policy": "#here"}
    rules = [rule("/a", 1, **one), rule("/b", 1, **one), rule("/c", 0, **one), rule("/d", 1, **two)]
    reading = read(rules)
    assert reading.names == ("https://x.example/p",)
    assert reading.statements[2].policy == "https://x.example/p"


def test_a_policy_alone_is_quoted():
    reading = read([{"location": "/", "tdm-policy": "https://x.example/p"}])
    assert (reading.issues[0].excerpt, reading.names) == ("https://x.example/p", ())
    assert read([{"location": "/"}]).issues[0].excerpt == '{"location": "/"}'


def test_malformed_json_has_line_and_column():
    issue = read('[\n {"location": "/",\n  "tdm-reservation": 1,}\n]').issues[0]
    assert issue.line == 3
    assert "line 3, column 24" in issue.excerpt


def test_lone_surrogates_can_be_stored():
    reading = read('[{"location": "/\\ud800", "tdm-reservation": 1, "\\udfff": 0}]')
    assert (reading.statements[0].path, reading.issues[0].excerpt) == ("/?", "?")


def test_the_file_that_names_itself_is_flagged():
    assert codes(read([rule("/.well-known/tdmrep.json", 1)])) == ["rule.self_location"]


def test_issues_are_limited():
    reading = read([{"location": "/", "tdm-reservation": 1} | {f"k{n}": n for n in range(5000)}])
    assert len(reading.issues) == 201
    assert reading.issues[-1].code == "tdmrep.more_issues"


def test_rules_are_limited():
    reading = read([rule(f"/{n}", 1) for n in range(20_001)])
    assert (len(reading.statements), codes(reading)) == (20_000, ["too_many_rules"])


def _conformance() -> list[object]:
    path = CORPUS / "conformance" / "tdmrep.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    cases = [json.loads(line) for line in lines]
    return [pytest.param(c, id=c["name"]) for c in cases if "tdmrep_json" in c["input"]]


@pytest.mark.corpus
@pytest.mark.parametrize("case", [c for c in _conformance() if "priority" not in c.id])
def test_the_examples_of_the_report(case):
    given, expected = case["input"], case["expected"]
    path = "/" + given["url"].split("/", 3)[3]
    reading = read(given["tdmrep_json"])
    found = [one.statement for one in tdmrep_file.statements_for(reading, Question(path=path))]
    values = {
        None: [],
        0: ["permitted"],
        1: ["conditional" if expected["tdm-policy"] else "reserved"],
    }
    assert [s.stance.value for s in found] == values[expected["tdm-reservation"]]
    assert [s.policy for s in found if s.policy] == [p for p in [expected["tdm-policy"]] if p]


@pytest.mark.corpus
def test_real_files_parse():
    files = sorted((CORPUS / "tdmrep").glob("*.json")) if CORPUS.is_dir() else []
    if not files:
        pytest.skip(f"no corpus at {CORPUS}")
    found = [read(file.read_bytes()) for file in files if "tdmrep" in file.name.split("__")[-1]]
    counting = [reading for reading in found if counting_stances(reading, "/")]
    lenient = [reading for reading in found if lenient_stances(reading, "/")]
    assert {reading.presence for reading in found} == {Presence.PRESENT, Presence.MALFORMED}
    assert all(reading.issues for reading in found if reading.presence is Presence.MALFORMED)
    assert (len(found), len(counting), len(lenient)) == (30, 22, 3)


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("location", ["//", "https://a.example/", "", "^/.*"])
def test_a_misspelt_permission_hides_no_reservation_in_a_broken_file(before, location):
    text = (
        f'{before}[{{"location": "{location}", "tdm-reservation": 0}},'
        ' {"location": "/", "tdm-reservation": 1}]'
    )
    reading = tdmrep_file.parse(Document(body=text.encode(), media_type="application/json"))
    for path in (None, "/", "/a/b"):
        applied = tdmrep_file.statements_for(reading, Question(path=path))
        assert Stance.RESERVED in {one.statement.stance for one in applied if not one.limited_to}


@pytest.mark.parametrize("between", [", ", "\n", "] [", "];\n["])
def test_rules_without_brackets_are_all_read(between):
    one, two = (json.dumps(rule(f"/{name}", 1)) for name in "ab")
    reading = read(f"{one}{between}{two}".removeprefix("["))
    assert [one.path for one in reading.statements] == ["/a", "/b"]
    assert [one.line for one in reading.statements] == [1, 1 + between.count("\n")]
    assert not any(one.counts for one in reading.statements)
    assert "tdmrep.json" in {one.code for one in reading.issues}
