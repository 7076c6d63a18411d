"""Choose a time in the past for a connection: views that are made of states then show that time.

Rules for editors: as_of.sql says of stored phases what `evaluate.as_of` says of looks;
tests/store/test_as_of.py compares the two.
"""

import re
from importlib.resources import files

from crawler.instants import DAY_MS, Instant, text_of
from crawler.store.overrides import make_views, override
from crawler.store.queryable import Queryable, is_whole

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
_NAMED = re.compile(r"\s*(?:--[^\n]*\n\s*)*CREATE TEMP (TABLE|VIEW) (\w+) AS\s+(.*)", re.DOTALL)


def choose_instant(db: Queryable, instant: Instant, max_distance: float | None = None) -> None:
    """Let the views `VIEWS` of this connection show a time in the past, and add `HISTORY`.

    `max_distance` is how many days before it the last look may be, None for any. Nothing is stored.
    """
    first, last = text_of(instant.first), text_of(instant.last)
    # A day is covered by a phase that was confirmed after its end, a time by one up to it.
    covered = text_of(instant.first + DAY_MS) if instant.is_day else first
    day = f"julianday('{first}')"
    distance = "NULL" if max_distance is None else repr(float(max_distance))
    # Texts are times of ours: a query says the same elsewhere only if they stand in it.
    override(
        db,
        "as_of_instant",
        f"SELECT '{instant}' AS named, '{first}' AS first, '{last}' AS last, "
        f"'{covered}' AS covered, {day} AS day, {distance} AS max_distance",
        is_kept=True,
    )
    sql = (files("crawler.store") / "as_of.sql").read_text("utf-8")
    for statement in _STATEMENT.split(sql):
        named = _NAMED.fullmatch(statement)
        if named:
            override(db, named[2], named[3], is_kept=named[1] == "TABLE")
        elif statement.strip() and not is_whole(db):
            # DuckDB joins without indexes.
            db.execute(statement)
    make_views(db)
