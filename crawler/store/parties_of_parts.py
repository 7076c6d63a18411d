"""Groups of the parties that documents of several parts name.

Rules for editors: `party_groups` makes them as in a database of one file, from tables with the rows
of all parts that name a party.
"""

from contextlib import closing

import duckdb
import pyarrow as pa

from crawler.store import party_groups
from crawler.store.database import new_database, transaction
from crawler.store.tables import arrow_table

# Tables that hide those of an empty database: all rows of parties, and of what leads to them.
_ROWS = {
    "party": "SELECT * FROM party",
    "party_page": "SELECT * FROM party_page",
    "party_list": "SELECT * FROM party_list",
    "party_list_entry": "SELECT * FROM party_list_entry",
    "observation_reading": "SELECT * FROM observation_reading "
    "WHERE reading IN (SELECT reading FROM party)",
    "observation": "SELECT id, origin FROM observation WHERE id IN (SELECT observation "
    "FROM observation_reading WHERE reading IN (SELECT reading FROM party))",
    "resource_evidence": "SELECT origin, observation FROM resource_evidence WHERE observation IN "
    "(SELECT observation FROM observation_reading WHERE reading IN (SELECT reading FROM party))",
    "origin": "SELECT * FROM origin WHERE id IN (SELECT o.origin FROM observation AS o "
    "JOIN observation_reading AS r ON r.observation = o.id "
    "WHERE r.reading IN (SELECT reading FROM party)) "
    "OR site IN (SELECT domain FROM party_list_entry) "
    "OR key IN (SELECT domain FROM party_list_entry "
    "UNION ALL SELECT 'www.' || domain FROM party_list_entry)",
}


def groups(duck: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    """Return the tables of groups, by name, over the tables that a DuckDB connection has."""
    with closing(new_database()) as db, transaction(db):
        for name, query in _ROWS.items():
            found = duck.execute(query)
            columns = [column[0] for column in found.description]
            listed = ", ".join(f'"{column}"' for column in columns)
            db.execute(f"CREATE TEMP TABLE {name} ({listed})")
            places = ", ".join("?" * len(columns))
            while rows := found.fetchmany(10_000):
                db.executemany(f"INSERT INTO temp.{name} VALUES ({places})", rows)  # noqa: S608
        for name, column in (("party", "reading"), ("observation", "id"), ("origin", "id")):
            db.execute(f"CREATE INDEX temp.{name}_of_parts ON {name} ({column})")
        party_groups.rebuild(db)
        return {name: arrow_table(db, name) for name in party_groups.TABLES}
