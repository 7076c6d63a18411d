"""Check: fetch the signals of a few URLs now, explain them, and say what to mend."""

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
from crawler.commands.crawl import CrawlRequest, Watcher, crawl
from crawler.commands.explain import NotAUrlError, explain
from crawler.commands.interrupts import StoppedEarlyError
from crawler.evaluate.conflicts import find_conflicts
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.records import ApplicableStatement, Finding, ResourceEvidence
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import RunEnd
from crawler.model import Question, Statement
from crawler.reports.check import ASKED, AgentRow, Checked, Note, Unseen
from crawler.reports.explain import Explanation
from crawler.rulesets import RuleSet
from crawler.store.database import connect_read_only
from crawler.store.derived import rule_set
from crawler.urls import canonical
from crawler.vocab import Reads, Reject, State

#: Agents that a site owner asks about first; all of them are in the catalogue.
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
CONFLICT = "conflict.statements"
_LARGEST_EXCERPT = 200


class FailOn(StrEnum):
    """What may make a check fail. `reserved` is also conditional and partial."""

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
    """Which URLs to check, how to fetch, a rule set by name or file (None: `signals`), and the
    agent whose findings are wanted (None: everybody).
    """

    urls: tuple[str, ...]
    fetch: FetchOptions
    rules: str | None = None
    agent: str | None = None


def check(request: CheckRequest, watcher: Watcher | None = None) -> tuple[Checked, ...]:
    """Fetch, judge and lint; what was stored for it is gone afterwards.

    Raises `NotAUrlError` and `RuleSetError` before anything is asked, `StoppedEarlyError`.
    """
    most = _most_pages(request.urls)
    fetch = replace(request.fetch, pages=most, media=0 if media.missing() else most)
    with tempfile.TemporaryDirectory(prefix="tdm-audit-") as folder:
        db, dataset = Path(folder) / "check.db", Path(folder) / "urls.jsonl"
        dataset.write_text("".join(json.dumps({"url": u}) + "\n" for u in request.urls), "utf-8")
        asked = CrawlRequest(
            datasets=(str(dataset),),
            db=db,
            fetch=fetch,
            url_column="url",
            command=shlex.join(["tdm-audit", "check", *request.urls]),
            rules=request.rules,
        )
        if crawl(asked, watcher).ended is not RunEnd.FINISHED:
            raise StoppedEarlyError("stopped early by a signal; run the same command again")
        with closing(connect_read_only(db)) as connection:
            rules = rule_set(connection, None)
            return tuple(_checked(connection, url, rules, request.agent) for url in request.urls)


def _most_pages(urls: Iterable[str]) -> int:
    """The most URLs of one origin: each is visited itself. Raises `NotAUrlError`."""
    pages: Counter[str] = Counter()
    for url in urls:
        origin = canonical.origin_of(url)
        if isinstance(origin, Reject):
            raise NotAUrlError(f"{url!r} names no host that could be asked ({origin})")
        pages[canonical.origin_key(origin)] += 1
    return max(pages.values(), default=1)


def _checked(db: sqlite3.Connection, url: str, rules: RuleSet, agent: str | None) -> Checked:
    explanation = explain(db, url, rules, agent=agent, whole_origin=False)
    path = None if explanation.whole_origin else canonical.path_of(url)
    resources = explanation.resources
    notes = {*_issues(resources), *_differences(resources), *_conflicts(explanation.findings)}
    return Checked(
        explanation=explanation,
        agents=tuple(_agent(token, resources, path, rules) for token in _tokens(agent)),
        notes=tuple(sorted(notes, key=_order)),
        unseen=tuple(_unseen(db, explanation)),
    )


def _order(note: Note) -> tuple[str, str, int, str]:
    return note.code, note.url, note.line or 0, note.excerpt


def _tokens(agent: str | None) -> tuple[str, ...]:
    """The well-known agents, and the one asked about."""
    known = agent is None or agent.lower() in map(str.lower, WELL_KNOWN)
    return WELL_KNOWN if agent is None or known else (*WELL_KNOWN, agent)


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
    """Statements that only some readers see."""
    for evidence in resources:
        for protocol, _key, reading in evidence.readings:
            for statement in reading.statements:
                if statement.reads is not Reads.BOTH:
                    yield Note(
                        code=f"readers.{statement.reads}",
                        protocol=protocol.NAME,
                        url=evidence.url,
                        line=statement.line,
                        excerpt=_said(statement),
                    )


def _conflicts(findings: tuple[Finding, ...]) -> Iterator[Note]:
    """Pairs of statements that disagree under the rule set, each once, with their purposes."""
    pairs: dict[tuple[str, str], tuple[ApplicableStatement, ApplicableStatement, list[str]]] = {}
    for finding in findings:
        for a, b in find_conflicts(h for h in finding.considered if not h.excluded_because):
            _, _, purposes = pairs.setdefault((_cited(a), _cited(b)), (a, b, []))
            purposes.append(finding.purpose)
    for a, b, purposes in pairs.values():
        yield Note(
            code=CONFLICT,
            protocol=a.protocol.NAME,
            url=a.evidence.url,
            line=a.statement.line,
            excerpt=f"{', '.join(purposes)}: {_cited(a)} reserves, {_cited(b)} permits",
        )


def _cited(applicable: ApplicableStatement) -> str:
    """Protocol, place and words of a statement."""
    return (
        f"{applicable.protocol.TITLE}, {applicable.statement.place} ({_said(applicable.statement)})"
    )


def _said(statement: Statement) -> str:
    """A statement's own words, on one line."""
    return " ".join(statement.raw.split())[:_LARGEST_EXCERPT]


def _unseen(db: sqlite3.Connection, explanation: Explanation) -> Iterator[Unseen]:
    rows = db.execute(
        "SELECT resource, path, last_outcome, last_status, note FROM coverage "
        "WHERE origin = ? AND presence = 'unseen' ORDER BY resource, path",
        (explanation.origin,),
    )
    for resource, path, outcome, status, note in rows:
        yield Unseen(resource=resource, path=path, outcome=outcome, status=status, note=note)


def found(checked: Iterable[Checked], wanted: Iterable[FailOn]) -> tuple[FailOn, ...]:
    """Those of the wanted things that a check came upon, in their own order."""
    everything = tuple(checked)
    asked = set(wanted)
    return tuple(what for what in FailOn if what in asked and _is_found(everything, what))


def _is_found(checked: tuple[Checked, ...], what: FailOn) -> bool:
    findings = [f for one in checked for f in one.explanation.findings]
    match what:
        case FailOn.ISSUES:
            return any(note.code != CONFLICT for one in checked for note in one.notes)
        case FailOn.CONFLICT:
            return any(f.conflict for f in findings)
        case _:
            return any(f.state in _STATES[what] for f in findings)


__all__ = ["CheckRequest", "Checked", "FailOn", "check", "found"]
