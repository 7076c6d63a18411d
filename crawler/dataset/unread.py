"""Kinds of files that are not read, told by their first bytes, and what to do about each."""

import re
from pathlib import Path
from typing import NamedTuple


class _Kind(NamedTuple):
    """Octets at a place of a file, what they tell the file is, and what to do."""

    magic: bytes
    title: str
    advice: str
    at: int = 0


_UNPACK = "unpack it and give the files or the folder"
_EXPORT = "export the table with the URLs as Parquet or CSV"
_NO_TABLE = "give a table or list of URLs"
_KINDS = (
    _Kind(b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    _Kind(b"DUCK", "a DuckDB database", _EXPORT, at=8),
    _Kind(b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    _Kind(b"CDF\x01", "a NetCDF file", _EXPORT),
    _Kind(b"Obj\x01", "an Avro file", "convert it to Parquet"),
    _Kind(b"ORC", "an ORC file", "convert it to Parquet"),
    _Kind(b"PARE", "an encrypted Parquet file", "decrypt it"),
    _Kind(b"FEA1", "a Feather file of version 1", "write it again as Feather version 2"),
    _Kind(b"\x93NUMPY", "a NumPy array", "write the URLs as a text file, one a line"),
    _Kind(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", "save the sheet as CSV"),
    _Kind(b"%PDF-", "a PDF document", _NO_TABLE),
    _Kind(b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    _Kind(b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    _Kind(b"MSCF", "a CAB archive", _UNPACK),
    _Kind(b"!<arch>\n", "an ar archive", _UNPACK),
    _Kind(b"\x04\x22\x4d\x18", "compressed by LZ4", "decompress it"),
    _Kind(b"\xff\x06\x00\x00sNaPpY", "compressed by Snappy", "decompress it"),
    _Kind(b"\x1f\x9d", "compressed by compress", "decompress it"),
    _Kind(b"LZIP", "compressed by lzip", "decompress it"),
    _Kind(b"\x5d\x00\x00\x80\x00", "compressed by LZMA", "decompress it, or compress it by xz"),
    _Kind(b"\xff\xd8\xff", "a JPEG image", _NO_TABLE),
    _Kind(b"\x89PNG\r\n\x1a\n", "a PNG image", _NO_TABLE),
    _Kind(b"GIF8", "a GIF image", _NO_TABLE),
    _Kind(b"WEBP", "a WebP image", _NO_TABLE, at=8),
    _Kind(b"\x7fELF", "a program", _NO_TABLE),
    _Kind(b"RDX", "an R workspace", _EXPORT),
    _Kind(b"X\n\x00\x00\x00", "an R object", _EXPORT),
    _Kind(b"filedesc://", "an ARC archive", "convert it to WARC (`warcio recompress`)"),
    _Kind(b"\xff\xfe\x00\x00", "text in UTF-32", "convert it to UTF-8"),
    _Kind(b"\x00\x00\xfe\xff", "text in UTF-32", "convert it to UTF-8"),
    _Kind(
        b"version https://git-lfs.github.com/spec/",
        "a pointer of Git LFS, not the file",
        "fetch the file with `git lfs pull`",
    ),
)
# Protocols 2 to 5 begin so; protocol 0 is text.
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:[\x95c}\](]|\x8c)")
_ZIP = b"PK\x03\x04"
_ZIPPED = (
    (b"xl/", "an Excel workbook", "save the sheet as CSV"),
    (b"word/", "a Word document", _NO_TABLE),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "an ODS sheet", "save it as CSV"),
    (b"mimetypeapplication/epub+zip", "an EPUB", _NO_TABLE),
    (b".npy", "an archive of NumPy arrays", _EXPORT),
)
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:(!doctype\s+html|html|head|body)|(\?xml|urlset|rss))\b", re.I
)
_BOMS = (b"\xff\xfe", b"\xfe\xff")
# Share of octets that no text has, above which a file is none.
_BINARY_SHARE = 0.1
_CONTROL = bytes({*range(32)} - {*b"\t\n\r\x0b\x0c\x1b"})


def unread_kind(head: bytes, path: Path) -> str:
    """Return what a file is, and what to do, if it is of a kind that is not read.

    `head` are its first octets, decompressed. An empty text means that it may be read.
    """
    if head.startswith(_ZIP):
        return _zipped(path)
    for kind in _KINDS:
        # A list of hosts may begin with the letters that a binary format begins with.
        if head.startswith(kind.magic, kind.at) and (b"\0" in head or not kind.magic.isalnum()):
            return f"is {kind.title}, which is not read; {kind.advice}"
    if _PICKLE.match(head):
        return "is a Python pickle, which is not read (it can run code); write Parquet or JSONL"
    if found := _MARKUP.match(head):
        if found[1]:
            return "is an HTML page, perhaps the error page of a download; get the file again"
        return "is XML, which is not read; write its URLs as a text file, one a line"
    return _binary(head)


def _zipped(path: Path) -> str:
    # The names of the files in an archive are at its end as well.
    with path.open("rb") as stream:
        start = stream.read(4096)
        stream.seek(max(0, stream.seek(0, 2) - 65_536))
        names = start + stream.read()
    for sign, title, advice in _ZIPPED:
        if sign in names:
            return f"is {title}, which is not read; {advice}"
    return f"is a zip archive, which is not read; {_UNPACK}"


def _binary(head: bytes) -> str:
    if (
        head.startswith((*_BOMS, b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"))
        or head[257:262] == b"ustar"
    ):
        return ""
    controls = len(head) - len(head.translate(None, _CONTROL))
    if controls <= _BINARY_SHARE * len(head):
        return ""
    if _looks_utf16(head):
        return "is text in UTF-16 without a byte order mark; convert it to UTF-8"
    return "is binary and of no format that is read; give Parquet, Arrow, CSV, TSV, JSON or text"


def _looks_utf16(head: bytes) -> bool:
    return any(not any(head[n:1024:2]) and all(head[1 - n : 1024 : 2]) for n in (0, 1))
