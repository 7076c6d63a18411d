"""Evidence out: an origin's observations, and which of them are in force."""

import json
import re
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from crawler import names
from crawler.model import fields_of
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
_IN_ORDER = itemgetter(1, 0)
_RESOURCES = {resource.value: resource for resource in Resource}
# A URL of which nothing is resolved. Its host is one of letters, digits and hyphens with a last
# label that is no number, or an address; its path has no dot segment and no octet that would be
# encoded.
_NUMBER = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_PLAIN_HOST = re.compile(
    r"https?://(?=[^/]{1,253}\Z)(?!(?:[^/]*\.)?xn--)"
    rf"(?:(?:[a-z0-9-]{{1,63}}\.)+[a-z][a-z0-9-]{{0,62}}|{_NUMBER}(?:\.{_NUMBER}){{3}})"
    r"(?::[1-5]?\d{4})?"
)
_PLAIN_PATH = re.compile(r"(?:/(?:\.?[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)?)+")


class Row(NamedTuple):
    """What there is to judge of an observation as stored: its key, its run, the digest of what was
    kept, and the rest as in the database; `confirmed` is the answer that a 304 confirms.
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
    truncated: int
    observed_at: str
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
        "SELECT id, run, stored, resource, asked, hop, url, outcome, status, headers, truncated, "
        "observed_at, confirms FROM observation WHERE origin = ?",
        (origin,),
    ).fetchall()
    found.sort(key=_IN_ORDER)  # sorted by SQLite, every column would be written once more
    rows: dict[int, Row] = {}
    for facts in found:
        confirmed = facts[-1] and (*facts[:-1], rows.get(facts[-1]))
        rows[facts[0]] = Row._make(confirmed or facts)
    return list(rows.values())


@lru_cache(maxsize=1024)
def _headers(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))


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
    at = url.find("/", len("https://"))
    if at > 0 and len(url) <= names.LONGEST and _is_plain_host(url[:at]):
        path = url[at:]
        if _is_plain_path(path):
            return path
    return names.path_of(url)


@lru_cache(maxsize=8)
def _is_plain_host(root: str) -> bool:
    return _PLAIN_HOST.fullmatch(root) is not None


@lru_cache(maxsize=1024)
def _is_plain_path(path: str) -> bool:
    return _PLAIN_PATH.fullmatch(path) is not None


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
