"""Tables that public views and flags read, as each part exports them: rows, keys, order, columns.

Rules for editors:

- A table that a view reads is in `TABLES`; tests/store/test_two_engines.py fails for one that is
  not. Nothing is exported besides, except what `excerpts` reads.
- Numbers that each database counts for itself get the number of the part above their 32 lower bits,
  and keys of readings get it in front: equal documents have a row in each part. All other numbers
  and keys are the same in every part.
- No Arrow and no DuckDB here: processes that crawl know the names of tables, and write none.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from crawler.store.database import public_views

#: The table that is written last.
LAST = "origin"
#: Bits of a number that its part counts.
PART_BITS = 32
# Columns with a number that each part counts for itself, and with a key of a reading.
_COUNTED = frozenset(
    "origin observation run confirms first last before after lost judging redaction pruning "
    "hold list".split()
)
_READING = frozenset(("reading", "reserving_reading", "permitting_reading"))


def number_in_whole(number: int, part: int) -> int:
    """Return the number that the whole has for what has this one in its part."""
    return number + (part << PART_BITS)


def key_in_whole(key: str, part: int) -> str:
    """Return the key that the whole has for a reading, or a statement, of a part."""
    return f"{part}:{key}"


class Merge(Enum):
    """The way in which rows of several parts make a table."""

    #: All of them: each is of one part.
    OF_PARTS = "of parts"
    #: Each once: what is equal in two parts has one key.
    SHARED = "shared"
    #: Those of the first part: each part has all of them.
    OF_WHOLE = "of the whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedTable:
    """A table as it is exported: its rows, its own key if parts count it, and its order."""

    rows: Merge = Merge.OF_PARTS
    key: str = ""
    order: str = "rowid"
    query: str = ""
    types: Mapping[str, str] | None = None


def _of_parts(names: str, order: str) -> dict[str, ExportedTable]:
    return dict.fromkeys(names.split(), ExportedTable(order=order))


_BY_ID = ExportedTable(key="id", order="id")
_SHARED = ExportedTable(rows=Merge.SHARED, order="1, 2")
_WHOLE = ExportedTable(rows=Merge.OF_WHOLE, order="1")

_RESERVATIONS = dict.fromkeys(public_views()["reservations"][1], "TEXT") | {
    "weight": "REAL",
    **dict.fromkeys(
        "rows tier conflict complete malformed stale textual_candidate".split(), "INTEGER"
    ),
}

#: Tables by name. Views that would cost many joins, or read bytes, are tables here.
TABLES: Mapping[str, ExportedTable] = {
    **dict.fromkeys(
        "run redaction pruning hold judging withheld_body withheld_row".split(), _BY_ID
    ),
    "hold_release": ExportedTable(key="id", order="id"),
    "request_list": _BY_ID,
    "requested_url": ExportedTable(order="list, n"),
    "forgotten_list": ExportedTable(order="list"),
    "party_list": _BY_ID,
    "party_list_entry": ExportedTable(order="list, line"),
    "manifest": ExportedTable(
        query="SELECT n, digest FROM manifest",
        types={"n": "INTEGER", "digest": "TEXT"},
        key="n",
        order="n",
    ),
    "stamp": _BY_ID,
    "observation": ExportedTable(key="id", order="id"),
    # For `flag`, which reads the times of the current answers and nothing else of observations.
    "current_answer": ExportedTable(
        query="SELECT id, run, origin, resource, observed_at FROM observation_row "
        "WHERE id IN (SELECT observation FROM resource_evidence)",
        types={
            **dict.fromkeys(("id", "run", "origin"), "INTEGER"),
            **dict.fromkeys(("resource", "observed_at"), "TEXT"),
        },
        key="id",
        order="id",
    ),
    "erased_body": ExportedTable(
        query="SELECT 0 AS part, digest FROM body "
        "WHERE digest IN (SELECT digest FROM withheld_body) AND length(content) = 0",
        types={"part": "INTEGER", "digest": "TEXT"},
        key="part",
        order="2",
    ),
    **_of_parts("visit local_failure", "run, origin"),
    **_of_parts("evaluated_visit steady agent_answer origin_summary", "origin"),
    **_of_parts("run_counts", "run"),
    **_of_parts("version_origin dataset_role_origin facet_origin", "dataset, origin"),
    **_of_parts("version_reject dataset_role_reject", "dataset"),
    "reading": ExportedTable(key="id", order="protocol, id"),
    **_of_parts("statement issue candidate party url_pattern", "reading, n"),
    **_of_parts("party_page", "observation, n"),
    **_of_parts("observation_reading", "observation"),
    **_of_parts("resource_evidence", "resource, origin"),
    **_of_parts("finding page_share", "rules, purpose, origin"),
    **_of_parts("phase", "rules, purpose, origin, n"),
    **_of_parts("disagreement flip", "origin"),
    # What it says to a single agent was asked by one `flag`, which can ask again.
    "verdict": ExportedTable(
        query="SELECT * FROM verdict WHERE agent = ''", order="rules, pattern_set, purpose, origin"
    ),
    **dict.fromkeys("effect conclusion_part site_domain state_set place_set".split(), _SHARED),
    "party_group": ExportedTable(order="site, party"),
    "party_low_group": ExportedTable(order="low_group, site, party"),
    **dict.fromkeys(
        "dataset dataset_file dataset_role facet_value facet_total forgotten ruleset "
        "protocol_description".split(),
        _WHOLE,
    ),
    # Whole, since each row is of one origin: it is made of more tables than all others.
    "reservations": ExportedTable(order="origin", types=_RESERVATIONS),
    "origin": ExportedTable(key="id", order="id"),
}


def columns_of(db: sqlite3.Connection, name: str) -> dict[str, str]:
    """Return the columns of a table as it is exported, with their types in SQLite."""
    table = TABLES[name]
    if table.types is not None:
        return dict(table.types)
    stored = "observation_row" if name == "observation" else name
    types = dict(db.execute("SELECT name, type FROM pragma_table_info(?)", (stored,)).fetchall())
    types.pop("base", None)
    return types


def query_of(name: str, types: Mapping[str, str], part: int) -> str:
    """Return the SQL of the rows of a table, as a part exports them."""
    table = TABLES[name]
    shown = columns_in_part(name, types, part)
    source = f"({table.query})" if table.query else name
    return f"SELECT {shown} FROM {source} ORDER BY {table.order}"  # noqa: S608 - our own names


def columns_in_part(name: str, types: Mapping[str, str], part: int) -> str:
    """Return the SQL of the columns of a table, with the number of a part in numbers and keys."""
    table = TABLES[name]
    return ", ".join(_column(table, name, column, kind, part) for column, kind in types.items())


def _column(table: ExportedTable, name: str, column: str, kind: str, part: int) -> str:
    if table.rows is Merge.OF_PARTS and part:
        if column in _READING or (name == "reading" and column == "id"):
            return f'\'{part}:\' || "{column}" AS "{column}"'
        if kind == "INTEGER" and (column in _COUNTED or column == table.key):
            return f'"{column}" + {part << PART_BITS} AS "{column}"'
    return f'"{column}"'
