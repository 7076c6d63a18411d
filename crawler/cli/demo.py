"""`tdm-audit demo`: the whole flow against the demo web on loopback."""

from pathlib import Path

import click

from crawler.cli._options import errors, quiet_options
from crawler.cli.crawl import print_crawl


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("output/demo"),
    show_default=True,
    help="Folder for the results.",
)
@quiet_options
def demo(output: Path, quiet: bool, as_json: bool, progress: bool | None) -> None:
    """The whole flow against a small web of reserving and misbehaving sites on loopback.

    \b
    Example:
      tdm-audit demo
    """
    from crawler.commands.crawl import Watcher
    from crawler.commands.demo import demo as run
    from crawler.commands.demo import next_steps
    from crawler.progress import Bar

    with errors(), Bar(shown=progress, quiet=quiet) as bar:
        shown = run(output, Watcher(begin=bar.begin, step=bar.step), bar)
    # Much of that web misbehaves, so how much of it was seen says nothing.
    print_crawl(shown.crawled, shown.db, 0.0, quiet=quiet, as_json=as_json)
    if not quiet and not as_json:
        click.echo("\n".join(next_steps(shown)))
