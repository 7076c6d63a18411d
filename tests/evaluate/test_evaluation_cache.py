"""Opinions: worked out once for origins that are alike, and the same as worked out anew."""

from functools import cache

import pytest

from crawler import rulesets
from crawler.evaluate.evaluation_cache import EvaluationCache, observation_times
from crawler.evaluate.records import ResourceEvidence
from crawler.evaluate.url_verdicts import verdicts_for_path
from crawler.model import Document
from crawler.protocols import PROTOCOLS
from crawler.protocols.parse import parse
from crawler.vocab import Presence, Resource

SIGNALS = rulesets.load("signals")
BY_NAME = {protocol.NAME: protocol for protocol in PROTOCOLS}
SILENT = b"User-agent: *\nDisallow:\n# host %d\n"
REFUSING = b"User-agent: GPTBot\nDisallow: /\n# host %d\n"
PATHS = b"User-agent: *\nDisallow: /a%d\n"
POLICY = b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "/policy%d"}]'


@cache
def read(name, body):
    """Equal documents have one reading, as `store.dossier` sees to."""
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


def evaluations():
    return EvaluationCache((SIGNALS, rulesets.load("strict")), SIGNALS)


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
    "a licence document": (
        (evidence(1, "rsl", Resource.RSL_LICENSE, b"<rsl/>"),),
        (evidence(2, "rsl", Resource.RSL_LICENSE, b"<rsl/>"),),
        False,
    ),
}


@pytest.mark.parametrize(("one", "other", "shared"), CASES.values(), ids=CASES)
def test_opinion_is_shared_by_like_evidence_only(one, other, shared):
    known = evaluations()
    first, second = known.of(one), known.of(other)
    assert (first is second) == shared
    assert second == evaluations().of(other)


def test_policies_are_resolved_for_each_host():
    known = evaluations()
    one, other, _ = CASES["a policy by its path"]
    assert {told.verdict.policy_url for told in known.of(one).told} >= {"https://h1.test/policy1"}
    assert {told.verdict.policy_url for told in known.of(other).told} >= {"https://h2.test/policy1"}


def test_opinions_are_bounded(monkeypatch):
    monkeypatch.setattr("crawler.evaluate.evaluation_cache._CACHED", 1)
    known = evaluations()
    first = known.of(robots(1, REFUSING % 1))
    known.of(robots(2, REFUSING % 2))
    assert known.of(robots(1, REFUSING % 1)) is not first


def test_disagreements_are_told_by_position():
    permitting = b'[{"location": "/", "tdm-reservation": 0}]'
    resources = (
        *robots(1, REFUSING % 1),
        evidence(1, "tdmrep_file", Resource.TDMREP_JSON, permitting),
    )
    found = evaluations().of(resources).disagreements
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
def test_verdicts_on_a_path_are_shared_by_like_evidence_only(one, other, shared):
    known = evaluations()
    first, second = (known.at(resources, "/a1/x", "1") for resources in (one, other))
    assert (first is second) == shared
    assert second == evaluations().at(other, "/a1/x", "1")
    assert known.at(one, "/a1/x", "2") is not first


def test_verdicts_on_a_path_are_those_of_the_judge():
    (resources, _, _) = CASES["says the same, equal bytes"]
    told = EvaluationCache((), SIGNALS, "GPTBot").at(resources, "/a", "1")
    times = observation_times(resources, "never")
    found = tuple(each.verdict._replace(observed_at=times[each.dated]) for each in told)
    assert found == verdicts_for_path(resources, "/a", SIGNALS, "GPTBot", "never")
    assert {verdict.state for verdict in found} > {"reserved"}
