"""Judge: rebuild everything derived from evidence, without the network."""

import math
import sqlite3
import time
from collections.abc import Callable, Iterator

from crawler.judge import Heard, disagreements, hear, judge
from crawler.model import Question
from crawler.outlook import outlook
from crawler.rulesets import RuleSet
from crawler.store import derived, parties, verdicts
from crawler.store.database import transaction
from crawler.store.dossier import Dossier, Reader
from crawler.store.sights import origins_to_judge, origins_waiting
from crawler.vocab import ANCESTORS, Purpose


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
    reader = Reader(db)
    judged = 0
    with transaction(db):
        if run is None and not waiting:
            derived.forget_all(db)
        if not keep_contacts:
            parties.forget_private(db)
        derived.save_rule_sets(db, everything, chosen)
        for origin in origins_waiting(db) if waiting else origins_to_judge(db, run):
            if time.monotonic() > limit:
                break
            if run is not None or waiting:
                derived.forget_origin(db, origin)
            dossier = reader.open(origin)
            _save_readings(db, dossier, keep_contacts=keep_contacts)
            _judge_origin(db, dossier, origin, everything, chosen)
            judged += 1
            if on_origin is not None:
                on_origin()
    return judged


def _judge_origin(
    db: sqlite3.Connection,
    dossier: Dossier,
    origin: int,
    everything: tuple[RuleSet, ...],
    chosen: RuleSet,
) -> None:
    presence = {s.observation: s.presence for s in dossier.sights}
    derived.save_sights(db, origin, [(f, presence[f.row.key]) for f in dossier.forces])
    heard = hear(dossier.sights, Question())
    for rules in everything:
        findings = judge(dossier.sights, Question(), rules, heard=heard)
        derived.save_findings(db, origin, findings, dossier.last_look)
    derived.save_disagreements(db, origin, _disagreements(heard))
    told = outlook(dossier.sights, chosen, None, dossier.last_look)
    verdicts.save(db, None, ((origin, what, found) for what, found in told))
    derived.save_judged(db, origin)


def _save_readings(db: sqlite3.Connection, dossier: Dossier, *, keep_contacts: bool) -> None:
    for observation, read in dossier.reads:
        derived.save_reading(db, read)
        derived.save_read_from(db, observation, [read.key])
        parties.save_pages(db, observation, read)
        if keep_contacts:
            parties.save_private(db, read)


def _disagreements(heard: tuple[Heard, ...]) -> Iterator[tuple[str, Heard, Heard]]:
    """For each purpose the pairs of statements that disagree about it."""
    counted = [h for h in heard if not h.fate]
    for purpose in Purpose:
        concerned = (h for h in counted if h.statement.purpose in ANCESTORS[purpose])
        for reserving, permitting in disagreements(concerned):
            yield purpose, reserving, permitting
