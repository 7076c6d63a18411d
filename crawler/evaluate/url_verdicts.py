"""Verdicts per URL. URLs that match the same patterns share one verdict.

The verdict on a URL is that of its page, if the page was requested. Otherwise it depends on
which URL patterns of the origin's documents the path matches (see `protocols.url_patterns`). So
one evaluation for each set of patterns that occurs gives the verdict of every row of a dataset.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from crawler.evaluate.evaluator import evaluate, evaluate_rule_sets
from crawler.evaluate.records import Effect, Finding, PageShare, ResourceEvidence, is_sampled
from crawler.model import Question
from crawler.protocols import url_patterns
from crawler.protocols.interface import named_agents_of
from crawler.protocols.prose import patterns
from crawler.protocols.url_patterns import UrlPattern, path_forms
from crawler.rulesets import RuleSet
from crawler.urls import resolve
from crawler.vocab import CONTENT, Presence, Purpose, State, row_rank

#: The number of patterns beyond which the URLs of an origin are evaluated one by one.
MAX_PATTERNS = 2000
#: The keys of stored verdicts: `DEFAULT` for all URLs that match no pattern, `PAGE` and a path
#: for one page, `ORIGIN` for rows that name a host and no page.
DEFAULT, PAGE, ORIGIN = "", "=", "@"

#: The beginning of `basis` of a row without a usable URL; the reason follows.
NO_ORIGIN = "no origin: "
#: The `basis` of a row of an origin without evidence.
NEVER_ASKED = "origin never asked"
# Readings of documents that were there and could not be read.
_UNREAD = frozenset({Presence.UNSEEN, Presence.MALFORMED})
#: Paths that rules seldom mention. A path that matches no pattern represents all such paths.
PROBES = ("/tdm-audit-probe", "/0", "/q", "/X", "/~")


class Verdict(NamedTuple):
    """The verdict on one row of a dataset; the names are those of the columns without `tdm_`.

    `reserved` is None where it is not known: the origin was never visited, or a planned resource
    was not seen, or pages of the origin reserve and this one was not requested. `basis` is the
    name of the deciding protocol, and for `unknown` the reason. `observed_at` is UTC. `stale`
    and `malformed` are as in `Finding`; `last_looked_at` is the UTC time of the last attempt at
    the origin, filled in by those who know the origin. For `partial` by pages, `pages_reserving` of
    `pages_seen` sampled pages reserve for themselves, and `pages_share_min` and `pages_share_max`
    are the bounds of their share at 95 %: how probable it is that an unseen page does.
    """

    state: str
    reserved: bool | None
    purpose: str
    basis: str | None
    policy_url: str | None
    observed_at: str | None
    rules: str
    stale: bool = False
    last_looked_at: str | None = None
    malformed: bool = False
    pages_reserving: int | None = None
    pages_seen: int | None = None
    pages_share_min: float | None = None
    pages_share_max: float | None = None

    def at(self, observed_at: str | None, last_looked_at: str) -> "Verdict":
        """Return the verdict with the times of an origin."""
        return self._replace(observed_at=observed_at, last_looked_at=last_looked_at)

    def with_share(self, share: PageShare | None) -> "Verdict":
        """Return the verdict with the share of pages that reserve for themselves."""
        if share is None:
            return self
        low, high = share.interval
        return self._replace(
            pages_reserving=share.reserving,
            pages_seen=share.seen,
            pages_share_min=low,
            pages_share_max=high,
        )


def unknown_verdict(reason: str, purpose: Purpose, rules: RuleSet) -> Verdict:
    """Return the verdict where there is no evidence to evaluate."""
    return Verdict(State.UNKNOWN.value, None, purpose.value, reason, None, None, rules.label)


def verdict_of(finding: Finding, rules: RuleSet, newest_observed_at: str) -> Verdict:
    """Return a finding as a verdict.

    `newest_observed_at` is the time of a verdict that no statement decided.
    """
    if finding.state is State.UNKNOWN:
        unknown = unknown_verdict(finding.detail, finding.purpose, rules)
        return unknown._replace(stale=finding.stale, malformed=finding.malformed)
    deciding = finding.deciding
    if deciding is None:
        basis, policy_url, observed_at = None, None, newest_observed_at
    else:
        evidence, policy = deciding.evidence, deciding.statement.policy
        basis, observed_at = deciding.protocol.NAME, evidence.observed_at
        policy_url = (resolve.join(evidence.url, policy) or policy) if policy else None
    return Verdict(
        state=finding.state.value,
        reserved=_reserved(finding, rules),
        purpose=finding.purpose.value,
        basis=basis,
        policy_url=policy_url,
        observed_at=observed_at,
        rules=rules.label,
        stale=finding.stale,
        malformed=finding.malformed,
    ).with_share(finding.share)


def _reserved(finding: Finding, rules: RuleSet) -> bool | None:
    """Return whether the row is reserved; None where only pages that are not this one reserve."""
    deciding = finding.deciding
    if (
        finding.state is State.PARTIAL
        and deciding is not None
        and deciding.applied.limited_to == "pages"
    ):
        return None
    return finding.state in rules.reserved_states


class HasState(Protocol):
    """Anything with a state."""

    @property
    def state(self) -> str:
        """The state by its name."""
        ...


V = TypeVar("V", bound=HasState)


def strictest(verdicts: Iterable[V]) -> V:
    """Return the strictest of a row's verdicts on several purposes, the first of equal ones."""
    return min(verdicts, key=lambda verdict: row_rank(State(verdict.state)))


class RowVerdict(NamedTuple):
    """The verdict on a row with several URLs, which are in lists or in columns with roles.

    `verdict` is the strictest of its URLs, `decided_by` the role of the URL that it is of (None
    for a row without URLs). `urls` counts the URLs, `states` those by state.
    """

    verdict: Verdict
    decided_by: str | None
    urls: int
    states: Mapping[str, int]


def row_verdict(verdicts: Sequence[tuple[str, Verdict]], without_urls: Verdict) -> RowVerdict:
    """Return the verdict on a row from those of its URLs, each with its role, in their order.

    Of equally strict ones the first decides. `without_urls` is the verdict of a row without URLs.
    """
    if not verdicts:
        return RowVerdict(without_urls, None, 0, {})
    strictness = [row_rank(State(verdict.state)) for _, verdict in verdicts]
    role, deciding = verdicts[strictness.index(min(strictness))]
    states = Counter(verdict.state for _, verdict in verdicts)
    return RowVerdict(deciding, role, len(verdicts), states)


def verdicts_for_path(
    resources: tuple[ResourceEvidence, ...],
    path: str | None,
    rules: RuleSet,
    agent: str | None,
    newest_observed_at: str,
    purposes: Iterable[Purpose] = tuple(Purpose),
) -> tuple[Verdict, ...]:
    """Return the verdicts on one URL of an origin, or on the whole origin, for some purposes.

    `path` is path and query of the URL, None for the origin.
    """
    findings = evaluate(resources, Question(path=path, agent=agent), rules, purposes)
    return tuple(verdict_of(finding, rules, newest_observed_at) for finding in findings)


def verdicts_with_effects(
    resources: tuple[ResourceEvidence, ...],
    path: str | None,
    rules: RuleSet,
    agent: str | None,
    newest_observed_at: str,
) -> tuple[tuple[Verdict, Effect], ...]:
    """Return what `verdicts_for_path` does, each verdict with the effect of its finding."""
    _, (findings,) = evaluate_rule_sets(resources, Question(path=path, agent=agent), (rules,))
    return tuple((verdict_of(f, rules, newest_observed_at), f.effect) for f in findings)


def default_and_page_verdicts(
    resources: tuple[ResourceEvidence, ...],
    rules: RuleSet,
    agent: str | None,
    newest_observed_at: str,
    of_origin: Iterable[Finding] | None = None,
) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
    """Yield the verdicts of an origin by key: `DEFAULT`, `ORIGIN` and each page with other ones.

    There is no `DEFAULT` if every probe path matches a pattern or was requested. `of_origin` are
    the findings on the whole origin, where they are known.
    """
    default: tuple[Verdict, ...] = ()
    path = probe_path(resources, _url_patterns_in(resources))
    if path is not None:
        default = verdicts_for_path(resources, path, rules, agent, newest_observed_at)
        yield DEFAULT, default
    if of_origin is None:
        of_origin = evaluate(resources, Question(agent=agent), rules)
    whole = tuple(verdict_of(finding, rules, newest_observed_at) for finding in of_origin)
    if whole != default:
        yield ORIGIN, whole
    for page, relevant in _pages(resources):
        own = verdicts_for_path(relevant, page, rules, agent, newest_observed_at)
        if own != default:
            yield PAGE + page, own


def _pages(
    resources: tuple[ResourceEvidence, ...],
) -> Iterator[tuple[str, tuple[ResourceEvidence, ...]]]:
    """Yield the pages that may get another verdict, each with the resources that it depends on.

    Those are all of them, unless the page was seen: then other pages say nothing about it. A page
    that is absent and says nothing has the verdict of URLs that were not requested.
    """
    paths = pages_with_own_statements(resources)
    own: dict[str, list[int]] = {path: [] for path in paths}
    shared: dict[object, int] = {}
    for n, evidence in enumerate(resources):
        if evidence.resource not in CONTENT:
            shared[n] = n
            continue
        own.get(evidence.path, []).append(n)
        if said := _said_to_other_pages(evidence):
            shared.setdefault(said, n)
    for path in paths:
        answers = [resources[n] for n in own[path]]
        if is_sampled(answers, path):
            places = sorted({*shared.values(), *own[path]})
            yield path, tuple([resources[n] for n in places])
        elif any(not _is_silently_absent(answer) for answer in answers):
            yield path, resources


def _said_to_other_pages(evidence: ResourceEvidence) -> tuple[object, ...]:
    """Return what a page says that matters to others: documents and agents it names, its prose.

    Readings are known by their identity, since equal documents share one.
    """
    return tuple(
        (id(reading), *[resolve.join(evidence.url, name) for name in reading.names])
        for protocol, _key, reading in evidence.readings
        if reading.names
        or any(named_agents_of(protocol, reading))
        or any(each.location not in patterns.PAGE_LOCATIONS for each in reading.candidates)
    )


def _is_silently_absent(answer: ResourceEvidence) -> bool:
    return answer.presence is Presence.ABSENT and not any(
        reading.statements or reading.candidates or reading.presence in _UNREAD
        for _protocol, _key, reading in answer.readings
    )


def url_patterns_of(resources: tuple[ResourceEvidence, ...]) -> tuple[UrlPattern, ...]:
    """Return the URL patterns in all documents of an origin, each once and sorted."""
    return tuple(sorted(_url_patterns_in(resources)))


def _url_patterns_in(resources: tuple[ResourceEvidence, ...]) -> set[UrlPattern]:
    return {
        pattern
        for evidence in resources
        for protocol, _key, reading in evidence.readings
        for pattern in url_patterns.url_patterns_of(protocol, reading)
    }


def probe_path(
    resources: tuple[ResourceEvidence, ...], patterns: Collection[UrlPattern]
) -> str | None:
    """Return a path that matches no pattern and was not requested; None if no probe does."""
    requested = {evidence.path for evidence in resources if evidence.resource in CONTENT}
    for probe in PROBES:
        forms = path_forms(probe)
        if probe not in requested and not any(pattern.matches(forms) for pattern in patterns):
            return probe
    return None


def pages_with_own_statements(resources: tuple[ResourceEvidence, ...]) -> tuple[str, ...]:
    """Return the paths of pages that may get another verdict than URLs with the same patterns.

    If any page has a statement or was not seen, that holds for every page: the statements of
    other pages apply to URLs that were not requested, but not to a page that was.
    """
    pages = [evidence for evidence in resources if evidence.resource in CONTENT]
    if any(page.presence is Presence.UNSEEN or _has_statements(page) for page in pages):
        return tuple(dict.fromkeys(page.path for page in pages))
    return ()


def _has_statements(page: ResourceEvidence) -> bool:
    return any(
        reading.statements or reading.presence is Presence.MALFORMED
        for _, _, reading in page.readings
    )
