"""llms.txt: it is there or not, and says nothing about mining whatever stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.context import llms_txt


def read(body: bytes, media_type: str = "text/plain"):
    return llms_txt.parse(Document(body=body, media_type=media_type))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"# ACME\n\n> We make things.\n", ("present", []), id="a title"),
        pytest.param(b"\xef\xbb\xbf\n# ACME", ("present", []), id="a byte order mark"),
        pytest.param(b"ACME\n====\n", ("present", []), id="an underlined title"),
        pytest.param(b"# ACME\nNo training!", ("present", []), id="wishes are not read"),
        pytest.param(b"ACME\n", ("present", ["no_title"]), id="no title"),
        pytest.param(b"<!doctype html>", ("absent", ["soft_404"]), id="HTML"),
        pytest.param(b"", ("absent", ["empty"]), id="empty"),
        pytest.param(b"# \x00", ("absent", ["binary"]), id="binary"),
    ],
)
def test_file(body, expected):
    reading = read(body)
    codes = [issue.code.removeprefix("llms_txt.") for issue in reading.issues]
    assert (reading.presence.value, codes) == expected
    assert (reading.statements, reading.parties) == ((), ())


@given(st.binary(max_size=200) | st.text("#= \na", max_size=60).map(str.encode))
def test_any_bytes_give_a_reading(body):
    reading = read(body)
    assert reading == read(body)
    assert reading.statements == llms_txt.statements_for(reading, Question()) == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("# ACME\n\nText and data mining is prohibited.\n", 3, id="D7 a sentence"),
        pytest.param(
            "# ACME\n> All rights to text\n> and data mining are reserved.", 2, id="quote"
        ),
        pytest.param("# Text and data mining is prohibited", 1, id="D7 a heading"),
        pytest.param("# A\n<b>Text</b> and data mining is prohibited", 2, id="D7 with markup"),
    ],
)
def test_sentences_are_candidates(text, line):
    (found,) = read(text.encode()).candidates
    assert (found.location, found.line, found.strength) == ("llms_txt", line, "candidate")


def test_a_page_has_no_candidates():
    assert read(b"<p>Text and data mining is prohibited").candidates == ()
