"""`judge`: rebuild readings, statements and findings from stored evidence, without the network."""

import gc
import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from crawler.clock import stamp
from crawler.evaluate.access import answer_for
from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.evaluation_cache import EvaluationCache
from crawler.evaluate.history import Evaluated, history_of
from crawler.evaluate.snapshot import SnapshotReader
from crawler.rulesets import RuleSet
from crawler.store import (
    collectors,
    contacts,
    derived,
    flag_cache,
    flips,
    party_groups,
    run_statistics,
    unchanged,
)
from crawler.store.database import transaction
from crawler.store.evidence_reader import (
    clock_bounds,
    origins_to_judge,
    origins_waiting,
    snapshot_reader,
)
from crawler.store.findings_writer import FindingsWriter

# Objects that may be made before cycles are looked for. Judging makes records without cycles, and
# of a file with 20,000 rules so many that looking takes a tenth of the time.
_COLLECT_AFTER = 100_000
# Resources of an origin up to which its past is evaluated with verdicts, and cached.
_FEW_RESOURCES = 100


def rebuild(
    db: sqlite3.Connection,
    *,
    chosen: RuleSet,
    run: int | None = None,
    waiting: bool = False,
    seconds: float | None = None,
    keep_contacts: bool = False,
    compare: bool = False,
    on_origin: Callable[[], None] | None = None,
) -> int:
    """Rebuild what is derived from evidence; return the number of origins judged.

    Judges all origins, or those visited in a `run`, or those `waiting`: visited since they were
    judged. All is one transaction: after an error the old rows stay.

    `chosen` is the rule set that the public views show. Findings are also stored under the rule
    sets of the package and those of the user that the database has. `seconds` limits the time: the
    origins that are left go on waiting. `keep_contacts` stores personal data of parties in a file
    of their own; without it, that file is removed. `on_origin` is called after each origin.

    Where all origins are judged, by other versions of protocols or rule sets than before, the
    states that differ are stored as flips; with `compare` also where no version changed.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    rule_sets = derived.rule_sets(db, chosen)
    reader, evaluations = snapshot_reader(db), EvaluationCache(rule_sets, chosen)

    def evaluate(rows: list[ObservationRow]) -> Evaluated:
        snapshot = reader.snapshot_of(rows)
        return snapshot, evaluations.evaluation_of(snapshot.resources)

    def evaluate_past(rows: list[ObservationRow]) -> Evaluated:
        # History needs findings alone; verdicts make them worth caching for most origins.
        snapshot = reader.snapshot_of(rows)
        is_small = len(snapshot.resources) <= _FEW_RESOURCES
        found = evaluations.evaluation_of(snapshot.resources, with_verdicts=is_small)
        return snapshot, found

    judged = 0
    is_complete = run is None and not waiting
    before, now = flips.stored_versions(db), flips.versions_of(rule_sets)
    is_compared = is_complete and bool(before.rules) and (compare or before != now)
    load_mode = derived.bulk_load_mode(db) if is_complete else nullcontext()
    kept = contacts.kept(db, keep=keep_contacts, empty=is_complete)
    with _rare_collections(), load_mode, kept as private, transaction(db):
        if is_compared:
            flips.begin(db, before, now)
        writer = FindingsWriter(db, private)
        # Building the indexes at the end is cheaper than keeping them up to date row by row.
        indexes = derived.drop_all_derived(db) if is_complete else ()
        derived.save_protocols(db)
        derived.save_rule_sets(db, rule_sets, chosen)
        can_move_on, has_moved = not clock_bounds(db), False
        for origin in origins_waiting(db) if waiting else origins_to_judge(db, run):
            if time.monotonic() > deadline:
                break
            if waiting and can_move_on and unchanged.move_on(db, origin):
                has_moved = True
            else:
                if not is_complete:
                    derived.drop_derived_of_origin(db, origin)
                rows = reader.rows_of(origin)
                present = evaluate(rows)
                writer.add(origin, *present)
                writer.add_history(origin, history_of(rows, evaluate_past, present))
            judged += 1
            if on_origin is not None:
                on_origin()
        if has_moved:
            flag_cache.clear(db)
        writer.write()
        derived.recreate_indexes(db, indexes)
        if is_complete:
            run_statistics.save_counts(db)
        if is_compared:
            flips.finish(db, before, now, stamp())
        party_groups.rebuild(db)
        answer_crawlers(db, chosen, reader, deadline)
    return judged


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cycles of objects seldom, for the `with` block."""
    usual = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def answer_crawlers(
    db: sqlite3.Connection,
    chosen: RuleSet,
    reader: SnapshotReader | None = None,
    deadline: float = math.inf,
) -> None:
    """Evaluate origins for the crawlers that collected their rows, where that was not done.

    Answers that no row needs any more are deleted. It is done in the caller's transaction, until
    the `deadline` of the monotonic clock.
    """
    collectors.drop_unneeded(db)
    reader = reader or snapshot_reader(db)
    # Also where nothing was visited: the crawler of a dataset may be named later.
    for origin, crawler in collectors.unanswered(db):
        if time.monotonic() > deadline:
            return
        snapshot = reader.load(origin)
        answer = answer_for(snapshot.resources, crawler, chosen)
        collectors.save_answer(db, origin, crawler, snapshot, answer)
