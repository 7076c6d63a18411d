"""`tdm-audit import`: add a list of others to an audit, as evidence of that source."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._options import exit_on_error, output, say, warn
from crawler.cli._parts import audit_option, one_database, open_folder
from crawler.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.commands.import_parties import Imported


@click.command(name="import", short_help="Add a list that says which domain is whose.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--as",
    "kind",
    type=click.Choice(["parties"]),
    required=True,
    help="What the file is: parties, a list of domains and the parties behind them.",
)
@click.option("--publisher", default="", help="Who published the list, for rows that do not say.")
@click.option("--version", default="", help="Its version or date, for rows that do not say.")
@audit_option
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def import_command(
    file: Path,
    kind: str,  # noqa: ARG001 - one so far
    publisher: str,
    version: str,
    db: Path | str,
    quiet: bool,
) -> None:
    """Add a list that says which domain is whose.

    FILE is CSV, TSV or JSON Lines with the columns domain, name, identifier (LEI, ISNI, Wikidata),
    publisher and version. The views `parties` and `rights_holders` show what it says, with the
    source `list`, and what sites say of themselves; where they differ, both are shown. Nothing is
    requested, and no answer about a reservation changes.

    If --db is the folder of an audit in parts, each row goes to the part of its domain's site.

    \b
    Example:
      tdm-audit import members.csv --as parties --publisher "Press Council" --version 2026-11
    """
    from crawler.commands.import_into_parts import import_into_parts
    from crawler.commands.import_parties import import_parties

    source = (publisher.strip(), version.strip())
    with exit_on_error():
        if (database := one_database(db)) is not None:
            imported = import_parties(database, file, *source)
        else:
            imported = import_into_parts(open_folder(db), file, *source)
    for warning in imported.warnings:
        warn(warning)
    if not quiet:
        with output():
            say(list(_lines(imported)))


def _lines(imported: "Imported") -> "Iterator[str]":
    for publisher, version in imported.known:
        yield f"The list of {publisher} {version}".rstrip() + " was imported before."
    for publisher, version in imported.lists:
        yield f"Imported the list of {publisher} {version}".rstrip() + "."
    if imported.lists:
        origins = counted(imported.origins, "origin")
        yield f"{counted(imported.rows, 'row')}, naming {origins} of this audit."
    if imported.lists and imported.unnamed:
        yield f"Left out, since they may name persons: {counted(imported.unnamed, 'name')}."
    if imported.unusable:
        rows = counted(imported.unusable, "row")
        yield f"Left out, without a usable domain or without name and identifier: {rows}."
