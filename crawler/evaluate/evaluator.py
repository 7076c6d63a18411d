"""From readings to findings: inside a protocol its own precedence, across protocols the stricter.

Pure and monotone: adding a statement that reserves never weakens a state. What was not seen
is never called absent: where something planned is missing and nothing seen reserves or
refuses, the state is `unknown`.
"""

from collections.abc import Hashable, Iterable
from operator import attrgetter
from typing import NamedTuple

from crawler.evaluate.applicable import hear
from crawler.evaluate.conflicts import disagreements as disagreements
from crawler.evaluate.detail import detail_of
from crawler.evaluate.records import RESERVING
from crawler.evaluate.records import Finding as Finding
from crawler.evaluate.records import Heard as Heard
from crawler.evaluate.records import Hearing as Hearing
from crawler.evaluate.records import Sight as Sight
from crawler.model import Question, Statement, Voice
from crawler.protocols import PROTOCOLS
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, Purpose, Stance, State

_STRENGTH = {state: n for n, state in enumerate(State)}
_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
_BY_RANK = attrgetter("rank")
_BY_WEIGHT = attrgetter("strength", "rank")
_WHOLE = {
    Stance.RESERVED: State.RESERVED,
    Stance.CONDITIONAL: State.CONDITIONAL,
    Stance.REFUSED: State.REFUSED,
    Stance.PERMITTED: State.PERMITTED,
}


class _Weighed(NamedTuple):
    """A statement under a rule set: its place among equals, the state that it makes by itself (None
    if it makes none or takes no part), and how strong that is.
    """

    rank: tuple[bool, int, int, str, int]
    state: State | None
    strength: int
    heard: Heard


def judge(
    sights: tuple[Sight, ...],
    question: Question,
    rules: RuleSet,
    purposes: Iterable[Purpose] = tuple(Purpose),
) -> tuple[Finding, ...]:
    """A finding for every purpose asked about, on an origin or on one of its URLs.

    `sights` holds each planned resource once; for an origin that was never asked it is empty,
    and everything is `unknown`.
    """
    hearing = hear(sights, question)
    weighed = _weigh(hearing, rules)
    return tuple([_finding(purpose, weighed, rules, hearing) for purpose in purposes])


def judge_each(
    sights: tuple[Sight, ...], question: Question, rule_sets: Iterable[RuleSet]
) -> tuple[Hearing, tuple[tuple[Finding, ...], ...]]:
    """What was heard, and the findings under each rule set as `judge` gives them. Rule sets that
    weigh all of it alike come to the same.
    """
    hearing = hear(sights, question)
    known: dict[Hashable, tuple[Finding, ...]] = {}
    found = []
    for rules in rule_sets:
        weighed = _weigh(hearing, rules)
        alike = tuple([(w.state, w.heard.fate) for w in weighed])
        if alike not in known:
            known[alike] = tuple([_finding(p, weighed, rules, hearing) for p in Purpose])
        found.append(tuple([f._replace(rules=rules.label) for f in known[alike]]))
    return hearing, tuple(found)


def _weigh(hearing: Hearing, rules: RuleSet) -> list[_Weighed]:
    heard = hearing.heard
    if rules.textual_counts_as == "reserved":
        heard = (*heard, *hearing.prose)
    return [_weighed(_under(h, rules), rules) for h in heard]


def _weighed(heard: Heard, rules: RuleSet) -> _Weighed:
    state = None if heard.fate else state_of(heard.voice, rules)
    return _Weighed(_rank(heard), state, _STRENGTH[state] if state else len(State), heard)


def _finding(
    purpose: Purpose, weighed: list[_Weighed], rules: RuleSet, hearing: Hearing
) -> Finding:
    relevant = [w for w in weighed if _concerns(w.heard.statement, purpose)]
    taking_part = [w.heard for w in relevant if not w.heard.fate]
    state, by = _strongest(relevant)
    if _STRENGTH[state] > _STRENGTH[State.REFUSED] and not hearing.complete:
        state, by = State.UNKNOWN, None
    rest = [w.heard for w in sorted(relevant, key=_BY_RANK) if w.heard is not by]
    return Finding(
        purpose=purpose,
        state=state,
        rules=rules.label,
        conflict=any(disagreements(taking_part)),
        complete=hearing.complete,
        detail=detail_of(state, taking_part, hearing.unseen, hearing.pages),
        by=by,
        considered=tuple([by, *rest] if by else rest),
        missing=hearing.unseen,
    )


def _concerns(statement: Statement, purpose: Purpose) -> bool:
    """Reserving a purpose reserves what it contains, downward only; a refusal is of access."""
    return statement.purpose is None or statement.purpose in ANCESTORS[purpose]


def _under(heard: Heard, rules: RuleSet) -> Heard:
    if heard.fate or heard.candidate or heard.statement.tier in rules.tiers:
        return heard
    return heard._replace(fate=f"tier {heard.statement.tier} does not count under {rules.id}")


def state_of(voice: Voice, rules: RuleSet) -> State | None:
    """The state that a statement makes by itself; None if it makes none."""
    stance = voice.statement.stance
    if voice.part:
        return State.PARTIAL if stance in RESERVING else None
    return rules.refused_counts_as if stance is Stance.REFUSED else _WHOLE[stance]


def _strongest(relevant: list[_Weighed]) -> tuple[State, Heard | None]:
    made = [w for w in relevant if w.state is not None]
    if not made:
        return State.SILENT, None
    best = min(made, key=_BY_WEIGHT)
    assert best.state is not None
    return best.state, best.heard


def _rank(heard: Heard) -> tuple[bool, int, int, str, int]:
    statement = heard.statement
    order = _ORDER.get(heard.protocol.NAME, len(_ORDER))
    return bool(heard.fate), statement.tier, order, heard.sight.path, statement.n
