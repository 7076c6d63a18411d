"""Evidence out: an origin's observations, and which of them are in force."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace

from crawler.model import Confirmed, Observation, Target
from crawler.names import path_of
from crawler.protocols._driver import presence_of
from crawler.store.evidence import load_body
from crawler.vocab import EXTRACTED, Outcome, Presence, Resource

#: Resources of other hosts; those of the origin itself are told apart by path, not by scheme.
_ELSEWHERE = frozenset(
    {Resource.TDM_POLICY, Resource.RSL_LICENSE, Resource.OTHER_ROBOTS_TXT, Resource.TERMS}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An observation as stored: its key, its run, the digest of what was kept, and the rest."""

    key: int
    run: int
    stored: str | None
    observation: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A planned resource: the row in force, and the key of the last attempt."""

    resource: Resource
    path: str
    row: Row
    last: int
    presence: Presence


def origins_to_judge(db: sqlite3.Connection, run: int | None) -> Iterator[int]:
    """Origins with evidence, all of them or those visited in one run, in order."""
    if run is None:
        query = "SELECT DISTINCT origin FROM visit WHERE origin > ? ORDER BY origin LIMIT 1000"
    else:
        query = "SELECT origin FROM visit WHERE origin > ? AND run = ? ORDER BY origin LIMIT 1000"
    last = 0
    while True:
        found = db.execute(query, (last,) if run is None else (last, run)).fetchall()
        if not found:
            return
        for (origin,) in found:
            yield origin
        last = found[-1][0]


def origins_waiting(db: sqlite3.Connection) -> Iterator[int]:
    """Origins that were visited since they were judged, or never were, in order."""
    query = (
        "SELECT v.origin FROM visit AS v LEFT JOIN judged AS j ON j.origin = v.origin "
        "WHERE v.origin > ? AND v.run > coalesce(j.run, 0) "
        "GROUP BY v.origin ORDER BY v.origin LIMIT 1000"
    )
    last = 0
    while found := db.execute(query, (last,)).fetchall():
        for (origin,) in found:
            yield origin
        last = found[-1][0]


def rows_of(db: sqlite3.Connection, origin: int) -> list[Row]:
    """Everything observed of an origin, oldest first; bodies are not loaded."""
    found = db.execute(
        "SELECT id, run, stored, resource, asked, hop, url, outcome, status, headers, size, "
        "truncated, observed_at, elapsed_ms, address, note, tls_version, tls_certificate, "
        "tls_verified, confirms FROM observation WHERE origin = ? ORDER BY run, id",
        (origin,),
    )
    rows: dict[int, Row] = {}
    for *facts, confirms in found:
        rows[facts[0]] = _row(*facts, confirms=rows.get(confirms))
    return list(rows.values())


def _row(
    key: int,
    run: int,
    stored: str | None,
    resource: str,
    asked: str,
    hop: int,
    url: str,
    outcome: str,
    status: int | None,
    headers: str,
    size: int,
    truncated: int,
    observed_at: str,
    elapsed_ms: int,
    address: str,
    note: str,
    tls_version: str,
    tls_certificate: str,
    tls_verified: str,
    *,
    confirms: Row | None,
) -> Row:
    observation = Observation(
        target=Target(resource=Resource(resource), asked=asked, url=url, hop=hop),
        outcome=Outcome(outcome),
        status=status,
        headers=tuple((name, value) for name, value in json.loads(headers)),
        size=size,
        truncated=bool(truncated),
        started_at=observed_at,
        elapsed_ms=elapsed_ms,
        address=address,
        note=note,
        tls_version=tls_version,
        tls_certificate=tls_certificate,
        tls_verified=tls_verified,
        confirms=_confirmed(confirms),
    )
    return Row(key=key, run=run, stored=stored, observation=observation)


def _confirmed(row: Row | None) -> Confirmed | None:
    if row is None:
        return None
    return Confirmed(observation=row.key, headers=row.observation.fields)


def in_force(rows: list[Row]) -> tuple[InForce, ...]:
    """For each resource the last answer that showed something, else the last attempt.

    A failure after a good look never erases it: it is the `last` attempt beside it.
    """
    chains: dict[tuple[Resource, str], dict[tuple[int, str], Row]] = {}
    for row in rows:
        target = row.observation.target
        where = target.asked if target.resource in _ELSEWHERE else path_of(target.asked)
        ends = chains.setdefault((target.resource, where), {})
        end = ends.get((row.run, target.asked))
        if end is None or end.observation.target.hop <= target.hop:
            ends[row.run, target.asked] = row
    return tuple(_choose(*where, list(ends.values())) for where, ends in sorted(chains.items()))


def _choose(resource: Resource, path: str, ends: list[Row]) -> InForce:
    seen = [row for row in ends if presence_of(row.observation) is not Presence.UNSEEN]
    row = seen[-1] if seen else ends[-1]
    presence = presence_of(row.observation)
    return InForce(resource=resource, path=path, row=row, last=ends[-1].key, presence=presence)


def with_content(db: sqlite3.Connection, row: Row) -> Observation:
    """The observation with the bytes that were kept of it."""
    content = load_body(db, row.stored) if row.stored else None
    if content is None:
        return row.observation
    if row.observation.target.resource in EXTRACTED:
        return replace(row.observation, extract=content)
    return replace(row.observation, body=content)
