"""XMP packets of images and audio, by the structure of each container (XMP, part 3).

No pixel is decoded. A file that was cut gives the packets before the cut.

Rules for editors. Bytes are untrusted: every loop must advance, lengths may lie, and slices past
the end must be harmless.
"""

import zlib
from collections.abc import Iterator

from crawler.media._model import PACKET_CAP

#: Packets as (place, octets).
Packets = Iterator[tuple[str, bytes]]

_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_PNG = b"XML:com.adobe.xmp\0"
_GIF, _GIF_END = b"\x21\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
_TIFF_XMP = 700  # the tag
_MAX_TIFF_DIRECTORIES = 8
_OPEN, _CLOSE = b"<?xpacket begin", b"<?xpacket end"


def packets(kind: str, body: bytes) -> Packets:
    """Yield the XMP packets of a file of some kind (see `Media.kind`); none for other kinds."""
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
            return _scan(body)
    return iter(())


def segments(body: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the segments of a JPEG before its image data: marker, offset and content."""
    offset = 2
    while offset + 4 <= len(body) and body[offset] == 0xFF:
        marker = body[offset + 1]
        if marker == 0xFF:  # a fill octet
            offset += 1
        elif marker == 1 or 0xD0 <= marker <= 0xD8:  # no content
            offset += 2
        # End of image, or start of the pixels: no metadata follows.
        elif marker in (0xD9, 0xDA):
            return
        else:
            length = max(2, int.from_bytes(body[offset + 2 : offset + 4]))
            yield marker, offset, body[offset + 4 : offset + 2 + length]
            offset += 2 + length


def _jpeg(body: bytes) -> Packets:
    """Yield the packet in APP1, and its continuation in further segments (part 3, 1.1.3.1)."""
    pieces: dict[bytes, dict[int, bytes]] = {}  # digest of the whole -> offset -> octets
    main = b""
    for marker, offset, content in segments(body):
        if marker == 0xE1 and content.startswith(_JPEG):
            main += content
            yield f"APP1 at octet {offset}", content.removeprefix(_JPEG)
        elif marker == 0xE1 and content.startswith(_JPEG_MORE):
            piece = content.removeprefix(_JPEG_MORE)
            # 32 octets of digest, 4 of the whole length, 4 of the offset.
            pieces.setdefault(piece[:32], {})[int.from_bytes(piece[36:40])] = piece[40:]
    for digest, parts in pieces.items():
        # The main packet names the digest of its continuation; others are leftovers.
        if digest in main:
            yield "APP1, extended", b"".join(parts[offset] for offset in sorted(parts))


def _png(body: bytes) -> Packets:
    """Yield the international text chunks, also those after the pixels (part 3, 1.1.5)."""
    offset = 8
    while offset + 8 <= len(body):
        length, kind = int.from_bytes(body[offset : offset + 4]), body[offset + 4 : offset + 8]
        if kind == b"iTXt" and body.startswith(_PNG, offset + 8):
            # PNG, iTXt chunk: compression flag and method, then language and translated keyword,
            # each ended by an octet of zero, then the text.
            content = body[offset + 8 + len(_PNG) : offset + 8 + length]
            _language, _, rest = content[2:].partition(b"\0")
            text = rest.partition(b"\0")[2]
            yield f"iTXt at octet {offset}", _inflate(text) if content[:1] == b"\1" else text
        offset += 12 + length


def _inflate(octets: bytes) -> bytes:
    """Return inflated octets, empty if they are damaged."""
    # One octet more than a packet may have, so that the packet is recognised as cut; a bomb is
    # not inflated further.
    try:
        return zlib.decompressobj().decompress(octets, 4 * PACKET_CAP + 1)
    except zlib.error:
        return b""


def _webp(body: bytes) -> Packets:
    """Yield the `XMP ` chunks of the RIFF container; chunks have an even length."""
    offset = 12
    while offset + 8 <= len(body):
        length = int.from_bytes(body[offset + 4 : offset + 8], "little")
        if body[offset : offset + 3] == b"XMP":
            yield f"XMP chunk at octet {offset}", body[offset + 8 : offset + 8 + length]
        offset += 8 + length + length % 2


def _gif(body: bytes) -> Packets:
    """Yield the packet of the XMP application extension (XMP, part 3)."""
    offset = body.find(_GIF)
    if offset >= 0:
        start = offset + len(_GIF)
        end = body.find(_GIF_END, start)
        yield f"application extension at octet {offset}", body[start : end if end >= 0 else None]


def _tiff(body: bytes) -> Packets:
    """Yield tag 700 of each image file directory (part 3, 1.1.8); no directory is read twice."""
    # An entry has 12 octets: tag, type, count, and a value or its offset.
    order = "little" if body[:2] == b"II" else "big"

    def number(offset: int, size: int) -> int:
        return int.from_bytes(body[offset : offset + size], order)  # type: ignore[arg-type]

    offset, seen = number(4, 4), set[int]()
    while offset and offset not in seen and len(seen) < _MAX_TIFF_DIRECTORIES:
        seen.add(offset)
        entries = number(offset, 2)
        for entry in range(offset + 2, min(offset + 2 + 12 * entries, len(body)), 12):
            if number(entry, 2) == _TIFF_XMP:
                start = number(entry + 8, 4)
                yield f"tag 700 at octet {entry}", body[start : start + number(entry + 4, 4)]
        offset = number(offset + 2 + 12 * entries, 4)


def _scan(body: bytes) -> Packets:
    """Yield packets found by their wrapper, in formats whose structure is not read.

    XMP, part 1, 7.3.2: the wrapper exists for readers that do not know the format.
    """
    offset = body.find(_OPEN)
    while offset >= 0:
        end = body.find(_CLOSE, offset)
        if end < 0:
            return
        yield f"packet at octet {offset}", body[offset:end]
        offset = body.find(_OPEN, end)
