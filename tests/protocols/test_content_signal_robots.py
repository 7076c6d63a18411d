"""Content-Signal in robots.txt: the vendor's block, groups, paths, other spellings."""

import pytest

from crawler.protocols.content_signals import content_signal_robots as protocol
from crawler.vocab import DeclaredBy, Presence, Purpose, Stance
from tests.protocols.protocol_tables import applicable, codes, lines, meant, read

NO, YES = "ai_train reserved", "ai_train permitted"
INDEX = "search permitted"
STAR = "User-agent: *"
SYNTAX = ("syntax", "near_miss", "syntax")
PREAMBLE = (
    "# As a condition of accessing this website, you agree to abide by the following:",
    "# (a)  If a Content-Signal = yes, you may collect content for the corresponding use.",
    "# ANY RESTRICTIONS EXPRESSED VIA CONTENT SIGNALS ARE EXPRESS RESERVATIONS OF",
    "# RIGHTS UNDER ARTICLE 4 OF THE EUROPEAN UNION DIRECTIVE 2019/790 ON COPYRIGHT",
)
BEGIN, END = "# BEGIN Cloudflare Managed content", "# END Cloudflare Managed Content"


def signal(value: str) -> str:
    return lines(STAR, f"Content-Signal: {value}", "Allow: /")


def counting(text, path=None, agent=None):
    return applicable(protocol, read(protocol, text), path, agent)


def summary(text):
    """Presence, what counts, what is shown only, and issue codes."""
    reading = read(protocol, text)
    return (
        reading.presence.value,
        applicable(protocol, reading),
        meant(protocol, reading),
        codes(reading),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            lines(*PREAMBLE, STAR, "Content-Signal: search=yes, ai-train=no", "Allow: /"),
            ("present", [INDEX, NO], [], []),
            id="C01",
        ),
        pytest.param(signal("search=yes, ai-train=no"), ("present", [INDEX, NO], [], []), id="C02"),
        pytest.param(
            lines(*PREAMBLE, STAR), ("absent", [], [], ["preamble_only"]), id="C03 a preamble only"
        ),
        pytest.param(
            lines("# no content-signal here", STAR), ("absent", [], [], []), id="C03 a remark"
        ),
        pytest.param(
            signal("search=yes,ai-train=no,use=reference"),
            ("present", [INDEX, NO], [], ["extension"]),
            id="C04",
        ),
        pytest.param(signal("use=full"), ("present", [], [], ["extension"]), id="C04 use alone"),
        pytest.param(
            lines("User-agent: GPTBot", "Content-Signal: ai-train=no"),
            ("present", [NO + " GPTBot (agents)"], [], []),
            id="C05",
        ),
        pytest.param(
            lines("Content-Signal: ai-train=no", STAR),
            ("present", [], [NO], ["outside_group"]),
            id="C06",
        ),
        pytest.param(signal("ai-train=maybe"), ("malformed", [], [], ["value"]), id="C07"),
        pytest.param(
            signal("/blog/ ai-train=no"), ("present", [NO + " (paths)"], [], []), id="C08"
        ),
        pytest.param(
            lines(STAR, "Content-Signal: ai-train=no", "Allow: /", STAR)
            + lines("Content-Signal: ai-train=yes", "Allow: /"),
            ("present", [NO, YES], [], []),
            id="C09",
        ),
        pytest.param(signal("train-ai=n"), ("malformed", [], [NO], ["near_miss"]), id="C10"),
        pytest.param(
            lines(STAR, "Content-Signal: ai-train=no", "User-agent: GPTBot", "Allow: /"),
            ("present", [NO], [], ["group_disputed"]),
            id="C11",
        ),
        pytest.param(signal("ai-train=yes"), ("present", [YES], [], []), id="C12"),
        pytest.param(
            signal("AI-Train = No ,ai-input=NO"),
            ("present", [NO, "ai_input reserved"], [], []),
            id="P43 case and spaces",
        ),
        pytest.param(
            signal("ai-retrieval=no, ai-train=no"),
            ("present", [NO], [], ["unknown_key"]),
            id="P43 unknown key",
        ),
        pytest.param(
            signal("ai-train=false, search=1"),
            ("malformed", [], [NO, INDEX], ["value", "value"]),
            id="other values",
        ),
        pytest.param(
            signal("ai-train=no; search=yes"),
            ("malformed", [], [NO, INDEX], ["syntax"]),
            id="C1 another separator",
        ),
        pytest.param(
            signal("ai-train=no;search=yes"),
            ("malformed", [], [NO, INDEX], ["syntax"]),
            id="C1",
        ),
        pytest.param(
            lines(STAR, "Content-Signals: ai-train=no", "Allow: /"),
            ("malformed", [], [NO], ["near_miss"]),
            id="C2",
        ),
        pytest.param(
            lines(STAR, "\u00a0Content-Signal: ai-train=no", "Content-Signal: search=yes"),
            ("present", [INDEX], [NO], ["near_miss"]),
            id="C2 an invisible character",
        ),
        pytest.param(
            lines("Content-Signal = ai-train=no", STAR),
            ("malformed", [], [NO], ["near_miss", "outside_group"]),
            id="an equals sign for the colon",
        ),
        pytest.param(
            lines(STAR, "?! Content-Signal", "Content-Security: x"), ("absent", [], [], []), id="no"
        ),
        pytest.param(
            signal('ai-train="no", ai_input: no, search no'),
            ("malformed", [], [NO, "ai_input reserved", "search reserved"], ["value", *SYNTAX]),
            id="three ways",
        ),
        pytest.param(
            lines("User-agent: GPTBot", "Content-Signal: ai-train=no", "", STAR, "Disallow: /a"),
            ("present", [NO + " GPTBot (agents)"], [], ["group_disputed"]),
            id="B3",
        ),
        pytest.param(
            signal("all-content-reserved"), ("malformed", [], [], ["syntax"]), id="no pair"
        ),
        pytest.param(signal(""), ("malformed", [], [], ["syntax"]), id="empty"),
        pytest.param(
            signal("ai-train=no, ai-train=yes, ai-train=no"),
            ("present", [NO, YES], [], []),
            id="twice in a line",
        ),
        pytest.param(
            lines(STAR, "Disallow: /", "Content-Signal: ai-train=no"),
            ("present", [NO], [], []),
            id="a closed site reserves all the same",
        ),
        pytest.param(
            lines(STAR, "Content-Signal: ai-train=no", "Content-Signal: /a ai-train=yes"),
            ("present", [NO + " (paths)", YES + " (paths)"], [], []),
            id="a path taken out",
        ),
        pytest.param(
            lines(STAR, "Content-Signal: ai-train=no", "Content-Signal: /a search=yes"),
            ("present", [NO, INDEX + " (paths)"], [], []),
            id="a path and another purpose",
        ),
        pytest.param("<p>content-signal: ai-train=no</p>", ("absent", [], [], []), id="markup"),
        pytest.param(signal("caf\u00e9=no"), ("malformed", [], [], ["unknown_key"]), id="\u00e9"),
    ],
)
def test_what_a_file_says(text, expected):
    assert summary(text) == expected


@pytest.mark.parametrize(
    ("text", "path", "agent", "expected"),
    [
        pytest.param(signal("/blog/ ai-train=no"), "/blog/1", None, [NO], id="C08-blog"),
        pytest.param(signal("/blog/ ai-train=no"), "/shop", None, [], id="C08-other"),
        pytest.param(
            lines(STAR, "Content-Signal: ai-train=no", "Content-Signal: /a search=yes"),
            "/a",
            None,
            [NO, INDEX],
            id="each purpose its longest match",
        ),
        pytest.param(
            lines("User-agent: GPTBot", "Content-Signal: ai-train=no"),
            "/a",
            "GPTBot",
            [NO + " GPTBot"],
            id="C05 asked for",
        ),
        pytest.param(
            lines("User-agent: GPTBot", "Content-Signal: ai-train=no"),
            "/a",
            "Other",
            [],
            id="C05 another",
        ),
    ],
)
def test_what_decides_for_a_path(text, path, agent, expected):
    assert counting(text, path, agent) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(lines(*PREAMBLE) + signal("ai-train=no"), [1], id="C01"),
        pytest.param(lines(*PREAMBLE).lower() + signal("ai-train=no"), [1], id="C01 lower case"),
        pytest.param(lines(*PREAMBLE) + signal("search=yes"), [2], id="a permission"),
        pytest.param(signal("ai-train=no"), [2], id="C02"),
        pytest.param(signal("ai-train=no # article 4"), [2], id="a word of it"),
    ],
)
def test_tiers(text, expected):
    assert [s.tier for s in read(protocol, text).statements] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(BEGIN + "\n" + signal("ai-train=no") + END, ["cdn_managed"], id="a block"),
        pytest.param(
            lines(BEGIN.upper(), signal("ai-train=no"), END.lower()), ["cdn_managed"], id="case"
        ),
        pytest.param(
            lines(BEGIN, signal("ai-train=no"), END, signal("ai-train=yes")),
            ["cdn_managed", "origin_file"],
            id="C09 before and after",
        ),
        pytest.param(lines(BEGIN, signal("ai-train=no")), ["origin_file"], id="no end"),
        pytest.param(lines(END, signal("ai-train=no")), ["origin_file"], id="no beginning"),
    ],
)
def test_who_declared_it(text, expected):
    assert [s.declared_by.value for s in read(protocol, text).statements] == expected


def test_a_statement_quotes_its_line():
    (one,) = read(protocol, signal("ai-train=no")).statements
    assert (one.raw, one.line) == ("User-agent: *\nContent-Signal: ai-train=no", 2)
    assert (one.rule, one.declared_by) == ("content_signal.ai-train.no", DeclaredBy.ORIGIN_FILE)


def test_members_of_a_line_are_limited():
    reading = read(protocol, signal(",".join(f"k{n}=no" for n in range(5000))))
    assert (reading.presence, len(reading.issues)) == (Presence.MALFORMED, 50)


@pytest.mark.parametrize("line", ["q= ai-train=no", "use: ai-train: no", "x=y=ai-train=no"])
def test_a_pair_that_begins_in_another_is_read_leniently(line):
    found = read(protocol, signal(line)).statements
    assert [(one.stance, one.purpose, one.counts) for one in found] == [
        (Stance.RESERVED, Purpose.AI_TRAIN, False)
    ]
