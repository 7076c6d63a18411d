"""Traps of robots directives, ai.txt, signals, preferences and licences (36 to 46)."""

import pytest

from crawler.vocab import Presence, Resource
from tests.sample_origins import Answer, codes, evidence, findings, html, origin, reading, state


def tagged(*values, head=""):
    return origin(pages={"/p": html(head, *(("X-Robots-Tag", value) for value in values))})


def page_state(resources, agent=None):
    return state(resources, "ai_train", path="/p", agent=agent)


@pytest.mark.parametrize(
    "value", ["max-snippet: 20, noai", "unavailable_after: 25 Jun 2030 15:00:00 PST, noai"]
)
def test_trap_36_a_directive_with_a_colon_is_no_agent(value):
    assert page_state(tagged(value)) == "reserved"


def test_trap_37_what_follows_an_agent_is_for_that_agent():
    resources = tagged("googlebot: noindex, noai")
    assert page_state(resources) == "partial"
    assert page_state(resources, "CCBot") == "silent"
    assert page_state(resources, "Googlebot") == "reserved"


def test_trap_38_what_stands_before_an_agent_is_for_everybody():
    assert page_state(tagged("noai, googlebot: noindex")) == "reserved"


@pytest.mark.parametrize("values", [["NOAI"], ["noml"], ["noindex", "noai"]], ids=str)
def test_trap_38_directives_have_no_case_and_headers_may_repeat(values):
    assert page_state(tagged(*values)) == "reserved"


def test_trap_38_none_is_about_search():
    assert page_state(tagged("none")) == "silent"


def test_trap_39_ai_txt_is_about_file_types():
    resources = origin(ai="User-Agent: *\nDisallow: /\nDisallow: *.jpg\nAllow: *.mp3\n")
    got = {p: state(resources, "ai_train", path=p) for p in ("/a.mp3", "/a.jpg", "/a.html")}
    assert got == {"/a.mp3": "permitted", "/a.jpg": "reserved", "/a.html": "reserved"}
    resources = origin(ai="User-Agent: *\nDisallow: *.txt\n")
    got = {p: state(resources, "ai_train", path=p) for p in ("/a.txtfoo", "/a.TXT")}
    assert got == {"/a.txtfoo": "silent", "/a.TXT": "reserved"}


def test_trap_40_an_empty_disallow_reserves_nothing():
    assert state(origin(ai="User-Agent: *\nDisallow:\n"), "ai_train") == "silent"


def test_trap_40_another_format_of_the_name_is_not_taken_for_this_one():
    resources = origin(ai="Training: Disallowed\n")
    assert reading(resources, "ai_txt").presence is Presence.MALFORMED
    assert "ai_txt.other_format" in codes(resources, "ai_txt")
    found = findings(resources)["ai_train"]
    assert [h.excluded_because for h in found.considered] == ["not counted"]


def test_trap_42_a_signal_before_any_group_is_shown_with_its_place_and_decides_nothing():
    resources = origin(robots="Content-Signal: ai-train=no\nUser-agent: *\nAllow: /\n")
    found = findings(resources)["ai_train"]
    assert (found.state.value, [h.excluded_because for h in found.considered]) == (
        "silent",
        ["not counted"],
    )
    assert "content_signal.outside_group" in codes(resources, "content_signal_robots")


PREAMBLE = (
    "# ANY RESTRICTIONS EXPRESSED VIA CONTENT SIGNALS ARE EXPRESS RESERVATIONS OF RIGHTS UNDER\n"
    "# ARTICLE 4 OF THE EUROPEAN UNION DIRECTIVE 2019/790\n"
)


def test_trap_43_a_preamble_without_a_signal_is_no_signal():
    assert state(origin(robots=f"{PREAMBLE}User-agent: *\nAllow: /\n"), "ai_train") == "silent"


def test_trap_43_case_and_spaces_do_not_matter_and_unknown_keys_are_kept():
    line = "content-signal :  AI-Train = NO , use=reference, ai-retrieval=no"
    resources = origin(robots=f"User-agent: *\n{line}\nAllow: /\n")
    assert state(resources, "ai_train") == "reserved"
    kept = [i.excerpt for i in reading(resources, "content_signal_robots").issues]
    assert any("ai-retrieval" in text for text in kept)
    assert any("use" in text for text in kept)


def test_trap_43_a_preference_may_be_for_a_path():
    resources = origin(robots="User-agent: *\nContent-Usage: /x train-ai=n\nAllow: /\n")
    got = [state(resources, "genai_train", path=path) for path in ("/x/1", "/y")]
    assert got == ["reserved", "silent"]


@pytest.mark.parametrize(
    ("name", "value"), [("Content-Signal", "ai-train=no"), ("Content-Usage", "train-ai=n")]
)
def test_trap_44_signals_in_headers_are_read_as_well(name, value):
    resources = origin(pages={"/p": html("", (name, value))})
    assert state(resources, "genai_train", path="/p") == "reserved"


def test_trap_45_a_licence_of_a_group_is_for_its_agents():
    url = "https://h.example/l.xml"
    text = (
        '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
        '<prohibits type="usage">all</prohibits></license></content></rsl>'
    )
    resources = origin(
        robots=f"User-agent: CCBot\nLicense: {url}\nDisallow:\n",
        licences={url: Answer(body=text, kind="application/rsl+xml")},
    )
    asked = (None, "CCBot", "GPTBot")
    got = [state(resources, "ai_train", agent=agent) for agent in asked]
    assert got == ["partial", "reserved", "silent"]


def test_trap_45_a_licence_that_cannot_be_had_is_a_gap_and_no_absence():
    url = "https://h.example/l.xml"
    resources = origin(robots=f"License: {url}\n", licences={url: Answer(status=503)})
    assert state(resources, "ai_train") == "unknown"
    assert [s.resource for s in findings(resources)["ai_train"].missing] == [Resource.RSL_LICENSE]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Content-Signal: ai-train=no", "content_signal_robots"),
        ("Content-Usage: train-ai=n", "aipref_robots"),
        ("DisallowAITraining: /", "ai_control"),
        ("License: https://h.example/l.xml", "rsl_robots"),
    ],
)
def test_trap_46_a_line_that_crawlers_ignore_is_evidence_all_the_same(line, name):
    resources = origin(robots=f"User-agent: *\n{line}\nAllow: /\n")
    assert reading(resources, name).presence is Presence.PRESENT


def test_trap_40_the_other_address_of_ai_txt_is_another_format():
    other = evidence(
        Resource.AI_TXT_WELL_KNOWN, "/.well-known/ai.txt", Answer(body="Training: Disallowed\n"), 9
    )
    assert [state((*origin(), other), "ai_train")] == ["silent"]
