"""`tdm-audit forget`: remove rows and samples of versions of datasets, and request lists."""

import shlex
import sys
from pathlib import Path

import click

from crawler.cli._options import db_option, exit_on_error, output, say
from crawler.cli.datasets import show_lists, show_versions


@click.command(name="forget", short_help="Remove rows of a dataset, never evidence.")
@click.argument("dataset", metavar="[NAME[@VERSION]]", required=False)
@db_option
@click.option("--older", is_flag=True, help="Remove all versions of NAME but the one that counts.")
@click.option("--all", "every", is_flag=True, help="Remove all versions of NAME.")
@click.option(
    "--list",
    "number",
    type=click.IntRange(1),
    metavar="N",
    help="Remove request list N instead; `tdm-audit datasets` lists them.",
)
@click.option("--yes", is_flag=True, help="Remove them; without it they are only listed.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def forget_command(
    dataset: str | None,
    db: Path,
    older: bool,
    every: bool,
    number: int | None,
    yes: bool,
    quiet: bool,
) -> None:
    """Remove the rows and samples of a version of a dataset, never evidence.

    Request lists (`crawl --ask`) of the same files are removed, too. Without --yes it only prints
    what would be removed. Removals are listed in the views `forgotten_datasets` and
    `forgotten_lists`. If the version that counts is removed, the newest of the others counts. While
    a hold stands, nothing is removed.

    \b
    Examples:
      tdm-audit forget my-dataset@1 --yes
      tdm-audit forget my-dataset --older
      tdm-audit forget --list 3 --yes
    """
    from crawler.commands.forget import forget, forget_list

    if (dataset is None) == (number is None):
        raise click.UsageError("give the name of a dataset, or --list N")
    if number is not None and (older or every):
        raise click.UsageError("--older and --all are for the name of a dataset")
    if older and every:
        raise click.UsageError("--older and --all exclude each other")
    command = shlex.join(["tdm-audit", *sys.argv[1:]])
    with exit_on_error():
        if dataset is not None:
            removed = forget(db, dataset, command, older=older, every=every, confirmed=yes)
        elif number is not None:
            removed = forget_list(db, number, command, confirmed=yes)
    if quiet:
        return
    title = "Removed" if yes else "Would be removed"
    with output():
        if not removed.versions and not removed.lists:
            say([f"{dataset} has no older version."])
            return
        if removed.versions:
            show_versions(title, removed.versions)
        if removed.lists:
            show_lists(f"{title}: request lists", removed.lists)
        if not yes:
            say(["Nothing was removed; --yes removes these rows. Evidence stays in any case."])
