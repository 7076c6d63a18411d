"""Compressed files: which compression it is, by the first bytes, and what is in them.

Rule for editors: no DuckDB and no Arrow here, as in `files`.
"""

import bz2
import gzip
import io
import lzma
import os
import shutil
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

#: Names of compressions by suffix; gzip and zstd are DuckDB's names too.
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
#: Compressions that DuckDB undoes itself.
KNOWN_TO_DUCKDB = ("none", "gzip", "zstd")
#: Errors while a file is decompressed.
ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)

# RFC 1952, 2.3.1; RFC 8878, 3.1 (a frame, or one to skip); the formats' own descriptions.
_MAGIC = {
    b"\x1f\x8b\x08": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    **{b"BZh%d" % level: "bz2" for level in range(1, 10)},
    **{b"%c\x2a\x4d\x18" % first: "zstd" for first in range(0x50, 0x60)},
}
_LONGEST_MAGIC = max(map(len, _MAGIC))
_PIECE = 1 << 20
# RFC 8878, 3.1.1.1 and 3.1.1.2.
_LONGEST_FRAME_HEADER, _BLOCK_HEADER, _CHECKSUM = 18, 3, 4
_RLE, _RESERVED = 1, 3


def compression_named(path: Path) -> str:
    """Return the compression that the last suffix of a name tells, or `none`."""
    return COMPRESSIONS.get(path.suffix.lower(), "none")


def compression_of(path: Path) -> str:
    """Return the compression of a file by its first bytes, or `none`."""
    with path.open("rb") as stream:
        return compression_of_bytes(stream.read(_LONGEST_MAGIC))


def compression_of_bytes(head: bytes) -> str:
    """Return the compression that the first bytes of a file tell, or `none`."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "none")


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading, decompressed while it is read."""
    match compression_of(path):
        case "gzip":
            return cast("BinaryIO", gzip.open(path, "rb"))
        case "bz2":
            return cast("BinaryIO", bz2.open(path, "rb"))
        case "xz":
            return cast("BinaryIO", lzma.open(path, "rb"))
        case "zstd":
            # A file may consist of several frames (RFC 8878, 3), as parallel compressors write.
            reader = zstandard.ZstdDecompressor().stream_reader(
                path.open("rb"), read_across_frames=True, closefd=True
            )
            return cast("BinaryIO", reader)
        case _:
            return path.open("rb")


class CutOffError(Exception):
    """A file ends within one of its rows."""


class Remains(io.RawIOBase):
    """The decompressed octets of a file, up to where it is damaged or cut off.

    `is_damaged` is true once that place was reached.
    """

    def __init__(self, path: Path) -> None:
        self.is_damaged = False
        self._path, self._plain = path, cast("io.BufferedReader", open_plain(path))

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        piece = b"" if self.is_damaged else self._piece(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _piece(self, size: int) -> bytes:
        # Not `read`: what it decompressed before the damage would be lost.
        try:
            piece = self._plain.read1(min(size, _PIECE))
        except ERRORS as error:
            if isinstance(error, OSError) and error.errno:
                raise
            self.is_damaged = True
            return b""
        if not piece and compression_of(self._path) == "zstd":
            self.is_damaged = not is_whole_zstd(self._path)
        return piece

    def close(self) -> None:
        """See `io.RawIOBase`."""
        self._plain.close()
        super().close()


def head_of(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, decompressed; fewer where it is damaged."""
    with io.BufferedReader(Remains(path), size) as stream:
        return stream.read(size)


def write_whole_lines(path: Path, copy: Path) -> int | None:
    """Write the decompressed lines of a file, as many as there are, to a copy.

    Return None if that is all. If the file is damaged or cut off, return the number of octets that
    were written: a line that is not whole is left out.
    """
    with copy.open("wb") as stream:
        with Remains(path) as remains:
            shutil.copyfileobj(remains, stream, _PIECE)
        if not remains.is_damaged:
            return None
        _cut_behind_last_line(copy, stream)
        return stream.tell()


def _cut_behind_last_line(copy: Path, stream: io.BufferedWriter) -> None:
    """Remove what follows the last line end."""
    stream.flush()
    end = stream.tell()
    with copy.open("rb") as written:
        while end:
            start = max(0, end - _PIECE)
            written.seek(start)
            found = written.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
    stream.seek(end)
    stream.truncate()


def is_whole_zstd(path: Path) -> bool:
    """Return whether the frames of a zstd file are all there.

    The library that decompresses them takes the end of the file for the end of a frame.
    """
    size = os.path.getsize(path)
    with path.open("rb") as stream:
        while stream.tell() < size:
            if not _skip_frame(stream) or stream.tell() > size:
                return False
    return True


def _skip_frame(stream: BinaryIO) -> bool:
    """Move behind a frame. Return whether its end was found."""
    start, head = stream.tell(), stream.read(_LONGEST_FRAME_HEADER)
    if head[1:4] == b"\x2a\x4d\x18":
        stream.seek(start + 8 + int.from_bytes(head[4:8], "little"))
        return len(head) >= 8
    try:
        has_checksum = zstandard.get_frame_parameters(head).has_checksum
        stream.seek(start + zstandard.frame_header_size(head))
    except zstandard.ZstdError:
        return False
    while len(block := stream.read(_BLOCK_HEADER)) == _BLOCK_HEADER:
        header = int.from_bytes(block, "little")
        kind, size = header >> 1 & 3, header >> 3
        if kind == _RESERVED:
            return False
        stream.seek(1 if kind == _RLE else size, os.SEEK_CUR)
        if header & 1:
            stream.seek(_CHECKSUM if has_checksum else 0, os.SEEK_CUR)
            return True
    return False
