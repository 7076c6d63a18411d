"""ai.txt: file types, paths, groups, and the other formats at the same address."""

import os
from pathlib import Path

import pytest

from crawler.model import Document, Question
from crawler.protocols.files import ai_txt
from crawler.vocab import Presence, Purpose, Stance

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)


def read(text: str | bytes, **kind: object):
    body = text.encode() if isinstance(text, str) else text
    return ai_txt.parse(Document(body=body, **kind))


def star(*rules: str) -> str:
    return "\n".join(["User-Agent: *", *rules])


def applicable(reading, path: str | None = None, agent: str | None = None):
    """Return raw text, stance and limit of each applied statement."""
    statements_for = ai_txt.statements_for(reading, Question(path=path, agent=agent))
    return [
        (applied.statement.raw, applied.statement.stance.value, applied.limited_to)
        for applied in statements_for
    ]


def stances(reading, path: str | None, agent: str | None = None) -> list[str]:
    statements_for = ai_txt.statements_for(reading, Question(path=path, agent=agent))
    return [
        applied.statement.stance.value for applied in statements_for if applied.statement.counts
    ]


def codes(reading) -> list[str]:
    return [issue.code.removeprefix("ai_txt.") for issue in reading.issues]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param(star("Disallow: *.jpg", "Allow: /"), "/img/a.jpg", ["reserved"], id="A01"),
        pytest.param(star("Disallow: *.jpg", "Allow: /"), "/img/a.JPG", ["reserved"], id="A02"),
        pytest.param(star("Disallow: *.jpg", "Allow: /"), "/img/a.jpgx", ["permitted"], id="A03"),
        pytest.param(
            star("Disallow: *.jpg", "Allow: /"), "/img/a.jpg?w=200", ["reserved"], id="A04"
        ),
        pytest.param("Disallow: *.html\nAllow: /", "/page", ["permitted"], id="A05"),
        pytest.param("Allow: *.txt\nDisallow: /", "/a.txt", ["permitted"], id="A06-type"),
        pytest.param("Allow: *.txt\nDisallow: /", "/b.html", ["reserved"], id="A06-other"),
        pytest.param("Disallow: /\nDisallow: *", "/any", ["reserved"], id="A07"),
        pytest.param("User-agent: */\nDisallow: /", "/any", [], id="A08 strict"),
        pytest.param(star("Disallow: *.c"), "/style.css", [], id="A09"),
        pytest.param(star("Allow: /", "Disallow: *"), "/x", ["reserved"], id="equal: stricter"),
        pytest.param(
            star("Allow: *.jpg", "Disallow: *.JPG"), "/a.jpg", ["reserved"], id="equal types"
        ),
        pytest.param(
            star("Disallow: /", "Allow: /open/"), "/open/x", ["permitted"], id="path before all"
        ),
        pytest.param(
            star("Disallow: /a/", "Allow: /a/b/"), "/a/b/c", ["permitted"], id="longest path"
        ),
        pytest.param(
            star("Allow: *.jpg", "Disallow: /private/"),
            "/private/a.jpg",
            ["reserved"],
            id="type and path disagree",
        ),
        pytest.param(star("Disallow:"), "/x", [], id="P40 empty"),
        pytest.param(
            star("Disallow: /", "Disallow: *.jpg", "Allow: *.mp3"),
            "/a.mp3",
            ["permitted"],
            id="P39",
        ),
        pytest.param(star("Disallow: *.txt"), "/a.txtfoo", [], id="P39 suffix"),
        pytest.param(star("Disallow: /*.pdf$"), "/a.PDF", ["reserved"], id="slash and dollar"),
        pytest.param(star("Disallow: *.jpg"), "/a.jpg/b", [], id="a dot in a folder"),
        pytest.param(star("Disallow: *.tar.gz"), "/a.tar.gz", ["reserved"], id="two dots: a path"),
    ],
)
def test_what_decides_for_a_path(text, path, expected):
    assert stances(read(text), path) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(["Disallow: /"], [("Disallow: /", "reserved", "")], id="everything"),
        pytest.param(
            ["Disallow: /", "Disallow: *.jpg"],
            [("Disallow: /", "reserved", ""), ("Disallow: *.jpg", "reserved", "file types")],
            id="everything and a type again",
        ),
        pytest.param(
            ["Disallow: *.jpg"], [("Disallow: *.jpg", "reserved", "file types")], id="types only"
        ),
        pytest.param(
            ["Disallow: /static/"], [("Disallow: /static/", "reserved", "paths")], id="paths only"
        ),
        pytest.param(
            ["Disallow: /", "Allow: *.jpg"],
            [
                ("Disallow: /", "reserved", "file types"),
                ("Allow: *.jpg", "permitted", "file types"),
            ],
            id="everything but a type",
        ),
        pytest.param(
            ["Allow: /", "Disallow: *.jpg", "Disallow: /x/"],
            [
                ("Allow: /", "permitted", "paths"),
                ("Disallow: *.jpg", "reserved", "file types"),
                ("Disallow: /x/", "reserved", "paths"),
            ],
            id="nothing but a type and a path",
        ),
        pytest.param(
            ["Allow: *.jpg", "Disallow: *.jpg", "Allow: /", "Disallow: *"],
            [("Disallow: *", "reserved", ""), ("Disallow: *.jpg", "reserved", "file types")],
            id="the stricter of equals",
        ),
        pytest.param(["Disallow:"], [], id="nothing"),
    ],
)
def test_every_deciding_rule_applies_to_the_whole_origin(rules, expected):
    assert applicable(read(star(*rules))) == expected


NAMED = (
    "User-agent: *\nDisallow: /\n\n"
    "User-agent: GoodBot\nUser-agent: Other\nAllow: /\n\n"
    "User-agent: BadBot\nDisallow: *.jpg"
)


@pytest.mark.parametrize(
    ("path", "agent", "expected"),
    [
        pytest.param(
            None,
            None,
            [
                ("Disallow: /", "reserved", ""),
                ("Allow: /", "permitted", "agents"),
                ("Allow: /", "permitted", "agents"),
                ("Disallow: *.jpg", "reserved", "agents"),
            ],
            id="no agent",
        ),
        pytest.param(None, "goodbot", [("Allow: /", "permitted", "")], id="its own group"),
        pytest.param(None, "badbot", [("Disallow: *.jpg", "reserved", "file types")], id="types"),
        pytest.param("/a.jpg", "BADBOT", [("Disallow: *.jpg", "reserved", "")], id="a path"),
        pytest.param("/a.png", "BadBot", [], id="its own group has nothing on it"),
        pytest.param("/a.png", "Unheard", [("Disallow: /", "reserved", "")], id="not named"),
        pytest.param(
            "/a.png",
            None,
            [
                ("Disallow: /", "reserved", ""),
                ("Allow: /", "permitted", "agents"),
                ("Allow: /", "permitted", "agents"),
            ],
            id="a path, no agent",
        ),
    ],
)
def test_agents(path, agent, expected):
    assert applicable(read(NAMED), path, agent) == expected


def shown(reading, path: str | None = None, agent: str | None = None) -> list[str]:
    """Return purpose and stance of the statements that do not count."""
    statements_for = ai_txt.statements_for(reading, Question(path=path, agent=agent))
    return [
        f"{applied.statement.purpose} {applied.statement.stance}"
        for applied in statements_for
        if not applied.statement.counts
    ]


TRAIN, TDM = "ai_train reserved", "tdm reserved"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("Training-allowed: no", TRAIN, id="D6"),
        pytest.param("Disallow-Training: /", TRAIN, id="D6 a path"),
        pytest.param("AI-Training: no", TRAIN, id="D6 AI-Training"),
        pytest.param("Allow-Training: no", TRAIN, id="D6 Allow-Training"),
        pytest.param("TDM: no", TDM, id="D6 TDM"),
        pytest.param("Usage: no-training", TRAIN, id="D6 the value"),
        pytest.param("Training: Disallowed", TRAIN, id="P40"),
        pytest.param("Disallow-Training: yes", TRAIN, id="P40 another"),
        pytest.param("DisallowAITraining: /", TRAIN, id="a robots.txt line"),
        pytest.param("training_allowed: FALSE", TRAIN, id="spelling"),
        pytest.param("Train: 0", TRAIN, id="a number"),
        pytest.param("No-Training: true", TRAIN, id="a key that forbids"),
        pytest.param("Machine-Learning: prohibited", TRAIN, id="machine learning"),
        pytest.param("Data-Mining: not allowed", TDM, id="mining"),
        pytest.param("tdm-reservation: 1", TDM, id="TDMRep in the wrong file"),
        pytest.param("Text and Data Mining: reserved", TDM, id="in words"),
        pytest.param("Policy: ai-training-prohibited", TRAIN, id="a policy"),
        pytest.param("AI: no", TRAIN, id="AI alone"),
        pytest.param("LLM: none", TRAIN, id="models"),
        pytest.param("Training: deny # please", TRAIN, id="with a comment"),
        pytest.param("Disallow: training", TRAIN, id="a rule that is no path"),
        pytest.param("- **Training**: Not allowed", TRAIN, id="in a list of Markdown"),
        pytest.param('{"training": false,', TRAIN, id="in JSON"),
        pytest.param("Training: licence required", "ai_train conditional", id="on terms"),
        pytest.param(
            "Training-License: https://a.example/l", "ai_train conditional", id="a licence page"
        ),
        pytest.param("TrainingOptOut: yes", TRAIN, id="opt-out"),
    ],
)
def test_lines_about_training_are_lenient_and_the_file_permits_nothing(line, expected):
    reading = read(star("Allow: /", line))
    assert stances(reading, None) == stances(reading, "/x") == []
    assert expected in shown(reading)
    assert expected in shown(reading, "/a.jpg", "AnyBot")
    assert "training_line" in codes(reading)
    alone = read(line)
    assert (alone.presence, shown(alone)) == (Presence.MALFORMED, [expected])
    assert codes(alone) == ["other_format", "training_line"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("Training-allowed: yes", ["ai_train permitted"], id="yes"),
        pytest.param("Training: permitted", ["ai_train permitted"], id="permitted"),
        pytest.param("Disallow-Training: no", ["ai_train permitted"], id="not refused"),
        pytest.param("tdm-reservation: 0", ["tdm permitted"], id="TDMRep, 0"),
        pytest.param("Training-Policy: https://a.example/training-no", [], id="a page"),
        pytest.param("Training: see below", [], id="neither yes nor no"),
        pytest.param("Training:", [], id="nothing"),
    ],
)
def test_lines_about_training_that_do_not_reserve_leave_the_rules(line, expected):
    reading = read(star("Allow: /", line))
    assert stances(reading, "/x") == ["permitted"]
    assert (shown(reading), "training_line" in codes(reading)) == (expected, True)


@pytest.mark.parametrize("line", ["OpenAI: no", "Contact: x", "Retrain-Contact", "Sitemap: /train"])
def test_other_lines_are_not_about_training(line):
    reading = read(star("Allow: /", line))
    assert (stances(reading, "/x"), shown(reading)) == (["permitted"], [])


def test_a_line_about_training_leaves_what_is_reserved_and_keeps_to_its_agents():
    reading = read("User-agent: A\nUser-agent: B\nDisallow: /\nTraining: no\n")
    assert stances(reading, "/x", "A") == ["reserved"]
    assert (shown(reading, None, "b"), shown(reading, None, "c")) == ([TRAIN], [])
    assert list(ai_txt.named_agents(reading)) == ["A", "B"]
    assert list(ai_txt.named_agents(read("<p>"))) == []
    path = read(star("Allow: /", "Disallow-Training: /art/"))
    assert (shown(path, "/art/x")[1:], shown(path, "/x")) == ([TRAIN], ["ai_train permitted"])
    artefact = read("User-agent: */\nAllow: /\nTraining: no")
    assert shown(artefact, "/x", "AnyBot") == ["ai_train permitted", TRAIN]


def test_a_page_says_nothing_about_training():
    assert read("<p>\nTraining: no\n").statements == ()


def test_lines_about_training_are_bounded():
    agents = "".join(f"User-agent: a{n}\n" for n in range(300))
    assert len(read(agents + "Training: no\n" * 3).statements) == 200


N01 = "We reserve all rights to text and data mining under Art. 4(3) Directive 2019/790."


@pytest.mark.parametrize(
    ("text", "location", "line"),
    [
        pytest.param(f"# {N01}\n" + star("Disallow: /"), "ai_txt_comment", 1, id="D7 a comment"),
        pytest.param(
            star("Disallow: /  # We reserve all rights to text", "# and data mining."),
            "ai_txt_comment",
            2,
            id="D7 a comment on two lines",
        ),
        pytest.param(f"# ACME\n\n> {N01}\n", "ai_txt_text", 3, id="D7 Markdown"),
        pytest.param('{"policy": "' + N01 + '"}', "ai_txt_text", 1, id="D7 JSON"),
        pytest.param(star("Allow: /", N01), "ai_txt_text", 3, id="D7 prose among rules"),
    ],
)
def test_sentences_are_candidates(text, location, line):
    (found,) = read(text).candidates
    assert (found.location, found.line, found.strength) == (location, line, "candidate")


def test_a_page_and_binary_content_have_no_candidates():
    assert read(f"<p>{N01}").candidates == read(f"\x00{N01}").candidates == ()


@pytest.mark.parametrize("agent", [None, "AnyBot", "*"])
def test_a08_the_artefact_of_the_plugin_is_a_lenient_reading(agent):
    reading = read("# Spawning AI/\nUser-agent: */\nDisallow: /")
    assert codes(reading) == ["agent_artefact"]
    statements_for = ai_txt.statements_for(reading, Question(agent=agent))
    assert [
        (applied.statement.agent, applied.statement.counts, applied.limited_to)
        for applied in statements_for
    ] == [("*", False, "")]


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        pytest.param("<!doctype html><p>", {}, "soft_404", id="A10 by its body"),
        pytest.param("Not here", {"media_type": "text/html"}, "soft_404", id="A10"),
        pytest.param("# About\n\n- Indexing: Allowed\n", {}, "other_format", id="A11"),
        pytest.param("Some words.\nDisallow: /\n", {}, "other_format", id="prose without a group"),
        pytest.param("Disallow: /\nSitemap: /s\n", {}, "other_format", id="fields, no group"),
        pytest.param("User-agent: *\nDisallow: all\n", {}, "other_format", id="no rule"),
        pytest.param("User-agent: *\nDisal", {"truncated": True}, "other_format", id="cut off"),
        pytest.param(" \n", {}, "empty", id="empty"),
        pytest.param(b"PK\x03\x04..\x00", {}, "binary", id="binary"),
    ],
)
def test_other_formats_are_absent(body, kind, code):
    reading = read(body, **kind)
    assert (reading.presence, codes(reading)) == (Presence.ABSENT, [code])
    assert ai_txt.statements_for(reading, Question()) == ()


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        pytest.param(star("Disallow: /"), {"media_type": "text/html"}, ["media_type"], id="html"),
        pytest.param(star("Disallow: /", "Disall"), {"truncated": True}, ["truncated"], id="cut"),
        pytest.param("\ufeff" + star("Disallow: /"), {}, ["bom"], id="byte order mark"),
        pytest.param(star("Disallow: /").encode("utf-16"), {}, ["encoding"], id="UTF-16"),
        pytest.param(star("Disallow: /", "Disallow: all"), {}, ["value"], id="a value in words"),
        pytest.param(
            star("Disallow: /", "OpenAI: no", "openai: no", "Please leave.", "Now."),
            {},
            ["unknown_field", "prose"],
            id="other fields and prose",
        ),
        pytest.param("Disallow: /", {}, ["no_agent"], id="no group"),
        pytest.param(
            star("Disallow: *.html", "Disallow: *.htm", "Allow: /", "Disallow: *.x"),
            {},
            ["extensionless"],
            id="A05",
        ),
        pytest.param("USER_AGENT : *\r\rDISALLOW : / # x", {}, [], id="spelling and line ends"),
    ],
)
def test_deviations_are_flagged_and_the_rules_stay(body, kind, expected):
    reading = read(body, **kind)
    assert (reading.presence, codes(reading)) == (Presence.PRESENT, expected)
    assert "reserved" in stances(reading, "/a.html")


def test_a_statement_has_its_position():
    (one,) = read("# x\nUser-agent: *\n  Disallow: *.JPG # pictures").statements
    assert (one.line, one.place, one.raw) == (3, "ai.txt line 3", "Disallow: *.JPG # pictures")
    assert (one.media, one.path, one.agent, one.n) == ("jpg", None, "*", 1)
    assert (one.purpose, one.tier, one.rule) == (Purpose.AI_TRAIN, 2, "ai_txt.disallow.type")


def test_pairs_of_agent_and_rule_are_bounded():
    agents = "".join(f"User-agent: a{n}\n" for n in range(300))
    reading = read(agents + "Disallow: /x\n" * 300)
    assert (len(reading.statements), codes(reading)) == (10_000, ["too_many_rules"])


@pytest.mark.corpus
def test_real_files():
    files = sorted((CORPUS / "aitxt").glob("*")) if CORPUS.is_dir() else []
    if not files:
        pytest.skip(f"no corpus at {CORPUS}")
    found = {file.name: read(file.read_bytes()) for file in files}
    present = {name.split("__")[0] for name, r in found.items() if r.presence is Presence.PRESENT}
    assert present == {
        "GeopJr",
        "alea-institute",
        "arichtman",
        "bahlo",
        "hacdias",
        "healsdata",
        "patoarchitekci",
        "schklom",
    }
    others = [reading for reading in found.values() if reading.presence is not Presence.PRESENT]
    assert {codes(reading)[0] for reading in others} == {"other_format"}
    assert len(others) == 11
    everything = [
        n
        for n, r in found.items()
        if r.presence is Presence.PRESENT
        and applicable(r)[:1]
        and applicable(r)[0][1:] == ("reserved", "")
    ]
    assert len(everything) == 8


@pytest.mark.parametrize(
    ("body", "permits"),
    [
        pytest.param("Allow: /\n# training is not allowed\n", False, id="eyes D6"),
        pytest.param(star("Allow: / # but no machine learning"), False, id="beside a rule"),
        pytest.param(star("Allow: /", "We do not want data mining."), False, id="prose"),
        pytest.param(star("Allow: /", "NoTraining=yes"), False, id="a field of its own"),
        pytest.param(star("Allow: /", "training=disallowed"), False, id="eyes C2"),
        pytest.param(star("Allow: /", "# We train dogs."), True, id="nothing against it"),
        pytest.param(star("Allow: /", "a = b"), True, id="another field"),
        pytest.param(star("Allow: /", "Contact: training@x.example"), True, id="an address"),
    ],
)
def test_a_file_that_speaks_against_training_permits_nothing(body, permits):
    reading = read(body)
    applied = ai_txt.statements_for(reading, Question())
    assert any(s.counts and s.stance is Stance.PERMITTED for s, _ in applied) is permits
    assert ("refusal_in_prose" in codes(reading) or "training_line" in codes(reading)) is (
        not permits
    )
