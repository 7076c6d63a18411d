"""XMP packets of images, by the structure of each container; no pixel is decoded.

XMP specification, part 3, says where they stand. A file that was cut gives what came first.
"""

import zlib
from collections.abc import Iterator

from crawler.media._model import PACKET_CAP

Found = Iterator[tuple[str, bytes]]

_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_PNG = b"XML:com.adobe.xmp\0"
_GIF, _GIF_END = b"\x21\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
_TIFF_XMP, _TIFF_DIRECTORIES = 700, 8
_OPEN, _CLOSE = b"<?xpacket begin", b"<?xpacket end"


def packets(kind: str, body: bytes) -> Found:
    """The packets of a file with their places; nothing for a kind that has none."""
    match kind:
        case "jpeg":
            return _jpeg(body)
        case "png":
            return _png(body)
        case "webp":
            return _webp(body)
        case "gif":
            return _gif(body)
        case "tiff":
            return _tiff(body)
        case "avif" | "heif" | "mp4" | "mp3":
            return _scanned(body)
    return iter(())


def _segments(body: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The segments of a JPEG before its image data: marker, place and content."""
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        if marker == 0xFF:  # a fill octet
            at += 1
        elif marker == 1 or 0xD0 <= marker <= 0xD8:  # no content
            at += 2
        elif marker in (0xD9, 0xDA):
            return
        else:
            length = max(2, int.from_bytes(body[at + 2 : at + 4]))
            yield marker, at, body[at + 4 : at + 2 + length]
            at += 2 + length


def _jpeg(body: bytes) -> Found:
    """The packet in APP1, and the rest of one that was too long for it (part 3, 1.1.3.1)."""
    pieces: dict[bytes, dict[int, bytes]] = {}
    named = b""
    for marker, at, content in _segments(body):
        if marker == 0xE1 and content.startswith(_JPEG):
            named += content
            yield f"APP1 at octet {at}", content.removeprefix(_JPEG)
        elif marker == 0xE1 and content.startswith(_JPEG_MORE):
            more = content.removeprefix(_JPEG_MORE)
            pieces.setdefault(more[:32], {})[int.from_bytes(more[36:40])] = more[40:]
    for digest, parts in pieces.items():
        if digest in named:
            yield "APP1, extended", b"".join(parts[offset] for offset in sorted(parts))


def _png(body: bytes) -> Found:
    """The international text chunk, wherever it stands (part 3, 1.1.5)."""
    at = 8
    while at + 8 <= len(body):
        length, kind = int.from_bytes(body[at : at + 4]), body[at + 4 : at + 8]
        if kind == b"iTXt" and body.startswith(_PNG, at + 8):
            content = body[at + 8 + len(_PNG) : at + 8 + length]
            _language, _, rest = content[2:].partition(b"\0")
            text = rest.partition(b"\0")[2]
            yield f"iTXt at octet {at}", _inflated(text) if content[:1] == b"\1" else text
        at += 12 + length


def _inflated(octets: bytes) -> bytes:
    """At most so many octets that the cut shows; what is damaged ends it."""
    try:
        return zlib.decompressobj().decompress(octets, 4 * PACKET_CAP + 1)
    except zlib.error:
        return b""


def _webp(body: bytes) -> Found:
    at = 12
    while at + 8 <= len(body):
        length = int.from_bytes(body[at + 4 : at + 8], "little")
        if body[at : at + 3] == b"XMP":
            yield f"XMP chunk at octet {at}", body[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _gif(body: bytes) -> Found:
    at = body.find(_GIF)
    if at >= 0:
        start = at + len(_GIF)
        end = body.find(_GIF_END, start)
        yield f"application extension at octet {at}", body[start : end if end >= 0 else None]


def _tiff(body: bytes) -> Found:
    """Tag 700 of each image file directory (part 3, 1.1.8); no directory is read twice."""
    order = "little" if body[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(body[at : at + size], order)  # type: ignore[arg-type]

    at, read = number(4, 4), set[int]()
    while at and at not in read and len(read) < _TIFF_DIRECTORIES:
        read.add(at)
        entries = number(at, 2)
        for entry in range(at + 2, min(at + 2 + 12 * entries, len(body)), 12):
            if number(entry, 2) == _TIFF_XMP:
                start = number(entry + 8, 4)
                yield f"tag 700 at octet {entry}", body[start : start + number(entry + 4, 4)]
        at = number(at + 2 + 12 * entries, 4)


def _scanned(body: bytes) -> Found:
    """Packets found by their wrapper (part 1, 7.3.2: it lets readers that do not know the
    format find them).
    """
    at = body.find(_OPEN)
    while at >= 0:
        end = body.find(_CLOSE, at)
        if end < 0:
            return
        yield f"packet at octet {at}", body[at:end]
        at = body.find(_OPEN, end)
