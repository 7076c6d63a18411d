"""Tables of an audit in parts: written for each generation, made where they are missing, found.

    tables/<table>/00042-g3.parquet   rows of part 42, from its generation 3
    parts/00042/g3-tables.json        size and SHA-256 of each of these files; put last

Rules for editors: tables are made from a generation, which never changes, so they can be made again
at any time. A table that is lost must not look like one without rows, which has no file: the list
says which there are. Whoever finds no list, or files that are others, makes them: of a part that
was only planned, or of one whose process was killed behind its put.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crawler.store import party_groups
from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.cache_files import cache_folder
from crawler.store.database import (
    PLAN_FILE,
    StoreError,
    os_errors_as_store_error,
)
from crawler.store.exported_tables import LAST, TABLES
from crawler.store.part_facts import sha256_of
from crawler.store.part_scratch import scratch_folder
from crawler.store.parts import LocalStorage
from crawler.store.tables_process import TablesProcessError, export_tables

_TABLES, _FORMAT = "tables", "tdm-audit tables/1"
_FILE = re.compile(r"/(\d+)-g(\d+)\.parquet$")
_AGAIN = "remove it, and `report` makes what it needs again"

#: Octets of tables up to which their digests are compared each time; above it by `verify` alone.
CHECKED = 4 << 30
# Of a file of a table: its size in octets, and its SHA-256.
_Facts = dict[str, Any]


class PartTables(NamedTuple):
    """A folder of tables on this machine, and the generation of each part that it is read of."""

    folder: Path
    generations: Mapping[int, int]


def put_tables(folder: AuditFolder, generation: Generation, path: Path, scratch: Path) -> None:
    """Put the tables of a generation, which is at `path` on this machine, and the list of them.

    `scratch` is a folder for them. Raise `StoreError`.
    """
    made, listed = scratch / _TABLES, dict[str, _Facts]()
    export_tables(path, made, generation.part or 0, generation.number)
    for file in sorted(made.rglob("*.parquet")):
        name = file.relative_to(made).as_posix()
        listed[name] = {"size": file.stat().st_size, "sha256": sha256_of(file)}
        folder.storage.replace(f"{_TABLES}/{name}", file.read_bytes())
        file.unlink()
    content = json.dumps({"format": _FORMAT, "files": listed}, indent=1).encode() + b"\n"
    folder.storage.replace(_list_name(generation), content)


@contextlib.contextmanager
def tables_of_whole(folder: AuditFolder, names: Collection[str] = ()) -> Iterator[PartTables]:
    """Give the tables of the newest generation of each part.

    Those that are missing or not as they were put are made again. Tables at another place than a
    file system are copied to the cache of this machine, once; with `names` only these. Raise
    `StoreError` if a part is missing or cannot be read, or if tables cannot be put.
    """
    plan = folder.plan()
    folder.require_all(plan.parts)
    newest = [files.newest for files in folder.listed() if (files.newest.part or 0) < plan.parts]
    lists = _lists(folder, newest)
    found = _found(folder, names or TABLES)
    again = [one for one in newest if _is_to_be_made(lists.get(one), found, names)]
    if isinstance(folder.storage, LocalStorage):
        _remove_unlisted(folder.storage, lists, found)
        again += _altered(folder.storage, {one: lists[one] for one in newest if one not in again})
    for generation in again:
        with scratch_folder() as scratch:
            copy = scratch / "audit.db"
            folder.copy(generation, copy)
            try:
                put_tables(folder, generation, copy, scratch)
            except TablesProcessError as error:
                advice = "if memory is short, free some, and run the same command again"
                raise StoreError(f"{error}; {advice}") from error
    generations = {generation.part or 0: generation.number for generation in newest}
    if isinstance(folder.storage, LocalStorage):
        yield PartTables(folder.storage.root / _TABLES, generations)
        return
    cache = _cache_of(folder)
    _copy_missing(folder, lists | _lists(folder, again), generations, cache, names)
    yield PartTables(cache, generations)


def _remove_unlisted(
    storage: LocalStorage,
    lists: Mapping[Generation, Mapping[str, _Facts]],
    found: Mapping[str, int | None],
) -> None:
    """Remove files of tables that have no rows: they were not put, and would be read."""
    for generation, listed in lists.items():
        for name in _unlisted(generation, listed, found):
            with os_errors_as_store_error(storage.root / _TABLES / name):
                (storage.root / _TABLES / name).unlink(missing_ok=True)


def _unlisted(
    generation: Generation, listed: Mapping[str, _Facts], found: Collection[str]
) -> list[str]:
    end = f"/{generation.part:05d}-g{generation.number}.parquet"
    return sorted(name for name in found if name.endswith(end) and name not in listed)


def _altered(
    storage: LocalStorage, lists: Mapping[Generation, Mapping[str, _Facts]]
) -> list[Generation]:
    """Return the generations of which a table has other bytes than were put."""
    if sum(facts["size"] for listed in lists.values() for facts in listed.values()) > CHECKED:
        return []
    return [
        generation
        for generation, listed in lists.items()
        if any(
            sha256_of(storage.root / _TABLES / name) != facts["sha256"]
            for name, facts in listed.items()
        )
    ]


def wrong_tables(folder: AuditFolder, generation: Generation) -> Iterator[tuple[str, str]]:
    """Yield the names of tables that are not as they were put, and what is wrong with them.

    Those that are missing are not among them: whoever reads the whole makes them again.
    """
    listed = _lists(folder, [generation]).get(generation)
    if listed is None:
        if folder.storage.read(_list_name(generation)) is not None:
            yield _list_name(generation), "is no list of tables; `report` makes it again"
        return
    for name in _unlisted(generation, listed, _found(folder, TABLES)):
        yield name, f"was not put; {_AGAIN}"
    for name, facts in sorted(listed.items()):
        content = folder.storage.read(f"{_TABLES}/{name}")
        if content is not None and hashlib.sha256(content).hexdigest() != facts["sha256"]:
            yield name, f"is not as it was put; {_AGAIN}"


def wrong_groups(folder: AuditFolder) -> Iterator[tuple[str, str]]:
    """Yield the names of groups of parties that are not as they were made, and what is wrong."""
    for table in party_groups.TABLES:
        for name in folder.storage.names(f"{_TABLES}/{table}"):
            found = party_groups.FILE.fullmatch(name.rpartition("/")[2])
            content = folder.storage.read(name) if found else None
            digest = "" if content is None else hashlib.sha256(content).hexdigest()
            if found and digest and not digest.startswith(found[2]):
                yield name.removeprefix(f"{_TABLES}/"), f"is not as it was made; {_AGAIN}"


def _list_name(generation: Generation) -> str:
    return f"{generation.folder}/g{generation.number}-tables.json"


def _lists(
    folder: AuditFolder, generations: Sequence[Generation]
) -> dict[Generation, dict[str, _Facts]]:
    """Return the lists of tables of generations; without those that have none, or a damaged one."""
    contents = folder.storage.read_all(map(_list_name, generations))
    found = {}
    for generation in generations:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            listed = json.loads(contents[_list_name(generation)])
            if listed["format"] == _FORMAT:
                found[generation] = {
                    str(name): {"size": int(facts["size"]), "sha256": str(facts["sha256"])}
                    for name, facts in listed["files"].items()
                }
    return found


def _found(folder: AuditFolder, names: Collection[str]) -> Mapping[str, int | None]:
    """Return the files of tables that are there, with their sizes where these cost nothing."""
    storage, found = folder.storage, dict[str, int | None]()
    for name in names:
        for path in storage.names(f"{_TABLES}/{name}"):
            size = None
            if isinstance(storage, LocalStorage):
                with os_errors_as_store_error(storage.root / path):
                    size = (storage.root / path).stat().st_size
            found[path.removeprefix(f"{_TABLES}/")] = size
    return found


def _is_to_be_made(
    listed: Mapping[str, _Facts] | None, found: Mapping[str, int | None], names: Collection[str]
) -> bool:
    """Return whether a table of a generation is missing, or of another size than was put."""
    return listed is None or any(
        name not in found or found[name] not in (None, facts["size"])
        for name, facts in listed.items()
        if not names or name.split("/")[0] in names
    )


def _cache_of(folder: AuditFolder) -> Path:
    # With the plan, which tells when it was made: there may have been another audit at this place.
    plan = folder.storage.read(PLAN_FILE) or b""
    place = hashlib.sha256(folder.shown.encode() + b"\n" + plan).hexdigest()[:16]
    cache = cache_folder() / "parts" / place
    with os_errors_as_store_error(cache):
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return cache


def _copy_missing(
    folder: AuditFolder,
    lists: Mapping[Generation, Mapping[str, _Facts]],
    generations: Mapping[int, int],
    cache: Path,
    names: Collection[str],
) -> None:
    """Copy tables of some generations that are not in the cache; old ones of theirs are removed."""
    local = LocalStorage(cache)
    have = frozenset(local.names("."))
    for name in have:
        # Whoever began to read before the newest generation was put still reads the one before it.
        found = _FILE.search(name)
        if found and int(found[2]) < generations.get(int(found[1]), 0) - 1:
            (cache / name).unlink(missing_ok=True)
    wanted = {name: facts for listed in lists.values() for name, facts in listed.items()}
    with scratch_folder() as scratch:
        for name in sorted(wanted, key=lambda name: (name.startswith(f"{LAST}/"), name)):
            if name in have or (names and name.split("/")[0] not in names):
                continue
            copy = scratch / "table"
            folder.storage.get(f"{_TABLES}/{name}", copy)
            if sha256_of(copy) != wanted[name]["sha256"]:
                raise StoreError(
                    f"{folder.shown}/{_TABLES}/{name} is not as it was put; remove it, and the "
                    "same command makes it again"
                )
            local.put_once(copy, name)
