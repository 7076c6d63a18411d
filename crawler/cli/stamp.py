"""`tdm-audit stamp`: have an authority confirm that a manifest existed at a time."""

from pathlib import Path

import click

from crawler.cli._options import db_option, exit_on_error, output, say


@click.command(name="stamp", short_help="Have an authority stamp the last manifest.")
@db_option
@click.option("--tsa", metavar="URL", help="The authority to ask (RFC 3161); it is sent a digest.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Certificates that you trust, in PEM: what does not verify is not stored.",
)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write all manifests and time stamps into a folder, for openssl.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def stamp_command(
    db: Path, tsa: str | None, ca: Path | None, folder: Path | None, quiet: bool
) -> None:
    """Have an authority confirm that the last manifest existed at a time, and keep its answer.

    Only the URL that you give is contacted, and only a digest is sent. `verify --stamps` verifies.

    \b
    Examples:
      tdm-audit stamp --tsa https://freetsa.org/tsr --ca cacert.pem
      tdm-audit stamp --write stamps
    """
    from crawler.commands.stamp import stamp, write_files
    from crawler.reports.time_stamps import openssl_hint

    if (tsa is None) == (folder is None):
        raise click.UsageError("give --tsa with the URL of an authority, or --write with a folder")
    with exit_on_error():
        if folder is not None:
            written = write_files(db, folder)
            lines = [str(file) for file in written] or ["There is no time stamp."]
        else:
            done = stamp(db, tsa or "", ca)
            lines = [f"Manifest {done.manifest} ({done.digest}) is stamped by {tsa}."]
            if done.stamped_at:
                lines.append(f"It existed at {done.stamped_at}, says that authority.")
            elif done.unreadable:
                lines += openssl_hint(done.manifest, tsa or "", done.unreadable)
            else:
                lines.append("It was not verified; `tdm-audit verify --stamps --ca FILE` does.")
    if not quiet:
        with output():
            say(lines)
