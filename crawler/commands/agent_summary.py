"""`judge --agent`: count origins and rows by state for one agent; nothing is stored."""

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
from crawler.store.bounds import LOWER, UPPER
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import dataset_ids, rows_by_origin
from crawler.vocab import Purpose, State

_States = dict[Purpose, State]


@dataclass(frozen=True, slots=True)
class _StateCounts:
    """Counts of one dataset: origins and rows by purpose and state, bounds of rows by purpose."""

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
    """Evaluate all origins for an agent; return their number, and a summary of each dataset.

    `on_origin` is called after each origin.
    """
    counts = {dataset: _StateCounts() for dataset in dataset_ids(db)}
    reader = snapshot_reader(db)
    judged = 0
    for origin, datasets in groupby(rows_by_origin(db), itemgetter(0)):
        sets = (rules, rulesets.load(LOWER.rules), rulesets.load(UPPER.rules))
        shown, lower, upper = _states(reader.load(origin), agent, sets)
        for _, dataset, rows in datasets:
            _add(counts[dataset], rows, shown, lower, upper)
        judged += 1
        if on_origin is not None:
            on_origin()
    return judged, [_summary(db, d, c, rules, agent) for d, c in counts.items()]


def _states(snapshot: OriginSnapshot, agent: str, sets: tuple[RuleSet, ...]) -> list[_States]:
    """Return the state of each purpose under each of the rule sets."""
    _, by_rules = evaluate_rule_sets(snapshot.resources, Question(agent=agent), sets)
    return [{f.purpose: f.state for f in findings} for findings in by_rules]


def _add(counts: _StateCounts, rows: int, shown: _States, lower: _States, upper: _States) -> None:
    for purpose in Purpose:
        counts.origins[purpose, shown[purpose]] += 1
        counts.rows[purpose, shown[purpose]] += rows
        counts.at_least[purpose] += rows * (lower[purpose] in LOWER.states)
        counts.at_most[purpose] += rows * (upper[purpose] in UPPER.states)


def _summary(
    db: sqlite3.Connection, dataset: int, counts: _StateCounts, rules: RuleSet, agent: str
) -> Summary:
    """Return the summary of a dataset with the counts for an agent."""
    everybody = summary(db, dataset, None)
    # Rows that name no origin are unknown for every agent.
    for purpose in Purpose:
        counts.rows[purpose, State.UNKNOWN] += everybody.unattributable
    return replace(
        everybody,
        rules=rules.label,
        agent=agent,
        origins=dict(counts.origins),
        rows=dict(counts.rows),
        bounds={p: (counts.at_least[p], counts.at_most[p]) for p in Purpose},
        # Views count roles for all agents only.
        roles=(),
        role_rows={},
    )
