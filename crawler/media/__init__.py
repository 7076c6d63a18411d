"""The extract of a media file: what it says about its own use, and where in the file.

XMP packets, the metadata of an EPUB package, and the training and data mining assertions of
C2PA manifests. What a file is, its first octets tell; its suffix and `Content-Type` are hearsay.
PDF and C2PA need the extra `[media]`, imported only when a file calls for it; reading the
extract back needs nothing. Any bytes give an extract.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.util import find_spec
from itertools import islice
from typing import Any, TypeVar

from crawler.media import _c2pa, _epub, _images, _pdf
from crawler.media._model import (
    PACKET_CAP,
    PACKETS,
    TEXT_CAP,
    Assertion,
    Credentials,
    Media,
    MediaFault,
    Package,
    Packet,
    UnreadableError,
    XmpElement,
)

__all__ = [
    "Assertion",
    "Credentials",
    "Media",
    "MediaFault",
    "Package",
    "Packet",
    "XmpElement",
    "extract",
    "kind_of",
    "missing",
    "read",
    "unread",
    "write",
]

VERSION = 1

_T = TypeVar("_T")
# What libraries call the bytes they were given; it differs from run to run.
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
_BRANDS = {b"avif": "avif", b"avis": "avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "heif"
)


def missing() -> tuple[str, ...]:
    """The packages of the extra `[media]` that are not installed."""
    return tuple(package for module, package in _LIBRARIES.items() if find_spec(module) is None)


def kind_of(body: bytes) -> str:
    """The kind of a file by its first octets, empty for one that is not read."""
    for magic, kind in _MAGIC:
        if body.startswith(magic):
            return kind
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "webp"
    if body[4:8] == b"ftyp":
        return _BRANDS.get(body[8:12], "mp4")
    # ISO 32000-1, appendix H.3: readers look for the header in the first 1024 octets.
    if b"%PDF-" in body[:1024]:
        return "pdf"
    return "epub" if _epub.is_epub(body) else ""


def extract(body: bytes, *, truncated: bool = False) -> bytes:
    """Give the extract of a file as canonical JSON; `truncated` says that it was cut."""
    kind = kind_of(body)
    faults: list[MediaFault] = []
    media = Media(
        kind=kind,
        truncated=truncated,
        packets=_tried("pdf" if kind == "pdf" else "xmp", lambda: _packets(kind, body), faults)
        or (),
        package=_tried("epub", lambda: _epub.package(body) if kind == "epub" else None, faults),
        credentials=_tried("c2pa", lambda: _c2pa.credentials(kind, body), faults),
    )
    return write(replace(media, faults=tuple(faults)))


def unread(why: str) -> bytes:
    """The extract of a file that could not be looked into at all."""
    return write(Media(faults=(MediaFault(part="file", why=why[:TEXT_CAP]),)))


def _tried(part: str, reading: Callable[[], _T], faults: list[MediaFault]) -> _T | None:
    """What a reader found; whatever stops it, libraries included, is a fault of that part."""
    try:
        return reading()
    except UnreadableError as error:
        faults.append(MediaFault(part=part, why=str(error)[:TEXT_CAP]))
    except Exception as error:
        why = _ADDRESS.sub("", f"{type(error).__name__}: {error}")
        faults.append(MediaFault(part=part, why=why[:TEXT_CAP]))
    return None


def _packets(kind: str, body: bytes) -> tuple[Packet, ...]:
    found = _pdf.packets(body) if kind == "pdf" else _images.packets(kind, body)
    return tuple(_packet(place, octets) for place, octets in islice(found, PACKETS))


def _packet(place: str, octets: bytes) -> Packet:
    """XMP, part 1, 7.1: UTF-8 as a rule, UTF-16 where octets of zero stand between."""
    octets = octets.removeprefix(b"\xef\xbb\xbf")
    wide = {b"\0<": "utf-16-be", b"<\0": "utf-16-le"}.get(octets.removeprefix(b"\xff\xfe")[:2])
    text = octets[: 4 * PACKET_CAP].decode(wide or "utf-8", "replace").rstrip("\0")
    return Packet(place=place, text=text[:PACKET_CAP], cut=len(text) > PACKET_CAP)


def write(media: Media) -> bytes:
    """An extract as it is kept: canonical JSON with the version that made it."""
    value = asdict(media) | {"version": VERSION}
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def read(extracted: bytes) -> Media:
    """Read an extract back; bytes that are none say nothing."""
    try:
        given = json.loads(extracted)
        return Media(
            kind=given["kind"],
            truncated=given["truncated"],
            packets=tuple(Packet(**packet) for packet in given["packets"]),
            package=given["package"] and _package(given["package"]),
            credentials=given["credentials"] and _credentials(given["credentials"]),
            faults=tuple(MediaFault(**fault) for fault in given["faults"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return Media()


def _package(given: dict[str, Any]) -> Package:
    elements = tuple(
        XmpElement(**(e | {"attributes": tuple(map(tuple, e["attributes"]))}))
        for e in given["elements"]
    )
    return Package(**(given | {"elements": elements}))


def _credentials(given: dict[str, Any]) -> Credentials:
    assertions = tuple(
        Assertion(**(a | {"entries": tuple(map(tuple, a["entries"]))})) for a in given["assertions"]
    )
    return Credentials(**(given | {"assertions": assertions, "codes": tuple(given["codes"])}))
