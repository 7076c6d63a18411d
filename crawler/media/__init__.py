"""The extract of a media file: its metadata about its own use, with positions in the file.

An extract holds XMP packets, IPTC IIM records, the metadata of an EPUB package, and the training
and data mining assertions of C2PA manifests. The file type is detected from the first bytes (magic
numbers); the file extension and `Content-Type` are not trusted.

Rules for editors. `extract` accepts any bytes and raises nothing. PDF and C2PA need the optional
dependencies `[media]`, which are imported only for such a file; reading an extract needs none.
Extracts are stored: a change of their form needs a new `VERSION`.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.util import find_spec
from itertools import islice
from typing import Any, TypeVar

from crawler.media import _c2pa, _epub, _iim, _images, _pdf
from crawler.media._model import (
    EXTRACT_CAP,
    PACKET_CAP,
    PACKETS,
    PACKETS_CAP,
    TEXT_CAP,
    Assertion,
    Credentials,
    IimEntry,
    Media,
    MediaFault,
    Package,
    Packet,
    UnreadableError,
    XmpElement,
)

__all__ = [
    "EXTRACT_CAP",
    "Assertion",
    "Credentials",
    "IimEntry",
    "Media",
    "MediaFault",
    "Package",
    "Packet",
    "XmpElement",
    "extract",
    "failed_extract",
    "kind_of",
    "missing_packages",
    "read",
    "write",
]

VERSION = 3

_T = TypeVar("_T")
# Memory addresses in the messages of libraries, which differ from run to run.
_ADDRESS = re.compile(r"<[^<>]*\bat 0x[0-9a-f]+>:? ?")

_LIBRARIES = {"pikepdf": "pikepdf", "c2pa": "c2pa-python"}
_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"ID3", "mp3"),
)
# Major brands of AVIF and HEIF; any other brand is read as MP4.
_BRANDS = {b"avif": "avif", b"avis": "avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "heif"
)


def missing_packages() -> tuple[str, ...]:
    """Return the packages of the extra `[media]` that are not installed."""
    return tuple(package for module, package in _LIBRARIES.items() if find_spec(module) is None)


def kind_of(body: bytes) -> str:
    """Return the kind of a file by its first bytes; empty for a kind that is not read."""
    for magic, kind in _MAGIC:
        if body.startswith(magic):
            return kind
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "webp"
    # ISO/IEC 14496-12, 4.3: the file type box; its major brand tells AVIF and HEIF from MP4.
    if body[4:8] == b"ftyp":
        return _BRANDS.get(body[8:12], "mp4")
    # ISO 32000-1, appendix H.3: readers look for the header in the first 1024 octets.
    if b"%PDF-" in body[:1024]:
        return "pdf"
    return "epub" if _epub.is_epub(body) else ""


def extract(body: bytes, *, truncated: bool = False) -> bytes:
    """Return the extract of a file as canonical JSON, for any bytes.

    `truncated` says that the body was cut at the size limit of the crawler.
    """
    kind = kind_of(body)
    errors: list[MediaFault] = []
    packets_part = "pdf" if kind == "pdf" else "xmp"
    media = Media(
        kind=kind,
        truncated=truncated,
        packets=_capture_errors(packets_part, lambda: _packets(kind, body), errors) or (),
        package=_capture_errors(
            "epub", lambda: _epub.package(body) if kind == "epub" else None, errors
        ),
        iim=_capture_errors("iim", lambda: _iim.entries(kind, body), errors) or (),
        credentials=_capture_errors("c2pa", lambda: _c2pa.credentials(kind, body), errors),
    )
    return _within_cap(replace(media, faults=tuple(errors)))


def _within_cap(media: Media) -> bytes:
    """Return the extract without parts for which it would be larger than `EXTRACT_CAP`."""
    written = write(media)
    for part, without in (("epub", {"package": None}), ("c2pa", {"credentials": None})):
        if len(written) > EXTRACT_CAP:
            why = f"the extract would be larger than {EXTRACT_CAP} octets"
            faults = (*media.faults, MediaFault(part=part, why=why))
            media = replace(media, faults=faults, **without)  # type: ignore[arg-type]
            written = write(media)
    return written


def failed_extract(why: str) -> bytes:
    """Return the extract of a file that could not be opened; `why` is at most 2,000 characters."""
    return write(Media(faults=(MediaFault(part="file", why=why[:TEXT_CAP]),)))


def _capture_errors(part: str, read_part: Callable[[], _T], errors: list[MediaFault]) -> _T | None:
    """Return the result of `read_part`; on an exception, add it to `errors` and return None."""
    try:
        return read_part()
    except UnreadableError as error:
        errors.append(MediaFault(part=part, why=str(error)[:TEXT_CAP]))
    except Exception as error:  # libraries raise many kinds for damaged and hostile files
        why = _ADDRESS.sub("", f"{type(error).__name__}: {error}")
        errors.append(MediaFault(part=part, why=why[:TEXT_CAP]))
    return None


def _packets(kind: str, body: bytes) -> tuple[Packet, ...]:
    found = _pdf.packets(body) if kind == "pdf" else _images.packets(kind, body)
    packets: list[Packet] = []
    room = PACKETS_CAP
    for place, octets in islice(found, PACKETS):
        packets.append(_cut(_packet(place, octets), room))
        room = max(0, room - _size(packets[-1].text))
    return tuple(packets)


def _cut(packet: Packet, room: int) -> Packet:
    """Return a packet with as much of its text as takes `room` octets in an extract."""
    # A character takes up to six octets: `\u0000`.
    while (size := _size(packet.text)) > room:
        packet = replace(packet, text=packet.text[: len(packet.text) * room // size], cut=True)
    return packet


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - len('""')


def _packet(place: str, octets: bytes) -> Packet:
    """Return a packet as text, at most 1 MiB of characters."""
    # XMP specification, part 1, 7.1: UTF-8 or UTF-16, recognised by the first two octets.
    octets = octets.removeprefix(b"\xef\xbb\xbf")
    utf16 = {b"\0<": "utf-16-be", b"<\0": "utf-16-le"}.get(octets.removeprefix(b"\xff\xfe")[:2])
    text = octets[: 4 * PACKET_CAP].decode(utf16 or "utf-8", "replace").rstrip("\0")
    return Packet(place=place, text=text[:PACKET_CAP], cut=len(text) > PACKET_CAP)


def write(media: Media) -> bytes:
    """Return an extract as stored: canonical JSON with the version that wrote it."""
    value = asdict(media) | {"version": VERSION}
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def read(extracted: bytes) -> Media:
    """Return the content of an extract; an empty `Media` for bytes that are no extract."""
    try:
        value = json.loads(extracted)
        return Media(
            kind=value["kind"],
            truncated=value["truncated"],
            packets=tuple(Packet(**packet) for packet in value["packets"]),
            package=value["package"] and _package(value["package"]),
            credentials=value["credentials"] and _credentials(value["credentials"]),
            # Older extracts have none.
            iim=tuple(IimEntry(**entry) for entry in value.get("iim", ())),
            faults=tuple(MediaFault(**fault) for fault in value["faults"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return Media()


def _package(value: dict[str, Any]) -> Package:
    elements = tuple(
        XmpElement(**(e | {"attributes": tuple(map(tuple, e["attributes"]))}))
        for e in value["elements"]
    )
    return Package(**(value | {"elements": elements}))


def _credentials(value: dict[str, Any]) -> Credentials:
    assertions = tuple(
        Assertion(**(a | {"entries": tuple(map(tuple, a["entries"]))})) for a in value["assertions"]
    )
    return Credentials(**(value | {"assertions": assertions, "codes": tuple(value["codes"])}))
