"""`tdm-audit status`: how far an audit in parts is."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from crawler.cli._options import (
    FAILED,
    STOPPED,
    Duration,
    exit_on_error,
    fail,
    output,
    say,
    say_json,
)
from crawler.cli._parts import folder_option, open_folder
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.commands.part_status import FolderStatus

# Parts that are named in a line, at most; --json has all of them.
_MOST_NAMED = 20

_WHY = " three times, or cannot be read"


@click.command(name="status", short_help="Show how far an audit in parts is.")
@folder_option
@click.option(
    "--max-age",
    type=Duration(),
    default="24h",
    show_default=True,
    help="Count origins as due that were last visited longer ago than this, as `crawl` does.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every part.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def status_command(db: Path | str, max_age: float, as_json: bool, quiet: bool) -> None:
    """Show how many parts of an audit are done, unfinished, due, or failed three times.

    No database is opened. Exits with 0 if all parts are done, with 1 if any has failed three times
    or is missing, and with 4 if there is something left to do.

    \b
    Example:
      tdm-audit status --db /data/audit
    """
    from crawler.commands.part_status import PartState, folder_status

    with exit_on_error():
        found = folder_status(open_folder(db), max_age)
    with output():
        if as_json and not quiet:
            say_json(_as_json(found))
        elif not quiet:
            _show(found)
    failed = found.counts[PartState.FAILED]
    if found.missing or failed:
        words = []
        if found.missing:
            words.append(counted(len(found.missing), "part is missing", "parts are missing"))
        if failed:
            words.append(counted(failed, "part has failed", "parts have failed") + _WHY)
        fail("; ".join(words), FAILED)
    left = found.counts[PartState.UNFINISHED] + found.counts[PartState.DUE]
    if left:
        parts = counted(left, "part is", "parts are")
        fail(f"{parts} unfinished or due; `tdm-audit crawl --db {quote(str(db))}` goes on", STOPPED)


def _show(found: "FolderStatus") -> None:
    from crawler.reports import tables

    rows = []
    for state, count in found.counts.items():
        parts = [part for part in found.parts if part.state is state]
        numbers = (sum(p.origins for p in parts), sum(p.unvisited for p in parts))
        rows.append((state.value, count, *numbers, sum(p.size for p in parts)))
    head = ("state", "parts", "origins", "never visited", "bytes")
    tables.show(f"{found.plan.parts:,} parts", head, rows)
    lines = []
    for state in found.counts:
        named = [part.part for part in found.parts if part.state is state]
        if state.value != "done" and named:
            more = f" and {len(named) - _MOST_NAMED:,} more" if len(named) > _MOST_NAMED else ""
            lines.append(f"{state.value}: {', '.join(map(str, named[:_MOST_NAMED]))}{more}")
    if found.missing:
        lines.append(f"missing: {', '.join(map(str, found.missing[:_MOST_NAMED]))}")
    lines += [f"part {part.part}: {part.why}" for part in found.parts if part.why]
    bounds = [part.most_per_address for part in found.parts if part.most_per_address is not None]
    if bounds:
        lines.append(f"At most {counted(max(bounds), 'request')} in flight to an address.")
    if lines:
        say(lines)


def _as_json(found: "FolderStatus") -> dict[str, object]:
    names = (
        "part",
        "state",
        "generation",
        "origins",
        "unvisited",
        "oldest_visit",
        "size",
        "head",
        "sha256",
    )
    return {
        "parts": found.plan.parts,
        "states": {state.value: count for state, count in found.counts.items()},
        "missing": list(found.missing),
        "origins": found.total("origins"),
        "unvisited": found.total("unvisited"),
        "size": found.total("size"),
        "state": found.state,
        "part": [
            {name: getattr(part, name) for name in (*names, "most_per_address", "why")}
            for part in found.parts
        ],
    }
