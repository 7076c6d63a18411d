import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crawler.evaluate import url_verdicts
from crawler.evaluate.url_verdicts import (
    DEFAULT,
    ORIGIN,
    PAGE,
    strictest,
    unknown_verdict,
    verdicts_for_path,
)
from crawler.protocols.url_patterns import path_forms
from crawler.vocab import Purpose, Resource, State
from tests import strategies as files
from tests.sample_origins import INCLUSIVE, NOTHING, SIGNALS, STRICT, evidence, html, origin
from tests.strategies import UNTIMED

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


@settings(UNTIMED, max_examples=200)
@given(
    resources=ORIGINS, paths=st.lists(files.PATHS, min_size=2, max_size=8), rules=RULES, agent=FOR
)
def test_paths_that_match_the_same_patterns_get_the_same_verdicts(resources, paths, rules, agent):
    patterns = url_verdicts.url_patterns_of(resources)
    seen = {s.path for s in resources if s.resource in (Resource.HOME, Resource.PAGE)}
    by_patterns: dict[tuple[bool, ...], object] = {}
    paths = [path for path in paths if path.startswith("/") and path.partition("#")[0] not in seen]
    assume(len(paths) > 1)
    for path in paths:
        matched = tuple(pattern.matches(path_forms(path)) for pattern in patterns)
        found = verdicts_for_path(resources, path, rules, agent, "now")
        assert by_patterns.setdefault(matched, found) == found


@settings(UNTIMED, max_examples=200)
@given(resources=ORIGINS, path=files.PATHS, rules=RULES, agent=FOR)
def test_default_and_page_verdicts_are_those_of_the_evaluator(resources, path, rules, agent):
    path = path.partition("#")[0] or "/"
    verdicts = dict(url_verdicts.default_and_page_verdicts(resources, rules, agent, "now"))
    forms = path_forms(path)
    patterns = url_verdicts.url_patterns_of(resources)
    no_match = DEFAULT in verdicts and not any(pattern.matches(forms) for pattern in patterns)
    assume(PAGE + path in verdicts or no_match)
    expected = verdicts.get(PAGE + path) or verdicts[DEFAULT]
    assert verdicts_for_path(resources, path, rules, agent, "now") == expected


def test_the_default_verdict_is_that_of_a_path_without_any_pattern():
    resources = origin(robots="User-agent: GPTBot\nDisallow: /a\nDisallow: /tdm-audit-probe\n")
    assert url_verdicts.probe_path(resources, url_verdicts.url_patterns_of(resources)) == "/0"
    verdicts = dict(url_verdicts.default_and_page_verdicts(resources, SIGNALS, None, "now"))
    assert {key: genai(found) for key, found in verdicts.items()} == {
        DEFAULT: "silent",
        ORIGIN: "partial",
    }
    assert genai(verdicts_for_path(resources, "/a", SIGNALS, None, "now")) == "partial"


def test_where_every_path_matches_a_pattern_there_is_no_default():
    rules = "".join(f"Disallow: /{c}\n" for c in "abcdefghijklmnopqrstuvwxyzX0~%")
    resources = origin(robots=f"User-agent: GPTBot\nDisallow: /*$\nDisallow: /?\n{rules}")
    assert url_verdicts.probe_path(resources, url_verdicts.url_patterns_of(resources)) is None
    assert DEFAULT not in dict(
        url_verdicts.default_and_page_verdicts(resources, SIGNALS, None, "now")
    )


def test_a_page_that_was_requested_is_no_probe():
    resources = origin(pages={"/tdm-audit-probe": html()})
    assert url_verdicts.probe_path(resources, ()) == "/0"


def test_pages_with_statements_have_their_own_verdicts():
    reserving = html('<meta name="tdm-reservation" content="1">')
    verdicts = dict(
        url_verdicts.default_and_page_verdicts(
            origin(pages={"/p": reserving}), SIGNALS, None, "now"
        )
    )
    assert {key: genai(found) for key, found in verdicts.items()} == {
        DEFAULT: "partial",
        "=/": "silent",
        "=/p": "reserved",
    }
    assert [v.reserved for v in verdicts[DEFAULT] if v.purpose == "tdm"] == [None]


def test_a_page_that_was_not_seen_leaves_its_own_url_unknown():
    resources = (*origin(), evidence(Resource.PAGE, "/p", NOTHING, 9))
    verdicts = dict(url_verdicts.default_and_page_verdicts(resources, SIGNALS, None, "now"))
    assert {key: genai(found) for key, found in verdicts.items()} == {
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
