"""SQL macros and views that split the URLs of a dataset, and their counterpart in Python.

Rules for editors: SQL decides only where it gives what `crawler.urls.canonical` gives. Whoever
changes one of the two changes the other; tests/dataset/test_plain_urls.py compares them.
"""

import importlib.resources

import duckdb

from crawler.model import Origin
from crawler.urls.canonical import origin_of
from crawler.vocab import Reject


def sql(name: str) -> str:
    """Return the text of an SQL file of this package."""
    return importlib.resources.files("crawler.dataset").joinpath("sql", name).read_text("utf-8")


def create_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the macros of plain_urls.sql, and the macros and views of url_parts.sql.

    The connection needs a table or view `source` with a text column `url`. Calling it again after
    `source` was replaced is allowed. View `url_parts` has the columns of `source`, `scheme` and
    `authority`.
    """
    connection.execute(sql("plain_urls.sql"))
    connection.execute(sql("url_parts.sql"))


def parse_authority(kind: str, text: str) -> Origin | Reject:
    """Return the origin of a text of view `row_authority`, by its `kind` (see url_parts.sql)."""
    # The slash keeps white space at the end of an authority from being cut off as the text's.
    return origin_of(text if kind in ("bare", "other") else f"{kind}://{text}/")
