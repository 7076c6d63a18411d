"""Answers of origins to the crawlers that collected rows of them; derived from evidence."""

import sqlite3
from collections.abc import Iterator

from crawler.evaluate.access import AgentAnswer
from crawler.evaluate.snapshot import OriginSnapshot
from crawler.vocab import Purpose

_ORIGINS_AT_ONCE = 1000


def unanswered(db: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the judged origins without an answer to a crawler of their rows, by number."""
    # In portions, so that no cursor is open while the caller writes.
    query = (
        "SELECT d.origin, dataset.crawler FROM dataset_origin AS d "
        "JOIN dataset ON dataset.id = d.dataset AND dataset.crawler != '' "
        "JOIN evaluated_visit AS e ON e.origin = d.origin "
        "WHERE d.origin > ?1 AND NOT EXISTS (SELECT 1 FROM agent_answer AS a "
        "WHERE a.origin = d.origin AND a.agent = dataset.crawler) "
        "GROUP BY d.origin, dataset.crawler ORDER BY d.origin, dataset.crawler LIMIT ?2"
    )
    last = 0
    while found := db.execute(query, (last, _ORIGINS_AT_ONCE)).fetchall():
        # The last origin may have more crawlers than the portion shows: it comes again.
        whole = [row for row in found if row[0] != found[-1][0]]
        whole = whole if whole and len(found) == _ORIGINS_AT_ONCE else found
        yield from whole
        last = whole[-1][0]


def drop_unneeded(db: sqlite3.Connection) -> None:
    """Delete the answers to crawlers that collected no rows that count, in the transaction."""
    db.execute(
        "DELETE FROM agent_answer WHERE NOT EXISTS (SELECT 1 FROM dataset_origin AS d "
        "JOIN dataset ON dataset.id = d.dataset "
        "WHERE d.origin = agent_answer.origin AND dataset.crawler = agent_answer.agent)"
    )


def save_answer(
    db: sqlite3.Connection, origin: int, agent: str, snapshot: OriginSnapshot, answer: AgentAnswer
) -> None:
    """Store an answer in the caller's transaction."""
    states = [answer.states[purpose] for purpose in Purpose]
    db.execute(
        "INSERT OR REPLACE INTO agent_answer "  # noqa: S608 - our own names
        f"(origin, agent, access, {', '.join(Purpose)}, observed_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (origin, agent, answer.access, *states, snapshot.newest_observed_at or None),
    )
