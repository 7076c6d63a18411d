"""Verdicts: what a dataset is told about each of its rows, from no more answers than differ.

The answer for a URL is that of its page, if the page was seen; else it depends on which shapes
its path has, those that rules in the origin's documents ask about. So a verdict for each
combination of shapes that occurs is a verdict for every row.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crawler.evaluate.evaluator import judge
from crawler.evaluate.records import Finding, Sight
from crawler.model import Question
from crawler.protocols.url_patterns import Shape, forms_of, shapes_of
from crawler.rulesets import RuleSet
from crawler.urls import resolve
from crawler.vocab import CONTENT, Presence, Purpose, State

#: Beyond so many shapes an origin's URLs are judged one by one.
MOST_SHAPES = 2000
#: What a verdict is for: any page that nothing singles out, or (with the path behind it) one page.
USUAL, PAGE = "", "="

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


def unknown(reason: str, purpose: Purpose, rules: RuleSet) -> Verdict:
    """The verdict where there is nothing to judge by."""
    return Verdict(State.UNKNOWN.value, None, purpose.value, reason, None, None, rules.label)


def verdict_of(finding: Finding, rules: RuleSet, last_look: str) -> Verdict:
    """A finding as a verdict; `last_look` dates those of silence."""
    if finding.state is State.UNKNOWN:
        return unknown(finding.detail, finding.purpose, rules)
    by = finding.by
    policy = by.statement.policy if by else None
    return Verdict(
        state=finding.state.value,
        reserved=_reserved(finding, rules),
        purpose=finding.purpose.value,
        basis=by.protocol.NAME if by else None,
        policy_url=(resolve.join(by.sight.url, policy) or policy) if by and policy else None,
        observed_at=by.sight.observed_at if by else last_look,
        rules=rules.label,
    )


def _reserved(finding: Finding, rules: RuleSet) -> bool | None:
    """True, False, or None where only pages that are not this one reserve."""
    by = finding.by
    if finding.state is State.PARTIAL and by is not None and by.voice.part == "pages":
        return None
    return finding.state in rules.reserved_states


def strongest(verdicts: Iterable[Verdict]) -> Verdict:
    """Of the verdicts for several purposes the one that forbids most, the first of equals."""
    return min(verdicts, key=lambda verdict: _STRENGTH[verdict.state])


def verdicts_at(
    sights: tuple[Sight, ...], path: str, rules: RuleSet, agent: str | None, last_look: str
) -> tuple[Verdict, ...]:
    """The verdict on one URL of an origin for every purpose."""
    findings = judge(sights, Question(path=path, agent=agent), rules)
    return tuple(verdict_of(finding, rules, last_look) for finding in findings)


def outlook(
    sights: tuple[Sight, ...], rules: RuleSet, agent: str | None, last_look: str
) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
    """The usual verdicts of an origin, and those of pages that differ; by what they are for.

    The usual ones are missing where every path has a shape.
    """
    usual: tuple[Verdict, ...] = ()
    path = unremarkable(sights, shapes(sights))
    if path is not None:
        usual = verdicts_at(sights, path, rules, agent, last_look)
        yield USUAL, usual
    for page in outspoken(sights):
        own = verdicts_at(sights, page, rules, agent, last_look)
        if own != usual:
            yield PAGE + page, own


def shapes(sights: tuple[Sight, ...]) -> tuple[Shape, ...]:
    """The shapes that the documents of an origin tell apart, each once and sorted."""
    found = {
        shape
        for sight in sights
        for protocol, _key, reading in sight.readings
        for shape in shapes_of(protocol.NAME, reading)
    }
    return tuple(sorted(found))


def unremarkable(sights: tuple[Sight, ...], told_apart: tuple[Shape, ...]) -> str | None:
    """A path that has none of the shapes and was not seen; None if none is at hand."""
    seen = {sight.path for sight in sights if sight.resource in CONTENT}
    for probe in _PROBES:
        forms = forms_of(probe)
        if probe not in seen and not any(shape.fits(forms) for shape in told_apart):
            return probe
    return None


def outspoken(sights: tuple[Sight, ...]) -> tuple[str, ...]:
    """The paths of pages whose own URL may get another answer than URLs like it.

    They may where any page says something for itself, or was to be seen and was not.
    """
    pages = [sight for sight in sights if sight.resource in CONTENT]
    if any(s.presence is Presence.UNSEEN or _speaks(s) for s in pages):
        return tuple(dict.fromkeys(sight.path for sight in pages))
    return ()


def _speaks(page: Sight) -> bool:
    return any(reading.statements for _, _, reading in page.readings)
