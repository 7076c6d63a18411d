"""`tdm-audit crawl`: ingest, fetch, judge and summarise."""

import json
import shlex
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._options import (
    FAILED,
    STOPPED,
    Duration,
    dataset_options,
    db_option,
    errors,
    fail,
    fetch_choices,
    fetch_options,
    keep_contacts_option,
    quiet_options,
    rules_option,
)

# What a command needs is imported by the command, so that `--help` answers at once.
if TYPE_CHECKING:
    from crawler.commands.crawl import CrawlResult


@click.command()
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@db_option
@dataset_options
@click.option("--weight-column", metavar="NAME", help="Column to add up as weight (tokens, bytes).")
@click.option(
    "--limit-origins",
    type=click.IntRange(1),
    metavar="N",
    help="Only the N with most weight, else with most rows.",
)
@click.option(
    "--pages",
    type=click.IntRange(0, 20),
    default=1,
    show_default=True,
    help="Sampled pages an origin, beside the home page.",
)
@click.option(
    "--media",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="Sampled images, PDF and EPUB files an origin, whose metadata is read; needs the extra "
    "tdm-audit[media].",
)
@click.option(
    "--terms",
    type=click.IntRange(0, 5),
    default=0,
    show_default=True,
    help="Pages of terms that an origin links to, whose text is searched for reservations in "
    "prose; they change nothing under the default rule set.",
)
@click.option(
    "--max-age",
    type=Duration(),
    default="24h",
    show_default=True,
    help="Ask again what was asked longer ago.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Origins side by side, in all.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 8),
    metavar="N",
    help="Processes that ask, for 200 origins or more.  [default: one a core, at most 8]",
)
@click.option("--batch", type=click.IntRange(1), default=1000, hidden=True)
@fetch_choices
@click.option("--time-budget", type=Duration(), help="Stop in good order after this long.")
@click.option(
    "--policy-files-always",
    is_flag=True,
    help="Ask for ai.txt and tdmrep.json even where robots.txt says no; recorded.",
)
@click.option(
    "--context",
    is_flag=True,
    help="Ask for four files more that tell who is behind an origin: security.txt, ads.txt, "
    "llms.txt, /.well-known/ai.txt.",
)
@keep_contacts_option
@click.option("--keep-pages", is_flag=True, help="Keep pages whole, not only their head extract.")
@click.option("--new-run", is_flag=True, help="Do not continue an unfinished run.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="Share of the planned resources that a run should see.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 if a run sees less than that, or if this program made a mistake.",
)
@rules_option
@quiet_options
def crawl(
    datasets: tuple[str, ...],
    db: Path,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
    rules: str | None,
    **given: Any,
) -> None:
    """Visit the origins of a dataset and record what they reserve.

    CSV, TSV, JSON Lines or plain text (a URL or host a line), plain, .gz or .zst; Parquet, Arrow,
    WARC, CDX; files, globs and folders. Run it again to continue what is missing and to refresh
    what is stale.

    \b
    Example:
      tdm-audit crawl laion.parquet --contact https://example.org/our-audit --limit-origins 1000
    """
    from crawler.commands.crawl import CrawlRequest, Watcher
    from crawler.commands.crawl import crawl as run
    from crawler.fetch.scheduler import RunEnd
    from crawler.progress import Bar

    with errors(), Bar(shown=progress, quiet=quiet) as bar:
        request = CrawlRequest(
            datasets=datasets,
            db=db,
            fetch=fetch_options(given),
            command=shlex.join(["tdm-audit", *sys.argv[1:]]),
            url_column=given["url_column"],
            weight_column=given["weight_column"],
            memory_limit=given["memory_limit"],
            limit_origins=given["limit_origins"],
            max_age=timedelta(seconds=given["max_age"]),
            new_run=given["new_run"],
            keep_pages=given["keep_pages"],
            keep_contacts=given["keep_contacts"],
            rules=rules,
            workers=given["workers"],
            batch=given["batch"],
        )
        done = run(request, Watcher(begin=bar.begin, step=bar.step))
    failures = print_crawl(done, db, given["min_coverage"], quiet=quiet, as_json=as_json)
    if done.ended is not RunEnd.FINISHED:
        why = "by the time budget" if done.ended is RunEnd.BUDGET else "by a signal"
        fail(f"stopped early {why}; run the same command again to continue", STOPPED)
    if failures and given["strict"]:
        fail("; ".join(failures), FAILED)


def print_crawl(
    done: "CrawlResult", db: Path, min_coverage: float, *, quiet: bool, as_json: bool
) -> tuple[str, ...]:
    """Print what a crawl did and found; what its report must not show comes back."""
    from crawler.reports import run_report as reports
    from crawler.reports import summary as summaries
    from crawler.reports import tables
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error

    with errors(), sqlite_errors_as_store_error(db), closing(connect_read_only(db)) as connection:
        report = None if done.run is None else reports.run_report(connection, done.run)
        numbers = None if quiet else summaries.summary(connection, done.dataset, done.run)
    if numbers is not None and as_json:
        facts: dict[str, object] = {"run": done.run, "due": done.due, "visited": done.visited}
        facts |= {"ended": done.ended} | summaries.as_json(numbers)
        facts |= {"report": report and reports.as_json(report, min_coverage)}
        click.echo(json.dumps(facts, indent=2))
    elif numbers is not None:
        if not done.due:
            click.echo("Nothing is due: every origin was visited within --max-age.")
        tables.show_summary(numbers)
        if report is not None:
            tables.show_run_report(report, min_coverage)
        click.echo(f"Evidence and findings: {db}")
    return () if report is None else report.failures(min_coverage)
