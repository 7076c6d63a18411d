"""A 304: the stored response is read with the header fields that the 304 updates."""

import pytest

from crawler.model import Observation, Origin, RevalidatedResponse, Target
from crawler.plan.history import OriginHistory
from crawler.plan.planner import PlanOptions, next_target
from crawler.protocols.parse import presence_of
from crawler.vocab import Outcome, Presence, Resource

TARGET = Target(
    resource=Resource.ROBOTS_TXT, asked="https://a.test/robots.txt", url="https://a.test/robots.txt"
)
OLD = (
    ("Content-Type", "text/plain"),
    ("X-Robots-Tag", "noai"),
    ("x-robots-tag", "noml"),
    ("A", "1"),
)


def not_modified(*headers, confirms=OLD, body=b""):
    known = None if confirms is None else RevalidatedResponse(observation=1, headers=confirms)
    return Observation(
        target=TARGET,
        outcome=Outcome.RESPONDED,
        status=304,
        headers=headers,
        confirms=known,
        body=body,
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param((), OLD, id="nothing new"),
        pytest.param((("B", "2"),), (*OLD, ("B", "2")), id="another field"),
        pytest.param(
            (("X-ROBOTS-TAG", "all"),),
            (OLD[0], OLD[3], ("X-ROBOTS-TAG", "all")),
            id="every field of the name is replaced",
        ),
        pytest.param(
            (("content-type", "text/html"), ("Content-Length", "0"), ("Content-Encoding", "gzip")),
            OLD,
            id="RFC 9111, 3.2: what describes the body stays",
        ),
        pytest.param(
            (("Content-Usage", "train-ai=n"),),
            (*OLD, ("Content-Usage", "train-ai=n")),
            id="a field that only begins with Content",
        ),
    ],
)
def test_fields_of_a_confirmed_answer(headers, expected):
    seen = not_modified(*headers)
    assert seen.fields == expected
    assert seen.headers == headers


def test_header_reads_the_fields():
    assert not_modified().header("content-type") == "text/plain"
    assert not_modified(("A", "2")).header("a") == "2"


@pytest.mark.parametrize(
    ("seen", "expected"),
    [(not_modified(), Presence.PRESENT), (not_modified(confirms=None), Presence.UNSEEN)],
    ids=["confirmed", "confirms nothing"],
)
def test_presence(seen, expected):
    assert presence_of(seen) is expected


@pytest.mark.parametrize(
    ("robots", "expected"),
    [
        (not_modified(body=b"User-agent: *\nDisallow: /ai"), "withheld"),
        (not_modified(body=b"User-agent: *\nDisallow: /b"), "https://a.test/ai.txt"),
        (not_modified(confirms=None), "withheld"),
    ],
    ids=["a rule that refuses", "a rule that does not", "nothing confirmed"],
)
def test_the_gate_reads_a_confirmed_robots_txt(robots, expected):
    origin = Origin(scheme="https", host="a.test", port=443, site="a.test")
    step = next_target(origin, (), OriginHistory((robots,)), PlanOptions())
    assert (step.url if isinstance(step, Target) else step.outcome) == expected
