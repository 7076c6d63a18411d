"""Reference evaluator: the verdict for one URL, which the verdicts from SQL must equal."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from crawler.evaluate.evaluation_cache import CachedVerdict, EvaluationCache
from crawler.evaluate.records import ResourceEvidence
from crawler.evaluate.snapshot import SnapshotReader
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
from crawler.flags.shared_verdicts import SharedVerdicts
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

    `agent` is a product token; None evaluates for every agent. `reader` reads the evidence, by
    default that of the database. `has_new` tells whether anything was evaluated that the database
    did not hold. `new_verdicts` collects it, at most 200,000 entries, if it `keeps_new`: the
    origin, what the verdicts are for (`DEFAULT`, `ORIGIN`, `PAGE` and a path, or a pattern set),
    and a verdict for each purpose asked about. `shared` are the verdicts that origins with equal
    evidence share.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        rules: RuleSet,
        purposes: Sequence[Purpose],
        agent: str | None = None,
        reader: SnapshotReader | None = None,
        *,
        keeps_new: bool = True,
    ) -> None:
        self._db, self._keeps_new = db, keeps_new
        self.rules, self.purposes, self.agent = rules, tuple(purposes), agent
        self._snapshot = lru_cache(maxsize=_CACHED_SNAPSHOTS)((reader or snapshot_reader(db)).load)
        self._evaluations = EvaluationCache((), rules, agent, purposes=self.purposes)
        self.shared = SharedVerdicts(db, self._snapshot)
        self.has_new = False
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
        newest = snapshot.newest_observed_at
        verdicts = verdicts_for_path(
            snapshot.resources, path, self.rules, self.agent, newest, self.purposes
        )
        last = snapshot.last_looked_at
        return self.combine([verdict._replace(last_looked_at=last) for verdict in verdicts])

    def read_ahead(self, origins: Iterable[int]) -> None:
        """Read what is stored of the evidence of the origins that are evaluated next.

        Their evidence is then loaded only where no equal evidence was evaluated. There may be
        `duck.BATCH_ROWS` of them.
        """
        self.shared.read_ahead(origins)

    def verdict_for_pattern_set(self, origin: int, path: str, pattern_set: str) -> Verdict:
        """Return the verdict for all paths of an origin that match the same patterns as `path`."""
        # A page that was requested is evaluated for itself.
        name = PAGE + path if self.shared.has_page(origin, path) else pattern_set
        found = self.shared.verdicts(
            origin, name, lambda resources: self._evaluations.verdicts_at(resources, path, name)
        )
        verdicts = tuple([verdict for _, verdict in found])
        self._record([(origin, pattern_set, verdicts)])
        return self.combine(verdicts)

    def verdicts_of_origin(self, origin: int) -> PatternlessVerdicts:
        """Return the verdicts on an origin that depend on no pattern."""
        found = self.shared.verdicts(origin, None, self._patternless_verdicts)
        by_pattern_set = {
            pattern_set: tuple([verdict for _, verdict in each])
            for pattern_set, each in groupby(found, key=itemgetter(0))
        }
        self._record([(origin, name, verdicts) for name, verdicts in by_pattern_set.items()])
        combined = {name: self.combine(verdicts) for name, verdicts in by_pattern_set.items()}
        default, host = combined.pop(DEFAULT, None), combined.pop(ORIGIN, None)
        pages = {name.removeprefix(PAGE): verdict for name, verdict in combined.items()}
        return PatternlessVerdicts(default, host, pages)

    def _patternless_verdicts(self, resources: tuple[ResourceEvidence, ...]) -> list[CachedVerdict]:
        found = self._evaluations.evaluation_of(resources).verdicts
        return [each for each in found if each.verdict.purpose in self.purposes]

    def _record(self, new: Sequence[tuple[int, str, tuple[Verdict, ...]]]) -> None:
        """Collect verdicts all or none: who reads a default takes it that no other is missing."""
        self.has_new = True
        if self._keeps_new and len(self.new_verdicts) + len(new) <= _MAX_NEW_VERDICTS:
            self.new_verdicts += new

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
