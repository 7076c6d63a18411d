"""`verify` and `adopt`: whether a database is as its manifests say, and manifests for old ones."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crawler.commands import time_stamps
from crawler.commands.judge import rebuild
from crawler.commands.time_stamps import StampError, UnreadableStampError
from crawler.errors import UserError
from crawler.plurals import counted
from crawler.store import contacts, derived, erasure, manifests, stamps
from crawler.store.database import transaction
from crawler.store.verification import (
    Difference,
    copy_of,
    count_rows,
    proof_of,
    verify_evidence,
)

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


class Verification(NamedTuple):
    """The result of verifying. `vouched_for` says what from outside the database was compared.

    `unfinished_since` is when an erasure began that was cut short. `unreadable` are time stamps
    that only other programs can verify: manifest, authority, why.
    """

    differences: list[Difference]
    counts: dict[str, int]
    head: str
    vouched_for: str
    unfinished_since: str | None = None
    unreadable: tuple[tuple[int, str, str], ...] = ()

    @property
    def is_whole(self) -> bool:
        """Return whether nothing differs, and nothing that was to be erased may be left."""
        return not self.differences and self.unfinished_since is None

    def as_json(self) -> dict[str, object]:
        """Return it as data for JSON."""
        return {
            "whole": self.is_whole,
            "differences": [difference._asdict() for difference in self.differences],
            "unfinished_erasure_since": self.unfinished_since,
            "counts": self.counts,
            "head": self.head,
            "vouched_for": self.vouched_for,
            "stamps_unreadable": [list(one) for one in self.unreadable],
        }


def verify(
    db: sqlite3.Connection,
    *,
    with_derived: bool = False,
    head: str | None = None,
    file: Path | None = None,
    ca: Path | None = None,
) -> Verification:
    """Verify a database, also against a head or a file of manifests from outside.

    `with_derived` rebuilds in a temporary copy what was derived, and compares. `ca` is a file of
    certificates by which time stamps are verified. Raise `UserError` for a file that cannot be
    read.
    """
    trusted = _trusted(ca)
    chain = manifests.stored(db)
    differences = list(verify_evidence(db))
    if head is not None:
        differences += _head_differences(head, [digest for *_, digest in chain])
    if file is not None:
        differences += _file_differences(file, [text for _, _, text, _ in chain])
    if with_derived and not differences:
        differences += _derived_differences(db)
    outside = [f"the head {head}"] if head else []
    outside += [f"the manifests in {file}"] if file else []
    unreadable = list[tuple[int, str, str]]()
    if trusted is not None:
        faults, good, unreadable = _verify_stamps(db, trusted)
        differences += faults
        outside += good[-1:]
    facts = (differences, count_rows(db), manifests.head(db), " and ".join(outside))
    return Verification(*facts, erasure.unfinished_since(db), tuple(unreadable))


def _trusted(ca: Path | None) -> "list[Certificate] | None":
    if ca is None:
        return None
    time_stamps.require_library()
    return time_stamps.certificates(ca)


def _verify_stamps(
    db: sqlite3.Connection, trusted: "list[Certificate]"
) -> tuple[list[Difference], list[str], list[tuple[int, str, str]]]:
    """Return faults of time stamps, those that verify as text, and those that cannot be read."""
    faults, good, unreadable = list[Difference](), list[str](), list[tuple[int, str, str]]()
    for one in stamps.stamps(db):
        key = f"manifest {one.manifest} by {one.authority}"
        try:
            at = time_stamps.verify_stamp(one.token, one.text, trusted)
        except UnreadableStampError as error:
            unreadable.append((one.manifest, one.authority, str(error)))
        except StampError as error:
            faults.append(Difference("stamp", key, str(error)))
        else:
            good.append(f"the time stamp of {key}, which existed at {at.isoformat()}")
    return faults, good, unreadable


def _head_differences(head: str, digests: list[str]) -> Iterator[Difference]:
    if head.lower() not in digests:
        yield Difference("manifest", head, "is not in the chain: it was rewritten, or cut off")


def _file_differences(file: Path, texts: list[str]) -> Iterator[Difference]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {file}: {error}") from error
    for n, line in enumerate(lines, start=1):
        if n > len(texts):
            yield Difference("manifest", str(n), f"is in {file} and not in the database")
        elif line != texts[n - 1]:
            yield Difference("manifest", str(n), f"is not the one in {file}")


def _derived_differences(db: sqlite3.Connection) -> Iterator[Difference]:
    with copy_of(db) as rebuilt:
        if not derived.is_empty(rebuilt):
            rebuild(
                rebuilt,
                chosen=derived.rule_set(rebuilt, None),
                keep_contacts=contacts.path_of(db).exists(),
            )
        for table, more, fewer in derived.compare(rebuilt, db):
            what = f"{counted(more, 'row')} too many, {fewer:,} missing"
            yield Difference(table, "", what)


def prove(db: sqlite3.Connection, observation: int) -> dict[str, object]:
    """Return the proof of an observation. Raise `UserError` if no manifest covers it."""
    found = proof_of(db, observation)
    if found is None:
        raise UserError(f"there is no observation {observation} in a run with a manifest")
    return found


def adopt(db: sqlite3.Connection, path: Path) -> int:
    """Make one manifest over all that has none. Return the number of runs that it covers."""
    runs = manifests.uncovered_runs(db)
    lists = manifests.lists_to_cover(db) or manifests.parties_to_cover(db)
    if runs or lists or manifests.has_uncovered_removals(db) or manifests.facets_in_no_manifest(db):
        with transaction(db):
            manifests.write(db, "adopt", runs)
    manifests.publish(db, path)
    return len(runs)
