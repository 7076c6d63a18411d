"""Verdicts that were worked out already, and the shapes that tell an origin's URLs apart."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from crawler.evaluate.url_verdicts import DEFAULT, Verdict
from crawler.protocols.url_patterns import UrlPattern
from crawler.store.evidence_writer import text

_COLUMNS = "state, reserved, purpose, basis, policy_url, observed_at, rules"


class OriginVerdicts(NamedTuple):
    """An origin by its key: its number, whether it was visited, and its usual verdict for each
    purpose asked about (none where that was not worked out, or where there is none).
    """

    key: str
    origin: int
    visited: bool
    usual: tuple[Verdict, ...]


def shape_rows(shapes: Iterable[UrlPattern]) -> list[tuple[object, ...]]:
    """What a reading tells apart, as rows without its key."""
    return [(n, shape.of, text(shape.like)) for n, shape in enumerate(shapes, start=1)]


def save(
    db: sqlite3.Connection,
    agent: str | None,
    new_verdicts: Iterable[tuple[int, str, Sequence[Verdict]]],
) -> None:
    """Store verdicts by origin and what they are for (see `outlook`)."""
    db.executemany(
        "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (origin, *row(agent, what, verdict), verdict.observed_at)
            for origin, what, verdicts in new_verdicts
            for verdict in verdicts
        ],
    )


def row(agent: str | None, what: str, v: Verdict) -> tuple[object, ...]:
    """A verdict as it is stored, but for the origin and the time of the evidence."""
    policy = None if v.policy_url is None else text(v.policy_url)
    return (v.rules, agent or "", text(what), v.purpose, v.state, v.reserved, v.basis, policy)


def origin_verdicts(
    db: sqlite3.Connection, rules: str, agent: str | None, purposes: Sequence[str]
) -> Iterator[OriginVerdicts]:
    """Every origin of the database, in the order of numbers."""
    marks = ", ".join("?" * len(purposes))
    rows = db.execute(
        "SELECT o.key, o.id, EXISTS (SELECT 1 FROM visit WHERE visit.origin = o.id), "  # noqa: S608 - marks only
        "v.state, v.reserved, v.purpose, v.basis, v.policy_url, v.observed_at, v.rules "
        "FROM origin AS o LEFT JOIN verdict AS v ON v.origin = o.id AND v.rules = ? "
        f"AND v.agent = ? AND v.what = ? AND v.purpose IN ({marks}) ORDER BY o.id",
        (rules, agent or "", DEFAULT, *purposes),
    )
    for (key, origin, visited), found in groupby(rows, key=itemgetter(0, 1, 2)):
        usual = tuple(_verdict(*row[3:]) for row in found if row[3] is not None)
        yield OriginVerdicts(key, origin, bool(visited), usual)


def _verdict(state: str, reserved: int | None, *rest: Any) -> Verdict:
    return Verdict(state, None if reserved is None else bool(reserved), *rest)


def exceptional_verdicts(
    db: sqlite3.Connection, rules: str, agent: str | None, purposes: Sequence[str]
) -> Iterator[tuple[int, str, tuple[Verdict, ...]]]:
    """Verdicts that are not the usual ones: origin, what they are for, and what they are."""
    marks = ", ".join("?" * len(purposes))
    rows = db.execute(
        f"SELECT origin, what, {_COLUMNS} FROM verdict WHERE rules = ? AND agent = ? "  # noqa: S608 - our own names
        f"AND what <> ? AND purpose IN ({marks}) ORDER BY origin, what",
        (rules, agent or "", DEFAULT, *purposes),
    )
    for (origin, what), found in groupby(rows, key=itemgetter(0, 1)):
        yield origin, what, tuple(_verdict(*row[2:]) for row in found)


def url_patterns(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """What each reading tells apart, as JSON: pairs of what is compared and a pattern of SQL."""
    yield from db.execute(
        "SELECT reading, json_group_array(json_array(compared, pattern)) FROM shape "
        "GROUP BY reading"
    )


def readings_of_origins(db: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Origins and the readings of their documents in force that tell URLs apart."""
    yield from db.execute(
        "SELECT DISTINCT sight.origin, found.reading "
        "FROM (SELECT DISTINCT reading FROM shape) AS found "
        "CROSS JOIN read_from ON read_from.reading = found.reading "
        "CROSS JOIN observation ON observation.id = read_from.observation "
        "CROSS JOIN sight ON sight.origin = observation.origin "
        "AND sight.observation = observation.id"
    )
