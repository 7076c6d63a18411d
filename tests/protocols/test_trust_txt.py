"""trust.txt: the statement about training, departures from the format, and relations."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.files import trust_txt
from crawler.protocols.files.trust_txt import Edge, edges_of

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)


def read(text: str | bytes, media_type: str = "text/plain", *, truncated: bool = False):
    body = text.encode() if isinstance(text, str) else text
    return trust_txt.parse(Document(body=body, media_type=media_type, truncated=truncated))


def summary(reading):
    """Presence, counting and lenient stances, and issue codes."""
    statements_for = trust_txt.statements_for(reading, Question(path="/x"))
    assert [applied.limited_to for applied in statements_for] == [""] * len(statements_for)
    said = [v.statement.stance.value for v in statements_for if v.statement.counts]
    meant = [v.statement.stance.value for v in statements_for if not v.statement.counts]
    codes = [issue.code.removeprefix("trust_txt.") for issue in reading.issues]
    return reading.presence.value, said, meant, codes


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


def test_j06_html_by_its_type_alone():
    assert summary(read("Not found", "text/html")) == ("absent", [], [], ["soft_404"])


def test_a_line_that_was_cut_off_is_not_read():
    got = summary(read("contact=x\ndatatrainingallowed=no", truncated=True))
    assert got == ("present", [], [], ["truncated"])


def test_a_statement_says_where_it_stands():
    (found,) = read("# x\ndatatrainingallowed=no\n").statements
    assert (found.rule, found.place, found.raw, found.line, found.tier, found.purpose) == (
        "trust_txt.datatrainingallowed.no",
        "trust.txt line 2",
        "datatrainingallowed=no",
        2,
        2,
        "ai_train",
    )


def test_j07_relations_are_one_sides_word():
    text = "controlledby=https://p.example/\nsocial=https://s.example\nBelongTo: x\ncontrol=\n"
    assert edges_of(read(text + "contact=a@b#c\nmember=https://m.example/#top")) == (
        Edge("controlledby", "https://p.example/", 1, True),
        Edge("belongto", "x", 3, False),
        Edge("contact", "a@b#c", 5, True),
        Edge("member", "https://m.example/#top", 6, True),
    )
    assert edges_of(read("")) == ()


def test_j07_who_controls_whom_is_a_claim_of_the_file_alone():
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
    assert {v.statement for v in trust_txt.statements_for(reading, Question())} == set(
        reading.statements
    )
    assert len(reading.statements) <= 4
    edges_of(reading)


def test_a_hostile_file_does_not_flood():
    reading = read("".join(f"n{n}=1\ncontrol=h{n}\ndatatrainingallowed=x\n" for n in range(5000)))
    assert (len(reading.issues), len(edges_of(reading))) == (201, 2000)


@pytest.mark.corpus
def test_real_files():
    folder = CORPUS / "trusttxt"
    if not folder.is_dir():
        pytest.skip(f"no corpus of real files at {CORPUS}")
    readings = [read(path.read_bytes()) for path in sorted(folder.glob("*.txt"))]
    said = [v.statement for r in readings for v in trust_txt.statements_for(r, Question())]
    assert {reading.presence.value for reading in readings} == {"present", "malformed"}
    assert sorted((s.stance.value, s.counts) for s in said) == [
        ("permitted", True),
        ("reserved", False),
        ("reserved", True),
        ("reserved", True),
    ]
    assert all(edges_of(reading) for reading in readings)
