"""Writer of facets: the rows of a dataset by value, in all and by origin."""

import sqlite3
from collections.abc import Iterable, Sequence

from crawler.store.dataset_versions import facets_text

_MARK = "INSERT INTO facets_changed VALUES (?) ON CONFLICT DO NOTHING"
_SAVE_VALUE = "INSERT INTO facet_value (facet, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
_VALUE = "SELECT id FROM facet_value WHERE facet = ? AND value = ?"


def save_facets(
    db: sqlite3.Connection,
    dataset: int,
    facets: Sequence[tuple[str, str]],
    totals: Iterable[tuple[str, str, int]],
    rows: Iterable[tuple[str, str, str, int, float | None]],
) -> None:
    """Store the facets of a dataset in the caller's transaction, in place of earlier ones.

    `facets` are (name, column), `totals` (facet, value, rows), `rows` (key of an origin that is
    stored, facet, value, rows, weight); what comes twice is added up.
    """
    if facets:
        db.execute(_MARK, (dataset,))
    for table in ("facet_total", "facet_origin"):
        db.execute(f"DELETE FROM {table} WHERE dataset = ?", (dataset,))  # noqa: S608 - our own names
    db.execute("UPDATE dataset SET facets = ? WHERE id = ?", (facets_text(facets), dataset))
    numbers: dict[tuple[str, str], int] = {}
    for facet, value, count in totals:
        db.execute(_SAVE_VALUE, (facet, value))
        number = db.execute(_VALUE, (facet, value)).fetchone()[0]
        numbers[facet, value] = number
        db.execute(
            "INSERT INTO facet_total VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            (dataset, number, count),
        )
    db.executemany(
        "INSERT INTO facet_origin (dataset, value, origin, rows, weight) "
        "SELECT ?, ?, id, ?, ? FROM origin WHERE key = ? ON CONFLICT DO UPDATE SET "
        "rows = rows + excluded.rows, weight = weight + excluded.weight",
        ((dataset, numbers[facet, value], n, w, key) for key, facet, value, n, w in rows),
    )


def cap(db: sqlite3.Connection, dataset: int, most: int, other: str) -> None:
    """Keep the `most` values with most rows of each facet; the rows of the rest are of `other`.

    Columns with roles, and the versions that rows are taken from, may have more values together.
    """
    surplus = db.execute(
        "SELECT value, facet FROM (SELECT t.value, v.facet, row_number() OVER ("
        "PARTITION BY v.facet ORDER BY t.rows DESC, v.value) AS n FROM facet_total AS t "
        "JOIN facet_value AS v ON v.id = t.value "
        "WHERE t.dataset = ? AND v.value NOT IN ('', ?)) WHERE n > ?",
        (dataset, other, most),
    ).fetchall()
    if surplus:
        db.execute(_MARK, (dataset,))
    for value, facet in surplus:
        db.execute(_SAVE_VALUE, (facet, other))
        rest = db.execute(_VALUE, (facet, other)).fetchone()[0]
        db.execute(
            "INSERT INTO facet_total SELECT dataset, ?, rows FROM facet_total "
            "WHERE dataset = ? AND value = ? ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            (rest, dataset, value),
        )
        db.execute(
            "INSERT INTO facet_origin SELECT dataset, ?, origin, rows, weight FROM facet_origin "
            "WHERE dataset = ? AND value = ? ON CONFLICT DO UPDATE SET "
            "rows = rows + excluded.rows, weight = weight + excluded.weight",
            (rest, dataset, value),
        )
        for table in ("facet_total", "facet_origin"):
            db.execute(f"DELETE FROM {table} WHERE dataset = ? AND value = ?", (dataset, value))  # noqa: S608 - our own names
