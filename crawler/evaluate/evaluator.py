"""From readings to findings: inside a protocol its own precedence, across protocols the stricter.

Pure and monotone: adding a statement that reserves never weakens a state. What was not seen
is never called absent: where something planned is missing and nothing seen reserves or
refuses, the state is `unknown`.
"""

from collections.abc import Hashable, Iterable
from operator import attrgetter
from typing import NamedTuple

from crawler.evaluate.applicable import collect_applicable
from crawler.evaluate.conflicts import find_conflicts as disagreements
from crawler.evaluate.detail import describe
from crawler.evaluate.records import RESERVING
from crawler.evaluate.records import ApplicableStatement as Heard
from crawler.evaluate.records import ApplicableStatements as Hearing
from crawler.evaluate.records import Finding as Finding
from crawler.evaluate.records import ResourceEvidence as Sight
from crawler.model import AppliedStatement, Question, Statement
from crawler.protocols import PROTOCOLS
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, Purpose, Stance, State

_STRENGTH = {state: n for n, state in enumerate(State)}
_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
_BY_RANK = attrgetter("rank")
_BY_WEIGHT = attrgetter("strength", "rank")
_STATE_MADE = {
    Stance.RESERVED: State.RESERVED,
    Stance.CONDITIONAL: State.CONDITIONAL,
    Stance.REFUSED: State.REFUSED,
    Stance.PERMITTED: State.PERMITTED,
}


class _RankedStatement(NamedTuple):
    """A statement under a rule set: its place among equals, the state that it makes by itself (None
    if it makes none or takes no part), and how strong that is.
    """

    rank: tuple[bool, int, int, str, int]
    state: State | None
    strength: int
    applicable: Heard


def evaluate(
    resources: tuple[Sight, ...],
    question: Question,
    rules: RuleSet,
    purposes: Iterable[Purpose] = tuple(Purpose),
) -> tuple[Finding, ...]:
    """A finding for every purpose asked about, on an origin or on one of its URLs.

    `sights` holds each planned resource once; for an origin that was never asked it is empty,
    and everything is `unknown`.
    """
    collected = collect_applicable(resources, question)
    weighed = _ranked_statements(collected, rules)
    return tuple([_finding(purpose, weighed, rules, collected) for purpose in purposes])


def evaluate_rule_sets(
    resources: tuple[Sight, ...], question: Question, rule_sets: Iterable[RuleSet]
) -> tuple[Hearing, tuple[tuple[Finding, ...], ...]]:
    """What was heard, and the findings under each rule set as `judge` gives them. Rule sets that
    weigh all of it alike come to the same.
    """
    collected = collect_applicable(resources, question)
    known: dict[Hashable, tuple[Finding, ...]] = {}
    found = []
    for rules in rule_sets:
        weighed = _ranked_statements(collected, rules)
        alike = tuple([(w.state, w.applicable.excluded_because) for w in weighed])
        if alike not in known:
            known[alike] = tuple([_finding(p, weighed, rules, collected) for p in Purpose])
        found.append(tuple([f._replace(rules=rules.label) for f in known[alike]]))
    return collected, tuple(found)


def _ranked_statements(collected: Hearing, rules: RuleSet) -> list[_RankedStatement]:
    applicable = collected.applicable
    if rules.textual_counts_as == "reserved":
        applicable = (*applicable, *collected.prose)
    return [_ranked(_excluded_by_tier(h, rules), rules) for h in applicable]


def _ranked(applicable: Heard, rules: RuleSet) -> _RankedStatement:
    state = None if applicable.excluded_because else state_of(applicable.applied, rules)
    return _RankedStatement(
        _rank(applicable), state, _STRENGTH[state] if state else len(State), applicable
    )


def _finding(
    purpose: Purpose, weighed: list[_RankedStatement], rules: RuleSet, collected: Hearing
) -> Finding:
    relevant = [w for w in weighed if _speaks_to(w.applicable.statement, purpose)]
    taking_part = [w.applicable for w in relevant if not w.applicable.excluded_because]
    state, by = _strongest(relevant)
    if _STRENGTH[state] > _STRENGTH[State.REFUSED] and not collected.complete:
        state, by = State.UNKNOWN, None
    rest = [w.applicable for w in sorted(relevant, key=_BY_RANK) if w.applicable is not by]
    return Finding(
        purpose=purpose,
        state=state,
        rules=rules.label,
        conflict=any(disagreements(taking_part)),
        complete=collected.complete,
        detail=describe(state, taking_part, collected.unseen, collected.pages),
        by=by,
        considered=tuple([by, *rest] if by else rest),
        missing=collected.unseen,
    )


def _speaks_to(statement: Statement, purpose: Purpose) -> bool:
    """Reserving a purpose reserves what it contains, downward only; a refusal is of access."""
    return statement.purpose is None or statement.purpose in ANCESTORS[purpose]


def _excluded_by_tier(applicable: Heard, rules: RuleSet) -> Heard:
    if (
        applicable.excluded_because
        or applicable.candidate
        or applicable.statement.tier in rules.tiers
    ):
        return applicable
    return applicable._replace(
        excluded_because=f"tier {applicable.statement.tier} does not count under {rules.id}"
    )


def state_of(applied: AppliedStatement, rules: RuleSet) -> State | None:
    """The state that a statement makes by itself; None if it makes none."""
    stance = applied.statement.stance
    if applied.limited_to:
        return State.PARTIAL if stance in RESERVING else None
    return rules.refused_counts_as if stance is Stance.REFUSED else _STATE_MADE[stance]


def _strongest(relevant: list[_RankedStatement]) -> tuple[State, Heard | None]:
    made = [w for w in relevant if w.state is not None]
    if not made:
        return State.SILENT, None
    best = min(made, key=_BY_WEIGHT)
    assert best.state is not None
    return best.state, best.applicable


def _rank(applicable: Heard) -> tuple[bool, int, int, str, int]:
    statement = applicable.statement
    order = _ORDER.get(applicable.protocol.NAME, len(_ORDER))
    return (
        bool(applicable.excluded_because),
        statement.tier,
        order,
        applicable.evidence.path,
        statement.n,
    )
