"""`check`: fetch the signals of a few URLs now, explain them, and list what to fix."""

import json
import shlex
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from crawler import agents, media
from crawler.commands.crawl import CrawlRequest, ProgressListener, crawl
from crawler.commands.explain import NotAUrlError, explain
from crawler.errors import UserError
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import ApplicableStatement, Finding, ResourceEvidence
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import RunEnd
from crawler.interrupts import StoppedEarlyError
from crawler.model import Question, Statement
from crawler.reports.check import ASKED, AgentRow, Checked, Note, Unseen
from crawler.reports.explain import Explanation
from crawler.rulesets import RuleSet
from crawler.store.database import connect_read_only
from crawler.store.derived import rule_set
from crawler.store.queries import unseen_resources
from crawler.urls import canonical
from crawler.vocab import Reads, Reject, State

#: The agents of the table that a check prints; all of them are in the catalogue.
WELL_KNOWN = (
    "GPTBot",
    "ClaudeBot",
    "Google-Extended",
    "Applebot-Extended",
    "meta-externalagent",
    "Amazonbot",
    "Bytespider",
    "CCBot",
    "img2dataset",
    "Googlebot",
    "Bingbot",
    "OAI-SearchBot",
    "PerplexityBot",
    "ChatGPT-User",
    "Claude-User",
)
#: Code of the notes about statements that disagree.
CONFLICT = "conflict.statements"
_MAX_EXCERPT = 200


class FailOn(StrEnum):
    """Conditions that make a check fail. `reserved` includes conditional and partial."""

    ISSUES = "issues"
    CONFLICT = "conflict"
    RESERVED = "reserved"
    UNKNOWN = "unknown"
    PERMITTED = "permitted"


_STATES = {
    FailOn.RESERVED: {State.RESERVED, State.CONDITIONAL, State.PARTIAL},
    FailOn.UNKNOWN: {State.UNKNOWN},
    FailOn.PERMITTED: {State.PERMITTED},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """Options of one check.

    `rules` is a rule set by name or file; None is `signals`. `agent` is the product token to
    evaluate for; None evaluates for every agent.
    """

    urls: tuple[str, ...]
    fetch: FetchOptions
    rules: str | None = None
    agent: str | None = None


def check(request: CheckRequest, listener: ProgressListener | None = None) -> tuple[Checked, ...]:
    """Fetch, judge and lint URLs, in a temporary database; return a result for each.

    Raises `NotAUrlError` and `RuleSetError` before any request, `StoppedEarlyError` at a signal.
    """
    # A crawl samples pages; with as many samples as URLs, each URL is fetched itself.
    samples = _max_urls_of_origin(request.urls)
    fetch = replace(request.fetch, pages=samples, media=0 if media.missing_packages() else samples)
    with tempfile.TemporaryDirectory(prefix="tdm-audit-") as folder:
        db, dataset = Path(folder) / "check.db", Path(folder) / "urls.jsonl"
        dataset.write_text("".join(json.dumps({"url": u}) + "\n" for u in request.urls), "utf-8")
        crawl_request = CrawlRequest(
            datasets=(str(dataset),),
            db=db,
            fetch=fetch,
            url_columns=("url",),
            command=shlex.join(["tdm-audit", "check", *request.urls]),
            rules=request.rules,
        )
        result = crawl(crawl_request, listener)
        if result.fault_of_machine:
            raise UserError(result.fault_of_machine)
        if result.ended is not RunEnd.FINISHED:
            raise StoppedEarlyError("stopped early by a signal; run the same command again")
        with closing(connect_read_only(db)) as connection:
            rules = rule_set(connection, None)
            return tuple(_check_url(connection, url, rules, request.agent) for url in request.urls)


def _max_urls_of_origin(urls: Iterable[str]) -> int:
    """Return the largest number of URLs of one origin. Raises `NotAUrlError`."""
    counts: Counter[str] = Counter()
    for url in urls:
        origin = canonical.origin_of(url)
        if isinstance(origin, Reject):
            raise NotAUrlError(f"{url!r} names no host that could be asked ({origin})")
        counts[canonical.origin_key(origin)] += 1
    return max(counts.values(), default=1)


def _check_url(db: sqlite3.Connection, url: str, rules: RuleSet, agent: str | None) -> Checked:
    explanation = explain(db, url, rules, agent=agent, whole_origin=False)
    path = None if explanation.whole_origin else canonical.path_of(url)
    resources = explanation.resources
    notes = {*_issues(resources), *_differences(resources), *_conflicts(explanation.findings)}
    return Checked(
        explanation=explanation,
        agents=tuple(_agent(token, resources, path, rules) for token in _tokens(agent)),
        notes=tuple(sorted(notes, key=_sort_key)),
        unseen=tuple(_unseen(db, explanation)),
    )


def _sort_key(note: Note) -> tuple[str, str, int, str]:
    return note.code, note.url, note.line or 0, note.excerpt


def _tokens(agent: str | None) -> tuple[str, ...]:
    """Return the well-known agents and, if it is another one, the agent asked about."""
    is_listed = agent is None or agent.lower() in map(str.lower, WELL_KNOWN)
    return WELL_KNOWN if agent is None or is_listed else (*WELL_KNOWN, agent)


def _agent(
    token: str, resources: tuple[ResourceEvidence, ...], path: str | None, rules: RuleSet
) -> AgentRow:
    agent = agents.find(token)
    findings = evaluate(resources, Question(path=path, agent=token), rules, ASKED)
    return AgentRow(
        token=agent.token if agent else token,
        operator=agent.operator if agent else "",
        agent_class=agent.agent_class if agent else "unknown",
        states={f.purpose.value: f.state.value for f in findings},
    )


def _issues(resources: tuple[ResourceEvidence, ...]) -> Iterator[Note]:
    for evidence in resources:
        for protocol, _key, reading in evidence.readings:
            for issue in reading.issues:
                yield Note(
                    code=issue.code,
                    protocol=protocol.NAME,
                    url=evidence.url,
                    line=issue.line,
                    excerpt=issue.excerpt,
                )


def _differences(resources: tuple[ResourceEvidence, ...]) -> Iterator[Note]:
    """Yield a note for each statement that only strict or only lenient parsers see."""
    for evidence in resources:
        for protocol, _key, reading in evidence.readings:
            for statement in reading.statements:
                if statement.reads is not Reads.BOTH:
                    yield Note(
                        code=f"readers.{statement.reads}",
                        protocol=protocol.NAME,
                        url=evidence.url,
                        line=statement.line,
                        excerpt=_excerpt(statement),
                    )


def _conflicts(findings: tuple[Finding, ...]) -> Iterator[Note]:
    """Yield a note for each pair of statements that disagree, with the purposes it concerns."""
    pairs: dict[tuple[str, str], tuple[ApplicableStatement, ApplicableStatement, list[str]]] = {}
    for finding in findings:
        for a, b in find_conflicts(h for h in finding.considered if not h.excluded_because):
            _, _, purposes = pairs.setdefault((_citation(a), _citation(b)), (a, b, []))
            purposes.append(finding.purpose)
    for a, b, purposes in pairs.values():
        yield Note(
            code=CONFLICT,
            protocol=a.protocol.NAME,
            url=a.evidence.url,
            line=a.statement.line,
            excerpt=f"{', '.join(purposes)}: {_citation(a)} reserves, {_citation(b)} permits",
        )


def _citation(applicable: ApplicableStatement) -> str:
    """Return protocol, place and text of a statement."""
    statement = applicable.statement
    return f"{applicable.protocol.TITLE}, {statement.place} ({_excerpt(statement)})"


def _excerpt(statement: Statement) -> str:
    """Return the text of a statement on one line, at most 200 characters."""
    return " ".join(statement.raw.split())[:_MAX_EXCERPT]


def _unseen(db: sqlite3.Connection, explanation: Explanation) -> Iterator[Unseen]:
    for row in unseen_resources(db, explanation.origin):
        yield Unseen(**row._asdict())


def failed_conditions(
    checked: Iterable[Checked], conditions: Iterable[FailOn]
) -> tuple[FailOn, ...]:
    """Return those of the conditions that hold for any of the URLs, in the order of `FailOn`."""
    results, wanted = tuple(checked), set(conditions)
    return tuple(one for one in FailOn if one in wanted and _holds(results, one))


def _holds(checked: tuple[Checked, ...], condition: FailOn) -> bool:
    findings = [f for one in checked for f in one.explanation.findings]
    match condition:
        case FailOn.ISSUES:
            return any(note.code != CONFLICT for one in checked for note in one.notes)
        case FailOn.CONFLICT:
            return any(f.conflict for f in findings)
        case _:
            return any(f.state in _STATES[condition] for f in findings)


__all__ = ["CheckRequest", "Checked", "FailOn", "check", "failed_conditions"]
