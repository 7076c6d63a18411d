"""`tdm-audit report`: one self-contained file with figures, their units and their SQL."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._as_of import as_of_options, require_as_of
from crawler.cli._dataset_options import chosen_dataset_option
from crawler.cli._options import exit_on_error, output
from crawler.cli._parts import audit_option, opened_for_reading

if TYPE_CHECKING:
    from crawler.instants import Instant

_STDOUT = Path("-")
_DEFAULT = Path("report.html")
_PURPOSES = ("tdm", "ai_train", "genai_train", "ai_input", "search")


@click.command(name="report", short_help="Write one page with all figures, to mail or to print.")
@audit_option
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=_DEFAULT,
    show_default=True,
    help="File to write; - is standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md", "json"]),
    help="Format.  [default: that of the suffix; html without one]",
)
@chosen_dataset_option
@click.option(
    "--purpose",
    type=click.Choice(_PURPOSES),
    default="genai_train",
    show_default=True,
    help="Use that the summary and the figures about one purpose are for.",
)
@click.option(
    "--top",
    type=click.IntRange(1, 100),
    default=25,
    show_default=True,
    help="Number of sites that are listed.",
)
@as_of_options
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def report_command(
    db: Path | str,
    out: Path,
    form: str | None,
    dataset: str | None,
    purpose: str,
    top: int,
    as_of: "Instant | None",
    max_distance: float | None,
    quiet: bool,
) -> None:
    """Write one page about a dataset: figures with units, totals and the SQL of each number.

    The page needs no network, no script and no server. Equal databases give equal pages.

    \b
    Examples:
      tdm-audit report
      tdm-audit report -o - --format json | jq .figures.states
      tdm-audit report -o then.html --as-of 2026-11-22
    """
    from crawler.commands.report import Format, ReportRequest, format_of, report_text, write_report
    from crawler.store.chosen_version import choose_named
    from crawler.vocab import Purpose

    require_as_of(max_distance, as_of)
    with exit_on_error(), opened_for_reading(db) as connection, output():
        kind = format_of(out) if form is None else Format(form)
        number = choose_named(connection, dataset)
        request = ReportRequest(
            form=kind,
            dataset=number,
            purpose=Purpose(purpose),
            top=top,
            as_of=as_of,
            max_distance=max_distance,
        )
        if out == _STDOUT:
            sys.stdout.flush()
            sys.stdout.buffer.write(report_text(connection, request).encode())
            sys.stdout.buffer.flush()
            return
        write_report(connection, out, request)
        if not quiet:
            click.echo(f"Report written to {out}")
