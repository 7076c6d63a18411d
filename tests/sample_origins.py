"""Sample origins: answers of an invented server, read by the real snapshot reader."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from crawler import page, rulesets
from crawler.evaluate.current_answers import ObservationRow
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import Finding, ResourceEvidence
from crawler.evaluate.snapshot import SnapshotReader
from crawler.model import Observation, Origin, Question, Reading, Target
from crawler.plan import planner
from crawler.plan.history import OriginHistory
from crawler.vocab import CONTENT, Outcome, Purpose, Resource

SIGNALS, INCLUSIVE, STRICT = (rulesets.load(name) for name in ("signals", "inclusive", "strict"))
AT = "2026-11-22T00:00:00.000Z"
HOST = "https://h.example"
FILES = {
    Resource.ROBOTS_TXT: "/robots.txt",
    Resource.AI_TXT: "/ai.txt",
    Resource.TDMREP_JSON: "/.well-known/tdmrep.json",
    Resource.TRUST_TXT: "/.well-known/trust.txt",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The response of a server, or the outcome without one."""

    body: str | bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    status: int | None = 200
    outcome: Outcome = Outcome.RESPONDED
    kind: str = "text/plain"
    truncated: bool = False


MISSING = Answer(status=404)
NOTHING = Answer(status=None, outcome=Outcome.TIMED_OUT)


def html(head: str = "", *headers: tuple[str, str]) -> Answer:
    """Return a page with elements in its head, and header fields."""
    body = f"<!doctype html><html><head>{head}</head><body><p>words</p></body></html>"
    return Answer(body=body, headers=headers, kind="text/html")


def observed(target: Target, answer: Answer) -> Observation:
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    is_page = target.resource in CONTENT
    return Observation(
        target=target,
        outcome=answer.outcome,
        status=answer.status,
        headers=(("Content-Type", answer.kind), *answer.headers),
        body=b"" if is_page else body,
        extract=page.extract(body) if is_page else b"",
        size=len(body),
        truncated=answer.truncated,
        started_at=AT,
    )


def evidence(resource: Resource, where: str, answer: Answer, number: int) -> ResourceEvidence:
    """Return one answer as the evaluator gets it, loaded by the same reader as from a database.

    `where` is a path, or a URL elsewhere; `number` is the key of the observation.
    """
    url = where if "://" in where else HOST + where
    seen = observed(Target(resource=resource, asked=url, url=url), answer)
    stored = seen.extract or seen.body
    row = ObservationRow(
        key=number,
        run=1,
        stored="digest" if stored else None,
        resource=resource.value,
        asked=url,
        hop=0,
        url=url,
        outcome=seen.outcome.value,
        status=seen.status,
        headers=json.dumps(seen.headers),
        truncated=int(seen.truncated),
        observed_at=AT,
        note="",
        confirmed=None,
    )
    reader = SnapshotReader(lambda _origin: [row], {"digest": stored}.get)
    return reader.load(1).resources[0]


def origin(
    robots: str | bytes | Answer = MISSING,
    ai: str | bytes | Answer = MISSING,
    tdmrep: str | bytes | Answer = MISSING,
    trust: str | bytes | Answer = MISSING,
    home: Answer | None = None,
    pages: Mapping[str, Answer] | None = None,
    licences: Mapping[str, Answer] | None = None,
) -> tuple[ResourceEvidence, ...]:
    """Return a fully seen origin; files that are not given are absent, and pages say nothing."""
    given = zip(FILES.items(), (robots, ai, tdmrep, trust), strict=True)
    asked = [(r, path, a if isinstance(a, Answer) else Answer(body=a)) for (r, path), a in given]
    asked.append((Resource.HOME, "/", home or html()))
    asked += [(Resource.PAGE, path, answer) for path, answer in (pages or {}).items()]
    asked += [(Resource.RSL_LICENSE, url, answer) for url, answer in (licences or {}).items()]
    return tuple(evidence(*one, number) for number, one in enumerate(asked, start=1))


def findings(resources, rules=SIGNALS, **question) -> dict[Purpose, Finding]:
    return {f.purpose: f for f in evaluate(resources, Question(**question), rules)}


def state(resources, purpose: str = "tdm", rules=SIGNALS, **question) -> str:
    """Return the state of a purpose."""
    return findings(resources, rules, **question)[Purpose(purpose)].state.value


def reading(resources, name: str) -> Reading:
    """Return the first reading of a protocol, by its name."""
    return next(r for s in resources for p, _, r in s.readings if name == p.NAME)


def codes(resources, name: str) -> list[str]:
    """Return the codes of the issues of a protocol."""
    return [issue.code for issue in reading(resources, name).issues]


def planned(
    answers: Mapping[str, Answer],
    options: planner.PlanOptions | None = None,
    samples: tuple[str, ...] = (),
) -> list[Observation]:
    """Return the observations of a visit to an origin with these answers by path or URL."""
    at = Origin(scheme="https", host="h.example", port=443, site="h.example")
    by_url = {url if "://" in url else HOST + url: answer for url, answer in answers.items()}
    seen: list[Observation] = []
    while step := planner.next_target(
        at, samples, OriginHistory(seen), options or planner.PlanOptions()
    ):
        if isinstance(step, Target):
            step = observed(step, by_url.get(step.url, MISSING))
        seen.append(step)
    return seen
