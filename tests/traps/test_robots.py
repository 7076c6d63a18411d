"""Traps of robots.txt: groups, tokens, coverage, and what a mention is worth (15 to 26)."""

import pytest

from crawler import agents
from crawler.model import Document
from crawler.protocols.robots import robots_txt
from crawler.vocab import AgentClass
from tests.protocols.protocol_tables import allows
from tests.sample_origins import codes, findings, origin, reading, state


def parsed(text):
    return robots_txt.parse(Document(body=text.encode()))


def test_trap_15_stacked_agents_after_an_earlier_group_share_their_rules():
    text = "User-agent: *\nDisallow: /tmp/\n\nUser-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
    for agent in ("GPTBot", "CCBot"):
        assert state(origin(robots=text), "genai_train", agent=agent) == "reserved"
    assert state(origin(robots=text), "genai_train", agent="ClaudeBot") == "silent"


def test_trap_16_groups_of_one_agent_merge_and_a_tie_allows():
    text = (
        "User-agent: GPTBot\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n\n"
        "User-agent: GPTBot\nDisallow: /c\nAllow: /a\n"
    )
    allowed = {path: allows(parsed(text), "GPTBot", path) for path in ("/a", "/b", "/c")}
    assert allowed == {"/a": True, "/b": True, "/c": False}


BETWEEN = [
    "Sitemap: https://h.example/s.xml",
    "Crawl-delay: 5",
    "Content-Signal: search=yes",
    "Content-Usage: search=y",
    "License: https://h.example/l.xml",
]


@pytest.mark.parametrize("line", BETWEEN, ids=lambda line: line.partition(":")[0])
def test_trap_17_a_line_between_stacked_agents_does_not_part_them_and_is_noted(line):
    resources = origin(robots=f"User-agent: GPTBot\n{line}\nUser-agent: CCBot\nDisallow: /\n")
    for agent in ("GPTBot", "CCBot"):
        assert state(resources, "genai_train", agent=agent) == "reserved"
    assert "robots.group.interrupted" in codes(resources, "robots_txt")


SHORTER = [
    ("GPT", "GPTBot"),
    ("Google", "Google-Extended"),
    ("Applebot", "Applebot-Extended"),
    ("Claude", "ClaudeBot"),
    ("Meta", "meta-externalagent"),
    ("AI2Bot", "Ai2Bot-Dolma"),
]


@pytest.mark.parametrize(("short", "whole"), SHORTER, ids=[s for s, _ in SHORTER])
def test_trap_18_a_group_for_a_product_token_is_not_a_prefix_match(short, whole):
    text = f"User-agent: {short}\nDisallow: /\n"
    assert allows(parsed(text), whole, "/")
    assert state(origin(robots=text), "genai_train", agent=whole) == "silent"
    text = f"User-agent: {whole}\nDisallow: /\n"
    assert allows(parsed(text), short, "/")


@pytest.mark.parametrize("token", ["AI2Bot", "img2dataset", "Kangaroo Bot", "CCBot/2.0"])
def test_trap_19_tokens_with_digits_spaces_or_a_version_are_matched(token):
    resources = origin(robots=f"User-agent: {token}\nDisallow: /\n")
    assert state(resources, "genai_train", agent=token.partition("/")[0]) == "reserved"
    assert state(resources, "genai_train") == "partial"


@pytest.mark.parametrize("token", ["5emeRue", "Nobody's Bot?", ""])
def test_trap_20_an_agent_line_without_a_name_closes_the_group_before_it(token):
    text = f"User-agent: GPTBot\nDisallow:\n\nUser-agent: {token}\nDisallow: /\n"
    assert allows(parsed(text), "GPTBot", "/")
    assert state(origin(robots=text), "genai_train") == "silent"


MENTIONS = [
    ("allowed", "User-agent: GPTBot\nAllow: /\n", "silent"),
    ("a comment", "# User-agent: GPTBot\n# Disallow: /\n", "silent"),
    ("nothing refused", "User-agent: GPTBot\nDisallow:\n", "silent"),
    ("one directory", "User-agent: GPTBot\nDisallow: /private\n", "partial"),
]


@pytest.mark.parametrize(
    ("text", "expected"), [m[1:] for m in MENTIONS], ids=[m[0] for m in MENTIONS]
)
def test_trap_21_a_mention_is_not_a_refusal(text, expected):
    assert state(origin(robots=text), "genai_train", agent="GPTBot") == expected


def test_trap_22_what_everybody_is_refused_is_access_and_no_reservation():
    text = "User-agent: *\nDisallow: /search\n"
    assert state(origin(robots=text), "genai_train") == "silent"
    text = "User-agent: *\nDisallow: /\n\nUser-agent: GPTBot\nAllow: /\n"
    assert state(origin(robots=text), "genai_train") == "refused"
    assert state(origin(robots=text), "genai_train", agent="GPTBot") == "silent"


COVERAGE = [
    ("Disallow: /*", "reserved"),
    ("Disallow: *", "reserved"),
    ("Disallow: /$", "partial"),
    ("Disallow: /\nAllow: /robots.txt", "reserved"),
    ("Disallow: /\nAllow: /news/", "partial"),
    ("Disallow: /\nAllow: /", "silent"),
]


@pytest.mark.parametrize(("rules", "expected"), COVERAGE, ids=[c[0] for c in COVERAGE])
def test_trap_23_what_a_group_covers_is_computed(rules, expected):
    resources = origin(robots=f"User-agent: GPTBot\n{rules}\n")
    assert state(resources, "genai_train", agent="GPTBot") == expected


def test_trap_24_agents_have_no_case_and_paths_have():
    reading_ = parsed("USER-AGENT: gptBOT\nDISALLOW: /News/\n")
    allowed = [allows(reading_, "GPTBot", path) for path in ("/News/1", "/news/1")]
    assert allowed == [False, True]


@pytest.mark.parametrize("token", ["anthropic-ai", "Claude-Web"])
def test_trap_25_a_retired_agent_shows_intent_and_decides_nothing(token):
    resources = origin(robots=f"User-agent: {token}\nDisallow: /\n")
    (said,) = reading(resources, "robots_txt").statements
    assert (said.agent, said.counts) == (token, False)
    found = findings(resources)["genai_train"]
    assert (found.state.value, len(found.considered)) == ("silent", 1)


@pytest.mark.parametrize(
    ("token", "kind", "purpose"),
    [
        ("PerplexityBot", AgentClass.SEARCH, "search"),
        ("OAI-SearchBot", AgentClass.SEARCH, "search"),
        ("ChatGPT-User", AgentClass.USER, "ai_input"),
    ],
)
def test_trap_26_an_agent_that_searches_or_serves_a_user_does_not_train(token, kind, purpose):
    assert agents.find(token).agent_class is kind
    resources = origin(robots=f"User-agent: {token}\nDisallow: /\n")
    assert state(resources, "genai_train") == "silent"
    assert state(resources, purpose) == "partial"


def test_trap_26_a_link_previewer_is_no_ai_agent():
    assert agents.find("SummalyBot") is None
    assert agents.find("Summaly") is None
