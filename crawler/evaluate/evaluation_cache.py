"""Cache of evaluations: origins with equal evidence share one result.

Most hosts of a crawl have equal evidence: nothing at any planned URL, or the files that a
content management system puts there. An evaluation does not depend on the host, the time or the
key of an observation. So it is cached with positions in `resources` in place of these, and each
origin puts in its own (see `observation_times` and `StatementRef`).

Rules for editors: a cache key must hold everything that an evaluation depends on, as the stored
keys of evidence must (see `evidence_key`). Whoever adds an input to the evaluator adds it to both.
"""

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import NamedTuple

from crawler import caches
from crawler.caches import BoundedCache, IdentityCache
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.evaluator import concerns, evaluate_rule_sets
from crawler.evaluate.evidence_key import (
    UNREAD,
    affects_answers,
    evidence_key,
    failure_facts,
    is_shareable,
)
from crawler.evaluate.kinds import ApplicableStatements
from crawler.evaluate.records import (
    ApplicableStatement,
    Effect,
    Finding,
    PageShare,
    ResourceEvidence,
)
from crawler.evaluate.url_verdicts import (
    Verdict,
    default_and_page_verdicts,
    verdicts_for_path,
    verdicts_with_effects,
)
from crawler.model import Question, Reading
from crawler.protocols.interface import Protocol
from crawler.rulesets import RuleSet
from crawler.vocab import Purpose, State

# Conflicts of a purpose that are stored for an origin: pairs of pages may be any number.
_MAX_CONFLICTS = 10_000
#: In place of the position of a resource: the newest evidence of the origin.
NEWEST = -1


class StatementRef(NamedTuple):
    """A statement by position: of its resource in `resources`, and of its reading there.

    Its number in the reading is `n`, or `candidate` for a statement made from a candidate.
    """

    evidence: int
    reading: int
    n: int | None
    candidate: int | None


class CachedFinding(NamedTuple):
    """A finding without host and time.

    `rules` is the label of its rule set. `headline` marks the strongest finding of a rule set,
    the first if there are several. `deciding` is None for `silent` and `unknown`. The others are
    as in `Finding`.
    """

    rules: str
    purpose: Purpose
    state: State
    conflict: bool
    complete: bool
    headline: bool
    detail: str
    deciding: StatementRef | None
    exceptions: tuple[str, ...]
    malformed: bool
    stale: bool
    effect: Effect
    share: PageShare | None


class CachedVerdict(NamedTuple):
    """A verdict with the URLs that it is for, but without its time.

    `pattern_set` is `DEFAULT`, `PAGE` and a path, or a key of the caller (see `verdicts_at`).
    `time_source` is the position of the resource whose observation gives the time, `NEWEST`, or
    None for a verdict without a time. `effect` is that of its finding, where effects are asked for.
    """

    pattern_set: str
    verdict: Verdict
    time_source: int | None
    effect: Effect = ()


class Evaluation(NamedTuple):
    """The evaluation of an origin; it holds for every origin with equal evidence.

    `conflicts` holds purpose, reserving and permitting statement. `evidence_key` is that of the
    evidence, where verdicts were made.
    """

    findings: tuple[CachedFinding, ...]
    conflicts: tuple[tuple[Purpose, StatementRef, StatementRef], ...]
    verdicts: tuple[CachedVerdict, ...]
    evidence_key: bytes | None = None


class EvaluationCache:
    """Evaluations under some rule sets, for one agent or everybody.

    Verdicts are those of the rule set `chosen`. Evidence is equal if its readings are the same
    objects, which `snapshot.SnapshotReader` sees to for equal documents. `maxsize` limits the
    number of evaluations, and of sets of verdicts, that are kept. `with_effects`: `verdicts_at`
    also gives the effects; without them it gives verdicts for `purposes` alone.
    """

    def __init__(
        self,
        rule_sets: tuple[RuleSet, ...],
        chosen: RuleSet,
        agent: str | None = None,
        *,
        maxsize: int = caches.EVALUATIONS,
        with_effects: bool = False,
        purposes: tuple[Purpose, ...] = tuple(Purpose),
    ) -> None:
        self._rule_sets, self._chosen, self._agent = rule_sets, chosen, agent
        self._with_effects, self._purposes = with_effects, purposes
        is_among_them = agent is None and chosen in rule_sets
        self._position = rule_sets.index(chosen) if is_among_them else None
        self._evaluations: BoundedCache[tuple[object, ...], Evaluation] = BoundedCache(maxsize)
        self._path_verdicts: BoundedCache[tuple[object, ...], tuple[CachedVerdict, ...]] = (
            BoundedCache(min(maxsize, caches.PATH_VERDICTS))
        )
        self._reading_numbers: IdentityCache[Reading, int] = IdentityCache(caches.READING_NUMBERS)
        self._next_number = count(1)

    def evaluation_of(
        self, resources: tuple[ResourceEvidence, ...], *, with_verdicts: bool = True
    ) -> Evaluation:
        """Return the evaluation of an origin, from the cache where equal evidence was seen.

        One without verdicts takes much less time for an origin with many pages. It is not cached.
        """
        key = self._key(resources)
        cached = self._evaluations.get(key)
        if cached is not None:
            return cached
        if not with_verdicts:
            return self._evaluate(resources, with_verdicts=False)
        made = self._evaluate(resources)._replace(evidence_key=evidence_key(resources))
        is_shared = _is_shareable(resources, made.verdicts)
        return self._evaluations.put(key, made) if is_shared else made

    def verdicts_at(
        self, resources: tuple[ResourceEvidence, ...], path: str | None, pattern_set: str
    ) -> tuple[CachedVerdict, ...]:
        """Return the verdicts on a path of an origin, and on all paths of one pattern set.

        `path` None is the whole origin. `pattern_set` is a text of the caller's that is equal for
        paths that match the same patterns; it goes into the cache key in place of the path.
        """
        key = (pattern_set, *self._key(resources))
        cached = self._path_verdicts.get(key)
        if cached is not None:
            return cached
        made = tuple(
            _cached_verdict(pattern_set, verdict)._replace(effect=effect)
            for verdict, effect in self._verdicts(_with_positions(resources), path)
        )
        return self._path_verdicts.put(key, made) if _is_shareable(resources, made) else made

    def _verdicts(
        self, resources: tuple[ResourceEvidence, ...], path: str | None
    ) -> Iterator[tuple[Verdict, Effect]]:
        chosen, agent = self._chosen, self._agent
        if self._with_effects:
            yield from verdicts_with_effects(resources, path, chosen, agent, str(NEWEST))
        else:
            given = (resources, path, chosen, agent, str(NEWEST), self._purposes)
            for verdict in verdicts_for_path(*given):
                yield verdict, ()

    def _key(self, resources: tuple[ResourceEvidence, ...]) -> tuple[object, ...]:
        """Return the cache key: equal for origins with equal evidence."""
        return tuple([self._resource_key(evidence) for evidence in resources])

    def _resource_key(self, evidence: ResourceEvidence) -> tuple[object, ...]:
        """Return what an evaluation depends on in one resource.

        Readings that affect no answer are left out, so that files that say nothing are equal
        whatever their bytes are. An unseen or malformed reading must stay: it has the number 0 as
        well, but is no silence.
        """
        readings = [
            (n, number, reading.presence)
            for n, (protocol, _, reading) in enumerate(evidence.readings)
            if (number := self._number(protocol, reading)) or reading.presence in UNREAD
        ]
        facts = (evidence.resource, evidence.path, evidence.presence, evidence.is_final)
        return (*facts, failure_facts(evidence.last_failure), *readings)

    def _number(self, protocol: Protocol, reading: Reading) -> int:
        """Return a number of this reading alone, or 0 for all readings that affect no answer."""
        cached = self._reading_numbers.get(reading)
        if cached is not None:
            return cached
        # Numbers are never used again: an `id` could be, once its reading left the cache.
        number = next(self._next_number) if affects_answers(protocol, reading) else 0
        return self._reading_numbers.put(reading, number)

    def _evaluate(
        self, resources: tuple[ResourceEvidence, ...], *, with_verdicts: bool = True
    ) -> Evaluation:
        resources = _with_positions(resources)
        collected, findings = evaluate_rule_sets(resources, Question(), self._rule_sets)
        verdicts: Iterable[tuple[str, tuple[Verdict, ...]]] = ()
        if with_verdicts:
            # For everybody, the chosen rule set has been asked about the whole origin already.
            known = None if self._position is None else findings[self._position]
            verdicts = default_and_page_verdicts(
                resources, self._chosen, self._agent, str(NEWEST), known
            )
        return Evaluation(
            tuple(cached for of_rules in findings for cached in _cached_findings(of_rules)),
            tuple(_conflict_refs(collected)),
            tuple(
                _cached_verdict(pattern_set, verdict)
                for pattern_set, of_set in verdicts
                for verdict in of_set
            ),
        )


def observation_times(
    resources: tuple[ResourceEvidence, ...], newest_observed_at: str
) -> dict[int | None, str | None]:
    """Return the times that `CachedVerdict.time_source` stands for, for one origin."""
    times: dict[int | None, str | None] = {None: None, NEWEST: newest_observed_at}
    times.update(enumerate(evidence.observed_at for evidence in resources))
    return times


def _is_shareable(
    resources: tuple[ResourceEvidence, ...], verdicts: tuple[CachedVerdict, ...]
) -> bool:
    """Return whether no URL of the origin went into an evaluation."""
    return all(cached.verdict.policy_url is None for cached in verdicts) and is_shareable(resources)


def _with_positions(resources: tuple[ResourceEvidence, ...]) -> tuple[ResourceEvidence, ...]:
    """Return resources with positions in place of times, observations and keys of readings."""
    return tuple(
        evidence._replace(
            observation=n,
            observed_at=str(n),
            readings=tuple(
                (protocol, str(position), reading)
                for position, (protocol, _, reading) in enumerate(evidence.readings)
            ),
        )
        for n, evidence in enumerate(resources)
    )


def _statement_ref(applicable: ApplicableStatement) -> StatementRef:
    """Return the reference to a statement of resources made by `_with_positions`."""
    place = applicable.evidence.observation, int(applicable.reading_key)
    if applicable.candidate:
        return StatementRef(*place, None, applicable.candidate)
    return StatementRef(*place, applicable.statement.n, None)


def _cached_verdict(pattern_set: str, verdict: Verdict) -> CachedVerdict:
    time = verdict.observed_at
    return CachedVerdict(pattern_set, verdict, None if time is None else int(time))


def _cached_findings(findings: tuple[Finding, ...]) -> Iterator[CachedFinding]:
    """Yield the findings of one rule set."""
    strongest = min(findings, key=lambda f: f.state.rank)
    for finding in findings:
        yield _cached_finding(finding, headline=finding is strongest)


def _cached_finding(f: Finding, *, headline: bool) -> CachedFinding:
    deciding = _statement_ref(f.deciding) if f.deciding else None
    shown = (f.rules, f.purpose, f.state, f.conflict, f.complete, headline, f.detail, deciding)
    return CachedFinding(*shown, f.exceptions, f.malformed, f.stale, f.effect, f.share)


def _conflict_refs(
    collected: ApplicableStatements,
) -> Iterator[tuple[Purpose, StatementRef, StatementRef]]:
    """Yield the conflicts of each purpose: purpose, reserving and permitting statement."""
    # Only the first statements of a kind are compared anyway.
    firsts = [kind.first for kind in collected.kinds.kinds]
    taking_part = [h for h in firsts if not h.excluded_because and not h.candidate]
    for purpose in Purpose:
        relevant = (h for h in taking_part if concerns(h.statement, purpose))
        for reserving, permitting in islice(find_conflicts(relevant), _MAX_CONFLICTS):
            yield purpose, _statement_ref(reserving), _statement_ref(permitting)
