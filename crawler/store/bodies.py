"""Bodies: bytes that were received, stored once under their SHA-256 and compressed."""

import hashlib
import sqlite3
import threading

import zstandard


class _Zstandard(threading.local):
    """One of each for all bodies of a thread: to make one takes longer than a robots.txt does."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=3)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTANDARD = _Zstandard()


def save_body(db: sqlite3.Connection, content: bytes, digest: str | None = None) -> str:
    """Store bytes once, compressed, under their SHA-256, which comes back."""
    digest = digest or hashlib.sha256(content).hexdigest()
    known = db.execute("SELECT 1 FROM body WHERE digest = ?", (digest,)).fetchone()
    if not known:
        compressed = _ZSTANDARD.compressor.compress(content)
        db.execute("INSERT INTO body VALUES (?, ?, ?)", (digest, len(content), compressed))
    return digest


def load_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """The bytes stored under a digest, None if there are none."""
    row = db.execute("SELECT size, content FROM body WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    return _ZSTANDARD.decompressor.decompress(row[1], max_output_size=max(1, row[0]))
