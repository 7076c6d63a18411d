"""Queries of view `changes`: what began to be otherwise, the heaviest first."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from crawler.store.queryable import Queryable

#: The kinds of changes, those that matter most first; see view `changes`.
KINDS = ("began", "stopped", "stricter", "looser", "scope")


class ChangeFilter(NamedTuple):
    """The changes that are wanted; None is all.

    `since` and `until` are numbers of the runs that saw a change first, or UTC times: the first
    one that is wanted, and the first one that is not. `rules` is a label, None the rule set that
    the database shows. With a `dataset`, rows and weight are those of that dataset.
    """

    since: int | str | None = None
    until: int | str | None = None
    purpose: str | None = None
    kind: str | None = None
    rules: str | None = None
    dataset: int | None = None
    limit: int | None = None


class Change(NamedTuple):
    """A row of view `changes`; `observation` is the natural key of what showed it first."""

    origin: str
    rows: int
    weight: float | None
    purpose: str
    rules: str
    kind: str
    was: str
    became: str
    last_seen: str
    first_seen: str
    added: str
    removed: str
    run: int
    observation: str
    observation_before: str


_KEY = "(SELECT natural_key FROM observations WHERE observations.observation = c.{})"
_COLUMNS = (
    "c.purpose, c.rules, c.kind, c.was, c.became, c.last_seen, c.first_seen, c.added, c.removed, "
    f"c.run, {_KEY.format('observation')}, {_KEY.format('observation_before')}"
)
_OF_DATASET = (
    "JOIN origin AS o ON o.url = c.origin "
    "JOIN dataset_origin AS d ON d.origin = o.id AND d.dataset = :dataset"
)


def changes(db: Queryable, wanted: ChangeFilter) -> Iterator[Change]:
    """Yield changes by weight (rows, without a weight column), the heaviest first."""
    size = "c.rows, c.weight" if wanted.dataset is None else "d.rows, d.weight"
    limit = "" if wanted.limit is None else " LIMIT :limit"
    query = (
        f"SELECT c.origin, {size}, {_COLUMNS} FROM {_source(wanted)} "  # noqa: S608 - our own names
        f"ORDER BY coalesce({size.split(', ')[1]}, {size.split(', ')[0]}) DESC, c.origin, "
        f"c.first_seen, (SELECT rank FROM purpose WHERE name = c.purpose){limit}"
    )
    yield from map(Change._make, db.execute(query, _parameters(wanted)))


def change_counts(db: Queryable, wanted: ChangeFilter) -> dict[str, int]:
    """Return how many origins changed in each kind; each counts once for a kind."""
    query = f"SELECT c.kind, count(DISTINCT c.origin) FROM {_source(wanted)} GROUP BY c.kind"  # noqa: S608 - our own names
    found = dict(db.execute(query, _parameters(wanted)))
    return {kind: found.get(kind, 0) for kind in KINDS}


def has_run(db: Queryable, run: int) -> bool:
    """Return whether there is a run of this number."""
    return db.execute("SELECT 1 FROM run WHERE id = ?", (run,)).fetchone() is not None


def last_run(db: Queryable) -> int | None:
    """Return the number of the newest run, None without one."""
    found: int | None = db.execute("SELECT max(id) FROM run").fetchone()[0]
    return found


def has_other_looks(db: Queryable, run: int) -> bool:
    """Return whether another run visited anything before."""
    return db.execute("SELECT 1 FROM visit WHERE run < ? LIMIT 1", (run,)).fetchone() is not None


def _source(wanted: ChangeFilter) -> str:
    """Return the FROM and WHERE clauses."""
    rules = "(SELECT label FROM ruleset WHERE chosen = 1)" if wanted.rules is None else ":rules"
    where = [f"c.rules = {rules}"]
    where += [f"c.{name} = :{name}" for name in ("purpose", "kind") if getattr(wanted, name)]
    if wanted.since is not None:
        where.append(f"c.{_measure(wanted.since)} >= :since")
    if wanted.until is not None:
        where.append(f"c.{_measure(wanted.until)} < :until")
    join = "" if wanted.dataset is None else _OF_DATASET
    return f"changes AS c {join} WHERE {' AND '.join(where)}"


def _measure(bound: int | str) -> str:
    return "run" if isinstance(bound, int) else "first_seen"


def _parameters(wanted: ChangeFilter) -> dict[str, object]:
    return wanted._asdict()


def terms(said: str) -> list[list[str]]:
    """Return the terms of a column `added` or `removed`."""
    found: list[list[str]] = json.loads(said)
    return found
