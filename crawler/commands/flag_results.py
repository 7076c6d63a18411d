"""Verdicts that one `flag` evaluated, stored in its database for the next one."""

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from crawler.commands.flag_request import FlagRequest
from crawler.dataset.duck import connect as duckdb_connect
from crawler.evaluate.url_verdicts import Verdict
from crawler.flags import Flagger
from crawler.store import flag_cache, runs, verdict_cache
from crawler.store.database import (
    StoreError,
    checkpoint,
    connect,
    exclusive_lock,
    sqlite_errors_as_store_error,
    transaction,
)


class NewVerdicts(NamedTuple):
    """New verdicts on some evidence, and the state of the flagger, for the database.

    Without `tables` the state with that key is removed.
    """

    evidence: str
    verdicts: Sequence[tuple[int, str, tuple[Verdict, ...]]]
    key: str
    tables: Mapping[str, bytes]


def store_results(path: Path, agent: str | None, new: NewVerdicts) -> None:
    """Store new verdicts and the state of the flagger for the next run.

    Best effort: the database may be read-only, or held by another process.
    """
    if not new.tables and not new.verdicts:
        return
    with (
        contextlib.suppress(StoreError),
        sqlite_errors_as_store_error(path),
        exclusive_lock(path),
        closing(connect(path)) as db,
    ):
        with transaction(db):
            # A crawl may have stored evidence meanwhile; the verdicts would be of an older state.
            if runs.fingerprint(db) == new.evidence:
                verdict_cache.save(db, agent, new.verdicts)
                flag_cache.save(db, new.key, new.tables)
        checkpoint(db)


def store_flagger(
    path: Path,
    agent: str | None,
    flagger: Flagger,
    verdicts: Sequence[tuple[int, str, tuple[Verdict, ...]]] = (),
) -> bool:
    """Store the state of a flagger, and verdicts, as `store_results` does.

    Return whether it has anything new. A flagger made for the same question begins with the state.
    """
    new = NewVerdicts(flagger.evidence, verdicts, flagger.cache_key, flagger.export_state())
    store_results(path, agent, new)
    return bool(new.tables)


def store_state(
    db: sqlite3.Connection, request: FlagRequest, path: Path, scratch: Path
) -> tuple[str, bool]:
    """Store the state that flags begin with, unless it is there; return its key, and if it is new.

    Otherwise each process would make it for itself. DuckDB works in `scratch`.
    """
    if request.times is not None:
        return "", False  # it is made as rows need it
    given = (db, request.rules, request.purposes, request.agent)
    with (
        closing(duckdb_connect(scratch, request.memory_limit)) as duck,
        Flagger(*given, duck=duck) as flagger,
    ):
        return flagger.cache_key, store_flagger(path, request.agent, flagger)
