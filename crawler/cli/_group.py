"""The group of commands: help without arguments, suggestions, and errors of the system."""

import difflib
from collections.abc import Iterable
from typing import Any

import click

from crawler.cli._output import output


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` for a word that is close to a known one, else nothing."""
    by_name = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_name, n=1, cutoff=0.6)
    return f"; did you mean {by_name[close[0]]}?" if close else ""


class Commands(click.Group):
    """A group that suggests commands, and prints its help if no command is given."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options |= {"invoke_without_command": True, "no_args_is_help": False}
        super().__init__(*arguments, **options)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; suggest one for a name that is not known."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = self.list_commands(ctx)
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            ctx.fail(f"no command {name!r}{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with output():
            return super().invoke(ctx)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the program; help and version are printed here, outside of `invoke`."""
        with output():
            return super().main(*arguments, **options)
