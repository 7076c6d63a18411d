"""Commands that read the database: judge, explain, flag and export."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli.options import (
    FAILED,
    agent_option,
    db_option,
    errors,
    fail,
    keep_contacts_option,
    quiet_options,
    rules_option,
    warn_of_unknown,
)

# What a command needs is imported by the command: `explain` does not wait for Scrapy.
if TYPE_CHECKING:
    from crawler.publish.summary import Summary


@click.command()
@db_option
@rules_option
@agent_option
@keep_contacts_option
@quiet_options
def judge(
    db: Path,
    rules: str | None,
    agent: str | None,
    keep_contacts: bool,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Rebuild statements and findings from evidence; no network.

    With --agent nothing is stored: origins and rows are counted as that agent would be told.

    \b
    Examples:
      tdm-audit judge --rules strict
      tdm-audit judge --agent CCBot
    """
    from crawler.progress import Bar
    from crawler.publish import summary as summaries
    from crawler.store.database import connect, explained, held, require
    from crawler.store.derived import rule_set
    from crawler.verbs.judging import rebuild

    if agent is not None:
        _judge_for(agent, db, rules, quiet=quiet, as_json=as_json, progress=progress)
        return
    with errors():
        require(db)
        with (
            held(db),
            explained(db),
            closing(connect(db)) as connection,
            Bar(shown=progress, quiet=quiet) as bar,
        ):
            bar.begin("judging", None)
            chosen = rule_set(connection, rules)
            judged = rebuild(
                connection, chosen=chosen, keep_contacts=keep_contacts, on_origin=bar.step
            )
            datasets = [d for (d,) in connection.execute("SELECT dataset FROM datasets")]
            found = [summaries.summary(connection, d, None) for d in datasets]
    last = f"{judged:,} origins judged; the views now show {chosen.label}"
    _say_judged(judged, found, last, quiet=quiet, as_json=as_json)


def _judge_for(
    agent: str,
    db: Path,
    rules: str | None,
    *,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Count what one agent would be told; the database stays as it is."""
    from crawler.progress import Bar
    from crawler.store.database import connect_read_only, explained
    from crawler.store.derived import rule_set
    from crawler.verbs.telling import told

    warn_of_unknown(agent)
    with (
        errors(),
        explained(db),
        closing(connect_read_only(db)) as connection,
        Bar(shown=progress, quiet=quiet) as bar,
    ):
        bar.begin("judging", None)
        judged, found = told(connection, rule_set(connection, rules), agent, on_origin=bar.step)
    last = f"{judged:,} origins judged for {agent}; nothing was stored"
    _say_judged(judged, found, last, quiet=quiet, as_json=as_json)


def _say_judged(
    judged: int, found: "list[Summary]", last: str, *, quiet: bool, as_json: bool
) -> None:
    from crawler.publish import summary as summaries
    from crawler.publish import tables

    if quiet:
        return
    if as_json:
        facts = {"judged": judged, "datasets": [summaries.as_json(n) for n in found]}
        click.echo(json.dumps(facts, indent=2))
        return
    for numbers in found:
        tables.show_summary(numbers)
    click.echo(last)


@click.command(name="explain")
@click.argument("url", required=False)
@db_option
@rules_option
@agent_option
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
    warn_of_unknown(agent)
    with errors(), explained(db), closing(connect_read_only(db)) as connection:
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
        fail(f"no bytes are kept under {digest}", FAILED)
    sys.stdout.buffer.write(content)


@click.command(name="export")
@click.argument("view")
@db_option
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
    with errors(), explained(db), closing(connect_read_only(db)) as connection:
        written = export(connection, view, out)
    if not quiet:
        click.echo(f"{written:,} rows of {view} written to {out}")
