"""Evaluate readings: from the statements of all protocols to a finding for each purpose.

Inside a protocol its own precedence decides; across protocols the strictest state does.

Rules for editors:

- Evaluation is pure and monotone: adding a statement that reserves never weakens a state.
- Missing evidence is never called absent: where a planned resource was not seen and nothing
  that was seen reserves or refuses, the state is `unknown`.
- Old evidence never makes freedom: see `applicable.missing`.
- A permission speaks for its own purpose, a reservation also for the purposes within it.
- Statements that take no part stay in `considered`, with the reason.
"""

from collections.abc import Hashable, Iterable
from functools import partial
from typing import NamedTuple

from crawler.evaluate.applicable import collect_applicable, missing, unreadable_protocols
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.detail import describe, describe_limits, first_names
from crawler.evaluate.effects import effect_of
from crawler.evaluate.kinds import ApplicableStatements, StatementKind
from crawler.evaluate.records import (
    RESERVING,
    ApplicableStatement,
    Finding,
    PageShare,
    ResourceEvidence,
    is_page_level,
)
from crawler.model import AppliedStatement, Question, Statement
from crawler.protocols.interface import named_agents_of
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, SAMPLED, Purpose, Reads, Stance, State

_STATE_OF_STANCE = {
    Stance.RESERVED: State.RESERVED,
    Stance.CONDITIONAL: State.CONDITIONAL,
    Stance.REFUSED: State.REFUSED,
    Stance.PERMITTED: State.PERMITTED,
}


class _WeighedKind(NamedTuple):
    """A kind of statements under a rule set: the state that each makes by itself.

    `reason` says why they take no part, empty if they do. `state` is None if they make none or
    take no part.
    """

    kind: StatementKind
    reason: str
    state: State | None

    @property
    def statement(self) -> Statement:
        """A statement of this kind."""
        return self.kind.first.applied.statement


# Stances against use or access.
_AGAINST = RESERVING | {Stance.REFUSED}
# States beside which a malformed reservation adds nothing.
_WHOLE = frozenset({State.RESERVED, State.CONDITIONAL})
#: States that cover everything asked about, and of which some agents may be excepted.
COVERING = frozenset({State.RESERVED, State.CONDITIONAL, State.REFUSED})
# A hostile robots.txt can name any number of agents, and each is one more evaluation.
_MAX_EXCEPTED = 200


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
    weighed = _weigh(collected, rules)
    findings = [_finding(purpose, weighed, rules, collected) for purpose in purposes]
    (findings,) = _with_exceptions([(rules, findings)], resources, question)
    return tuple(findings)


def evaluate_rule_sets(
    resources: tuple[ResourceEvidence, ...], question: Question, rule_sets: Iterable[RuleSet]
) -> tuple[ApplicableStatements, tuple[tuple[Finding, ...], ...]]:
    """Return the applicable statements, and for each rule set the findings of all purposes.

    The findings are those of `evaluate`, with their effects.
    """
    collected = collect_applicable(resources, question)
    weighed_by_key: dict[Hashable, tuple[RuleSet, list[_WeighedKind]]] = {}
    keys: list[tuple[str, Hashable]] = []
    for rules in rule_sets:
        weighed = _weigh(collected, rules)
        # Findings depend on a rule set only through these and its label: most rule sets agree
        # on most origins, so that findings are made once for all of them. Exceptions are
        # findings for single agents, and depend on nothing else either.
        key = (
            rules.permission_entails,
            rules.lenient_counts_as,
            tuple(map(id, missing(collected.essential, rules))),
            *[(w.state, w.reason) for w in weighed],
        )
        weighed_by_key.setdefault(key, (rules, weighed))
        keys.append((rules.label, key))
    made = [
        (rules, [_finding(purpose, weighed, rules, collected) for purpose in Purpose])
        for rules, weighed in weighed_by_key.values()
    ]
    findings_by_key = {
        key: [_with_effect(finding, weighed, rules, collected) for finding in findings]
        for (key, (rules, weighed)), findings in zip(
            weighed_by_key.items(), _with_exceptions(made, resources, question), strict=True
        )
    }
    return collected, tuple(
        [tuple([f._replace(rules=label) for f in findings_by_key[key]]) for label, key in keys]
    )


def _with_effect(
    finding: Finding,
    weighed: list[_WeighedKind],
    rules: RuleSet,
    collected: ApplicableStatements,
) -> Finding:
    deciding = [
        w.kind.number
        for w in weighed
        if w.state is not None and is_about(w.statement, finding.purpose, rules)
    ]
    return finding._replace(effect=effect_of(finding, deciding, collected.kinds))


def _weigh(collected: ApplicableStatements, rules: RuleSet) -> list[_WeighedKind]:
    counts_prose = rules.textual_counts_as == "reserved"
    return [
        _weighed(kind, rules)
        for kind in collected.kinds.kinds
        if counts_prose or not kind.first.candidate
    ]


def _weighed(kind: StatementKind, rules: RuleSet) -> _WeighedKind:
    reason = _excluded_because(kind.first, rules)
    return _WeighedKind(kind, reason, None if reason else state_of(kind.first.applied, rules))


def _excluded_because(applicable: ApplicableStatement, rules: RuleSet) -> str:
    """Return why a statement takes no part under a rule set; empty if it does.

    Reservations and refusals of lenient readings take part where the rule set counts these. Its
    tiers do not apply to prose: `textual_counts_as` decides about that.
    """
    is_counted = rules.lenient_counts_as == "reserved" and _is_lenient(applicable, _AGAINST)
    if applicable.excluded_because and not is_counted:
        return applicable.excluded_because
    tier = applicable.statement.tier
    if applicable.candidate or tier in rules.tiers:
        return ""
    return f"tier {tier} does not count under {rules.id}"


def is_lenient_reservation(applicable: ApplicableStatement) -> bool:
    """Return whether a statement reserves, and only one of two readings yields it.

    Statements that do not count for another reason, such as rules for crawlers that no longer
    exist, are none.
    """
    return _is_lenient(applicable, RESERVING)


def _is_lenient(applicable: ApplicableStatement, stances: frozenset[Stance]) -> bool:
    statement = applicable.statement
    return (
        not statement.counts and statement.reads is not Reads.BOTH and statement.stance in stances
    )


def _finding(
    purpose: Purpose,
    weighed: list[_WeighedKind],
    rules: RuleSet,
    collected: ApplicableStatements,
) -> Finding:
    relevant = [w for w in weighed if is_about(w.statement, purpose, rules)]
    taking_part = [w.kind for w in relevant if not w.reason]
    shown = [
        w
        for w in weighed
        if is_about(w.statement, purpose, rules) or concerns(w.statement, purpose)
    ]
    contradicting = [w.kind.first for w in shown if not w.reason and concerns(w.statement, purpose)]
    state, deciding = _strongest(relevant, collected)
    absent = missing(collected.essential, rules)
    is_complete = bool(collected.essential) and not absent
    # `permitted` and `silent` need complete evidence; whatever else is unseen can only confirm
    # or strengthen a state that reserves or refuses.
    if state.rank > State.REFUSED.rank and not is_complete:
        state, deciding = State.UNKNOWN, None
    malformed = [] if state in _WHOLE else _malformed(relevant, collected)
    limits = _limits(taking_part, collected) if state is State.PARTIAL else ""
    cited = collected.kinds.cited({w.kind.number: w.reason for w in shown})
    return Finding(
        purpose=purpose,
        state=state,
        rules=rules.label,
        conflict=any(find_conflicts(contradicting)),
        complete=is_complete,
        detail=describe(state, limits, absent, malformed),
        deciding=deciding,
        considered=_with_first(deciding, cited),
        missing=absent,
        malformed=bool(malformed),
        stale=_is_stale(deciding, collected),
        share=_page_share(taking_part, collected) if state is State.PARTIAL else None,
    )


def _with_first(
    deciding: ApplicableStatement | None, cited: tuple[ApplicableStatement, ...]
) -> tuple[ApplicableStatement, ...]:
    """Return the statements with the deciding one first, the others in their order."""
    if deciding is None or cited[0] is deciding:
        return cited
    return (deciding, *[applicable for applicable in cited if applicable is not deciding])


def _limits(taking_part: list[StatementKind], collected: ApplicableStatements) -> str:
    """Return the parts that statements reserve, as text."""
    kinds = [
        kind.number
        for kind in taking_part
        if kind.first.statement.stance in RESERVING
        and (kind.first.applied.limited_to or kind.first.statement.use)
    ]
    make = partial(describe_limits, collected.kinds.statements_of(kinds), collected.pages)
    return collected.kinds.once("limits", kinds, make)


def _page_share(
    taking_part: list[StatementKind], collected: ApplicableStatements
) -> PageShare | None:
    """Return how many sampled pages reserve for themselves, None if no page does."""
    pages = {
        (h.evidence.resource, h.evidence.path)
        for h in [kind.first for kind in taking_part]
        if h.applied.limited_to == "pages" and is_page_level(h) and h.statement.stance in RESERVING
    }
    if not pages:
        return None
    reserving = sum(resource in SAMPLED for resource, _path in pages)
    # A redirect that reserves counts, whatever was at its end.
    return PageShare(reserving, max(collected.sampled, reserving))


def _is_stale(deciding: ApplicableStatement | None, collected: ApplicableStatements) -> bool:
    """Return whether a finding rests on evidence that the last attempt could not renew.

    What reserves rests on its own evidence, what does not on all that could have reserved.
    """
    if deciding is not None and deciding.statement.stance is not Stance.PERMITTED:
        return deciding.evidence.is_stale
    return any(evidence.is_stale for evidence in collected.essential)


def _malformed(relevant: list[_WeighedKind], collected: ApplicableStatements) -> list[str]:
    """Return the titles of protocols by which a reservation was attempted that does not count."""
    titles = [
        w.kind.first.protocol.TITLE
        for w in relevant
        if w.reason and is_lenient_reservation(w.kind.first)
    ]
    titles += [
        protocol.TITLE
        for evidence in collected.essential
        for protocol in unreadable_protocols(evidence)
    ]
    return list(dict.fromkeys(titles))


def _with_exceptions(
    findings: list[tuple[RuleSet, list[Finding]]],
    resources: tuple[ResourceEvidence, ...],
    question: Question,
) -> list[list[Finding]]:
    """Return the findings of some rule sets with the agents that they do not cover.

    RFC 9309, 2.2.1: the group of an agent replaces the group for everybody. So a state that covers
    everybody is a claim about each agent that a document names, and is checked for each.
    """
    covering = [[f.purpose for f in made if f.state in COVERING] for _, made in findings]
    if question.agent is not None or not any(covering):
        return [made for _, made in findings]
    excepted: dict[tuple[int, Purpose], list[str]] = {}
    permitted: set[tuple[int, Purpose]] = set()
    # Statements are collected once for each agent: there can be many of both.
    for token in _named_agents(resources):
        collected = collect_applicable(resources, Question(path=question.path, agent=token))
        is_turned_away = _is_turned_away(collected)
        for n, (rules, _) in enumerate(findings):
            weighed = _weigh(collected, rules) if covering[n] else []
            for purpose in covering[n]:
                state = _finding(purpose, weighed, rules, collected).state
                if state not in COVERING and not is_turned_away:
                    excepted.setdefault((n, purpose), []).append(token)
                if state is State.PERMITTED:
                    permitted.add((n, purpose))
    return [
        [_except(f, excepted.get((n, f.purpose), []), (n, f.purpose) in permitted) for f in made]
        for n, (_, made) in enumerate(findings)
    ]


def _is_turned_away(of_agent: ApplicableStatements) -> bool:
    """Return whether an agent is refused access by a group that names it.

    Such a group makes a statement about the purpose of the agent, and none about the others. An
    agent that may fetch nothing is no exception to what others are told about what they fetch.
    """
    return any(
        getattr(own.protocol, "RULES_ACCESS", False)
        and not own.applied.limited_to
        and own.statement.counts
        and own.statement.stance is not Stance.PERMITTED
        for own in [kind.first for kind in of_agent.kinds.kinds if not kind.first.candidate]
    )


def _except(finding: Finding, tokens: list[str], is_permitted: bool) -> Finding:
    """Return a finding with exceptions; one that is permitted contradicts it."""
    if not tokens:
        return finding
    return finding._replace(
        exceptions=tuple(tokens),
        detail="; ".join(filter(None, (f"except {first_names(tokens)}", finding.detail))),
        conflict=finding.conflict or is_permitted,
    )


def _named_agents(resources: tuple[ResourceEvidence, ...]) -> list[str]:
    """Return the product tokens that documents name, each once without regard to case."""
    tokens: dict[str, str] = {}
    for evidence in resources:
        for protocol, _key, reading in evidence.readings:
            for token in named_agents_of(protocol, reading):
                tokens.setdefault(token.lower(), token)
    return list(tokens.values())[:_MAX_EXCEPTED]


def concerns(statement: Statement, purpose: Purpose) -> bool:
    """Return whether a statement can contradict another one about a purpose.

    A permission of mining makes no state for training, and yet disagrees with a reservation of
    training: a reader must know of both.
    """
    if statement.use:
        return statement.purpose is purpose
    return statement.purpose in ANCESTORS[purpose]


def is_about(statement: Statement, purpose: Purpose, rules: RuleSet) -> bool:
    """Return whether a statement is about a purpose.

    A reservation is also about the purposes within its own, unless it speaks of a part of it. A
    permission is about its own alone: permitting mining says nothing about training. A refusal
    of access (purpose None) is about all of them.
    """
    if statement.purpose is None:
        return True
    is_narrow = statement.stance is Stance.PERMITTED and not rules.permission_entails
    if is_narrow or statement.use:
        return statement.purpose is purpose
    return statement.purpose in ANCESTORS[purpose]


def state_of(applied: AppliedStatement, rules: RuleSet) -> State | None:
    """Return the state that a statement makes by itself, None if it makes none.

    A reservation of a part makes `partial`; a permission or refusal of a part makes nothing.
    """
    stance = applied.statement.stance
    if applied.limited_to or applied.statement.use:
        return State.PARTIAL if stance in RESERVING else None
    return rules.refused_counts_as if stance is Stance.REFUSED else _STATE_OF_STANCE[stance]


def _strongest(
    relevant: list[_WeighedKind], collected: ApplicableStatements
) -> tuple[State, ApplicableStatement | None]:
    """Return the strongest state that statements make, with the one that is cited for it."""
    making = [(w.state.rank, w.kind.order, w) for w in relevant if w.state is not None]
    if not making:
        return State.SILENT, None
    _, _, best = min(making)
    assert best.state is not None
    return best.state, collected.kinds.with_reason(best.kind.cited, best.reason)
