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
from operator import attrgetter
from typing import NamedTuple

from crawler.evaluate.applicable import collect_applicable, missing, unreadable_protocols
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.detail import describe, first_names
from crawler.evaluate.effects import effect_of
from crawler.evaluate.records import (
    RESERVING,
    ApplicableStatement,
    ApplicableStatements,
    Finding,
    PageShare,
    ResourceEvidence,
    is_page_level,
)
from crawler.model import AppliedStatement, Question, Statement
from crawler.protocols import PROTOCOLS
from crawler.protocols.interface import named_agents_of
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, SAMPLED, Purpose, Reads, Stance, State

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


# Stances against use or access.
_AGAINST = RESERVING | {Stance.REFUSED}
# States beside which a malformed reservation adds nothing.
_WHOLE = frozenset({State.RESERVED, State.CONDITIONAL})
#: States that cover everything asked about, and of which some agents may be excepted.
COVERING = frozenset({State.RESERVED, State.CONDITIONAL, State.REFUSED})
# A hostile robots.txt can name any number of agents, and each is one more evaluation.
_MAX_EXCEPTED = 200

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
    findings = [_finding(purpose, ranked, rules, collected) for purpose in purposes]
    return tuple(_with_exceptions(findings, resources, question, rules))


def evaluate_rule_sets(
    resources: tuple[ResourceEvidence, ...], question: Question, rule_sets: Iterable[RuleSet]
) -> tuple[ApplicableStatements, tuple[tuple[Finding, ...], ...]]:
    """Return the applicable statements, and for each rule set the findings of all purposes.

    The findings are those of `evaluate`, with their effects.
    """
    collected = collect_applicable(resources, question)
    findings_by_rank: dict[Hashable, tuple[Finding, ...]] = {}
    findings = []
    for rules in rule_sets:
        ranked = _ranked_statements(collected, rules)
        # Findings depend on a rule set only through these and its label: most rule sets agree
        # on most origins, so that findings are made once for all of them. Exceptions are
        # findings for single agents, and depend on nothing else either.
        key = (
            rules.permission_entails,
            rules.lenient_counts_as,
            tuple(map(id, missing(collected.essential, rules))),
            *[(r.state, r.applicable.excluded_because) for r in ranked],
        )
        if key not in findings_by_rank:
            made = [_finding(p, ranked, rules, collected) for p in Purpose]
            made = list(_with_exceptions(made, resources, question, rules))
            findings_by_rank[key] = tuple([_with_effect(f, ranked, rules) for f in made])
        findings.append(tuple([f._replace(rules=rules.label) for f in findings_by_rank[key]]))
    return collected, tuple(findings)


def _with_effect(finding: Finding, ranked: list[_RankedStatement], rules: RuleSet) -> Finding:
    deciding = [
        r.applicable
        for r in ranked
        if r.state is not None and is_about(r.applicable.statement, finding.purpose, rules)
    ]
    return finding._replace(effect=effect_of(finding, deciding))


def _ranked_statements(collected: ApplicableStatements, rules: RuleSet) -> list[_RankedStatement]:
    statements = collected.statements
    if rules.textual_counts_as == "reserved":
        statements = (*statements, *collected.prose)
    return [_ranked(_excluded_by_tier(_counted(h, rules), rules), rules) for h in statements]


def _counted(applicable: ApplicableStatement, rules: RuleSet) -> ApplicableStatement:
    """Let a reservation or refusal of a lenient reading take part, where the rule set counts it."""
    if rules.lenient_counts_as == "reserved" and _is_lenient(applicable, _AGAINST):
        return applicable._replace(excluded_because="")
    return applicable


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
    relevant = [r for r in ranked if is_about(r.applicable.statement, purpose, rules)]
    taking_part = [r.applicable for r in relevant if not r.applicable.excluded_because]
    shown = [
        r
        for r in ranked
        if is_about(r.applicable.statement, purpose, rules)
        or concerns(r.applicable.statement, purpose)
    ]
    contradicting = [
        r.applicable
        for r in shown
        if not r.applicable.excluded_because and concerns(r.applicable.statement, purpose)
    ]
    state, deciding = _strongest(relevant)
    absent = missing(collected.essential, rules)
    is_complete = bool(collected.essential) and not absent
    # `permitted` and `silent` need complete evidence; whatever else is unseen can only confirm
    # or strengthen a state that reserves or refuses.
    if state.rank > State.REFUSED.rank and not is_complete:
        state, deciding = State.UNKNOWN, None
    malformed = [] if state in _WHOLE else _malformed(relevant, collected)
    others = [r.applicable for r in sorted(shown, key=_BY_ORDER) if r.applicable is not deciding]
    return Finding(
        purpose=purpose,
        state=state,
        rules=rules.label,
        conflict=any(find_conflicts(contradicting)),
        complete=is_complete,
        detail=describe(state, taking_part, absent, collected.pages, malformed),
        deciding=deciding,
        considered=tuple([deciding, *others] if deciding else others),
        missing=absent,
        malformed=bool(malformed),
        stale=_is_stale(deciding, collected),
        share=_page_share(taking_part, collected) if state is State.PARTIAL else None,
    )


def _page_share(
    taking_part: list[ApplicableStatement], collected: ApplicableStatements
) -> PageShare | None:
    """Return how many sampled pages reserve for themselves, None if no page does."""
    pages = {
        (h.evidence.resource, h.evidence.path)
        for h in taking_part
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


def _malformed(relevant: list[_RankedStatement], collected: ApplicableStatements) -> list[str]:
    """Return the titles of protocols by which a reservation was attempted that does not count."""
    titles = [
        r.applicable.protocol.TITLE
        for r in relevant
        if r.applicable.excluded_because and is_lenient_reservation(r.applicable)
    ]
    titles += [
        protocol.TITLE
        for evidence in collected.essential
        for protocol in unreadable_protocols(evidence)
    ]
    return list(dict.fromkeys(titles))


def _with_exceptions(
    findings: list[Finding],
    resources: tuple[ResourceEvidence, ...],
    question: Question,
    rules: RuleSet,
) -> Iterable[Finding]:
    """Return findings with the agents that they do not cover.

    RFC 9309, 2.2.1: the group of an agent replaces the group for everybody. So a state that covers
    everybody is a claim about each agent that a document names, and is checked for each.
    """
    covering = [finding.purpose for finding in findings if finding.state in COVERING]
    if question.agent is not None or not covering:
        return findings
    excepted: dict[Purpose, list[str]] = {purpose: [] for purpose in covering}
    permitted: set[Purpose] = set()
    for token in _named_agents(resources):
        collected = collect_applicable(resources, Question(path=question.path, agent=token))
        ranked = _ranked_statements(collected, rules)
        for purpose in covering:
            finding = _finding(purpose, ranked, rules, collected)
            if finding.state not in COVERING and not _is_turned_away(collected):
                excepted[purpose].append(token)
            if finding.state is State.PERMITTED:
                permitted.add(purpose)
    return [_except(f, excepted.get(f.purpose, []), f.purpose in permitted) for f in findings]


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
        for own in of_agent.statements
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
    if applied.limited_to or applied.statement.use:
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
