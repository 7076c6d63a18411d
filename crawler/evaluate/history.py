"""The history of an origin: phases in which a finding had the same state and the same effect.

Rules for editors:

- History is derived from evidence alone, in the order of its time: it is the same whether it is
  made after each run or once, and whatever the order in which evidence was stored.
- A failed look is no event. It is counted as missed by the phase around it, and `unknown` neither
  ends a phase nor begins one, unless nothing else was ever known.
- A look is evaluated only if it differs from the one before it (`looks.is_repeated`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.evaluation_cache import CachedFinding, Evaluation
from crawler.evaluate.looks import Look, is_repeated, looks_of, rows_until
from crawler.evaluate.records import Effect, ResourceEvidence
from crawler.evaluate.snapshot import EXPECTED, OriginSnapshot
from crawler.vocab import CONTEXT, State

#: A snapshot with its evaluation.
Evaluated = tuple[OriginSnapshot, Evaluation]
#: Where an answer stood: the resource, and the URL requested.
Place = tuple[str, str]


@dataclass(slots=True)
class Phase:
    """Consecutive looks at one purpose under one rule set with the same state and effect.

    `first` and `last` are the observations that showed it first and last, the latter in
    `last_look`. `before` is the last one that showed something else, None if nothing else was
    known before. `after` is the first one that showed something else again. `lost` is the first one
    since `last` that left it unknown, as long as none showed it again. `looks` showed it by
    themselves; `missed` failed in part or altogether, and showed nothing else.
    """

    rules: str
    purpose: str
    state: State
    effect: Effect
    first: ObservationRow
    last: ObservationRow
    last_look: Look
    looks: int = 1
    missed: int = 0
    before: ObservationRow | None = None
    after: ObservationRow | None = None
    lost: ObservationRow | None = None

    @property
    def span(self) -> tuple[int, int, int, int]:
        """First and last look, by the runs of their observations, and the two counts."""
        return (self.first.run, self.last.run, self.looks, self.missed)


class Steady(NamedTuple):
    """An origin whose findings never changed: its evaluation, and the looks as in `Phase`."""

    evaluation: Evaluation
    first: ObservationRow
    last: ObservationRow
    looks: int
    missed: int


class _Moment(NamedTuple):
    """A look with its evaluation.

    `fresh` are the places whose current answer came with it. `is_whole` says that no answer
    that could reserve was carried over from before.
    """

    look: Look
    snapshot: OriginSnapshot
    evaluation: Evaluation
    fresh: frozenset[Place]
    is_whole: bool

    def confirms(self, finding: CachedFinding, place: Place | None) -> bool:
        """Return whether this look shows by itself what a finding says.

        See `confirms`.
        """
        decided_at = None if finding.deciding is None else place
        return confirms(finding.state, decided_at, self.fresh, is_whole=self.is_whole)


def confirms(state: State, place: Place | None, fresh: frozenset[Place], *, is_whole: bool) -> bool:
    """Return whether a look shows a state by itself; `place` is that of the deciding statement.

    A reservation or refusal rests on its own evidence, anything else on all that there is.
    """
    if place is None or state.rank > State.REFUSED.rank:
        return is_whole
    return place in fresh


def history_of(
    rows: list[ObservationRow],
    evaluate: Callable[[list[ObservationRow]], Evaluated],
    present: Evaluated,
) -> Steady | tuple[Phase, ...] | None:
    """Return the history of an origin; None for one without evidence.

    `rows` are its observations in the order of their time. `evaluate` evaluates the first ones of
    them, `present` is the evaluation of all.
    """
    looks = looks_of(rows)
    if not looks:
        return None
    moments = list(_moments(rows, looks, evaluate, present))
    if all(moment.evaluation is present[1] and moment.is_whole for moment in moments):
        return _steady(moments, present, missed=0)
    phases = tuple(_phases(moments))
    return _as_steady(phases, moments, present) or phases


def _moments(
    rows: list[ObservationRow],
    looks: list[Look],
    evaluate: Callable[[list[ObservationRow]], Evaluated],
    present: Evaluated,
) -> Iterator[_Moment]:
    """Yield the looks, each evaluated with all that was seen until then."""
    # From the last to the first of equal looks, since what all rows say is known.
    repeats = list(is_repeated(looks))
    evaluated: list[Evaluated] = []
    for n in reversed(range(len(looks))):
        if n == len(looks) - 1:
            evaluated.append(present)
        elif repeats[n + 1]:
            evaluated.append(evaluated[-1])
        else:
            evaluated.append(evaluate(rows_until(rows, looks, n)))
    evaluated.reverse()
    fresh: frozenset[Place] = frozenset()
    is_whole = True
    for n, (look, (snapshot, evaluation)) in enumerate(zip(looks, evaluated, strict=True)):
        if not repeats[n]:
            # Of equal looks the last one was evaluated, and its answers are its own.
            own = next((m for m in range(n + 1, len(looks)) if not repeats[m]), len(looks)) - 1
            fresh, is_whole = (
                fresh_places(looks[own], snapshot),
                is_whole_look(looks[own], snapshot),
            )
        yield _Moment(look, snapshot, evaluation, fresh, is_whole)


def fresh_places(look: Look, snapshot: OriginSnapshot) -> frozenset[Place]:
    """Return the places whose answer in a snapshot came with a look."""
    return frozenset(
        [
            (answer.row.resource, answer.row.asked)
            for answer in snapshot.answers
            if answer.row.key in look.keys
        ]
    )


def is_whole_look(look: Look, snapshot: OriginSnapshot) -> bool:
    """Return whether every answer that could matter came with this look.

    What nothing links to any more, and pages of another sample, were not requested again.
    """
    return all(
        answer.row.key in look.keys
        or answer.resource in CONTEXT
        or (answer.resource not in EXPECTED and answer.last.key not in look.keys)
        for answer in snapshot.answers
    )


def _steady(moments: list[_Moment], present: Evaluated, *, missed: int) -> Steady:
    place = _place_of_headline(present)
    whole = [moment for moment in moments if moment.is_whole] or moments[:1]
    return Steady(
        evaluation=present[1],
        first=moments[0].look.row_at(place),
        last=whole[-1].look.row_at(place),
        looks=len(moments) - missed,
        missed=missed,
    )


def _place_of_headline(evaluated: Evaluated) -> Place | None:
    """Return where the statement stood that decided the strongest finding."""
    snapshot, evaluation = evaluated
    for finding in evaluation.findings:
        if finding.headline and finding.deciding:
            return _place(snapshot, finding)
    return None


def _place(snapshot: OriginSnapshot, finding: CachedFinding) -> Place | None:
    if finding.deciding is None:
        return None
    return place_of(snapshot, snapshot.resources[finding.deciding.evidence])


def place_of(snapshot: OriginSnapshot, evidence: ResourceEvidence) -> Place | None:
    """Return the place of the evidence of a snapshot."""
    return next(
        (
            (answer.row.resource, answer.row.asked)
            for answer in snapshot.answers
            if answer.resource is evidence.resource and answer.path == evidence.path
        ),
        None,
    )


def _as_steady(
    phases: tuple[Phase, ...], moments: list[_Moment], present: Evaluated
) -> Steady | None:
    """Return one row for all purposes, where none of them changed or was missed more often."""
    findings = present[1].findings
    if len(phases) != len(findings) or len({phase.span for phase in phases}) > 1:
        return None
    states = {(f.rules, f.purpose.value): (f.state, f.effect) for f in findings}
    if any(states[p.rules, p.purpose] != (p.state, p.effect) for p in phases):
        return None  # unknown at present
    return _steady(moments, present, missed=phases[0].missed)


def _phases(moments: list[_Moment]) -> Iterator[Phase]:
    """Yield the phases of every purpose under every rule set."""
    for n in range(len(moments[0].evaluation.findings)):
        phases: list[Phase] = []
        place: Place | None = None
        for moment in moments:
            finding = moment.evaluation.findings[n]
            place = _place(moment.snapshot, finding) or place
            _extend(phases, moment, finding, place)
        yield from phases


def _ends_freedom(state: State, snapshot: OriginSnapshot) -> bool:
    """Return whether freedom is not known to go on, since what came was erased.

    A look that failed showed nothing. One that was erased may have shown a reservation.
    """
    return state in (State.PERMITTED, State.SILENT) and snapshot.is_withheld


def _extend(
    phases: list[Phase], moment: _Moment, finding: CachedFinding, place: Place | None
) -> None:
    """Add what a look showed about one purpose."""
    row = moment.look.row_at(place)
    current = phases[-1] if phases else None
    if current is not None and finding.state is not State.UNKNOWN:
        current.lost = None
    if current is None or (current.state is State.UNKNOWN and finding.state is not State.UNKNOWN):
        if current is not None:
            current.after = row
        phases.append(_new_phase(finding, moment.look, row))
    elif finding.state is State.UNKNOWN and _ends_freedom(current.state, moment.snapshot):
        current.after = row
        phases.append(_new_phase(finding, moment.look, row))
    elif finding.state is State.UNKNOWN and current.state is not State.UNKNOWN:
        current.missed += 1
        current.lost = current.lost or row
    elif (finding.state, finding.effect) != (current.state, current.effect):
        current.after = row
        phases.append(_new_phase(finding, moment.look, row))
        phases[-1].before = current.last_look.row_at(place)
    elif finding.state is State.UNKNOWN or moment.confirms(finding, place):
        current.last, current.last_look = row, moment.look
        current.looks += 1
    elif moment.look.has_failed:
        current.missed += 1


def _new_phase(finding: CachedFinding, look: Look, row: ObservationRow) -> Phase:
    state, effect = finding.state, finding.effect
    return Phase(finding.rules, finding.purpose.value, state, effect, row, row, look)
