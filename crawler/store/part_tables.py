"""Tables of an audit in parts: written for each generation, made where they are missing, found.

Rules for editors: tables are made from a generation, which never changes, so they are put once as
it is. Whoever finds none of a generation makes them: a part that was only planned, or one whose
process was killed behind its put.
"""

import contextlib
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from crawler.store import tables
from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import (
    PLAN_FILE,
    connect,
    os_errors_as_store_error,
    sqlite_errors_as_store_error,
)
from crawler.store.part_scratch import scratch_folder
from crawler.store.parts import LocalStorage
from crawler.store.search_index import cache_folder

_TABLES = "tables"
_FILE = re.compile(r"/(\d+)-g(\d+)\.parquet$")


class PartTables(NamedTuple):
    """A folder of tables on this machine, and the generation of each part that it is read of."""

    folder: Path
    generations: Mapping[int, int]


def put_tables(folder: AuditFolder, generation: Generation, path: Path, scratch: Path) -> None:
    """Put the tables of a generation, which is at `path` on this machine.

    `scratch` is a folder for them. Raise `StoreError`.
    """
    made = scratch / _TABLES
    with sqlite_errors_as_store_error(path), closing(connect(path)) as db:
        tables.export(db, made, part=generation.part or 0, generation=generation.number)
    files = sorted(made.rglob("*.parquet"), key=lambda file: file.parent.name == tables.LAST)
    for file in files:
        folder.storage.put_once(file, f"{_TABLES}/{file.relative_to(made).as_posix()}")
        file.unlink()


@contextlib.contextmanager
def tables_of_whole(folder: AuditFolder, names: Collection[str] = ()) -> Iterator[PartTables]:
    """Give the tables of the newest generation of each part. Those that are missing are made.

    Tables at another place than a file system are copied to the cache of this machine, once; with
    `names` only these. Raise `StoreError` if a part is missing or cannot be read, or if tables
    cannot be put.
    """
    plan = folder.plan()
    folder.require_all(plan.parts)
    newest = [files.newest for files in folder.listed() if (files.newest.part or 0) < plan.parts]
    there = frozenset(folder.storage.names(f"{_TABLES}/{tables.LAST}"))
    for generation in newest:
        if _table_file(tables.LAST, generation) not in there:
            with scratch_folder() as scratch:
                copy = scratch / "audit.db"
                folder.copy(generation, copy)
                put_tables(folder, generation, copy, scratch)
    generations = {generation.part or 0: generation.number for generation in newest}
    if isinstance(folder.storage, LocalStorage):
        yield PartTables(folder.storage.root / _TABLES, generations)
        return
    cache = _cache_of(folder)
    _copy_missing(folder, newest, cache, names or tables.TABLES)
    yield PartTables(cache, generations)


def _table_file(table: str, generation: Generation) -> str:
    return f"{_TABLES}/{table}/{generation.part:05d}-g{generation.number}.parquet"


def _cache_of(folder: AuditFolder) -> Path:
    # With the plan, which tells when it was made: there may have been another audit at this place.
    plan = folder.storage.read(PLAN_FILE) or b""
    place = hashlib.sha256(folder.shown.encode() + b"\n" + plan).hexdigest()[:16]
    cache = cache_folder() / "parts" / place
    with os_errors_as_store_error(cache):
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return cache


def _copy_missing(
    folder: AuditFolder, newest: list[Generation], cache: Path, names: Collection[str]
) -> None:
    """Copy tables of some generations that are not in the cache; old ones of theirs are removed."""
    local = LocalStorage(cache)
    have = frozenset(local.names("."))
    by_part = {generation.part: generation.number for generation in newest}
    for name in have:
        # Whoever began to read before the newest generation was put still reads the one before it.
        found = _FILE.search(name)
        if found and int(found[2]) < by_part.get(int(found[1]), 0) - 1:
            (cache / name).unlink(missing_ok=True)
    places = [f"{_TABLES}/{name}" for name in names]
    listed = (name for place in places for name in folder.storage.names(place))
    wanted = [name.removeprefix(f"{_TABLES}/") for name in listed]
    with scratch_folder() as scratch:
        for name in sorted(wanted, key=lambda name: (name.startswith(f"{tables.LAST}/"), name)):
            found = _FILE.search(name)
            if found and name not in have and by_part.get(int(found[1])) == int(found[2]):
                copy = scratch / "table"
                folder.storage.get(f"{_TABLES}/{name}", copy)
                local.put_once(copy, name)
