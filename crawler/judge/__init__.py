"""From readings to findings: inside a protocol its own precedence, across protocols the stricter.

Pure and monotone: adding a statement that reserves never weakens a state. What was not seen
is never called absent: where something planned is missing and nothing seen reserves or
refuses, the state is `unknown`.
"""

from collections.abc import Iterable
from dataclasses import replace

from crawler.judge._disagreements import disagreements as disagreements
from crawler.judge._hearing import hear as hear
from crawler.judge._hearing import missing, prose
from crawler.judge._records import RESERVING
from crawler.judge._records import Finding as Finding
from crawler.judge._records import Heard as Heard
from crawler.judge._records import Sight as Sight
from crawler.judge._wording import detail_of
from crawler.model import Question, Statement, Voice
from crawler.protocols import PROTOCOLS
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, CONTENT, Presence, Purpose, Stance, State

_STRENGTH = {state: n for n, state in enumerate(State)}
_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
_WHOLE = {
    Stance.RESERVED: State.RESERVED,
    Stance.CONDITIONAL: State.CONDITIONAL,
    Stance.REFUSED: State.REFUSED,
    Stance.PERMITTED: State.PERMITTED,
}


def judge(
    sights: tuple[Sight, ...],
    question: Question,
    rules: RuleSet,
    purposes: Iterable[Purpose] = tuple(Purpose),
    heard: tuple[Heard, ...] | None = None,
) -> tuple[Finding, ...]:
    """A finding for every purpose asked about, on an origin or on one of its URLs.

    `heard` is what `hear` gave for the same question, for those who ask under many rule sets.

    `sights` holds each planned resource once; for an origin that was never asked it is empty,
    and everything is `unknown`.
    """
    heard = hear(sights, question) if heard is None else heard
    if rules.textual_counts_as == "reserved":
        heard = (*heard, *prose(sights, question))
    unseen = missing(sights, question)
    complete = bool(sights) and not unseen
    pages = sum(s.resource in CONTENT and s.presence is Presence.PRESENT for s in sights)
    return tuple(
        _finding(purpose, heard, rules, unseen=unseen, complete=complete, pages=pages)
        for purpose in purposes
    )


def _finding(
    purpose: Purpose,
    heard: tuple[Heard, ...],
    rules: RuleSet,
    *,
    unseen: tuple[Sight, ...],
    complete: bool,
    pages: int,
) -> Finding:
    relevant = [_under(h, rules) for h in heard if _concerns(h.statement, purpose)]
    taking_part = [h for h in relevant if not h.fate]
    state, by = _strongest(taking_part, rules)
    if _STRENGTH[state] > _STRENGTH[State.REFUSED] and not complete:
        state, by = State.UNKNOWN, None
    rest = sorted((h for h in relevant if h is not by), key=_rank)
    return Finding(
        purpose=purpose,
        state=state,
        rules=rules.label,
        conflict=any(disagreements(taking_part)),
        complete=complete,
        detail=detail_of(state, taking_part, unseen, pages),
        by=by,
        considered=tuple([by, *rest] if by else rest),
        missing=unseen,
    )


def _concerns(statement: Statement, purpose: Purpose) -> bool:
    """Reserving a purpose reserves what it contains, downward only; a refusal is of access."""
    return statement.purpose is None or statement.purpose in ANCESTORS[purpose]


def _under(heard: Heard, rules: RuleSet) -> Heard:
    if heard.fate or heard.candidate or heard.statement.tier in rules.tiers:
        return heard
    return replace(heard, fate=f"tier {heard.statement.tier} does not count under {rules.id}")


def state_of(voice: Voice, rules: RuleSet) -> State | None:
    """The state that a statement makes by itself; None if it makes none."""
    stance = voice.statement.stance
    if voice.part:
        return State.PARTIAL if stance in RESERVING else None
    return rules.refused_counts_as if stance is Stance.REFUSED else _WHOLE[stance]


def _strongest(heard: list[Heard], rules: RuleSet) -> tuple[State, Heard | None]:
    made = [(state, h) for h in heard if (state := state_of(h.voice, rules)) is not None]
    if not made:
        return State.SILENT, None
    return min(made, key=lambda pair: (_STRENGTH[pair[0]], _rank(pair[1])))


def _rank(heard: Heard) -> tuple[bool, int, int, str, int]:
    statement = heard.statement
    order = _ORDER.get(heard.protocol.NAME, len(_ORDER))
    return bool(heard.fate), statement.tier, order, heard.sight.path, statement.n
