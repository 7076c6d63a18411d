"""Commands that ask servers: crawl, check and demo."""

import json
import shlex
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.options import (
    FOUND,
    STOPPED,
    Duration,
    db_option,
    errors,
    fail,
    fetch_choices,
    quiet_options,
    rules_option,
)

# What a command needs is imported by the command, so that `--help` answers at once.
if TYPE_CHECKING:
    from crawler.fetch.options import FetchOptions
    from crawler.verbs.crawl import Crawled

_FETCH = (
    "concurrency",
    "delay",
    "timeout",
    "pages",
    "contact",
    "connect_to",
    "allow_network",
    "time_budget",
    "policy_files_always",
)


@click.command()
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@db_option
@click.option(
    "--url-column", metavar="NAME", help="Column with the URLs; found by name if not given."
)
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
    help="Origins side by side.",
)
@fetch_choices
@click.option("--time-budget", type=Duration(), help="Stop in good order after this long.")
@click.option(
    "--policy-files-always",
    is_flag=True,
    help="Ask for ai.txt and tdmrep.json even where robots.txt says no; recorded.",
)
@click.option("--keep-pages", is_flag=True, help="Keep pages whole, not only their head extract.")
@click.option("--new-run", is_flag=True, help="Do not continue an unfinished run.")
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

    CSV, TSV, JSON Lines, Parquet or plain text (a URL or host a line), plain, .gz or .zst; files,
    globs and folders. Run it again to continue what is missing and to refresh what is stale.

    \b
    Example:
      tdm-audit crawl laion.parquet --contact https://example.org/our-audit --limit-origins 1000
    """
    from crawler.fetch.pool import Ended
    from crawler.progress import Bar
    from crawler.verbs.crawl import CrawlRequest, Watcher
    from crawler.verbs.crawl import crawl as run

    with errors(), Bar(shown=progress, quiet=quiet) as bar:
        request = CrawlRequest(
            datasets=datasets,
            db=db,
            fetch=_fetch_options(given),
            command=shlex.join(["tdm-audit", *sys.argv[1:]]),
            url_column=given["url_column"],
            weight_column=given["weight_column"],
            limit_origins=given["limit_origins"],
            max_age=timedelta(seconds=given["max_age"]),
            new_run=given["new_run"],
            keep_pages=given["keep_pages"],
            rules=rules,
        )
        done = run(request, Watcher(begin=bar.begin, step=bar.step))
    _say_crawled(done, db, quiet=quiet, as_json=as_json)
    if done.ended is not Ended.FINISHED:
        why = "by the time budget" if done.ended is Ended.BUDGET else "by a signal"
        fail(f"stopped early {why}; run the same command again to continue", STOPPED)


def _fetch_options(given: dict[str, Any]) -> "FetchOptions":
    from crawler.fetch.options import FetchOptions

    chosen = {name: given[name] for name in _FETCH if name in given}
    try:
        return FetchOptions(connect_timeout=min(5.0, given["timeout"]), **chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _say_crawled(done: "Crawled", db: Path, *, quiet: bool, as_json: bool) -> None:
    from crawler.publish import summary as summaries
    from crawler.publish import tables
    from crawler.store.database import connect_read_only, explained

    if quiet:
        return
    with errors(), explained(db), closing(connect_read_only(db)) as connection:
        numbers = summaries.summary(connection, done.dataset, done.run)
    if as_json:
        facts = {"run": done.run, "due": done.due, "visited": done.visited, "ended": done.ended}
        click.echo(json.dumps(facts | summaries.as_json(numbers), indent=2))
        return
    if not done.due:
        click.echo("Nothing is due: every origin was visited within --max-age.")
    tables.show_summary(numbers)
    click.echo(f"Evidence and findings: {db}")


@click.command(name="check")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@fetch_choices
@click.option(
    "--rules",
    metavar="NAME-OR-FILE",
    help="Rule set: signals, inclusive, strict, or a .toml file of your own.  [default: signals]",
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["issues", "conflict", "reserved", "unknown", "permitted"]),
    help="Exit with 5 if there is such a thing; repeatable.",
)
@quiet_options
def check_command(
    urls: tuple[str, ...],
    rules: str | None,
    fail_on: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    progress: bool | None,
    **given: Any,
) -> None:
    """Check a site of your own: fetch its signals now, explain them, say what to mend.

    Asks as politely as a crawl does and keeps no database.

    \b
    Example:
      tdm-audit check https://example.org/ --fail-on issues --fail-on unknown
    """
    from crawler.progress import Bar
    from crawler.publish import check as checks
    from crawler.verbs.check import CheckRequest, FailOn, check, found
    from crawler.verbs.crawl import Watcher

    with errors(), Bar(shown=progress, quiet=quiet) as bar:
        request = CheckRequest(urls=urls, fetch=_fetch_options(given), rules=rules)
        done = check(request, Watcher(begin=bar.begin, step=bar.step))
    came_upon = found(done, map(FailOn, fail_on))
    if as_json:
        said = {"checks": [checks.check_json(one) for one in done], "found": came_upon}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo("\n\n".join("\n".join(checks.check_text(one)) for one in done))
    if came_upon:
        fail(f"found: {', '.join(came_upon)}", FOUND)


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("output/demo"),
    show_default=True,
    help="Folder for the results.",
)
@quiet_options
def demo(output: Path, quiet: bool, as_json: bool, progress: bool | None) -> None:
    """The whole flow against a small web of reserving and misbehaving sites on loopback.

    \b
    Example:
      tdm-audit demo
    """
    from crawler.progress import Bar
    from crawler.verbs.crawl import Watcher
    from crawler.verbs.demo import demo as run
    from crawler.verbs.demo import next_steps

    with errors(), Bar(shown=progress, quiet=quiet) as bar:
        shown = run(output, Watcher(begin=bar.begin, step=bar.step), bar)
    _say_crawled(shown.crawled, shown.db, quiet=quiet, as_json=as_json)
    if not quiet and not as_json:
        click.echo("\n".join(next_steps(shown)))
