"""Print the findings of `crawl --dry-run`."""

from typing import TYPE_CHECKING, Any

import click

from crawler.cli._ask import list_json, list_lines
from crawler.cli._output import output, say, say_json
from crawler.plurals import counted
from crawler.reports.summary import column_lines

if TYPE_CHECKING:
    from crawler.commands.dry_run import DryRun
    from crawler.store.request_lists import ListTotals

_MAX_SHOWN = 10


def print_dry_run(
    found: "DryRun | None", listed: "ListTotals | None", *, quiet: bool, as_json: bool
) -> None:
    """Print what a dataset and a list of URLs hold, and what would be asked."""
    with output():
        if quiet:
            return
        if as_json:
            facts = {"dry_run": True} if found is None else _as_json(found)
            say_json(facts | ({} if listed is None else {"ask": list_json(listed)}))
        else:
            if found is not None:
                say(_lines(found))
                _show_origins(found)
            if listed is not None:
                say([*list_lines(listed), f"Of them {listed.waiting:,} would be asked"])
            click.echo("Nothing was requested and nothing was stored.")


def _as_json(found: "DryRun") -> dict[str, Any]:
    return {
        "dry_run": True,
        "files": [file._asdict() for file in found.files],
        "format": found.format,
        "url_column": found.url_column,
        "column_choice": found.column_choice,
        "weight_column": found.weight_column,
        "records": found.records,
        "rows": found.rows,
        "unattributable_rows": found.unusable,
        "unusable": {r: {"rows": n, "example": example} for r, n, example in found.rejects},
        "roles": [
            {
                "role": role.role,
                "url_column": role.column,
                "rows": role.rows,
                "unattributable": sum(rows for _, rows, _ in role.rejects),
                "other_hosts": role.other_hosts,
            }
            for role in found.roles
        ],
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
                "roles": dict(one.roles),
            }
            for one in found.listed
        ],
    }


def _lines(found: "DryRun") -> list[str]:
    size = sum(file.bytes for file in found.files)
    names = found.files[0].path + (f" and {len(found.files) - 1:,} more" * (len(found.files) > 1))
    unusable = {reason.value: rows for reason, rows, _ in found.rejects}
    lines = [
        f"Files: {names} ({len(found.files):,}, {found.format}, {counted(size, 'octet')})",
        f"Rows: {found.records:,}",
        *column_lines(found.url_column, found.column_choice, found.records, found.rows, unusable),
    ]
    lines += [f"  {reason}, for example: {example!r}" for reason, _, example in found.rejects]
    for role in found.roles:
        elsewhere = "not known" if role.other_hosts is None else f"{role.other_hosts:,}"
        lines.append(
            f"Role {role.role}: {counted(role.rows, 'URL')} in {role.column}, on another host than "
            f"{found.roles[0].role}: {elsewhere}"
        )
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
