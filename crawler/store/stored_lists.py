"""The request lists of a database as they are listed, and their removal, which is logged."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from crawler.errors import UserError
from crawler.store import runs


class NoSuchListError(UserError):
    """There is no request list with a number."""


class StoredList(NamedTuple):
    """A request list; the fields are columns of view `request_lists`."""

    list: int
    path: str
    digest: str
    url_column: str
    rows: int
    unattributable: int
    urls: int
    origins: int
    answered: int
    withheld: int
    failed: int
    waiting: int
    erased: int
    read_at: str
    first_asked_at: str | None
    last_asked_at: str | None


def stored_lists(db: sqlite3.Connection, numbers: Iterable[int] | None = None) -> list[StoredList]:
    """Return the lists with these numbers, or all, in the order in which they were read."""
    columns = ", ".join(StoredList._fields)
    found = [
        StoredList._make(row)
        for row in db.execute(f"SELECT {columns} FROM request_lists ORDER BY list")  # noqa: S608 - our own names
    ]
    wanted = None if numbers is None else set(numbers)
    return [each for each in found if wanted is None or each.list in wanted]


def require(db: sqlite3.Connection, number: int) -> None:
    """Raise `NoSuchListError` if there is no list with a number."""
    if db.execute("SELECT 1 FROM request_list WHERE id = ?", (number,)).fetchone() is None:
        raise NoSuchListError(f"there is no request list {number}; `tdm-audit datasets` lists them")


def lists_of_datasets(db: sqlite3.Connection, datasets: Iterable[int]) -> list[int]:
    """Return the lists of the files of datasets, unless another dataset has these files, too."""
    own = set(datasets)
    query = (
        "SELECT list.id, dataset.id FROM request_list AS list "
        "JOIN dataset ON dataset.digest = list.digest ORDER BY list.id"
    )
    users: dict[int, set[int]] = {}
    for number, dataset in db.execute(query):
        users.setdefault(number, set()).add(dataset)
    return [number for number, found in users.items() if found <= own]


def forget(db: sqlite3.Connection, lists: Iterable[int], command: str, now: str) -> None:
    """Remove lists in the caller's transaction, and log it; what was observed stays.

    Runs for them that were cut short end, since no command would continue them.
    """
    for each in stored_lists(db, lists):
        runs.end_unfinished(db, each.list, now)
        db.execute(
            "INSERT INTO forgotten_list VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(each.list, each.path, each.digest, each.rows, each.urls, each.read_at),
                *(now, command),
            ),
        )
        db.execute("DELETE FROM requested_url WHERE list = ?", (each.list,))
        db.execute("DELETE FROM request_list WHERE id = ?", (each.list,))
