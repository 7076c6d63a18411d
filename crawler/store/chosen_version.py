"""Choose one version of a dataset for a connection: every public view then shows it alone."""

from crawler.store.dataset_versions import resolve
from crawler.store.overrides import make_views, override
from crawler.store.queryable import Queryable, is_whole

# Of a whole the view is a table, with the rows of all datasets.
_RESERVATIONS = (
    "SELECT r.* REPLACE (coalesce(d.rows, 0) AS rows, d.weight AS weight) "
    "FROM main.reservations AS r JOIN origin AS o ON o.url = r.origin LEFT JOIN ("
    "SELECT origin, sum(rows) AS rows, sum(weight) AS weight FROM dataset_origin GROUP BY origin"
    ") AS d ON d.origin = o.id"
)


def choose_named(db: Queryable, name: str | None) -> int | None:
    """Choose the version `NAME` or `NAME@VERSION` of a dataset, and return its number.

    Without a name nothing is chosen. Raise `VersionError` if there is none.
    """
    if name is None:
        return None
    number = resolve(db, name)
    choose(db, number)
    return number


def choose(db: Queryable, dataset: int) -> None:
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
    if is_whole(db):
        override(db, "reservations", _RESERVATIONS)
