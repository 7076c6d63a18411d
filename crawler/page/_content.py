"""Find the text of a page: undo what no header declares, and recognise what is no text.

A page whose bytes nothing decodes was not read, and must not look like a page that says nothing.
"""

from typing import NamedTuple

from crawler.page import undeclared_encoding
from crawler.page._decoding import CAP, decode_page
from crawler.page.undeclared_encoding import BEGINNING, CONTROLS, Decoded

# The first bytes of images, audio, video, PDF, fonts and archives. Where a file could begin with
# the same letters as a text, more of its format is asked for.
_MAGIC = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"8BPS\0"),
    *(b"\0\0\1\0", b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL ", b"\xff\x0a"),
    *(
        b"ID3\2",
        b"ID3\3",
        b"ID3\4",
        b"\xff\xfb",
        b"\xff\xf3",
        b"\xff\xf2",
        b"\xff\xf1",
        b"\xff\xf9",
    ),
    *(b"fLaC\0", b"OggS\0", b"MThd\0", b"FLV\1", b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3"),
    *(
        b"0&\xb2u\x8ef\xcf\x11",
        b"%PDF-",
        b"wOFF",
        b"wOF2",
        b"OTTO\0",
        b"\0\1\0\0",
        b"true\0",
        b"ttcf\0",
    ),
    *(b"PK\3\4", b"PK\5\6", b"Rar!\x1a\7", b"7z\xbc\xaf\x27\x1c", b"\xd0\xcf\x11\xe0"),
    *(
        b"\x1f\x8b",
        b"\x1f\x9d",
        b"BZh91AY&SY",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"\x04\x22M\x18",
    ),
)
# Marks that follow the length of a box, or the name of a container.
_LATER_MAGIC = (
    (4, (b"ftyp", b"moov", b"mdat", b"wide")),
    (8, (b"WEBP", b"WAVE", b"AVI ", b"AIFF", b"AIFC")),
    (257, (b"ustar",)),
)


class PageContent(NamedTuple):
    """The text of a page and the codec that made it.

    `encoding` is what had to be undone, empty for nothing. `unreadable` says that bytes of the
    page were not read: they are no text, or their encoding breaks off.
    """

    codec: str
    text: str
    encoding: str
    unreadable: bool
    truncated: bool


def read_content(body: bytes, charset: str) -> PageContent:
    """Return the text of a page, for any bytes; `charset` is the label of the server."""
    decoded = _undone(body)
    # UTF-32 has become UTF-8, whatever the server says; compression leaves the charset as it is.
    codec, text = decode_page(decoded.body, "utf-8" if "utf-32" in decoded.name else charset)
    is_readable = not _names_file(decoded.body) and _is_text(codec, text)
    breaks_off = decoded.truncated and len(decoded.body) < CAP
    return PageContent(
        codec,
        text if is_readable else "",
        decoded.name,
        breaks_off or not is_readable,
        decoded.truncated or len(decoded.body) > CAP,
    )


def is_other_file(body: bytes) -> bool:
    """Return whether the first bytes of a body are an image, audio, video, PDF, font or archive.

    Such a file is no page, unless its media type says so. A compressed page is no archive.
    """
    return _names_file(_undone(body).body)


def _undone(body: bytes) -> Decoded:
    """Return a body without an encoding that its first bytes name."""
    return (
        undeclared_encoding.decompress(body)
        or undeclared_encoding.to_utf8(body, utf16=False)
        or Decoded(body, truncated=False)
    )


def _names_file(body: bytes) -> bool:
    return body.startswith(_MAGIC) or any(
        body.startswith(marks, start) and _has_control(body[: start + 4])
        for start, marks in _LATER_MAGIC
    )


def _has_control(begin: bytes) -> bool:
    """Return whether bytes hold what no text does, such as the length of a part of a file."""
    return begin.startswith(b"RIFF") or len(begin.translate(None, CONTROLS)) < len(begin)


def _is_text(codec: str, text: str) -> bool:
    """Return whether a decoded page may be text.

    UTF-16 without a mark has zeros between its letters. Binary content is full of other control
    characters; a page may have some by mistake, the more if the rest decodes without error.
    """
    if "\0" in text[:1024]:
        return False
    begin = text[:BEGINNING]
    controls = sum(map(begin.count, CONTROLS.decode("ascii")))
    is_certain = codec.startswith("utf-") and "\ufffd" not in begin
    return controls * (10 if is_certain else 50) <= len(begin)
