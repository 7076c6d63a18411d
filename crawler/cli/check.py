"""`tdm-audit check`: fetch the signals of a site now, explain them, and list what to fix."""

from itertools import chain
from typing import Any

import click

from crawler.cli._options import (
    CONDITION_HOLDS,
    agent_option,
    exit_on_error,
    fail,
    fetch_options,
    make_fetch_options,
    output,
    output_options,
    say_findings,
    say_json,
    warn_if_unknown,
)


@click.command(name="check", short_help="Check a live site: what it says, what is malformed.")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@fetch_options
@click.option(
    "--rules",
    metavar="NAME-OR-FILE",
    help="Rule set: signals, inclusive, strict, or a .toml file.  [default: signals]",
)
@agent_option
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["issues", "conflict", "reserved", "unknown", "permitted"]),
    help="Exit with 5 if this holds for any URL; repeatable.",
)
@output_options
def check_command(
    urls: tuple[str, ...],
    rules: str | None,
    agent: str | None,
    fail_on: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    progress: bool | None,
    **options: Any,
) -> None:
    """Check your own site: fetch its signals now, explain them, and list what to fix.

    Requests are as polite as those of a crawl. No database is kept.

    \b
    Example:
      tdm-audit check https://example.org/ --fail-on issues --fail-on unknown
    """
    from crawler.commands.check import CheckRequest, FailOn, check, failed_conditions
    from crawler.commands.crawl import ProgressListener
    from crawler.progress import Bar
    from crawler.reports import check as checks

    warn_if_unknown(agent)
    with exit_on_error(), Bar(shown=progress, quiet=quiet) as bar:
        request = CheckRequest(
            urls=urls, fetch=make_fetch_options(options), rules=rules, agent=agent
        )
        results = check(request, ProgressListener(begin=bar.begin, step=bar.step))
    failed = failed_conditions(results, map(FailOn, fail_on))
    with output():
        if as_json:
            say_json({"checks": [checks.check_json(one) for one in results], "found": failed})
        elif not quiet:
            for n, one in enumerate(results):
                say_findings(chain([""] if n else [], checks.check_text(one)))
    if failed:
        fail(f"found: {', '.join(failed)}", CONDITION_HOLDS)
