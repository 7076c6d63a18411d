"""Traps of TDMRep: values, carriers, order of rules, and shapes seen in the wild (27 to 35)."""

import json

import pytest

from crawler.protocols.parse import document, parse
from crawler.protocols.tdmrep import tdmrep_header
from crawler.vocab import Presence, Resource
from tests.sample_origins import (
    Answer,
    Target,
    codes,
    findings,
    html,
    observed,
    origin,
    reading,
    state,
)

ONE = '[{"location": "/", "tdm-reservation": 1}]'


def meta(value, name="name"):
    return f'<meta {name}="tdm-reservation" content="{value}">'


def page_of(head="", *headers):
    return origin(pages={"/p": html(head, *headers)})


def test_trap_27_zero_says_not_reserved():
    resources = origin(tdmrep=ONE.replace("1", "0"))
    assert [state(resources, p) for p in ("tdm", "ai_train", "search")] == [
        "permitted", "silent", "silent",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["true", "yes", "1, 1", "2", ""])
def test_trap_27_what_is_neither_0_nor_1_sets_nothing_and_is_flagged(value):
    resources = page_of("", ("tdm-reservation", value))
    assert state(resources, path="/p") == "silent"
    assert [c for c in codes(resources[-1:], "tdmrep_header") if c.startswith("tdmrep.")]


def test_trap_28_the_nearest_carrier_supersedes_and_absence_resets_nothing():
    both = page_of(meta(1), ("tdm-reservation", "0"))
    assert state(both, path="/p") == "reserved"
    opened = origin(tdmrep=ONE, pages={"/p": html("", ("tdm-reservation", "0")), "/q": html()})
    assert [state(opened, path=path) for path in ("/p", "/q")] == ["permitted", "reserved"]


def rules(*pairs):
    return json.dumps([{"location": where, "tdm-reservation": bit} for where, bit in pairs])


FIRST = [
    ("the first of two", rules(("/", 1), ("/open/", 0)), "/open/x", "reserved"),
    ("the special one first", rules(("/open/", 0), ("/", 1)), "/open/x", "permitted"),
    ("an end", rules(("*.pdf$", 1)), "/x.pdf.pdf", "reserved"),
    ("an end that is none", rules(("*.pdf$", 1)), "/x.pdf.html", "silent"),
    ("percent-encoding", rules(("/a%20b/", 1)), "/a b/x", "reserved"),
    ("a query", rules(("/s?q=", 1)), "/s?q=x", "reserved"),
    ("everything", rules(("/", 1)), "/any/where?q", "reserved"),
]


@pytest.mark.parametrize(
    ("text", "path", "expected"), [f[1:] for f in FIRST], ids=[f[0] for f in FIRST]
)
def test_trap_29_the_first_match_in_sequence_decides(text, path, expected):
    assert state(origin(tdmrep=text), path=path) == expected


SHAPES = [
    ("an object", '{"location": "/", "tdm-reservation": 1}', "tdmrep.not_array", "silent"),
    (
        "an object around it",
        '{"tdm": [{"location": "/", "tdm-reservation": 1}]}',
        "tdmrep.not_array",
        "silent",
    ),
    (
        "no comma",
        '[{"location": "/a" "tdm-reservation": 1}]',
        "tdmrep.json",
        "silent",
    ),
    ("a string", '[{"location": "/", "tdm-reservation": "1"}]', "tdmrep.type_mismatch", "silent"),
    (
        "the file itself",
        '[{"location": "/.well-known/tdmrep.json", "tdm-reservation": 1}]',
        "tdmrep.rule.self_location",
        "partial",
    ),
    (
        "no location, and a good rule",
        '[{"tdm-reservation": 1}, {"location": "/", "tdm-reservation": 1}]',
        "tdmrep.rule.no_location",
        "reserved",
    ),
]


@pytest.mark.parametrize(
    ("text", "code", "expected"), [s[1:] for s in SHAPES], ids=[s[0] for s in SHAPES]
)
def test_trap_30_bad_shapes_are_flagged_and_good_rules_kept(text, code, expected):
    resources = origin(tdmrep=text)
    assert code in codes(resources, "tdmrep_file")
    assert state(resources) == expected


def test_trap_30_what_a_broken_shape_meant_is_shown():
    found = findings(origin(tdmrep='{"location": "/", "tdm-reservation": 1}'))["tdm"]
    assert [(h.excluded_because, h.statement.stance.value) for h in found.considered] == [
        ("not counted", "reserved")
    ]


def test_trap_31_a_policy_is_optional_and_need_not_be_had():
    assert state(origin(tdmrep=ONE)) == "reserved"
    named = ONE.replace("}", ', "tdm-policy": "https://h.example/policy"}')
    assert state(origin(tdmrep=named)) == "conditional"


@pytest.mark.parametrize("kind", ["missing", "a page"])
def test_trap_31_a_policy_that_is_no_data_changes_nothing(kind):
    answer = Answer(status=404) if kind == "missing" else html("<title>Our policy</title>")
    named = ONE.replace("}", ', "tdm-policy": "https://h.example/policy"}')
    from tests.sample_origins import evidence

    policy = evidence(Resource.TDM_POLICY, "https://h.example/policy", answer, 99)
    found = findings((*origin(tdmrep=named), policy))["tdm"]
    assert (found.state.value, found.complete) == ("conditional", True)


@pytest.mark.parametrize("name", ["TDM-Reservation", "tdm-reservation", "Tdm-ReserVation"])
def test_trap_32_a_header_name_has_no_case(name):
    assert state(page_of("", (name, "1")), path="/p") == "reserved"


def test_trap_32_a_repeated_header_is_one_list_that_is_no_bit():
    twice = page_of("", ("tdm-reservation", "1"), ("TDM-Reservation", "1"))
    found = findings(twice, path="/p")["tdm"]
    assert found.state.value == "silent"
    assert [h.excluded_because for h in found.considered] == ["not counted"]


@pytest.mark.parametrize("name", ["X-TDM-Reservation", "X-TDM-Opt-Out"])
def test_trap_32_a_header_that_is_not_of_the_standard_is_recorded_as_such(name):
    target = Target(resource=Resource.PAGE, asked="https://h/p", url="https://h/p")
    seen = observed(target, html("", (name, "1")))
    found = parse(tdmrep_header, document(tdmrep_header, seen))
    assert (found.presence, [s.counts for s in found.statements]) == (Presence.MALFORMED, [False])
    assert [issue.code for issue in found.issues] == ["tdmrep.nonstandard_header"]


ELEMENTS = [
    ("reversed", '<meta content="1" name="tdm-reservation">', "reserved"),
    ("unquoted", "<meta name=tdm-reservation content=1>", "reserved"),
    ("single quotes", "<meta name='tdm-reservation' content='1'>", "reserved"),
    ("upper case", '<META NAME="TDM-RESERVATION" CONTENT="1">', "reserved"),
    ("in the body", "</head><body>" + meta(1), "silent"),
    ("after 50 kB", "<style>" + "x" * 50_000 + "</style>" + meta(1), "reserved"),
    ("in a comment", f"<!-- {meta(1)} -->", "silent"),
    ("in noscript", f"<noscript>{meta(1)}</noscript>", "silent"),
    ("in template", f"<template>{meta(1)}</template>", "silent"),
    ("as a property", meta(1, name="property"), "silent"),
    ("in contradiction", meta(0) + meta(1), "reserved"),
]


@pytest.mark.parametrize(
    ("head", "expected"), [e[1:] for e in ELEMENTS], ids=[e[0] for e in ELEMENTS]
)
def test_trap_33_elements_are_read_as_they_are_written(head, expected):
    assert state(page_of(head), path="/p") == expected


def test_trap_33_an_element_that_does_not_count_is_shown_unless_it_is_none():
    shown = {
        kind: len(reading(page_of(head)[-1:], "tdmrep_html").statements)
        for kind, head, _ in ELEMENTS
        if kind in ("in the body", "in noscript", "as a property", "in a comment")
    }
    assert shown == {"in the body": 1, "in noscript": 1, "as a property": 1, "in a comment": 0}


def test_trap_35_a_reservation_of_mining_says_nothing_about_search():
    assert state(origin(tdmrep=ONE), "search") == "silent"
