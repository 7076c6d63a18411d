"""The command line `tdm-audit`: one module for each command; `crawler.commands` does the work."""

import click

from crawler import __version__
from crawler.cli import (
    changes,
    check,
    crawl,
    datasets,
    demo,
    explain,
    export,
    flag,
    forget,
    judge,
    report,
    verify,
)
from crawler.cli._group import Commands


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tdm-audit")
@click.pass_context
def main(context: click.Context) -> None:
    """Audit who reserves text and data mining, by which signal, with the bytes as evidence."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    crawl.crawl,
    check.check_command,
    demo.demo,
    judge.judge,
    explain.explain_command,
    flag.flag,
    report.report_command,
    export.export_command,
    changes.changes_command,
    verify.verify_command,
    verify.adopt_command,
    datasets.datasets_command,
    forget.forget_command,
):
    main.add_command(_command)
