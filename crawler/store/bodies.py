"""Bodies: bytes that were received, stored once under their SHA-256 and compressed.

Rules for editors: bytes leave this module only if they have the digest that they are stored
under. A finding that rests on other bytes would be proven by nothing.
"""

import hashlib
import sqlite3
import threading

import zstandard

from crawler.errors import UserError


class _Zstandard(threading.local):
    """A compressor and a decompressor for each thread, which must not share one."""

    # Reused: to make one takes longer than to compress a robots.txt.

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=3)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTANDARD = _Zstandard()
#: Octets of the largest body that is decompressed. The largest that a crawl stores is a media file
#: of 16 MiB; a database from elsewhere may claim anything.
MAX_BODY = 64 * 1024 * 1024


class DamagedBodyError(UserError):
    """Stored bytes do not have the digest that they are stored under."""


def save_body(db: sqlite3.Connection, content: bytes, digest: str | None = None) -> str:
    """Store bytes once, compressed. Return their SHA-256, which is `digest` if it is given."""
    digest = digest or hashlib.sha256(content).hexdigest()
    stored = db.execute("SELECT 1 FROM body WHERE digest = ?", (digest,)).fetchone()
    if not stored:
        compressed = _ZSTANDARD.compressor.compress(content)
        db.execute("INSERT INTO body VALUES (?, ?, ?)", (digest, len(content), compressed))
    return digest


def read_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """Return the bytes stored under a digest, None if there are none.

    Raise `DamagedBodyError` if they do not have that digest, or are too large to be of a crawl.
    """
    row = db.execute("SELECT size, content FROM body WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    size, compressed = row
    content = _decompress(compressed, size) if size <= MAX_BODY else None
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        raise DamagedBodyError(
            f"the bytes stored under {digest} are damaged: they do not have that SHA-256; "
            "restore the database from a copy that has them"
        )
    return content


def load_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """Return the bytes stored under a digest, None if there are none or they are damaged."""
    try:
        return read_body(db, digest)
    except DamagedBodyError:
        return None


def _decompress(compressed: bytes, size: int) -> bytes | None:
    """Return decompressed bytes of at most `size` octets, None if that is not what they are."""
    try:
        # A frame that names a size of its own is decompressed to that, whatever limit is given.
        named = zstandard.get_frame_parameters(compressed).content_size
        if named > MAX_BODY and named != zstandard.CONTENTSIZE_UNKNOWN:
            return None
        return _ZSTANDARD.decompressor.decompress(compressed, max_output_size=max(1, size))
    except zstandard.ZstdError:
        return None
