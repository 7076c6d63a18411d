"""`forget`: remove rows and samples of versions of datasets, and request lists. Evidence stays."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from crawler.clock import stamp
from crawler.commands.judge import answer_crawlers
from crawler.store import derived, forgetting, holds, manifests, stored_lists
from crawler.store.database import (
    checkpoint,
    connect,
    exclusive_lock,
    require,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.forgetting import Version
from crawler.store.stored_lists import StoredList


class Forgotten(NamedTuple):
    """Versions of datasets and request lists that are removed, or would be."""

    versions: list[Version]
    lists: list[StoredList]


def forget(
    db: Path, dataset: str, command: str, *, older: bool, every: bool, confirmed: bool
) -> Forgotten:
    """Return what is removed, or what would be if it is not `confirmed`.

    `dataset` is `NAME@VERSION`, or with `older` or `every` the name whose older or all versions
    are meant. Request lists of the same files go with them. Raises `VersionError`, `HoldError`,
    `StoreError` and `StoreBusyError`.
    """

    def chosen(connection: sqlite3.Connection) -> tuple[list[int], list[int]]:
        found = forgetting.chosen_versions(connection, dataset, older=older, every=every)
        return found, stored_lists.lists_of_datasets(connection, found)

    return _forget(db, chosen, command, confirmed=confirmed)


def forget_list(db: Path, number: int, command: str, *, confirmed: bool) -> Forgotten:
    """Return the request list that is removed, or that would be if it is not `confirmed`.

    Raises `NoSuchListError`, `HoldError`, `StoreError` and `StoreBusyError`.
    """

    def chosen(connection: sqlite3.Connection) -> tuple[list[int], list[int]]:
        stored_lists.require(connection, number)
        return [], [number]

    return _forget(db, chosen, command, confirmed=confirmed)


def _forget(
    db: Path,
    choose: Callable[[sqlite3.Connection], tuple[list[int], list[int]]],
    command: str,
    *,
    confirmed: bool,
) -> Forgotten:
    require(db)
    with (
        exclusive_lock(db),
        sqlite_errors_as_store_error(db),
        closing(connect(db)) as connection,
    ):
        holds.refuse_if_held(connection)
        with transaction(connection):
            datasets, lists = choose(connection)
            found = Forgotten(
                forgetting.versions(connection, datasets),
                stored_lists.stored_lists(connection, lists),
            )
            if confirmed and (datasets or lists):
                forgetting.forget(connection, datasets, command, stamp())
                stored_lists.forget(connection, lists, command, stamp())
                # Another version may count now, whose rows were collected by another crawler.
                answer_crawlers(connection, derived.rule_set(connection, None))
                manifests.write(connection, "remove", [])
        if confirmed:
            manifests.publish(connection, db)
            checkpoint(connection)
    return found
