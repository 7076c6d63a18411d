"""PLUS data mining in XMP: every key, every serialisation, and what is nearly right."""

import json

import pytest

from crawler import media
from crawler.media import Media, MediaFault, Packet
from crawler.model import Document
from crawler.protocols.media import plus_xmp as protocol
from crawler.vocab import DeclaredBy
from tests.media_files import PLUS, VOCABULARY, plus, xmp
from tests.protocols.protocol_tables import applicable, codes, meant

IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
ALL = ["tdm reserved", "ai_input reserved", "search reserved"]
OFFERED = ["tdm conditional", "ai_input conditional", "search conditional"]
SEE = f"{VOCABULARY}DMI-PROHIBITED-SEE"


def read(*packets: str, kind: str = "jpeg", faults: tuple[MediaFault, ...] = (), cut: bool = False):
    kept = tuple(Packet(place="APP1", text=packet, cut=cut) for packet in packets)
    extract = media.write(Media(kind=kind, packets=kept, faults=faults))
    return protocol.parse(Document(body=extract))


def summary(reading):
    found = applicable(protocol, reading, "/a.jpg"), meant(protocol, reading, "/a.jpg")
    return reading.presence.value, *found, codes(reading)


def element(value: str) -> str:
    return xmp(f"<plus:DataMining>{value}</plus:DataMining>", f'xmlns:plus="{PLUS}"')


def resource(value: str) -> str:
    return xmp(f'<plus:DataMining rdf:resource="{value}"/>', f'xmlns:plus="{PLUS}"')


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        pytest.param(
            plus(f"{VOCABULARY}DMI-PROHIBITED"), ("present", ALL, [], []), id="M01 attribute"
        ),
        pytest.param(
            resource(f"{VOCABULARY}DMI-PROHIBITED-AIMLTRAINING"),
            ("present", ["ai_train reserved"], [], []),
            id="M02 rdf:resource",
        ),
        pytest.param(
            plus(f"{VOCABULARY}DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING"),
            ("present", ["tdm reserved", "search permitted"], [], []),
            id="M03",
        ),
        pytest.param(
            plus("DMI-PROHIBITED"), ("malformed", [], ALL, ["not_the_uri"]), id="M04 the bare key"
        ),
        pytest.param(
            xmp(attributes=f'xmlns:p="{PLUS}" p:DataMining="{VOCABULARY}DMI-PROHIBITED"'),
            ("present", ALL, [], []),
            id="M05 another prefix",
        ),
        pytest.param(plus(f"{VOCABULARY}DMI-UNSPECIFIED"), ("present", [], [], []), id="M06"),
        pytest.param(
            element(f"{VOCABULARY}DMI-PROHIBITED-GENAIMLTRAINING"),
            ("present", ["genai_train reserved"], [], []),
            id="element text",
        ),
        pytest.param(
            element(f"<rdf:Bag><rdf:li>{VOCABULARY}DMI-PROHIBITED-AIMLTRAINING</rdf:li></rdf:Bag>"),
            ("present", ["ai_train reserved"], [], []),
            id="in an array",
        ),
        pytest.param(
            plus(f"{VOCABULARY}DMI-ALLOWED"),
            ("present", ["tdm permitted", "ai_input permitted", "search permitted"], [], []),
            id="allowed",
        ),
        pytest.param(
            plus(f"{SEE}CONSTRAINT"),
            ("present", ALL, [], ["terms_missing"]),
            id="constraint that is not there",
        ),
        pytest.param(
            plus(f"{SEE}CONSTRAINT", 'plus:OtherConstraints="Ask us."'),
            ("present", OFFERED, [], []),
            id="constraint in words",
        ),
        pytest.param(
            plus(f"{SEE}EMBEDDEDRIGHTSEXPR", f'xmlns:e="{IPTC}" e:EmbdEncRightsExpr="x"'),
            ("present", OFFERED, [], []),
            id="embedded expression",
        ),
        pytest.param(
            xmp(f'<p:DataMining xmlns:p="{VOCABULARY}">DMI-PROHIBITED</p:DataMining>'),
            ("absent", [], [], []),
            id="another namespace",
        ),
        pytest.param(
            plus(f"{VOCABULARY}DMI-NEW"), ("malformed", [], [], ["unknown_value"]), id="unknown"
        ),
        pytest.param(
            plus("https://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"),
            ("malformed", [], ALL, ["not_the_uri"]),
            id="https",
        ),
        pytest.param(plus(""), ("malformed", [], [], ["unknown_value"]), id="empty"),
        pytest.param(xmp(), ("absent", [], [], []), id="nothing of PLUS"),
        pytest.param(
            f"<x xmlns:plus='{PLUS}'", ("malformed", [], [], ["xmp_malformed"]), id="no XML"
        ),
        pytest.param(
            f"<!DOCTYPE x [<!ENTITY a '{PLUS}'>]><x/>",
            ("malformed", [], [], ["xmp_refused"]),
            id="entities",
        ),
        pytest.param(
            xmp(
                '<xmpMM:History xmlns:xmpMM="u"><rdf:Description '
                f'xmlns:plus="{PLUS}" plus:DataMining="{VOCABULARY}DMI-PROHIBITED"/>'
                "</xmpMM:History>"
            ),
            ("absent", [], [], []),
            id="of something inside",
        ),
    ],
)
def test_values(packet, expected):
    assert summary(read(packet)) == expected


def test_different_values_all_count():
    one, other = plus(f"{VOCABULARY}DMI-PROHIBITED-AIMLTRAINING"), plus(f"{VOCABULARY}DMI-ALLOWED")
    presence, stances, _, issues = summary(read(one, other, one))
    assert (presence, issues) == ("present", ["contradictory", "contradictory"])
    assert {"ai_train reserved", "tdm permitted"} <= set(stances)
    assert len(stances) == 4


def test_a_linked_expression_is_the_policy():
    link = f'xmlns:e="{IPTC}" e:LinkedEncRightsExpr="https://a.example/terms"'
    reading = read(plus(f"{SEE}LINKEDRIGHTSEXPR", link))
    assert [s.policy for s in reading.statements] == ["https://a.example/terms"] * 3


def test_a_statement_has_its_position():
    one = read(plus(f"{VOCABULARY}DMI-PROHIBITED-AIMLTRAINING")).statements[0]
    assert (one.place, one.line, one.tier) == ("XMP of the jpeg file, APP1", 4, 2)
    assert one.raw == f"DataMining: {VOCABULARY}DMI-PROHIBITED-AIMLTRAINING"
    assert one.declared_by is DeclaredBy.MEDIA_FILE


def test_a_part_that_was_not_read_is_unseen():
    locked = MediaFault(part="pdf", why="PasswordError")
    assert summary(read(kind="pdf", faults=(locked,))) == ("unseen", [], [], ["unread"])
    assert summary(read(plus("x"), cut=True)) == ("unseen", [], [], ["xmp_too_large"])
    other = MediaFault(part="c2pa", why="x")
    assert summary(read(faults=(other,))) == ("absent", [], [], [])


def test_bytes_that_are_no_extract_are_absent():
    assert summary(protocol.parse(Document(body=b"<x"))) == ("absent", [], [], [])


@pytest.mark.corpus
def test_cases_of_the_conformance_corpus(corpus):
    path = corpus / "conformance" / "xmp_plus.jsonl"
    if not path.is_file():
        pytest.skip(f"the corpus has no {path.name}")
    cases = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len(cases) >= 7
    for case in cases:
        stances = applicable(protocol, read(case["xmp"]))
        training = {"tdm reserved", "tdm conditional", "ai_train reserved", "genai_train reserved"}
        assert bool(training & set(stances)) == case["expected"]["ai_training_prohibited"], case[
            "name"
        ]
