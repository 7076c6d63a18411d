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
from crawler.store.bounds import NARROWEST, WIDEST, Bounds, readings
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import dataset_ids, rows_by_origin
from crawler.vocab import Purpose, State

_States = dict[Purpose, State]


@dataclass(frozen=True, slots=True)
class _StateCounts:
    """Counts of one dataset: origins and rows by purpose and state, bounds by purpose."""

    origins: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    bounds: dict[str, Bounds] = field(default_factory=dict)
    weight_bounds: dict[str, Bounds] = field(default_factory=dict)


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
        sets = (rules, rulesets.load(NARROWEST), rulesets.load(WIDEST))
        states = _states(reader.load(origin), agent, sets)
        for _, dataset, rows, weight in datasets:
            _add(counts[dataset], rows, weight, *states)
        judged += 1
        if on_origin is not None:
            on_origin()
    return judged, [_summary(db, d, c, rules, agent) for d, c in counts.items()]


def _states(snapshot: OriginSnapshot, agent: str, sets: tuple[RuleSet, ...]) -> list[_States]:
    """Return the state of each purpose under each of the rule sets."""
    _, by_rules = evaluate_rule_sets(snapshot.resources, Question(agent=agent), sets)
    return [{f.purpose: f.state for f in findings} for findings in by_rules]


def _add(
    counts: _StateCounts,
    rows: int,
    weight: float,
    shown: _States,
    strict: _States,
    inclusive: _States,
) -> None:
    for purpose in Purpose:
        counts.origins[purpose, shown[purpose]] += 1
        counts.rows[purpose, shown[purpose]] += rows
        within = readings(strict[purpose], shown[purpose], inclusive[purpose])
        sums = counts.bounds.get(purpose, (0, 0, 0))
        counts.bounds[purpose] = Bounds(*(s + rows * n for s, n in zip(sums, within, strict=True)))
        weights = counts.weight_bounds.get(purpose, (0.0, 0.0, 0.0))
        counts.weight_bounds[purpose] = Bounds(
            *(s + weight * n for s, n in zip(weights, within, strict=True))
        )


def _summary(
    db: sqlite3.Connection, dataset: int, counts: _StateCounts, rules: RuleSet, agent: str
) -> Summary:
    """Return the summary of a dataset with the counts for an agent."""
    everybody = summary(db, dataset, None)
    # Rows that name no origin are unknown for every agent.
    none = everybody.unattributable
    for purpose in Purpose:
        counts.rows[purpose, State.UNKNOWN] += none
        narrowest, shown, widest = counts.bounds.get(purpose, (0, 0, 0))
        counts.bounds[purpose] = Bounds(narrowest, shown, widest + none)
    return replace(
        everybody,
        rules=rules.label,
        agent=agent,
        origins=dict(counts.origins),
        rows=dict(counts.rows),
        bounds=counts.bounds,
        weight_bounds=counts.weight_bounds if everybody.weight_bounds else {},
        # Views count roles for all agents only.
        roles=(),
        role_rows={},
    )
