"""/.well-known/ai.txt: it is there, in some format; what it says is read by `ai_txt`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.context import ai_txt_well_known
from crawler.protocols.files import ai_txt
from crawler.vocab import Resource


def read(body: bytes, media_type: str = "text/plain"):
    return ai_txt_well_known.parse(Document(body=body, media_type=media_type))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            b"# ai.txt\nSpec-Version: 1.0\nTraining: deny\n", ("present", "draft_car"), id="draft"
        ),
        pytest.param(
            b"Training: allow\nUser-Agent: *\n", ("present", "draft_car"), id="a mix is the draft"
        ),
        pytest.param(b"# ACME\n\n- a list\n", ("present", "markdown"), id="Markdown"),
        pytest.param(b"# ACME\n## We\n", ("present", "markdown"), id="headings"),
        pytest.param(b'{"training": false}', ("present", "json"), id="JSON"),
        pytest.param(b"No training, please.", ("present", "other_format"), id="prose"),
        pytest.param(b"# a comment alone", ("present", "other_format"), id="a comment"),
        pytest.param(b"<html>", ("absent", "soft_404"), id="HTML"),
        pytest.param(b"", ("absent", "empty"), id="empty"),
        pytest.param(b"abc\x00", ("absent", "binary"), id="binary"),
    ],
)
def test_file(body, expected):
    reading = read(body)
    (issue,) = reading.issues
    assert (reading.presence.value, issue.code.removeprefix("ai_txt_well_known.")) == expected
    assert (reading.statements, reading.parties) == ((), ())


def test_a_file_of_spawning_is_no_issue_and_is_read_by_ai_txt():
    reading = read(b"User-Agent: *\nDisallow: /\n")
    assert (reading.presence.value, reading.issues) == ("present", ())
    assert Resource.AI_TXT_WELL_KNOWN in ai_txt.RESOURCES
    assert ai_txt_well_known.CONTEXT_ONLY


@given(st.binary(max_size=200) | st.text("Training:# -{\n", max_size=60).map(str.encode))
def test_any_bytes_give_a_reading(body):
    reading = read(body)
    assert reading == read(body)
    assert reading.statements == ai_txt_well_known.statements_for(reading, Question()) == ()
