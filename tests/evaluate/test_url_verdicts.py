import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.evaluate import url_verdicts
from crawler.evaluate.url_verdicts import (
    DEFAULT,
    PAGE,
    strictest,
    unknown_verdict,
    verdicts_for_path,
)
from crawler.protocols.url_patterns import path_forms
from crawler.vocab import Purpose, Resource, State
from tests import strategies as files
from tests.sample_origins import INCLUSIVE, NOTHING, SIGNALS, STRICT, evidence, html, origin

RULES = st.sampled_from([SIGNALS, INCLUSIVE, STRICT])
ORIGINS = st.builds(
    lambda robots, ai, tdmrep, rsl, home, page: origin(
        robots=robots,
        ai=ai,
        tdmrep=tdmrep,
        home=html(f'<script type="application/rsl+xml">{rsl}</script>', *home),
        pages={"/p": html("", *page)},
    ),
    files.ROBOTS,
    files.AI_TXT,
    files.TDMREP,
    files.RSL,
    files.HEADERS,
    files.HEADERS,
)
FOR = st.sampled_from([None, "GPTBot", "CCBot", "Nobody"])


def genai(found) -> str:
    return next(v.state for v in found if v.purpose == Purpose.GENAI_TRAIN)


@given(
    resources=ORIGINS, paths=st.lists(files.PATHS, min_size=2, max_size=8), rules=RULES, agent=FOR
)
@settings(max_examples=200)
def test_paths_of_the_same_shapes_get_the_same_verdicts(resources, paths, rules, agent):
    shapes = url_verdicts.url_patterns_of(resources)
    seen = {s.path for s in resources if s.resource in (Resource.HOME, Resource.PAGE)}
    by_shapes: dict[tuple[bool, ...], object] = {}
    for path in paths:
        if path.partition("#")[0] in seen or not path.startswith("/"):
            continue
        fits = tuple(shape.fits(path_forms(path)) for shape in shapes)
        found = verdicts_for_path(resources, path, rules, agent, "now")
        assert by_shapes.setdefault(fits, found) == found


@given(resources=ORIGINS, path=files.PATHS, rules=RULES, agent=FOR)
@settings(max_examples=200)
def test_an_outlook_foretells_the_verdict(resources, path, rules, agent):
    path = path.partition("#")[0] or "/"
    told = dict(url_verdicts.default_and_page_verdicts(resources, rules, agent, "now"))
    got = verdicts_for_path(resources, path, rules, agent, "now")
    forms = path_forms(path)
    if PAGE + path in told:
        assert got == told[PAGE + path]
    elif DEFAULT in told and not any(
        shape.fits(forms) for shape in url_verdicts.url_patterns_of(resources)
    ):
        assert got == told[DEFAULT]


def test_the_usual_verdict_is_that_of_a_path_without_any_shape():
    resources = origin(robots="User-agent: GPTBot\nDisallow: /a\nDisallow: /tdm-audit-probe\n")
    assert url_verdicts.probe_path(resources, url_verdicts.url_patterns_of(resources)) == "/0"
    told = dict(url_verdicts.default_and_page_verdicts(resources, SIGNALS, None, "now"))
    assert {what: genai(found) for what, found in told.items()} == {DEFAULT: "silent"}
    assert genai(verdicts_for_path(resources, "/a", SIGNALS, None, "now")) == "partial"


def test_where_every_path_has_a_shape_nothing_is_usual():
    rules = "".join(f"Disallow: /{c}\n" for c in "abcdefghijklmnopqrstuvwxyzX0~%")
    resources = origin(robots=f"User-agent: GPTBot\nDisallow: /*$\nDisallow: /?\n{rules}")
    assert url_verdicts.probe_path(resources, url_verdicts.url_patterns_of(resources)) is None
    assert DEFAULT not in dict(
        url_verdicts.default_and_page_verdicts(resources, SIGNALS, None, "now")
    )


def test_a_page_that_was_seen_is_no_probe():
    resources = origin(pages={"/tdm-audit-probe": html()})
    assert url_verdicts.probe_path(resources, ()) == "/0"


def test_pages_that_speak_stand_for_themselves():
    reserving = html('<meta name="tdm-reservation" content="1">')
    told = dict(
        url_verdicts.default_and_page_verdicts(
            origin(pages={"/p": reserving}), SIGNALS, None, "now"
        )
    )
    assert {what: genai(found) for what, found in told.items()} == {
        DEFAULT: "partial",
        "=/": "silent",
        "=/p": "reserved",
    }
    assert [v.reserved for v in told[DEFAULT] if v.purpose == "tdm"] == [None]


def test_a_page_that_was_not_seen_leaves_its_own_url_unknown():
    resources = (*origin(), evidence(Resource.PAGE, "/p", NOTHING, 9))
    told = dict(url_verdicts.default_and_page_verdicts(resources, SIGNALS, None, "now"))
    assert {what: genai(found) for what, found in told.items()} == {
        DEFAULT: "unknown",
        "=/": "silent",
    }


def test_a_policy_is_resolved_against_what_named_it():
    rules = [{"location": "/", "tdm-reservation": 1, "tdm-policy": "/policy.json"}]
    found = verdicts_for_path(origin(tdmrep=json.dumps(rules)), "/x", SIGNALS, None, "now")
    assert {v.policy_url for v in found if v.purpose == "tdm"} == {"https://h.example/policy.json"}
    assert {v.basis for v in found if v.purpose == "tdm"} == {"tdmrep_file"}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("silent", "unknown"), "unknown"),
        (("permitted", "unknown"), "unknown"),
        (("refused", "unknown"), "refused"),
        (("partial", "reserved"), "reserved"),
        (("silent", "permitted"), "permitted"),
    ],
)
def test_the_strongest_of_several_purposes(states, expected):
    given = [unknown_verdict("x", Purpose.TDM, SIGNALS)._replace(state=state) for state in states]
    assert strictest(given).state == State(expected)
