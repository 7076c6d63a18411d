"""`tdm-audit demo`: crawl, judge and flag the demo web on loopback."""

from pathlib import Path

import click

from crawler.cli._crawled import print_crawl
from crawler.cli._options import exit_on_error, output_options
from crawler.cli._output import output as printing


@click.command(short_help="Audit a small web of odd sites on this machine.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("output/demo"),
    show_default=True,
    help="Folder for the results.",
)
@output_options
def demo(output: Path, quiet: bool, as_json: bool, progress: bool | None) -> None:
    """Crawl, judge and flag a small web of reserving and misbehaving sites on loopback.

    \b
    Example:
      tdm-audit demo
    """
    from crawler.commands.crawl import ProgressListener
    from crawler.commands.demo import demo as run
    from crawler.commands.demo import next_steps
    from crawler.progress import Bar
    from crawler.reports.visible import visible

    with exit_on_error(), Bar(shown=progress, quiet=quiet) as bar:
        result = run(output, ProgressListener(begin=bar.begin, step=bar.step), bar)
    # Much of that web misbehaves on purpose, so its coverage is no measure: require none.
    print_crawl(result.crawled, result.db, 0.0, 1.0, quiet=quiet, as_json=as_json)
    if not quiet and not as_json:
        with printing():
            # Commands are never wrapped: they are there to be copied.
            click.echo("\n".join(map(visible, next_steps(result))))
