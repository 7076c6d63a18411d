"""Owner, licensor and signer of a media file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import media
from crawler.media import Credentials, Media, Packet
from crawler.model import Document, Question
from crawler.protocols.media import media_parties

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def xmp(inside: str, attributes: str = "") -> str:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description '
        'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
        'xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}>{inside}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def read(text: str = "", credentials: Credentials | None = None):
    packets = (Packet(place="APP1", text=text),) if text else ()
    extract = media.write(Media(kind="jpeg", packets=packets, credentials=credentials))
    return media_parties.parse(Document(body=extract))


def sequence(name: str, *items: str) -> str:
    inside = "".join(f'<rdf:li rdf:parseType="Resource">{item}</rdf:li>' for item in items)
    return f"<plus:{name}><rdf:Seq>{inside}</rdf:Seq></plus:{name}>"


OWNER = "<plus:CopyrightOwnerName>A Ltd</plus:CopyrightOwnerName>"
LICENSOR = (
    "<plus:LicensorName>B AG</plus:LicensorName><plus:LicensorURL>https://b.example/l</plus:LicensorURL>"
    "<plus:LicensorEmail>licensing@b.example</plus:LicensorEmail>"
    "<plus:LicensorTelephone1>+49 1</plus:LicensorTelephone1>"
)
CASES = {
    "PLUS owner": (
        sequence("CopyrightOwner", OWNER),
        ("xmp.plus.CopyrightOwner", "owner", "A Ltd"),
    ),
    "PLUS licensor": (sequence("Licensor", LICENSOR), ("xmp.plus.Licensor", "licensor", "B AG")),
    "a description inside": (
        f"<plus:CopyrightOwner><rdf:Bag><rdf:li><rdf:Description>{OWNER}</rdf:Description></rdf:li>"
        "</rdf:Bag></plus:CopyrightOwner>",
        ("xmp.plus.CopyrightOwner", "owner", "A Ltd"),
    ),
    "fields as attributes": (
        '<plus:CopyrightOwner><rdf:Seq><rdf:li plus:CopyrightOwnerName="A Ltd"/></rdf:Seq>'
        "</plus:CopyrightOwner>",
        ("xmp.plus.CopyrightOwner", "owner", "A Ltd"),
    ),
    "owner of the rights": (
        "<xmpRights:Owner><rdf:Bag><rdf:li>A Ltd</rdf:li></rdf:Bag></xmpRights:Owner>",
        ("xmp.rights.Owner", "owner", "A Ltd"),
    ),
    "a notice": (
        '<dc:rights><rdf:Alt><rdf:li xml:lang="en">© 2024 A Ltd</rdf:li></rdf:Alt></dc:rights>',
        ("xmp.dc.rights", "owner", "A Ltd"),
    ),
}


@pytest.mark.parametrize(("inside", "expected"), CASES.values(), ids=CASES)
def test_xmp(inside, expected):
    (party,) = read(xmp(inside)).parties
    assert (party.source, party.role, party.name) == expected
    assert party.place == "XMP of the jpeg file, APP1, line 1"


def test_a_licensor_has_a_page_and_a_mailbox_of_an_office():
    (party,) = read(xmp(sequence("Licensor", LICENSOR))).parties
    assert (party.licence_page, party.mailbox) == ("https://b.example/l", "licensing@b.example")
    assert party.private == ("+49 1",)


def test_attributes_and_the_statement_of_rights():
    attributes = (
        'plus:Version="1" xmpRights:Owner="A Ltd" xmpRights:WebStatement="https://a.example/l"'
    )
    (owner, other) = read(xmp(sequence("CopyrightOwner", OWNER), attributes)).parties
    assert (owner.source, owner.licence_page) == ("xmp.rights.Owner", "")
    assert (other.source, other.licence_page) == ("xmp.plus.CopyrightOwner", "https://a.example/l")


def test_a_person_is_private():
    (party,) = read(xmp(sequence("CopyrightOwner", OWNER.replace("A Ltd", "Jane Doe")))).parties
    assert (party.name, party.private) == ("", ("Jane Doe",))


@pytest.mark.parametrize(
    ("credentials", "names"),
    [
        (Credentials(state="Valid", signer="A Inc."), ["A Inc."]),
        (Credentials(state="Trusted", signer="Jane Doe"), [""]),
        (Credentials(state="Invalid", signer="A Inc."), []),
        (Credentials(state="Valid"), []),
    ],
)
def test_the_signer_of_a_manifest(credentials, names):
    parties = read(credentials=credentials).parties
    assert [p.name for p in parties] == names
    assert {(p.source, p.role) for p in parties} <= {("c2pa.signer", "signer")}


def test_other_namespaces_are_passed_over():
    text = xmp("<dc:rights>© A Ltd</dc:rights><rdf:value>B Ltd</rdf:value>", 'rdf:about=""')
    assert [p.name for p in read(text).parties] == ["A Ltd"]


@pytest.mark.parametrize("text", ["", xmp(""), xmp(sequence("ImageSupplier", OWNER)), "<x"])
def test_other_files_name_nobody(text):
    assert read(text).presence == "absent"


def test_a_hostile_file_is_bounded():
    many = sequence("CopyrightOwner", *(OWNER.replace("A", f"A{n}") for n in range(10_000)))
    assert len(read(xmp(many)).parties) == 0  # too many elements for the reader of XML
    many = sequence("CopyrightOwner", *(OWNER.replace("A", f"A{n}") for n in range(2_000)))
    assert len(read(xmp(many)).parties) == 20


@given(st.binary(max_size=200))
def test_any_bytes_give_a_reading(body):
    reading = media_parties.parse(Document(body=body))
    assert reading.statements == media_parties.statements_for(reading, Question()) == ()
