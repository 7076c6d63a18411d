"""`tdm-audit datasets`: list the datasets of a database, their versions, and request lists."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._options import exit_on_error, output, say, say_json
from crawler.cli._parts import audit_option, opened_datasets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.store.forgetting import Version
    from crawler.store.stored_lists import StoredList


@click.command(name="datasets", short_help="List datasets, their versions, and request lists.")
@audit_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def datasets_command(db: Path | str, as_json: bool) -> None:
    """List the datasets of a database with their versions, and the lists of `crawl --ask`.

    A dataset whose files have changed since is a new version. The newest one counts: numbers of
    rows are of it alone. Older ones are kept as history.

    \b
    Example:
      tdm-audit datasets --db output/audit.db
    """
    from crawler.commands.datasets import as_json as facts_of
    from crawler.commands.datasets import list_versions, lists
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error

    with (
        exit_on_error(),
        opened_datasets(db) as file,
        sqlite_errors_as_store_error(file),
        closing(connect_read_only(file)) as connection,
    ):
        found, asked = list_versions(connection), lists(connection)
    with output():
        if as_json:
            datasets = [facts_of(version) for version in found]
            say_json({"datasets": datasets, "request_lists": [each._asdict() for each in asked]})
            return
        if found:
            show_versions("Datasets", found)
        else:
            say(["No dataset is in this database."])
        if asked:
            show_lists("Request lists", asked)


def show_versions(title: str, found: "Iterable[Version]") -> None:
    """Print a table of versions."""
    from crawler.reports import tables

    head = ("dataset", "counts", "rows", "origins", "unusable", "files", "read at", "digest")
    rows = []
    for v in found:
        counts = "yes" if v.counts else "no"
        numbers = (v.rows, v.origins, v.unattributable, v.files)
        rows.append((f"{v.name}@{v.version}", counts, *numbers, v.ingested_at[:16], v.digest[:12]))
    tables.show(title, head, rows)
    for version in found:
        if version.path != version.name:
            tables.show_line(f"{version.name}@{version.version}: {version.path}")


def show_lists(title: str, found: "Iterable[StoredList]") -> None:
    """Print a table of request lists."""
    from crawler.reports import tables

    head = ("list", "files", "urls", "origins", "answered", "withheld", "failed", "left", "asked")
    rows = []
    for one in found:
        numbers = (one.urls, one.origins, one.answered, one.withheld, one.failed, one.waiting)
        asked = (one.last_asked_at or "never")[:16]
        rows.append((str(one.list), one.path, *numbers, asked))
    tables.show(title, head, rows)
