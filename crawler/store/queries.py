"""Queries for commands and reports, over the public views where they have the answer."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypedDict

from crawler.store.queryable import Queryable, is_whole
from crawler.store.runs import READ_FILES

#: The SQL of what an observation is known by in every database that has it; see view
#: `observations`.
OBSERVATION_KEY = (
    "origin.key || ' ' || observation.resource || ' ' || observation.hop || ' ' || "
    "observation.observed_at || ' ' || observation.asked"
)
# Columns of public views with the number that an observation has in this database.
_NUMBERS = frozenset(
    (
        *("observation", "confirms", "observation_before", "observation_after"),
        *("first_observation", "last_observation"),
    )
)
# Columns with a key of a reading, which of a whole has the number of its part in front.
_READINGS = frozenset(("statement", "candidate", "reserving_statement", "permitting_statement"))


class SourceFacts(TypedDict):
    """The response of an observation: digests, status, address and TLS."""

    digest: str
    stored: str
    status: int | None
    address: str
    tls_version: str
    tls_certificate: str
    tls_verified: str


class UnseenResource(NamedTuple):
    """A planned resource that could not be seen, with outcome and status of the last attempt."""

    resource: str
    path: str
    outcome: str
    status: int | None
    note: str


class DatasetTotals(NamedTuple):
    """A dataset: its files as given, its rows and origins, and the rows that name no origin.

    `records`, `url_column` and `column_choice` are as in view `datasets`. `weight_column` is empty
    if there is none.
    """

    path: str
    rows: int
    origins: int
    unattributable: int
    records: int
    url_column: str
    column_choice: str
    weight_column: str


class RoleTotals(NamedTuple):
    """A row of view `dataset_roles`."""

    role: str
    url_column: str
    rows: int
    origins: int
    unattributable: int
    other_hosts: int | None


class Collection(NamedTuple):
    """When, by whom and as which crawler rows were collected; the crawler is empty if not given.

    `rows` and `origins` are by access, and empty without a crawler.
    """

    crawler: str
    upstream: str
    collected_from: str | None
    collected_to: str | None
    origins: dict[str, int]
    rows: dict[str, int]
    newest_observed_at: str | None


class StateCount(NamedTuple):
    """A row of view `dataset_summary`."""

    purpose: str
    state: str
    origins: int
    rows: int
    rules: str


class BoundsRow(NamedTuple):
    """A row of view `dataset_bounds`: how much is reserved of `total`, in a unit."""

    purpose: str
    unit: str
    narrowest: float
    shown: float
    widest: float
    total: float


class Progress(NamedTuple):
    """The state of an audit: origins of datasets, visited ones, and those not yet evaluated.

    `unfinished` is the command of the newest run if that did not finish, else empty.
    """

    origins: int
    visited: int
    waiting: int
    last_at: str | None
    unfinished: str


def progress(db: Queryable) -> Progress:
    """Return how far the audit in a database is."""
    query = (
        "SELECT (SELECT count(DISTINCT origin) FROM dataset_origin), "
        "(SELECT count(DISTINCT origin) FROM visit), "
        "(SELECT count(DISTINCT v.origin) FROM visit AS v LEFT JOIN evaluated_visit AS e "
        "ON e.origin = v.origin WHERE v.run > coalesce(e.run, 0)), "
        "(SELECT max(finished_at) FROM visit), coalesce((SELECT iif(ended = 'finished', '', "
        "command) FROM runs ORDER BY run DESC LIMIT 1), '')"
    )
    return Progress(*db.execute(query).fetchone())


def find_origin(db: Queryable, key: str) -> tuple[int, str] | None:
    """Return number and URL of an origin by its key, None if it is not in the database."""
    row = db.execute("SELECT id, url FROM origin WHERE key = ?", (key,)).fetchone()
    return (row[0], row[1]) if row else None


def rows_by_origin(db: Queryable) -> Iterator[tuple[int, int, int, float]]:
    """Yield (origin, dataset, rows, weight) of all datasets, ordered by origin."""
    yield from db.execute(
        "SELECT origin, dataset, rows, coalesce(weight, 0.0) FROM dataset_origin ORDER BY 1, 2"
    )


def dataset_origins(db: Queryable) -> int:
    """Return the number of origins of all datasets."""
    return int(db.execute("SELECT count(DISTINCT origin) FROM dataset_origin").fetchone()[0])


def visited_origins(db: Queryable) -> int:
    """Return the number of origins with evidence."""
    return int(db.execute("SELECT count(DISTINCT origin) FROM visit").fetchone()[0])


def keys_visited_since(db: Queryable, since: str, now: str) -> Iterator[str]:
    """Yield the key of each origin with a visit between two times, as `runs.due_sql` has it."""
    query = (
        "SELECT key FROM origin WHERE id IN (SELECT origin FROM visit AS v "  # noqa: S608 - our own SQL
        f"WHERE finished_at > ? AND finished_at <= ? AND {READ_FILES})"
    )
    for (key,) in db.execute(query, (since, now)):
        yield key


def sources(db: Queryable, observations: Iterable[int]) -> dict[int, SourceFacts]:
    """Return the response of each observation, by its number."""
    found: dict[int, SourceFacts] = {}
    for key in observations:
        digest, stored, status, address, version, certificate, verified = db.execute(
            "SELECT digest, stored, status, address, tls_version, tls_certificate, tls_verified "
            "FROM observation WHERE id = ?",
            (key,),
        ).fetchone()
        found[key] = {
            "digest": digest or "",
            "stored": stored or "",
            "status": status,
            "address": address,
            "tls_version": version,
            "tls_certificate": certificate,
            "tls_verified": verified,
        }
    return found


def withheld(db: Queryable, observations: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return when and why what was kept of observations was erased, of those where it was."""
    query = (
        "SELECT observation, erased_at, erased_because FROM observations "
        "WHERE erased_at IS NOT NULL AND observation IN (SELECT value FROM json_each(?))"
    )
    return {n: (at, why) for n, at, why in db.execute(query, (json.dumps(list(observations)),))}


def is_one_of_several_parts(db: Queryable) -> bool:
    """Return whether the database is a part of an audit that has others.

    Its datasets have all their rows in number, of which it knows those of its origins alone.
    """
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'part_of_plan'").fetchone():
        return False  # made before there were parts
    found = db.execute("SELECT number, parts FROM part_of_plan").fetchone()
    return found is not None and found[0] is not None and found[1] > 1


def dataset_ids(db: Queryable) -> list[int]:
    """Return the numbers of all datasets in the version that counts, in their order."""
    return [
        number
        for (number,) in db.execute(
            "SELECT dataset FROM datasets WHERE counts = 1 ORDER BY dataset"
        )
    ]


def dataset_totals(db: Queryable, dataset: int) -> DatasetTotals:
    """Return the totals of a dataset that exists."""
    query = (
        "SELECT path, rows, origins, unattributable, records, url_column, "
        "coalesce(column_choice, ''), coalesce(weight_column, '') "
        "FROM datasets WHERE dataset = ?"
    )
    return DatasetTotals(*db.execute(query, (dataset,)).fetchone())


def unusable_rows(db: Queryable, dataset: int) -> dict[str, int]:
    """Return the rows of a dataset without a usable URL, by reason."""
    query = "SELECT reason, rows FROM version_reject WHERE dataset = ? ORDER BY reason"
    return dict(db.execute(query, (dataset,)))


def role_totals(db: Queryable, dataset: int) -> list[RoleTotals]:
    """Return the roles of a dataset in their order; none if its column has no role."""
    query = (
        "SELECT role, url_column, rows, origins, unattributable, other_hosts "
        "FROM dataset_roles WHERE dataset = ? ORDER BY position"
    )
    return [RoleTotals(*row) for row in db.execute(query, (dataset,))]


def role_state_rows(db: Queryable, dataset: int) -> dict[tuple[str, str, str], int]:
    """Return the URLs of a dataset by role, purpose and state."""
    query = "SELECT role, purpose, state, rows FROM role_summary WHERE dataset = ?"
    return {
        (role, purpose, state): rows for role, purpose, state, rows in db.execute(query, (dataset,))
    }


def collection(db: Queryable, dataset: int) -> Collection:
    """Return how a dataset that exists was collected, and what its crawler is told now."""
    query = "SELECT crawler, upstream, collected_from, collected_to FROM datasets WHERE dataset = ?"
    crawler, upstream, first, last = db.execute(query, (dataset,)).fetchone()
    query = (
        "SELECT access, origins, rows, newest_observed_at FROM dataset_collection WHERE dataset = ?"
    )
    answers = db.execute(query, (dataset,)).fetchall()
    return Collection(
        crawler=crawler or "",
        upstream=upstream or "",
        collected_from=first,
        collected_to=last,
        origins={access: origins for access, origins, _, _ in answers},
        rows={access: rows for access, _, rows, _ in answers},
        newest_observed_at=max((a[3] for a in answers if a[3]), default=None),
    )


def state_counts(db: Queryable, dataset: int) -> list[StateCount]:
    """Return the origins and rows of a dataset by purpose and state; none if none was judged."""
    query = "SELECT purpose, state, origins, rows, rules FROM dataset_summary WHERE dataset = ?"
    return [StateCount(*row) for row in db.execute(query, (dataset,))]


def dataset_bounds(db: Queryable, dataset: int) -> list[BoundsRow]:
    """Return how much of a dataset is reserved, by purpose and unit."""
    query = (
        "SELECT purpose, unit, reserved_min, reserved_shown, reserved_max, total "
        "FROM dataset_bounds WHERE dataset = ?"
    )
    return [BoundsRow(*row) for row in db.execute(query, (dataset,))]


class NamedShare(NamedTuple):
    """A row of view `named_share`: for how much of a dataset a source names a rights holder.

    The shares of rows and weight are None without rows or a weight column.
    """

    sites: int
    sites_named: int
    rows_named: int
    rows_share: float | None
    weight_share: float | None


def named_share(db: Queryable, dataset: int) -> NamedShare:
    """Return for how much of a dataset a source names a rights holder."""
    query = (
        "SELECT sites, sites_named, rows_named, rows_share, weight_share "
        "FROM named_share WHERE dataset = ?"
    )
    row = db.execute(query, (dataset,)).fetchone()
    return NamedShare(*row) if row else NamedShare(0, 0, 0, None, None)


def outcome_counts(db: Queryable, run: int | None) -> dict[str, int]:
    """Return the number of attempts of a run by outcome; empty if there is no such run."""
    row = db.execute("SELECT outcomes FROM runs WHERE run = ?", (run,)).fetchone()
    counts: dict[str, int] = json.loads(row[0]) if row else {}
    return counts


def crash_count(db: Queryable, run: int | None = None) -> int:
    """Return how many documents crashed their parser, all of them or those of a run."""
    query = "SELECT count(*) FROM issues WHERE code = 'internal.crash'"
    if run is not None:
        query += " AND observation IN (SELECT observation FROM observations WHERE run = ?)"
    return int(db.execute(query, () if run is None else (run,)).fetchone()[0])


def claim_counts(db: Queryable, dataset: int | None = None) -> tuple[int, int]:
    """Return how many origins are judged on stale evidence, and how many have malformed signals.

    Of the origins of a dataset, or of all, under the rule set that the views show.
    """
    query = (
        "SELECT count(DISTINCT iif(stale, origin, NULL)), "
        "count(DISTINCT iif(malformed, origin, NULL)) FROM finding "
        "WHERE rules = (SELECT label FROM ruleset WHERE chosen = 1) AND (stale OR malformed)"
    )
    if dataset is not None:
        query += " AND origin IN (SELECT origin FROM version_origin WHERE dataset = ?)"
    stale, malformed = db.execute(query, () if dataset is None else (dataset,)).fetchone()
    return stale, malformed


def unseen_resources(db: Queryable, origin: str) -> list[UnseenResource]:
    """Return the planned resources of an origin, by its URL, that could not be seen."""
    query = (
        "SELECT resource, path, last_outcome, last_status, coalesce(note, '') FROM coverage "
        "WHERE origin = ? AND presence = 'unseen' ORDER BY resource, path"
    )
    return [UnseenResource(*row) for row in db.execute(query, (origin,))]


def view_rows(db: Queryable, view: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a public view, ordered by all `columns` from the first to the last.

    Numbers of observations are replaced by their keys: a number is that of one database, and
    equal evidence shall give equal rows. For the same reason keys of readings have no part.
    """
    names = ", ".join(_exported(c, of_whole=is_whole(db)) for c in columns)
    order = ", ".join(str(n) for n in range(1, len(columns) + 1))
    yield from db.execute(f'SELECT {names} FROM "{view}" AS exported ORDER BY {order}')  # noqa: S608 - names of our own views


def _exported(column: str, *, of_whole: bool) -> str:
    """Return the SQL of an exported column."""
    if of_whole and column in _READINGS:
        return f'substr(exported."{column}", 1 + instr(exported."{column}", \':\'))'
    if column not in _NUMBERS:
        return f'exported."{column}"'
    return (
        f"(SELECT {OBSERVATION_KEY} FROM observation JOIN origin ON origin.id = observation.origin "  # noqa: S608 - our own names
        f'WHERE observation.id = exported."{column}")'
    )


def first_rows(
    db: Queryable, sql: str, parameters: Mapping[str, object], most: int
) -> tuple[Any, list[tuple[Any, ...]]]:
    """Return the description of the columns of a query, and its first rows."""
    cursor = db.execute(sql, parameters)
    return cursor.description, list(islice(cursor, most))


def column_types(db: Queryable, view: str, columns: Sequence[str]) -> list[str]:
    """Return INTEGER or REAL for columns of a public view with nothing but numbers, else TEXT."""
    types = ", ".join(f'group_concat(DISTINCT typeof("{column}"))' for column in columns)
    found = db.execute(f'SELECT {types} FROM "{view}"').fetchone()  # noqa: S608 - names of our own views
    return [_column_type(c, names or "") for c, names in zip(columns, found, strict=True)]


def _column_type(column: str, names: str) -> str:
    types = set(names.split(",")) - {"null"}
    if column in _NUMBERS:
        return "TEXT"
    if types == {"integer"}:
        return "INTEGER"
    return "REAL" if "real" in types and types <= {"integer", "real"} else "TEXT"
