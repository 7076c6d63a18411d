"""Verdicts that were computed already, and the URL patterns that they depend on."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from crawler.evaluate.records import PageShare
from crawler.evaluate.url_verdicts import DEFAULT, Verdict
from crawler.protocols.url_patterns import UrlPattern
from crawler.store.evidence_reader import origins_waiting
from crawler.store.evidence_writer import text

#: The columns of `verdict` in the order in which `row` fills them; the origin comes before these,
#: the time of the evidence after them.
STORED_COLUMNS = (
    "origin, rules, agent, pattern_set, purpose, state, reserved, basis, policy_url, stale, "
    "malformed, pages_reserving, pages_seen, observed_at"
)
_MARKS = ", ".join("?" for _ in STORED_COLUMNS.split(", "))
# The fields of a `Verdict` in their order.
_FIELDS = (
    "v.state, v.reserved, v.purpose, v.basis, v.policy_url, v.observed_at, v.rules, v.stale, "
    "looked.looked_at, v.malformed, v.pages_reserving, v.pages_seen"
)


class OriginVerdicts(NamedTuple):
    """An origin and its default verdicts.

    `key` is its key and `origin` its number. `usual` has a verdict for each purpose asked about; it
    is empty where not all were computed, and where the origin has no default.
    """

    key: str
    origin: int
    visited: bool
    usual: tuple[Verdict, ...]


def pattern_rows(patterns: Iterable[UrlPattern]) -> list[tuple[object, ...]]:
    """Return the URL patterns of a reading as rows of `url_pattern`, without its key."""
    return [
        (n, pattern.part, text(pattern.sql_pattern)) for n, pattern in enumerate(patterns, start=1)
    ]


def save(
    db: sqlite3.Connection,
    agent: str | None,
    new_verdicts: Iterable[tuple[int, str, Sequence[Verdict]]],
) -> None:
    """Store verdicts by origin and pattern set (see `evaluate.url_verdicts`).

    Those of origins that wait to be judged are left out: who judges them takes what is stored to
    be of the visits before (`unchanged`).
    """
    waiting = set(origins_waiting(db))
    db.executemany(
        f"INSERT INTO verdict ({STORED_COLUMNS}) VALUES ({_MARKS}) "  # noqa: S608 - our own names
        "ON CONFLICT DO NOTHING",
        [
            (origin, *row(agent, pattern_set, verdict), verdict.observed_at)
            for origin, pattern_set, verdicts in new_verdicts
            if origin not in waiting
            for verdict in verdicts
        ],
    )


def row(agent: str | None, pattern_set: str, v: Verdict) -> tuple[object, ...]:
    """Return a row of `verdict` without the origin and the time of the evidence."""
    policy = None if v.policy_url is None else text(v.policy_url)
    return (
        v.rules,
        agent or "",
        text(pattern_set),
        v.purpose,
        v.state,
        v.reserved,
        None if v.basis is None else text(v.basis),
        policy,
        int(v.stale),
        int(v.malformed),
        v.pages_reserving,
        v.pages_seen,
    )


def origin_verdicts(
    db: sqlite3.Connection, rules: str, agent: str | None, purposes: Sequence[str]
) -> Iterator[OriginVerdicts]:
    """Yield every origin of the database, ordered by number."""
    marks = ", ".join("?" * len(purposes))
    rows = db.execute(
        "SELECT o.key, o.id, EXISTS (SELECT 1 FROM visit WHERE visit.origin = o.id), "  # noqa: S608 - marks only
        f"{_FIELDS} FROM origin AS o "
        "LEFT JOIN verdict AS v ON v.origin = o.id AND v.rules = ? "
        f"AND v.agent = ? AND v.pattern_set = ? AND v.purpose IN ({marks}) "
        "LEFT JOIN evaluated_visit AS looked ON looked.origin = o.id ORDER BY o.id",
        (rules, agent or "", DEFAULT, *purposes),
    )
    for (key, origin, visited), found in groupby(rows, key=itemgetter(0, 1, 2)):
        usual = tuple(_verdict(*row[3:]) for row in found if row[3] is not None)
        is_whole = len(usual) == len(purposes)
        yield OriginVerdicts(key, origin, bool(visited), usual if is_whole else ())


def _verdict(state: str, reserved: int | None, *rest: Any) -> Verdict:
    verdict = Verdict(state, None if reserved is None else bool(reserved), *rest)
    verdict = verdict._replace(stale=bool(verdict.stale), malformed=bool(verdict.malformed))
    if verdict.pages_reserving is None or verdict.pages_seen is None:
        return verdict
    return verdict.with_share(PageShare(verdict.pages_reserving, verdict.pages_seen))


def exceptional_verdicts(
    db: sqlite3.Connection, rules: str, agent: str | None, purposes: Sequence[str]
) -> Iterator[tuple[int, str, tuple[Verdict, ...]]]:
    """Yield the verdicts other than the default ones: origin, pattern set, verdicts.

    Those that were not computed for all purposes are left out.
    """
    marks = ", ".join("?" * len(purposes))
    rows = db.execute(
        f"SELECT v.origin, v.pattern_set, {_FIELDS} FROM verdict AS v "  # noqa: S608 - our own names
        "LEFT JOIN evaluated_visit AS looked ON looked.origin = v.origin "
        f"WHERE v.rules = ? AND v.agent = ? AND v.pattern_set <> ? AND v.purpose IN ({marks}) "
        "ORDER BY v.origin, v.pattern_set",
        (rules, agent or "", DEFAULT, *purposes),
    )
    for (origin, pattern_set), found in groupby(rows, key=itemgetter(0, 1)):
        verdicts = tuple(_verdict(*row[2:]) for row in found)
        if len(verdicts) == len(purposes):
            yield origin, pattern_set, verdicts


def url_patterns(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield readings with their URL patterns, a JSON array of (compared part, pattern of LIKE)."""
    yield from db.execute(
        "SELECT reading, json_group_array(json_array(compared, pattern)) FROM url_pattern "
        "GROUP BY reading"
    )


def readings_of_origins(db: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield origins with the readings of their current evidence that have URL patterns."""
    # CROSS JOIN keeps the order of the joins: few readings have patterns, so they come first.
    yield from db.execute(
        "SELECT DISTINCT resource_evidence.origin, with_patterns.reading "
        "FROM (SELECT DISTINCT reading FROM url_pattern) AS with_patterns "
        "CROSS JOIN observation_reading ON observation_reading.reading = with_patterns.reading "
        "CROSS JOIN observation_row AS o ON o.id = observation_reading.observation "
        "CROSS JOIN resource_evidence ON resource_evidence.origin = o.origin "
        "AND resource_evidence.observation = o.id"
    )
