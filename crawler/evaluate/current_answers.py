"""Choose, for each resource of an origin, the answer that counts now."""

import json
import re
from functools import lru_cache
from typing import NamedTuple

from crawler.model import fields_of
from crawler.protocols.parse import presence_at
from crawler.urls import canonical
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


class ObservationRow(NamedTuple):
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
    confirmed: "ObservationRow | None"

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


class CurrentAnswer(NamedTuple):
    """A planned resource: the row in force, and the key of the last attempt."""

    resource: Resource
    path: str
    row: ObservationRow
    last: int
    presence: Presence


@lru_cache(maxsize=1024)
def _headers(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))


def current_answers(rows: list[ObservationRow]) -> tuple[CurrentAnswer, ...]:
    """For each resource the last answer that showed something, else the last attempt.

    A failure after a good look never erases it: it is the `last` attempt beside it.
    """
    chains: dict[tuple[str, str], list[ObservationRow]] = {}
    for row in rows:
        where = row.asked if row.resource in _ELSEWHERE else _path_of(row.asked)
        chains.setdefault((row.resource, where), []).append(row)
    return tuple([_current_answer(*where, found) for where, found in sorted(chains.items())])


def _path_of(url: str) -> str:
    """What `names.path_of` gives, without its pains for URLs that are plain."""
    at = url.find("/", len("https://"))
    if at > 0 and len(url) <= canonical.LONGEST and _is_plain_host(url[:at]):
        path = url[at:]
        if _is_plain_path(path):
            return path
    return canonical.path_of(url)


@lru_cache(maxsize=8)
def _is_plain_host(root: str) -> bool:
    return _PLAIN_HOST.fullmatch(root) is not None


@lru_cache(maxsize=1024)
def _is_plain_path(path: str) -> bool:
    return _PLAIN_PATH.fullmatch(path) is not None


def _current_answer(resource: str, path: str, found: list[ObservationRow]) -> CurrentAnswer:
    ends = _final_responses(found) if len(found) > 1 else found
    last = ends[-1]
    presence = last.presence
    if presence is not Presence.UNSEEN:
        return CurrentAnswer(_RESOURCES[resource], path, last, last.key, presence)
    row = next((end for end in reversed(ends) if end.presence is not Presence.UNSEEN), last)
    return CurrentAnswer(_RESOURCES[resource], path, row, last.key, row.presence)


def _final_responses(found: list[ObservationRow]) -> list[ObservationRow]:
    """The last answer of each chain of redirects, in the order in which the chains began."""
    ends: dict[tuple[int, str], ObservationRow] = {}
    for row in found:
        end = ends.get((row.run, row.asked))
        if end is None or end.hop <= row.hop:
            ends[row.run, row.asked] = row
    return list(ends.values())
