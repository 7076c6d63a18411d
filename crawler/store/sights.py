"""Evidence out: an origin's observations, and which of them are in force."""

import json
import re
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from crawler import names
from crawler.model import Confirmed, Observation, Target, fields_of
from crawler.protocols._driver import presence_at
from crawler.vocab import Outcome, Presence, Resource

#: Resources of other hosts; those of the origin itself are told apart by path, not by scheme.
_ELSEWHERE = frozenset(
    str(resource.value)
    for resource in (
        Resource.TDM_POLICY,
        Resource.RSL_LICENSE,
        Resource.OTHER_ROBOTS_TXT,
        Resource.TERMS,
    )
)
_RESOURCES = {resource.value: resource for resource in Resource}
# A URL of which nothing is resolved: no dot segment, no octet that would be encoded.
# Its host is one of letters, digits and hyphens with a last label that is no number.
_PLAIN = re.compile(
    r"https?://(?=[^/]{1,253}/)(?!(?:[^/]*\.)?xn--)(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}"
    r"((?:/(?:\.?[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)?)+)"
)


class Row(NamedTuple):
    """An observation as stored: its key, its run, the digest of what was kept, and the rest as
    in the database; `confirmed` is the answer that a 304 confirms.
    """

    key: int
    run: int
    stored: str | None
    resource: str
    asked: str
    hop: int
    url: str
    outcome: str
    status: int | None
    headers: str
    size: int
    truncated: int
    observed_at: str
    elapsed_ms: int
    address: str
    note: str
    tls_version: str
    tls_certificate: str
    tls_verified: str
    confirmed: "Row | None"

    @property
    def presence(self) -> Presence:
        """Whether the resource was there, before anybody reads it."""
        return presence_at(self.outcome, self.status, confirms=self.confirmed is not None)

    @property
    def is_redirect(self) -> bool:
        """Whether the answer leads elsewhere; a 304 leads to what is stored."""
        answered = self.outcome == Outcome.RESPONDED and self.confirmed is None
        return answered and 300 <= (self.status or 0) < 400

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields as they read, see `Observation.fields`."""
        return fields_of(_headers(self.headers), self.confirmed and self.confirmed.fields)

    @property
    def observation(self) -> Observation:
        """The observation, without the bytes that were kept of it."""
        return Observation(
            target=Target(
                resource=_RESOURCES[self.resource], asked=self.asked, url=self.url, hop=self.hop
            ),
            outcome=Outcome(self.outcome),
            status=self.status,
            headers=_headers(self.headers),
            size=self.size,
            truncated=bool(self.truncated),
            started_at=self.observed_at,
            elapsed_ms=self.elapsed_ms,
            address=self.address,
            note=self.note,
            tls_version=self.tls_version,
            tls_certificate=self.tls_certificate,
            tls_verified=self.tls_verified,
            confirms=self.confirmed and _confirmed(self.confirmed),
        )


class InForce(NamedTuple):
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
    for facts in found:
        confirmed = facts[-1] and (*facts[:-1], rows.get(facts[-1]))
        rows[facts[0]] = Row._make(confirmed or facts)
    return list(rows.values())


@lru_cache(maxsize=1024)
def _headers(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))


def _confirmed(row: Row) -> Confirmed:
    return Confirmed(observation=row.key, headers=row.fields)


def in_force(rows: list[Row]) -> tuple[InForce, ...]:
    """For each resource the last answer that showed something, else the last attempt.

    A failure after a good look never erases it: it is the `last` attempt beside it.
    """
    chains: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        where = row.asked if row.resource in _ELSEWHERE else _path_of(row.asked)
        chains.setdefault((row.resource, where), []).append(row)
    return tuple([_choose(*where, found) for where, found in sorted(chains.items())])


def _path_of(url: str) -> str:
    """What `names.path_of` gives, without its pains for URLs that are plain."""
    plain = _PLAIN.fullmatch(url) if len(url) <= names.LONGEST else None
    return plain[1] if plain else names.path_of(url)


def _choose(resource: str, path: str, found: list[Row]) -> InForce:
    ends = _ends(found) if len(found) > 1 else found
    last = ends[-1]
    presence = last.presence
    if presence is not Presence.UNSEEN:
        return InForce(_RESOURCES[resource], path, last, last.key, presence)
    row = next((end for end in reversed(ends) if end.presence is not Presence.UNSEEN), last)
    return InForce(_RESOURCES[resource], path, row, last.key, row.presence)


def _ends(found: list[Row]) -> list[Row]:
    """The last answer of each chain of redirects, in the order in which the chains began."""
    ends: dict[tuple[int, str], Row] = {}
    for row in found:
        end = ends.get((row.run, row.asked))
        if end is None or end.hop <= row.hop:
            ends[row.run, row.asked] = row
    return list(ends.values())
