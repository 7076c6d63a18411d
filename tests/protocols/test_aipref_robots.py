"""Content-Usage in robots.txt: groups, paths, what may not be crawled."""

import pytest

from crawler.protocols.aipref import aipref_robots
from crawler.vocab import DeclaredBy, Presence
from tests.protocols.protocol_tables import applicable, codes, lines, meant, read

NO, YES = "genai_train reserved", "genai_train permitted"
STAR = "User-agent: *"
DRAFT = lines(
    STAR,
    "Allow: /",
    "Disallow: /never/",
    "Content-Usage: train-ai=n",
    "Content-Usage: /ai-ok/ train-ai=y",
    "",
    "User-Agent: ExampleBot",
    "Allow: /",
    "Content-Usage: train-ai=y",
)


def counting(text, path=None, agent=None):
    return applicable(aipref_robots, read(aipref_robots, text), path, agent)


def lenient(text, path=None, agent=None):
    return meant(aipref_robots, read(aipref_robots, text), path, agent)


def issues(text):
    return codes(read(aipref_robots, text))


def star(*rules: str) -> str:
    return lines(STAR, *rules)


@pytest.mark.parametrize(
    ("text", "path", "agent", "expected"),
    [
        pytest.param(DRAFT, "/test", "OtherBot", [NO], id="P14-test"),
        pytest.param(DRAFT, "/never/test", "OtherBot", [], id="P14-never"),
        pytest.param(DRAFT, "/ai-ok/test", "OtherBot", [YES], id="P14-ai-ok"),
        pytest.param(DRAFT, "/test", "ExampleBot", [YES + " ExampleBot"], id="P14-ExampleBot"),
        pytest.param(
            star("Content-Usage: / train-ai=n", "Content-Usage: / train-ai=y"),
            "/x",
            None,
            [NO, YES],
            id="P15 both, and the stricter decides",
        ),
        pytest.param(star("Content-Usage: train-ai=n # no training"), "/x", None, [NO], id="P16"),
        pytest.param(star("Content-Usage: /a%20b train-ai=n"), "/a b", None, [NO], id="P17"),
        pytest.param(star("Content-Usage: /a b train-ai=n"), "/a b", None, [], id="P17-space"),
        pytest.param(lines("Content-Usage: train-ai=n", STAR), "/x", None, [], id="P19"),
        pytest.param(
            star("Content-Usage: train-ai=n, search=y", "Content-Usage: /a search=n"),
            "/a",
            None,
            ["search reserved"],
            id="the longest line decides alone",
        ),
        pytest.param(
            star("Content-Usage: train-ai=n", "Content-Usage: /a train-ai=n,"),
            "/a",
            None,
            [NO],
            id="an invalid line resets nothing",
        ),
        pytest.param(
            star("Content-Usage: train-ai=n", "Content-Usage: /a train-ai=maybe"),
            "/a",
            None,
            [],
            id="an unknown preference does",
        ),
        pytest.param(star("Content-Usage: /*.pdf$ train-ai=n"), "/a.pdf", None, [NO], id="wild"),
        pytest.param(
            star("Content-Usage: /caf\u00e9/ train-ai=n"), "/caf%C3%A9/", None, [NO], id="\u00e9"
        ),
        pytest.param(star("Content-Usage: /\tsearch=n"), "/", None, ["search reserved"], id="tab"),
        pytest.param(star("Content-Usage: train-ai=n"), "/robots.txt", None, [NO], id="itself"),
        pytest.param(
            star("Disallow: /", "Content-Usage: train-ai=n"), "/robots.txt", None, [NO], id="open"
        ),
        pytest.param(star("Disallow: /", "Content-Usage: train-ai=n"), "/", None, [], id="closed"),
        pytest.param(
            lines(STAR, "Content-Usage: train-ai=n", "Allow: /", "User-agent: GPTBot", "Disallow:"),
            "/x",
            "GPTBot",
            [],
            id="a named agent does not inherit",
        ),
        pytest.param(
            lines("User-agent: GPTBot", STAR, "Content-Usage: train-ai=n"),
            "/x",
            "gptbot/1.2",
            [NO],
            id="a group that names it and everybody",
        ),
    ],
)
def test_what_decides_for_a_path(text, path, agent, expected):
    assert counting(text, path, agent) == expected


@pytest.mark.parametrize(
    ("text", "agent", "expected"),
    [
        pytest.param(star("Content-Usage: train-ai=n"), None, [NO], id="P01"),
        pytest.param(star("content-usage :train-ai=n"), "*", [NO], id="spaces and case"),
        pytest.param(
            DRAFT,
            None,
            [NO + " (paths)", YES + " (paths)", YES + " ExampleBot (agents)"],
            id="P14 everybody",
        ),
        pytest.param(DRAFT, "ExampleBot", [YES + " ExampleBot"], id="P14 ExampleBot"),
        pytest.param(DRAFT, "Other", [NO + " (paths)", YES + " (paths)"], id="P14 another"),
        pytest.param(star("Content-Usage: /a train-ai=n"), None, [NO + " (paths)"], id="a path"),
        pytest.param(
            star("Content-Usage: train-ai=n", "Content-Usage: /a search=y"),
            None,
            [NO + " (paths)", "search permitted (paths)"],
            id="a longer line without the label",
        ),
        pytest.param(
            star("Content-Usage: train-ai=n", "Content-Usage: /a train-ai=n"),
            None,
            [NO, NO + " (paths)"],
            id="a path that says the same",
        ),
        pytest.param(
            star("Content-Usage: train-ai=y", "Content-Usage: /* train-ai=n"),
            None,
            [NO],
            id="the longest of everything",
        ),
        pytest.param(
            star("Disallow: /n/", "Content-Usage: train-ai=n", "Content-Usage: /n/ train-ai=y"),
            None,
            [NO],
            id="a path that may not be crawled",
        ),
        pytest.param(star("Disallow: /", "Content-Usage: train-ai=n"), None, [], id="closed"),
        pytest.param(
            star("Disallow: /", "Allow: /$", "Content-Usage: / train-ai=n"),
            None,
            [NO],
            id="refused except for one page",
        ),
        pytest.param(
            star("Disallow: /", "Content-Usage: /a* train-ai=n"), None, [], id="closed, a path"
        ),
        pytest.param(
            lines("User-agent: A", "User-agent: B", "Content-Usage: train-ai=n"),
            None,
            [NO + " A (agents)", NO + " B (agents)"],
            id="two agents",
        ),
        pytest.param(
            lines("User-agent: A", "User-agent: a", "User-agent: B, C", "Content-Usage: search=n"),
            None,
            ["search reserved A (agents)"],
            id="twice the same, and a list",
        ),
        pytest.param(
            lines("User-agent: A", "Content-Usage: search=n", "Disallow: /x", "User-agent: B"),
            "B",
            [],
            id="the group before",
        ),
    ],
)
def test_the_whole_origin(text, agent, expected):
    assert counting(text, None, agent) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(DRAFT, [], id="P14"),
        pytest.param(lines("Content-Usage: train-ai=n"), ["outside_group"], id="P19"),
        pytest.param(star("Content-Usage: /a b train-ai=n"), ["syntax"], id="P17"),
        pytest.param(
            lines("User-agent: A", "Content-Usage: train-ai=n", "User-agent: B", "Disallow: /"),
            ["group_disputed"],
            id="6.8",
        ),
        pytest.param(
            lines("User-agent: A", "Content-Usage: ai=n", "Disallow: /", "User-agent: B"),
            ["legacy_label"],
            id="P13",
        ),
        pytest.param(star("Content-Usage: ai-train=no"), ["near_miss"], id="C10"),
        pytest.param(star("Content-Usages: ai-train=no"), ["near_miss"] * 2, id="C2 plural"),
    ],
)
def test_issues(text, expected):
    assert issues(text) == expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param(lines("Content-Usage: train-ai=n"), None, [NO], id="P19"),
        pytest.param(lines("Content-Usage: train-ai=n", STAR), "/x", [NO], id="P19 a path"),
        pytest.param(star("Content-Usage: ai=n"), None, ["ai_train reserved"], id="P13"),
        pytest.param(star("Content-Usage: TRAIN-AI = N"), "/x", [NO], id="P04"),
    ],
)
def test_lenient_statements(text, path, expected):
    assert (counting(text, path), lenient(text, path)) == ([], expected)


@pytest.mark.parametrize(
    ("agent", "path", "expected"),
    [
        pytest.param("A", "/x", [NO + " A"], id="the agent above"),
        pytest.param("B", "/x", [], id="the agent below"),
        pytest.param(None, "/x", [NO + " A (agents)"], id="all"),
        pytest.param("A", "/p/x", [], id="crawl rules reach both: RFC 9309"),
    ],
)
def test_a_line_ends_the_agents_above_it(agent, path, expected):
    text = lines("User-agent: A", "Content-Usage: train-ai=n", "User-agent: B", "Disallow: /p/")
    assert counting(text, path, agent) == expected


GPTBOT = ("User-agent: GPTBot", "Content-Usage: train-ai=n")


@pytest.mark.parametrize(
    ("text", "expected", "codes_"),
    [
        pytest.param(
            lines(*GPTBOT, "", STAR, "Disallow: /admin/"),
            [NO + " GPTBot (agents)"],
            ["group_disputed"],
            id="B3",
        ),
        pytest.param(
            lines(*GPTBOT, STAR, "Content-Usage: train-ai=y"),
            [NO + " GPTBot (agents)", YES],
            ["group_disputed"],
            id="two groups without crawl rules",
        ),
        pytest.param(
            lines("User-agent: A", *GPTBOT, STAR),
            [NO + " A (agents)", NO + " GPTBot (agents)"],
            ["group_disputed"],
            id="two agents above",
        ),
        pytest.param(
            lines(*GPTBOT, "Content-Usage: search=y", STAR),
            [NO + " GPTBot (agents)", "search permitted GPTBot (agents)"],
            ["group_disputed"] * 2,
            id="two lines",
        ),
        pytest.param(
            lines("User-agent: GPTBot", "Crawl-delay: 1", STAR, "Content-Usage: train-ai=n"),
            [NO],
            [],
            id="a line of nobody ends nothing",
        ),
        pytest.param(
            lines("Content-Usage: train-ai=n", STAR, "Content-Usage: train-ai=n"),
            [NO],
            ["outside_group"],
            id="before any group",
        ),
    ],
)
def test_groups_are_those_of_the_draft(text, expected, codes_):
    assert (counting(text), issues(text)) == (expected, codes_)


def test_agents_with_groups_of_their_own():
    text = lines(*GPTBOT, STAR, "User-agent: a, b", "User-agent: gptbot", "User-agent: CCBot/2*")
    text += lines("User-agent:", "User-agent: *x", "Content-Usage: train-ai=y")
    named = aipref_robots.named_agents(read(aipref_robots, text))
    assert list(named) == ["GPTBot", "CCBot/2"]
    assert list(aipref_robots.named_agents(read(aipref_robots, ""))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(star("Content-Usage: search=y"), Presence.PRESENT, id="read"),
        pytest.param(star("Content-Usage: a b"), Presence.MALFORMED, id="none read"),
        pytest.param(star("Disallow: /"), Presence.ABSENT, id="no line"),
        pytest.param("# Content-Usage: train-ai=n\n", Presence.ABSENT, id="a comment"),
        pytest.param("<p>\nContent-Usage: train-ai=n\n", Presence.ABSENT, id="markup"),
        pytest.param("\ufeff" + STAR, Presence.ABSENT, id="a mark"),
        pytest.param(b"\xff\xfeU\x00", Presence.ABSENT, id="UTF-16"),
        pytest.param("", Presence.ABSENT, id="empty"),
    ],
)
def test_presence(text, expected):
    assert read(aipref_robots, text).presence is expected


def test_a_statement_quotes_its_agent_and_its_line():
    text = lines("User-agent: GPTBot # x", "Disallow:", "  Content-Usage: /a train-ai=n ")
    (one,) = read(aipref_robots, text).statements
    assert one.raw == "User-agent: GPTBot # x\nContent-Usage: /a train-ai=n"
    assert (one.line, one.place, one.path, one.agent) == (3, "robots.txt line 3", "/a", "GPTBot")
    assert (one.tier, one.declared_by, one.n) == (2, DeclaredBy.ORIGIN_FILE, 1)


def test_lines_and_statements_of_a_file_are_limited():
    agents = [f"User-agent: bot{n}" for n in range(300)]
    more = [f"Content-Usage: /{n} train-ai=n, search=n, x=y" for n in range(300)]
    reading = read(aipref_robots, lines(*agents, *more, STAR, "Content-Usage: train-ai=n"))
    assert len(reading.statements) == 200
    assert codes(reading)[0] == "too_many"
    assert len(reading.issues) <= 201
    assert [s.n for s in reading.statements] == list(range(1, 201))
    assert applicable(aipref_robots, reading, "/x", "Other") == [NO]
    closed = lines(*agents, "Content-Usage: train-ai=n", "Disallow: /x", STAR, *more[:1])
    assert counting(closed, "/0", "Other") == [NO, "search reserved"]


def test_a_reading_without_rules_has_no_statements():
    assert counting("") == []
