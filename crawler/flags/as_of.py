"""Verdicts for rows that were collected at a time in the past.

Each piece of the time line of an origin, in which all answers are equal (`evaluate.as_of.Piece`),
takes the place of an origin: SQL finds the piece of a row, and then goes on as for origins.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from crawler.errors import UserError
from crawler.evaluate.as_of import (
    Ask,
    AsOfVerdict,
    Timeline,
    Told,
    without_looks,
)
from crawler.evaluate.evaluation_cache import NEWEST, EvaluationCache, observation_times
from crawler.evaluate.history import place_of
from crawler.evaluate.pieces import Piece, monotonic, pieces_of, span_of
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.evaluate.url_verdicts import (
    MAX_PATTERNS,
    NEVER_ASKED,
    NO_ORIGIN,
    pages_with_own_statements,
    probe_path,
    strictest,
    unknown_verdict,
    url_patterns_of,
)
from crawler.instants import Instant
from crawler.model import Origin
from crawler.protocols.url_patterns import PathForms, UrlPattern, path_forms
from crawler.rulesets import RuleSet
from crawler.store import runs
from crawler.store.evidence_reader import clock_bounds, snapshot_reader
from crawler.store.looks import captured_repeatedly, times_of_runs
from crawler.store.queries import find_origin
from crawler.urls import canonical
from crawler.vocab import AsOfBasis, Purpose

NO_DATE = "no date"
_CACHED_LINES = 256
# The number of a piece: that of its origin, and three counts of looks, the second as its difference
# from the first, and 16. With one look a day there is room for decades.
_BITS, _BITS_WITHIN, _LESS = 14, 8, 16


class TooManyLooksError(UserError):
    """An origin was looked at more often than there are numbers for."""


class AsOfOptions(NamedTuple):
    """Options of flags by time: `max_distance` is in milliseconds, None for any."""

    max_distance: int | None = None


class OriginAnswers(NamedTuple):
    """The answers in one piece that depend on no pattern, and the patterns of all others.

    `default`, `host` and `pages` are as in `reference.PatternlessVerdicts`.
    """

    default: AsOfVerdict | None
    host: AsOfVerdict | None
    pages: dict[str, AsOfVerdict]
    patterns: tuple[UrlPattern, ...]


class _State(NamedTuple):
    """Patterns and pages that answers from one snapshot depend on; `told` are those made so far."""

    patterns: tuple[UrlPattern, ...]
    pages: frozenset[str]
    told: dict[str, tuple[Told, ...]]


def number_of(origin: int, piece: Piece) -> int:
    """Return the number of a piece of the time line of an origin. Raise `TooManyLooksError`."""
    within = piece.within - piece.before + _LESS
    if max(piece.before, piece.expired) >> _BITS or not 0 <= within < 1 << _BITS_WITHIN:
        raise TooManyLooksError(
            f"an origin was looked at {piece.before:,} times, or {within - _LESS:,} times in a "
            "day, which is more than flags by date can tell apart; flag without dates"
        )
    return (((origin << _BITS | piece.before) << _BITS_WITHIN | within) << _BITS) | piece.expired


def piece_of(number: int) -> tuple[int, Piece]:
    """Return the origin and the piece with a number."""
    number, expired = number >> _BITS, number & (1 << _BITS) - 1
    number, within = number >> _BITS_WITHIN, number & (1 << _BITS_WITHIN) - 1
    origin, before = number >> _BITS, number & (1 << _BITS) - 1
    return origin, Piece(before, before + within - _LESS, expired)


class AsOfEvaluator:
    """Evaluates URLs, and pieces of the time lines of origins; see `ReferenceEvaluator`.

    Wherever that takes the number of an origin, this takes that of a piece.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        rules: RuleSet,
        purposes: Sequence[Purpose],
        agent: str | None,
        options: AsOfOptions,
    ) -> None:
        self._db, self._options = db, options
        self.rules, self.purposes, self.agent = rules, tuple(purposes), agent
        self._evaluations = EvaluationCache((), rules, agent, with_effects=True)
        self._reader, self._archives = snapshot_reader(db), runs.archives(db)
        self._line = lru_cache(maxsize=_CACHED_LINES)(self._new_line)
        self._states: dict[int, tuple[OriginSnapshot, _State]] = {}

    def _new_line(self, origin: int) -> Timeline:
        rows = self._reader.rows_of(origin)
        snapshot_of = self._reader.snapshot_of
        return Timeline(rows, snapshot_of, self._options.max_distance, self._archives)

    def verdict(self, url: str | None, instant: Instant | None) -> AsOfVerdict:
        """Return the verdict for the text of a URL column at a time, the one of `explain`.

        None is no time.
        """
        origin = canonical.origin_of(url)
        if not isinstance(origin, Origin):
            return self._undated(self.unknown(f"{NO_ORIGIN}{origin}"), instant)
        if instant is None:
            return self._undated(self.never_asked(), instant)
        known = find_origin(self._db, canonical.origin_key(origin))
        line = self._line(known[0]) if known else None
        if known is None or line is None or not line.looks:
            return self.never_asked()
        path = None if canonical.names_whole_origin(url) else canonical.path_of(url)
        return self.verdict_for_path(number_of(known[0], line.piece(instant)), path)

    def _undated(self, verdict: AsOfVerdict, instant: Instant | None) -> AsOfVerdict:
        return verdict if instant is not None else self.without_date(verdict)

    def verdict_for_path(self, number: int, path: str | None) -> AsOfVerdict:
        """Return the verdict for one path in a piece; None is the whole origin."""
        origin, piece = piece_of(number)
        return self._answer(self._line(origin), piece, self._ask(path))

    def verdict_for_pattern_set(self, number: int, path: str, pattern_set: str) -> AsOfVerdict:
        """Return the verdict for all paths in a piece that match the same patterns as `path`."""
        del pattern_set  # each snapshot has patterns of its own
        return self.verdict_for_path(number, path)

    def answers_in(self, number: int) -> OriginAnswers:
        """Return the answers in a piece that depend on no pattern, and its patterns."""
        origin, _ = piece_of(number)
        line = self._line(origin)
        states = [self._state(snapshot) for snapshot in line.states()]
        patterns = tuple(sorted({pattern for state in states for pattern in state.patterns}))
        resources = tuple(r for snapshot in line.states() for r in snapshot.resources)
        probe = probe_path(resources, patterns) if len(patterns) <= MAX_PATTERNS else None
        host = self.verdict_for_path(number, None)
        default = None if probe is None else self.verdict_for_path(number, probe)
        pages = {
            path: self.verdict_for_path(number, path)
            for path in sorted(frozenset().union(*[state.pages for state in states]))
        }
        pages = {
            path: verdict
            for path, verdict in pages.items()
            if verdict != default or _matches_any(patterns, path)
        }
        return OriginAnswers(default, None if host == default else host, pages, patterns)

    def _answer(self, line: Timeline, piece: Piece, ask: Ask) -> AsOfVerdict:
        return strictest(a.verdict for a in line.answers(piece, ask, self.purposes))

    def _ask(self, path: str | None) -> Ask:
        forms = None if path is None else path_forms(path)

        def told(snapshot: OriginSnapshot) -> tuple[Told, ...]:
            state = self._state(snapshot)
            key = _key(state, path, forms)
            if key not in state.told:
                found = self._told(snapshot, path, key)
                if not key.startswith("/"):
                    state.told[key] = found
                return found
            return state.told[key]

        return told

    def _told(self, snapshot: OriginSnapshot, path: str | None, key: str) -> tuple[Told, ...]:
        resources = snapshot.resources
        times = observation_times(resources, snapshot.newest_observed_at)
        return tuple(
            Told(
                each.verdict._replace(
                    observed_at=times[each.time_source], last_looked_at=snapshot.last_looked_at
                ),
                each.effect,
                None
                if each.time_source in (None, NEWEST)
                else place_of(snapshot, resources[each.time_source]),
            )
            for each in self._evaluations.verdicts_at(resources, path, key)
        )

    def _state(self, snapshot: OriginSnapshot) -> _State:
        # The snapshot is stored with its state: while it lives, its `id` belongs to no other.
        found = self._states.get(id(snapshot))
        if found is None:
            if len(self._states) >= _CACHED_LINES:
                self._states.clear()
            patterns = url_patterns_of(snapshot.resources)
            pages = frozenset(pages_with_own_statements(snapshot.resources))
            found = self._states[id(snapshot)] = snapshot, _State(patterns, pages, {})
        return found[1]

    def unknown(self, reason: str) -> AsOfVerdict:
        """Return the verdict `unknown` for a reason, where there is no look."""
        verdict = unknown_verdict(reason, self.purposes[0], self.rules)
        return without_looks(verdict, AsOfBasis.NEVER_ASKED)

    def never_asked(self) -> AsOfVerdict:
        """Return the verdict for an origin without evidence."""
        return self.unknown(NEVER_ASKED)

    def without_date(self, verdict: AsOfVerdict) -> AsOfVerdict:
        """Return the verdict of a row without a time; one without a URL keeps that reason."""
        if (verdict.basis or "").startswith(NO_ORIGIN):
            return without_looks(verdict.verdict, AsOfBasis.NO_DATE)
        verdict = self.unknown(NO_DATE)
        return without_looks(verdict.verdict, AsOfBasis.NO_DATE)

    def pieces(self, *, days: bool) -> Iterator[tuple[str, int, int]]:
        """Yield key, number of a piece and its first millisecond, of all origins with looks."""
        bounds = clock_bounds(self._db)
        repeatedly = captured_repeatedly(self._db)
        rows = times_of_runs(self._db)
        for (key, origin), found in groupby(rows, key=itemgetter(0, 1)):
            by_time = sorted(
                (min(end, bounds.get(run, "~")), run, begin, end) for _, _, run, begin, end in found
            )
            spans = monotonic(
                [span_of(b, e, in_archive=run in self._archives) for _, run, b, e in by_time]
            )
            if origin in repeatedly:
                spans = self._line(origin).spans
            for since, piece in pieces_of(spans, self._options.max_distance, days=days):
                yield key, number_of(origin, piece), since


def _key(state: _State, path: str | None, forms: PathForms | None) -> str:
    """Return a text that is equal for paths with equal answers from a snapshot."""
    if path is None or forms is None:
        return "@"
    if path in state.pages or len(state.patterns) > MAX_PATTERNS:
        return path
    return "#" + ",".join(str(n) for n, p in enumerate(state.patterns) if p.matches(forms))


def _matches_any(patterns: Sequence[UrlPattern], path: str) -> bool:
    forms = path_forms(path)
    return any(pattern.matches(forms) for pattern in patterns)
