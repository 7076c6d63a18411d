"""The catalogue of agents: its data, and which entry a token as written finds."""

import os
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from cogapp import Cog
from hypothesis import given
from hypothesis import strategies as st

from crawler import agents
from crawler.agents import CATALOGUE, TRAINING, find, suggest, token_forms
from crawler.vocab import AgentClass as Class

ROOT = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("TDM_AUDIT_CORPUS", ROOT.parent / "shared" / "corpus"))
REPORTED = CORPUS / "lists" / "ai_robots_txt_robots.txt"

# What operators document, token by token. Checking advertisements and internal research are no
# classes here. Google-CloudVertexBot collects for the site's own owner: no corpus for others.
DOCUMENTED = {
    Class.TRAIN: """GPTBot ClaudeBot meta-externalagent FacebookBot Bytespider TikTokSpider
        Amazonbot cohere-training-data-crawler AI2Bot PanguBot Timpibot ICC-Crawler DeepSeekBot""",
    Class.CONTROL: "Google-Extended Applebot-Extended Webzio-Extended",
    Class.DATASET: """CCBot Ai2Bot-Dolma Diffbot omgili omgilibot ImagesiftBot img2dataset
        LAIONDownloader laion-huggingface-processor""",
    Class.SEARCH: """OAI-SearchBot Claude-SearchBot Applebot Googlebot Bingbot PerplexityBot YouBot
        Bravebot""",
    Class.USER: """ChatGPT-User Claude-User meta-externalfetcher Perplexity-User MistralAI-User
        DuckAssistBot Google-CloudVertexBot""",
    Class.AGENT: "Operator",
    Class.LEGACY: "anthropic-ai Claude-Web",
    Class.UNDOCUMENTED: """OAI-AdsBot GoogleOther GoogleOther-Image GoogleOther-Video cohere-ai
        ChatGLM-Spider""",
}
ROWS = [(token, kind) for kind, tokens in DOCUMENTED.items() for token in tokens.split()]


@pytest.mark.parametrize(("token", "expected"), ROWS, ids=[token for token, _ in ROWS])
def test_documented_tokens_have_their_class(token, expected):
    got = find(token)
    assert got is not None
    assert (got.token, got.agent_class) == (token, expected)


def test_the_catalogue_is_large_enough_and_uses_every_class():
    got = Counter(agent.agent_class for agent in CATALOGUE)
    assert set(got) == set(Class)
    assert got.total() >= 90


def test_training_classes_are_those_that_make_a_refusal_a_statement():
    assert {Class.TRAIN, Class.CONTROL, Class.DATASET} == TRAINING


@pytest.mark.parametrize("agent", CATALOGUE, ids=lambda a: a.token)
def test_entries_are_short_sourced_and_dated(agent):
    assert re.fullmatch(r"https://\S+|[\w.: ]+, (as served in )?20\d\d(-\d\d-\d\d)?", agent.source)
    assert re.fullmatch(r"[A-Z].{10,120}\.", agent.note)
    assert date.fromisoformat(agent.as_of) <= date.fromisoformat(agents.VERSION)
    assert agent.successor == "" or find(agent.successor) is not None


@pytest.mark.parametrize("agent", CATALOGUE, ids=lambda a: a.token)
def test_every_token_is_reached_in_any_case_and_with_a_version(agent):
    for written in (agent.token, agent.token.upper(), f"  {agent.token}/1.0 (+https://x.example/)"):
        got = next(filter(None, map(find, token_forms(written))), None)
        assert got == agent


@pytest.mark.parametrize("general", ["Scrapy", "Code", "Spider", "*", ""])
def test_general_names_are_not_agents_and_near_nothing(general):
    assert (find(general), suggest(general)) == (None, None)


CANDIDATES = [
    ("plain", "GPTBot", ("gptbot",)),
    ("R16 any case", "gptBOT", ("gptbot",)),
    ("R17 version", "CCBot/2.0", ("ccbot/2.0", "ccbot")),
    (
        "full User-Agent",
        "CCBot/2.0 (https://commoncrawl.org/faq/)",
        ("ccbot/2.0 (https://commoncrawl.org/faq/)", "ccbot"),
    ),
    ("comment without version", "CCBot (a b)", ("ccbot (a b)", "ccbot")),
    ("space before the slash", "CCBot /2.0", ("ccbot /2.0", "ccbot")),
    ("space inside", "Kangaroo Bot", ("kangaroo bot",)),
    ("white space is folded", "\tKangaroo \t Bot ", ("kangaroo bot",)),
    ("R20 digits", "img2dataset", ("img2dataset",)),
    ("a list is one token (R39)", "ClaudeBot, GPTBot", ("claudebot, gptbot",)),
    ("everybody", "*", ("*",)),
    ("R40 not everybody", "*/", ("*/",)),
    ("a slash alone", "/", ("/",)),
    ("empty", " \t", ()),
]


@pytest.mark.parametrize(("token", "expected"), [c[1:] for c in CANDIDATES], ids=lambda v: repr(v))
def test_candidates(token, expected):
    assert token_forms(token) == expected


WHOLE = [
    ("R18 part of a control token", "Google", None),
    ("R19 end of a token", "Spider", None),
    ("U02 Applebot is not Applebot-Extended", "Applebot", "Applebot"),
    ("U05 beginning of a token", "Claude", None),
    ("U07 case only", "Meta-ExternalAgent", "meta-externalagent"),
    ("U08 longer than a token", "OperatorX", None),
    ("wildcard", "GPT*", None),
    ("outer space is left to candidates", " GPTBot", None),
]


@pytest.mark.parametrize(("token", "expected"), [w[1:] for w in WHOLE], ids=[w[0] for w in WHOLE])
def test_find_compares_whole_tokens(token, expected):
    got = find(token)
    assert (got and got.token) == expected


NEAR = [
    ("U05 name of the family", "Claude", "ClaudeBot"),
    ("family with a bot", "Google", "Googlebot"),
    ("family without a bot of its name", "ChatGLM", "ChatGLM-Spider"),
    ("too short for a family", "Meta", None),
    ("a family of several operators", "Image", None),
    ("version after a family", "Claude/1.0", "ClaudeBot"),
    ("U+2011", "Perplexity\N{NON-BREAKING HYPHEN}User", "Perplexity-User"),
    ("en dash", "Google\N{EN DASH}Extended", "Google-Extended"),
    ("underscore", "chatgpt_user", "ChatGPT-User"),
    ("no hyphen", "metaexternalagent", "meta-externalagent"),
    ("a hyphen too many", "GPT-Bot", "GPTBot"),
    (
        "apostrophes",
        "\u2018GPTBot\u2019",
        "GPTBot",
    ),
    ("full-width letters", "ＧＰＴＢｏｔ", "GPTBot"),
    ("asterisks", "*ExaBot*", "ExaBot"),
    ("neighbours swapped", "GTPBot", "GPTBot"),
    ("letter doubled", "GPTBott", "GPTBot"),
    ("letter lost", "ClaudBot", "ClaudeBot"),
    ("letter replaced", "Bytespidor", "Bytespider"),
    ("letter lost at the end", "PerplexityBo", "PerplexityBot"),
    ("two slips", "GTPBott", None),
    ("too short for a slip", "CBot", None),
    ("known", "GPTBot", None),
    ("known by its candidate", "CCBot/2.0", None),
    ("a known program that is no agent", "pingbot", None),
    ("browser", "Mozilla/5.0 (compatible; GPTBot/1.3)", None),
    ("two agents in one line", "ClaudeBot, GPTBot", None),
    ("punctuation only", "-/-", None),
    ("too long to be a slip", "GPT" + "-" * 80 + "Bot", None),
]


@pytest.mark.parametrize(("token", "expected"), [n[1:] for n in NEAR], ids=[n[0] for n in NEAR])
def test_near_names_what_was_probably_meant(token, expected):
    got = suggest(token)
    assert (got and got.token) == expected


@given(st.text(max_size=80))
def test_any_token_has_an_answer(token):
    forms = token_forms(token)
    assert all(form == form.strip() and form for form in forms)
    if any(map(find, forms)):
        assert suggest(token) is None


def entry(**changes):
    """Return a valid `[[agent]]` table with some fields changed; None removes one."""
    sound = {
        "token": "ABot",
        "operator": "A",
        "class": "train",
        "note": "Collects.",
        "source": "https://a.example/",
        "as_of": date(2026, 11, 22),
    }
    return {name: value for name, value in (sound | changes).items() if value is not None}


BROKEN = [
    ("two that differ by case", [entry(), entry(token="abot")], "'abot' is there twice"),
    ("unknown class", [entry(**{"class": "ads"})], "agent 1 (ABot) has the unknown class 'ads'"),
    ("no token", [entry(), entry(token=None)], "agent 2 (without a token) lacks token"),
    ("no class, no date", [entry(**{"class": None}, as_of=None)], "lacks as_of, class"),
    ("date as text", [entry(as_of="2026-11-22")], "as_of is not a date"),
    ("misspelt field", [entry(succesor="B")], "has unknown fields: succesor"),
    ("empty note", [entry(note="")], "note is not plain text in one line"),
    ("note of two lines", [entry(note="a\nb")], "note is not plain text in one line"),
    ("number for a name", [entry(operator=1)], "operator is not plain text in one line"),
    ("unknown successor", [entry(successor="BBot")], "unknown successor 'BBot'"),
]


@pytest.mark.parametrize(("tables", "said"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_catalogue_says_what_is_wrong(tables, said):
    with pytest.raises(agents.CatalogueError, match=re.escape(said)):
        agents.parse_catalogue(tables)


def test_a_sound_catalogue_keeps_its_order():
    got = agents.parse_catalogue([entry(token="BBot"), entry(successor="bbot")])
    assert [(a.token, a.agent_class, a.as_of, a.successor) for a in got] == [
        ("BBot", Class.TRAIN, "2026-11-22", ""),
        ("ABot", Class.TRAIN, "2026-11-22", "bbot"),
    ]


@pytest.mark.parametrize("page", ["reference/agents.md", "explanation/rules.md"])
def test_generated_parts_of_the_pages_are_current(page, capsys):
    assert Cog().main(["cog", "--check", str(ROOT / "docs" / page)]) == 0, capsys.readouterr().out


@pytest.mark.corpus
@pytest.mark.skipif(not REPORTED.exists(), reason=f"no corpus at {CORPUS} (TDM_AUDIT_CORPUS)")
def test_most_reported_tokens_are_known_and_the_rest_is_left_out_on_purpose():
    lines = REPORTED.read_text(encoding="utf-8").splitlines()
    reported = [line.split(":", 1)[1].strip() for line in lines if line.startswith("User-agent:")]
    unknown = {t for t in reported if not any(map(find, token_forms(t)))}
    assert len(reported) > 150
    assert len(unknown) <= 30
    assert {"Scrapy", "Code", "Spider"} <= unknown
