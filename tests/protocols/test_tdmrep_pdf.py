"""TDMRep in the XMP of a PDF."""

import pytest

from crawler import media
from crawler.model import Document
from crawler.protocols.tdmrep import tdmrep_file, tdmrep_header, tdmrep_html
from crawler.protocols.tdmrep import tdmrep_pdf as protocol
from crawler.vocab import DeclaredBy
from tests.media_files import TDM, jpeg, pdf, tdm, xmp
from tests.protocols.protocol_tables import applicable, codes, meant

POLICY = "https://provider.com/policies/policy.json"
HASH = "http://www.w3.org/ns/tdmrep#"


def read(packet: str, container=pdf):
    return protocol.parse(Document(body=media.extract(container(packet))))


def summary(reading):
    found = applicable(protocol, reading, "/a.pdf"), meant(protocol, reading, "/a.pdf")
    return reading.presence.value, *found, codes(reading)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        pytest.param(tdm(), ("present", ["tdm reserved"], [], []), id="1"),
        pytest.param(tdm(policy=POLICY), ("present", ["tdm conditional"], [], []), id="and policy"),
        pytest.param(
            tdm(reservation="0"), ("present", ["tdm permitted"], [], []), id="M11 the file's part"
        ),
        pytest.param(
            tdm(space=HASH),
            ("malformed", [], ["tdm reserved"], ["pdf.namespace"]),
            id="T27",
        ),
        pytest.param(
            tdm(space=HASH, policy=POLICY),
            ("malformed", [], ["tdm conditional"], ["pdf.namespace"] * 2),
            id="T27 with a policy",
        ),
        pytest.param(
            xmp(attributes=f'xmlns:t="{TDM}" t:reservation="1" t:policy="{POLICY}"'),
            ("present", ["tdm conditional"], [], []),
            id="attributes, another prefix",
        ),
        pytest.param(
            xmp(attributes=f'xmlns:tdm="{TDM}" tdm:tdm-reservation="1"'),
            ("malformed", [], ["tdm reserved"], ["pdf.name"]),
            id="the name HTTP uses",
        ),
        pytest.param(
            xmp(attributes=f'xmlns:tdm="{TDM}" tdm:other="1"'),
            ("absent", [], [], []),
            id="another property",
        ),
        pytest.param(
            tdm(reservation="true"),
            ("malformed", [], ["tdm reserved"], ["type_mismatch"]),
            id="true",
        ),
        pytest.param(
            tdm(reservation="perhaps"),
            ("malformed", [], [], ["value.not_a_bit"]),
            id="not a bit",
        ),
        pytest.param(
            tdm(reservation="", policy=POLICY), ("present", [], [], ["policy_alone"]), id="no 1"
        ),
        pytest.param(
            xmp(
                "<tdm:reservation>1</tdm:reservation><tdm:reservation>0</tdm:reservation>"
                "<tdm:reservation>1</tdm:reservation>",
                f'xmlns:tdm="{TDM}"',
            ),
            ("present", ["tdm reserved", "tdm permitted"], [], ["pdf.contradictory"]),
            id="two values",
        ),
        pytest.param(
            tdm().replace('rdf:about=""', "rdf:about=x"),
            ("present", ["tdm reserved"], [], ["xmp_mended"]),
            id="as the report prints its example",
        ),
        pytest.param(
            f"<x xmlns:tdm='{TDM}'", ("malformed", [], [], ["xmp_malformed"]), id="no XML"
        ),
        pytest.param(xmp(), ("absent", [], [], []), id="nothing"),
    ],
)
def test_properties(packet, expected):
    assert summary(read(packet)) == expected


def test_a_statement_and_its_policy():
    reading = read(tdm(policy="/terms.json"))
    (one,) = reading.statements
    assert (one.rule, one.place, one.line) == ("tdmrep.pdf.1", "XMP of the PDF, tdm:reservation", 4)
    assert (one.raw, one.declared_by) == ("tdm:reservation: 1", DeclaredBy.MEDIA_FILE)
    assert reading.names == ("/terms.json",)


def test_xmp_of_an_image_is_absent():
    assert summary(read(tdm(), jpeg)) == ("absent", [], [], [])


def test_a_pdf_that_cannot_be_opened_is_unseen():
    assert summary(read(tdm(), lambda packet: pdf(packet)[:100])) == ("unseen", [], [], ["unread"])


def test_the_media_carriers_have_the_greatest_rank():
    ranks = [p.RANK for p in (tdmrep_file, tdmrep_header, tdmrep_html, protocol)]
    assert ranks == sorted(set(ranks))
