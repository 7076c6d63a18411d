"""Stored bytes for readers: the observation that they were seen in."""

import sqlite3
from typing import NamedTuple

from crawler.store.queryable import Queryable
from crawler.vocab import EXTRACTED, Resource

_COLUMNS = (
    "observation.id, origin.url, observation.resource, observation.url, observation.digest, "
    "observation.stored, observation.size, observation.truncated, observation.observed_at"
)
_EXTRACTED = frozenset(map(str, EXTRACTED))


class BodySource(NamedTuple):
    """An observation with bytes: where and when they were received, and what of them is kept.

    `digest` is the SHA-256 of all bytes received, `stored` that of the bytes kept, empty if none
    are. `size` is the number of octets received.
    """

    observation: int
    origin: str
    resource: str
    url: str
    digest: str
    stored: str
    size: int
    truncated: bool
    observed_at: str

    @property
    def is_extract(self) -> bool:
        """True if what is kept is the extract of a page."""
        return self.resource in _EXTRACTED and self.stored != self.digest


def body_source(db: sqlite3.Connection, digest: str, observation: int | None) -> BodySource | None:
    """Return the observation, or one of those, that a digest is of; None if there is no such one.

    The digest is of the bytes received or of those kept. Without an observation all of them are
    searched.
    """
    condition = "LIMIT 1" if observation is None else "AND observation.id = ?2"
    query = (
        f"SELECT {_COLUMNS} FROM observation JOIN origin ON origin.id = observation.origin "  # noqa: S608 - our own names
        f"WHERE ?1 IN (stored, digest) {condition}"
    )
    row = db.execute(query, (digest,) if observation is None else (digest, observation)).fetchone()
    if row is None:
        return None
    number, origin, resource, url, received, stored, size, truncated, observed_at = row
    return BodySource(
        number,
        origin,
        resource,
        url,
        received or "",
        stored or "",
        size,
        bool(truncated),
        observed_at,
    )


def observation_with(whole: Queryable, digest: str) -> int | None:
    """Return the number of an observation that a digest is of, None if there is no such one."""
    query = "SELECT min(id) FROM observation WHERE ? IN (stored, digest)"
    number: int | None = whole.execute(query, (digest,)).fetchone()[0]
    return number


def size_of_origin(db: sqlite3.Connection, key: str) -> tuple[int, float | None]:
    """Return rows and weight of all datasets from an origin, by its key.

    The weight is None without a weight column.
    """
    query = (
        "SELECT coalesce(sum(rows), 0), sum(weight) FROM dataset_origin "
        "WHERE origin = (SELECT id FROM origin WHERE key = ?)"
    )
    rows, weight = db.execute(query, (key,)).fetchone()
    return rows, weight


#: Resources whose text says on which terms use is offered.
POLICIES = (Resource.TDM_POLICY, Resource.RSL_LICENSE)
