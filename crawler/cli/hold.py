"""`tdm-audit hold`: keep evidence from being erased."""

from contextlib import closing
from pathlib import Path

import click

from crawler.cli._options import db_option, exit_on_error, output, say


@click.group(name="hold", short_help="Keep evidence from being erased.")
def hold_command() -> None:
    """Keep evidence from being erased: while a hold stands, `redact`, `prune` and `forget` refuse.

    \b
    Example:
      tdm-audit hold add "case 4 O 17/26"
    """


@hold_command.command(name="add", short_help="Add a hold, with its reason.")
@click.argument("reason")
@db_option
def add_command(reason: str, db: Path) -> None:
    """Add a hold. Its REASON is kept for good."""
    from crawler.commands.hold import add

    with exit_on_error():
        number = add(db, reason)
    with output():
        say([f"Hold {number} stands: nothing is erased until `tdm-audit hold release {number}`."])


@hold_command.command(name="list", short_help="List all holds, released ones too.")
@db_option
def list_command(db: Path) -> None:
    """List all holds, released ones too."""
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
    from crawler.store.holds import holds

    with (
        exit_on_error(),
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
    ):
        found = holds(connection)
    with output():
        say(
            f"{hold.hold}  {hold.added_at}  "
            f"{f'released {hold.released_at}' if hold.released_at else 'stands'}  {hold.reason}"
            for hold in found
        )
        if not found:
            say(["There is no hold."])


@hold_command.command(name="release", short_help="End a hold.")
@click.argument("number", metavar="N", type=click.IntRange(1))
@db_option
def release_command(number: int, db: Path) -> None:
    """End hold N. It stays listed."""
    from crawler.commands.hold import release

    with exit_on_error():
        release(db, number)
    with output():
        say([f"Hold {number} is released."])
