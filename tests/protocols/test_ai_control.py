"""DisallowAITraining and AllowAITraining, and TDM lines that stray into robots.txt."""

import pytest

from crawler.protocols.robots import ai_control as protocol
from tests.protocols.protocol_tables import applicable, codes, lines, meant, read

NO, YES = "genai_train reserved", "genai_train permitted"
STAR = "User-agent: *"
OLD = "expired_draft"
PARTS = lines(STAR, "DisallowAITraining: /a", "AllowAITraining: /a/b")


def summary(text, path=None, agent=None):
    """Return what counts, what is shown only, and issue codes."""
    reading = read(protocol, text)
    counting = applicable(protocol, reading, path, agent)
    return counting, meant(protocol, reading, path, agent), codes(reading)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param(
            lines(STAR, "DisallowAITraining: /", "Allow: /"), None, ([NO], [], [OLD]), id="E01"
        ),
        pytest.param(lines(STAR, "DisallowAITraining: /"), None, ([NO], [], [OLD]), id="E02"),
        pytest.param(
            lines(STAR, "Disallow: /", "AllowAITraining: /"), None, ([], [], [OLD]), id="E03"
        ),
        pytest.param(
            lines(STAR, "Disallow: /", "AllowAITraining: /"), "/x", ([], [], [OLD]), id="E03-path"
        ),
        pytest.param(
            lines(STAR, "Disallow: /", "AllowAITraining: /a"), None, ([], [], [OLD]), id="E03-part"
        ),
        pytest.param(
            lines(STAR, "Disallow: /", "DisallowAITraining: /"), "/x", ([NO], [], [OLD]), id="both"
        ),
        pytest.param(PARTS, "/a/b/x", ([YES], [], [OLD]), id="E04-allowed"),
        pytest.param(PARTS, "/a/x", ([NO], [], [OLD]), id="E04-disallowed"),
        pytest.param(PARTS, None, ([NO + " (paths)", YES + " (paths)"], [], [OLD]), id="E04"),
        pytest.param(
            lines(STAR, "TDM-Reservation: 1"),
            None,
            ([], ["tdm reserved"], ["tdm_line"]),
            id="E05",
        ),
        pytest.param(
            lines("tdm-reservation: 0", STAR),
            "/x",
            ([], ["tdm permitted"], ["tdm_line"]),
            id="E05-0",
        ),
        pytest.param(
            lines("tdm-reservation: maybe", "tdm-policy: /p", "tdmrep: 1"),
            None,
            ([], [], ["tdm_line"] * 3),
            id="E05 no value",
        ),
        pytest.param(
            lines(STAR, "DisallowAITraining: /", "AllowAITraining: /"),
            "/x",
            ([YES], [], [OLD]),
            id="as Allow and Disallow, a tie allows",
        ),
        pytest.param(
            lines("DisallowAITraining: /", STAR),
            None,
            ([], [NO], ["outside_group", OLD]),
            id="outside a group",
        ),
        pytest.param(
            lines(STAR, "DisallowAITraining: yes"), None, ([], [NO], ["value", OLD]), id="no path"
        ),
        pytest.param(
            lines(STAR, "DisallowAITraining: no"), None, ([], [], ["value", OLD]), id="no"
        ),
        pytest.param(
            lines(STAR, "DisallowAITraining: a/"), "/a/x", ([], [NO], ["value", OLD]), id="a/"
        ),
        pytest.param(
            lines("User-agent: A", "DisallowAITraining: /", STAR, "TDM-Reservation: 1"),
            None,
            ([NO + " A (agents)"], ["tdm reserved"], ["group_disputed", "tdm_line", OLD]),
            id="B3",
        ),
        pytest.param(
            lines(STAR, "Disallow-AI-Training: /"), None, ([], [NO], ["near_miss", OLD]), id="C2"
        ),
        pytest.param(
            lines(STAR, "AI-Training: no"), None, ([], [NO], ["near_miss", "value", OLD]), id="eyes"
        ),
        pytest.param(
            lines(STAR, "NoAI: /a"), "/a/x", ([], [NO], ["near_miss", OLD]), id="eyes, a path"
        ),
        pytest.param(
            lines(STAR, "Allow-AI: yes"), None, ([], [YES], ["near_miss", "value", OLD]), id="yes"
        ),
        pytest.param(
            lines(STAR, "AllowAITraining: forbidden"), None, ([], [NO], ["value", OLD]), id="words"
        ),
        pytest.param(lines(STAR, "DisallowAITraining:"), None, ([], [], [OLD]), id="empty"),
        pytest.param(
            lines("User-agent: GPTBot", "disallowaitraining: /"),
            None,
            ([NO + " GPTBot (agents)"], [], [OLD]),
            id="one agent",
        ),
        pytest.param(
            lines(STAR, "DisallowAITraining: /  # Non-standard: no training", "Content-Usage: a=n"),
            None,
            ([NO], [], [OLD]),
            id="a comment behind",
        ),
        pytest.param(lines(STAR, "Disallow: /"), None, ([], [], []), id="none"),
        pytest.param(b"\xfe\xff", None, ([], [], []), id="UTF-16"),
    ],
)
def test_vectors(text, path, expected):
    assert summary(text, path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(lines(STAR, "DisallowAITraining: /"), "present", id="present"),
        pytest.param(lines(STAR, "DisallowAITraining:"), "present", id="empty"),
        pytest.param(lines(STAR, "DisallowAITraining: no"), "malformed", id="no path"),
        pytest.param(lines(STAR, "TDM-Reservation: 1"), "malformed", id="E05"),
        pytest.param(lines(STAR), "absent", id="absent"),
    ],
)
def test_presence(text, expected):
    assert read(protocol, text).presence.value == expected


def test_a_statement_quotes_its_line():
    (one,) = read(protocol, lines(STAR, "DisallowAITraining: /x")).statements
    assert (one.raw, one.path) == ("User-agent: *\nDisallowAITraining: /x", "/x")
    assert (one.rule, one.tier, one.n) == ("ai_control.disallowaitraining", 2, 1)
