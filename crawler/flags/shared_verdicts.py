"""Verdicts that origins with equal evidence share: one of them is evaluated for all.

Many hosts have equal files, such as those of one CMS. `judge` stores a key for each origin
(`evidence_key`), so that the evidence of one origin is loaded for each key; the others only put in
their own times.

Rules for editors: what a shared verdict says must follow from the key and the question alone.
Whatever else it depends on (a policy, which is a URL; the time of a response that the database has
no current answer for) is evaluated for each origin.
"""

import sqlite3
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from crawler import caches
from crawler.caches import BoundedCache
from crawler.evaluate.evaluation_cache import NEWEST, CachedVerdict, observation_times
from crawler.evaluate.evidence_key import evidence_key
from crawler.evaluate.records import ResourceEvidence
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.evaluate.url_verdicts import Verdict
from crawler.store.known_evidence import KnownEvidence, has_keys, known_evidence

_CACHED_REPRESENTATIVES = 4096
# Origins with more statements are loaded again, which bounds memory.
_FEW_STATEMENTS = 1000
# Origins of which the times are kept: some 70 MB.
_MAX_KNOWN = 65_536
# Evaluations that are kept for other processes.
_MAX_NEW = 10_000
# In place of a resource and path: the newest evidence.
_NEWEST = ("", "")

#: Answers a question for the evidence of an origin.
Evaluate = Callable[[tuple[ResourceEvidence, ...]], Iterable[CachedVerdict]]
#: Verdicts that another process shares: key, question, and for each verdict its parts, as JSON.
SharedEntry = tuple[str, str | None, list[tuple[str, list[Any], list[str] | None]]]
#: Verdicts, each with the pattern set that it is for.
Verdicts = list[tuple[str, Verdict]]


class _Shared(NamedTuple):
    """A verdict without its times. `place` tells whose time it has, None for no time."""

    pattern_set: str
    verdict: Verdict
    place: tuple[str, str] | None


class SharedVerdicts:
    """Verdicts of origins by question, evaluated once for all origins with equal evidence.

    `load` returns the snapshot of an origin by its number.
    """

    def __init__(self, db: sqlite3.Connection, load: Callable[[int], OriginSnapshot]) -> None:
        self._db, self._load, self._has_keys = db, load, has_keys(db)
        self._known: dict[int, KnownEvidence] = {}
        self._new: list[tuple[bytes, str | None, tuple[_Shared, ...]]] = []
        # Origins whose evidence is not what was judged, so far as it was opened.
        self._differing: set[int] = set()
        self._representatives: BoundedCache[bytes, OriginSnapshot] = BoundedCache(
            _CACHED_REPRESENTATIVES
        )
        # No verdicts where they are not shared.
        self._shared: BoundedCache[Hashable, tuple[_Shared, ...]] = BoundedCache(
            caches.SHARED_VERDICTS
        )

    def read_ahead(self, origins: Iterable[int]) -> None:
        """Read what is known of the evidence of some origins, which are evaluated next."""
        if not self._has_keys:
            return
        wanted = set(origins)
        if len(self._known) + len(wanted) > _MAX_KNOWN:
            self._known.clear()
        new = wanted - self._known.keys() - self._differing
        self._known |= known_evidence(self._db, new)

    def take_new(self) -> list[SharedEntry]:
        """Return what was evaluated since the last call, for `add` in another process."""
        taken, self._new = self._new, []
        return [
            (key.hex(), question, [(name, list(v), place and list(place)) for name, v, place in of])
            for key, question, of in taken
        ]

    def add(self, entries: Iterable[SharedEntry]) -> None:
        """Take over what another process evaluated from the same evidence."""
        for key, question, found in entries:
            shared = tuple(
                [
                    _Shared(name, Verdict(*facts), None if place is None else (place[0], place[1]))
                    for name, facts, place in found
                ]
            )
            self._shared.put((bytes.fromhex(key), question), shared)

    def has_page(self, origin: int, path: str) -> bool:
        """Return whether a page of an origin is known to have been requested."""
        known = self._known.get(origin)
        return known is not None and known.has_page(path)

    def verdicts(self, origin: int, question: str | None, evaluate: Evaluate) -> Verdicts:
        """Return the verdicts of an origin. `question` holds all that `evaluate` asks."""
        known = self._known.get(origin)
        shared = self._shared_verdicts(origin, known.key, question, evaluate) if known else ()
        if known is None or not shared:
            return _own_verdicts(self._load(origin), evaluate)
        times = known.times | {_NEWEST: known.newest_observed_at}
        last = known.looked_at
        return [(name, verdict.at(place and times[place], last)) for name, verdict, place in shared]

    def _shared_verdicts(
        self, origin: int, key: bytes, question: str | None, evaluate: Evaluate
    ) -> tuple[_Shared, ...]:
        """Return the verdicts of all origins with a key; none if each has its own."""
        shared = self._shared.get((key, question))
        if shared is None:
            snapshot = self._representative(key, origin)
            if snapshot is None:
                return ()
            shared = self._shared.put((key, question), _as_shared(snapshot, evaluate))
            if len(self._new) < _MAX_NEW:
                self._new.append((key, question, shared))
        return shared

    def _representative(self, key: bytes, origin: int) -> OriginSnapshot | None:
        """Return the snapshot of an origin with a key, that of `origin` if none is loaded.

        None if its evidence has another key by now, as that of a damaged database.
        """
        found = self._representatives.get(key)
        if found is None:
            found = self._load(origin)
            if evidence_key(found.resources) != key:
                self._differing.add(origin)
                del self._known[origin]
                return None
            if _count_statements(found) <= _FEW_STATEMENTS:
                self._representatives.put(key, found)
        return found


def _count_statements(snapshot: OriginSnapshot) -> int:
    readings = (r for e in snapshot.resources for _protocol, _key, r in e.readings)
    return sum(len(reading.statements) for reading in readings)


def _as_shared(snapshot: OriginSnapshot, evaluate: Evaluate) -> tuple[_Shared, ...]:
    """Return verdicts without times; none if one has a policy, or the time of another response."""
    shared = []
    for pattern_set, verdict, source, _ in evaluate(snapshot.resources):
        is_of_answer = source is None or source < len(snapshot.answers)
        if verdict.policy_url is not None or not is_of_answer:
            return ()
        shared.append(_Shared(pattern_set, verdict, _place_of(snapshot, source)))
    return tuple(shared)


def _place_of(snapshot: OriginSnapshot, source: int | None) -> tuple[str, str] | None:
    if source is None or source == NEWEST:
        return None if source is None else _NEWEST
    answer = snapshot.answers[source]
    return answer.resource.value, answer.path


def _own_verdicts(snapshot: OriginSnapshot, evaluate: Evaluate) -> Verdicts:
    times = observation_times(snapshot.resources, snapshot.newest_observed_at)
    last = snapshot.last_looked_at
    return [
        (each.pattern_set, each.verdict.at(times[each.time_source], last))
        for each in evaluate(snapshot.resources)
    ]
