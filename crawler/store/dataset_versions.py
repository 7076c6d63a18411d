"""Versions of datasets: which one counts, and what a new one takes over from another.

Versions of a dataset share its name. One of them counts: of the rows of all versions, in
`version_origin` and `version_reject`, the views `dataset_origin` and `dataset_reject` show its own,
and every other view weighs by these.

Rules for editors: call what changes something in the caller's transaction. Evidence does not depend
on datasets, and nothing here touches it.
"""

import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crawler.errors import UserError
from crawler.store.queryable import Queryable

#: How a version is written after the name of its dataset.
VERSION = re.compile(r"(?P<name>.+)@(?P<version>[0-9]{1,9})", re.DOTALL)
# Columns that are added up where a version takes over rows of another, and other tables of rows.
_SUMS = ("rows", "weight", "other_hosts")
_TABLES_OF_ROWS = (
    *("version_origin", "version_reject", "facet_total", "facet_origin"),
    *("dataset_role", "dataset_role_reject", "dataset_role_origin"),
)


class VersionError(UserError):
    """No such dataset or version, or one that would count twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The name of a dataset, as it was given.

    `path` is its files as given, `source` its absolute paths, one a line. `name` is that of
    `--dataset`, None if it was not given.
    """

    path: str
    source: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """The choices on which the rows of a dataset depend, apart from the bytes of its files.

    `url_column` is None where it is to be found. `facets` are (name, column).
    """

    url_column: str | None = None
    weight_column: str | None = None
    facets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A version that a new one contains: its number, its columns of URLs, its files' digests."""

    dataset: int
    url_column: str
    digests: tuple[str, ...]


def source_of(paths: Iterable[str]) -> str:
    """Return paths as the source of a dataset: absolute, sorted, one a line; URLs stay."""
    return "\n".join(sorted(p if "://" in p else os.path.abspath(p) for p in paths))


def find_base(db: sqlite3.Connection, digests: Sequence[str], options: ReadOptions) -> Base | None:
    """Return the stored version with most octets whose files are all among `digests`."""
    # Equal files may be there twice, and are then two files with twice the rows.
    given = json.dumps(list(Counter(digests).items()))
    row = db.execute(
        "WITH given AS (SELECT value ->> 0 AS digest, value ->> 1 AS n FROM json_each(?1)), "
        "held AS (SELECT file.dataset, file.digest, count(*) AS n, sum(file.bytes) AS bytes "
        "FROM dataset_file AS file JOIN dataset AS d ON d.id = file.dataset "
        "WHERE d.column_given = (?2 IS NOT NULL) AND d.weight_column = ?3 AND d.facets = ?4 "
        "AND (?2 IS NULL OR lower(d.url_column) = lower(?2)) GROUP BY 1, 2) "
        "SELECT held.dataset, d.url_column FROM held JOIN dataset AS d ON d.id = held.dataset "
        "LEFT JOIN given ON given.digest = held.digest GROUP BY held.dataset "
        "HAVING min(held.n <= coalesce(given.n, 0)) ORDER BY sum(held.bytes) DESC, 1 DESC LIMIT 1",
        (given, options.url_column, options.weight_column or "", facets_text(options.facets)),
    ).fetchone()
    if row is None:
        return None
    files = db.execute("SELECT digest FROM dataset_file WHERE dataset = ?", (row[0],))
    return Base(dataset=row[0], url_column=row[1], digests=tuple(d for (d,) in files))


def facets_text(facets: Sequence[tuple[str, str]]) -> str:
    """Return facets as they are stored."""
    return json.dumps([list(facet) for facet in facets])


def take_over(db: sqlite3.Connection, dataset: int, base: int) -> None:
    """Add the rows and samples of another version to those of a dataset that is being stored."""
    for table in _TABLES_OF_ROWS:
        _add_rows(db, table, dataset, base)
    db.execute(
        "INSERT INTO sample (origin, dataset, n, url) SELECT s.origin, ?1, s.n + "
        "(SELECT coalesce(max(n), 0) FROM sample WHERE origin = s.origin AND dataset = ?1), s.url "
        "FROM sample AS s WHERE s.dataset = ?2 AND s.url <> '' AND NOT EXISTS ("
        "SELECT 1 FROM sample AS o WHERE o.origin = s.origin AND o.dataset = ?1 AND o.url = s.url)",
        (dataset, base),
    )
    db.execute(
        "UPDATE dataset SET rows = dataset.rows + b.rows, records = dataset.records + b.records, "
        "column_choice = b.column_choice FROM dataset AS b WHERE b.id = ?2 AND dataset.id = ?1",
        (dataset, base),
    )


def _add_rows(db: sqlite3.Connection, table: str, dataset: int, base: int) -> None:
    columns = db.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
    names = ", ".join(name for name, _ in columns)
    values = ", ".join("?" if name == "dataset" else name for name, _ in columns)
    keys = ", ".join(name for name, pk in columns if pk)
    sums = ", ".join(f"{name} = {name} + excluded.{name}" for name, _ in columns if name in _SUMS)
    db.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE dataset = ? "  # noqa: S608 - our own names
        f"ON CONFLICT ({keys}) DO UPDATE SET {sums}",
        (dataset, base),
    )


def enlist(db: sqlite3.Connection, dataset: int, naming: Naming) -> None:
    """Make a dataset that was just stored the version that counts of its name."""
    name = _name(db, dataset, naming)
    db.execute(
        "UPDATE dataset SET name = ?1, named = ?2, source = ?3, "
        # The number of a version that was forgotten is not used again.
        "version = 1 + max((SELECT coalesce(max(version), 0) FROM dataset WHERE name = ?1 "
        "AND id != ?4), (SELECT coalesce(max(version), 0) FROM forgotten WHERE name = ?1)) "
        "WHERE id = ?4",
        (name, _is_named(db, name, naming), naming.source, dataset),
    )
    count_only(db, dataset)


def enlist_again(db: sqlite3.Connection, dataset: int, naming: Naming) -> None:
    """Make a version that was stored before the one that counts; raise `VersionError`.

    Files that were moved keep the name of their dataset. A dataset of another name whose files were
    replaced by copies of these no longer counts: their rows would count twice.
    """
    query = "SELECT name, named, version, source FROM dataset WHERE id = ?"
    known, is_named, version, source = db.execute(query, (dataset,)).fetchone()
    if naming.name is not None and naming.name != known:
        if is_named:
            raise VersionError(
                f"{naming.path} is version {version} of the dataset {known}, and its rows would "
                f"count twice; give --dataset {known}, or `tdm-audit forget` that version first"
            )
        _rename(db, known, naming.name)
    own = _name(db, dataset, naming)
    if source != naming.source:
        if own != known and naming.name is None:
            for (other,) in db.execute("SELECT id FROM dataset WHERE name = ? AND counts", (own,)):
                _supersede(db, other)
        if not source or not all(map(os.path.exists, source.splitlines())):
            db.execute("UPDATE dataset SET source = ? WHERE id = ?", (naming.source, dataset))
    count_only(db, dataset)


def count_only(db: sqlite3.Connection, dataset: int) -> None:
    """Make a version the only one of its name that counts."""
    others = db.execute(
        "SELECT id FROM dataset WHERE counts AND id != ?1 "
        "AND name = (SELECT name FROM dataset WHERE id = ?1)",
        (dataset,),
    ).fetchall()
    for (other,) in others:
        _supersede(db, other)
    db.execute("UPDATE dataset SET counts = 1 WHERE id = ?", (dataset,))


def _supersede(db: sqlite3.Connection, dataset: int) -> None:
    db.execute("UPDATE dataset SET counts = 0 WHERE id = ?", (dataset,))


def _name(db: sqlite3.Connection, dataset: int, naming: Naming) -> str:
    """Return the name of the dataset at a path; versions that had none get the one given."""
    # A dataset of an older database has the path as given, and no absolute one.
    query = (
        "SELECT DISTINCT name FROM dataset WHERE id != ?1 AND "
        "(source = ?2 OR (source = '' AND path = ?3)) "
    )
    here = (dataset, naming.source, naming.path)
    if naming.name is not None:
        for (other,) in db.execute(f"{query} AND NOT named", here).fetchall():
            _rename(db, other, naming.name)
        return naming.name
    # Of several names, one whose rows were read from the same column.
    order = (
        "ORDER BY url_column = (SELECT url_column FROM dataset WHERE id = ?1) DESC, id DESC LIMIT 1"
    )
    row = db.execute(f"{query.replace('DISTINCT ', '')} {order}", here).fetchone()
    if row is not None:
        return str(row[0])
    taken = db.execute(
        "SELECT 1 FROM dataset WHERE name = ? AND id != ?", (naming.path, dataset)
    ).fetchone()
    return naming.source.replace("\n", " ") if taken else naming.path


def _is_named(db: sqlite3.Connection, name: str, naming: Naming) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM dataset WHERE name = ? AND named)"
    return naming.name is not None or bool(db.execute(query, (name,)).fetchone()[0])


def _rename(db: sqlite3.Connection, name: str, new: str) -> None:
    """Give all versions of a name another one, after the versions that it has."""
    if name != new:
        db.execute(
            "UPDATE dataset SET name = ?2, named = 1, version = version + "
            "(SELECT coalesce(max(version), 0) FROM dataset WHERE name = ?2) WHERE name = ?1",
            (name, new),
        )


def resolve(db: Queryable, text: str) -> int:
    """Return the number of the dataset `NAME`, in the version that counts, or `NAME@VERSION`.

    Raise `VersionError` if there is none.
    """
    query = "SELECT id FROM dataset WHERE name = ? ORDER BY counts DESC, version DESC LIMIT 1"
    row = db.execute(query, (text,)).fetchone()
    if row is None and (match := VERSION.fullmatch(text)):
        query = "SELECT id FROM dataset WHERE name = ? AND version = ?"
        row = db.execute(query, (match["name"], int(match["version"]))).fetchone()
    if row is not None:
        return int(row[0])
    names = [n for (n,) in db.execute("SELECT DISTINCT name FROM dataset ORDER BY name LIMIT 6")]
    known = f"there are {', '.join(names[:5])}{' and others' if len(names) > 5 else ''}"
    raise VersionError(f"there is no dataset {text}; {known if names else 'there is none yet'}")


def shared_files(db: sqlite3.Connection, dataset: int) -> tuple[str, int, int] | None:
    """Return the dataset of another name that counts most of the same files, if any does.

    It is (name, files of it that are the same, files of `dataset`). Rows of such files count twice.
    """
    row = db.execute(
        "SELECT d.name, count(DISTINCT mine.path), "
        "(SELECT count(*) FROM dataset_file WHERE dataset = ?1) "
        "FROM dataset_file AS mine "
        "CROSS JOIN dataset_file AS other ON other.digest = mine.digest AND other.dataset != ?1 "
        "CROSS JOIN dataset AS d ON d.id = other.dataset AND d.counts "
        "WHERE mine.dataset = ?1 AND mine.bytes > 0 "
        "AND d.name != (SELECT name FROM dataset WHERE id = ?1) "
        "AND d.url_column = (SELECT url_column FROM dataset WHERE id = ?1) "
        "GROUP BY d.id ORDER BY 2 DESC, d.id LIMIT 1",
        (dataset,),
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])
