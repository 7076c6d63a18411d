"""Choose the current answer of each resource of an origin from its stored observations.

Rules for editors: a failure never replaces an earlier answer that showed something. It is only
recorded as the last attempt (docs/crawling.md).
"""

import json
import re
from functools import lru_cache
from typing import NamedTuple

from crawler import caches
from crawler.model import fields_of
from crawler.protocols.parse import presence_by_status
from crawler.urls import canonical
from crawler.vocab import EXTERNAL, Outcome, Presence, Resource

_EXTERNAL = frozenset(str(resource.value) for resource in EXTERNAL)
# Calling the enumeration costs several times as much, once for each resource of each origin.
_RESOURCES = {resource.value: resource for resource in Resource}
# URLs whose path can be cut off without parsing: 1.3 times as fast for a whole judging. The host
# has letters, digits and hyphens with a last label that is no number, or is an IPv4 address; the
# path has no dot segment and no octet that would be encoded. On such URLs `_path_of` must equal
# `urls.canonical.path_of`: a property test compares the two.
_NUMBER = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_PLAIN_HOST = re.compile(
    r"https?://(?=[^/]{1,253}\Z)(?!(?:[^/]*\.)?xn--)"
    rf"(?:(?:[a-z0-9-]{{1,63}}\.)+[a-z][a-z0-9-]{{0,62}}|{_NUMBER}(?:\.{_NUMBER}){{3}})"
    r"(?::[1-5]?\d{4})?"
)
_PLAIN_PATH = re.compile(r"(?:/(?:\.?[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)?)+")


class ObservationRow(NamedTuple):
    """A stored observation, with the columns that are evaluated.

    `key` is its number and `run` that of the crawl. `stored` is the digest of the stored body or
    extract, None without one. `asked` is the URL that the plan requested, `url` the one of this
    response, `hop` counts the redirects between them. `headers` is JSON, a list of pairs.
    `confirmed` is the stored response that a 304 revalidates (RFC 9111, 4.3.4).
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
    confirmed: "ObservationRow | None"

    @property
    def presence(self) -> Presence:
        """The presence of the resource by outcome and status, before any protocol reads it."""
        return presence_by_status(self.outcome, self.status, confirms=self.confirmed is not None)

    @property
    def is_redirect(self) -> bool:
        """True for a redirect. A 304 that revalidates a stored response is none."""
        answered = self.outcome == Outcome.RESPONDED and self.confirmed is None
        return answered and 300 <= (self.status or 0) < 400

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields, those of a revalidated response updated; see `Observation.fields`."""
        return fields_of(_headers(self.headers), self.confirmed and self.confirmed.fields)


class CurrentAnswer(NamedTuple):
    """The current answer of a planned resource.

    `row` is the observation that counts, `last` the key of the last attempt, which may be a
    later failure. `path` is as in `ResourceEvidence`.
    """

    resource: Resource
    path: str
    row: ObservationRow
    last: int
    presence: Presence


@lru_cache(maxsize=caches.HEADER_LISTS)
def _headers(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))


def current_answers(rows: list[ObservationRow]) -> tuple[CurrentAnswer, ...]:
    """Return for each resource the last answer that showed something, else the last attempt.

    `rows` are the observations of one origin in the order of their attempts. The result is
    sorted by resource and path.
    """
    by_resource: dict[tuple[str, str], list[ObservationRow]] = {}
    for row in rows:
        path = row.asked if row.resource in _EXTERNAL else _path_of(row.asked)
        by_resource.setdefault((row.resource, path), []).append(row)
    return tuple(
        [
            _current_answer(resource, path, own)
            for (resource, path), own in sorted(by_resource.items())
        ]
    )


def _path_of(url: str) -> str:
    """Return path and query of a URL: a fast path of `canonical.path_of` for plain URLs."""
    start = url.find("/", len("https://"))
    if start > 0 and len(url) <= canonical.MAX_URL_LENGTH and _is_plain_host(url[:start]):
        path = url[start:]
        if _is_plain_path(path):
            return path
    return canonical.path_of(url)


@lru_cache(maxsize=caches.PLAIN_HOSTS)
def _is_plain_host(root: str) -> bool:
    return _PLAIN_HOST.fullmatch(root) is not None


@lru_cache(maxsize=caches.PLAIN_PATHS)
def _is_plain_path(path: str) -> bool:
    return _PLAIN_PATH.fullmatch(path) is not None


def _current_answer(resource: str, path: str, rows: list[ObservationRow]) -> CurrentAnswer:
    finals = _final_responses(rows) if len(rows) > 1 else rows
    last = finals[-1]
    row, presence = last, last.presence
    if presence is Presence.UNSEEN:
        seen = (final for final in reversed(finals) if final.presence is not Presence.UNSEEN)
        row = next(seen, last)
        presence = row.presence
    return CurrentAnswer(_RESOURCES[resource], path, row, last.key, presence)


def _final_responses(rows: list[ObservationRow]) -> list[ObservationRow]:
    """Return the final response of each chain of redirects, in the order of their first requests.

    A chain is known by its run and the URL requested; of equal hops the later response counts.
    """
    finals: dict[tuple[int, str], ObservationRow] = {}
    for row in rows:
        final = finals.get((row.run, row.asked))
        if final is None or final.hop <= row.hop:
            finals[row.run, row.asked] = row
    return list(finals.values())
