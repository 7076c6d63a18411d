"""The keys of all origins that the rows of a dataset may name, before any origin is known.

Rules for editors: rows of a key that is missing get the verdict of an origin never asked. So this
finds whatever the flagger may look up in steps 4 and 6 (04_known_now.sql, `Flagger._parse_hosts`).
"""

from collections.abc import Iterable

import duckdb

from crawler.dataset.url_parts import create_views, parse_authority
from crawler.flags.duck import batches, insert_rows
from crawler.model import Origin
from crawler.store.excerpts import WANTED
from crawler.urls import canonical

# As in 04_known_now.sql: the authority, where it may be a key; and the texts that Python parses.
_TEXTS = """
    CREATE OR REPLACE TEMP TABLE row_text AS
    SELECT DISTINCT
        kind_of(url, scheme, authority) AS kind,
        if(kind = 'other', url, authority) AS text,
        CASE WHEN strlen(url) < 8192 AND (scheme <> 'bare' OR contains(authority, '.'))
            THEN authority
        END AS key,
        kind = 'other' OR contains(authority, ':') OR NOT is_plain_authority(authority) AS is_parsed
    FROM url_parts
"""
_PARSED = "SELECT kind, text FROM row_text WHERE is_parsed"
_OF_FILE = """
    INSERT INTO file_key
    SELECT DISTINCT key FROM row_text WHERE key IS NOT NULL
    UNION
    FROM parsed_key
"""
_NEW = f"""
    CREATE OR REPLACE TEMP TABLE new_key AS
    FROM (SELECT DISTINCT key FROM file_key) ANTI JOIN {WANTED} USING (key)
"""  # noqa: S608 - our own name


def create(duck: duckdb.DuckDBPyConnection) -> None:
    """Create the table of keys, empty."""
    duck.execute(f"CREATE TABLE {WANTED} (key VARCHAR)")


def begin(duck: duckdb.DuckDBPyConnection) -> None:
    """Begin with the keys of another file."""
    duck.execute("CREATE OR REPLACE TEMP TABLE file_key (key VARCHAR)")


def read(duck: duckdb.DuckDBPyConnection, queries: Iterable[str]) -> None:
    """Read the keys of the rows of some queries of the file, which have a column `url`."""
    for query in queries:
        duck.execute(f"CREATE OR REPLACE TEMP VIEW source AS {query}")
        create_views(duck)
        duck.execute(_TEXTS)
        duck.execute("CREATE OR REPLACE TEMP TABLE parsed_key (key VARCHAR)")
        for rows in batches(duck, _PARSED):
            origins = (parse_authority(kind, text) for kind, text in rows)
            keys = [canonical.origin_key(o) for o in origins if isinstance(o, Origin)]
            insert_rows(duck, "parsed_key", [(key,) for key in keys])
        duck.execute(_OF_FILE)


def choose_new(duck: duckdb.DuckDBPyConnection) -> int:
    """Choose the keys of the file that are not wanted yet; return how many these are."""
    duck.execute(_NEW)
    return _count(duck, "new_key")


def add_new(duck: duckdb.DuckDBPyConnection) -> None:
    """Add the keys that were chosen to those that are wanted."""
    duck.execute(f"INSERT INTO {WANTED} FROM new_key")


def count(duck: duckdb.DuckDBPyConnection) -> int:
    """Return the number of keys that are wanted."""
    return _count(duck, WANTED)


def _count(duck: duckdb.DuckDBPyConnection, table: str) -> int:
    [(found,)] = duck.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 - our own names
    return int(found)
