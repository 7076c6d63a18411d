"""Arguments in, exit status out; what a command does stands in `verbs`."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from crawler import __version__
from crawler.errors import ExplainedError
from crawler.vocab import Purpose

# What a command needs is imported by the command: `--help` and `explain` answer at once, and
# only `crawl`, `check` and `demo` wait for Scrapy.
if TYPE_CHECKING:
    from crawler.fetch.options import FetchOptions
    from crawler.verbs.crawl import Crawled

FAILED, BUSY, STOPPED, FOUND = 1, 3, 4, 5
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
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[float]):
    """`90s`, `15m`, `24h`, `7d`, or seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The value in seconds."""
        if isinstance(value, int | float):
            return float(value)
        number, unit = (value[:-1], value[-1:]) if value[-1:] in _UNITS else (value, "s")
        try:
            seconds = float(number) * _UNITS[unit]
        except ValueError:
            self.fail(f"{value!r} is no duration; write 90s, 15m, 24h or 7d", param, ctx)
        if seconds < 0:
            self.fail(f"{value!r} is negative", param, ctx)
        return seconds


def _db_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("output/audit.db"),
        show_default=True,
        help="The audit database.",
    )(command)


def _quiet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--json", "as_json", is_flag=True, help="Print data, not tables.")(
        command
    )
    command = click.option("--quiet", is_flag=True, help="Print nothing but errors.")(command)
    return click.option(
        "--progress/--no-progress",
        default=None,
        help="A progress bar; by default on a terminal only.",
    )(command)


def _rules_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--rules",
        metavar="NAME-OR-FILE",
        help="Rule set: signals, inclusive, strict, or a .toml file of your own (docs/rules.md). "
        "[default: the one the database shows, signals at first]",
    )(command)


_FETCH_CHOICES = (
    click.option(
        "--delay",
        type=Duration(),
        default="1s",
        show_default=True,
        help="Between two requests to a host.",
    ),
    click.option(
        "--timeout",
        type=Duration(),
        default="15s",
        show_default=True,
        help="For one request, all in all.",
    ),
    click.option(
        "--contact",
        default="",
        metavar="URL-OR-MAIL",
        help="Who you are; goes into the User-Agent.",
    ),
    click.option(
        "--connect-to",
        multiple=True,
        metavar="HOST1:PORT1:HOST2:PORT2",
        help="Connect elsewhere, as curl does; repeatable.",
    ),
    click.option(
        "--allow-network",
        multiple=True,
        metavar="CIDR",
        help="Allow addresses that are not public; repeatable.",
    ),
)


def _fetch_choices(command: Callable[..., Any]) -> Callable[..., Any]:
    """How to ask, for every command that asks."""
    for option in reversed(_FETCH_CHOICES):
        command = option(command)
    return command


def _fail(message: object, status: int) -> NoReturn:
    click.echo(f"tdm-audit: {message}", err=True)
    sys.exit(status)


@contextmanager
def _errors() -> Iterator[None]:
    """What may go wrong in the world, as one sentence and an exit status."""
    try:
        yield
    except ExplainedError as error:
        _fail(error, error.status)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tdm-audit")
def main() -> None:
    """Who reserved text and data mining, by which signal, proven by which bytes."""


@main.command()
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@_db_option
@click.option(
    "--url-column", metavar="NAME", help="Column with the URLs; found by name if not given."
)
@click.option("--weight-column", metavar="NAME", help="Column to add up as weight (tokens, bytes).")
@click.option(
    "--limit-origins", type=click.IntRange(1), metavar="N", help="Only the N with most rows."
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
@_fetch_choices
@click.option("--time-budget", type=Duration(), help="Stop in good order after this long.")
@click.option(
    "--policy-files-always",
    is_flag=True,
    help="Ask for ai.txt and tdmrep.json even where robots.txt says no; recorded.",
)
@click.option("--keep-pages", is_flag=True, help="Keep pages whole, not only their head extract.")
@click.option("--new-run", is_flag=True, help="Do not continue an unfinished run.")
@_rules_option
@_quiet_options
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

    with _errors(), Bar(shown=progress, quiet=quiet) as bar:
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
        _fail(f"stopped early {why}; run the same command again to continue", STOPPED)


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
    with _errors(), explained(db), closing(connect_read_only(db)) as connection:
        numbers = summaries.summary(connection, done.dataset, done.run)
    if as_json:
        facts = {"run": done.run, "due": done.due, "visited": done.visited, "ended": done.ended}
        click.echo(json.dumps(facts | summaries.as_json(numbers), indent=2))
        return
    if not done.due:
        click.echo("Nothing is due: every origin was visited within --max-age.")
    tables.show_summary(numbers)
    click.echo(f"Evidence and findings: {db}")


@main.command(name="check")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@_fetch_choices
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
@_quiet_options
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

    with _errors(), Bar(shown=progress, quiet=quiet) as bar:
        request = CheckRequest(urls=urls, fetch=_fetch_options(given), rules=rules)
        done = check(request, Watcher(begin=bar.begin, step=bar.step))
    came_upon = found(done, map(FailOn, fail_on))
    if as_json:
        said = {"checks": [checks.check_json(one) for one in done], "found": came_upon}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo("\n\n".join("\n".join(checks.check_text(one)) for one in done))
    if came_upon:
        _fail(f"found: {', '.join(came_upon)}", FOUND)


@main.command()
@_db_option
@_rules_option
@_quiet_options
def judge(db: Path, rules: str | None, quiet: bool, as_json: bool, progress: bool | None) -> None:
    """Rebuild statements and findings from evidence; no network.

    \b
    Example:
      tdm-audit judge --rules strict
    """
    from crawler.progress import Bar
    from crawler.publish import summary as summaries
    from crawler.publish import tables
    from crawler.store.database import connect, explained, held, require
    from crawler.store.derived import rule_set
    from crawler.verbs.judging import rebuild

    with _errors():
        require(db)
        with (
            held(db),
            explained(db),
            closing(connect(db)) as connection,
            Bar(shown=progress, quiet=quiet) as bar,
        ):
            bar.begin("judging", None)
            chosen = rule_set(connection, rules)
            judged = rebuild(connection, chosen=chosen, on_origin=bar.step)
            datasets = [d for (d,) in connection.execute("SELECT dataset FROM datasets")]
            found = [summaries.summary(connection, d, None) for d in datasets]
    if quiet:
        return
    if as_json:
        facts = {"judged": judged, "datasets": [summaries.as_json(n) for n in found]}
        click.echo(json.dumps(facts, indent=2))
        return
    for numbers in found:
        tables.show_summary(numbers)
    click.echo(f"{judged:,} origins judged; the views now show {chosen.label}")


@main.command(name="explain")
@click.argument("url", required=False)
@_db_option
@_rules_option
@click.option("--agent", metavar="TOKEN", help="As this agent would be told, e.g. CCBot.")
@click.option("--origin", "whole_origin", is_flag=True, help="About the whole origin of the URL.")
@click.option("--body", metavar="SHA256", help="Print the bytes kept under a digest, nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print data, with everything considered.")
def explain_command(
    url: str | None,
    db: Path,
    rules: str | None,
    agent: str | None,
    whole_origin: bool,
    body: str | None,
    as_json: bool,
) -> None:
    """The verdict for one URL, every purpose, down to the line and the digest.

    A bare host asks about its whole origin.

    \b
    Example:
      tdm-audit explain https://example.org/news/1.html --agent CCBot
    """
    from crawler.publish import explain as explanations
    from crawler.store.database import connect_read_only, explained
    from crawler.store.derived import rule_set
    from crawler.store.evidence import load_body
    from crawler.verbs.explaining import explain

    if (url is None) == (body is None):
        raise click.UsageError("give a URL, or --body with a digest")
    with _errors(), explained(db), closing(connect_read_only(db)) as connection:
        if body is not None:
            _print_body(load_body(connection, body.lower()), body)
            return
        asked = rule_set(connection, rules)
        found = explain(connection, url or "", asked, agent=agent, whole_origin=whole_origin)
    if as_json:
        click.echo(json.dumps(explanations.as_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(explanations.as_text(found)))


def _print_body(content: bytes | None, digest: str) -> None:
    if content is None:
        _fail(f"no bytes are kept under {digest}", FAILED)
    sys.stdout.buffer.write(content)


@main.command()
@click.argument("dataset", nargs=-1, required=True, metavar="DATASET...")
@_db_option
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write; .parquet, .csv or .jsonl.",
)
@click.option(
    "--url-column", metavar="NAME", help="Column with the URLs; found by name if not given."
)
@click.option(
    "--purpose",
    type=click.Choice([p.value for p in Purpose]),
    default=Purpose.GENAI_TRAIN.value,
    show_default=True,
    help="What the rows would be used for.",
)
@click.option("--agent", metavar="TOKEN", help="As this agent would be told, e.g. CCBot.")
@click.option("--flags-only", is_flag=True, help="Only file, row number and verdict, not the data.")
@_rules_option
@_quiet_options
def flag(
    dataset: tuple[str, ...],
    db: Path,
    out: Path,
    url_column: str | None,
    purpose: str,
    agent: str | None,
    flags_only: bool,
    rules: str | None,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """The dataset with a verdict for every row, in the same order.

    \b
    Example:
      tdm-audit flag laion.parquet -o flagged.parquet --agent CCBot
    """
    from crawler.progress import Bar
    from crawler.publish import tables
    from crawler.store.database import connect_read_only, explained
    from crawler.store.derived import rule_set
    from crawler.verbs.flag import FlagRequest
    from crawler.verbs.flag import flag as run

    with (
        _errors(),
        explained(db),
        closing(connect_read_only(db)) as connection,
        Bar(shown=progress, quiet=quiet) as bar,
    ):
        chosen = rule_set(connection, rules)
        asked = FlagRequest(
            datasets=dataset,
            out=out,
            rules=chosen,
            purpose=Purpose(purpose),
            url_column=url_column,
            agent=agent,
            flags_only=flags_only,
        )
        counts = run(connection, asked, bar)
    if quiet:
        return
    if as_json:
        click.echo(json.dumps({"out": str(out), "rows": counts}, indent=2))
        return
    tables.show(
        f"Rows by state for {purpose} under {chosen.label}", ["state", "rows"], counts.items()
    )
    click.echo(f"Written: {out}")


@main.command(name="export")
@click.argument("view")
@_db_option
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write; .csv, .jsonl or .parquet.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def export_command(view: str, db: Path, out: Path, quiet: bool) -> None:
    """Write a public view as CSV, JSON Lines or Parquet, sorted.

    \b
    Example:
      tdm-audit export reservations -o reservations.csv
    """
    from crawler.publish.export import export
    from crawler.store.database import connect_read_only, explained, public_views

    if view not in public_views():
        raise click.UsageError(f"no view {view!r}; there are {', '.join(sorted(public_views()))}")
    with _errors(), explained(db), closing(connect_read_only(db)) as connection:
        written = export(connection, view, out)
    if not quiet:
        click.echo(f"{written:,} rows of {view} written to {out}")


@main.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("output/demo"),
    show_default=True,
    help="Folder for the results.",
)
@_quiet_options
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

    with _errors(), Bar(shown=progress, quiet=quiet) as bar:
        shown = run(output, Watcher(begin=bar.begin, step=bar.step), bar)
    _say_crawled(shown.crawled, shown.db, quiet=quiet, as_json=as_json)
    if not quiet and not as_json:
        click.echo("\n".join(next_steps(shown)))
