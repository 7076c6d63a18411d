"""What is concluded about an origin, worked out once for all origins that show alike evidence.

Hosts of a crawl are mostly alike: nothing at any planned place, or the files that a system
puts there. A conclusion does not depend on host, time or number of an observation, so it is
kept with positions in place of these, and each origin puts in its own.
"""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from crawler.caches import Recent, Same
from crawler.evaluate.conflicts import disagreements
from crawler.evaluate.evaluator import judge_each
from crawler.evaluate.records import Finding, Heard, Sight
from crawler.evaluate.url_verdicts import Verdict, outlook, verdicts_at
from crawler.model import Question, Reading
from crawler.protocols.interface import Protocol
from crawler.protocols.url_patterns import shapes_of
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, Presence, Purpose, Resource, State

#: In place of the position of a sight: the youngest of them.
LAST_LOOK = -1
_CACHED, _READINGS = 2048, 1024
_STRENGTH = {state: n for n, state in enumerate(State)}


class Place(NamedTuple):
    """A statement by the position of its sight and of the reading there; `n` or `candidate` is
    its number in the reading.
    """

    sight: int
    reading: int
    n: int | None
    candidate: int | None


class Concluded(NamedTuple):
    """A finding: its rule set, what it says, and what decided. `headline` marks the strongest of
    a rule set, the first if several.
    """

    rules: str
    purpose: Purpose
    state: State
    conflict: bool
    complete: bool
    headline: bool
    detail: str
    by: Place | None


class Told(NamedTuple):
    """A verdict and what it is for. The evidence at `dated` gives its time: a sight, `LAST_LOOK`,
    or None where it has none.
    """

    what: str
    verdict: Verdict
    dated: int | None


class Opinion(NamedTuple):
    """All that is concluded about an origin; it holds for every origin with like evidence."""

    findings: tuple[Concluded, ...]
    disagreements: tuple[tuple[Purpose, Place, Place], ...]
    told: tuple[Told, ...]


class Opinions:
    """Opinions under some rule sets; the verdicts are those of the one that is `chosen`, for an
    `agent` or everybody.

    Alike evidence is known by its readings being the same objects, which `store.dossier` sees to.
    """

    def __init__(
        self, rule_sets: tuple[RuleSet, ...], chosen: RuleSet, agent: str | None = None
    ) -> None:
        self._rule_sets, self._chosen, self._agent = rule_sets, chosen, agent
        self._known: Recent[tuple[object, ...], Opinion] = Recent(_CACHED)
        self._told: Recent[tuple[object, ...], tuple[Told, ...]] = Recent(_CACHED)
        self._numbers: Same[Reading, int] = Same(_READINGS)
        self._next = count(1)

    def of(self, sights: tuple[Sight, ...]) -> Opinion:
        """The opinion on an origin."""
        likeness = self._alike(sights)
        known = self._known.get(likeness)
        if known is not None:
            return known
        found = self._form(sights)
        return self._known.keep(likeness, found) if _is_common(sights, found.told) else found

    def at(self, sights: tuple[Sight, ...], path: str, what: str) -> tuple[Told, ...]:
        """The verdicts on a path of an origin, and on all of which `what` is true."""
        likeness = (what, *self._alike(sights))
        known = self._told.get(likeness)
        if known is not None:
            return known
        placed = _positioned(sights)
        verdicts = verdicts_at(placed, path, self._chosen, self._agent, str(LAST_LOOK))
        found = tuple(Told(what, verdict, _dated(verdict.observed_at)) for verdict in verdicts)
        return self._told.keep(likeness, found) if _is_common(sights, found) else found

    def _alike(self, sights: tuple[Sight, ...]) -> tuple[object, ...]:
        """What origins with like evidence have in common."""
        return tuple([self._likeness(sight) for sight in sights])

    def _likeness(self, sight: Sight) -> tuple[object, ...]:
        """What an opinion depends on. Documents that say nothing are alike, whatever they are."""
        heard = [
            (n, number)
            for n, (protocol, _, reading) in enumerate(sight.readings)
            if (number := self._number(protocol, reading)) or reading.presence is Presence.UNSEEN
        ]
        return (sight.resource, sight.path, sight.presence, *heard)

    def _number(self, protocol: Protocol, reading: Reading) -> int:
        """A number that only this reading has, 0 for all that say nothing."""
        known = self._numbers.get(reading)
        if known is None:
            number = next(self._next) if _says(protocol, reading) else 0
            known = self._numbers.keep(reading, number)
        return known

    def _form(self, sights: tuple[Sight, ...]) -> Opinion:
        sights = _positioned(sights)
        hearing, found = judge_each(sights, Question(), self._rule_sets)
        return Opinion(
            tuple(c for findings in found for c in _concluded(findings)),
            tuple(_disagreements(hearing.heard)),
            tuple(
                Told(what, verdict, _dated(verdict.observed_at))
                for what, verdicts in outlook(sights, self._chosen, self._agent, str(LAST_LOOK))
                for verdict in verdicts
            ),
        )


def times_of(sights: tuple[Sight, ...], last_look: str) -> dict[int | None, str | None]:
    """The times that `Told.dated` stands for."""
    times: dict[int | None, str | None] = {None: None, LAST_LOOK: last_look}
    times.update((n, sight.observed_at) for n, sight in enumerate(sights))
    return times


def _says(protocol: Protocol, reading: Reading) -> bool:
    """Whether anything of a document can bear on a state, or tells URLs apart."""
    if reading.statements or reading.candidates:
        return True
    return reading.rules is not None and bool(shapes_of(protocol.NAME, reading))


def _is_common(sights: tuple[Sight, ...], found: tuple[Told, ...]) -> bool:
    """Whether no URL of the origin went into it: by the policy named, or a licence's audience."""
    return all(told.verdict.policy_url is None for told in found) and all(
        sight.resource is not Resource.RSL_LICENSE for sight in sights
    )


def _positioned(sights: tuple[Sight, ...]) -> tuple[Sight, ...]:
    """Sights with positions in place of times, observations and keys."""
    return tuple(
        sight._replace(
            observation=n,
            observed_at=str(n),
            readings=tuple(
                (p, str(at), reading) for at, (p, _, reading) in enumerate(sight.readings)
            ),
        )
        for n, sight in enumerate(sights)
    )


def _place(heard: Heard) -> Place:
    number, candidate = heard.statement.n, heard.candidate
    at = heard.sight.observation, int(heard.reading)
    return Place(*at, None, candidate) if candidate else Place(*at, number, None)


def _dated(observed_at: str | None) -> int | None:
    return None if observed_at is None else int(observed_at)


def _concluded(findings: tuple[Finding, ...]) -> Iterator[Concluded]:
    strongest = min(findings, key=lambda f: _STRENGTH[f.state])
    for finding in findings:
        yield _conclusion(finding, headline=finding is strongest)


def _conclusion(f: Finding, *, headline: bool) -> Concluded:
    by = _place(f.by) if f.by else None
    return Concluded(f.rules, f.purpose, f.state, f.conflict, f.complete, headline, f.detail, by)


def _disagreements(heard: tuple[Heard, ...]) -> Iterator[tuple[Purpose, Place, Place]]:
    """For each purpose the pairs of statements that disagree about it."""
    counted = [h for h in heard if not h.fate]
    for purpose in Purpose:
        concerned = (h for h in counted if h.statement.purpose in ANCESTORS[purpose])
        for reserving, permitting in disagreements(concerned):
            yield purpose, _place(reserving), _place(permitting)
