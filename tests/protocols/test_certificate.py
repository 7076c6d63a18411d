"""The organisation in a certificate: only one that an authority validated, and any octets."""

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Observation, Question, Target
from crawler.protocols import parse as steps
from crawler.protocols.context import certificate
from crawler.protocols.parsing import der
from crawler.vocab import Outcome, Resource
from tests.fetch.certificates import DOMAIN, EXTENDED, ORGANISATION, sign


def made(**options: str) -> bytes:
    signed = sign("a.example", **options).certificate
    return signed.public_bytes(serialization.Encoding.DER)


VALIDATED = made(organisation="A Verlag GmbH", policy=ORGANISATION)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"organisation": "A Verlag GmbH", "policy": ORGANISATION}, "A Verlag GmbH"),
        ({"organisation": "Ä", "policy": EXTENDED}, "Ä"),
        ({"organisation": "A Ltd", "policy": DOMAIN}, None),
        ({"organisation": "A Ltd"}, None),
        ({"policy": ORGANISATION}, None),
        ({}, None),
    ],
)
def test_only_a_validated_organisation_is_named(options, name):
    reading = certificate.parse(Document(body=made(**options)))
    found = [(p.source, p.role, p.confidence, p.name, p.place) for p in reading.parties]
    named = ("certificate.organisation", "operator", "high", name, "subject")
    assert found == ([named] if name else [])
    assert certificate.names_organisation(made(**options)) == bool(name)
    assert [i.code for i in reading.issues] == ([] if name else ["certificate.other_format"])


def test_a_response_has_its_certificate_as_a_document():
    url = "https://a.example/"
    seen = Observation(
        target=Target(resource=Resource.HOME, asked=url, url=url),
        outcome=Outcome.RESPONDED,
        status=200,
    )
    assert steps.read(certificate, seen).presence == "absent"
    seen = Observation(target=seen.target, outcome=seen.outcome, status=200, certificate=VALIDATED)
    assert [p.name for p in steps.read(certificate, seen).parties] == ["A Verlag GmbH"]


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"\x30", "breaks off"),
        (b"\x30\x05\x00", "breaks off"),
        (b"\x30\x80", "length"),
        (b"\x30\x85\x00\x00\x00\x00\x00", "length"),
        (b"\x02\x01\x00", "no certificate"),
        (b"\x30\x02\x02\x00", "no certificate"),
        (b"\x30\x02\x30\x00", "no certificate"),
        (b"", "unpack"),
        (b"\x30\x00", "unpack"),
    ],
)
def test_octets_that_are_no_certificate(octets, message):
    with pytest.raises(ValueError, match=message):
        der.subject_of(octets)


@pytest.mark.parametrize(
    ("tag", "octets", "text"),
    [(0x1E, "Ä".encode("utf-16-be"), "Ä"), (0x14, b"\xc4", "Ä"), (0x0C, "Ä".encode(), "Ä")],
)
def test_strings_of_names(tag, octets, text):
    def element(tag: int, content: bytes) -> bytes:
        return bytes((tag, len(content))) + content

    attribute = element(0x30, element(6, b"\x55\x04\x0a") + element(tag, octets))
    other = element(0x30, element(6, b"\x55\x04\x03") + element(tag, octets))
    broken = element(0x30, element(6, b"\x55\x04\x0a"))
    name = b"".join(element(0x31, one) for one in (other, broken, attribute))
    fields = element(2, b"") + element(0x30, b"") * 3 + element(0x30, name) + element(0x30, b"")
    octets = element(0x30, element(0x30, fields))
    assert der.subject_of(octets).organisation == text


@given(
    st.binary(max_size=200)
    | st.tuples(st.integers(0, len(VALIDATED) - 1), st.integers(0, 255)).map(
        lambda change: VALIDATED[: change[0]] + bytes((change[1],)) + VALIDATED[change[0] + 1 :]
    )
)
def test_any_octets_give_a_reading(octets):
    reading = certificate.parse(Document(body=octets))
    assert reading.statements == certificate.statements_for(reading, Question()) == ()
