"""Export the tables of a database to Parquet, without bytes and contacts.

    tables/<table>/00042-g3.parquet   rows of part 42, from its generation 3

A file is written whole under another name first, and `origin` last: a part has its tables when it
has that one. A table without rows has no file.

Rules for editors: a process that crawls does not import this module, which takes 40 MB with Arrow;
`tables_process` runs it in another. Which tables there are is in `exported_tables`.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from crawler.interrupts import removed_at_the_end
from crawler.store.exported_tables import LAST, TABLES, columns_of, query_of
from crawler.store.failures import os_errors_as_store_error

# Rows of a row group: small ones let a query leave out rules and purposes. As objects of Python
# they take many times the memory, so fewer are fetched at once.
_ROWS_OF_A_GROUP, _ROWS_AT_ONCE = 8_000, 2_000
_TYPES = {"INTEGER": pa.int64(), "TEXT": pa.string(), "REAL": pa.float64(), "BLOB": pa.binary()}


def export(db: sqlite3.Connection, folder: Path, *, part: int = 0, generation: int = 0) -> None:
    """Write the tables of a database into a folder of tables, as those of one part.

    Raise `StoreError` if the folder cannot be written. What is written of a generation is final:
    files that are there already are left as they are.
    """
    # In one transaction, so that all tables are of one moment.
    db.execute("BEGIN")
    try:
        with os_errors_as_store_error(folder):
            for name in TABLES:
                file = f"{part:05d}-g{generation}.parquet"
                _export_table(db, name, folder / name / file, part)
    finally:
        db.execute("ROLLBACK")


def _export_table(db: sqlite3.Connection, name: str, path: Path, part: int) -> None:
    schema = schema_of(db, name)
    batches = _batches(db.execute(query_of(name, columns_of(db, name), part)), schema)
    first = next(batches, None)
    if first is not None:
        write_once(path, schema, chain((first,), batches))
    elif name == LAST:
        write_once(path, schema, ())


def write_once(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write a Parquet file, whole or not at all. One that is there stays as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    with removed_at_the_end(new):
        rest = iter(batches)
        with pq.ParquetWriter(new, schema, compression="zstd") as writer:
            while group := list(islice(rest, _ROWS_OF_A_GROUP // _ROWS_AT_ONCE)):
                writer.write_table(pa.Table.from_batches(group, schema))
        new.replace(path)


def arrow_table(db: sqlite3.Connection, name: str) -> pa.Table:
    """Return the rows of a table."""
    schema = schema_of(db, name)
    found = db.execute(query_of(name, columns_of(db, name), 0))
    return pa.Table.from_batches(_batches(found, schema), schema)


def schema_of(db: sqlite3.Connection, name: str) -> pa.Schema:
    """Return the columns of a table as Arrow has them."""
    return pa.schema([(column, _TYPES[kind]) for column, kind in columns_of(db, name).items()])


def _batches(cursor: sqlite3.Cursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        columns = [
            pa.array(values, field.type)
            for field, values in zip(schema, zip(*rows, strict=True), strict=True)
        ]
        yield pa.record_batch(columns, schema=schema)
