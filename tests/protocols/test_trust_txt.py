"""trust.txt: the statement about training, deviations from the format, and relations."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.files import trust_txt

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)


def read(text: str | bytes, media_type: str = "text/plain", *, truncated: bool = False):
    body = text.encode() if isinstance(text, str) else text
    return trust_txt.parse(Document(body=body, media_type=media_type, truncated=truncated))


def summary(reading):
    """Return presence, counting and lenient stances, and issue codes."""
    statements_for = trust_txt.statements_for(reading, Question(path="/x"))
    assert [applied.limited_to for applied in statements_for] == [""] * len(statements_for)
    counting = [
        applied.statement.stance.value for applied in statements_for if applied.statement.counts
    ]
    lenient = [
        applied.statement.stance.value for applied in statements_for if not applied.statement.counts
    ]
    codes = [issue.code.removeprefix("trust_txt.") for issue in reading.issues]
    return reading.presence.value, counting, lenient, codes


RESERVED = ("present", ["reserved"], [], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("datatrainingallowed=no", RESERVED, id="J01"),
        pytest.param("datatrainingallowed=No", RESERVED, id="J02 case of the value"),
        pytest.param(
            "DataTrainingAllowed=No",
            ("malformed", [], ["reserved"], ["name_case"]),
            id="J02 case of the name",
        ),
        pytest.param("datatrainingallowed=yes", ("present", ["permitted"], [], []), id="J03"),
        pytest.param(
            "datatrainingallowed=yes\ndatatrainingallowed=no",
            ("present", ["reserved"], ["permitted"], ["contradictory"]),
            id="J04",
        ),
        pytest.param(
            "datatrainingallowed=no\ndatatrainingallowed=yes",
            ("present", ["reserved"], ["permitted"], ["contradictory"]),
            id="J04 the other way round",
        ),
        pytest.param(
            "datatrainingallowed=no\ndatatrainingallowed=no",
            ("present", ["reserved"], [], ["repeated"]),
            id="J04 the same twice",
        ),
        pytest.param(
            "datatrainingallowed=yes\ndatatrainingallowed: no",
            ("present", ["permitted"], ["reserved"], ["contradictory", "colon"]),
            id="J04 a lenient no decides nothing",
        ),
        pytest.param("# x\r\n\r\n datatrainingallowed = no # why", RESERVED, id="white space"),
        pytest.param("datatrainingallowed=no\rcontact=a@b", RESERVED, id="CR"),
        pytest.param(
            "datatrainingallowed: no", ("malformed", [], ["reserved"], ["colon"]), id="colon"
        ),
        pytest.param(
            "datatrainingallowed=maybe", ("malformed", [], [], ["value"]), id="another value"
        ),
        pytest.param("datatrainingallowed=", ("malformed", [], [], ["value"]), id="no value"),
        pytest.param("# datatrainingallowed=no\ncontact=x", ("present", [], [], []), id="comment"),
        pytest.param("contact=mailto:a@b.example", ("present", [], [], []), id="no statement"),
        pytest.param(
            "contact=x\nWe like people.\nAnd machines.\nfoo=1\nFOO=2",
            ("present", [], [], ["unknown_name", "prose"]),
            id="prose and other names",
        ),
        pytest.param(
            "\ufeffdatatrainingallowed=no", ("present", ["reserved"], [], ["bom"]), id="BOM"
        ),
        pytest.param("", ("absent", [], [], ["empty"]), id="empty"),
        pytest.param("<!doctype html>", ("absent", [], [], ["soft_404"]), id="J06"),
        pytest.param(
            "Please do not train on us.", ("absent", [], [], ["other_format"]), id="prose"
        ),
        pytest.param("contact\x00=x", ("absent", [], [], ["binary"]), id="binary"),
    ],
)
def test_statement(text, expected):
    assert summary(read(text)) == expected


def test_j06_html_by_its_media_type_alone():
    assert summary(read("Not found", "text/html")) == ("absent", [], [], ["soft_404"])


def test_the_last_line_of_a_truncated_file_is_not_read():
    got = summary(read("contact=x\ndatatrainingallowed=no", truncated=True))
    assert got == ("present", [], [], ["truncated"])


def test_a_statement_has_its_position():
    (found,) = read("# x\ndatatrainingallowed=no\n").statements
    assert (found.rule, found.place, found.raw, found.line, found.tier, found.purpose) == (
        "trust_txt.datatrainingallowed.no",
        "trust.txt line 2",
        "datatrainingallowed=no",
        2,
        2,
        "ai_train",
    )


def test_j07_deviating_and_empty_relations_name_no_party():
    text = "social=https://s.example\nBelongTo: x.example\nControl=x.example\ncontrol=\n"
    (party,) = read(text + "control=a.example/#top\nmember=https://m.example/#top").parties
    assert (party.role, party.uid) == ("controlled", "a.example")
    assert read("").parties == ()


def test_j07_relations_are_parties_of_low_confidence():
    text = (
        "controlledby=https://www.Parent.example/\ncontrol=child.example\ncontrol=child.example/\n"
        "control=us\ncontrol=\nControlledBy=https://x.example\nmember=https://m.example\n"
        "contact=mailto:rights@a.example\ncontact=https://a.example/ask\ncontact=+1 555\n"
    )
    found = [
        (p.source, p.role, p.confidence, p.uid, p.contact_page, p.mailbox, p.private)
        for p in read(text).parties
    ]
    assert found == [
        ("trust_txt.controlledby", "controller", "low", "parent.example", "", "", ()),
        ("trust_txt.control", "controlled", "low", "child.example", "", "", ()),
        ("trust_txt.contact", "contact", "low", "", "", "rights@a.example", ()),
        ("trust_txt.contact", "contact", "low", "", "https://a.example/ask", "", ()),
        ("trust_txt.contact", "contact", "low", "", "", "", ("+1 555",)),
    ]


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                ["datatrainingallowed", "=", ":", "yes", "no", "\n", "control", "#", " ", "\0", "é"]
            ),
            max_size=20,
        ).map(lambda pieces: "".join(pieces).encode()),
    ),
    st.booleans(),
)
def test_any_bytes_give_a_reading(body, truncated):
    reading = read(body, truncated=truncated)
    assert reading == read(body, truncated=truncated)
    assert {applied.statement for applied in trust_txt.statements_for(reading, Question())} == set(
        reading.statements
    )
    assert len(reading.statements) <= 4
    assert all(party.confidence == "low" for party in reading.parties)


def test_a_hostile_file_is_bounded():
    lines = (f"n{n}=1\ncontrol=h{n}.example\ndatatrainingallowed=x\n" for n in range(5000))
    reading = read("".join(lines))
    assert (len(reading.issues), len(reading.parties)) == (201, 2000)


@pytest.mark.corpus
def test_real_files():
    folder = CORPUS / "trusttxt"
    if not folder.is_dir():
        pytest.skip(f"no corpus of real files at {CORPUS}")
    readings = [read(path.read_bytes()) for path in sorted(folder.glob("*.txt"))]
    statements = [
        applied.statement for r in readings for applied in trust_txt.statements_for(r, Question())
    ]
    assert {reading.presence.value for reading in readings} == {"present", "malformed"}
    assert sorted((s.stance.value, s.counts) for s in statements) == [
        ("permitted", True),
        ("reserved", False),
        ("reserved", True),
        ("reserved", True),
    ]
    assert [len(reading.parties) for reading in readings if reading.parties] == [
        1, 2, 2, 1, 1, 2, 1, 1
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "# Text and data mining is prohibited.\nmember=https://a.example/", 1, id="D7"
        ),
        pytest.param(
            "member=https://a.example/\n# Text and data\n# mining is prohibited.",
            2,
            id="D7 two lines",
        ),
        pytest.param("# Text and data mining is prohibited.", 1, id="D7 nothing else"),
    ],
)
def test_sentences_in_comments_are_candidates(text, line):
    (found,) = read(text).candidates
    assert (found.location, found.line) == ("trust_txt_comment", line)


@pytest.mark.parametrize("text", ["<p># TDM is prohibited", "# \x00 TDM is prohibited"])
def test_other_bodies_have_no_candidates(text):
    assert read(text).candidates == ()
