"""Choose what a redaction or a pruning erases: digests of bodies, observations, samples.

Rules for editors: bytes that other origins sent as well are erased only where a digest was named.
A robots.txt that thousands of hosts share is no personal data of one of them.
"""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from crawler.errors import UserError
from crawler.evaluate.current_answers import place_of
from crawler.urls import canonical
from crawler.vocab import EXTERNAL, EXTRACTED, SAMPLED, Reject, Resource

_EMPTY = hashlib.sha256(b"").hexdigest()
_PAGES = json.dumps(sorted(EXTRACTED - {Resource.MEDIA}))
_MEDIA = json.dumps([Resource.MEDIA])
#: Resources whose URL was found in a page or a dataset. All others are asked for at every host.
OWN_URLS = EXTERNAL | SAMPLED
#: A sample: origin, dataset and number.
Sample = tuple[int, int, int]


class TargetError(UserError):
    """The database does not have what was named."""


class Targets(NamedTuple):
    """Evidence that is to be erased.

    `digests` are of bytes, stored or not. `shared` are digests that stay, since other origins sent
    the same bytes. `requested` are origins and paths in lists of URLs to request. All are sorted.
    """

    digests: tuple[str, ...] = ()
    observations: tuple[int, ...] = ()
    samples: tuple[Sample, ...] = ()
    shared: tuple[str, ...] = ()
    requested: tuple[tuple[int, str], ...] = ()


def of_body(db: sqlite3.Connection, digest: str) -> Targets:
    """Return the bytes of a digest, with the extract of a page that is named, or the page of it."""
    query = (
        "SELECT DISTINCT digest, stored FROM observation WHERE digest = ?1 OR stored = ?1 "
        "UNION SELECT digest, digest FROM body WHERE digest = ?1"
    )
    pairs = db.execute(query, (digest,)).fetchall()
    if not pairs:
        raise TargetError(f"no bytes are known under {digest}; `observations` lists digests")
    if digest == _EMPTY:
        raise TargetError(f"{digest} is the digest of no bytes at all; there is nothing to erase")
    found = {d for pair in pairs for d in pair if d} - {_EMPTY}
    origins = _origins_by_digest(db, found)
    shared = {d for d in found - {digest} if origins[d] - origins[digest]}
    return Targets(digests=_sorted(found - shared), shared=_sorted(shared))


def of_observation(db: sqlite3.Connection, observation: int) -> Targets:
    """Return an observation with the redirects of its chain, and what confirms any of them."""
    chain = (
        "SELECT o.id FROM observation AS o JOIN observation AS named ON named.id = ? "
        "AND named.origin = o.origin AND named.run = o.run AND named.asked = o.asked "
        "AND named.resource = o.resource"
    )
    found = [number for (number,) in db.execute(chain, (observation,))]
    if not found:
        raise TargetError(f"there is no observation {observation}")
    return _of_observations(db, found, ())


def of_url(db: sqlite3.Connection, url: str) -> Targets:
    """Return all observations that asked for a URL or were led to it, and samples of it."""
    origin = canonical.origin_of(url)
    if isinstance(origin, Reject):
        raise TargetError(f"{url!r} names no host that could be asked ({origin})")
    chains = (
        "SELECT o.id FROM observation AS o JOIN (SELECT DISTINCT origin, run, asked, resource "
        "FROM observation WHERE asked IN (?1, ?2) OR url IN (?1, ?2)) AS named "
        "ON named.origin = o.origin AND named.run = o.run AND named.asked = o.asked "
        "AND named.resource = o.resource"
    )
    found = [number for (number,) in db.execute(chains, (url, canonical.page_url(url)))]
    path = canonical.path_of(url)
    key = canonical.origin_key(origin)
    samples = [s for s, text in _samples(db, key) if text and _path_of_sample(text) == path]
    query = "SELECT origin, path FROM requested_url JOIN origin ON id = origin WHERE key = ?"
    listed = [row for row in db.execute(query, (key,)) if row[1] == path]
    if not found and not samples and not listed:
        raise TargetError(f"nothing is known of {url}; `observations` lists URLs as they were sent")
    return _of_observations(db, found, samples, listed)


def of_origin(db: sqlite3.Connection, text: str) -> Targets:
    """Return all observations and samples of an origin, and redirects to it; its name stays."""
    origin = canonical.origin_of(text)
    if isinstance(origin, Reject):
        raise TargetError(f"{text!r} names no host that could be asked ({origin})")
    key = canonical.origin_key(origin)
    # What it sent where another origin redirected to it is stored under that one.
    query = (
        "SELECT o.id FROM observation AS o JOIN origin AS g ON g.id = o.origin WHERE g.key = ?1 "
        "UNION SELECT o.id FROM observation AS o JOIN (SELECT DISTINCT origin, run, asked, "
        "resource FROM observation WHERE substr(url, 1, length(?2)) = ?2 "
        "OR substr(url, 1, length(?3)) = ?3) AS led ON led.origin = o.origin "
        "AND led.run = o.run AND led.asked = o.asked AND led.resource = o.resource"
    )
    senders = {number for (number,) in db.execute("SELECT id FROM origin WHERE key = ?", (key,))}
    if not senders:
        raise TargetError(f"{origin.url} is not in this database")
    values = (key, f"http://{key}/", f"https://{key}/")
    found = [number for (number,) in db.execute(query, values)]
    query = "SELECT origin, path FROM requested_url JOIN origin ON id = origin WHERE key = ?"
    samples = [s for s, url in _samples(db, key) if url]
    return _of_observations(db, found, samples, db.execute(query, (key,)), senders)


def _of_observations(
    db: sqlite3.Connection,
    observations: list[int],
    samples: Sequence[Sample],
    requested: Iterable[tuple[int, str]] = (),
    senders: Collection[int] = (),
) -> Targets:
    """Return observations, all that goes with them, and bytes that no other origin sent.

    `senders` are the origins whose bytes they are, by default those of the observations: a redirect
    is stored under the origin that was asked, whatever host it leads to.
    """
    found: set[int] = set()
    while set(observations) - found:
        found |= set(observations)
        observations = [*_confirming(db, found), *_of_same_places(db, found)]
    requested = {*requested, *((origin, place) for origin, _, place in _places(db, found))}
    query = (
        "SELECT origin, digest, stored, "
        # Few certificates are kept.
        "iif(tls_certificate IN (SELECT digest FROM body), tls_certificate, NULL) FROM observation "
        "WHERE id IN (SELECT value FROM json_each(?))"
    )
    rows = db.execute(query, (json.dumps(sorted(found)),)).fetchall()
    origins = set(senders) or {origin for origin, *_ in rows}
    digests = {digest for row in rows for digest in row[1:] if digest} - {_EMPTY}
    others = _origins_by_digest(db, digests, found)
    shared = {digest for digest in digests if others[digest] - origins}
    query = "SELECT 1 FROM body WHERE digest = ? AND content <> x''"
    kept = {digest for digest in shared if db.execute(query, (digest,)).fetchone()}
    return Targets(
        _sorted(digests - shared),
        tuple(sorted(found)),
        tuple(sorted(samples)),
        _sorted(kept),
        tuple(sorted(requested)),
    )


def _confirming(db: sqlite3.Connection, found: set[int]) -> list[int]:
    """Return the 304s that confirm observations: they have the same URLs and header fields."""
    query = "SELECT id FROM observation WHERE confirms IN (SELECT value FROM json_each(?))"
    return [number for (number,) in db.execute(query, (json.dumps(sorted(found)),))]


def _of_same_places(db: sqlite3.Connection, found: set[int]) -> list[int]:
    """Return all looks at the places of observations whose URL is erased.

    Otherwise an earlier look would answer for a place that a later one, erased, had answered for.
    """
    places = _places(db, found)
    query = "SELECT id, asked FROM observation WHERE origin = ? AND resource = ?"
    return [
        number
        for origin, resource in sorted({place[:2] for place in places})
        for number, asked in db.execute(query, (origin, resource))
        if (origin, resource, place_of(resource, asked)) in places
    ]


def _places(db: sqlite3.Connection, found: set[int]) -> set[tuple[int, str, str]]:
    """Return origin, resource and place of the observations whose URL is erased."""
    query = (
        "SELECT DISTINCT origin, resource, asked FROM observation WHERE id IN "
        "(SELECT value FROM json_each(?)) AND resource IN (SELECT value FROM json_each(?))"
    )
    values = (json.dumps(sorted(found)), json.dumps(sorted(OWN_URLS)))
    rows = db.execute(query, values)
    return {(origin, resource, place_of(resource, asked)) for origin, resource, asked in rows}


def of_pages(db: sqlite3.Connection, before: str) -> Targets:
    """Return the digests of what is kept of pages that were last seen before a time."""
    return Targets(digests=_last_seen(db, _PAGES, before))


def of_media(db: sqlite3.Connection, before: str) -> Targets:
    """Return the digests of what is kept of media files that were last seen before a time."""
    return Targets(digests=_last_seen(db, _MEDIA, before))


def _last_seen(db: sqlite3.Connection, resources: str, before: str) -> tuple[str, ...]:
    """Return digests of stored bytes that only some resources have, last seen before a time."""
    query = (
        "SELECT used.digest FROM (SELECT digest, resource, observed_at FROM observation "
        "UNION ALL SELECT stored, resource, observed_at FROM observation) AS used "
        "JOIN body ON body.digest = used.digest AND body.content <> x'' AND body.size > 0 "
        "GROUP BY used.digest HAVING max(observed_at) < ?2 "
        "AND min(resource IN (SELECT value FROM json_each(?1)))"
    )
    return _sorted(digest for (digest,) in db.execute(query, (resources, before)))


def origins_of(db: sqlite3.Connection, targets: Targets) -> list[int]:
    """Return the origins whose evidence a redaction or a pruning changes."""
    query = (
        "SELECT DISTINCT origin FROM observation WHERE stored IN (SELECT value FROM json_each(?1)) "
        "OR digest IN (SELECT value FROM json_each(?1)) "
        "OR tls_certificate IN (SELECT value FROM json_each(?1)) "
        "OR id IN (SELECT value FROM json_each(?2)) ORDER BY origin"
    )
    values = (json.dumps(targets.digests), json.dumps(targets.observations))
    return [origin for (origin,) in db.execute(query, values)]


def _origins_by_digest(
    db: sqlite3.Connection, digests: set[str], without: Iterable[int] = ()
) -> dict[str, set[int]]:
    """Return the origins that sent the bytes of digests, or something that they were kept of.

    Observations in `without` do not count.
    """
    query = " UNION ".join(
        f"SELECT {column}, origin FROM observation WHERE {column} IN "  # noqa: S608 - our own names
        "(SELECT value FROM json_each(?1)) AND id NOT IN (SELECT value FROM json_each(?2))"
        for column in ("digest", "stored", "tls_certificate")
    )
    found: dict[str, set[int]] = {digest: set() for digest in digests}
    values = (json.dumps(sorted(digests)), json.dumps(sorted(without)))
    for digest, origin in db.execute(query, values):
        found[digest].add(origin)
    return found


def _samples(db: sqlite3.Connection, key: str) -> list[tuple[Sample, str]]:
    query = (
        "SELECT s.origin, s.dataset, s.n, s.url FROM sample AS s "
        "JOIN origin AS g ON g.id = s.origin WHERE g.key = ?"
    )
    return [((origin, dataset, n), url) for origin, dataset, n, url in db.execute(query, (key,))]


def _sorted(digests: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(digests))


def _path_of_sample(text: str) -> str:
    """Return the path of a sample, which is a URL or a path."""
    return canonical.path_of(f"https://host.invalid{text}" if text.startswith("/") else text)
