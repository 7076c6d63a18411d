"""Folder of shards next to a database, which a crawl of an older version left when it was killed.

Those versions crawled one file with several processes, each of which wrote into shards. What was
not yet merged into the database counts as not visited, and is requested again.
"""

import shutil
from pathlib import Path

from crawler.store.failures import StoreError, os_errors_as_store_error


def remove(path: Path) -> tuple[str, ...]:
    """Remove the shards next to a database; return a sentence that says so, if there were any."""
    folder = _folder(path)
    if not folder.is_dir():
        return ()
    with os_errors_as_store_error(folder):
        shutil.rmtree(folder)
    return (
        f"{folder}, which a crawl of an older version left, is removed; origins that were only "
        "there count as not visited",
    )


def refuse(path: Path) -> None:
    """Raise `StoreError` if there are shards next to a database, with bytes that are not in it."""
    folder = _folder(path)
    if folder.is_dir():
        raise StoreError(
            f"{folder}, which a crawl of an older version left, may have bytes that are to be "
            "erased; remove this folder and run the same command again"
        )


def _folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.shards")
