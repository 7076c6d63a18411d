"""`tdm-audit export`: write a public view to a file or to standard output."""

import io
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, TextIO, cast

import click

from crawler.cli._as_of import as_of_options, require_as_of
from crawler.cli._dataset_options import chosen_dataset_option
from crawler.cli._options import did_you_mean, exit_on_error, output, say
from crawler.cli._parts import audit_option, one_database, open_folder, opened_for_reading
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.instants import Instant
    from crawler.store.queryable import Queryable

_STDOUT = Path("-")


@click.command(name="export", short_help="Write a view as CSV, JSON Lines or Parquet.")
@click.argument("view", required=False)
@audit_option
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="File to write (.csv, .jsonl or .parquet); - is standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="Format.  [default: that of the suffix; csv for standard output]",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Write CSV without an apostrophe before text that a spreadsheet would calculate "
    "(= + - @, tab, carriage return).",
)
@chosen_dataset_option
@as_of_options
@click.option(
    "--sql",
    is_flag=True,
    help="Write the SQL by which any DuckDB opens all views of an audit in parts.",
)
@click.option("--list", "listing", is_flag=True, help="List the views, each with what a row is.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def export_command(
    view: str | None,
    db: Path | str,
    out: Path | None,
    form: str | None,
    raw: bool,
    dataset: str | None,
    as_of: "Instant | None",
    max_distance: float | None,
    sql: bool,
    listing: bool,
    quiet: bool,
) -> None:
    """Write a public view as CSV, JSON Lines or Parquet, sorted.

    \b
    Examples:
      tdm-audit export --list
      tdm-audit export reservations -o reservations.csv
      tdm-audit export issues -o - --format jsonl | head
      tdm-audit export sites -o sites.csv --dataset my-dataset
      tdm-audit export history -o states.csv --as-of 2026-11-22
      tdm-audit export --sql --db /data/audit -o views.sql
    """
    from crawler.reports.export import export
    from crawler.store.as_of import HISTORY, choose_instant
    from crawler.store.chosen_version import choose_named

    if listing:
        with output():
            _list_views()
        return
    if sql:
        _write_sql(view, db, out, quiet=quiet)
        return
    view, out = _named(view, out)
    require_as_of(max_distance, as_of)
    if as_of is not None:
        _require_states(view)
    if out == _STDOUT and form == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; name a file with -o, or pipe it")
    with exit_on_error(), opened_for_reading(db) as connection, output():
        choose_named(connection, dataset)
        if as_of is not None:
            choose_instant(connection, as_of, max_distance)
            view = HISTORY if view == "history" else view
        if out == _STDOUT:
            _print(connection, view, form or "csv", raw=raw)
            return
        written = export(connection, view, out, form, raw=raw)
        if not quiet:
            say([f"{counted(written, 'row')} of {view} written to {out}"])


class _VisibleLines:
    """A stream whose lines are made visible; see `reports.visible`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, line: str) -> int:
        """Write one line."""
        from crawler.reports.visible import visible

        return self._out.write(visible(line.removesuffix("\n")) + "\n")


def _write_sql(view: str | None, db: Path | str, out: Path | None, *, quiet: bool) -> None:
    """Write what opens an audit in parts in DuckDB; wrong usage is a view or a database file."""
    from crawler.commands.whole import sql_of_whole
    from crawler.reports.export import replaced

    if view is not None:
        raise click.UsageError(f"--sql opens all views; leave out {view}")
    if one_database(db) is not None:
        raise click.UsageError(
            f"--sql is for an audit in parts; {db} is a database that has its views in it"
        )
    if out is None:
        raise click.UsageError("name a file with -o, or - for standard output")
    with exit_on_error(), output():
        text = sql_of_whole(open_folder(db))
        if out == _STDOUT:
            click.echo(text, nl=False)
            return
        with replaced(out) as unfinished:
            unfinished.write_text(text, "utf-8")
        if not quiet:
            begin = f"`duckdb -init {quote(str(out))}` begins with it"
            say([f"SQL of all views written to {out}; {begin}"])


def _named(view: str | None, out: Path | None) -> tuple[str, Path]:
    """Return a view that there is, and where to write it; wrong usage is anything else."""
    from crawler.store.database import public_views

    if view is None:
        raise click.UsageError("name a view; `tdm-audit export --list` lists them")
    if view not in public_views():
        hint = did_you_mean(view, public_views())
        raise click.UsageError(f"no view {view!r}{hint}; `tdm-audit export --list` lists them")
    if out is None:
        raise click.UsageError("name a file with -o, or - for standard output")
    return view, out


def _require_states(view: str) -> None:
    """Raise wrong usage for a view that shows more than states, which the past has not."""
    from crawler.store.as_of import VIEWS

    if view not in VIEWS:
        raise click.UsageError(
            f"--as-of is for views that are made of states: {', '.join(VIEWS)}; "
            "`tdm-audit explain --as-of` shows the statements of one origin"
        )


def _list_views() -> None:
    """Print the public views with the first sentence of their descriptions."""
    from crawler.store.database import public_views

    views = sorted(public_views().items())
    longest = max(len(name) for name, _ in views)
    say(f"{name:<{longest}}  {text}" for name, (text, _) in views)


def _print(connection: "Queryable", view: str, form: str, *, raw: bool) -> None:
    """Write a view to standard output."""
    from crawler.reports.export import ERRORS, export_parquet, export_text

    sys.stdout.flush()
    if form == "parquet":
        export_parquet(connection, view, sys.stdout.buffer)
        return
    # As to a file: UTF-8 whatever the locale, and no line end is translated.
    text = io.TextIOWrapper(sys.stdout.buffer, "utf-8", errors=ERRORS, newline="")
    # Data keep every character, but on a terminal those of strangers would act.
    stream = cast("TextIO", _VisibleLines(text)) if sys.stdout.isatty() else text
    try:
        export_text(connection, view, stream, form, raw=raw)
        text.flush()
    finally:
        text.detach()
