"""`tdm-audit forget`: remove the rows and samples of versions of datasets."""

import shlex
import sys
from pathlib import Path

import click

from crawler.cli._options import db_option, exit_on_error, output, say
from crawler.cli.datasets import show_versions


@click.command(name="forget", short_help="Remove rows of a dataset, never evidence.")
@click.argument("dataset", metavar="NAME[@VERSION]")
@db_option
@click.option("--older", is_flag=True, help="Remove all versions of NAME but the one that counts.")
@click.option("--all", "every", is_flag=True, help="Remove all versions of NAME.")
@click.option("--yes", is_flag=True, help="Remove them; without it they are only listed.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def forget_command(
    dataset: str, db: Path, older: bool, every: bool, yes: bool, quiet: bool
) -> None:
    """Remove the rows and samples of a version of a dataset, never evidence.

    Without --yes it only prints what would be removed. Removals are listed in the view
    `forgotten_datasets`. If the version that counts is removed, the newest of the others counts.

    \b
    Examples:
      tdm-audit forget my-dataset@1 --yes
      tdm-audit forget my-dataset --older
    """
    from crawler.commands.forget import forget

    if older and every:
        raise click.UsageError("--older and --all exclude each other")
    command = shlex.join(["tdm-audit", *sys.argv[1:]])
    with exit_on_error():
        removed = forget(db, dataset, command, older=older, every=every, confirmed=yes)
    if quiet:
        return
    with output():
        if not removed:
            say([f"{dataset} has no older version."])
            return
        show_versions("Removed" if yes else "Would be removed", removed)
        if not yes:
            say(["Nothing was removed; --yes removes these rows. Evidence stays in any case."])
