"""Choose one version of a dataset for a connection: every public view then shows it alone."""

import re
import sqlite3

from crawler.store.database import view_statements
from crawler.store.dataset_versions import resolve

_CREATE = re.compile(r"^CREATE VIEW ", re.MULTILINE)


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
    # Names of views in the schema `temp` hide those in the database (sqlite.org/lang_naming.html),
    # also from the other views there. So the views of views.sql are made once more, over tables
    # that hold this version alone.
    columns = [name for (name,) in db.execute("SELECT name FROM pragma_table_info('dataset')")]
    shown = ", ".join("1 AS counts" if name == "counts" else name for name in columns)
    db.execute(
        f"CREATE TEMP VIEW dataset AS SELECT {shown} FROM main.dataset WHERE id = {dataset:d}"  # noqa: S608 - a number and our own names
    )
    chosen = f"SELECT origin FROM version_origin WHERE dataset = {dataset:d}"  # noqa: S608 - a number
    db.execute(f"CREATE TEMP VIEW origin AS SELECT * FROM main.origin WHERE id IN ({chosen})")  # noqa: S608
    make_views(db)


def make_views(db: sqlite3.Connection) -> None:
    """Make the public views for this connection, so that they read its own tables and views."""
    for statement in view_statements():
        db.execute(_CREATE.sub("CREATE TEMP VIEW IF NOT EXISTS ", statement))
