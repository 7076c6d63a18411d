"""The tables in DuckDB that rows are told apart with."""

import importlib.resources
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

_BATCH = 50_000


def run(duck: duckdb.DuckDBPyConnection, name: str, room: str = "crawler.flags") -> None:
    """Execute an SQL file of the package."""
    duck.execute(importlib.resources.files(room).joinpath("sql", name).read_text("utf-8"))


def insert(duck: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a table, in its columns' order and types."""
    schema = duck.sql(f"SELECT * FROM {table} LIMIT 0").to_arrow_table().schema  # noqa: S608 - our own names
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    add(duck, table, pa.table(arrays, schema=schema))


def add(duck: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Add the rows of a table of Arrow to a table that has its columns."""
    duck.register("rows_to_add", rows)
    duck.execute(f"INSERT INTO {table} SELECT * FROM rows_to_add")  # noqa: S608 - our own names
    duck.unregister("rows_to_add")


def batches(duck: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query as it stands now, a bounded number at a time."""
    duck.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {query}")
    [(count,)] = duck.execute("SELECT count(*) FROM asked").fetchall()
    for start in range(0, count, _BATCH):
        bounds = f"rowid >= {start} AND rowid < {start + _BATCH}"
        yield duck.execute(f"SELECT * FROM asked WHERE {bounds} ORDER BY rowid").fetchall()  # noqa: S608 - numbers
