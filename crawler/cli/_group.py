"""The group of commands: sections of its help, suggestions, and errors of the system."""

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


def commands_help(context: click.Context) -> str:
    """Return the commands in sections, as in the help of the program."""
    formatter = context.make_formatter()
    if isinstance(context.command, Commands):
        context.command.format_commands(context, formatter)
    return formatter.getvalue().strip("\n")


#: Sections of the list of commands; a command that is in none of them comes last.
_SECTIONS = (
    ("Audit", ("demo", "crawl", "plan", "status", "judge", "datasets", "forget", "import")),
    ("Read", ("explain", "report", "serve", "changes")),
    ("Publish", ("flag", "export")),
    ("Check", ("check", "verify", "adopt", "stamp")),
    ("Erase", ("redact", "prune", "hold")),
)


def _refuse_empty(context: click.Context, command: click.Command, args: list[str]) -> None:
    """Fail for an empty name of a file or dataset: a path that is empty is the current folder."""
    if isinstance(command, click.Group):
        inner = command.get_command(context, args[0]) if args else None
        if inner is not None:
            _refuse_empty(context, inner, args[1:])
        return
    paths = {
        name
        for param in command.params
        if isinstance(param, click.Option) and isinstance(param.type, click.Path)
        for name in param.opts
    }
    before = ""
    for argument in args:
        option = argument.removesuffix("=") if argument.endswith("=") else before
        if argument in ("", f"{option}=") and (option in paths or not before.startswith("-")):
            what = option if option in paths else "an argument"
            context.fail(f"{what} is empty (a variable of the shell that is not set, maybe)")
        before = argument


class Commands(click.Group):
    """A group with sections that suggests commands, and runs without a command."""

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
        found, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _refuse_empty(ctx, command, rest)
        return found, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands in sections."""
        left = dict(self.commands)
        sections = [(title, [n for n in names if n in left]) for title, names in _SECTIONS]
        named = {name for _, names in sections for name in names}
        sections.append(("Other", sorted(name for name in left if name not in named)))
        for title, names in sections:
            shown = [
                (n, left[n].get_short_help_str(limit=100)) for n in names if not left[n].hidden
            ]
            if shown:
                with formatter.section(title):
                    formatter.write_dl(shown)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with output():
            return super().invoke(ctx)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the program; help and version are printed here, outside of `invoke`."""
        with output():
            return super().main(*arguments, **options)
