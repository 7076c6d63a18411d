"""From readings to findings: inside a protocol its own precedence, across protocols the stricter.

Pure and monotone: adding a statement that reserves never weakens a state. What was not seen
is never called absent: where something planned is missing and nothing seen reserves or
refuses, the state is `unknown`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from crawler.model import Question, Reading, Statement, Voice
from crawler.protocols import PROTOCOLS, _candidates, rsl_robots
from crawler.protocols._interface import Carrier, Protocol
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, CONTENT, CONTEXT, Presence, Purpose, Resource, Stance, State

VERSION = 1

#: What settles nothing when it cannot be read: a TDM policy only states the terms of what is
#: reserved elsewhere (TDMRep, 'tdm-policy property'), and another host's robots.txt our manners.
#: Everything else that was planned must be seen before nothing said may be called silence.
_UNESSENTIAL = frozenset({Resource.TDM_POLICY, Resource.OTHER_ROBOTS_TXT}) | CONTEXT
_STRENGTH = {state: n for n, state in enumerate(State)}
_ORDER = {protocol.NAME: n for n, protocol in enumerate(PROTOCOLS)}
_RESERVING = frozenset({Stance.RESERVED, Stance.CONDITIONAL})
_WHOLE = {
    Stance.RESERVED: State.RESERVED,
    Stance.CONDITIONAL: State.CONDITIONAL,
    Stance.REFUSED: State.REFUSED,
    Stance.PERMITTED: State.PERMITTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A resource of an origin as the evidence last showed it.

    `path` is path and query of the URL asked for. `observation` is the key of the final
    response, `observed_at` its time. `readings` pairs each protocol that looks there with the
    key of its reading and the reading.
    """

    resource: Resource
    path: str
    url: str
    presence: Presence
    observation: int
    observed_at: str
    readings: tuple[tuple[Protocol, str, Reading], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A statement in the balance: who made it, where it was seen, and what became of it.

    `fate` is empty for one that takes part; else why it does not (`not counted`, `superseded
    by` what and where, a tier that the rule set leaves out). `candidate` is the number of the
    candidate that it was made of, under a rule set that lets prose count; 0 for a statement.
    """

    protocol: Protocol
    reading: str
    sight: Sight
    voice: Voice
    fate: str = ""
    candidate: int = 0

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        return self.voice.statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The state of one purpose under one rule set, with what decided it.

    `by` is the deciding statement, None for `silent` and `unknown`. `considered` holds every
    statement that speaks to the purpose, the deciding one first. `missing` lists the planned
    resources that were not seen.
    """

    purpose: Purpose
    state: State
    rules: str
    conflict: bool
    complete: bool
    detail: str
    by: Heard | None = None
    considered: tuple[Heard, ...] = ()
    missing: tuple[Sight, ...] = ()


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
        heard = (*heard, *_prose(sights, question))
    missing = _missing(sights, question)
    complete = bool(sights) and not missing
    pages = sum(s.resource in CONTENT and s.presence is Presence.PRESENT for s in sights)
    return tuple(
        _finding(purpose, heard, rules, missing=missing, complete=complete, pages=pages)
        for purpose in purposes
    )


def hear(sights: tuple[Sight, ...], question: Question) -> tuple[Heard, ...]:
    """Every statement that speaks to the question, after each protocol's own precedence."""
    found = [
        Heard(protocol=protocol, reading=key, sight=sight, voice=voice)
        for sight in sights
        for protocol, key, reading in sight.readings
        for voice in _addressed(protocol.voices(reading, question), sight, sights, question)
    ]
    found = [h for h in found if _speaks(h, question, sights)]
    return tuple(_weigh_families(found, question))


def _prose(sights: tuple[Sight, ...], question: Question) -> Iterator[Heard]:
    """Candidates as statements that reserve; one in the foot of a page is about that page."""
    for sight in sights:
        for protocol, key, reading in sight.readings:
            for n, candidate in enumerate(reading.candidates, start=1):
                if candidate.strength != _candidates.CANDIDATE:
                    continue
                own = candidate.location != "page" or sight.path == question.path
                statement = _candidates.as_statement(candidate)
                voice = Voice(statement=statement, part="" if own else "pages")
                heard = Heard(protocol=protocol, reading=key, sight=sight, voice=voice, candidate=n)
                if own or _speaks(heard, question, sights):
                    yield heard


def _addressed(
    voices: tuple[Voice, ...], sight: Sight, sights: tuple[Sight, ...], question: Question
) -> Iterator[Voice]:
    """The voices of a document as said to those it is for: bytes do not tell who is meant."""
    for token in _audience(sight, sights, question):
        for voice in voices:
            if token == "*":
                yield voice
            else:
                yield Voice(statement=replace(voice.statement, agent=token), part="agents")


def _audience(sight: Sight, sights: tuple[Sight, ...], question: Question) -> tuple[str, ...]:
    """Whom a licence document speaks to (RSL 1.0, robots.txt); every other one to everybody."""
    if sight.resource is not Resource.RSL_LICENSE:
        return rsl_robots.EVERYBODY
    carriers = (
        (other.url, reading)
        for other in sights
        for protocol, _key, reading in other.readings
        if protocol.FAMILY == rsl_robots.FAMILY
    )
    return rsl_robots.audience_of(sight.path, carriers, question.agent)


def _is_of_page(heard: Heard) -> bool:
    return heard.sight.resource in CONTENT and heard.protocol.CARRIER is not Carrier.BODY


def _sampled(sights: Iterable[Sight], path: str | None) -> bool:
    """Whether the page itself was seen, so that it speaks for itself."""
    return any(
        s.resource in CONTENT and s.path == path and s.presence is not Presence.ABSENT
        for s in sights
    )


def _speaks(heard: Heard, question: Question, sights: tuple[Sight, ...]) -> bool:
    """Statements of other pages say nothing about a page that was seen itself."""
    if not _is_of_page(heard) or question.path is None or heard.sight.path == question.path:
        return True
    return not _sampled(sights, question.path)


def _weigh_families(found: list[Heard], question: Question) -> Iterable[Heard]:
    """Settle carriers of one protocol among themselves: the nearest to the content supersedes.

    TDMRep, 'Precedence': a header supersedes the file, a meta element the header; an absent
    or invalid value resets nothing. Where a page permits what its file reserves, the file no
    longer covers the whole origin.
    """
    # Whether something supersedes depends on protocol and response alone: one of each will do.
    speakers = {(h.protocol.NAME, id(h.sight)): h for h in found if h.statement.counts}
    settled = [_settle(h, speakers.values(), question) for h in found]
    overridden = {
        (h.protocol.FAMILY, h.protocol.RANK)
        for h in settled
        if not h.fate and _is_of_page(h) and h.statement.stance is Stance.PERMITTED
    }
    for h in settled:
        elsewhere = _is_of_page(h) and h.sight.path != question.path
        if elsewhere or (question.path is None and _excepted(h, overridden)):
            yield replace(h, voice=replace(h.voice, part="pages"))
        else:
            yield h


def _excepted(heard: Heard, overridden: set[tuple[str, int]]) -> bool:
    return (
        any(f == heard.protocol.FAMILY and r > heard.protocol.RANK for f, r in overridden)
        and heard.statement.stance in _RESERVING
        and not heard.voice.part
    )


def _settle(heard: Heard, speakers: Iterable[Heard], question: Question) -> Heard:
    """Say why a statement takes no part: it is not counted, or a nearer carrier speaks."""
    if not heard.statement.counts:
        return replace(heard, fate="not counted")
    nearer = [
        other
        for other in speakers
        if other.protocol.FAMILY == heard.protocol.FAMILY
        and other.protocol.RANK > heard.protocol.RANK
        and _same_content(other, heard, question)
    ]
    if not nearer:
        return heard
    by = max(nearer, key=lambda other: other.protocol.RANK)
    return replace(heard, fate=f"superseded by {by.protocol.TITLE} of {by.sight.path}")


def _same_content(nearer: Heard, farther: Heard, question: Question) -> bool:
    """Whether both speak about the same page: of one response, or of the page asked about."""
    if _is_of_page(farther):
        return nearer.sight is farther.sight
    return question.path is not None and nearer.sight.path == question.path


def _is_unseen(sight: Sight) -> bool:
    """Whether evidence is missing: no answer, or one that a protocol could not look into."""
    readings = (reading for _protocol, _key, reading in sight.readings)
    return Presence.UNSEEN in (sight.presence, *(reading.presence for reading in readings))


def _missing(sights: tuple[Sight, ...], question: Question) -> tuple[Sight, ...]:
    """Planned resources without evidence; of the pages only the one asked about, if sampled."""
    own = question.path is not None and _sampled(sights, question.path)
    return tuple(
        s
        for s in sights
        if _is_unseen(s)
        and s.resource not in _UNESSENTIAL
        and not (own and s.resource in CONTENT and s.path != question.path)
        and _audience(s, sights, question)
    )


def _finding(
    purpose: Purpose,
    heard: tuple[Heard, ...],
    rules: RuleSet,
    *,
    missing: tuple[Sight, ...],
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
        detail=_detail(state, taking_part, missing, pages),
        by=by,
        considered=tuple([by, *rest] if by else rest),
        missing=missing,
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
        return State.PARTIAL if stance in _RESERVING else None
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


def disagreements(heard: Iterable[Heard]) -> Iterator[tuple[Heard, Heard]]:
    """Pairs of statements in conflict, one that reserves and one that permits.

    Those of different protocols are. Carriers of one protocol are not: its own precedence has
    settled it. Two statements in one document are if both claim to cover all that was asked.
    """
    heard = list(heard)
    reserving = _one_each(h for h in heard if h.statement.stance in _RESERVING)
    permitting = _one_each(h for h in heard if h.statement.stance is Stance.PERMITTED)
    for a, b in product(reserving, permitting):
        same = a.reading == b.reading and a.sight is b.sight
        if a.protocol.FAMILY != b.protocol.FAMILY or (same and not a.voice.part + b.voice.part):
            yield a, b


def _one_each(heard: Iterable[Heard]) -> list[Heard]:
    """The first statement of each protocol, document and reach: there may be thousands."""
    first: dict[tuple[str, int, bool], Heard] = {}
    for h in heard:
        first.setdefault((h.protocol.NAME, id(h.sight), bool(h.voice.part)), h)
    return list(first.values())


def _detail(state: State, heard: list[Heard], missing: tuple[Sight, ...], pages: int) -> str:
    """The state in a few words: which part, or what was not seen."""
    if state is State.UNKNOWN:
        return "not seen: " + (", ".join(s.resource for s in missing) or "origin never asked")
    if state is not State.PARTIAL:
        return ""
    parts: dict[str, list[str]] = {}
    for h in heard:
        if h.voice.part and h.statement.stance in _RESERVING:
            parts.setdefault(h.voice.part, []).append(_part(h))
    return "; ".join(_parts(part, list(dict.fromkeys(n)), pages) for part, n in parts.items())


def _parts(part: str, names: list[str], pages: int) -> str:
    if part == "pages" and "" in names:
        return "all but pages that say otherwise"
    if part == "pages":
        part = f"{len(names)} of {pages} pages seen"
    return f"{part}: {_some(names)}"


def _part(heard: Heard) -> str:
    statement = heard.statement
    match heard.voice.part:
        case "agents":
            return statement.agent
        case "file types":
            return statement.media or statement.path or ""
        case "pages":
            return heard.sight.path if _is_of_page(heard) else ""
        case _:
            return statement.path or ""


def _some(names: list[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
