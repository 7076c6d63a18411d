"""Remove versions of datasets: their rows and samples, never evidence. Removals are logged."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from crawler.store.dataset_versions import VERSION, VersionError, count_only, resolve

# Tables with rows of a dataset, before the dataset itself.
_TABLES = (
    *("version_origin", "version_reject", "sample", "facet_origin", "facet_total", "dataset_file"),
    "facets_changed",
    *("dataset_role_origin", "dataset_role_reject", "dataset_role"),
)


class Version(NamedTuple):
    """A version of a dataset, as it is listed; the fields are columns of view `datasets`.

    `unattributable` are the rows that name no origin, `counts` is 1 for the version that counts.
    """

    dataset: int
    name: str
    version: int
    counts: int
    path: str
    digest: str
    files: int
    rows: int
    origins: int
    unattributable: int
    ingested_at: str
    collected_from: str | None
    collected_to: str | None
    upstream: str | None
    crawler: str | None
    facets: str


def versions(db: sqlite3.Connection, datasets: Iterable[int] | None = None) -> list[Version]:
    """Return the versions with these numbers, or all, by name and version."""
    # The view counts origins for every row of it, so it is asked for one number at a time.
    columns = ", ".join(Version._fields)
    found = [
        Version._make(row)
        for number in (_numbers(db) if datasets is None else datasets)
        for row in db.execute(f"SELECT {columns} FROM datasets WHERE dataset = ?", (number,))  # noqa: S608 - our own names
    ]
    return sorted(found, key=lambda v: (v.name, v.version))


def _numbers(db: sqlite3.Connection) -> list[int]:
    return [number for (number,) in db.execute("SELECT id FROM dataset ORDER BY id")]


def chosen_versions(db: sqlite3.Connection, text: str, *, older: bool, every: bool) -> list[int]:
    """Return the numbers of versions to remove: `NAME@VERSION`, or the older or all ones of `NAME`.

    Raise `VersionError`.
    """
    number = resolve(db, text)
    if not older and not every:
        if _is_name(db, text):
            raise VersionError(
                f"{text} is a dataset; name a version of it ({text}@1), or give --older or --all"
            )
        return [number]
    if not _is_name(db, text):
        raise VersionError(f"{text} is one version; --older and --all want the name of a dataset")
    query = "SELECT id FROM dataset WHERE name = ? AND (counts = 0 OR ?) ORDER BY version"
    return [number for (number,) in db.execute(query, (text, every))]


def _is_name(db: sqlite3.Connection, text: str) -> bool:
    is_name = db.execute("SELECT EXISTS (SELECT 1 FROM dataset WHERE name = ?)", (text,))
    return bool(is_name.fetchone()[0]) or VERSION.fullmatch(text) is None


def forget(db: sqlite3.Connection, datasets: Iterable[int], command: str, now: str) -> None:
    """Remove versions in the caller's transaction, and log it.

    Where the version that counts is removed, the newest of those that are left counts.
    """
    for version in versions(db, datasets):
        db.execute(
            "INSERT INTO forgotten VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(version.dataset, version.name, version.version, version.path, version.digest),
                *(version.rows, version.origins, version.ingested_at, now, command),
            ),
        )
        for table in _TABLES:
            db.execute(f"DELETE FROM {table} WHERE dataset = ?", (version.dataset,))  # noqa: S608 - our own names
        db.execute("DELETE FROM dataset WHERE id = ?", (version.dataset,))
        _count_newest(db, version.name)


def _count_newest(db: sqlite3.Connection, name: str) -> None:
    row = db.execute(
        "SELECT id FROM dataset WHERE name = ? ORDER BY counts DESC, version DESC LIMIT 1", (name,)
    ).fetchone()
    if row is not None:
        count_only(db, row[0])
