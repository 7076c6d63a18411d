"""The judge asked about single URLs: the definition of every verdict, and of what is not known."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

from crawler.evaluate.evaluation_cache import CachedVerdict, EvaluationCache, observation_times
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.evaluate.url_verdicts import (
    DEFAULT,
    PAGE,
    Verdict,
    strictest,
    unknown_verdict,
    verdicts_for_path,
)
from crawler.rulesets import RuleSet
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import find_origin
from crawler.urls import canonical
from crawler.vocab import Purpose, Reject

_OPEN = 256
# What a flagging leaves to the next; far more origins have nothing to be worked out.
_NOTED = 200_000


class ReferenceEvaluator:
    """Judges URLs of a database for some purposes, under one rule set, for everybody or one agent.

    `worked_out` is what was not in the database before, by origin: what it is for, and verdicts.
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
        self._dossier = lru_cache(maxsize=_OPEN)(snapshot_reader(db).open)
        self._evaluations = EvaluationCache((), rules, agent)
        self.new_verdicts: list[tuple[int, str, tuple[Verdict, ...]]] = []

    def verdict(self, url: str | None) -> Verdict:
        """The verdict for a URL as it stands in a dataset; garbage is `unknown`, never an error."""
        origin = canonical.origin_of(url)
        if isinstance(origin, Reject):
            return self.unknown(f"no origin: {origin}")
        known = find_origin(self._db, canonical.origin_key(origin))
        if known is None or not self._dossier(known[0]).resources:
            return self.never_asked()
        return self.judged(known[0], canonical.path_of(url))

    def judged(self, origin: int, path: str, what: str | None = None) -> Verdict:
        """The verdict on a path of an origin, and on all of which `what` is true."""
        snapshot = self._dossier(origin)
        if what is None:
            found = verdicts_for_path(
                snapshot.resources, path, self.rules, self.agent, snapshot.newest_observed_at
            )
        else:
            found = _dated(self._evaluations.at(snapshot.resources, path, what), snapshot)
            self._note(origin, what, found)
        return self.of(found)

    def outlook(self, origin: int) -> tuple[Verdict | None, dict[str, Verdict]]:
        """The usual verdict of an origin, if there is one, and those of pages, by path."""
        snapshot = self._dossier(origin)
        told = groupby(self._evaluations.of(snapshot.resources).told, key=attrgetter("what"))
        found = {what: _dated(each, snapshot) for what, each in told}
        for what, verdicts in found.items():
            self._note(origin, what, verdicts)
        usual = found.pop(DEFAULT, None)
        pages = {what.removeprefix(PAGE): self.of(own) for what, own in found.items()}
        return (self.of(usual) if usual else None), pages

    def _note(self, origin: int, what: str, found: tuple[Verdict, ...]) -> None:
        if len(self.new_verdicts) < _NOTED:
            self.new_verdicts.append((origin, what, found))

    def of(self, found: Sequence[Verdict]) -> Verdict:
        """Of verdicts for every purpose, the strongest for one of those asked about."""
        if len(found) == 1:
            return found[0]
        by_purpose = {verdict.purpose: verdict for verdict in found}
        return strictest(by_purpose[purpose] for purpose in self.purposes)

    def unknown(self, reason: str) -> Verdict:
        """The verdict where there is nothing to judge by."""
        return unknown_verdict(reason, self.purposes[0], self.rules)

    def never_asked(self) -> Verdict:
        """The verdict on an origin of which there is no evidence."""
        return self.unknown("origin never asked")


def _dated(told: Iterable[CachedVerdict], snapshot: OriginSnapshot) -> tuple[Verdict, ...]:
    """Verdicts with the times of the origin's own evidence."""
    times = observation_times(snapshot.resources, snapshot.newest_observed_at)
    return tuple(each.verdict._replace(observed_at=times[each.dated]) for each in told)
