"""X-Robots-Tag: what a list says, to whom, and what is kept out of the strict reading."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Observation, Question, Target
from crawler.protocols import parse
from crawler.protocols.robots_directives import meta_robots, x_robots_tag
from crawler.vocab import DeclaredBy, Outcome, Purpose, Reads, Resource, Stance


def read(*values: str, name: str = "X-Robots-Tag"):
    lines = "".join(f"{name}: {value}\r\n" for value in values)
    return x_robots_tag.parse(Document(body=lines.encode()))


def summary(reading):
    """Presence, counting and lenient directives as `name agent`, and issue codes."""
    named = [
        (f"{s.rule.removeprefix('directives.header.')} {s.agent}", s) for s in reading.statements
    ]
    counting = [text for text, s in named if s.counts]
    lenient = [text for text, s in named if not s.counts]
    codes = [issue.code.removeprefix("directives.") for issue in reading.issues]
    return reading.presence.value, counting, lenient, codes


NOTHING = ("present", [], [], [])
NOAI = ("present", ["noai *"], [], [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["noai"], NOAI, id="X01"),
        pytest.param(["NoAI"], NOAI, id="X02"),
        pytest.param(["noindex"], NOTHING, id="X03 a search control"),
        pytest.param(["GPTBot: noai"], ("present", ["noai GPTBot"], [], []), id="X04 X05"),
        pytest.param(
            ["GPTBot: noindex, noai"],
            ("present", ["noai GPTBot"], ["noai *"], ["scope_ambiguous"]),
            id="X06",
        ),
        pytest.param(
            ["GPTBot: noindex, nofollow"], NOTHING, id="X06 no flag where nothing depends on it"
        ),
        pytest.param(
            ["otherbot: noindex, GPTBot: noai"],
            ("present", ["noai GPTBot"], [], ["agent_inside"]),
            id="X07",
        ),
        pytest.param(["unavailable_after: 25 Jun 2026, noai"], NOAI, id="X08"),
        pytest.param(
            ["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"], NOAI, id="36 colons in a date"
        ),
        pytest.param(
            ["unavailable_after: Wednesday, 25-Jun-30 15:00:00 PST, noai"],
            NOAI,
            id="a comma in a date",
        ),
        pytest.param(
            ["unavailable_after: Jun 25, 2030 15:00:00 PST, noai"], NOAI, id="two parts of a date"
        ),
        pytest.param(["unavailable_after: 2030-06-25T15:00:00Z,noai"], NOAI, id="ISO 8601"),
        pytest.param(
            ["unavailable_after: 25 Jun 2030, DecBot: noai"],
            ("present", ["noai DecBot"], [], ["agent_inside"]),
            id="an agent is no month",
        ),
        pytest.param(
            ["googlebot: unavailable_after: 25 Jun 2010 15:00:00 PST"], NOTHING, id="both colons"
        ),
        pytest.param(["max-snippet:20, noai"], NOAI, id="X09"),
        pytest.param(["max-image-preview: large, max-video-preview:-1, noai"], NOAI, id="36"),
        pytest.param(["noindex", "noai"], NOAI, id="X10 38"),
        pytest.param(["GPTBot: noindex", "noai"], NOAI, id="the next line is for everybody again"),
        pytest.param(
            ["noai; noimageai"],
            ("malformed", [], ["noai *", "noimageai *"], ["separator", "separator"]),
            id="X11",
        ),
        pytest.param(
            ["noindex; nofollow, noai"],
            ("present", ["noai *"], [], ["separator", "separator"]),
            id="X11 what commas divide is read",
        ),
        pytest.param(
            ["noindex nofollow noai"],
            ("malformed", [], ["noai *"], ["separator"]),
            id="white space",
        ),
        pytest.param(
            ["*=noai; GPTBot="],
            ("malformed", [], ["noai *"], ["separator", "separator", "agent_inside"]),
            id="X17 in the other header",
        ),
        pytest.param(
            ["GPTBot=noai; noml"],
            ("malformed", [], ["noai GPTBot", "noml *"], ["separator", "separator"]),
            id="X17 a semicolon ends the agent",
        ),
        pytest.param(["noml"], ("present", ["noml *"], [], []), id="X12"),
        pytest.param(
            ["noarchive"],
            ("present", ["noarchive bingbot", "noarchive Amazonbot"], [], []),
            id="X13",
        ),
        pytest.param(["googlebot: noarchive"], NOTHING, id="X13 for another agent"),
        pytest.param(
            ["bingbot: noarchive"], ("present", ["noarchive bingbot"], [], []), id="X13 for Bing"
        ),
        pytest.param(["none"], NOTHING, id="X14"),
        pytest.param(
            ["BingBot: nocache", "bingbot: noarchive"],
            ("present", ["nocache BingBot"], [], []),
            id="X16 in two lines",
        ),
        pytest.param(
            ["nocache, noarchive"],
            ("present", ["nocache bingbot", "noarchive Amazonbot"], [], []),
            id="X16 Amazon knows no nocache",
        ),
        pytest.param(
            ["nocache; all, noarchive"],
            (
                "present",
                ["noarchive bingbot", "noarchive Amazonbot"],
                ["nocache bingbot"],
                ["separator", "separator"],
            ),
            id="a lenient nocache weakens nothing",
        ),
        pytest.param(
            ["noai, googlebot: noindex"], ("present", ["noai *"], [], ["agent_inside"]), id="38"
        ),
        pytest.param(
            ["noai, noimageai, noai"], ("present", ["noai *", "noimageai *"], [], []), id="once"
        ),
        pytest.param(
            ["GPTBot: all, noai", "noai"],
            ("present", ["noai GPTBot", "noai *"], [], ["scope_ambiguous"]),
            id="a strict reading replaces the lenient one",
        ),
        pytest.param(["*: noindex, noai"], NOAI, id="a star is everybody"),
        pytest.param(["foo, noai"], ("present", ["noai *"], [], ["unknown"]), id="unknown"),
        pytest.param(
            ["not for noai robots"], ("present", [], [], ["unknown"]), id="a sentence is no list"
        ),
        pytest.param(["de Noailles"], ("present", [], [], ["unknown"]), id="part of a word"),
        pytest.param(
            ['"noai"'], ("malformed", [], ["noai *"], ["quoted"]), id="quotes of a configuration"
        ),
        pytest.param(["no-ai"], ("malformed", [], ["noai *"], ["misspelt"]), id="no-ai"),
        pytest.param(
            ["noai: 1"], ("malformed", [], ["noai *"], ["unexpected_value"]), id="a value"
        ),
        pytest.param(
            ["X-Robots-Tag: noai"],
            ("malformed", [], ["noai *"], ["name_in_value"]),
            id="the name in the value",
        ),
        pytest.param(
            [":,"], ("present", [], [], ["agent_unreadable"]), id="nothing before a colon"
        ),
        pytest.param(
            ["<b>: noai"],
            ("malformed", [], ["noai <b>"], ["agent_unreadable"]),
            id="no token before a colon",
        ),
        pytest.param(
            ["a: b: noai"], ("present", ["noai b"], [], ["agent_inside"]), id="two agents"
        ),
        pytest.param([""], NOTHING, id="empty"),
        pytest.param(
            ["noai," + "noindex," * 1100], ("present", ["noai *"], [], ["too_long"]), id="8 KiB"
        ),
    ],
)
def test_header_lines(values, expected):
    assert summary(read(*values)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("*=noai; GPTBot=", ("malformed", [], ["noai *"], ["robots_tag"]), id="X17"),
        pytest.param(
            "*=noindex, noai; CCBot=noml",
            ("malformed", [], ["noai *", "noml CCBot"], ["robots_tag"]),
            id="X17 its own grammar",
        ),
        pytest.param("noindex", ("present", [], [], ["robots_tag"]), id="nothing about training"),
    ],
)
def test_the_proposed_header(value, expected):
    assert summary(read(value, name="Robots-Tag")) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("noai", (Stance.RESERVED, Purpose.AI_TRAIN, 2, None), id="noai"),
        pytest.param("GPTBot: noai", (Stance.RESERVED, Purpose.AI_TRAIN, 3, None), id="an agent"),
        pytest.param("noimageai", (Stance.RESERVED, Purpose.AI_TRAIN, 2, "image"), id="noimageai"),
        pytest.param("noml", (Stance.RESERVED, Purpose.AI_TRAIN, 2, None), id="noml"),
        pytest.param(
            "amazonbot: noarchive", (Stance.RESERVED, Purpose.GENAI_TRAIN, 3, None), id="noarchive"
        ),
        pytest.param("nocache", (Stance.CONDITIONAL, Purpose.GENAI_TRAIN, 3, None), id="nocache"),
    ],
)
def test_what_a_directive_means(value, expected):
    (one,) = read(value).statements
    assert (one.stance, one.purpose, one.tier, one.media) == expected
    assert (one.declared_by, one.reads, one.place) == (
        DeclaredBy.HEADER,
        Reads.BOTH,
        "header x-robots-tag",
    )


NOBODY: list[tuple[str, str]] = []


@pytest.mark.parametrize(
    ("value", "question", "expected"),
    [
        pytest.param("noai", Question(), [("*", "")], id="X01"),
        pytest.param("GPTBot: noai", Question(), [("GPTBot", "agents")], id="X04"),
        pytest.param("GPTBot: noai", Question(agent="gptbot"), [("GPTBot", "")], id="X05"),
        pytest.param(
            "GPTBot/1.1: noai", Question(agent="GPTBot"), [("GPTBot/1.1", "")], id="version"
        ),
        pytest.param("GPTBot: noai", Question(agent="CCBot"), NOBODY, id="X04 another agent"),
        pytest.param("noai", Question(agent="CCBot"), [("*", "")], id="everybody is each"),
        pytest.param(
            "GPTBot: all, noai", Question(agent="CCBot"), [("*", "")], id="X06 the other reading"
        ),
        pytest.param(
            "GPTBot: all, noai",
            Question(),
            [("GPTBot", "agents"), ("*", "")],
            id="X06 counting first",
        ),
        pytest.param("noarchive", Question(agent="Bingbot"), [("bingbot", "")], id="X13"),
        pytest.param(
            "noarchive", Question(), [("bingbot", "agents"), ("Amazonbot", "agents")], id="X13 all"
        ),
        pytest.param("noimageai", Question(path="/a.html"), [("*", "file types")], id="of a page"),
        pytest.param("noimageai", Question(path="/a.JPG?x=1"), [("*", "")], id="of an image"),
        pytest.param("noimageai", Question(path="/jpg"), [("*", "file types")], id="no extension"),
        pytest.param("noimageai", Question(), [("*", "file types")], id="of an origin"),
        pytest.param("GPTBot: noimageai", Question(), [("GPTBot", "agents")], id="both limits"),
    ],
)
def test_statements_for_a_question(value, question, expected):
    applicable = x_robots_tag.statements_for(read(value), question)
    assert [(applied.statement.agent, applied.limited_to) for applied in applicable] == expected


def test_a_statement_quotes_its_line():
    (one,) = read("noindex", "NoAI").statements
    assert (one.raw, one.line, one.n) == ("X-Robots-Tag: NoAI", 2, 1)
    assert one.clause == "DeviantArt, noai, 11 November 2022"


def test_other_lines_are_not_read():
    reading = x_robots_tag.parse(Document(body=b"x-other: noai\r\nnoai\r\n"))
    assert summary(reading) == ("absent", [], [], [])


def test_headers_of_a_response():
    target = Target(resource=Resource.PAGE, asked="https://a.example/", url="https://a.example/")
    headers = (("x-robots-TAG", "noindex"), ("Server", "noai"), ("X-Robots-Tag", " noai "))
    seen = Observation(target=target, outcome=Outcome.RESPONDED, status=200, headers=headers)
    assert summary(parse.read(x_robots_tag, seen)) == NOAI


def test_statements_and_issues_are_limited():
    agents = [", ".join(f"b{n}x{k}: noai" for k in range(100)) for n in range(5)]
    reading = read(*agents)
    assert len(reading.statements) == 200
    assert len(reading.issues) == 201
    assert reading.issues[0].code == "directives.more_statements"
    assert reading.issues[-1].code == "directives.more_issues"


def test_words_of_a_response_are_limited():
    reading = read(*["index," * 1000] * 6)
    assert summary(reading) == ("present", [], [], ["more_words"])


@pytest.mark.parametrize("name", ["noai", "noimageai", "noml", "noarchive", "nocache"])
def test_every_directive_about_training_is_a_statement(name):
    statements = read(name).statements
    assert {s.rule for s in statements} == {f"directives.header.{name}"}
    assert all(s.counts for s in statements)


PIECES = (
    *"noai noimageai NOML nocache noarchive noindex foo unavailable_after max-snippet".split(),
    *"GPTBot bingbot robots 25-Jun-30 * : : , , ; = \" ' \ud800 é".split(),
    " ",
    "\r\n",
    "X-Robots-Tag: ",
    "Robots-Tag: ",
)
LISTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
HEADER = st.one_of(
    st.binary(max_size=200), LISTS.map(lambda t: f"X-Robots-Tag: {t}".encode("utf-8", "replace"))
)
PAGE = st.tuples(st.sampled_from(["robots", "GPTBot", "x-robots-tag", "viewport"]), LISTS).map(
    lambda pair: page.extract(
        f'<meta name={pair[0]} content="{pair[1]}">'.encode("utf-8", "replace")
    )
)
QUESTIONS = st.builds(
    Question,
    path=st.one_of(st.none(), st.just("/a.jpg"), st.text(max_size=12).map("/".__add__)),
    agent=st.one_of(st.none(), st.just("GPTBot"), st.text(max_size=5)),
)


@settings(max_examples=200, deadline=None)
@given(
    pair=st.one_of(
        st.tuples(st.just(x_robots_tag), HEADER),
        st.tuples(st.just(meta_robots), st.one_of(PAGE, st.binary(max_size=50))),
    ),
    question=QUESTIONS,
)
def test_every_document_has_one_reading(pair, question):
    protocol, body = pair
    reading = protocol.parse(Document(body=body))
    assert protocol.parse(Document(body=body)) == reading
    assert [s.n for s in reading.statements] == list(range(1, len(reading.statements) + 1))
    applicable = protocol.statements_for(reading, question)
    assert {applied.statement for applied in applicable} <= set(reading.statements)
    counting = [applied.statement.counts for applied in applicable]
    assert counting == sorted(counting, reverse=True)
    texts = [text for s in reading.statements for text in (s.raw, s.agent, s.place)]
    for text in [*texts, *(issue.excerpt for issue in reading.issues)]:
        text.encode("utf-8")
