"""A part that nothing could be read in is no silence, whatever stands in the other parts."""

import pytest

from crawler.evaluate.evaluation_cache import EvaluationCache
from crawler.vocab import State
from tests.sample_origins import INCLUSIVE, SIGNALS, STRICT, Answer, findings, html, origin

FREE = (State.SILENT, State.PERMITTED)
URL = "https://h.example/license.xml"
LICENCE = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
    '<permits type="usage">all</permits></license></content></rsl>'
)
GROUP = "User-agent: *\nAllow: /\n"
# What is readable and permits something, and what no reading makes a statement of, of one protocol.
PARTS = {
    "content_signal_robots": ("Content-Signal: search=yes", "Content-Signal: ai-train=perhaps"),
    "aipref_robots": ("Content-Usage: search=y", "Content-Usage: train-ai=<<<"),
    "aipref_robots by path": ("Content-Usage: search=y", "Content-Usage: /a <<<"),
    "ai_control": ("AllowAITraining: /", "DisallowAITraining: no"),
    "rsl_robots": (f"License: {URL}", "License: elsewhere"),
}
RULES = {
    "no value": '{"location": "/a/"}',
    "another value": '{"location": "/a/", "tdm-reservation": "perhaps"}',
    "no rule": '"/a/"',
}
PERMITS = '{"location": "/b/", "tdm-reservation": 0}'


def robots(*lines: str):
    """Return an origin whose robots.txt has these lines in its one group."""
    text = GROUP + "\n".join(lines) + "\n"
    licence = Answer(body=LICENCE, kind="application/rsl+xml")
    licences = {URL: licence} if URL in text else {}
    return origin(robots=text, licences=licences)


def states(resources, rules):
    return {purpose: finding.state for purpose, finding in findings(resources, rules).items()}


@pytest.mark.parametrize(("readable", "unreadable"), PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
def test_an_unreadable_line_frees_nothing_beside_a_readable_one(readable, unreadable, is_first):
    lines = (unreadable, readable) if is_first else (readable, unreadable)
    both, alone = robots(*lines), robots(unreadable)
    for purpose, state in states(both, INCLUSIVE).items():
        assert state not in FREE, purpose
        assert states(alone, INCLUSIVE)[purpose] is State.UNKNOWN
    for found in findings(both, INCLUSIVE).values():
        if found.state is State.UNKNOWN:
            assert "robots_txt (could not be read)" in found.detail


@pytest.mark.parametrize(("readable", "unreadable"), PARTS.values(), ids=PARTS)
def test_an_unreadable_line_changes_no_state_where_only_strict_readings_count(readable, unreadable):
    for rules in (SIGNALS, STRICT):
        before, after = (findings(robots(*s), rules) for s in ((readable,), (readable, unreadable)))
        for purpose, found in after.items():
            assert found.state is before[purpose].state
            # It is shown, so that nobody takes what is there for all that was said.
            assert found.malformed or found.state in (State.RESERVED, State.CONDITIONAL)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_an_unreadable_rule_of_tdmrep_json_frees_nothing_beside_a_readable_one(rule):
    for rules in ((rule, PERMITS), (PERMITS, rule), (rule,)):
        found = states(origin(tdmrep=f"[{', '.join(rules)}]"), INCLUSIVE)
        assert set(found.values()) == {State.UNKNOWN}
    readable = states(origin(tdmrep=f"[{PERMITS}]"), INCLUSIVE)
    assert set(readable.values()) <= set(FREE)


def test_an_unusable_link_of_a_page_frees_nothing_beside_a_usable_one():
    link = '<link rel="license" type="application/rsl+xml" href="{}">'
    licence = {URL: Answer(body=LICENCE, kind="application/rsl+xml")}
    alone = origin(home=html(link.format(URL)), licences=licence)
    assert set(states(alone, INCLUSIVE).values()) <= set(FREE)
    both = origin(home=html(link.format(URL) + link.format("")), licences=licence)
    assert set(states(both, INCLUSIVE).values()).isdisjoint(FREE)


def test_evidence_with_an_unread_part_shares_no_evaluation_with_what_says_nothing():
    cache = EvaluationCache((INCLUSIVE,), INCLUSIVE)
    # A preference of no purpose that is known makes no statement, and is no mistake.
    silent, unread = "Content-Usage: bots=y", "Content-Usage: train-ai=<<<"
    for lines in ((silent,), (silent, unread), (silent,)):
        resources = robots(*lines)
        told = [finding.state for finding in cache.evaluation_of(resources).findings]
        assert told == list(states(resources, INCLUSIVE).values())
