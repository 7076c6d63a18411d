"""Hold a database that a command may create, and leave none behind that holds no work."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from crawler.folders import remove_empty
from crawler.store.database import connect_read_only, exclusive_lock
from crawler.store.failures import StoreError

# What SQLite and the lock have beside a database.
_BESIDE = ("-wal", "-shm", "-journal", ".lock")
# Tables that have rows as soon as anything was stored.
_WORK = ("dataset", "request_list", "run")


@contextmanager
def exclusive_lock_to_create(path: Path) -> Iterator[None]:
    """Hold the database as `exclusive_lock` does, whether it is there or not.

    If the block raises before it has stored anything in a new one, the database is removed, with
    the folders that were made for it.
    """
    new_folders = [folder for folder in path.parents if not folder.exists()]
    beside = [Path(f"{path}{suffix}") for suffix in _BESIDE]
    new_files = [path, *(file for file in beside if not file.exists())]
    with exclusive_lock(path):
        is_new = not path.exists()
        try:
            yield
        except BaseException:
            # While the lock is held: whoever waits for it makes a database of its own.
            if is_new and not _has_work(path):
                for file in new_files:
                    file.unlink(missing_ok=True)
                remove_empty(new_folders)
            raise


def _has_work(path: Path) -> bool:
    """Return whether anything was stored in a database, also where that cannot be told."""
    if not path.exists():
        return False
    with suppress(StoreError), closing(connect_read_only(path)) as db:
        query = " UNION ALL ".join(f"SELECT 1 FROM {table}" for table in _WORK)  # noqa: S608 - our own names
        return db.execute(query).fetchone() is not None
    return True
