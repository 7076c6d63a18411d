"""IPTC IIM records of a JPEG: who claims and provides the picture (IIM 4.2; Photoshop resources).

Kept are the notice of copyright, the credit and the source, and a by-line that is the name of an
organisation: photographers are persons, and their names are not kept.

Rules for editors. Bytes are untrusted: every loop must advance, lengths may lie, and slices past
the end must be harmless.
"""

from collections.abc import Iterator

from crawler.media._images import segments
from crawler.media._model import ENTRIES, IimEntry
from crawler.organisations import is_organisation

_APP13, _PHOTOSHOP = 0xED, b"Photoshop 3.0\0"
_RESOURCE, _IIM = b"8BIM", 0x0404
_TAG, _EXTENDED = 0x1C, 0x8000
_CHARACTER_SET = (1, 90)
_UTF8 = b"\x1b%G"  # ISO 2022: escape sequence for UTF-8
_BY_LINE, _CREDIT, _SOURCE, _NOTICE = 80, 110, 115, 116
_KEPT = frozenset((_BY_LINE, _CREDIT, _SOURCE, _NOTICE))
# IIM 4.2, 6.3: a notice has at most 128 octets; writers do not keep to it.
_VALUE_CAP, _RESOURCES_CAP = 500, 1024 * 1024


def entries(kind: str, body: bytes) -> tuple[IimEntry, ...]:
    """Return the entries of a file that are kept, in their order; none for other kinds."""
    found: list[IimEntry] = []
    for offset, record in _records(body) if kind == "jpeg" else ():
        for dataset, value in _values(record):
            if dataset != _BY_LINE or is_organisation(value):
                found.append(
                    IimEntry(dataset=dataset, text=value, place=f"APP13 at octet {offset}")
                )
    return tuple(found[:ENTRIES])


def _records(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the IIM records with the offset of the first segment that they are in."""
    # Resources that are longer than a segment go on in the next one.
    first, resources = 0, b""
    for marker, offset, content in segments(body):
        if marker == _APP13 and content.startswith(_PHOTOSHOP):
            first = first or offset
            resources += content.removeprefix(_PHOTOSHOP)[: _RESOURCES_CAP - len(resources)]
    for number, content in _resources(resources):
        if number == _IIM:
            yield first, content


def _resources(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of image resources: type, number, padded name, length, content."""
    offset = 0
    while octets.startswith(_RESOURCE, offset):
        number = int.from_bytes(octets[offset + 4 : offset + 6])
        name = octets[offset + 6] + 1 if offset + 6 < len(octets) else 1
        begin = offset + 6 + name + name % 2
        length = int.from_bytes(octets[begin : begin + 4])
        yield number, octets[begin + 4 : begin + 4 + length]
        offset = begin + 4 + length + length % 2


def _values(record: bytes) -> Iterator[tuple[int, str]]:
    """Yield the kept datasets of record 2 as text."""
    offset, is_utf8 = 0, False
    while offset + 5 <= len(record) and record[offset] == _TAG:
        number = (record[offset + 1], record[offset + 2])
        length, begin = int.from_bytes(record[offset + 3 : offset + 5]), offset + 5
        if length & _EXTENDED:  # IIM 1.5.2: the length of the length, and the length
            size = length & ~_EXTENDED
            length, begin = int.from_bytes(record[begin : begin + size]), begin + size
        value = record[begin : begin + length]
        if number == _CHARACTER_SET:
            is_utf8 = value.startswith(_UTF8)
        elif number[0] == 2 and number[1] in _KEPT:
            text = " ".join(_text(value[: 4 * _VALUE_CAP], is_utf8).split())[:_VALUE_CAP]
            if text:
                yield number[1], text
        offset = begin + length


def _text(octets: bytes, is_utf8: bool) -> str:
    """Return octets as text; many writers use UTF-8 without saying so."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("utf-8" if is_utf8 else "latin-1", "replace")
