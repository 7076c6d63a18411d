"""security.txt: contacts, without those of persons, and what RFC 9116 requires."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.context import security_txt

EXPIRES = "Expires: 2027-01-01T00:00:00.000Z\n"


def read(text: str | bytes, media_type: str = "text/plain"):
    body = text.encode() if isinstance(text, str) else text
    return security_txt.parse(Document(body=body, media_type=media_type))


def summary(reading):
    codes = [issue.code.removeprefix("security_txt.") for issue in reading.issues]
    return reading.presence.value, codes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Contact: https://a.example/c\n" + EXPIRES, ("present", []), id="minimal"),
        pytest.param("contact: x\nEXPIRES: 2027-01-01t00:00:00+01:00", ("present", []), id="case"),
        pytest.param(EXPIRES, ("malformed", ["no_contact"]), id="no contact"),
        pytest.param("Contact: x", ("malformed", ["no_expires"]), id="no date"),
        pytest.param(
            "Contact: x\nExpires: soon", ("malformed", ["date"]), id="a date that is none"
        ),
        pytest.param("Contact: x\n" + 2 * EXPIRES, ("malformed", ["repeated"]), id="two dates"),
        pytest.param("Hello: world", ("absent", ["other_format"]), id="another format"),
        pytest.param("<html>", ("absent", ["soft_404"]), id="HTML"),
        pytest.param("", ("absent", ["empty"]), id="empty"),
        pytest.param("Contact: \x00", ("absent", ["binary"]), id="binary"),
    ],
)
def test_file(text, expected):
    assert summary(read(text)) == expected


def test_contacts_are_for_security_and_persons_are_private():
    text = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# Us\n"
        "Contact: mailto:Security@a.example?subject=x\nContact: mailto:jane@a.example\n"
        "Contact: tel:+1-555\nContact: https://a.example/report\nPolicy: https://a.example/policy\n"
        "Policy:\nHiring: https://a.example/jobs\n" + EXPIRES
    )
    found = [
        (p.source, p.role, p.confidence, p.contact_page, p.mailbox, p.private)
        for p in read(text).parties
    ]
    contact = ("security_txt.contact", "contact", "low")
    assert found == [
        (*contact, "", "Security@a.example", ()),
        (*contact, "", "", ("jane@a.example",)),
        (*contact, "", "", ("tel:+1-555",)),
        (*contact, "https://a.example/report", "", ()),
        ("security_txt.policy", "contact", "low", "https://a.example/policy", "", ()),
    ]


def test_a_hostile_file_is_bounded():
    reading = read("".join(f"Contact: https://h{n}.example\n{EXPIRES}" for n in range(3000)))
    assert (len(reading.parties), len(reading.issues)) == (50, 201)


@given(st.binary(max_size=200) | st.text("Contact:Expires@/#\n ", max_size=60).map(str.encode))
def test_any_bytes_give_a_reading(body):
    reading = read(body)
    assert reading == read(body)
    assert reading.statements == security_txt.statements_for(reading, Question()) == ()
