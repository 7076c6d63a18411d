"""Open the tables of an audit in DuckDB: all public views, over the rows of all its parts.

Rules for editors: what makes the views is SQL alone, so that any DuckDB can run it. Groups of
parties are made over all parts, because one part does not see the documents of another.
"""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa

from crawler.interrupts import removed_at_the_end
from crawler.store import duckdb_views, parties_of_parts, party_groups
from crawler.store.database import StoreError, new_database, vocabulary_tables
from crawler.store.exported_tables import TABLES, Merge, columns_of
from crawler.store.failures import os_errors_as_store_error
from crawler.store.part_facts import sha256_of
from crawler.store.tables import write_once

_FILE = re.compile(r"(\d+)-g(\d+)\.parquet")
_TYPES = {"INTEGER": "BIGINT", "TEXT": "VARCHAR", "REAL": "DOUBLE", "BLOB": "BLOB"}
# Observations are whole in a folder of tables, so that rows of them are no others.
_OBSERVATION_ROW = "CREATE OR REPLACE VIEW observation_row AS SELECT * FROM observation"
# A body is here if a part that has an observation of it does not say that it was erased.
_KEPT_BODY = (
    "CREATE OR REPLACE VIEW kept_body AS SELECT o.stored AS digest FROM observation AS o "
    "SEMI JOIN withheld_body AS w ON w.digest = o.stored ANTI JOIN erased_body AS e "
    "ON e.digest = o.stored AND e.part >> 32 = o.id >> 32"  # PART_BITS
)


class TableFiles:
    """The files of a folder of tables: of each part those of its newest whole generation."""

    def __init__(self, folder: Path, generations: Mapping[int, int] | None = None) -> None:
        self.folder = folder
        self.parts = dict(sorted(_newest(folder) if generations is None else generations.items()))
        if not self.parts:
            raise StoreError(f"{folder} has no tables of an audit")

    def of(self, name: str) -> list[Path]:
        """Return the files of a table, by part."""
        names = (f"{part:05d}-g{number}.parquet" for part, number in self.parts.items())
        with os_errors_as_store_error(self.folder):
            there = set(_names(self.folder / name))
        return [self.folder / name / file for file in names if file in there]

    def groups(self) -> dict[str, Path]:
        """Return the files with the groups of parties of these parts, by table.

        The name of each has the digest of its bytes: a file with others is none. Empty unless all
        are there, since they are made together.
        """
        found = {name: path for name in party_groups.TABLES for path in self._groups_of(name)}
        return found if len(found) == len(party_groups.TABLES) else {}

    def _groups_of(self, name: str) -> Iterator[Path]:
        with os_errors_as_store_error(self.folder):
            there = map(party_groups.FILE.fullmatch, _names(self.folder / name))
        paths = (self.folder / name / one[0] for one in there if one and one[1] == self._state)
        return (path for path in paths if path == self._sealed(path))

    def put_groups(self, name: str, grouped: pa.Table) -> Path:
        """Write a table of the groups of parties of these parts. Raise `OSError`."""
        new = self.folder / name / f".all-{self._state}.{os.getpid()}.parquet"
        with removed_at_the_end(new):
            write_once(new, grouped.schema, grouped.to_batches())
            return new.replace(self._sealed(new))

    @property
    def _state(self) -> str:
        return hashlib.sha256(repr(self.parts).encode()).hexdigest()[:16]

    def _sealed(self, path: Path) -> Path:
        return path.with_name(f"all-{self._state}-{sha256_of(path)[:32]}.parquet")


def _newest(folder: Path) -> Iterator[tuple[int, int]]:
    newest: dict[int, int] = defaultdict(int)
    for found in filter(None, map(_FILE.fullmatch, _names(folder / "origin"))):
        newest[int(found[1])] = max(newest[int(found[1])], int(found[2]))
    yield from newest.items()


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def open_tables(
    duck: duckdb.DuckDBPyConnection, folder: Path, generations: Mapping[int, int] | None = None
) -> None:
    """Make all public views in a DuckDB connection, over a folder of tables. Raise `StoreError`.

    `generations` are the parts with the generation of each; the newest ones if not given. The
    connection has its own limit of memory (`dataset.duck.connect`).
    """
    files = TableFiles(folder, generations)
    groups = files.groups()
    try:
        for statement in _table_statements(files, groups):
            duck.execute(statement)
        if len(files.parts) > 1 and not groups:
            _make_groups(duck, files)
        for statement in duckdb_views.statements(duckdb_views.INSTEAD):
            duck.execute(statement)
    except duckdb.Error as error:
        raise StoreError(f"the tables in {folder} cannot be read: {error}") from error


def script(
    folder: Path, generations: Mapping[int, int] | None = None, *, within: Path | None = None
) -> str:
    """Return the SQL by which any DuckDB opens a folder of tables.

    Paths are relative to `within`, absolute without it. Of several parts the folder must have been
    opened before. Raise `StoreError`.
    """
    files = TableFiles(folder, generations)
    groups = files.groups()
    if len(files.parts) > 1 and not groups:
        raise StoreError(
            f"{folder} has no groups of parties over all its parts; open it once where it can be "
            "written, as `tdm-audit report` does"
        )
    made = [
        *_table_statements(files, groups, within),
        *duckdb_views.statements(duckdb_views.INSTEAD),
    ]
    return "".join(f"{statement.strip()};\n" for statement in made)


def _table_statements(
    files: TableFiles, groups: Mapping[str, Path], within: Path | None = None
) -> Iterator[str]:
    """Yield what makes the tables; paths are relative to `within`.

    `groups` are those of `TableFiles.groups`; without them their tables are left out.
    """
    with closing(new_database()) as db:
        for name in vocabulary_tables():
            columns = db.execute("SELECT name, type FROM pragma_table_info(?)", (name,)).fetchall()
            yield _create(name, dict(columns))
            rows = db.execute(f"SELECT * FROM {name}")  # noqa: S608 - our own names
            values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
            yield f"INSERT INTO {name} VALUES {values}"  # noqa: S608 - literals
        for name, table in TABLES.items():
            paths = files.of(name)
            if name in party_groups.TABLES and len(files.parts) > 1:
                if not groups:
                    continue
                paths = [groups[name]]
            if paths:
                shown = [
                    p.relative_to(within).as_posix() if within else str(p.absolute()) for p in paths
                ]
                yield _view(name, table.rows, shown)
            else:
                # A view as of tables with rows, which it may be replaced by.
                empty = columns_of(db, name).items()
                nothing = ", ".join(f'CAST(NULL AS {_TYPES[k]}) AS "{c}"' for c, k in empty)
                yield f"CREATE OR REPLACE VIEW {name} AS SELECT {nothing} WHERE false"
    yield from (_OBSERVATION_ROW, _KEPT_BODY)


def _view(name: str, rows: Merge, paths: Sequence[str]) -> str:
    read = paths[:1] if rows is Merge.OF_WHOLE else paths
    distinct = "DISTINCT " if rows is Merge.SHARED and len(read) > 1 else ""
    listed = ", ".join(map(_literal, read))
    return f"CREATE OR REPLACE VIEW {name} AS SELECT {distinct}* FROM read_parquet([{listed}])"  # noqa: S608


def _create(name: str, types: Mapping[str, str]) -> str:
    columns = ", ".join(f'"{column}" {_TYPES[kind]}' for column, kind in types.items())
    return f"CREATE OR REPLACE TABLE {name} ({columns})"


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _make_groups(duck: duckdb.DuckDBPyConnection, files: TableFiles) -> None:
    """Make the groups of parties over several parts."""
    for name, grouped in parties_of_parts.groups(duck).items():
        try:
            path = files.put_groups(name, grouped)
        except OSError:
            # A folder that can only be read: they are made again by the next one who opens it.
            duck.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM grouped")  # noqa: S608
        else:
            duck.execute(_view(name, Merge.OF_PARTS, [str(path)]))
