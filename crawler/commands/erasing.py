"""Shared by `redact` and `prune`: one writer, no hold, and bytes that are gone at the end."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from crawler.commands.judge import rebuild
from crawler.store import contacts, derived, erasure, holds, manifests, old_shards, search_index
from crawler.store.database import (
    connect,
    exclusive_lock,
    require,
    sqlite_errors_as_store_error,
)


@contextmanager
def erasing(path: Path, *, preview: bool) -> Iterator[sqlite3.Connection]:
    """Open a database to erase evidence. Raise `StoreError`, and `HoldError` while a hold stands.

    Shards that a crawl of an older version left are refused, so that no other file has bytes; a
    `preview` changes nothing.
    """
    require(path)
    with (
        exclusive_lock(path),
        sqlite_errors_as_store_error(path),
        closing(connect(path)) as connection,
    ):
        holds.refuse_if_held(connection)
        if not preview:
            old_shards.refuse(path)
            erasure.begin(connection)
        yield connection


def finish(connection: sqlite3.Connection, path: Path) -> None:
    """Judge again what lost its evidence, and have erased bytes leave the file.

    All of it may be repeated: after an interruption the same command does the rest.
    """
    chosen = derived.rule_set(connection, None)
    if not derived.is_empty(connection):
        rebuild(
            connection,
            chosen=chosen,
            waiting=not derived.is_outdated(connection, chosen),
            keep_contacts=contacts.path_of(connection).exists(),
        )
    contacts.erase(connection)
    search_index.remove(path)
    manifests.publish(connection, path)
    erasure.finish(connection, path)
