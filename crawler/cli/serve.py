"""`tdm-audit serve`: show an audit database in the browser."""

import sys
import webbrowser
from pathlib import Path

import click

from crawler.cli._options import FAILED, exit_on_error, fail, output, warn
from crawler.cli._parts import audit_option
from crawler.progress import Bar


class _Port(click.IntRange):
    """A number of a port; what is none is named as such, and not as an "integer range"."""

    name = "port"


@click.command(name="serve", short_help="Browse the database: questions, origins, bytes.")
@audit_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=_Port(0, 65535),
    default=8001,
    show_default=True,
    help="Port to listen on; 0 is any free one.",
)
@click.option(
    "--open/--no-open",
    "opened",
    default=None,
    help="Open the first page in a browser; by default on a terminal only.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(10, 100_000),
    default=2000,
    show_default=True,
    help="Rows of one answer.",
)
def serve_command(db: Path | str, host: str, port: int, opened: bool | None, max_rows: int) -> None:
    """Show an audit in the browser, read only; Ctrl-C ends it.

    A crawl may write the database meanwhile. Of an audit in parts the pages show what it was when
    the server began. Only this machine can reach the server, unless --host says otherwise.

    \b
    Examples:
      tdm-audit serve
      tdm-audit serve --db output/demo/audit.db --port 0 --no-open
      tdm-audit serve --db s3://bucket/audit
    """
    try:
        from crawler.serve.gate import is_loopback
        from crawler.serve.server import ServeRequest, serve
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in ("datasette", "pluggy", "uvicorn"):
            raise
        command = ".venv/bin/pip install -e '.[serve]'"
        fail(f"`serve` needs Datasette; install it with: {command}", FAILED)
    if not host:
        raise click.UsageError("--host is empty; 127.0.0.1 is this machine alone")
    if not is_loopback(host):
        warn("anyone who reaches this port can read the audit")
    shown = sys.stdout.isatty() if opened is None else opened

    def started(url: str) -> None:
        with output():
            click.echo(f"{db} at {url} (Ctrl-C ends)")
        if shown:
            webbrowser.open(url)

    request = ServeRequest(db=db, host=host, port=port, max_rows=max_rows)
    with exit_on_error():
        serve(request, started, Bar(shown=None))
