"""Open the whole of an audit in parts: all its public views, over the rows of all parts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from shlex import quote

import duckdb

from crawler.dataset.duck import connect
from crawler.store.audit_folder import AuditFolder
from crawler.store.failures import StoreError
from crawler.store.part_facts import two_rule_sets
from crawler.store.part_scratch import scratch_folder
from crawler.store.part_tables import PartTables, tables_of_whole
from crawler.store.whole_audit import open_tables, script
from crawler.store.whole_connection import WholeConnection

DEFAULT_MEMORY = "1GB"


@contextmanager
def opened_whole(
    folder: AuditFolder, memory_limit: str = DEFAULT_MEMORY
) -> Iterator[WholeConnection]:
    """Give a connection that reads the newest generation of each part.

    What others put meanwhile is not seen. `memory_limit` is that of DuckDB, which spills the rest
    to disk. Raise `StoreError`.
    """
    with _opened(folder, memory_limit) as (duck, found):
        yield WholeConnection(duck, found.generations)


def sql_of_whole(folder: AuditFolder) -> str:
    """Return the SQL by which any DuckDB of this machine opens the newest generation of each part.

    Raise `StoreError`.
    """
    with _opened(folder, DEFAULT_MEMORY) as (_, found):
        return script(found.folder, found.generations)


@contextmanager
def _opened(
    folder: AuditFolder, memory_limit: str
) -> Iterator[tuple[duckdb.DuckDBPyConnection, PartTables]]:
    with (
        tables_of_whole(folder) as found,
        scratch_folder() as scratch,
        closing(connect(scratch, memory_limit)) as duck,
    ):
        _require_one_rule_set(folder)
        open_tables(duck, found.folder, found.generations)
        yield duck, found


def _require_one_rule_set(folder: AuditFolder) -> None:
    """Raise `StoreError` if parts show different rule sets: their numbers cannot be added up."""
    differing = two_rule_sets(
        (files.newest.part or 0, facts)
        for files, facts in folder.with_facts(folder.listed())
        if not isinstance(facts, StoreError)
    )
    if differing:
        raise StoreError(
            f"of {folder.shown}, {differing}; `tdm-audit judge --db {quote(folder.shown)} "
            "--rules NAME` judges all under one"
        )
