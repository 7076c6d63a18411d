"""Choose a time in the past for a connection: views that are made of states then show that time.

Rules for editors: as_of.sql says of stored phases what `evaluate.as_of` says of looks;
tests/store/test_as_of.py compares the two.
"""

import re
import sqlite3
from importlib.resources import files

from crawler.instants import DAY_MS, Instant, text_of
from crawler.store.chosen_version import make_views

#: The view that stands for `history`, and its columns.
HISTORY = "history_as_of"
HISTORY_COLUMNS = tuple(
    "origin site purpose rules as_of as_of_basis state reserved state_before valid_from valid_to "
    "distance_days state_after gone_by".split()
)
#: The public views that are made of states alone.
VIEWS = (
    *("history", "sites", "dataset_summary", "dataset_bounds", "dataset_sites", "dataset_facets"),
    *("sensitivity", "leverage", "role_summary"),
)
_STATEMENT = re.compile(r";\n")


def choose_instant(
    db: sqlite3.Connection, instant: Instant, max_distance: float | None = None
) -> None:
    """Let the views `VIEWS` of this connection show a time in the past, and add `HISTORY`.

    `max_distance` is how many days before it the last look may be, None for any. Nothing is stored.
    """
    first, last = text_of(instant.first), text_of(instant.last)
    # A day is covered by a phase that was confirmed after its end, a time by one up to it.
    covered = text_of(instant.first + DAY_MS) if instant.is_day else first
    db.execute(
        "CREATE TEMP TABLE as_of_instant AS SELECT ? AS named, ? AS first, ? AS last, "
        "? AS covered, julianday(?) AS day, ? AS max_distance",
        (str(instant), first, last, covered, first, max_distance),
    )
    sql = (files("crawler.store") / "as_of.sql").read_text("utf-8")
    for statement in _STATEMENT.split(sql):
        if statement.strip():
            db.execute(statement)
    make_views(db)
