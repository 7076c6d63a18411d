"""The evaluation cache: shared by origins with equal evidence, with the results of no cache."""

from functools import cache

import pytest

from crawler import rulesets
from crawler.evaluate.evaluation_cache import EvaluationCache, observation_times
from crawler.evaluate.records import ResourceEvidence
from crawler.evaluate.url_verdicts import verdicts_for_path
from crawler.model import Document, Reading
from crawler.protocols import PROTOCOLS
from crawler.protocols.parse import parse
from crawler.vocab import Presence, Resource

SIGNALS = rulesets.load("signals")
BY_NAME = {protocol.NAME: protocol for protocol in PROTOCOLS}
SILENT = b"User-agent: *\nDisallow:\n# host %d\n"
REFUSING = b"User-agent: GPTBot\nDisallow: /\n# host %d\n"
PATHS = b"User-agent: *\nDisallow: /a%d\n"
UNSEEN = Reading(presence=Presence.UNSEEN)
POLICY = b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "/policy%d"}]'


@cache
def read(name, body):
    """Equal documents have one reading, as the snapshot reader sees to."""
    return parse(BY_NAME[name], Document(body=body))


def evidence(host, name, resource, body, presence=Presence.PRESENT):
    reading = read(name, body)
    return ResourceEvidence(
        resource=resource,
        path="/x",
        url=f"https://h{host}.test/x",
        presence=presence,
        observation=100 + host,
        observed_at=f"2026-11-22T00:00:0{host}.000Z",
        readings=((BY_NAME[name], f"{name}{body!r}", reading),),
    )


def robots(host, body):
    return (evidence(host, "robots_txt", Resource.ROBOTS_TXT, body),)


def crashed(host):
    """A file that a protocol could not read: what it says is unknown."""
    (seen,) = robots(host, b"")
    unseen = ((BY_NAME["robots_txt"], "crash", UNSEEN),)
    return (seen._replace(presence=Presence.PRESENT, readings=unseen),)


def evaluations(**options):
    return EvaluationCache((SIGNALS, rulesets.load("strict")), SIGNALS, **options)


CASES = {
    "says nothing, other bytes": (robots(1, SILENT % 1), robots(2, SILENT % 2), True),
    "says the same, equal bytes": (robots(1, REFUSING % 1), robots(2, REFUSING % 1), True),
    "says the same, other bytes": (robots(1, REFUSING % 1), robots(2, REFUSING % 2), False),
    "rules for paths only": (robots(1, PATHS % 1), robots(2, PATHS % 2), False),
    "a policy by its path": (
        (evidence(1, "tdmrep_file", Resource.TDMREP_JSON, POLICY % 1),),
        (evidence(2, "tdmrep_file", Resource.TDMREP_JSON, POLICY % 1),),
        False,
    ),
    "not there": (
        robots(1, b""),
        (evidence(2, "robots_txt", Resource.ROBOTS_TXT, b"", Presence.ABSENT),),
        False,
    ),
    "could not be read": (robots(1, SILENT % 1), crashed(2), False),
    "could not be read, both": (crashed(1), crashed(2), True),
    "a licence document": (
        (evidence(1, "rsl", Resource.RSL_LICENSE, b"<rsl/>"),),
        (evidence(2, "rsl", Resource.RSL_LICENSE, b"<rsl/>"),),
        False,
    ),
}


@pytest.mark.parametrize(("one", "other", "shared"), CASES.values(), ids=CASES)
def test_evaluation_is_shared_by_equal_evidence_only(one, other, shared):
    known = evaluations()
    first, second = known.evaluation_of(one), known.evaluation_of(other)
    assert (first is second) == shared
    assert second == evaluations().evaluation_of(other)


def test_findings_do_not_depend_on_whether_verdicts_are_wanted():
    resources = robots(1, REFUSING % 1)
    known = evaluations()
    without = known.evaluation_of(resources, with_verdicts=False)
    whole = known.evaluation_of(resources)
    assert without == whole._replace(verdicts=())
    assert whole.verdicts
    # What is known is given whole: it costs nothing.
    assert known.evaluation_of(resources, with_verdicts=False) is whole


def test_policies_are_resolved_for_each_host():
    known = evaluations()
    one, other, _ = CASES["a policy by its path"]
    assert {told.verdict.policy_url for told in known.evaluation_of(one).verdicts} >= {
        "https://h1.test/policy1"
    }
    assert {told.verdict.policy_url for told in known.evaluation_of(other).verdicts} >= {
        "https://h2.test/policy1"
    }


def test_evaluations_are_bounded():
    known = evaluations(maxsize=1)
    first = known.evaluation_of(robots(1, REFUSING % 1))
    known.evaluation_of(robots(2, REFUSING % 2))
    assert known.evaluation_of(robots(1, REFUSING % 1)) is not first


def test_conflicts_refer_to_statements_by_position():
    permitting = b'[{"location": "/", "tdm-reservation": 0}]'
    resources = (
        *robots(1, REFUSING % 1),
        evidence(1, "tdmrep_file", Resource.TDMREP_JSON, permitting),
    )
    found = evaluations().evaluation_of(resources).conflicts
    assert {(a.evidence, b.evidence) for _, a, b in found} == {(0, 1)}


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        CASES["says the same, equal bytes"],
        CASES["rules for paths only"],
        CASES["a policy by its path"],
    ],
    ids=["equal", "other rules", "a policy"],
)
def test_verdicts_on_a_path_are_shared_by_equal_evidence_only(one, other, shared):
    known = evaluations()
    first, second = (known.verdicts_at(resources, "/a1/x", "1") for resources in (one, other))
    assert (first is second) == shared
    assert second == evaluations().verdicts_at(other, "/a1/x", "1")
    assert known.verdicts_at(one, "/a1/x", "2") is not first


def test_verdicts_on_a_path_are_those_of_the_evaluator():
    (resources, _, _) = CASES["says the same, equal bytes"]
    told = EvaluationCache((), SIGNALS, "GPTBot").verdicts_at(resources, "/a", "1")
    times = observation_times(resources, "never")
    found = tuple(each.verdict._replace(observed_at=times[each.time_source]) for each in told)
    assert found == verdicts_for_path(resources, "/a", SIGNALS, "GPTBot", "never")
    assert {verdict.state for verdict in found} > {"reserved"}


def test_a_finding_that_prose_decides_refers_to_its_candidate():
    comment = b"# Text and data mining is prohibited.\nUser-agent: *\nAllow: /\n"
    resources = (evidence(1, "robots_comments", Resource.ROBOTS_TXT, comment),)
    inclusive = rulesets.load("inclusive")
    found = EvaluationCache((inclusive,), inclusive).evaluation_of(resources).findings
    assert {(f.deciding.evidence, f.deciding.candidate) for f in found if f.deciding} == {(0, 1)}
