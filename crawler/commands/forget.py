"""`forget`: remove the rows and samples of versions of datasets. Evidence stays."""

from contextlib import closing
from pathlib import Path

from crawler.clock import stamp
from crawler.commands.judge import answer_crawlers
from crawler.store import derived, forgetting, manifests
from crawler.store.database import (
    checkpoint,
    connect,
    exclusive_lock,
    require,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.forgetting import Version


def forget(
    db: Path, dataset: str, command: str, *, older: bool, every: bool, confirmed: bool
) -> list[Version]:
    """Return the versions that are removed, or that would be if it is not `confirmed`.

    `dataset` is `NAME@VERSION`, or with `older` or `every` the name whose older or all versions
    are meant. Raises `VersionError`, `StoreError` and `StoreBusyError`.
    """
    require(db)
    with (
        exclusive_lock(db),
        sqlite_errors_as_store_error(db),
        closing(connect(db)) as connection,
        transaction(connection),
    ):
        numbers = forgetting.chosen_versions(connection, dataset, older=older, every=every)
        found = forgetting.versions(connection, numbers)
        if confirmed:
            forgetting.forget(connection, numbers, command, stamp())
            # Another version may count now, whose rows were collected by another crawler.
            answer_crawlers(connection, derived.rule_set(connection, None))
            manifests.write(connection, "remove", [])
    if confirmed:
        _publish(db)
    return found


def _publish(db: Path) -> None:
    """Append the manifest of the removal to its file, and end the log of the database."""
    with sqlite_errors_as_store_error(db), closing(connect(db)) as connection:
        manifests.publish(connection, db)
        checkpoint(connection)
