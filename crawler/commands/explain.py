"""`explain`: the findings for one URL or origin from the database, with their evidence."""

import sqlite3
from typing import NamedTuple

from crawler.errors import UserError, WrongUsageError
from crawler.evaluate.as_of import AsOfVerdict, Timeline, Told, told_by, without_looks
from crawler.evaluate.evaluator import evaluate, evaluate_rule_sets
from crawler.evaluate.pieces import Piece
from crawler.evaluate.records import Finding, ResourceEvidence
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.evaluate.url_verdicts import NEVER_ASKED, unknown_verdict
from crawler.instants import Instant
from crawler.model import Question
from crawler.reports.as_of import AsOf
from crawler.reports.explain import Explanation, Source
from crawler.rulesets import RuleSet
from crawler.store import runs
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import find_origin, sources, withheld
from crawler.urls import canonical
from crawler.vocab import AsOfBasis, Reject


class NotAUrlError(WrongUsageError):
    """The text names no origin; the message says why."""


class NeverAskedError(UserError):
    """The origin is not in the database; the message says what to do."""


def explain(
    db: sqlite3.Connection,
    url: str,
    rules: RuleSet,
    *,
    agent: str | None,
    whole_origin: bool,
    as_of: Instant | None = None,
    max_distance: int | None = None,
) -> Explanation:
    """Return the findings for a URL, or for its whole origin, with their evidence.

    A host without a path stands for its whole origin. With `as_of` they are those of a time in the
    past, from looks that were at most `max_distance` milliseconds before it. Raises `NotAUrlError`
    and `NeverAskedError`.
    """
    origin = canonical.origin_of(url)
    if isinstance(origin, Reject):
        raise NotAUrlError(f"{url!r} names no host that could be asked ({origin})")
    known = find_origin(db, canonical.origin_key(origin))
    if known is None:
        raise NeverAskedError(
            f"{origin.url} is not in this database: none of its datasets names it; `tdm-audit "
            "crawl` one that does (for an audit in parts, `tdm-audit plan` and `crawl`)"
        )
    whole_origin = whole_origin or canonical.names_whole_origin(url)
    path = None if whole_origin else canonical.path_of(url)
    number, origin_url = known
    question = Question(path=path, agent=agent)
    reader = snapshot_reader(db)
    told: AsOf | None = None
    if as_of is None:
        snapshot = reader.load(number)
        findings = evaluate(snapshot.resources, question, rules)
        shown = [snapshot.resources]
    else:
        line = Timeline(reader.rows_of(number), reader.snapshot_of, max_distance, runs.archives(db))
        found = _at(line, line.piece(as_of), question, rules)
        snapshot, findings = found.snapshot, found.findings
        told = AsOf(instant=as_of, answers=found.answers, later=found.later)
        shown = found.shown
    seen = {evidence.observation for resources in shown for evidence in resources}
    return Explanation(
        url=url,
        origin=origin_url,
        site=origin.site,
        whole_origin=whole_origin,
        agent=agent,
        rules=rules,
        findings=findings,
        resources=snapshot.resources,
        sources={key: Source(**facts) for key, facts in sources(db, seen).items()},
        as_of=told,
        withheld=withheld(db, seen),
    )


class _Found(NamedTuple):
    """Findings and answers for a piece of a time line.

    `snapshot` is the evidence before it, `shown` are all resources that findings cite.
    """

    snapshot: OriginSnapshot
    findings: tuple[Finding, ...]
    answers: tuple[AsOfVerdict, ...]
    later: tuple[Finding | None, ...]
    shown: list[tuple[ResourceEvidence, ...]]


def _at(line: Timeline, piece: Piece, question: Question, rules: RuleSet) -> _Found:
    def findings_of(n: int) -> tuple[Finding, ...]:
        return evaluate(line.snapshot(n).resources, question, rules)

    def ask(snapshot: OriginSnapshot) -> tuple[Told, ...]:
        _, (findings,) = evaluate_rule_sets(snapshot.resources, question, (rules,))
        return told_by(findings, snapshot, rules)

    before = piece.before - 1
    judged = findings_of(before)
    if not line.looks:
        unknown = (unknown_verdict(NEVER_ASKED, f.purpose, rules) for f in judged)
        never = tuple(without_looks(verdict, AsOfBasis.NEVER_ASKED) for verdict in unknown)
        return _Found(line.snapshot(-1), judged, never, (None,) * len(never), [])
    answers = line.answers(piece, ask)
    # A look that failed is no event: what the one before it told is cited.
    findings = tuple(
        judged[n] if a.known in (-1, before) else findings_of(a.known)[n]
        for n, a in enumerate(answers)
    )
    later = tuple(None if a.after < 0 else findings_of(a.after)[n] for n, a in enumerate(answers))
    cited = {before, *(a.known for a in answers), *(a.after for a in answers)}
    return _Found(
        line.snapshot(before),
        findings,
        tuple(answer.verdict for answer in answers),
        later,
        [line.snapshot(n).resources for n in sorted(cited)],
    )
