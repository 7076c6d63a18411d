"""Tell: origins and rows by state as one agent would be told; nothing is stored."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter

from crawler import rulesets
from crawler.evaluate.evaluator import evaluate_rule_sets
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.model import Question
from crawler.reports.summary import Summary, summary
from crawler.rulesets import RuleSet
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import rows_by_origin
from crawler.vocab import Purpose, State

# As in the view `dataset_summary`: what surely is reserved, and what may be.
_AT_LEAST = frozenset({State.RESERVED, State.CONDITIONAL})
_AT_MOST = _AT_LEAST | {State.PARTIAL, State.UNKNOWN}

_States = dict[Purpose, State]


@dataclass(frozen=True, slots=True)
class _StateCounts:
    """Counts of one dataset, by purpose and state or by purpose."""

    origins: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    at_least: Counter[str] = field(default_factory=Counter)
    at_most: Counter[str] = field(default_factory=Counter)


def summarise_for_agent(
    db: sqlite3.Connection,
    rules: RuleSet,
    agent: str,
    on_origin: Callable[[], None] | None = None,
) -> tuple[int, list[Summary]]:
    """How many origins were judged, and the numbers of every dataset, for an agent."""
    tallies = {dataset: _StateCounts() for (dataset,) in db.execute("SELECT dataset FROM datasets")}
    reader = snapshot_reader(db)
    judged = 0
    for origin, places in groupby(rows_by_origin(db), itemgetter(0)):
        sets = (rules, rulesets.load("strict"), rulesets.load("inclusive"))
        shown, strict, inclusive = _states(reader.open(origin), agent, sets)
        for _, dataset, rows in places:
            _count(tallies[dataset], rows, shown, strict, inclusive)
        judged += 1
        if on_origin is not None:
            on_origin()
    return judged, [_summary(db, d, tally, rules, agent) for d, tally in tallies.items()]


def _states(snapshot: OriginSnapshot, agent: str, sets: tuple[RuleSet, ...]) -> list[_States]:
    """The states of an origin under each rule set."""
    _, found = evaluate_rule_sets(snapshot.resources, Question(agent=agent), sets)
    return [{f.purpose: f.state for f in findings} for findings in found]


def _count(
    tally: _StateCounts, rows: int, shown: _States, strict: _States, inclusive: _States
) -> None:
    for purpose in Purpose:
        tally.origins[purpose, shown[purpose]] += 1
        tally.rows[purpose, shown[purpose]] += rows
        tally.at_least[purpose] += rows * (strict[purpose] in _AT_LEAST)
        tally.at_most[purpose] += rows * (inclusive[purpose] in _AT_MOST)


def _summary(
    db: sqlite3.Connection, dataset: int, tally: _StateCounts, rules: RuleSet, agent: str
) -> Summary:
    """The numbers; rows that name no origin are unknown to every agent."""
    everybody = summary(db, dataset, None)
    for purpose in Purpose:
        tally.rows[purpose, State.UNKNOWN] += everybody.unattributable
    return replace(
        everybody,
        rules=rules.label,
        agent=agent,
        origins=dict(tally.origins),
        rows=dict(tally.rows),
        bounds={p: (tally.at_least[p], tally.at_most[p]) for p in Purpose},
    )
