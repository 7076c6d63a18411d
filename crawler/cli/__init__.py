"""The command line `tdm-audit`: one module for each command; `crawler.commands` does the work."""

import click

from crawler import __version__
from crawler.cli import (
    changes,
    check,
    completion,
    crawl,
    datasets,
    demo,
    explain,
    export,
    flag,
    forget,
    hold,
    import_,
    judge,
    plan,
    prune,
    redact,
    report,
    serve,
    stamp,
    status,
    verify,
)
from crawler.cli._group import Commands, commands_help
from crawler.cli._output import say
from crawler.cli.start import start_lines


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tdm-audit")
@click.pass_context
def main(context: click.Context) -> None:
    """Audit who reserves text and data mining, by which signal, with the bytes as evidence."""
    if context.invoked_subcommand is None:
        say([*start_lines(), "", *commands_help(context).splitlines()])
        click.echo("\n`tdm-audit COMMAND --help` explains a command.")


for _command in (
    crawl.crawl,
    check.check_command,
    demo.demo,
    plan.plan_command,
    status.status_command,
    judge.judge,
    explain.explain_command,
    flag.flag,
    report.report_command,
    serve.serve_command,
    export.export_command,
    changes.changes_command,
    verify.verify_command,
    verify.adopt_command,
    stamp.stamp_command,
    datasets.datasets_command,
    forget.forget_command,
    import_.import_command,
    redact.redact_command,
    prune.prune_command,
    hold.hold_command,
    completion.completion,
):
    main.add_command(_command)
