"""IPTC IIM records of JPEG files: what is kept, and files that are damaged or hostile."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, IptcImagePlugin

from crawler import media
from crawler.media import IimEntry
from crawler.model import Document
from crawler.protocols.media import media_parties
from tests.media_files import iim, jpeg, photoshop, png

RECORD = 0x0404
UTF8 = (1, 90, b"\x1b%G")
NOTICE = (2, 116, "© 2024 Bildagentur Süd GmbH".encode())


def texts(body: bytes) -> list[tuple[int, str]]:
    return [(e.dataset, e.text) for e in media.read(media.extract(body)).iim]


def with_iim(*datasets: tuple[int, int, bytes], **options: object) -> bytes:
    return jpeg(more=photoshop((RECORD, iim(*datasets)), **options))


BODIES = {
    "a notice": (with_iim(UTF8, NOTICE), [(116, "© 2024 Bildagentur Süd GmbH")]),
    "UTF-8 without saying so": (with_iim(NOTICE), [(116, "© 2024 Bildagentur Süd GmbH")]),
    "Latin-1": (with_iim((2, 116, "Süd AG".encode("latin-1"))), [(116, "Süd AG")]),
    "not the UTF-8 that it says": (with_iim(UTF8, (2, 116, b"S\xfcd AG")), [(116, "S\ufffdd AG")]),
    "four datasets in their order": (
        with_iim(
            (2, 80, b"Nord Verlag"), (2, 110, b"Wire"), (2, 115, b"A Ltd"), (2, 116, b"B Ltd")
        ),
        [(80, "Nord Verlag"), (110, "Wire"), (115, "A Ltd"), (116, "B Ltd")],
    ),
    "a by-line of a person": (with_iim((2, 80, b"Jane Doe"), (2, 110, b"A Ltd")), [(110, "A Ltd")]),
    "other datasets and records": (with_iim((2, 5, b"Title"), (3, 116, b"x"), (2, 120, b"y")), []),
    "an extended length": (
        jpeg(more=photoshop((RECORD, bytes((0x1C, 2, 116)) + b"\x80\x04\0\0\0\x05A Ltd"))),
        [(116, "A Ltd")],
    ),
    "other resources and a name": (
        jpeg(more=photoshop((0x0425, b"abc"), (RECORD, iim(NOTICE)), name=b"name")),
        [(116, "© 2024 Bildagentur Süd GmbH")],
    ),
    "resources in several segments": (
        with_iim((2, 120, b"c" * 900), NOTICE, size=100), [(116, "© 2024 Bildagentur Süd GmbH")]
    ),
    "an empty value": (with_iim((2, 116, b" \0"[:1])), []),
    "a length that lies": (
        jpeg(more=photoshop((RECORD, bytes((0x1C, 2, 116)) + b"\x7f\xffA Ltd"))), [(116, "A Ltd")]
    ),
    "a tag that is none": (jpeg(more=photoshop((RECORD, b"\x1d\2\x74\0\1A"))), []),
    "no resource": (jpeg(more=photoshop((RECORD, b"")).replace(b"8BIM", b"9BIM")), []),
    "cut after the type": (jpeg(more=photoshop((RECORD, iim(NOTICE)))[:24]), []),
    "no JPEG": (png("x"), []),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES)
def test_entries_of_a_file(body, expected):
    assert texts(body) == expected


def test_another_reader_finds_the_same():
    values = [(2, 80, b"Nord Verlag"), (2, 110, b"Wire"), (2, 115, b"A Ltd"), (2, 116, b"B Ltd")]
    body = jpeg(more=photoshop((0x0425, b"abc"), (RECORD, iim(*values))))
    with Image.open(io.BytesIO(body)) as image:
        found = IptcImagePlugin.getiptcinfo(image)
    assert found == {(record, number): value for record, number, value in values}
    assert texts(body) == [(number, value.decode()) for _, number, value in values]


def test_long_values_and_many_of_them_are_bounded():
    body = with_iim(*((2, 116, b"A Ltd " * 5_000) for _ in range(2)), *((2, 110, b"x"),) * 90)
    found = texts(body)
    assert len(found) == 50
    assert max(len(text) for _, text in found) == 500


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_read(octets, at):
    sound = photoshop((RECORD, iim(UTF8, NOTICE)))
    for more in (photoshop((RECORD, octets)), sound[:at] + octets + sound[at:]):
        assert not media.read(media.extract(jpeg(more=more))).faults


def parties(*datasets: tuple[int, int, bytes]):
    reading = media_parties.parse(Document(body=media.extract(with_iim(*datasets))))
    return [(p.source, p.role, p.confidence, p.name, p.place) for p in reading.parties]


def test_roles_of_the_parties():
    at = "APP13 at octet 20"
    assert parties(
        (2, 80, b"Nord Verlag"), (2, 110, b"Wire Agency Ltd"), (2, 115, b"A Ltd"), NOTICE
    ) == [
        ("iim.ByLine", "candidate", "low", "Nord Verlag", f"IIM 2:80 of the jpeg file, {at}"),
        ("iim.Credit", "candidate", "low", "Wire Agency Ltd", f"IIM 2:110 of the jpeg file, {at}"),
        ("iim.Source", "owner", "low", "A Ltd", f"IIM 2:115 of the jpeg file, {at}"),
        ("iim.CopyrightNotice", "owner", "low", "Bildagentur Süd GmbH",
         f"IIM 2:116 of the jpeg file, {at}"),
    ]  # fmt: skip


def test_names_of_persons_are_private():
    named = ((2, 80, b"Jane Doe"), (2, 110, b"Jane Doe"), (2, 116, b"(c) 2024 Jane Doe"))
    body = media.extract(with_iim(*named))
    assert {p.name for p in media_parties.parse(Document(body=body)).parties} == {""}
    # By-lines of persons are not even in the extract.
    assert [e.dataset for e in media.read(body).iim] == [110, 116]


def test_entries_of_other_datasets_and_older_extracts_give_nothing():
    entry = IimEntry(dataset=5, text="A Ltd", place="")
    body = media.write(media.Media(kind="jpeg", iim=(entry,)))
    assert media_parties.parse(Document(body=body)).parties == ()
    older = body.replace(b'"iim":[{"dataset":5,"place":"","text":"A Ltd"}],', b"")
    assert media.read(older).kind == "jpeg"
    assert media.read(older).iim == ()
