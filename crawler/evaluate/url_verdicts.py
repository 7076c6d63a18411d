"""Verdicts: what a dataset is told about each of its rows, from no more answers than differ.

The answer for a URL is that of its page, if the page was seen; else it depends on which shapes
its path has, those that rules in the origin's documents ask about. So a verdict for each
combination of shapes that occurs is a verdict for every row.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import Finding, ResourceEvidence
from crawler.model import Question
from crawler.protocols.url_patterns import UrlPattern, path_forms, shapes_of
from crawler.rulesets import RuleSet
from crawler.urls import resolve
from crawler.vocab import CONTENT, Presence, Purpose, State

#: Beyond so many shapes an origin's URLs are judged one by one.
MAX_PATTERNS = 2000
#: What a verdict is for: any page that nothing singles out, or (with the path behind it) one page.
DEFAULT, PAGE = "", "="

# Paths that rules seldom speak of: one without any shape stands for all like it.
_PROBES = ("/tdm-audit-probe", "/0", "/q", "/X", "/~")
# Where several purposes are asked about: what is not known may be anything up to `refused`.
_ORDER = sorted(
    State, key=lambda state: (state in (State.PERMITTED, State.SILENT), [*State].index(state))
)
_STRENGTH = {state.value: n for n, state in enumerate(_ORDER)}


class Verdict(NamedTuple):
    """What is said of one row; the names are those of the columns without `tdm_`.

    `reserved` is None where it is not known: the origin was never asked, or something planned
    was not seen, or pages of the origin reserve and this one was not among those seen.
    `basis` is the protocol that decided; for `unknown` it is the reason.
    """

    state: str
    reserved: bool | None
    purpose: str
    basis: str | None
    policy_url: str | None
    observed_at: str | None
    rules: str


def unknown_verdict(reason: str, purpose: Purpose, rules: RuleSet) -> Verdict:
    """The verdict where there is nothing to judge by."""
    return Verdict(State.UNKNOWN.value, None, purpose.value, reason, None, None, rules.label)


def verdict_of(finding: Finding, rules: RuleSet, newest_observed_at: str) -> Verdict:
    """A finding as a verdict; `last_look` dates those of silence."""
    if finding.state is State.UNKNOWN:
        return unknown_verdict(finding.detail, finding.purpose, rules)
    by = finding.by
    policy = by.statement.policy if by else None
    return Verdict(
        state=finding.state.value,
        reserved=_reserved(finding, rules),
        purpose=finding.purpose.value,
        basis=by.protocol.NAME if by else None,
        policy_url=(resolve.join(by.evidence.url, policy) or policy) if by and policy else None,
        observed_at=by.evidence.observed_at if by else newest_observed_at,
        rules=rules.label,
    )


def _reserved(finding: Finding, rules: RuleSet) -> bool | None:
    """True, False, or None where only pages that are not this one reserve."""
    by = finding.by
    if finding.state is State.PARTIAL and by is not None and by.applied.limited_to == "pages":
        return None
    return finding.state in rules.reserved_states


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """Of the verdicts for several purposes the one that forbids most, the first of equals."""
    return min(verdicts, key=lambda verdict: _STRENGTH[verdict.state])


def verdicts_for_path(
    resources: tuple[ResourceEvidence, ...],
    path: str,
    rules: RuleSet,
    agent: str | None,
    newest_observed_at: str,
) -> tuple[Verdict, ...]:
    """The verdict on one URL of an origin for every purpose."""
    findings = evaluate(resources, Question(path=path, agent=agent), rules)
    return tuple(verdict_of(finding, rules, newest_observed_at) for finding in findings)


def default_and_page_verdicts(
    resources: tuple[ResourceEvidence, ...],
    rules: RuleSet,
    agent: str | None,
    newest_observed_at: str,
) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
    """The usual verdicts of an origin, and those of pages that differ; by what they are for.

    The usual ones are missing where every path has a shape.
    """
    usual: tuple[Verdict, ...] = ()
    path = probe_path(resources, url_patterns_of(resources))
    if path is not None:
        usual = verdicts_for_path(resources, path, rules, agent, newest_observed_at)
        yield DEFAULT, usual
    for page in pages_with_own_statements(resources):
        own = verdicts_for_path(resources, page, rules, agent, newest_observed_at)
        if own != usual:
            yield PAGE + page, own


def url_patterns_of(resources: tuple[ResourceEvidence, ...]) -> tuple[UrlPattern, ...]:
    """The shapes that the documents of an origin tell apart, each once and sorted."""
    found = {
        shape
        for evidence in resources
        for protocol, _key, reading in evidence.readings
        for shape in shapes_of(protocol.NAME, reading)
    }
    return tuple(sorted(found))


def probe_path(
    resources: tuple[ResourceEvidence, ...], told_apart: tuple[UrlPattern, ...]
) -> str | None:
    """A path that has none of the shapes and was not seen; None if none is at hand."""
    seen = {evidence.path for evidence in resources if evidence.resource in CONTENT}
    for probe in _PROBES:
        forms = path_forms(probe)
        if probe not in seen and not any(shape.fits(forms) for shape in told_apart):
            return probe
    return None


def pages_with_own_statements(resources: tuple[ResourceEvidence, ...]) -> tuple[str, ...]:
    """The paths of pages whose own URL may get another answer than URLs like it.

    They may where any page says something for itself, or was to be seen and was not.
    """
    pages = [evidence for evidence in resources if evidence.resource in CONTENT]
    if any(s.presence is Presence.UNSEEN or _has_statements(s) for s in pages):
        return tuple(dict.fromkeys(evidence.path for evidence in pages))
    return ()


def _has_statements(page: ResourceEvidence) -> bool:
    return any(reading.statements for _, _, reading in page.readings)
