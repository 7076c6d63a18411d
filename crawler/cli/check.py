"""The command for whoever runs a site: ask now, explain, say what to mend."""

import json
from typing import Any

import click

from crawler.cli._options import (
    FOUND,
    agent_option,
    errors,
    fail,
    fetch_choices,
    fetch_options,
    quiet_options,
    warn_of_unknown,
)


@click.command(name="check")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@fetch_choices
@click.option(
    "--rules",
    metavar="NAME-OR-FILE",
    help="Rule set: signals, inclusive, strict, or a .toml file of your own.  [default: signals]",
)
@agent_option
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
    agent: str | None,
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
    from crawler.commands.check import CheckRequest, FailOn, check, found
    from crawler.commands.crawl import Watcher
    from crawler.progress import Bar
    from crawler.reports import check as checks

    warn_of_unknown(agent)
    with errors(), Bar(shown=progress, quiet=quiet) as bar:
        request = CheckRequest(urls=urls, fetch=fetch_options(given), rules=rules, agent=agent)
        done = check(request, Watcher(begin=bar.begin, step=bar.step))
    came_upon = found(done, map(FailOn, fail_on))
    if as_json:
        said = {"checks": [checks.check_json(one) for one in done], "found": came_upon}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo("\n\n".join("\n".join(checks.check_text(one)) for one in done))
    if came_upon:
        fail(f"found: {', '.join(came_upon)}", FOUND)
