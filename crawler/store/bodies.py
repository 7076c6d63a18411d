"""Bodies: bytes that were received, stored once under their SHA-256 and compressed.

Rules for editors: bytes leave this module only if they have the digest that they are stored
under. A finding that rests on other bytes would be proven by nothing. So no other module reads
`body.content`.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable

import zstandard

from crawler.errors import UserError


class _Zstandard(threading.local):
    """A compressor and a decompressor for each thread, which must not share one."""

    # Reused: to make one takes longer than to compress a robots.txt.

    def __init__(self) -> None:
        # A checksum in each frame, so that `zstd --test` finds damage without this program, too.
        self.compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTANDARD = _Zstandard()
#: Octets of the largest body that is decompressed. The largest that a crawl stores is a media file
#: of 16 MiB; a database from elsewhere may claim anything.
MAX_BODY = 64 * 1024 * 1024


_STORED = "SELECT size, content FROM body WHERE digest = ?"
_TRIGGER = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = 'body_is_final'"


class AmbiguousDigestError(UserError):
    """The start of a digest is that of several; the message says so."""


class DamagedBodyError(UserError):
    """Stored bytes do not have the digest that they are stored under."""


def save_body(db: sqlite3.Connection, content: bytes, digest: str | None = None) -> str:
    """Store bytes once, compressed. Return their SHA-256, which is `digest` if it is given.

    Bytes that are stored already are left unchanged, unless they are damaged.
    """
    digest = digest or hashlib.sha256(content).hexdigest()
    if _is_wanted(db, digest):
        _store(db, digest, len(content), _ZSTANDARD.compressor.compress(content))
    return digest


def copy_body(source: sqlite3.Connection, db: sqlite3.Connection, digest: str) -> None:
    """Store the bytes of a digest, which are undamaged in `source`, in `db`.

    Bytes that are stored already are left unchanged, unless they are damaged.
    """
    row = source.execute(_STORED, (digest,)).fetchone()
    if row is not None and _is_wanted(db, digest):
        _store(db, digest, *row)


def damaged_bodies(db: sqlite3.Connection, digests: Iterable[str]) -> set[str]:
    """Return those of some digests under which other bytes are stored."""
    rows = ((digest, db.execute(_STORED, (digest,)).fetchone()) for digest in digests)
    return {digest for digest, row in rows if row and _content(digest, *row) is None}


def read_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """Return the bytes stored under a digest, None if there are none.

    Raise `DamagedBodyError` if they do not have that digest, or are too large to be of a crawl.
    """
    row = db.execute(_STORED, (digest,)).fetchone()
    if row is None:
        return None
    content = _content(digest, *row)
    if content is None:
        raise DamagedBodyError(
            f"the bytes stored under {digest} are damaged: they do not have that SHA-256; "
            "restore the database from a copy that has them"
        )
    return content


def whole_digest(db: sqlite3.Connection, start: str) -> str:
    """Return the digest of the stored bytes that begins so; `start` itself if there is none.

    Raise `AmbiguousDigestError` if there are several.
    """
    found = db.execute(
        "SELECT digest FROM body WHERE digest >= ?1 AND digest < ?1 || 'g' LIMIT 2", (start,)
    ).fetchall()
    if len(found) > 1:
        raise AmbiguousDigestError(f"several digests begin with {start}; give more of it")
    return str(found[0][0]) if found else start


def load_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """Return the bytes stored under a digest, None if there are none or they are damaged."""
    try:
        return read_body(db, digest)
    except DamagedBodyError:
        return None


def _content(digest: str, size: int, compressed: bytes) -> bytes | None:
    """Return the bytes of a stored row, None if they do not have its digest."""
    content = _decompress(compressed, size) if size <= MAX_BODY else None
    is_its = content is not None and hashlib.sha256(content).hexdigest() == digest
    return content if is_its else None


def _is_wanted(db: sqlite3.Connection, digest: str) -> bool:
    """Return whether bytes are not stored yet, or damaged."""
    row = db.execute(_STORED, (digest,)).fetchone()
    return row is None or _content(digest, *row) is None


def _store(db: sqlite3.Connection, digest: str, size: int, compressed: bytes) -> None:
    """Store a row, in place of a damaged one if there is one, in the caller's transaction."""
    facts = {"digest": digest, "size": size, "content": compressed}
    inserted = db.execute(
        "INSERT INTO body VALUES (:digest, :size, :content) ON CONFLICT DO NOTHING", facts
    ).rowcount
    if inserted:
        return
    # Bytes without their digest are evidence of nothing, so the trigger that keeps evidence from
    # being changed steps aside. It is back before another connection can write.
    (trigger,) = db.execute(_TRIGGER).fetchone() or ("",)
    db.execute("DROP TRIGGER IF EXISTS body_is_final")
    db.execute("UPDATE body SET size = :size, content = :content WHERE digest = :digest", facts)
    db.execute(trigger)


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
