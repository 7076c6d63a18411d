"""RSL in pages: links that name documents, and scripts that hold one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.rsl import rsl_html

A = "https://a.example/l.xml"
LINK = f'<link rel="license" type="application/rsl+xml" href="{A}">'
RSL = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url=""><license>\n'
    '<prohibits type="usage">ai-train</prohibits></license>'
    '<copyright contactEmail="r@a.example"/></content></rsl>'
)
SCRIPT = f'<script type="application/rsl+xml">\n{RSL}\n</script>'


def read(markup: str):
    return rsl_html.parse(Document(body=page.extract(markup.encode("utf-8", "replace"))))


def summary(reading):
    statements = [
        str(applied.statement.stance)
        for applied in rsl_html.statements_for(reading, Question(path="/x"))
    ]
    codes = [issue.code.removeprefix("rsl.") for issue in reading.issues]
    return reading.presence.value, reading.names, statements, codes


NOTHING = ("absent", (), [], [])


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param(f"<head>{LINK}{LINK}", ("present", (A,), [], []), id="a link"),
        pytest.param(f"<body>{LINK}", ("present", (A,), [], []), id="in the body"),
        pytest.param(f"<head>{SCRIPT}", ("present", (), ["reserved"], []), id="a script"),
        pytest.param(f"<body>{SCRIPT}{LINK}", ("present", (A,), ["reserved"], []), id="both"),
        pytest.param(
            '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">',
            NOTHING,
            id="L09",
        ),
        pytest.param(LINK.replace("license", "alternate"), NOTHING, id="another relation"),
        pytest.param(
            LINK.replace(A, "/l.xml"),
            ("present", ("/l.xml",), [], ["license.not_absolute"]),
            id="L06 D3 resolved as HTML does",
        ),
        pytest.param(
            LINK.replace(f'href="{A}"', ""),
            ("malformed", (), [], ["license.not_absolute"]),
            id="no href",
        ),
        pytest.param(f"<head><template>{LINK}{SCRIPT}</template>", NOTHING, id="template"),
        pytest.param(f"<body><iframe>{SCRIPT}</iframe>", NOTHING, id="iframe"),
        pytest.param(f"<!-- {SCRIPT} -->", NOTHING, id="comment"),
        pytest.param(
            SCRIPT.replace("<rsl", '<!DOCTYPE rsl [<!ENTITY x "">]><rsl'),
            ("malformed", (), [], ["dtd"]),
            id="L11",
        ),
        pytest.param(
            LINK + SCRIPT.replace("</rsl>", ""),
            ("present", (A,), [], ["xml"]),
            id="a broken script",
        ),
        pytest.param(SCRIPT.replace(RSL, ""), ("malformed", (), [], ["xml"]), id="an empty script"),
        pytest.param("<p>", NOTHING, id="nothing"),
    ],
)
def test_elements(markup, expected):
    assert summary(read(markup)) == expected


def test_a_statement_has_its_line_in_the_page():
    (found,) = read(f"<head>\n{SCRIPT.replace('type', 'id=x' + chr(10) + 'type', 1)}").statements
    assert (found.place, found.line, found.declared_by, found.path) == (
        "script line 5",
        5,
        "page",
        None,
    )


def test_two_scripts_give_one_reading_with_consecutive_numbers():
    reading = read(SCRIPT + SCRIPT.replace("ai-train", "search"))
    found = [(s.n, s.purpose.value) for s in reading.statements]
    assert found == [(1, "ai_train"), (2, "search")]
    assert [(p.role, p.private) for p in reading.parties] == [("holder", ("r@a.example",))]


@given(
    st.lists(
        st.sampled_from([LINK, SCRIPT, RSL, "<script", "</script>", ">", "<body>", "\x00", "é"]),
        max_size=6,
    )
)
def test_any_bytes_give_a_reading(pieces):
    reading = read("".join(pieces))
    for applied in rsl_html.statements_for(reading, Question()):
        assert applied.statement in reading.statements
