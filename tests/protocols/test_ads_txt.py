"""ads.txt: the domains that it names as owner and manager, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Party, Question
from crawler.protocols.context import ads_txt

SELLER = "adnetwork.example, pub-1, DIRECT, abc\n"


def read(text: str | bytes, media_type: str = "text/plain"):
    body = text.encode() if isinstance(text, str) else text
    return ads_txt.parse(Document(body=body, media_type=media_type))


def summary(reading):
    codes = [issue.code.removeprefix("ads_txt.") for issue in reading.issues]
    named = [(p.source.removeprefix("ads_txt."), p.uid) for p in reading.parties]
    return reading.presence.value, named, codes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(SELLER, ("present", [], []), id="sellers only"),
        pytest.param(
            SELLER + "OWNERDOMAIN=Publisher.example # us\n",
            ("present", [("ownerdomain", "publisher.example")], []),
            id="owner",
        ),
        pytest.param(
            "ownerdomain = www.a.example\nOWNERDOMAIN=b.example\n",
            ("present", [("ownerdomain", "a.example")], ["repeated"]),
            id="the first owner counts",
        ),
        pytest.param(
            "MANAGERDOMAIN=m.example, DE\nMANAGERDOMAIN=n.example, FR\nCONTACT=a@b.example",
            ("present", [("managerdomain", "m.example"), ("managerdomain", "n.example")], []),
            id="a manager a country",
        ),
        pytest.param(
            "OWNERDOMAIN=\nOWNERDOMAIN=us\nOWNERDOMAIN=a.example",
            ("present", [("ownerdomain", "a.example")], ["domain", "domain"]),
            id="no domain",
        ),
        pytest.param("Disallow: /", ("absent", [], ["other_format"]), id="another format"),
        pytest.param("<!doctype html>", ("absent", [], ["soft_404"]), id="HTML"),
        pytest.param(" \n", ("absent", [], ["empty"]), id="empty"),
        pytest.param("OWNERDOMAIN=a\x00", ("absent", [], ["binary"]), id="binary"),
    ],
)
def test_file(text, expected):
    assert summary(read(text)) == expected


def test_html_by_its_media_type_alone():
    assert summary(read("Not found", "text/html")) == ("absent", [], ["soft_404"])


def test_a_domain_is_a_party_of_low_confidence():
    assert read("OWNERDOMAIN=a.example").parties == (
        Party(
            source="ads_txt.ownerdomain",
            role="owner_domain",
            confidence="low",
            uid="a.example",
            place="line 1",
        ),
    )


def test_a_hostile_file_is_bounded():
    reading = read("".join(f"MANAGERDOMAIN=h{n}.example\nOWNERDOMAIN=!\n" for n in range(5000)))
    assert (len(reading.parties), len(reading.issues)) == (50, 201)


@given(st.binary(max_size=200) | st.text("OWNERDOMAIN=.,\n# ax", max_size=60).map(str.encode))
def test_any_bytes_give_a_reading(body):
    reading = read(body)
    assert reading == read(body)
    assert reading.statements == ads_txt.statements_for(reading, Question()) == ()
