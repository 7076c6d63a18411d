"""Choose one version of a dataset for a connection: every public view then shows it alone."""

import sqlite3

from crawler.store.dataset_versions import resolve
from crawler.store.overrides import make_views, override


def choose_named(db: sqlite3.Connection, name: str | None) -> int | None:
    """Choose the version `NAME` or `NAME@VERSION` of a dataset, and return its number.

    Without a name nothing is chosen. Raise `VersionError` if there is none.
    """
    if name is None:
        return None
    number = resolve(db, name)
    choose(db, number)
    return number


def choose(db: sqlite3.Connection, dataset: int) -> None:
    """Let the public views of this connection show one dataset, also a version that does not count.

    Views of origins then show those of the dataset. Nothing is stored.
    """
    columns = [name for (name,) in db.execute("SELECT name FROM pragma_table_info('dataset')")]
    shown = ", ".join("1 AS counts" if name == "counts" else name for name in columns)
    # A number, and names of our own.
    override(db, "dataset", f"SELECT {shown} FROM main.dataset WHERE id = {dataset:d}")  # noqa: S608
    chosen = f"SELECT origin FROM version_origin WHERE dataset = {dataset:d}"  # noqa: S608
    override(db, "origin", f"SELECT * FROM main.origin WHERE id IN ({chosen})")  # noqa: S608
    make_views(db)
