"""`tdm-audit plan`: read a dataset once, and cut it into the parts of an audit folder."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._crawled import fail_if
from crawler.cli._dataset_options import (
    max_unusable_option,
    provenance_of,
    provenance_options,
    weight_column_option,
)
from crawler.cli._options import (
    dataset_options,
    exit_on_error,
    output,
    output_options,
    say,
    say_json,
)
from crawler.cli._parts import folder_option, open_folder
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.commands.plan import PlanResult


@click.command(name="plan", short_help="Cut a dataset into the parts of a large audit.")
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@folder_option
@click.option(
    "--parts",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Number of parts, without those of --group.  [default: one for 10,000 origins]",
)
@click.option(
    "--group",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="CSV with the columns host,group: the sites of each group have a part for themselves, as "
    "those at one address should.",
)
@dataset_options
@weight_column_option
@provenance_options
@click.option(
    "--pages",
    type=click.IntRange(0, 1000),
    default=1,
    show_default=True,
    help="Sampled pages per origin that a crawl of the parts may request.",
)
@click.option(
    "--media",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="Sampled media files per origin that a crawl of the parts may request.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 if more rows than --max-unusable have no usable URL.",
)
@max_unusable_option
@output_options
def plan_command(
    datasets: tuple[str, ...],
    db: Path | str,
    parts: int | None,
    group: Path | None,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
    **options: Any,
) -> None:
    """Read a dataset once, and cut its origins into the parts of an audit in a folder.

    Each part is a database for itself, which `tdm-audit crawl --part` works on: on this machine, or
    on any that share the folder. A site is in one part. Plan again when the dataset has grown.

    \b
    Examples:
      tdm-audit plan 'laion/*.parquet' --db /data/audit
      tdm-audit crawl --db /data/audit --workers 4 --contact https://example.org/our-audit
      tdm-audit status --db /data/audit
    """
    from crawler.commands.crawl import samples_of
    from crawler.commands.crawl_request import ProgressListener
    from crawler.commands.ingest_plan import IngestRequest
    from crawler.commands.plan import PlanRequest, plan
    from crawler.progress import Bar
    from crawler.reports.summary import too_many_unusable

    with exit_on_error(), Bar(shown=progress, quiet=quiet) as bar:
        ingest = IngestRequest(
            datasets=datasets,
            url_columns=options["url_column"],
            weight_column=options["weight_column"],
            samples=samples_of(options["pages"], options["media"]),
            memory_limit=options["memory_limit"],
            name=options["name"],
            facets=options["facets"],
            collected_column=options["collected_column"],
            provenance=provenance_of(options),
        )
        request = PlanRequest(ingest=ingest, parts=parts, groups=group)
        result = plan(open_folder(db), request, ProgressListener(begin=bar.begin, step=bar.step))
    totals = result.totals
    failures = too_many_unusable(
        totals.unattributable, totals.rows, totals.url_column, options["max_unusable"]
    )
    with output():
        if as_json and not quiet:
            say_json(_as_json(result))
        elif not quiet:
            _print(result, db, failures)
    fail_if(failures, options["strict"])


def _as_json(result: "PlanResult") -> dict[str, object]:
    plan, totals = result.plan, result.totals
    return {
        "parts": plan.parts,
        "groups": {group.name: group.part for group in plan.groups},
        "changed": result.changed,
        "rows": totals.rows,
        "origins": totals.origins,
        "url_column": totals.url_column,
        "unusable": dict(result.unusable),
    }


def _print(result: "PlanResult", db: Path | str, failures: tuple[str, ...]) -> None:
    plan, totals = result.plan, result.totals
    counts = f"{counted(totals.rows, 'row')}, {counted(totals.origins, 'origin')}"
    lines = [f"{counts}, column {totals.url_column}"]
    if totals.unattributable:
        why = ", ".join(f"{reason} {rows:,}" for reason, rows in result.unusable.items())
        lines.append(f"{counted(totals.unattributable, 'row')} without a usable URL ({why})")
    groups = f", {len(plan.groups):,} of them for groups" if plan.groups else ""
    lines.append(
        f"{counted(plan.parts, 'part')}{groups}: {result.changed:,} written, the others unchanged"
    )
    lines += [f"Not as it should be: {failure}" for failure in failures]
    say([*lines, f"Next: tdm-audit crawl --db {quote(str(db))}"])
