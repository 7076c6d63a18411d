"""`redact`: erase bytes, or the URLs and header fields of observations, for a reason."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from crawler.clock import stamp
from crawler.commands.erasing import erasing, finish
from crawler.errors import UserError
from crawler.store import derived, erasure, manifests, redaction_targets, withholding
from crawler.store.bodies import whole_digest
from crawler.store.database import transaction
from crawler.store.redaction_targets import TargetError, Targets
from crawler.store.withholding import Withheld


class ReasonError(UserError):
    """No reason was given."""

    status = 2


class Redaction(NamedTuple):
    """The result: what was erased or would be. `shared` stay: other origins sent the same bytes."""

    withheld: Withheld
    shared: tuple[str, ...]
    head: str


#: How the targets of each selector are found, by the name of its option.
_FINDERS: dict[str, Callable[..., Targets]] = {
    "body": lambda db, digest: redaction_targets.of_body(db, whole_digest(db, digest.lower())),
    "observation": redaction_targets.of_observation,
    "url": redaction_targets.of_url,
    "origin": redaction_targets.of_origin,
}


def redact(
    path: Path, selector: str, value: str | int, reason: str, *, dry_run: bool = False
) -> Redaction:
    """Erase what a selector (`body`, `observation`, `url`, `origin`) names, and log the reason.

    Erasing what is erased already finishes an interrupted redaction. Raise `ReasonError`,
    `TargetError`, `HoldError`, `StoreError` and `StoreBusyError`.
    """
    reason = reason.strip()
    if not reason:
        raise ReasonError("a redaction needs a reason; give one with --reason")
    with erasing(path, preview=dry_run) as db:
        targets = _targets(db, selector, value)
        if dry_run:
            bodies, octets = withholding.count_octets(db, targets)
            requested = withholding.count_requested(db, targets)
            rows = (len(targets.observations), len(targets.samples), requested)
            origins = len(redaction_targets.origins_of(db, targets))
            withheld = Withheld(bodies, octets, *rows, origins, len(targets.digests))
            return Redaction(withheld, targets.shared, "")
        with derived.bulk_load_mode(db), transaction(db):
            withheld = withholding.redact(db, targets, reason, stamp())
            if manifests.has_uncovered_logs(db):
                manifests.write(db, "redact", [])
        finish(db, path)
        return Redaction(withheld, targets.shared, manifests.head(db))


def _targets(db: sqlite3.Connection, selector: str, value: str | int) -> Targets:
    try:
        return _FINDERS[selector](db, value)
    except TargetError:
        # A URL that was erased is not found again. What was cut short after it is still finished.
        if erasure.unfinished_since(db) is None:
            raise
        return Targets()
