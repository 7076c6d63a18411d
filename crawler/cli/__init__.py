"""Arguments in, exit status out; what a command does stands in `verbs`."""

import click

from crawler import __version__
from crawler.cli import asking, checking, flagging, reading


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tdm-audit")
def main() -> None:
    """Who reserved text and data mining, by which signal, proven by which bytes."""


for _command in (
    asking.crawl,
    checking.check_command,
    asking.demo,
    reading.judge,
    reading.explain_command,
    flagging.flag,
    reading.export_command,
):
    main.add_command(_command)
