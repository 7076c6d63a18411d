"""/.well-known/ai.txt: it is there, in some format, and nothing is read from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.context import ai_txt_well_known


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
        pytest.param(b"User-Agent: *\nDisallow: /\n", ("present", "spawning"), id="Spawning"),
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


@given(st.binary(max_size=200) | st.text("Training:# -{\n", max_size=60).map(str.encode))
def test_any_bytes_give_a_reading(body):
    reading = read(body)
    assert reading == read(body)
    assert reading.statements == ai_txt_well_known.statements_for(reading, Question()) == ()
