"""Choose the current answer of each resource of an origin from its stored observations.

Rules for editors: a failure never replaces an earlier answer that showed something. It is only
recorded as the last attempt (docs/reference/crawling.md).
"""

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from crawler import caches
from crawler.evaluate.records import LastFailure
from crawler.model import fields_of, value_of
from crawler.protocols import FIELD_NAMES
from crawler.protocols.parse import is_refusal_of_us, presence_by_status
from crawler.urls import canonical
from crawler.vocab import EXTERNAL, Outcome, Presence, Resource

Fields = tuple[tuple[str, str], ...]

#: The header fields of an observation that was redacted, as they are stored.
WITHHELD = "null"

_ANSWERED = frozenset((Outcome.RESPONDED.value, Outcome.TOO_LARGE.value))
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
    `note` says why something failed, in a few words.
    `confirmed` is the stored response that a 304 revalidates (RFC 9111, 4.3.4). `certificate` is
    the digest of the server's certificate, empty unless it verified.
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
    note: str
    confirmed: "ObservationRow | None"
    certificate: str = ""

    @property
    def presence(self) -> Presence:
        """The presence of the resource by outcome and status, before any protocol reads it."""
        return presence_by_status(self.outcome, self.status, confirms=self.confirmed is not None)

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields, those of a revalidated response updated; see `Observation.fields`."""
        return fields_of(_headers(self.headers) or (), self.confirmed and self.confirmed.fields)

    @property
    def is_withheld(self) -> bool:
        """Return whether header fields were erased on purpose, here or in what is confirmed."""
        is_withheld = self.headers == WITHHELD
        return is_withheld or (self.confirmed is not None and self.confirmed.is_withheld)

    @property
    def is_damaged(self) -> bool:
        """Return whether the stored header fields are no list of fields any more.

        Those that are withheld are none either: nothing was seen of them.
        """
        is_damaged = _headers(self.headers) is None
        return is_damaged or (self.confirmed is not None and self.confirmed.is_damaged)


class OtherResponse(NamedTuple):
    """A response besides the current answer whose header fields count.

    `since` is the UTC time of the first look that showed the same fields there. `last_failure` is
    that of the resource, None for a response of the last attempt.
    """

    row: ObservationRow
    since: str
    last_failure: LastFailure | None


class CurrentAnswer(NamedTuple):
    """The current answer of a planned resource.

    `row` is the observation that counts, `last` the last attempt, which may be a later failure.
    `path`, `since` and `last_failure` are as in `ResourceEvidence`. `others` are further
    responses whose header fields count: the redirects that led to `row`, `row` itself if it is
    an error, and all responses of the last attempt.
    """

    resource: Resource
    path: str
    row: ObservationRow
    last: ObservationRow
    presence: Presence
    since: str
    last_failure: LastFailure | None
    others: tuple[OtherResponse, ...]


@lru_cache(maxsize=caches.HEADER_LISTS)
def _headers(text: str) -> tuple[tuple[str, str], ...] | None:
    """Return header fields from their JSON, None if it is damaged."""
    try:
        fields = tuple([(name, value) for name, value in json.loads(text)])
    except (ValueError, TypeError, RecursionError):
        return None
    are_texts = all(isinstance(part, str) for field in fields for part in field)
    return fields if are_texts else None


def current_answers(rows: list[ObservationRow]) -> tuple[CurrentAnswer, ...]:
    """Return for each resource the last answer that showed something, else the last attempt.

    `rows` are the observations of one origin in the order of their time. The result is sorted by
    resource and path.
    """
    by_resource: dict[tuple[str, str], list[ObservationRow]] = {}
    for row in rows:
        place = place_of(row.resource, row.asked)
        by_resource.setdefault((row.resource, place), []).append(row)
    return tuple(
        [
            _current_answer(resource, path, own)
            for (resource, path), own in sorted(by_resource.items())
        ]
    )


def place_of(resource: str, asked: str) -> str:
    """Return what looks at one place have in common: the path, or a URL that may be elsewhere."""
    return asked if resource in _EXTERNAL else _path_of(asked)


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
    chains = chains_of(rows)
    last = chains[-1]
    shown = next((c for c in reversed(chains) if c[-1].presence is not Presence.UNSEEN), last)
    row = shown[-1]
    position = chains.index(shown)
    failure = _last_failure(row, [chain[-1] for chain in chains[position:]])
    return CurrentAnswer(
        resource=_RESOURCES[resource],
        path=path,
        row=row,
        last=last[-1],
        presence=row.presence,
        since=_since([chain[-1] for chain in chains[: position + 1]]),
        last_failure=failure,
        others=_others(chains, position, failure),
    )


def chains_of(rows: list[ObservationRow]) -> list[list[ObservationRow]]:
    """Return the chains of redirects, in the order of their first requests, each by its hops.

    A chain is known by its run and the URL requested. Where a run has several captures of a URL,
    a hop that is there already begins the next chain.
    """
    if len(rows) == 1:
        return [rows]
    chains: list[dict[int, ObservationRow]] = []
    latest: dict[tuple[int, str], dict[int, ObservationRow]] = {}
    for row in rows:
        chain = latest.get((row.run, row.asked))
        if chain is None or row.hop in chain:
            chain = latest[row.run, row.asked] = {}
            chains.append(chain)
        chain[row.hop] = row
    return [[chain[hop] for hop in sorted(chain)] for chain in chains]


def _since(finals: list[ObservationRow]) -> str:
    """Return the time of the first look that showed the content of the last of `finals`.

    Failed looks in between do not end the time that something is known to stand.
    """
    *earlier, row = finals
    since = row.observed_at
    for final in reversed(earlier):
        if final.presence is Presence.UNSEEN:
            continue
        is_unlike = final.stored != row.stored or _signal_fields(final) != _signal_fields(row)
        if is_unlike or final.is_withheld:
            break
        since = final.observed_at
    return since


def _signal_fields(row: ObservationRow) -> Fields:
    """Return the header fields that any protocol reads."""
    return heard(row)[1]


def heard(row: ObservationRow) -> tuple[str, Fields]:
    """Return what is read of the header fields: the content type, and those of protocols."""
    return _heard(row.headers) if row.confirmed is None else _heard_of(row.fields)


@lru_cache(maxsize=caches.HEADER_LISTS)
def _heard(text: str) -> tuple[str, Fields]:
    return _heard_of(_headers(text) or ())


def _heard_of(fields: Fields) -> tuple[str, Fields]:
    known = tuple([field for field in fields if field[0].strip().lower() in FIELD_NAMES])
    return value_of(fields, "content-type"), known


def _last_failure(row: ObservationRow, finals: list[ObservationRow]) -> LastFailure | None:
    """Return the failure of the last of `finals`, which are `row` and what came after it.

    A host that turned this client away did so until it answers again, whatever failed since.
    """
    last = finals[-1]
    if last.presence is not Presence.UNSEEN:
        return None
    refusals = [f for f in finals if is_refusal_of_us(f.outcome, f.status, f.note)]
    why = [reason_of(final) for final in (*refusals[-1:], last)]
    return LastFailure(
        is_refusal=bool(refusals),
        days=0.0 if row is last else _days_between(row.observed_at, last.observed_at),
        why=", then ".join(dict.fromkeys(why)),
    )


def _days_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() / 86400


def reason_of(row: ObservationRow) -> str:
    """Return why an attempt failed, without the URL of its origin.

    Reasons go into the cache key of evaluations, and most hosts fail for few reasons.
    """
    if row.outcome == Outcome.WITHHELD:
        return row.note.replace(row.asked[: row.asked.find("/", len("https://"))], "")
    return row.outcome if row.status is None else f"answered {row.status}"


def _others(
    chains: list[list[ObservationRow]], shown: int, failure: LastFailure | None
) -> tuple[OtherResponse, ...]:
    """Return the responses other than the final one of the chain `shown` whose fields count.

    A response that reserves counts whatever its status is: the report on TDMRep speaks of "the
    HTTP response", and a reservation on a redirect is about the URL that was requested.
    """
    *hops, final = chains[shown]
    of_shown = [*hops, *([] if final.presence is Presence.PRESENT else [final])]
    last = len(chains) - 1
    # One look is all that most resources had.
    found = [(shown, row, failure if shown < last else None) for row in of_shown]
    if shown < last:
        found += [(last, row, None) for row in chains[last]]
    return tuple(
        [
            OtherResponse(row, _since_of_fields(row, chains[:position]), last_failure)
            for position, row, last_failure in found
            if row.outcome in _ANSWERED
        ]
    )


def _since_of_fields(row: ObservationRow, earlier: list[list[ObservationRow]]) -> str:
    """Return the time of the first look that showed the fields of a response at its URL."""
    since = row.observed_at
    for chain in reversed(earlier):
        answered = [other for other in chain if other.outcome in _ANSWERED]
        same = [
            other
            for other in answered
            if other.url == row.url
            and _signal_fields(other) == _signal_fields(row)
            and not other.is_withheld
        ]
        if answered and not same:
            break
        since = same[0].observed_at if same else since
    return since
