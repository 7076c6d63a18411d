"""Commands that read the database: judge, explain, flag and export."""

import json
import sys
from contextlib import closing
from pathlib import Path

import click

from crawler.cli.options import (
    FAILED,
    db_option,
    errors,
    fail,
    quiet_options,
    rules_option,
)
from crawler.vocab import Purpose

# What a command needs is imported by the command: `explain` does not wait for Scrapy.


@click.command()
@db_option
@rules_option
@quiet_options
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


@click.command(name="explain")
@click.argument("url", required=False)
@db_option
@rules_option
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


@click.command()
@click.argument("dataset", nargs=-1, required=True, metavar="DATASET...")
@db_option
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
@rules_option
@quiet_options
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
        errors(),
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
