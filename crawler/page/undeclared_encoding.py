"""Undo encodings of a body that no header field declares, and recognise bodies without text.

A server that compresses a file and forgets `Content-Encoding` (RFC 9110, 8.4) sends octets that
strict readers do not read. What names its format in its first octets can be undone; the result
is a lenient reading. Octets that nothing decodes are evidence that was not read.

Rules for editors: input is hostile. Output is bounded by `MAX_DECODED` for every format, and no
input raises.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import NamedTuple

import zstandard

#: Octets that are decompressed of one body, as many as the crawl keeps of a plain one.
MAX_DECODED = 1024 * 1024
_MAX_WINDOW = 8 * 1024 * 1024  # memory of a decoder; RFC 8878, 3.1.1.1.2 recommends 8 MiB
#: Octets that are looked at to tell text from other content.
BEGINNING = 4096
#: C0 control characters that text does not hold. ESC switches character sets in ISO-2022-JP.
CONTROLS = bytes(n for n in range(32) if n not in b"\t\n\v\f\r\x1b")
_UTF32 = ((b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"))
_UTF16 = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class Decoded(NamedTuple):
    """A body after its encoding, `name`, was undone; `truncated` says that there was more."""

    body: bytes
    truncated: bool
    name: str = ""


def decompress(body: bytes) -> Decoded | None:
    """Return a body decompressed by the format that its first octets name.

    Return None for a body without such a mark, and for one that the decoder refuses.
    """
    for mark, name, decoder in _DECODERS:
        if body.startswith(mark):
            try:
                return decoder(body)._replace(name=name)
            except (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, EOFError):
                return None
    return None


def to_utf8(body: bytes, *, utf16: bool) -> Decoded | None:
    """Return a body in UTF-8 if a byte order mark names UTF-32, or with `utf16` UTF-16.

    Return None for every other body (RFC 9309, 2.3, asks for UTF-8).
    """
    for mark, name in (*_UTF32, *(_UTF16 if utf16 else ())):
        if body.startswith(mark):
            text = body[len(mark) :].decode(name, "replace")
            # The byte order mark has done its work.
            return Decoded(text.encode("utf-8", "replace"), truncated=False, name=name)
    return None


def is_text(body: bytes) -> bool:
    """Return whether the beginning of a body may be text in some character set.

    Control characters tell: text in UTF-8 or a legacy character set has almost none, compressed
    and binary content many. UTF-16 is text: every second octet of ASCII in it is zero.
    """
    begin = body[:BEGINNING]
    controls = len(begin) - len(begin.translate(None, CONTROLS))
    if controls == 0 or begin.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_bare_utf16(begin):
        return True
    try:
        # A character may be cut at the end of what is looked at.
        begin[: -3 if len(begin) == BEGINNING else None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return controls * 10 <= len(begin)


def _is_bare_utf16(begin: bytes) -> bool:
    """Return whether ASCII in UTF-16 without a byte order mark is likely."""
    zeros = begin[0::2].count(0), begin[1::2].count(0)
    return min(zeros) == 0 and max(zeros) * 3 >= len(begin) > 3


def _zlib(body: bytes) -> Decoded:
    """Undo gzip (RFC 1952, members one after the other) or zlib (RFC 1950)."""
    decoded, rest = b"", body
    while rest:
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
        decoded += decoder.decompress(rest, MAX_DECODED - len(decoded) + 1)
        if not decoder.eof or len(decoded) > MAX_DECODED:
            return Decoded(decoded[:MAX_DECODED], truncated=True)
        rest = decoder.unused_data if decoder.unused_data.startswith(b"\x1f\x8b") else b""
    return Decoded(decoded, truncated=False)


def _zstd(body: bytes) -> Decoded:
    decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    with decoder.stream_reader(io.BytesIO(body), read_across_frames=True) as stream:
        decoded = stream.read(MAX_DECODED + 1)
    return Decoded(decoded[:MAX_DECODED], len(decoded) > MAX_DECODED)


def _bz2(body: bytes) -> Decoded:
    decoder = bz2.BZ2Decompressor()
    return Decoded(decoder.decompress(body, MAX_DECODED), not decoder.eof)


def _xz(body: bytes) -> Decoded:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=8 * _MAX_WINDOW)
    return Decoded(decoder.decompress(body, MAX_DECODED), not decoder.eof)


_DECODERS: tuple[tuple[bytes | tuple[bytes, ...], str, Callable[[bytes], Decoded]], ...] = (
    (b"\x1f\x8b\x08", "gzip", _zlib),
    # RFC 1950, 2.2: deflate with a window of 32 KiB, at each of the four levels.
    ((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), "zlib", _zlib),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
    (b"BZh", "bzip2", _bz2),
    (b"\xfd7zXZ\x00", "xz", _xz),
)
