"""`tdm-audit redact`: erase bytes, or URLs and header fields, and keep their digests."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._options import db_option, exit_on_error, output, say
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.commands.redact import Redaction

# Digests that are listed; all stand in the view `observations`.
_SHOWN = 5


@click.command(name="redact", short_help="Erase what a host sent, for a reason that is logged.")
@db_option
@click.option("--body", metavar="DIGEST", help="The bytes with this digest, whoever sent them.")
@click.option(
    "--observation",
    type=click.IntRange(1),
    metavar="N",
    help="URLs, header fields and bytes of observation N and the redirects that led to it.",
)
@click.option(
    "--url",
    help="The same of all observations of a URL, samples of it, and the URL in request lists.",
)
@click.option("--origin", metavar="HOST", help="The same of all observations of an origin.")
@click.option(
    "--reason",
    required=True,
    help="Why. It is kept for good and shown, so name no person in it.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def redact_command(
    db: Path,
    body: str | None,
    observation: int | None,
    url: str | None,
    origin: str | None,
    reason: str,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Erase what a host sent from the database, and keep its digest, so that `verify` still can.

    What is erased is unseen from then on: origins are judged again, and nothing becomes free by
    it. The same bytes are not stored again when a host sends them again. It cannot be undone.

    \b
    Examples:
      tdm-audit redact --body 5f0c71e1 --reason "request of 3 March, ticket 17"
      tdm-audit redact --url https://example.org/~name --reason "erasure, ticket 18"
    """
    from crawler.commands.redact import redact

    given: dict[str, str | int | None]
    given = {"body": body, "observation": observation, "url": url, "origin": origin}
    chosen = [(name, value) for name, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise click.UsageError("give one of --body, --observation, --url and --origin")
    ((selector, value),) = chosen
    with exit_on_error():
        result = redact(db, selector, value, reason, dry_run=dry_run)
    if not quiet:
        with output():
            say(_lines(result, dry_run=dry_run))


def _lines(result: "Redaction", *, dry_run: bool) -> list[str]:
    from crawler.store.erasure import OUT_OF_REACH

    done = result.withheld
    counts = (
        f"{counted(done.bodies, 'body', 'bodies')} ({counted(done.octets, 'octet')}), "
        f"{counted(done.observations, 'observation')} and "
        f"{counted(done.samples, 'sample')} of datasets"
    )
    if done.requested:
        counts += f", and {counted(done.requested, 'URL')} of request lists"
    lines = [f"{'Would be erased' if dry_run else 'Erased'}: {counts}."]
    if not (done.bodies or done.observations or done.samples or done.requested):
        lines = ["All of it was erased before."]
        if done.listed:
            lines = ["No bytes of it are stored, and none will be when they are sent again."]
    if result.shared:
        listed = ", ".join(result.shared[:_SHOWN])
        more = f" and {len(result.shared) - _SHOWN:,} more" if len(result.shared) > _SHOWN else ""
        lines.append(
            f"Not erased, since other origins sent the same bytes: {listed}{more}; "
            "--body erases them for all."
        )
    if dry_run:
        return [*lines, f"Judged again without them: {counted(done.origins, 'origin')}."]
    lines.append(f"Judged again: {counted(done.origins, 'origin')}; what is erased is unseen.")
    return [*lines, OUT_OF_REACH, f"Head: {result.head}"]
