"""`import --as parties`: read a list that says which domain is whose, as evidence of its source."""

import csv
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from crawler.clock import stamp
from crawler.errors import UserError
from crawler.model import Origin
from crawler.organisations import comparable, is_name, is_organisation
from crawler.protocols.parsing.parties import identifier
from crawler.store import manifests, party_groups, party_lists
from crawler.store.database import (
    checkpoint,
    connect,
    exclusive_lock,
    os_errors_as_store_error,
    require,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.party_lists import ListedParty
from crawler.urls import canonical

#: Size of a file that is read: some 500,000 rows.
MAX_BYTES = 64 * 1024 * 1024
COLUMNS = ("domain", "name", "identifier", "publisher", "version")
_MAX_CELL = 500
# ISO 17442: an LEI is given to legal entities.
_OF_ORGANISATIONS = ("lei:", "vat:")


class PartyListError(UserError):
    """A list of parties cannot be used."""


class Imported(NamedTuple):
    """The result of an import: lists and rows stored, what was left out, and origins concerned.

    `lists` are pairs of publisher and version; `known` those that were stored before. `unnamed`
    are rows whose name may be a person's, `unusable` rows without a domain, or with neither a name
    nor an identifier. `warnings` are about parts that got some.
    """

    lists: tuple[tuple[str, str], ...]
    known: tuple[tuple[str, str], ...]
    rows: int
    unnamed: int
    unusable: int
    origins: int
    warnings: tuple[str, ...] = ()


class PartyLists(NamedTuple):
    """The lists in a file, by publisher and version, and rows that were left out of them."""

    file: str
    digest: str
    lists: Mapping[tuple[str, str], list[ListedParty]]
    unnamed: int
    unusable: int

    def imported(self, added: Mapping[tuple[str, str], int], origins: int) -> Imported:
        """Return the result of an import, by the number of rows that are `added` of each list."""
        known = (source for source in self.lists if source not in added)
        rows = sum(added.values())
        return Imported(tuple(added), tuple(known), rows, self.unnamed, self.unusable, origins)


def import_parties(db: Path, file: Path, publisher: str = "", version: str = "") -> Imported:
    """Store the lists in a file: CSV, TSV or JSON Lines with the columns `COLUMNS`.

    `publisher` and `version` are those of rows that give none. Raise `PartyListError` for a file
    that is no such list, `StoreError` and `StoreBusyError`.
    """
    require(db)
    found = read_lists(file, publisher, version)
    with (
        exclusive_lock(db),
        sqlite_errors_as_store_error(db),
        closing(connect(db)) as connection,
    ):
        added, origins = store_lists(connection, found)
        manifests.publish(connection, db)
        checkpoint(connection)
    return found.imported(added, origins)


def read_lists(file: Path, publisher: str, version: str) -> PartyLists:
    """Return the lists in a file. Raise `PartyListError`."""
    content = _content(file)
    lists: dict[tuple[str, str], list[ListedParty]] = {}
    unusable = unnamed = 0
    for line, row in enumerate(_rows(file, content), start=1):
        entry = _entry(line, row)
        if entry is None:
            unusable += 1
            continue
        unnamed += not entry.name
        source = (row["publisher"] or publisher, row["version"] or version)
        lists.setdefault(source, []).append(entry)
    _require_sources(file, lists)
    digest = hashlib.sha256(content).hexdigest()
    return PartyLists(file.name, digest, lists, unnamed, unusable)


def store_lists(
    db: sqlite3.Connection, found: PartyLists
) -> tuple[dict[tuple[str, str], int], int]:
    """Store lists that are not stored yet, with a manifest over them.

    Return the number of rows of each list that is new, and of the origins that the lists name.
    """
    with transaction(db):
        added = {
            source: len(entries)
            for source, entries in found.lists.items()
            if party_lists.add_list(db, found.file, found.digest, source, entries, stamp())
        }
        if added:
            manifests.write(db, "import", [])
        party_groups.rebuild(db)
        return added, party_lists.origins_listed(db, found.digest)


def _content(file: Path) -> bytes:
    with os_errors_as_store_error(file), file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise PartyListError(f"{file} is larger than {MAX_BYTES // 2**20} MiB; divide it")
    return content


def _rows(file: Path, content: bytes) -> Iterator[Mapping[str, str]]:
    """Yield the rows with all columns as texts, empty where a row does not give one."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PartyListError(f"{file} is not UTF-8 (octet {error.start})") from None
    for row in _objects(file, text) if text.lstrip()[:1] == "{" else _cells(file, text):
        yield {column: " ".join(row.get(column, "").split())[:_MAX_CELL] for column in COLUMNS}


def _objects(file: Path, text: str) -> Iterator[Mapping[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise PartyListError(f"{file}, line {number}: no JSON object")
        yield {str(name).lower(): _text(value) for name, value in row.items()}


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "" if value is None else str(value)


def _cells(file: Path, text: str) -> Iterator[Mapping[str, str]]:
    head = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if "\t" in head else ",", strict=True
    )
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if "domain" not in names or not {"name", "identifier"} & set(names):
            raise PartyListError(
                f"{file} has no columns `domain` and `name` or `identifier` in its first row"
            )
        for cells in reader:
            if cells:
                yield dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise PartyListError(f"{file}, line {reader.line_num}: {error}") from None


def _entry(line: int, row: Mapping[str, str]) -> ListedParty | None:
    """Return the party of a row, None for one without a domain or a name."""
    origin = canonical.origin_of(f"https://{row['domain'].rpartition('://')[2]}")
    if not row["domain"] or not isinstance(origin, Origin):
        return None
    identifiers = tuple(dict.fromkeys(_identifiers(row["identifier"])))
    name = row["name"] if is_name(row["name"]) else ""
    if not name and not identifiers:
        return None
    if not is_organisation(name) and not any(i.startswith(_OF_ORGANISATIONS) for i in identifiers):
        # Wikidata and ISNI identify persons too, so that the identifier is left out as well.
        name, identifiers = "", ()
    host = origin.host.removeprefix("www.")
    return ListedParty(line, host, name, comparable(name), identifiers)


def _identifiers(written: str) -> Iterator[str]:
    """Yield the identifiers in a cell: with their prefix, as a URL, or a code by its form."""
    for part in written.replace(";", " ").replace("|", " ").split():
        forms = (part, f"lei:{part}", f"isni:{part}", f"wikidata:{part}")
        yield from [found for form in forms if (found := identifier(form))][:1]


def _require_sources(file: Path, lists: Mapping[tuple[str, str], list[ListedParty]]) -> None:
    """Raise `PartyListError` for a file without a usable row, or rows that name no publisher."""
    if not lists:
        raise PartyListError(f"{file} has no row with a domain and a name or an identifier")
    without = list(chain.from_iterable(e for (who, _), e in lists.items() if not who))
    if without:
        raise PartyListError(
            f"{file}, row {without[0].line}: who published this list? "
            "Give --publisher, or a column `publisher`"
        )
