"""`stamp`: have an authority confirm that a manifest existed at a time."""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from crawler.clock import stamp as now
from crawler.commands import time_stamps
from crawler.commands.time_stamps import StampError, UnreadableStampError
from crawler.store import manifests, stamps
from crawler.store.database import (
    checkpoint,
    connect,
    connect_read_only,
    exclusive_lock,
    os_errors_as_store_error,
    sqlite_errors_as_store_error,
    transaction,
)


class Stamped(NamedTuple):
    """The manifest that was stamped: number, digest. `stamped_at` is empty if not verified.

    `unreadable` says why this program cannot read the token, which is kept; else it is empty.
    """

    manifest: int
    digest: str
    stamped_at: str
    unreadable: str


def stamp(path: Path, url: str, ca: Path | None) -> Stamped:
    """Ask an authority for a time stamp of the last manifest, and store it.

    With `ca`, a file of certificates, a token that does not verify is not stored. Raise
    `StampError`, `StoreError` and `StoreBusyError`.
    """
    time_stamps.require_library()
    trusted = None if ca is None else time_stamps.certificates(ca)
    with sqlite_errors_as_store_error(path), closing(connect_read_only(path)) as db:
        chain = manifests.stored(db)
    if not chain:
        raise StampError(f"{path} has no manifest yet; `tdm-audit crawl` or `adopt` makes one")
    number, _, text, digest = chain[-1]
    # Nothing is locked while an authority is waited for.
    token = time_stamps.request_stamp(url, text)
    stamped_at, unreadable = "", ""
    if trusted is not None:
        try:
            stamped_at = time_stamps.verify_stamp(token, text, trusted).isoformat()
        except UnreadableStampError as error:
            unreadable = str(error)
        except StampError as error:
            raise StampError(f"the time stamp of {url} is not stored: {error}") from error
    with exclusive_lock(path), sqlite_errors_as_store_error(path), closing(connect(path)) as db:
        with transaction(db):
            stamps.save(db, digest, _without_password(url), token, now())
        checkpoint(db)
    return Stamped(number, digest, stamped_at, unreadable)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def write_files(path: Path, folder: Path) -> list[Path]:
    """Write manifests and their tokens as files for other programs. Return those of the tokens."""
    with sqlite_errors_as_store_error(path), closing(connect_read_only(path)) as db:
        found = stamps.stamps(db)
    written = []
    with os_errors_as_store_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for n, one in enumerate(found, start=1):
            (folder / f"manifest-{one.manifest}.json").write_bytes(one.text.encode())
            written.append(folder / f"manifest-{one.manifest}.{n}.tsr")
            written[-1].write_bytes(one.token)
    return written
