"""TDMRep cases, from the report's examples and rules and from others' tests, through the judge.

A case may bring a tdmrep.json, headers and a page, or the metadata of an EPUB or a PDF; all of
it is read and weighed as in a crawl.
"""

import json
from collections.abc import Iterator

import pytest

from crawler import media, page, rulesets
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import Finding, ResourceEvidence
from crawler.model import Document, Observation, Question, Target
from crawler.protocols import PROTOCOLS, parse
from crawler.protocols.tdmrep import tdmrep_file
from crawler.urls import canonical
from crawler.vocab import Outcome, Purpose, Resource, State
from tests import media_files

PAGE = "https://provider.com/page.html"
FILE = "https://provider.com/.well-known/tdmrep.json"
BOOK, PAPER = "https://provider.com/book.epub", "https://provider.com/paper.pdf"
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
    if "opf" in given:
        book = media.extract(media_files.epub(given["opf"]))
        yield responded(Resource.MEDIA, url, "application/epub+zip", extract=book)
        return
    if "xmp" in given:
        paper = media.extract(media_files.pdf(given["xmp"], flate=True))
        yield responded(Resource.MEDIA, url, "application/pdf", extract=paper)
        return
    headers = tuple((name, value) for name, value in given.get("headers") or ())
    extract = page.extract((given.get("html") or "").encode())
    yield responded(Resource.PAGE, url, "text/html", headers=headers, extract=extract)


def evidence(n: int, observation: Observation) -> ResourceEvidence:
    target = observation.target
    readings = tuple(
        (protocol, f"{n}:{protocol.NAME}", parse.read(protocol, observation))
        for protocol in PROTOCOLS
        if target.resource in protocol.RESOURCES
    )
    return ResourceEvidence(
        resource=target.resource,
        path=canonical.path_of(target.url),
        url=target.url,
        presence=parse.presence_of(observation),
        observation=n,
        observed_at="2026-01-01T00:00:00.000Z",
        readings=readings,
    )


def finding(given: dict) -> Finding:
    url = given.get("url", BOOK if "opf" in given else PAPER if "xmp" in given else PAGE)
    resources = tuple(evidence(n, seen) for n, seen in enumerate(observations(given, url), start=1))
    found = evaluate(resources, Question(path=canonical.path_of(url)), rulesets.load("signals"))
    return next(f for f in found if f.purpose is Purpose.TDM)


def properties(given: dict) -> dict[str, object]:
    """Return the finding as the two properties of the report; terms need a reservation."""
    found = finding(given)
    offered = (
        found.deciding.statement.policy
        if found.deciding and found.state is State.CONDITIONAL
        else None
    )
    return {"tdm-reservation": VALUE[found.state], "tdm-policy": offered}


def matches(given: dict) -> bool:
    rule = [{"location": given["pattern"], "tdm-reservation": 1}]
    reading = tdmrep_file.parse(Document(body=json.dumps(rule).encode()))
    return bool(tdmrep_file.statements_for(reading, Question(path=given["path"])))


def answer(case: dict) -> dict[str, object]:
    """Our answer, in the shape of what the case expects."""
    given, expected = case["input"], case["expected"]
    if "matches" in expected:
        return {"matches": matches(given)}
    if "mining_allowed_without_policy" in expected:
        return {"mining_allowed_without_policy": properties(given)["tdm-reservation"] != 1}
    return properties(given)


def test_every_case_is_agreed_with(cases):
    differing = {
        case["name"]: found for case in cases if (found := answer(case)) != case["expected"]
    }
    assert differing == {}
    assert sum({"opf", "xmp"} & case["input"].keys() != set() for case in cases) == 3
