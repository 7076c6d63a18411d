"""Judge: rebuild everything derived from evidence, without the network."""

import sqlite3
from collections.abc import Callable, Iterator

from crawler.judge import Heard, disagreements, hear, judge
from crawler.model import Question
from crawler.rulesets import RuleSet
from crawler.store import derived
from crawler.store.database import transaction
from crawler.store.dossier import Dossier, Reader
from crawler.store.sights import origins_to_judge
from crawler.verbs.parties import named
from crawler.vocab import ANCESTORS, Purpose


def rebuild(
    db: sqlite3.Connection,
    *,
    chosen: RuleSet,
    run: int | None = None,
    on_origin: Callable[[], None] | None = None,
) -> int:
    """Rebuild what is derived, of everything or of the origins visited in a run.

    `chosen` is the rule set that the public views show; it is judged beside those of the
    package and the user's own that are stored. A complete rebuild is one transaction: it is
    there whole, or the old one still stands. How many origins were judged comes back.
    """
    everything = derived.rule_sets(db, chosen)
    reader = Reader(db)
    judged = 0
    with transaction(db):
        if run is None:
            derived.forget_all(db)
        derived.save_rule_sets(db, everything, chosen)
        for origin in origins_to_judge(db, run):
            if run is not None:
                derived.forget_origin(db, origin)
            _judge_origin(db, reader, origin, everything)
            judged += 1
            if on_origin is not None:
                on_origin()
    return judged


def _judge_origin(
    db: sqlite3.Connection, reader: Reader, origin: int, everything: tuple[RuleSet, ...]
) -> None:
    dossier = reader.open(origin)
    _save_readings(db, dossier)
    presence = {s.observation: s.presence for s in dossier.sights}
    derived.save_sights(db, origin, [(f, presence[f.row.key]) for f in dossier.forces])
    heard = hear(dossier.sights, Question())
    for rules in everything:
        findings = judge(dossier.sights, Question(), rules, heard=heard)
        derived.save_findings(db, origin, findings, dossier.last_look)
    derived.save_disagreements(db, origin, _disagreements(heard))


def _save_readings(db: sqlite3.Connection, dossier: Dossier) -> None:
    for observation, read in dossier.reads:
        derived.save_reading(db, read, named(read))
        derived.save_read_from(db, observation, [read.key])


def _disagreements(heard: tuple[Heard, ...]) -> Iterator[tuple[str, Heard, Heard]]:
    """For each purpose the pairs of statements that disagree about it."""
    counted = [h for h in heard if not h.fate]
    for purpose in Purpose:
        concerned = (h for h in counted if h.statement.purpose in ANCESTORS[purpose])
        for reserving, permitting in disagreements(concerned):
            yield purpose, reserving, permitting
