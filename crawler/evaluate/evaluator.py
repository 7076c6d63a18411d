"""Evaluate readings: from the statements of all protocols to a finding for each purpose.

Inside a protocol its own precedence decides; across protocols the strictest state does.

Rules for editors:

- Evaluation is pure and monotone: adding a statement that reserves never weakens a state.
- Missing evidence is never called absent: where a planned resource was not seen and nothing
  that was seen reserves or refuses, the state is `unknown`.
- Statements that take no part stay in `considered`, with the reason.
"""

from collections.abc import Hashable, Iterable
from operator import attrgetter
from typing import NamedTuple

from crawler.evaluate.applicable import collect_applicable
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.detail import describe
from crawler.evaluate.records import (
    RESERVING,
    ApplicableStatement,
    ApplicableStatements,
    Finding,
    ResourceEvidence,
)
from crawler.model import AppliedStatement, Question, Statement
from crawler.protocols import PROTOCOLS
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, Purpose, Stance, State

_PROTOCOL_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
_STATE_OF_STANCE = {
    Stance.RESERVED: State.RESERVED,
    Stance.CONDITIONAL: State.CONDITIONAL,
    Stance.REFUSED: State.REFUSED,
    Stance.PERMITTED: State.PERMITTED,
}


class _CitationOrder(NamedTuple):
    """The order in which statements are cited, among those of equal strength.

    Explicitness (`tier`) comes before the order of protocols; `path` and `n` only make it total.
    """

    is_excluded: bool
    tier: int
    protocol: int
    path: str
    n: int


class _RankedStatement(NamedTuple):
    """A statement under a rule set: the state that it makes by itself, and its place.

    `state` is None if the statement makes none or takes no part. `state_rank` is `State.rank`.
    """

    order: _CitationOrder
    state: State | None
    state_rank: int
    applicable: ApplicableStatement


_BY_ORDER = attrgetter("order")
_BY_STRENGTH = attrgetter("state_rank", "order")


def evaluate(
    resources: tuple[ResourceEvidence, ...],
    question: Question,
    rules: RuleSet,
    purposes: Iterable[Purpose] = tuple(Purpose),
) -> tuple[Finding, ...]:
    """Return a finding for each purpose, on an origin or on one of its URLs.

    `resources` holds each planned resource once. For an origin that was never visited it is
    empty, and every state is `unknown`.
    """
    collected = collect_applicable(resources, question)
    ranked = _ranked_statements(collected, rules)
    return tuple([_finding(purpose, ranked, rules, collected) for purpose in purposes])


def evaluate_rule_sets(
    resources: tuple[ResourceEvidence, ...], question: Question, rule_sets: Iterable[RuleSet]
) -> tuple[ApplicableStatements, tuple[tuple[Finding, ...], ...]]:
    """Return the applicable statements, and for each rule set the findings of all purposes.

    The findings are those of `evaluate`.
    """
    collected = collect_applicable(resources, question)
    findings_by_rank: dict[Hashable, tuple[Finding, ...]] = {}
    findings = []
    for rules in rule_sets:
        ranked = _ranked_statements(collected, rules)
        # Findings depend on a rule set only through these and its label: most rule sets agree
        # on most origins, so that findings are made once for all of them.
        key = tuple([(r.state, r.applicable.excluded_because) for r in ranked])
        if key not in findings_by_rank:
            findings_by_rank[key] = tuple([_finding(p, ranked, rules, collected) for p in Purpose])
        findings.append(tuple([f._replace(rules=rules.label) for f in findings_by_rank[key]]))
    return collected, tuple(findings)


def _ranked_statements(collected: ApplicableStatements, rules: RuleSet) -> list[_RankedStatement]:
    statements = collected.statements
    if rules.textual_counts_as == "reserved":
        statements = (*statements, *collected.prose)
    return [_ranked(_excluded_by_tier(h, rules), rules) for h in statements]


def _ranked(applicable: ApplicableStatement, rules: RuleSet) -> _RankedStatement:
    state = None if applicable.excluded_because else state_of(applicable.applied, rules)
    state_rank = len(State) if state is None else state.rank
    return _RankedStatement(_citation_order(applicable), state, state_rank, applicable)


def _finding(
    purpose: Purpose,
    ranked: list[_RankedStatement],
    rules: RuleSet,
    collected: ApplicableStatements,
) -> Finding:
    relevant = [r for r in ranked if _is_about(r.applicable.statement, purpose)]
    taking_part = [r.applicable for r in relevant if not r.applicable.excluded_because]
    state, deciding = _strongest(relevant)
    # `permitted` and `silent` need complete evidence; whatever else is unseen can only confirm
    # or strengthen a state that reserves or refuses.
    if state.rank > State.REFUSED.rank and not collected.complete:
        state, deciding = State.UNKNOWN, None
    others = [r.applicable for r in sorted(relevant, key=_BY_ORDER) if r.applicable is not deciding]
    return Finding(
        purpose=purpose,
        state=state,
        rules=rules.label,
        conflict=any(find_conflicts(taking_part)),
        complete=collected.complete,
        detail=describe(state, taking_part, collected.unseen, collected.pages),
        deciding=deciding,
        considered=tuple([deciding, *others] if deciding else others),
        missing=collected.unseen,
    )


def _is_about(statement: Statement, purpose: Purpose) -> bool:
    """Return whether a statement is about a purpose or one that contains it.

    A refusal of access (purpose None) is about all of them.
    """
    return statement.purpose is None or statement.purpose in ANCESTORS[purpose]


def _excluded_by_tier(applicable: ApplicableStatement, rules: RuleSet) -> ApplicableStatement:
    """Set `excluded_because` if the rule set does not count the tier of a statement.

    It does not apply to prose: `textual_counts_as` decides about that.
    """
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
    """Return the state that a statement makes by itself, None if it makes none.

    A reservation of a part makes `partial`; a permission or refusal of a part makes nothing.
    """
    stance = applied.statement.stance
    if applied.limited_to:
        return State.PARTIAL if stance in RESERVING else None
    return rules.refused_counts_as if stance is Stance.REFUSED else _STATE_OF_STANCE[stance]


def _strongest(
    relevant: list[_RankedStatement],
) -> tuple[State, ApplicableStatement | None]:
    ranked = [r for r in relevant if r.state is not None]
    if not ranked:
        return State.SILENT, None
    best = min(ranked, key=_BY_STRENGTH)
    assert best.state is not None
    return best.state, best.applicable


def _citation_order(applicable: ApplicableStatement) -> _CitationOrder:
    statement = applicable.statement
    return _CitationOrder(
        bool(applicable.excluded_because),
        statement.tier,
        # Protocols of tests are in no order and come last.
        _PROTOCOL_ORDER.get(applicable.protocol.NAME, len(_PROTOCOL_ORDER)),
        applicable.evidence.path,
        statement.n,
    )
