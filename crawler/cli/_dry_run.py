"""Print the findings of `crawl --dry-run`."""

from typing import TYPE_CHECKING, Any

import click

from crawler.cli._output import output, say, say_json

if TYPE_CHECKING:
    from crawler.commands.dry_run import DryRun

_MAX_SHOWN = 10


def print_dry_run(found: "DryRun", *, quiet: bool, as_json: bool) -> None:
    """Print what a dataset holds and what would be asked."""
    with output():
        if quiet:
            return
        if as_json:
            say_json(_as_json(found))
        else:
            say(_lines(found))
            _show_origins(found)
            click.echo("Nothing was requested and nothing was stored.")


def _as_json(found: "DryRun") -> dict[str, Any]:
    return {
        "dry_run": True,
        "files": [file._asdict() for file in found.files],
        "format": found.format,
        "url_column": found.url_column,
        "weight_column": found.weight_column,
        "rows": found.rows,
        "unattributable_rows": found.unusable,
        "unusable": {r: {"rows": n, "example": example} for r, n, example in found.rejects},
        "origins": found.origins,
        "due": found.due,
        "fresh": found.fresh,
        "beyond_limit": found.beyond_limit,
        "would_ask": [
            {
                "origin": one.origin.url,
                "rows": one.rows,
                "weight": one.weight,
                "samples": list(one.samples),
            }
            for one in found.listed
        ],
    }


def _lines(found: "DryRun") -> list[str]:
    size = sum(file.bytes for file in found.files)
    names = found.files[0].path + (f" and {len(found.files) - 1:,} more" * (len(found.files) > 1))
    lines = [
        f"Files: {names} ({len(found.files):,}, {found.format}, {size:,} octets)",
        f"URL column: {found.url_column}",
        f"Rows: {found.rows:,}, of them {found.unusable:,} without a usable URL",
    ]
    lines += [f"  {r}: {n:,}, for example {example!r}" for r, n, example in found.rejects]
    left = [
        f"{count:,} {why}"
        for count, why in (
            (found.fresh, "visited within --max-age"),
            (found.beyond_limit, "beyond --limit-origins"),
        )
        if count
    ]
    rest = f" ({', '.join(left)})" if left else ""
    return [*lines, f"Origins: {found.origins:,}, of them {found.due:,} would be visited{rest}"]


def _show_origins(found: "DryRun") -> None:
    from crawler.reports import tables

    if not found.listed:
        return
    rows = [[one.origin.url, one.rows, len(one.samples)] for one in found.listed[:_MAX_SHOWN]]
    tables.show("Largest origins to visit", ["origin", "rows", "sampled pages"], rows)
