"""`prune`: erase what is kept of pages, media files and contacts, by its age."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from crawler.clock import stamp
from crawler.commands.erasing import erasing, finish
from crawler.store import contacts, derived, erasure, manifests, redaction_targets, withholding
from crawler.store.database import transaction


class Retention(NamedTuple):
    """Retention periods: seconds since something was last seen; None keeps it."""

    page_bodies: float | None = None
    contacts: float | None = None
    media: float | None = None


class Pruned(NamedTuple):
    """The result for one kind: items erased, or that would be; `octets` are those in the file."""

    what: str
    before: str
    items: int
    octets: int
    origins: int


def prune(path: Path, retention: Retention, *, confirmed: bool) -> tuple[list[Pruned], str]:
    """Erase what is older than a retention period, if `confirmed`. Return what, and the head.

    Policy files are never erased, nor bytes that a policy file has as well. Raise `HoldError`,
    `StoreError` and `StoreBusyError`.
    """
    with erasing(path, preview=not confirmed) as db:
        with derived.bulk_load_mode(db), transaction(db):
            found = [
                _prune(db, what, seconds, confirmed=confirmed)
                for what, seconds in retention._asdict().items()
                if seconds is not None
            ]
            if manifests.has_uncovered_logs(db):
                manifests.write(db, "prune", [])
        if confirmed and erasure.unfinished_since(db) is not None:
            finish(db, path)
        return found, manifests.head(db)


def finish_erasure(path: Path, *, confirmed: bool) -> str | None:
    """Finish a redaction or a pruning that was cut short, if `confirmed`, and erase nothing more.

    Return when it began, None if there is none. Raise what `prune` does.
    """
    with erasing(path, preview=not confirmed) as db:
        since = erasure.unfinished_since(db)
        if confirmed and since is not None:
            finish(db, path)
        return since


def _prune(db: sqlite3.Connection, what: str, seconds: float, *, confirmed: bool) -> Pruned:
    before, now = stamp(ago=seconds), stamp()
    if what == "contacts":
        unseen = contacts.count_unseen(db, before)
        if confirmed and unseen:
            withholding.log_pruning(db, what, before, unseen, now)
        return Pruned(what, before, unseen, 0, 0)
    targets = _TARGETS[what](db, before)
    bodies, octets = withholding.count_octets(db, targets)
    origins = len(redaction_targets.origins_of(db, targets))
    if confirmed:
        withholding.prune(db, what, targets, before, now)
    return Pruned(what, before, bodies, octets, origins)


_TARGETS = {"page_bodies": redaction_targets.of_pages, "media": redaction_targets.of_media}
