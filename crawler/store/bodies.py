"""Bodies: bytes that were received, stored once under their SHA-256 and compressed."""

import hashlib
import sqlite3
import threading

import zstandard


class _Zstandard(threading.local):
    """A compressor and a decompressor for each thread, which must not share one."""

    # Reused: to make one takes longer than to compress a robots.txt.

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=3)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTANDARD = _Zstandard()


def save_body(db: sqlite3.Connection, content: bytes, digest: str | None = None) -> str:
    """Store bytes once, compressed. Return their SHA-256, which is `digest` if it is given."""
    digest = digest or hashlib.sha256(content).hexdigest()
    stored = db.execute("SELECT 1 FROM body WHERE digest = ?", (digest,)).fetchone()
    if not stored:
        compressed = _ZSTANDARD.compressor.compress(content)
        db.execute("INSERT INTO body VALUES (?, ?, ?)", (digest, len(content), compressed))
    return digest


def load_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """Return the bytes stored under a digest, None if there are none."""
    row = db.execute("SELECT size, content FROM body WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    return _ZSTANDARD.decompressor.decompress(row[1], max_output_size=max(1, row[0]))
