"""TDMRep cases, from the report's examples and rules and from others' tests, through the judge.

A case may bring a tdmrep.json, headers and a page; all of them are read and weighed as in a crawl.
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler import names, page, rulesets
from crawler.judge import Finding, Sight, judge
from crawler.model import Document, Observation, Question, Target
from crawler.protocols import PROTOCOLS, _driver, tdmrep_file
from crawler.vocab import Outcome, Purpose, Resource, State

DATA = tomllib.loads((Path(__file__).parent / "disagreements.toml").read_text(encoding="utf-8"))
PAGE = "https://provider.com/page.html"
FILE = "https://provider.com/.well-known/tdmrep.json"
MEDIA = {"opf", "xmp"}
VALUE = {State.RESERVED: 1, State.CONDITIONAL: 1, State.PERMITTED: 0, State.SILENT: None}

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def cases(corpus) -> list[dict]:
    path = corpus / "conformance" / "tdmrep.jsonl"
    if not path.is_file():
        pytest.skip(f"the corpus has no {path.name}")
    found = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len(found) >= 32
    return found


def responded(resource: Resource, url: str, kind: str, **given: object) -> Observation:
    headers = (("content-type", kind), *given.pop("headers", ()))
    target = Target(resource=resource, asked=url, url=url)
    return Observation(
        target=target, outcome=Outcome.RESPONDED, status=200, headers=headers, **given
    )


def observations(given: dict, url: str) -> Iterator[Observation]:
    if "tdmrep_json" in given:
        body = json.dumps(given["tdmrep_json"]).encode()
        yield responded(Resource.TDMREP_JSON, FILE, "application/json", body=body)
    headers = tuple((name, value) for name, value in given.get("headers") or ())
    extract = page.extract((given.get("html") or "").encode())
    yield responded(Resource.PAGE, url, "text/html", headers=headers, extract=extract)


def sight(n: int, observation: Observation) -> Sight:
    target = observation.target
    readings = tuple(
        (protocol, f"{n}:{protocol.NAME}", _driver.read(protocol, observation))
        for protocol in PROTOCOLS
        if target.resource in protocol.RESOURCES
    )
    return Sight(
        resource=target.resource,
        path=names.path_of(target.url),
        url=target.url,
        presence=_driver.presence_of(observation),
        observation=n,
        observed_at="2026-01-01T00:00:00.000Z",
        readings=readings,
    )


def finding(given: dict) -> Finding:
    url = given.get("url", PAGE)
    sights = tuple(sight(n, seen) for n, seen in enumerate(observations(given, url), start=1))
    found = judge(sights, Question(path=names.path_of(url)), rulesets.load("signals"))
    return next(f for f in found if f.purpose is Purpose.TDM)


def properties(given: dict) -> dict[str, object]:
    """What the finding says in the report's two properties; terms count with a reservation only."""
    found = finding(given)
    offered = found.by.statement.policy if found.by and found.state is State.CONDITIONAL else None
    return {"tdm-reservation": VALUE[found.state], "tdm-policy": offered}


def matches(given: dict) -> bool:
    rule = [{"location": given["pattern"], "tdm-reservation": 1}]
    reading = tdmrep_file.parse(Document(body=json.dumps(rule).encode()))
    return bool(tdmrep_file.voices(reading, Question(path=given["path"])))


def answer(case: dict) -> dict[str, object]:
    """Our answer, in the shape of what the case expects."""
    given, expected = case["input"], case["expected"]
    if "matches" in expected:
        return {"matches": matches(given)}
    if "mining_allowed_without_policy" in expected:
        return {"mining_allowed_without_policy": properties(given)["tdm-reservation"] != 1}
    return properties(given)


def test_every_case_is_agreed_with_or_listed(cases):
    differing = {
        case["name"]: answer(case)
        for case in cases
        if not MEDIA & case["input"].keys() and answer(case) != case["expected"]
    }
    expected = {g["case"]: g["ours"] for g in DATA["tdmrep"] if "ours" in g}
    assert differing == expected


def test_cases_about_files_that_are_not_read_are_listed(cases):
    unread = {case["name"] for case in cases if MEDIA & case["input"].keys()}
    assert unread == {name for group in DATA["tdmrep"] for name in group.get("unread", ())}


def test_no_normative_example_is_disagreed_with(cases):
    normative = {c["name"] for c in cases if c["authority"].startswith(("normative", "spec-rule"))}
    assert len(normative) >= 22
    assert normative.isdisjoint(g["case"] for g in DATA["tdmrep"] if "ours" in g)
