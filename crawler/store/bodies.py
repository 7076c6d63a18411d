"""Bodies: bytes that were received, stored once under their SHA-256 and compressed.

Bytes that were erased on purpose leave an empty body and a row in `withheld_body`. Those of a
redaction are not stored again, whoever sends them; those that were pruned are.

Rules for editors: bytes leave this module only if they have the digest that they are stored
under. A finding that rests on other bytes would be proven by nothing. So no other module reads
`body.content`.
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


class WithheldBodyError(UserError):
    """Bytes were erased on purpose; the message says when and why."""


def save_body(db: sqlite3.Connection, content: bytes, digest: str | None = None) -> str:
    """Store bytes once, compressed. Return their SHA-256, which is `digest` if it is given.

    Bytes that are stored already are left unchanged, unless they are damaged. Of redacted bytes
    only the digest is stored.
    """
    digest = digest or hashlib.sha256(content).hexdigest()
    if is_redacted(db, digest):
        db.execute("INSERT INTO body VALUES (?, 0, x'') ON CONFLICT DO NOTHING", (digest,))
    elif _is_wanted(db, digest):
        _store(db, digest, len(content), _ZSTANDARD.compressor.compress(content))
    return digest


def is_redacted(db: sqlite3.Connection, digest: str) -> bool:
    """Return whether the bytes of a digest were redacted, and must not be stored again."""
    query = "SELECT EXISTS (SELECT 1 FROM withheld_body WHERE digest = ? AND redaction IS NOT NULL)"
    return bool(db.execute(query, (digest,)).fetchone()[0])


def is_withheld(db: sqlite3.Connection, digest: str) -> bool:
    """Return whether the bytes of a digest were erased on purpose, and are not there again."""
    return why_withheld(db, digest) is not None


def why_withheld(db: sqlite3.Connection, digest: str) -> str | None:
    """Return when and why the bytes of a digest were erased; None if they were not.

    The bytes need never have been stored.
    """
    query = "SELECT erased_at, erased_because FROM withheld_bytes WHERE digest = ?"
    row = db.execute(query, (digest,)).fetchone()
    return row and f"erased on {row[0]}: {row[1]}"


def read_body(db: sqlite3.Connection, digest: str) -> bytes | None:
    """Return the bytes stored under a digest, None if there are none.

    Raise `WithheldBodyError` if they were erased on purpose, and `DamagedBodyError` if they do not
    have that digest, or are too large to be of a crawl.
    """
    row = db.execute(_STORED, (digest,)).fetchone()
    content = row and _content(digest, *row)
    if content is None and (why := why_withheld(db, digest)) is not None:
        raise WithheldBodyError(f"the bytes of {digest} were {why}")
    if row is None:
        return None
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
    """Return the bytes stored under a digest, None if they are gone, damaged or withheld."""
    row = db.execute(_STORED, (digest,)).fetchone()
    return row and _content(digest, *row)


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
