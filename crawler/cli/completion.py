"""`tdm-audit completion`: print the script that completes commands and options in a shell."""

import click
from click.shell_completion import get_completion_class


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and values in bash, zsh or fish.

    \b
    Examples:
      tdm-audit completion bash > ~/.local/share/bash-completion/completions/tdm-audit
      tdm-audit completion zsh > "${fpath[1]}/_tdm-audit"
      tdm-audit completion fish > ~/.config/fish/completions/tdm-audit.fish
    """
    completer = get_completion_class(shell)
    assert completer is not None  # the shells of the argument are those of click
    program = context.find_root()
    script = completer(program.command, {}, "tdm-audit", "_TDM_AUDIT_COMPLETE").source()
    click.echo(script)
