"""Extracts of media files: packets of each container, EPUB, PDF, C2PA, and hostile files."""

import io
import json
import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crawler import media
from crawler.media import Assertion, Credentials, Media, MediaFault, Package, Packet, XmpElement
from tests import media_files
from tests.c2pa_signing import signed
from tests.media_files import VOCABULARY, epub, extended, gif, jpeg, opf, pdf, plus, png, tiff, webp

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)
PACKET = plus(f"{VOCABULARY}DMI-PROHIBITED")
MINING = {"entries": {"cawg.data_mining": {"use": "notAllowed"}}}
SIGNED = signed("image/png", png(PACKET), ("cawg.training-mining", MINING))
MP4 = b"\0\0\0\x10ftypmp42\0\0\0\0"


def read(body: bytes, *, truncated: bool = False) -> Media:
    return media.read(media.extract(body, truncated=truncated))


def faults(body: bytes) -> list[tuple[str, str]]:
    return [(fault.part, fault.why) for fault in read(body).faults]


@pytest.mark.parametrize(
    ("body", "kind", "place"),
    [
        pytest.param(jpeg(PACKET), "jpeg", "APP1 at octet 20", id="jpeg"),
        pytest.param(
            b"\xff\xd8\xff" + jpeg(PACKET)[2:], "jpeg", "APP1 at octet 21", id="jpeg, fill octet"
        ),
        pytest.param(
            b"\xff\xd8\xff\x01" + jpeg(PACKET)[2:], "jpeg", "APP1 at octet 22", id="jpeg, bare mark"
        ),
        pytest.param(png(PACKET), "png", "iTXt at octet 33", id="png"),
        pytest.param(png(PACKET, compressed=True), "png", "iTXt at octet 33", id="png, compressed"),
        pytest.param(png(PACKET, late=True), "png", "iTXt at octet 55", id="png, after the pixels"),
        pytest.param(webp(PACKET), "webp", "XMP chunk at octet 40", id="webp"),
        pytest.param(gif(PACKET), "gif", "application extension at octet 13", id="gif"),
        pytest.param(
            gif(PACKET).replace(b"89a", b"87a"),
            "gif",
            "application extension at octet 13",
            id="gif, older",
        ),
        pytest.param(tiff(PACKET), "tiff", "tag 700 at octet 22", id="tiff, little end first"),
        pytest.param(tiff(PACKET, ">"), "tiff", "tag 700 at octet 22", id="tiff, big end first"),
        pytest.param(pdf(PACKET), "pdf", "object 4 0", id="pdf"),
        pytest.param(pdf(PACKET, flate=True), "pdf", "object 4 0", id="pdf, compressed"),
        pytest.param(b"junk\n" + pdf(PACKET), "pdf", "object 4 0", id="pdf, junk before it"),
        pytest.param(b"ID3" + PACKET.encode(), "mp3", "packet at octet 3", id="mp3"),
        pytest.param(MP4 + PACKET.encode(), "mp4", "packet at octet 16", id="mp4"),
        pytest.param(
            MP4.replace(b"mp42", b"avif") + PACKET.encode(), "avif", "packet at octet 16", id="avif"
        ),
        pytest.param(
            MP4.replace(b"mp42", b"heic") + PACKET.encode(), "heif", "packet at octet 16", id="heif"
        ),
    ],
)
def test_the_packet_of_a_container(body, kind, place):
    found = read(body)
    (packet,) = found.packets
    assert (found.kind, packet.place, found.faults) == (kind, place, ())
    whole = packet.text.rstrip("\x01").rstrip()
    assert PACKET.startswith(whole)
    assert "DMI-PROHIBITED" in whole


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>%PD", id="html"),
        pytest.param(b"RIFF\0\0\0\0WAVE", id="wave"),
        pytest.param(b"PK\3\4" + b"\0" * 60, id="another archive"),
        pytest.param(b" \xff\xd8\xff", id="magic in the wrong place"),
    ],
)
def test_other_files_have_no_kind(body):
    assert read(body) == Media()


@pytest.mark.parametrize("body", [jpeg(PACKET), png(PACKET)], ids=["jpeg", "png"])
def test_another_reader_finds_the_same_packet(body):
    with Image.open(io.BytesIO(body)) as image:
        (packet,) = read(body).packets
        assert image.info["xmp"].decode().removeprefix("\ufeff") == packet.text.removeprefix(
            "\ufeff"
        )


def test_the_segments_of_a_long_jpeg_packet_are_joined():
    long = b"<x>" + b"y" * 100_000 + b"</x>"
    main = media_files.xmp(attributes=f'xmlns:n="http://ns.adobe.com/xmp/note/" n:X="{"A" * 32}"')
    foreign = extended(b"<z/>", b"B" * 32)
    found = read(jpeg(main, more=extended(long) + foreign))
    assert [(p.place, len(p.text)) for p in found.packets] == [
        ("APP1 at octet 20", len(main)),
        ("APP1, extended", len(long)),
    ]


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        pytest.param(b"\xef\xbb\xbf<x/>\0\0", "<x/>", id="mark and padding"),
        pytest.param("\ufeff<x/>".encode("utf-16-le"), "\ufeff<x/>", id="UTF-16, little end"),
        pytest.param("<x>é</x>".encode("utf-16-be"), "<x>é</x>", id="UTF-16, big end"),
        pytest.param(b"<x>\xff</x>", "<x>\ufffd</x>", id="no UTF-8"),
    ],
)
def test_the_encoding_of_a_packet(octets, text):
    (packet,) = read(png(octets)).packets
    assert packet.text == text


def test_a_huge_packet_is_cut():
    huge = b"<x>" + b"y" * (10 * 1024 * 1024)
    for body in (png(huge), png(huge, compressed=True), pdf(huge), pdf(huge, flate=True)):
        (packet,) = read(body).packets
        assert (len(packet.text), packet.cut) == (1024 * 1024, True)


def test_the_number_of_packets_is_bounded():
    assert len(read(jpeg(*[PACKET] * 30)).packets) == 4
    assert len(read(MP4 + PACKET.encode() * 30).packets) == 4


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(jpeg(PACKET)[:300], True, id="jpeg"),
        pytest.param(png(PACKET)[:300], True, id="png"),
        pytest.param(webp(PACKET)[:300], True, id="webp"),
        pytest.param(gif(PACKET)[:300], True, id="gif"),
        pytest.param(tiff(PACKET)[:300], True, id="tiff"),
        pytest.param((MP4 + PACKET.encode())[:300], False, id="mp4: no end, no packet"),
        pytest.param(jpeg(PACKET)[:30], False, id="before the packet"),
        pytest.param(jpeg(PACKET)[:21], False, id="inside a length"),
        pytest.param(b"\xff\xd8\xff\xd9", False, id="at once the end"),
        pytest.param(b"\xff\xd8\xff\xe0\0\0\0\0", False, id="a length of nothing"),
        pytest.param(
            gif("").replace(b"XMP DataXMP", b"NETSCAPE2.0"), False, id="another extension"
        ),
        pytest.param(png(zlib.compress(b"x")).replace(b"xmp\0\0", b"xmp\0\1"), True, id="bad zlib"),
    ],
)
def test_files_that_were_cut_or_damaged(body, text):
    found = read(body, truncated=True)
    assert (bool(found.packets), found.truncated) == (text, True)
    assert found.faults == ()


def test_directories_of_a_tiff_that_point_at_themselves_are_read_once():
    body = tiff(PACKET)
    looped = body[:34] + struct.pack("<I", 8) + body[38:]
    assert len(read(looped).packets) == 1


PDFS = [
    ("no metadata", pdf(), []),
    ("no PDF after all", b"%PDF-1.7 nothing", ["PdfError"]),
    (
        "another filter",
        pdf("x", more="/Filter /LZWDecode"),
        ["metadata behind the filter /LZWDecode"],
    ),
    (
        "two filters",
        pdf("x", more="/Filter [/ASCIIHexDecode /FlateDecode]"),
        ["metadata behind the filter"],
    ),
    (
        "a predictor",
        pdf("x", flate=True, more="/DecodeParms << /Predictor 12 >>"),
        ["metadata behind the filter /FlateDecode"],
    ),
    ("one filter in an array", pdf(zlib.compress(b"<x/>"), more="/Filter [/FlateDecode]"), []),
    ("damaged", pdf(b"not zlib", more="/Filter /FlateDecode"), ["error: Error -3"]),
]


@pytest.mark.parametrize(("body", "why"), [p[1:] for p in PDFS], ids=[p[0] for p in PDFS])
def test_pdf_errors(body, why):
    found = faults(body)
    assert [part for part, _ in found] == ["pdf"] * len(why)
    assert all(reason.startswith(start) for (_, reason), start in zip(found, why, strict=True))


def test_an_error_message_has_no_memory_address():
    body = pdf(PACKET)[:200]
    assert media.extract(body) == media.extract(bytes(bytearray(body)))
    assert "0x" not in media.extract(body).decode()


def test_the_package_of_an_epub():
    written = opf('<meta property="tdm:reservation">\n 1 </meta>', '<link rel="x" href="y"/>')
    assert read(epub(written)).package == Package(
        path="OEBPS/book.opf",
        prefix="tdm: http://www.w3.org/ns/tdmrep#",
        elements=(
            XmpElement(tag="meta", line=3, attributes=(("property", "tdm:reservation"),), text="1"),
            XmpElement(tag="link", line=5, attributes=(("rel", "x"), ("href", "y"))),
        ),
    )


def test_an_epub_without_its_mimetype_first_and_without_namespaces():
    package = '<!DOCTYPE package><package><dc:title>x</dc:title><meta name="a"/></package>'
    found = read(epub(package, mimetype=False))
    assert (found.kind, found.faults) == ("epub", ())
    assert found.package.prefix == ""
    assert [e.get("name") for e in found.package.elements] == ["a"]
    assert found.package.elements[0].get("content") is None


BOMB = (
    '<!DOCTYPE p [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;">]><package><meta>&b;</meta></package>'
)
EPUBS = [
    ("cut", epub(opf())[:-30], "BadZipFile"),
    ("an entity", epub(BOMB), "the document declares an entity, a"),
    ("no XML", epub("<package>"), "ExpatError"),
    ("deep", epub("<a>" * 100), "elements are nested deeper than 60"),
    ("no such file", epub(opf(), path="else.opf"), "KeyError"),
    ("no rootfile", epub(opf(), container="<container/>"), "META-INF/container.xml names no"),
    ("a bomb", epub(" " * 5_000_000), "OEBPS/book.opf is larger than"),
]


@pytest.mark.parametrize(("body", "why"), [e[1:] for e in EPUBS], ids=[e[0] for e in EPUBS])
def test_an_epub_that_cannot_be_read(body, why):
    ((part, reason),) = faults(body)
    assert (part, reason[: len(why)]) == ("epub", why)
    assert len(body) < 20_000


def test_the_number_of_elements_of_a_package_is_bounded():
    found = read(epub(opf(*['<meta name="a" content="b"/>'] * 2000))).package
    assert 490 <= len(found.elements) <= 500


def test_the_assertions_of_a_manifest():
    found = read(SIGNED)
    (one,) = found.credentials.assertions
    assert (found.kind, found.credentials.state, found.faults) == ("png", "Valid", ())
    assert found.credentials.codes == ("signingCredential.untrusted",)
    assert (one.label, one.active, one.claim) == ("cawg.training-mining", True, 2)
    assert one.entries == (("cawg.data_mining", "notAllowed", ""),)
    assert len(found.packets) == 1


def test_the_manifest_of_a_changed_file_is_invalid():
    changed = SIGNED.replace(b"DMI-PROHIBITED", b"DMI-PROHIBITEX")
    found = read(changed).credentials
    assert found.state == "Invalid"
    assert "assertion.dataHash.mismatch" in found.codes
    assert len(found.assertions) == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            {"entries": {"a": {"use": "constrained", "constraint_info": "x"}}},
            (("a", "constrained", "x"),),
            id="information",
        ),
        pytest.param(
            {"entries": {"a": {"use": "constrained", "constraints_info": "x"}}},
            (("a", "constrained", "x"),),
            id="as the prose of the specification has it",
        ),
        pytest.param({"a": {"use": "allowed"}}, (("a", "allowed", ""),), id="CAWG 1.0, no entries"),
        pytest.param({"entries": {"a": "notAllowed"}}, (("a", "notAllowed", ""),), id="no map"),
    ],
)
def test_entries_as_they_are_written(data, expected):
    body = signed("image/jpeg", jpeg(), ("cawg.training-mining", data))
    (one,) = read(body).credentials.assertions
    assert one.entries == expected


@pytest.mark.parametrize("data", [{"entries": [1]}, [1]], ids=["entries", "all"])
def test_an_assertion_that_is_no_map_is_a_fault(data):
    body = signed("image/jpeg", jpeg(), ("cawg.training-mining", data))
    ((part, why),) = faults(body)
    assert part == "c2pa"
    assert why.endswith("no map")


def test_a_box_type_without_a_manifest_gives_no_credentials():
    assert read(jpeg(PACKET) + b"jumb").credentials is None
    assert read(b"jumb").credentials is None


def test_an_extract_can_be_read_back():
    extract = Media(
        kind="pdf",
        truncated=True,
        packets=(Packet(place="p", text="<é/>", cut=True),),
        package=Package(path="a", prefix="b", elements=(XmpElement(tag="meta", line=1),)),
        credentials=Credentials(
            state="Valid",
            codes=("x",),
            assertions=(
                Assertion(
                    manifest="m", label="l", active=True, claim=2, entries=(("a", "b", "c"),)
                ),
            ),
        ),
        faults=(MediaFault(part="pdf", why="w"),),
    )
    assert media.read(media.write(extract)) == extract


@pytest.mark.parametrize(
    "octets", [b"", b"{}", b"[]", b"null", b'{"kind": 1}', b"[" * 100_000], ids=repr
)
def test_bytes_that_are_no_extract_give_an_empty_record(octets):
    assert media.read(octets) == Media()


def test_a_failed_extract_holds_the_reason():
    assert media.read(media.failed_extract("why")).faults == (MediaFault(part="file", why="why"),)


def test_missing_packages_are_named(monkeypatch):
    assert media.missing_packages() == ()
    monkeypatch.setattr(media, "find_spec", lambda module: None if module == "c2pa" else object())
    assert media.missing_packages() == ("c2pa-python",)


SEEDS = [
    jpeg(PACKET), png(PACKET), png(PACKET, compressed=True), webp(PACKET), gif(PACKET),
    tiff(PACKET), tiff(PACKET, ">"), pdf(PACKET, flate=True), epub(opf()), MP4, SIGNED,
    jpeg(PACKET, more=extended(b"<x/>")),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    cut=st.integers(0, 4000),
    changes=st.lists(
        st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=4)), max_size=6
    ),
)
def test_damaged_files_have_one_bounded_extract(seed, cut, changes):
    body = bytearray(seed)
    for offset, octets in changes:
        body[offset % len(seed) : offset % len(seed) + len(octets)] = octets
    damaged = bytes(body[: len(body) - cut % len(body)] if cut % 3 == 0 else body)
    extract = media.extract(damaged)
    assert json.loads(extract)["version"] == media.VERSION
    assert media.write(media.read(extract)) == extract
    assert len(extract) < 4 * len(damaged) + 20_000


@pytest.mark.corpus
def test_real_files():
    files = sorted(CORPUS.glob("images/*"))
    if not files:
        pytest.skip(f"no corpus at {CORPUS}")
    found = {file.name: read(file.read_bytes()) for file in files}
    mining = {name: m for name, m in found.items() if m.credentials and m.credentials.assertions}
    assert sorted(mining) == [
        "c2pars__C_with_CAWG_data.jpg",
        "c2pars__adobe_connected_identities.jpg",
        "datadiligence__sample_c2pa.png",
    ]
    assert sum(bool(m.packets) for m in found.values()) == 8
    assert [name for name, m in found.items() if m.faults] == ["c2pars__basic-password.pdf"]


def test_the_epub_of_the_tests_is_a_valid_archive():
    with zipfile.ZipFile(io.BytesIO(epub(opf()))) as archive:
        assert archive.testzip() is None


def test_nothing_is_fetched_for_a_file():
    """The extract of a file with a remote manifest makes no connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/m.c2pa"
        attributes = f'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"'
        remote = jpeg(media_files.xmp(attributes=attributes)) + b"jumb"
        assert faults(remote)[0][0] == "c2pa"
        with pytest.raises(TimeoutError):
            server.accept()


def tiff_of(octets, entries):
    """Return a TIFF whose directory names the same octets as packet several times."""
    entry = struct.pack("<HHII", 700, 1, len(octets), 8)
    directory = 8 + len(octets)
    head = b"II*\0" + struct.pack("<I", directory) + octets
    return head + struct.pack("<H", entries) + entry * entries + bytes(4)


LONG_META = f'<meta name="n" content="{"x" * 1990}" id="{"y" * 1990}" {"z" * 1990}="1"/>'

HOSTILE = {
    "octets that are no UTF-8": tiff_of(b"\xff" * 800_000, 8),
    "control characters": tiff_of(b"\x01" * 800_000, 8),
    "characters of four octets": tiff_of("\U0001f600".encode() * 200_000, 8),
    "quotes": tiff_of(b'"' * 800_000, 8),
    "an EPUB of long attributes": epub(f"<package>{LONG_META * 480}</package>"),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_an_extract_is_small_whatever_the_file(body):
    extract = media.extract(body)
    assert len(extract) <= media.EXTRACT_CAP
    found = media.read(extract)
    assert found.faults or any(packet.cut for packet in found.packets)


def test_a_packet_of_usual_size_is_whole_beside_a_huge_one():
    body = jpeg(plus("x"), more=extended(b"x" * 3_000_000))
    whole, *_ = media.read(media.extract(body)).packets
    assert whole == media.read(media.extract(jpeg(plus("x")))).packets[0]
