"""Tables of an audit in parts as flags read them: pinned, with the facts of their generations."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from crawler.store import tables
from crawler.store.audit_folder import AuditFolder, Generation, PartFiles
from crawler.store.failures import StoreError
from crawler.store.part_facts import PartFacts
from crawler.store.part_tables import PartTables
from crawler.store.whole_audit import TableFiles


class FlagTables:
    """The tables with some names, and the facts of the generations that they are of.

    `evidence` is a digest of the databases of all parts. Raise `StoreError` if facts of a part
    cannot be read.
    """

    def __init__(self, folder: AuditFolder, found: PartTables, names: Sequence[str]) -> None:
        self._folder = folder
        self.parts = dict(_facts(folder, found))
        digests = [(generation.name, facts.sha256) for generation, facts in self.parts.items()]
        self.evidence = hashlib.sha256(repr(digests).encode()).hexdigest()
        files = TableFiles(found.folder, found.generations)
        self._files = {name: files.of(name) for name in names}

    @property
    def shown(self) -> str:
        """Return the place of the audit as users name it."""
        return self._folder.shown

    def open(self, duck: duckdb.DuckDBPyConnection, empty: sqlite3.Connection) -> None:
        """Make views of the tables in a connection; `empty` is a database of this version."""
        for name, files in self._files.items():
            listed = ", ".join(f"'{_escaped(path)}'" for path in files)
            if listed:
                duck.execute(f"CREATE TEMP VIEW {name} AS FROM read_parquet([{listed}])")
            else:
                duck.register(name, tables.schema_of(empty, name).empty_table())

    @contextmanager
    def errors_named(self, duck: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Raise errors of reading as `StoreError`, which names the file that is damaged."""
        try:
            yield
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            for file in (file for files in self._files.values() for file in files):
                if not _is_readable(duck, file):
                    raise StoreError(
                        f"{self.shown}/tables/{file.parent.name}/{file.name} is damaged; remove "
                        f"all files of that name below {self.shown}/tables, and they are made "
                        "again from the database of the part"
                    ) from error
            raise StoreError(f"the tables of {self.shown} cannot be read: {error}") from error


def _facts(folder: AuditFolder, found: PartTables) -> Iterator[tuple[Generation, PartFacts]]:
    """Yield each generation with its facts. Raise `StoreError`."""
    read = (PartFiles(Generation(*each), ()) for each in sorted(found.generations.items()))
    for files, facts in folder.with_facts(read):
        if isinstance(facts, StoreError):
            raise facts
        yield files.newest, facts


def _is_readable(duck: duckdb.DuckDBPyConnection, file: Path) -> bool:
    query = "SELECT sum(hash(COLUMNS(*))) FROM read_parquet($file)"
    try:
        duck.execute(query, {"file": str(file)}).fetchall()
    except duckdb.Error:
        return False
    return True


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
