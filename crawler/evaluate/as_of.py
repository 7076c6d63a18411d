"""Answers for a time in the past: what the looks at an origin before and after it showed.

Rules for editors:

- An answer is never that of another time. What changed at an unknown time between two looks is the
  weaker claim of the two, and what was not looked at before is unknown.
- Which looks showed something, and which only failed, is told as `evaluate.history` tells it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.history import Place, confirms, fresh_places, is_whole_look, place_of
from crawler.evaluate.looks import Look, is_repeated, looks_of, rows_until
from crawler.evaluate.pieces import Piece, Span, monotonic, piece_at, span_of
from crawler.evaluate.records import Effect, Finding
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.evaluate.url_verdicts import Verdict, verdict_of
from crawler.instants import Instant
from crawler.rulesets import RuleSet
from crawler.vocab import AsOfBasis, Purpose, State

_PLACES = {purpose: n for n, purpose in enumerate(Purpose)}
_LATER = "first looked at later"
_ERASED = "what was seen in between was erased"
_TOO_OLD = "last looked at too long before"


class AsOfVerdict(NamedTuple):
    """A verdict for a time in the past; the names are those of the columns without `tdm_`.

    `seen_before` is the UTC time of the last look before it that showed `state_before`,
    `seen_after` that of the first look after it that showed anything, which was `state_after`. Of
    a whole day, before is before it begins, and after may be within it. `source` is `live`,
    `archive` or `both`: where these two looks are from.
    """

    verdict: Verdict
    as_of_basis: str
    seen_before: str | None = None
    state_before: str | None = None
    seen_after: str | None = None
    state_after: str | None = None
    source: str | None = None

    @property
    def state(self) -> str:
        """The state at that time."""
        return self.verdict.state

    @property
    def reserved(self) -> bool | None:
        """True if it was reserved, None if that is not known."""
        return self.verdict.reserved

    @property
    def basis(self) -> str | None:
        """The protocol that decided, or why the state is unknown."""
        return self.verdict.basis

    @property
    def purpose(self) -> str:
        """The purpose that the verdict is about."""
        return self.verdict.purpose


class Told(NamedTuple):
    """The verdict of one look on one question and purpose.

    `place` is that of the deciding statement, None without one.
    """

    verdict: Verdict
    effect: Effect
    place: Place | None

    @property
    def is_unknown(self) -> bool:
        """Return whether it told nothing."""
        return self.verdict.state == State.UNKNOWN

    def differs(self, other: "Told") -> bool:
        """Return whether another look told something else."""
        return (self.verdict.state, self.effect) != (other.verdict.state, other.effect)


#: Evaluates one question at a snapshot, for every purpose in their order.
Ask = Callable[[OriginSnapshot], tuple[Told, ...]]


def told_by(
    findings: Sequence[Finding], snapshot: OriginSnapshot, rules: RuleSet
) -> tuple[Told, ...]:
    """Return findings with effects, as they were made from a snapshot."""
    return tuple(
        Told(
            verdict_of(finding, rules, snapshot.newest_observed_at)._replace(
                last_looked_at=snapshot.last_looked_at
            ),
            finding.effect,
            finding.deciding and place_of(snapshot, finding.deciding.evidence),
        )
        for finding in findings
    )


def _is_free(verdict: Verdict) -> bool:
    return verdict.state in (State.PERMITTED, State.SILENT)


class AnswerAt(NamedTuple):
    """An answer with the looks that it rests on.

    `known` is the number of the last look before that told anything, `after` that of `seen_after`;
    -1 is none.
    """

    verdict: AsOfVerdict
    known: int
    after: int


class Timeline:
    """The looks at one origin, with the evidence that there was after each of them.

    `rows` are its observations in the order of their time, `snapshot_of` makes a snapshot of the
    first of them. `max_distance` is how many milliseconds before a time the last look may be.
    `archives` are the runs that hold evidence of others. Snapshots are made when they are needed.
    """

    def __init__(
        self,
        rows: list[ObservationRow],
        snapshot_of: Callable[[list[ObservationRow]], OriginSnapshot],
        max_distance: int | None = None,
        archives: Collection[int] = (),
    ) -> None:
        self._rows, self._snapshot_of = rows, snapshot_of
        self._max_distance, self._archives = max_distance, archives
        self.looks = looks_of(rows)
        self.spans = monotonic([self._span(look) for look in self.looks])
        # Equal looks tell the same, apart from the time: the first of them stands for all.
        self._alike: list[int] = []
        for n, repeats in enumerate(is_repeated(self.looks)):
            self._alike.append(self._alike[-1] if repeats else n)
        self._snapshots: dict[int, OriginSnapshot] = {}
        self._own: dict[int, tuple[frozenset[Place], bool]] = {}

    def _span(self, look: Look) -> Span:
        times = [row.observed_at for row in look.rows]
        return span_of(min(times), max(times), in_archive=look.rows[0].run in self._archives)

    def piece(self, instant: Instant) -> Piece:
        """Return the place of an instant."""
        return piece_at(self.spans, instant, self._max_distance)

    def snapshot(self, n: int) -> OriginSnapshot:
        """Return the evidence that there was after a look; that of look -1 is empty."""
        if n not in self._snapshots:
            rows = rows_until(self._rows, self.looks, n) if n >= 0 else []
            self._snapshots[n] = self._snapshot_of(rows)
        return self._snapshots[n]

    def states(self) -> list[OriginSnapshot]:
        """Return a snapshot for each state of the evidence, in the order of their time."""
        return [self.snapshot(n) for n in sorted(set(self._alike))]

    def answers(
        self, piece: Piece, ask: Ask, purposes: Iterable[Purpose] = tuple(Purpose)
    ) -> tuple[AnswerAt, ...]:
        """Return the answers to a question in a piece, for purposes in their order.

        There must be a look.
        """
        asked = _Asked(self, ask)
        return tuple(_Question(self, asked, _PLACES[p], piece).answer() for p in purposes)

    def own(self, n: int) -> tuple[frozenset[Place], bool]:
        """Return what look `n` showed by itself: places, and whether it was all that counts."""
        if n not in self._own:
            look, snapshot = self.looks[n], self.snapshot(n)
            self._own[n] = fresh_places(look, snapshot), is_whole_look(look, snapshot)
        return self._own[n]

    def alike(self, n: int) -> int:
        """Return the look that stands for look `n` and those equal to it."""
        return self._alike[n] if n not in self._snapshots else n

    def source(self, looks: Collection[int]) -> str | None:
        """Return where looks are from."""
        found = {row.run in self._archives for n in looks for row in self.looks[n].rows}
        if not found:
            return None
        return "both" if len(found) > 1 else "archive" if found.pop() else "live"


class _Asked:
    """The verdicts of the looks of a time line on one question."""

    def __init__(self, line: Timeline, ask: Ask) -> None:
        self._line, self._ask = line, ask
        self._told: dict[int, tuple[Told, ...]] = {}

    def _at(self, n: int) -> tuple[Told, ...]:
        if n not in self._told:
            self._told[n] = self._ask(self._line.snapshot(n))
        return self._told[n]

    def exactly(self, purpose: int, n: int) -> Told:
        """Return what a look told, with its own times."""
        return self._at(n)[purpose]

    def alike(self, purpose: int, n: int) -> Told:
        """Return what a look told; its times may be those of an equal look."""
        return self._at(n if n in self._told else self._line.alike(n))[purpose]

    def is_shown(self, purpose: int, n: int) -> bool:
        """Return whether a look shows by itself what it told."""
        told = self.alike(purpose, n)
        fresh, is_whole = self._line.own(self._line.alike(n))
        return confirms(State(told.verdict.state), told.place, fresh, is_whole=is_whole)

    def known_before(self, purpose: int, count: int) -> int:
        """Return the last of the first looks that told anything, else -1."""
        for n in reversed(range(count)):
            if not self.alike(purpose, n).is_unknown:
                return n
        return -1

    def seen_at(self, purpose: int, n: int) -> str:
        """Return the time of a look, where what it told stands."""
        return self._line.looks[n].row_at(self.alike(purpose, n).place).observed_at


class _Question:
    """A question about one purpose in one piece."""

    def __init__(self, line: Timeline, asked: _Asked, purpose: int, piece: Piece) -> None:
        self._line, self._asked, self._purpose, self._piece = line, asked, purpose, piece

    def answer(self) -> AnswerAt:
        """Return the answer."""
        known = self._asked.known_before(self._purpose, self._piece.before)
        if known < 0:
            return self._only_later()
        earlier = self._asked.exactly(self._purpose, known)
        before = self._shown_before(known)
        others, after, is_confirmed = self._later(earlier)
        if others:
            basis = AsOfBasis.CHANGED_BETWEEN
            verdict = _weaker([earlier.verdict, *[told.verdict for told in others]])
        elif is_confirmed:
            basis, verdict = AsOfBasis.SEEN, earlier.verdict
        else:
            basis, verdict = self._before_only(earlier, before, after)
        if _is_free(verdict) and self._is_withheld(known, after):
            basis, verdict = AsOfBasis.UNKNOWN_AT_COLLECTION, _unknown(earlier.verdict, _ERASED)
        return self._with_looks(verdict, basis, known, before, after)

    def _is_withheld(self, known: int, after: int | None) -> bool:
        """Return whether a look between two others was erased: it may have shown a reservation."""
        behind = len(self._line.looks) if after is None else after
        unknown = (n for n in range(known + 1, behind) if self._told(n).is_unknown)
        return any(self._line.snapshot(self._line.alike(n)).is_withheld for n in unknown)

    def _only_later(self) -> AnswerAt:
        """Return that nothing was known; the look that showed anything first is after it."""
        before = self._piece.before
        if before:
            unknown = self._asked.exactly(self._purpose, before - 1).verdict
        else:
            unknown = _unknown(self._told(0).verdict, _LATER)
        looks = range(before, len(self._line.looks))
        after = next((n for n in looks if not self._told(n).is_unknown), None)
        return self._with_looks(unknown, AsOfBasis.UNKNOWN_AT_COLLECTION, -1, None, after)

    def _told(self, n: int) -> Told:
        return self._asked.alike(self._purpose, n)

    def _shown_before(self, known: int) -> int:
        """Return the last look before the piece that showed by itself what was known.

        The first look that told it showed it, whatever else it did.
        """
        told, shown = self._told(known), known
        for n in reversed(range(known + 1)):
            other = self._told(n)
            if other.is_unknown:
                continue
            if other.differs(told):
                break
            shown = n
            if self._asked.is_shown(self._purpose, n):
                break
        return shown

    def _later(self, earlier: Told) -> tuple[list[Told], int | None, bool]:
        """Return what else was told since, the first look that showed anything, and whether a look
        after the piece showed the same."""
        told: list[Told] = [earlier]
        after: int | None = None
        first = min(self._piece.before, self._piece.within)
        for n in range(first, len(self._line.looks)):
            found = self._told(n)
            is_other = not found.is_unknown and found.differs(told[-1])
            if is_other:
                told.append(found)
            elif found.is_unknown or not self._asked.is_shown(self._purpose, n):
                continue
            after = n if after is None else after
            if n >= self._piece.within:
                return told[1:], after, not is_other
        return told[1:], after, False

    def _before_only(
        self, earlier: Told, before: int, within: int | None
    ) -> tuple[AsOfBasis, Verdict]:
        """Return basis and verdict where no look after the piece showed anything.

        `within` is a look in the day that is meant, which showed the same: none is nearer.
        """
        # A reservation outlives looks that fail, freedom does not.
        last = max(self._piece.before, self._piece.within) - 1
        newest = self._asked.exactly(self._purpose, last)
        if newest.is_unknown:
            return AsOfBasis.UNKNOWN_AT_COLLECTION, newest.verdict
        if within is None and before < self._piece.expired:
            return AsOfBasis.UNKNOWN_AT_COLLECTION, _unknown(earlier.verdict, _TOO_OLD)
        return AsOfBasis.BEFORE_ONLY, earlier.verdict

    def _with_looks(
        self,
        verdict: Verdict,
        basis: AsOfBasis,
        known: int,
        before: int | None,
        after: int | None,
    ) -> AnswerAt:
        def seen(n: int | None) -> tuple[str | None, str | None]:
            if n is None:
                return None, None
            return self._asked.seen_at(self._purpose, n), self._told(n).verdict.state

        looks = [n for n in (before, after) if n is not None]
        source = self._line.source(looks)
        made = AsOfVerdict(verdict, basis.value, *seen(before), *seen(after), source)
        return AnswerAt(made, known, -1 if after is None else after)


def _weaker(verdicts: list[Verdict]) -> Verdict:
    """Return what holds whichever of different verdicts held at a time; the earliest comes first.

    Where all reserve it is the earliest. Else the state is unknown, and `reserved` is what all of
    them say, if they agree.
    """
    first, last = verdicts[0], verdicts[-1]
    said = {verdict.reserved for verdict in verdicts}
    if said == {True} or len({verdict.state for verdict in verdicts}) == 1:
        return first if len(said) == 1 else first._replace(reserved=None)
    unknown = _unknown(first, f"changed between looks: {first.state} before, {last.state} after")
    return unknown._replace(reserved=said.pop() if len(said) == 1 else None)


def _unknown(verdict: Verdict, reason: str) -> Verdict:
    return Verdict(State.UNKNOWN.value, None, verdict.purpose, reason, None, None, verdict.rules)


def without_looks(verdict: Verdict, basis: AsOfBasis) -> AsOfVerdict:
    """Return the answer where there is no time or no look to answer from."""
    return AsOfVerdict(verdict, basis.value)
