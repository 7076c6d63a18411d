"""Helpers for DuckDB: run an SQL file of this package, insert rows, read results in batches."""

import importlib.resources
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa

#: Rows of `batches`. What is known of the evidence of as many origins is in memory at once.
BATCH_ROWS = 20_000
# Rows that are in Python at the same time while they are inserted.
_ROWS_PER_INSERT = 20_000


def run_sql(duck: duckdb.DuckDBPyConnection, name: str) -> None:
    """Execute the file `name` of `crawler/flags/sql`."""
    text = importlib.resources.files("crawler.flags").joinpath("sql", name).read_text("utf-8")
    duck.execute(text)


def insert_rows(duck: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert tuples whose values are in the order of the table's columns."""
    # Through Arrow: `executemany` of DuckDB executes the statement once for each row.
    schema = duck.sql(f"SELECT * FROM {table} LIMIT 0").to_arrow_table().schema  # noqa: S608 - our own names
    left = iter(rows)
    while some := list(islice(left, _ROWS_PER_INSERT)):
        pairs = zip(zip(*some, strict=True), schema, strict=True)
        arrays = [pa.array(values, field.type) for values, field in pairs]
        insert_table(duck, table, pa.table(arrays, schema=schema))


def insert_table(
    duck: duckdb.DuckDBPyConnection, table: str, rows: pa.Table | pa.RecordBatchReader
) -> None:
    """Insert rows of Arrow. Columns are matched by position, not by name."""
    duck.register("rows_to_add", rows)
    duck.execute(f"INSERT INTO {table} SELECT * FROM rows_to_add")  # noqa: S608 - our own names
    duck.unregister("rows_to_add")


def batches(duck: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a query in lists of at most 20,000.

    The result is stored first, so the caller may change the tables that the query reads.
    """
    duck.execute(f"CREATE OR REPLACE TEMP TABLE query_result AS {query}")
    [(count,)] = duck.execute("SELECT count(*) FROM query_result").fetchall()
    for start in range(0, count, BATCH_ROWS):
        bounds = f"rowid >= {start} AND rowid < {start + BATCH_ROWS}"
        yield duck.execute(f"SELECT * FROM query_result WHERE {bounds} ORDER BY rowid").fetchall()  # noqa: S608 - numbers
