"""`tdm-audit explain`: show the verdict for one URL with its evidence."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._as_of import as_of_options, in_milliseconds, require_as_of
from crawler.cli._options import (
    FAILED,
    agent_option,
    exit_on_error,
    fail,
    output,
    rules_option,
    say,
    say_findings,
    say_json,
    warn_if_unknown,
)
from crawler.cli._parts import audit_option, one_database, opened_origin

if TYPE_CHECKING:
    from crawler.instants import Instant


@click.command(name="explain", short_help="Explain one URL, down to the line and the bytes.")
@click.argument("url", required=False)
@audit_option
@rules_option
@agent_option
@as_of_options
@click.option("--origin", "whole_origin", is_flag=True, help="Explain the whole origin of the URL.")
@click.option(
    "--body",
    metavar="SHA256",
    help="Print only the stored bytes with this digest, or with one that begins so.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, with everything that was considered."
)
def explain_command(
    url: str | None,
    db: Path | str,
    rules: str | None,
    agent: str | None,
    as_of: "Instant | None",
    max_distance: float | None,
    whole_origin: bool,
    body: str | None,
    as_json: bool,
) -> None:
    """Show the verdict for one URL and every purpose, down to the line and the digest.

    A host without a path stands for its whole origin.

    \b
    Examples:
      tdm-audit explain https://example.org/news/1.html --agent CCBot
      tdm-audit explain example.org --as-of 2026-11-22
    """
    from crawler.commands.explain import explain
    from crawler.reports import explain as explanations
    from crawler.reports.in_whole import in_whole
    from crawler.store.bodies import read_body, whole_digest
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
    from crawler.store.derived import rule_set

    # Of an audit in parts the URL tells in which one the bytes are.
    if (url is None) == (body is None) and (url is None or one_database(db) is not None):
        raise click.UsageError("give a URL, or --body with a digest")
    require_as_of(max_distance, as_of)
    if body is not None and as_of is not None:
        raise click.UsageError("--body prints bytes, which are of no other time: leave --as-of out")
    warn_if_unknown(agent)
    with (
        exit_on_error(),
        opened_origin(db, url) as (file, part),
        sqlite_errors_as_store_error(file),
        closing(connect_read_only(file)) as connection,
    ):
        if body is not None:
            content = read_body(connection, whole_digest(connection, body.lower()))
            _print_body(content, body, None if part is None else url)
            return
        chosen = rule_set(connection, rules)
        explanation = explain(
            connection,
            url or "",
            chosen,
            agent=agent,
            whole_origin=whole_origin,
            as_of=as_of,
            max_distance=in_milliseconds(max_distance),
        )
    with output():
        if as_json:
            data = explanations.as_json(explanation)
            say_json(data if part is None else in_whole(data, part))
        else:
            say_findings(explanations.as_text(explanation))


def _print_body(content: bytes | None, digest: str, url: str | None) -> None:
    """Print bytes; `url` is given of an audit in parts, where it told the part."""
    from crawler.reports.visible import source_lines

    if content is None and url is not None:
        fail(
            f"the part of {url} keeps no bytes under {digest}; give a URL that was answered so",
            FAILED,
        )
    if content is None:
        fail(f"no bytes are kept under {digest}", FAILED)
    with output():
        if sys.stdout.isatty():
            # Octets of strangers act on a terminal; a pipe or a file gets them unchanged.
            say(source_lines(content.decode("utf-8", "backslashreplace")))
        else:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
