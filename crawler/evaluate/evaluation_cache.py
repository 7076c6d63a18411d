"""What is concluded about an origin, worked out once for all origins that show alike evidence.

Hosts of a crawl are mostly alike: nothing at any planned place, or the files that a system
puts there. A conclusion does not depend on host, time or number of an observation, so it is
kept with positions in place of these, and each origin puts in its own.
"""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from crawler.caches import BoundedCache, IdentityCache
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.evaluator import evaluate_rule_sets
from crawler.evaluate.records import ApplicableStatement, Finding, ResourceEvidence
from crawler.evaluate.url_verdicts import Verdict, default_and_page_verdicts, verdicts_for_path
from crawler.model import Question, Reading
from crawler.protocols.interface import Protocol
from crawler.protocols.url_patterns import shapes_of
from crawler.rulesets import RuleSet
from crawler.vocab import ANCESTORS, Presence, Purpose, Resource, State

#: In place of the position of a sight: the youngest of them.
NEWEST = -1
_CACHED, _READINGS = 2048, 1024
_STRENGTH = {state: n for n, state in enumerate(State)}


class StatementRef(NamedTuple):
    """A statement by the position of its sight and of the reading there; `n` or `candidate` is
    its number in the reading.
    """

    evidence: int
    reading: int
    n: int | None
    candidate: int | None


class CachedFinding(NamedTuple):
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
    by: StatementRef | None


class CachedVerdict(NamedTuple):
    """A verdict and what it is for. The evidence at `dated` gives its time: a sight, `LAST_LOOK`,
    or None where it has none.
    """

    what: str
    verdict: Verdict
    dated: int | None


class Evaluation(NamedTuple):
    """All that is concluded about an origin; it holds for every origin with like evidence."""

    findings: tuple[CachedFinding, ...]
    disagreements: tuple[tuple[Purpose, StatementRef, StatementRef], ...]
    told: tuple[CachedVerdict, ...]


class EvaluationCache:
    """Opinions under some rule sets; the verdicts are those of the one that is `chosen`, for an
    `agent` or everybody.

    Alike evidence is known by its readings being the same objects, which `store.dossier` sees to.
    """

    def __init__(
        self, rule_sets: tuple[RuleSet, ...], chosen: RuleSet, agent: str | None = None
    ) -> None:
        self._rule_sets, self._chosen, self._agent = rule_sets, chosen, agent
        self._known: BoundedCache[tuple[object, ...], Evaluation] = BoundedCache(_CACHED)
        self._told: BoundedCache[tuple[object, ...], tuple[CachedVerdict, ...]] = BoundedCache(
            _CACHED
        )
        self._numbers: IdentityCache[Reading, int] = IdentityCache(_READINGS)
        self._next = count(1)

    def of(self, resources: tuple[ResourceEvidence, ...]) -> Evaluation:
        """The opinion on an origin."""
        key = self._alike(resources)
        known = self._known.get(key)
        if known is not None:
            return known
        found = self._form(resources)
        return self._known.keep(key, found) if _is_shareable(resources, found.told) else found

    def at(
        self, resources: tuple[ResourceEvidence, ...], path: str, what: str
    ) -> tuple[CachedVerdict, ...]:
        """The verdicts on a path of an origin, and on all of which `what` is true."""
        key = (what, *self._alike(resources))
        known = self._told.get(key)
        if known is not None:
            return known
        placed = _with_positions(resources)
        verdicts = verdicts_for_path(placed, path, self._chosen, self._agent, str(NEWEST))
        found = tuple(
            CachedVerdict(what, verdict, _dated(verdict.observed_at)) for verdict in verdicts
        )
        return self._told.keep(key, found) if _is_shareable(resources, found) else found

    def _alike(self, resources: tuple[ResourceEvidence, ...]) -> tuple[object, ...]:
        """What origins with like evidence have in common."""
        return tuple([self._likeness(evidence) for evidence in resources])

    def _likeness(self, evidence: ResourceEvidence) -> tuple[object, ...]:
        """What an opinion depends on. Documents that say nothing are alike, whatever they are."""
        applicable = [
            (n, number)
            for n, (protocol, _, reading) in enumerate(evidence.readings)
            if (number := self._number(protocol, reading)) or reading.presence is Presence.UNSEEN
        ]
        return (evidence.resource, evidence.path, evidence.presence, *applicable)

    def _number(self, protocol: Protocol, reading: Reading) -> int:
        """A number that only this reading has, 0 for all that say nothing."""
        known = self._numbers.get(reading)
        if known is None:
            number = next(self._next) if _affects_answers(protocol, reading) else 0
            known = self._numbers.keep(reading, number)
        return known

    def _form(self, resources: tuple[ResourceEvidence, ...]) -> Evaluation:
        resources = _with_positions(resources)
        collected, found = evaluate_rule_sets(resources, Question(), self._rule_sets)
        return Evaluation(
            tuple(c for findings in found for c in _cached_findings(findings)),
            tuple(_conflict_refs(collected.applicable)),
            tuple(
                CachedVerdict(what, verdict, _dated(verdict.observed_at))
                for what, verdicts in default_and_page_verdicts(
                    resources, self._chosen, self._agent, str(NEWEST)
                )
                for verdict in verdicts
            ),
        )


def observation_times(
    resources: tuple[ResourceEvidence, ...], newest_observed_at: str
) -> dict[int | None, str | None]:
    """The times that `Told.dated` stands for."""
    times: dict[int | None, str | None] = {None: None, NEWEST: newest_observed_at}
    times.update((n, evidence.observed_at) for n, evidence in enumerate(resources))
    return times


def _affects_answers(protocol: Protocol, reading: Reading) -> bool:
    """Whether anything of a document can bear on a state, or tells URLs apart."""
    if reading.statements or reading.candidates:
        return True
    return reading.rules is not None and bool(shapes_of(protocol.NAME, reading))


def _is_shareable(
    resources: tuple[ResourceEvidence, ...], found: tuple[CachedVerdict, ...]
) -> bool:
    """Whether no URL of the origin went into it: by the policy named, or a licence's audience."""
    return all(told.verdict.policy_url is None for told in found) and all(
        evidence.resource is not Resource.RSL_LICENSE for evidence in resources
    )


def _with_positions(resources: tuple[ResourceEvidence, ...]) -> tuple[ResourceEvidence, ...]:
    """Sights with positions in place of times, observations and keys."""
    return tuple(
        evidence._replace(
            observation=n,
            observed_at=str(n),
            readings=tuple(
                (p, str(at), reading) for at, (p, _, reading) in enumerate(evidence.readings)
            ),
        )
        for n, evidence in enumerate(resources)
    )


def _statement_ref(applicable: ApplicableStatement) -> StatementRef:
    number, candidate = applicable.statement.n, applicable.candidate
    at = applicable.evidence.observation, int(applicable.reading)
    return StatementRef(*at, None, candidate) if candidate else StatementRef(*at, number, None)


def _dated(observed_at: str | None) -> int | None:
    return None if observed_at is None else int(observed_at)


def _cached_findings(findings: tuple[Finding, ...]) -> Iterator[CachedFinding]:
    strongest = min(findings, key=lambda f: _STRENGTH[f.state])
    for finding in findings:
        yield _cached_finding(finding, headline=finding is strongest)


def _cached_finding(f: Finding, *, headline: bool) -> CachedFinding:
    by = _statement_ref(f.by) if f.by else None
    return CachedFinding(
        f.rules, f.purpose, f.state, f.conflict, f.complete, headline, f.detail, by
    )


def _conflict_refs(
    applicable: tuple[ApplicableStatement, ...],
) -> Iterator[tuple[Purpose, StatementRef, StatementRef]]:
    """For each purpose the pairs of statements that disagree about it."""
    counted = [h for h in applicable if not h.excluded_because]
    for purpose in Purpose:
        concerned = (h for h in counted if h.statement.purpose in ANCESTORS[purpose])
        for reserving, permitting in find_conflicts(concerned):
            yield purpose, _statement_ref(reserving), _statement_ref(permitting)
