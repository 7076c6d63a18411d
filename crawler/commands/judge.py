"""Judge: rebuild everything derived from evidence, without the network."""

import math
import sqlite3
import time
from collections.abc import Callable
from contextlib import nullcontext

from crawler import cycles
from crawler.evaluate.evaluation_cache import EvaluationCache
from crawler.rulesets import RuleSet
from crawler.store import derived, parties
from crawler.store.database import transaction
from crawler.store.evidence_reader import origins_to_judge, origins_waiting, snapshot_reader
from crawler.store.findings_writer import FindingsWriter


def rebuild(
    db: sqlite3.Connection,
    *,
    chosen: RuleSet,
    run: int | None = None,
    waiting: bool = False,
    seconds: float | None = None,
    keep_contacts: bool = False,
    on_origin: Callable[[], None] | None = None,
) -> int:
    """Rebuild what is derived, of everything, of the origins visited in a run, or of those that
    are `waiting`, having been visited since they were judged.

    `chosen` is the rule set that the public views show; it is judged beside those of the
    package and the user's own that are stored. A complete rebuild is one transaction: it is
    there whole, or the old one still stands. How many origins were judged comes back.
    After so many `seconds` those that are waiting go on waiting.
    `keep_contacts` stores what is personal about parties; without it nothing of it stays.
    """
    limit = math.inf if seconds is None else time.monotonic() + seconds
    everything = derived.rule_sets(db, chosen)
    reader, evaluations = snapshot_reader(db), EvaluationCache(everything, chosen)
    ledger = FindingsWriter(db, keep_contacts=keep_contacts)
    judged = 0
    whole = run is None and not waiting
    swiftly = derived.bulk_load_mode(db) if whole else nullcontext()
    with cycles.seldom(), swiftly, transaction(db):
        indexes = derived.drop_all_derived(db) if whole else ()
        if not keep_contacts:
            parties.forget_private(db)
        derived.save_protocols(db)
        derived.save_rule_sets(db, everything, chosen)
        for origin in origins_waiting(db) if waiting else origins_to_judge(db, run):
            if time.monotonic() > limit:
                break
            if not whole:
                derived.drop_derived_of_origin(db, origin)
            snapshot = reader.open(origin)
            ledger.add(origin, snapshot, evaluations.of(snapshot.resources))
            judged += 1
            if on_origin is not None:
                on_origin()
        ledger.write()
        derived.recreate_indexes(db, indexes)
    return judged
