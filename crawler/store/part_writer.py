"""Cut the datasets of a database into parts: copy into each part what its origins need.

Rows keep the numbers that they have in the database of the datasets, so that an origin, a dataset
and a value of a facet have one number in all parts. What belongs to a dataset as a whole, with its
number of rows and the totals of its facets, is in each part. What names no origin is in part 0.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from crawler.store.database import connect, transaction
from crawler.store.part_plan import PartGroup, PartPlan

# Tables of a dataset as a whole, of what names no origin, and of its origins.
_WHOLE = ("dataset", "dataset_file", "dataset_role")
_OF_NO_ORIGIN = ("version_reject", "dataset_role_reject")
_OF_ORIGIN = ("version_origin", "sample")
# Columns of a dataset that are no facts of its files.
_CHANGEABLE = (
    *("name", "named", "source", "version", "counts"),
    *("collected_from", "collected_to", "upstream", "crawler", "facets"),
)
_ROWS_AT_ONCE = 10_000
_NEW_ORIGINS = (
    "INSERT INTO part.origin SELECT o.* FROM origin_part AS p JOIN main.origin AS o "
    "ON o.id = p.origin WHERE p.part = :part ORDER BY o.id ON CONFLICT DO NOTHING",
    "INSERT INTO part.site_domain SELECT DISTINCT d.* FROM origin_part AS p JOIN main.origin AS o "
    "ON o.id = p.origin JOIN main.site_domain AS d ON d.site = o.site WHERE p.part = :part "
    "ON CONFLICT DO NOTHING",
)


def datasets_digest(db: sqlite3.Connection) -> str:
    """Return a digest of the state of the datasets: which are stored, and all that is said of them.

    The rows of a dataset that is stored are final.
    """
    rows = db.execute("SELECT * FROM dataset ORDER BY id").fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def count_origins(db: sqlite3.Connection) -> int:
    """Return the number of origins of all datasets."""
    return int(db.execute("SELECT count(*) FROM origin").fetchone()[0])


def facts_of_plan(db: sqlite3.Connection) -> dict[str, object]:
    """Return what plan.json tells of the datasets, and of the schema."""
    (schema,) = db.execute("SELECT name FROM _sqlite_migrations ORDER BY rowid DESC").fetchone()
    names = ("name", "version", "digest", "rows", "origins")
    found = db.execute("SELECT name, version, digest, rows, origins FROM datasets WHERE counts")
    return {
        "dataset": [dict(zip(names, row, strict=True)) for row in found],
        "datasets": datasets_digest(db),
        "schema": schema,
    }


def save_cut(db: sqlite3.Connection, plan: PartPlan) -> None:
    """Store the cut in the database of the datasets, in the caller's transaction."""
    db.execute(
        "INSERT OR REPLACE INTO part_of_plan VALUES (1, NULL, ?, ?)",
        (plan.by_hash, datasets_digest(db)),
    )
    db.executemany(
        "INSERT INTO grouped_site VALUES (?, ?) ON CONFLICT DO NOTHING",
        ((site, group.name) for group in plan.groups for site in sorted(group.sites)),
    )


def stored_cut(db: sqlite3.Connection) -> PartPlan | None:
    """Return the cut that the database of the datasets has, without facts; None if it has none."""
    row = db.execute("SELECT parts FROM part_of_plan").fetchone()
    if row is None:
        return None
    sites: dict[str, list[str]] = {}
    for site, group in db.execute("SELECT site, part_group FROM grouped_site ORDER BY 2, 1"):
        sites.setdefault(group, []).append(site)
    groups = (
        PartGroup(name, row[0] + n, frozenset(found))
        for n, (name, found) in enumerate(sites.items())
    )
    return PartPlan(by_hash=row[0], groups=tuple(groups))


@contextlib.contextmanager
def distributed(db: sqlite3.Connection, plan: PartPlan) -> Iterator[None]:
    """Assign each origin to its part, in a temporary table that SQLite can spill to disk."""
    db.execute(
        "CREATE TEMP TABLE origin_part (part INTEGER, origin INTEGER, PRIMARY KEY (part, origin)) "
        "WITHOUT ROWID"
    )
    last = 0
    query = "SELECT id, site FROM main.origin WHERE id > ? ORDER BY id LIMIT ?"
    # A group may have very many sites, so they are looked up by the site.
    grouped = {site: group.part for group in plan.groups for site in group.sites}
    by_hash = PartPlan(by_hash=plan.by_hash)
    with transaction(db):
        while rows := db.execute(query, (last, _ROWS_AT_ONCE)).fetchall():
            db.executemany(
                "INSERT INTO temp.origin_part VALUES (?, ?)",
                ((grouped.get(site, by_hash.part_of(site)), origin) for origin, site in rows),
            )
            last = rows[-1][0]
    try:
        yield
    finally:
        db.execute("DROP TABLE temp.origin_part")


def fill_part(db: sqlite3.Connection, path: Path, part: int, plan: PartPlan) -> None:
    """Bring the datasets of a part up to the state that they have in `db`.

    `path` is a copy of its newest generation, or an empty database. `distributed` must be entered.
    """
    connect(path).close()  # it may be of an older version
    db.execute("ATTACH ? AS part", (str(path),))
    try:
        with transaction(db):
            _fill(db, part, plan)
    finally:
        db.execute("DETACH part")


def _fill(db: sqlite3.Connection, part: int, plan: PartPlan) -> None:
    held = {number for (number,) in db.execute("SELECT dataset FROM part.ingested")}
    all_stored = [n for (n,) in db.execute("SELECT dataset FROM main.ingested ORDER BY dataset")]
    new = [number for number in all_stored if number not in held]
    if new:
        for statement in _NEW_ORIGINS:
            db.execute(statement, {"part": part})
    for number in new:
        _add_dataset(db, part, number)
    changed = _update_datasets(db, [number for number in all_stored if number in held])
    for number in (*new, *changed):
        _copy_facets(db, part, number)
    db.executemany("INSERT INTO part.ingested VALUES (?)", [(number,) for number in new])
    db.execute(
        "INSERT OR REPLACE INTO part.part_of_plan VALUES (1, ?, ?, ?)",
        (part, plan.parts, datasets_digest(db)),
    )


def _add_dataset(db: sqlite3.Connection, part: int, number: int) -> None:
    for table in _WHOLE:
        key = "id" if table == "dataset" else "dataset"
        db.execute(
            f"INSERT INTO part.{table} SELECT * FROM main.{table} WHERE {key} = ?",  # noqa: S608 - our own names
            (number,),
        )
    for table in _OF_NO_ORIGIN if part == 0 else ():
        db.execute(
            f"INSERT INTO part.{table} SELECT * FROM main.{table} WHERE dataset = ?",  # noqa: S608 - our own names
            (number,),
        )
    values = {"part": part, "dataset": number}
    for table in _OF_ORIGIN:
        db.execute(
            f"INSERT INTO part.{table} SELECT t.* FROM origin_part AS p "  # noqa: S608 - our own names
            f"CROSS JOIN main.{table} AS t ON t.origin = p.origin AND t.dataset = :dataset "
            "WHERE p.part = :part",
            values,
        )
    # By its primary key, which begins with dataset and role.
    db.execute(
        "INSERT INTO part.dataset_role_origin SELECT t.* FROM main.dataset_role AS r "
        "CROSS JOIN origin_part AS p ON p.part = :part CROSS JOIN main.dataset_role_origin AS t "
        "ON t.dataset = r.dataset AND t.role = r.role AND t.origin = p.origin "
        "WHERE r.dataset = :dataset",
        values,
    )


def _update_datasets(db: sqlite3.Connection, numbers: Sequence[int]) -> list[int]:
    """Give datasets the name, version and provenance that they have now.

    Return those whose facets are others than before.
    """
    query = "SELECT t.facets != m.facets FROM part.dataset AS t JOIN main.dataset AS m USING (id) "
    query += "WHERE id = ?"
    changed = [number for number in numbers if db.execute(query, (number,)).fetchone()[0]]
    values = ", ".join(f"{column} = m.{column}" for column in _CHANGEABLE)
    db.execute(f"UPDATE part.dataset SET {values} FROM main.dataset AS m WHERE m.id = dataset.id")  # noqa: S608 - our own names
    return changed


def _copy_facets(db: sqlite3.Connection, part: int, number: int) -> None:
    values = {"part": part, "dataset": number}
    for table in ("facet_origin", "facet_total"):
        db.execute(f"DELETE FROM part.{table} WHERE dataset = :dataset", values)  # noqa: S608 - our own names
    db.execute(
        "INSERT INTO part.facet_value SELECT v.* FROM main.facet_total AS t "
        "JOIN main.facet_value AS v ON v.id = t.value WHERE t.dataset = :dataset "
        "ON CONFLICT DO NOTHING",
        values,
    )
    db.execute(
        "INSERT INTO part.facet_total SELECT * FROM main.facet_total WHERE dataset = :dataset",
        values,
    )
    # By the primary key of `facet_origin`: it begins with dataset and value.
    db.execute(
        "INSERT INTO part.facet_origin SELECT f.* FROM main.facet_total AS t "
        "CROSS JOIN origin_part AS p ON p.part = :part CROSS JOIN main.facet_origin AS f "
        "ON f.dataset = t.dataset AND f.value = t.value AND f.origin = p.origin "
        "WHERE t.dataset = :dataset",
        values,
    )
    has_facets = db.execute("SELECT facets != '[]' FROM main.dataset WHERE id = ?", (number,))
    if has_facets.fetchone()[0]:
        db.execute("INSERT INTO part.facets_changed VALUES (?) ON CONFLICT DO NOTHING", (number,))


def seal(path: Path) -> None:
    """Make a database one file without a log, as it is put and read."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
