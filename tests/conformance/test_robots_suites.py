"""The robots.txt cases of other projects' suites: agreed with, or listed in disagreements.toml.

Where RFC 9309 settles a case, our answer is its answer. Every other disagreement with a suite has
a reason.
"""

import base64
import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from crawler.model import Document, Reading
from crawler.protocols.robots import groups, line_reader, robots_txt
from tests.protocols.protocol_tables import allows

DATA = tomllib.loads((Path(__file__).parent / "disagreements.toml").read_text(encoding="utf-8"))
SUITES = [
    "robots_crawler_commons",
    "robots_google_cc",
    "robots_google_spec_test",
    "robots_nzrsky_cc",
    "robots_protego",
    "robots_reppy",
    "robots_robotspy",
    "robots_samclarke",
]
#: How many cases each suite must have at least, so that an empty file passes nothing.
LEAST = dict(zip(SUITES, (221, 72, 199, 7, 188, 47, 30, 68), strict=True))

pytestmark = pytest.mark.corpus


class Listed(NamedTuple):
    """A listed disagreement: whether the suite allows, and our reason."""

    they_allow: bool
    reason: str


def cases(corpus: Path, suite: str) -> list[dict]:
    path = corpus / "conformance" / f"{suite}.jsonl"
    if not path.is_file():
        pytest.skip(f"the corpus has no {path.name}")
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def parsed(case: dict) -> Reading:
    if "robots_txt_b64" in case:
        return robots_txt.parse(Document(body=base64.b64decode(case["robots_txt_b64"])))
    return robots_txt.parse(Document(body=case["robots_txt"].encode("utf-8", "surrogatepass")))


def path_of(url: str) -> str:
    """Path and query of a URL as the case writes it: nothing is encoded or decoded."""
    rest = url.partition("://")[2] if "://" in url else url
    at = min((n for n in (rest.find("/"), rest.find("?")) if n >= 0), default=len(rest))
    path = (rest[at:] if "://" in url else rest).partition("#")[0]
    return "/" + path if path.startswith("?") else path


def keys(found: list[dict]) -> list[str]:
    """The name of each case; with agent and URL where a suite gives one name to several."""
    several = Counter(case["name"] for case in found)
    return [
        c["name"] if several[c["name"]] == 1 else f"{c['name']} {c['user_agent']} {c['url']}"
        for c in found
    ]


def listed(suite: str) -> dict[str, Listed]:
    return {
        name: Listed(they_allow, group["reason"])
        for group in DATA["robots"]
        if group["suite"] == suite
        for they_allow, field in ((True, "they_allow"), (False, "they_refuse"))
        for name in group.get(field, ())
    }


@pytest.mark.parametrize("suite", SUITES)
def test_suite(corpus, suite):
    found = cases(corpus, suite)
    assert len(found) >= LEAST[suite]
    differing = {}
    for key, case in zip(keys(found), found, strict=True):
        ours = allows(parsed(case), case["user_agent"], path_of(case["url"]))
        if ours is not case["expected_allowed"]:
            differing[key] = case["expected_allowed"]
    expected = {name: entry.they_allow for name, entry in listed(suite).items()}
    assert differing == expected


def test_listed_suites_exist():
    assert {group["suite"] for group in DATA["robots"]} <= set(SUITES)


def test_no_case_is_listed_twice():
    names = [
        (group["suite"], name)
        for group in DATA["robots"]
        for field in ("they_allow", "they_refuse")
        for name in group.get(field, ())
    ]
    assert [name for name, times in Counter(names).items() if times > 1] == []


@pytest.mark.parametrize(
    "group", DATA["robots"], ids=[f"{g['suite']}: {g['reason']}" for g in DATA["robots"]]
)
def test_every_disagreement_has_a_reason_and_none_is_a_fault(group):
    assert group["reason"] != "fault"
    assert len(group["because"]) > 40
    assert group["settled_by"]
    assert group.keys() <= {"suite", "reason", "because", "settled_by", "they_allow", "they_refuse"}


def test_disputed_cases(corpus):
    """Where suites contradict each other, our side is listed with a reason."""
    found = cases(corpus, "robots_disputed")
    ours = {
        f"{case['user_agent']} {case['url']}": allows(
            parsed(case), case["user_agent"], path_of(case["url"])
        )
        for case in found
    }
    assert ours == {group["case"]: group["we_allow"] for group in DATA["disputed"]}


@pytest.mark.parametrize("group", DATA["disputed"], ids=[g["case"] for g in DATA["disputed"]])
def test_the_side_taken_in_a_dispute(corpus, group):
    (case,) = [
        c
        for c in cases(corpus, "robots_disputed")
        if f"{c['user_agent']} {c['url']}" == group["case"]
    ]
    sides = {evaluation["suite"]: evaluation["expected_allowed"] for evaluation in case["opinions"]}
    with_us = sorted(suite for suite, allows in sides.items() if allows is group["we_allow"])
    against = sorted(suite for suite, allows in sides.items() if allows is not group["we_allow"])
    assert (with_us, against) == (group["with"], group["against"])
    assert len(group["because"]) > 40


def restriction_level(case: dict, agent: str) -> str:
    """Return how much an agent is refused, in the terms of the Data Provenance Initiative."""
    lines = line_reader.read_lines(case["robots_txt"])
    whole, refusing = groups.read_groups(lines, strict=False).rules_for(agent)[0].refused_scope()
    return "all" if whole else "some" if refusing else "none"


def test_restriction_levels(corpus):
    """Their three classes are our `refused_scope`: everything refused, part of it, nothing."""
    found = cases(corpus, "restriction_level_dpi")
    assert len(found) >= 38
    differing = [
        {"case": case["name"], "agent": agent, "theirs": theirs, "ours": ours}
        for case in found
        for agent, theirs in case["expected"].items()
        if (ours := restriction_level(case, agent)) != theirs
    ]
    expected = [
        {"case": group["case"], "agent": agent, "theirs": group["theirs"], "ours": group["ours"]}
        for group in DATA["restriction_level"]
        for agent in group["agents"]
    ]
    assert sorted(differing, key=str) == sorted(expected, key=str)
