"""Tables of an audit in parts that DuckDB reads, of the newest generation of each part.

Tables of a part that are not in the audit are made again, from its database. All of them are of one
moment: what is put afterwards is not seen. In an object store they are copied first.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import duckdb

from crawler.store import tables
from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import StoreError, connect_read_only
from crawler.store.part_evidence import named_in_errors
from crawler.store.part_facts import PartFacts


class PartTables:
    """The tables with some names. `evidence` is a digest of the databases of all parts.

    `parts` has the facts of each generation by its number of the part. Files that are made go to
    `scratch`. Raise `StoreError` if a part is missing or damaged.
    """

    def __init__(
        self, folder: AuditFolder, names: Sequence[str], scratch: Path, stack: ExitStack
    ) -> None:
        self._folder, self._names, self._scratch = folder, names, scratch
        self.parts = dict(_with_facts(folder))
        found = [(generation.name, facts.sha256) for generation, facts in self.parts.items()]
        self.evidence = hashlib.sha256(repr(found).encode()).hexdigest()
        self._files = self._find(stack)

    @property
    def shown(self) -> str:
        """Return the place of the audit as users name it."""
        return self._folder.shown

    def _find(self, stack: ExitStack) -> dict[str, list[Path]]:
        """Return the files by table."""
        storage = self._folder.storage
        there = {name: set(storage.names(f"tables/{name}")) for name in self._names}
        kept: dict[str, list[str]] = {name: [] for name in self._names}
        found: dict[str, list[Path]] = {name: [] for name in self._names}
        for generation in self.parts:
            file = tables.file_name(generation.part or 0, generation.number)
            is_there = f"tables/{tables.LAST}/{file}" in there[tables.LAST]
            made = None if is_there else self._make(generation)
            for name in self._names:
                if made is None:
                    kept[name] += {f"tables/{name}/{file}"} & there[name]
                elif (made / name / file).exists():
                    found[name].append(made / name / file)
        for name, files in kept.items():
            found[name] += stack.enter_context(storage.opened_all(files))
        return found

    def _make(self, generation: Generation) -> Path:
        """Make the tables of a part; return their folder."""
        made = self._scratch / "tables"
        with (
            self._folder.storage.opened(generation.name) as path,
            named_in_errors(self.shown, generation.name, path),
            closing(connect_read_only(path)) as db,
        ):
            part, number = generation.part or 0, generation.number
            tables.export(db, made, part=part, generation=number, names=self._names)
        return made

    def open(self, duck: duckdb.DuckDBPyConnection, empty: sqlite3.Connection) -> None:
        """Make views of the tables in a connection; `empty` is a database of this version."""
        for name in self._names:
            listed = ", ".join(f"'{_escaped(path)}'" for path in self._files[name])
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
                        f"{self.shown}/tables/{file.parent.name}/{file.name} is damaged or cannot "
                        "be read; remove the tables of its part, and they are made again from its "
                        "database"
                    ) from error
            raise StoreError(f"the tables of {self.shown} cannot be read: {error}") from error


def _with_facts(folder: AuditFolder) -> Iterator[tuple[Generation, PartFacts]]:
    """Yield the newest generation of each part with its facts. Raise `StoreError`."""
    folder.require_all(folder.plan().parts)
    for files, facts in folder.with_facts(folder.listed()):
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
