"""Reference evaluator: the verdict for one URL, which the verdicts from SQL must equal."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from crawler.evaluate.evaluation_cache import CachedVerdict, EvaluationCache, observation_times
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.evaluate.url_verdicts import (
    DEFAULT,
    NEVER_ASKED,
    NO_ORIGIN,
    ORIGIN,
    PAGE,
    RowVerdict,
    Verdict,
    row_verdict,
    strictest,
    unknown_verdict,
    verdicts_for_path,
)
from crawler.rulesets import RuleSet
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import find_origin
from crawler.urls import canonical
from crawler.vocab import Purpose, Reject

_CACHED_SNAPSHOTS = 256
# Limit of `new_verdicts`, which are kept in memory until they are stored.
_MAX_NEW_VERDICTS = 200_000


class PatternlessVerdicts(NamedTuple):
    """The verdicts on an origin that depend on no pattern.

    `default` is that of paths that match no pattern, None if there is no such path. `host` is that
    of rows that name a host and no page, None if it is the default one. `pages` are those of pages
    with another one, by path.
    """

    default: Verdict | None
    host: Verdict | None
    pages: dict[str, Verdict]


class ReferenceEvaluator:
    """Evaluates URLs and origins of a database for some purposes, under one rule set.

    `agent` is a product token; None evaluates for every agent. `new_verdicts` collects what the
    database did not hold, at most 200,000 entries: the origin, what the verdicts are for
    (`DEFAULT`, `ORIGIN`, `PAGE` and a path, or a pattern set), and a verdict for each purpose.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        rules: RuleSet,
        purposes: Sequence[Purpose],
        agent: str | None = None,
    ) -> None:
        self._db = db
        self.rules, self.purposes, self.agent = rules, tuple(purposes), agent
        self._snapshot = lru_cache(maxsize=_CACHED_SNAPSHOTS)(snapshot_reader(db).load)
        self._evaluations = EvaluationCache((), rules, agent)
        self.new_verdicts: list[tuple[int, str, tuple[Verdict, ...]]] = []

    def verdict(self, url: str | None) -> Verdict:
        """Return the verdict for the text of a URL column, the one that `explain` gives.

        A text that names no origin is `unknown`; no text raises an error.
        """
        origin = canonical.origin_of(url)
        if isinstance(origin, Reject):
            return self.unknown(f"{NO_ORIGIN}{origin}")
        known = find_origin(self._db, canonical.origin_key(origin))
        if known is None or not self._snapshot(known[0]).resources:
            return self.never_asked()
        path = None if canonical.names_whole_origin(url) else canonical.path_of(url)
        return self.verdict_for_path(known[0], path)

    def row_verdict(self, urls: Iterable[tuple[str, str | None]]) -> RowVerdict:
        """Return the verdict for a row with several URLs, each with its role; None is no URL."""
        verdicts = [(role, self.verdict(url)) for role, url in urls if url is not None]
        return row_verdict(verdicts, self.verdict(None))

    def verdict_for_path(self, origin: int, path: str | None) -> Verdict:
        """Return the verdict for one path of an origin, evaluated without the cache.

        None is the whole origin.
        """
        snapshot = self._snapshot(origin)
        verdicts = verdicts_for_path(
            snapshot.resources, path, self.rules, self.agent, snapshot.newest_observed_at
        )
        return self.combine([_with_last_look(verdict, snapshot) for verdict in verdicts])

    def verdict_for_pattern_set(self, origin: int, path: str, pattern_set: str) -> Verdict:
        """Return the verdict for all paths of an origin that match the same patterns as `path`."""
        snapshot = self._snapshot(origin)
        cached = self._evaluations.verdicts_at(snapshot.resources, path, pattern_set)
        verdicts = _with_times(cached, snapshot)
        self._record(origin, pattern_set, verdicts)
        return self.combine(verdicts)

    def verdicts_of_origin(self, origin: int) -> PatternlessVerdicts:
        """Return the verdicts on an origin that depend on no pattern."""
        snapshot = self._snapshot(origin)
        cached = groupby(
            self._evaluations.evaluation_of(snapshot.resources).verdicts,
            key=attrgetter("pattern_set"),
        )
        by_pattern_set = {pattern_set: _with_times(each, snapshot) for pattern_set, each in cached}
        for pattern_set, verdicts in by_pattern_set.items():
            self._record(origin, pattern_set, verdicts)
        combined = {name: self.combine(verdicts) for name, verdicts in by_pattern_set.items()}
        default, host = combined.pop(DEFAULT, None), combined.pop(ORIGIN, None)
        pages = {name.removeprefix(PAGE): verdict for name, verdict in combined.items()}
        return PatternlessVerdicts(default, host, pages)

    def _record(self, origin: int, pattern_set: str, verdicts: tuple[Verdict, ...]) -> None:
        if len(self.new_verdicts) < _MAX_NEW_VERDICTS:
            self.new_verdicts.append((origin, pattern_set, verdicts))

    def combine(self, verdicts: Sequence[Verdict]) -> Verdict:
        """Return the strictest of the verdicts for the purposes asked about."""
        # A single one needs no look at its purpose: the database gives only those asked about.
        if len(verdicts) == 1:
            return verdicts[0]
        by_purpose = {verdict.purpose: verdict for verdict in verdicts}
        return strictest(by_purpose[purpose] for purpose in self.purposes)

    def unknown(self, reason: str) -> Verdict:
        """Return the verdict `unknown` for a reason, which becomes `tdm_basis`."""
        return unknown_verdict(reason, self.purposes[0], self.rules)

    def never_asked(self) -> Verdict:
        """Return the verdict for an origin without evidence."""
        return self.unknown(NEVER_ASKED)


def _with_times(cached: Iterable[CachedVerdict], snapshot: OriginSnapshot) -> tuple[Verdict, ...]:
    """Return cached verdicts with the times of this origin's evidence.

    The cache shares verdicts between origins with equal evidence, so it holds positions, no times.
    """
    times = observation_times(snapshot.resources, snapshot.newest_observed_at)
    return tuple(
        _with_last_look(each.verdict, snapshot)._replace(observed_at=times[each.time_source])
        for each in cached
    )


def _with_last_look(verdict: Verdict, snapshot: OriginSnapshot) -> Verdict:
    return verdict._replace(last_looked_at=snapshot.last_looked_at)
