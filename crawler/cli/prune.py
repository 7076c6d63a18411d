"""`tdm-audit prune`: erase what is kept of pages, media files and contacts, by its age."""

from pathlib import Path

import click

from crawler.cli._options import Duration, db_option, exit_on_error, output, say
from crawler.plurals import counted

_NAMES = {
    "page_bodies": ("body of a page", "bodies of pages"),
    "contacts": ("contact", "contacts"),
    "media": ("media file", "media files"),
}


@click.command(name="prune", short_help="Erase pages, media and contacts that are old.")
@db_option
@click.option(
    "--page-bodies-older-than",
    type=Duration(),
    metavar="D",
    help="What is kept of pages, extracts too, if it was not seen for so long (365d).",
)
@click.option(
    "--contacts-unseen-for",
    type=Duration(),
    metavar="D",
    help="Names and addresses of persons whose documents were not seen for so long.",
)
@click.option("--media", is_flag=True, help="What is kept of media files, whatever its age.")
@click.option(
    "--finish",
    is_flag=True,
    help="Only finish an erasure that was cut short, by redact or prune.",
)
@click.option("--yes", is_flag=True, help="Erase; without it you only see what would be.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def prune_command(
    db: Path,
    page_bodies_older_than: float | None,
    contacts_unseen_for: float | None,
    media: bool,
    finish: bool,
    yes: bool,
    quiet: bool,
) -> None:
    """Erase what is kept of pages, media files and contacts, and keep the digests of bytes.

    Policy files are never erased. Origins that lose evidence are judged again; what is gone is
    unseen, and nothing becomes free by it. Without --yes nothing is changed.

    \b
    Examples:
      tdm-audit prune --page-bodies-older-than 365d
      tdm-audit prune --contacts-unseen-for 365d --yes
      tdm-audit prune --finish --yes
    """
    from crawler.commands.prune import Retention, finish_erasure, prune
    from crawler.store.erasure import OUT_OF_REACH

    retention = Retention(page_bodies_older_than, contacts_unseen_for, 0.0 if media else None)
    if finish == (retention != Retention()):
        raise click.UsageError(
            "give --page-bodies-older-than, --contacts-unseen-for or --media, or several; or "
            "--finish alone"
        )
    if finish:
        with exit_on_error():
            since = finish_erasure(db, confirmed=yes)
        if not quiet:
            _say_finished(since, confirmed=yes)
        return
    with exit_on_error():
        found, head = prune(db, retention, confirmed=yes)
    if quiet:
        return
    verb = "Erased" if yes else "Would be erased"
    lines = []
    for one in found:
        octets = ""
        if one.octets:
            octets = f" ({counted(one.octets, 'octet')}), of {counted(one.origins, 'origin')}"
        since = f", last seen before {one.before}" if one.what != "media" else ""
        lines.append(f"{verb}: {counted(one.items, *_NAMES[one.what])}{octets}{since}.")
    with output():
        if yes:
            say([*lines, OUT_OF_REACH, f"Head: {head}"])
        else:
            say([*lines, "Nothing was erased; --yes erases it. Policy files stay in any case."])


def _say_finished(since: str | None, *, confirmed: bool) -> None:
    with output():
        if since is None:
            say(["No erasure is unfinished."])
        elif confirmed:
            say([f"Finished: the erasure that began at {since}."])
        else:
            say([f"Unfinished: the erasure that began at {since}; --yes finishes it."])
