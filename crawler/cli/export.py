"""`tdm-audit export`: write a public view to a file."""

from contextlib import closing
from pathlib import Path

import click

from crawler.cli._options import db_option, exit_on_error


@click.command(name="export")
@click.argument("view")
@db_option
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write (.csv, .jsonl or .parquet).",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def export_command(view: str, db: Path, out: Path, quiet: bool) -> None:
    """Write a public view as CSV, JSON Lines or Parquet, sorted.

    \b
    Example:
      tdm-audit export reservations -o reservations.csv
    """
    from crawler.reports.export import export
    from crawler.store.database import connect_read_only, public_views, sqlite_errors_as_store_error

    if view not in public_views():
        raise click.UsageError(f"no view {view!r}; there are {', '.join(sorted(public_views()))}")
    with (
        exit_on_error(),
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
    ):
        written = export(connection, view, out)
    if not quiet:
        click.echo(f"{written:,} rows of {view} written to {out}")
