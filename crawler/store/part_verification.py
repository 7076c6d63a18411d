"""Verify what makes a database a part of an audit: its place in the cut, and its chain."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from crawler.store.database import sqlite_errors_as_store_error
from crawler.store.part_plan import PartPlan
from crawler.store.part_writer import datasets_digest, stored_cut
from crawler.store.verification import Difference

_NOT_AS_PLANNED = "is not as plan.json says"


def cut_differences(
    db: sqlite3.Connection, part: int | None, plan: PartPlan
) -> Iterator[Difference]:
    """Yield what is not as plan.json says: the part's number, its datasets, its sites.

    None is the database of the datasets.
    """
    row = db.execute("SELECT number, parts, datasets FROM part_of_plan").fetchone()
    parts = plan.by_hash if part is None else plan.parts
    if row is None or row[:2] != (part, parts):
        yield Difference("part_of_plan", "", _NOT_AS_PLANNED)
    planned = plan.facts.get("datasets")
    if row is None or planned != row[2] or planned != datasets_digest(db):
        yield Difference("dataset", "", _NOT_AS_PLANNED)
    if part is None:
        if stored_cut(db) != replace(plan, facts={}):
            yield Difference("grouped_site", "", _NOT_AS_PLANNED)
        return
    for (site,) in db.execute("SELECT DISTINCT site FROM origin"):
        own = plan.part_of(site)
        if own != part:
            yield Difference("origin", site, f"is of a site of part {own}")


def stored_chain(path: Path) -> list[str]:
    """Return the digests of the manifests, also of a database that an older version wrote."""
    with (
        sqlite_errors_as_store_error(path),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db,
    ):
        return [digest for (digest,) in db.execute("SELECT digest FROM manifest ORDER BY n")]
