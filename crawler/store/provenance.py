"""Provenance of datasets: when, by whom and under which product token rows were collected."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple


class Provenance(NamedTuple):
    """When, by whom and as which crawler the rows of a dataset were collected.

    The times are dates of ISO 8601, also without day or month. None is what was not given.
    """

    collected_from: str | None = None
    collected_to: str | None = None
    upstream: str | None = None
    crawler: str | None = None


def save(db: sqlite3.Connection, dataset: int, given: Provenance) -> None:
    """Store what was given, in the caller's transaction; the rest stays as it is stored."""
    for column, value in given._asdict().items():
        if value is not None:
            db.execute(f"UPDATE dataset SET {column} = ? WHERE id = ?", (value, dataset))  # noqa: S608 - our own names


def has_facets(db: sqlite3.Connection, dataset: int, facets: Sequence[tuple[str, str]]) -> bool:
    """Return whether all these facets of a dataset are stored."""
    (stored,) = db.execute("SELECT facets FROM dataset WHERE id = ?", (dataset,)).fetchone()
    return {tuple(facet) for facet in json.loads(stored)} >= set(facets)


def has_dates(db: sqlite3.Connection, dataset: int) -> bool:
    """Return whether it is stored when the rows of a dataset were collected."""
    query = "SELECT collected_from IS NOT NULL FROM dataset WHERE id = ?"
    return bool(db.execute(query, (dataset,)).fetchone()[0])


def save_dates(db: sqlite3.Connection, dataset: int, dates: tuple[str, str] | None) -> None:
    """Store the first and the last date of a column, in the caller's transaction."""
    if dates is not None:
        save(db, dataset, Provenance(collected_from=dates[0], collected_to=dates[1]))


def take_over_dates(db: sqlite3.Connection, dataset: int, base: int) -> None:
    """Widen the dates of a version by those of another whose rows it took over."""
    db.execute(
        "UPDATE dataset SET "
        "collected_from = min(coalesce(collected_from, b.f), coalesce(b.f, collected_from)), "
        "collected_to = max(coalesce(collected_to, b.t), coalesce(b.t, collected_to)) "
        "FROM (SELECT collected_from AS f, collected_to AS t FROM dataset WHERE id = ?2) AS b "
        "WHERE dataset.id = ?1",
        (dataset, base),
    )
