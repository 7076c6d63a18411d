"""`explain`: the findings for one URL or origin from the database, with their evidence."""

import sqlite3

from crawler.errors import UserError, WrongUsageError
from crawler.evaluate.evaluator import evaluate
from crawler.model import Question
from crawler.reports.explain import Explanation, Source
from crawler.rulesets import RuleSet
from crawler.store.evidence_reader import snapshot_reader
from crawler.store.queries import find_origin, sources
from crawler.urls import canonical
from crawler.vocab import Reject


class NotAUrlError(WrongUsageError):
    """The text names no origin; the message says why."""


class NeverAskedError(UserError):
    """The origin is not in the database; the message says what to do."""


def explain(
    db: sqlite3.Connection, url: str, rules: RuleSet, *, agent: str | None, whole_origin: bool
) -> Explanation:
    """Return the findings for a URL, or for its whole origin, with their evidence.

    A host without a path stands for its whole origin. Raises `NotAUrlError` and `NeverAskedError`.
    """
    origin = canonical.origin_of(url)
    if isinstance(origin, Reject):
        raise NotAUrlError(f"{url!r} names no host that could be asked ({origin})")
    known = find_origin(db, canonical.origin_key(origin))
    if known is None:
        raise NeverAskedError(
            f"{origin.url} is not in this database; `tdm-audit crawl` a dataset that names it"
        )
    whole_origin = whole_origin or canonical.names_whole_origin(url)
    path = None if whole_origin else canonical.path_of(url)
    number, origin_url = known
    snapshot = snapshot_reader(db).load(number)
    findings = evaluate(snapshot.resources, Question(path=path, agent=agent), rules)
    seen = {s.observation for s in snapshot.resources}
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
    )
