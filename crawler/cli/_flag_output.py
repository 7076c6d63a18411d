"""Output of `flag` about the files that it has written."""

from typing import TYPE_CHECKING

import click

from crawler.plurals import counted
from crawler.vocab import AsOfBasis, State

if TYPE_CHECKING:
    from crawler.commands.flag_counts import Counts
    from crawler.commands.flag_task import FlagResult

_MAX_REASONS_SHOWN = 12
_MAX_FILES_SHOWN = 5


def of_outdated(files: list[str]) -> str:
    """Return the sentence about files that are left of files which are gone."""
    named = ", ".join(files[:_MAX_FILES_SHOWN])
    more = len(files) - _MAX_FILES_SHOWN
    return (
        f"made from files that are gone from the dataset, and left as they are: {named}"
        f"{f' and {more:,} more' if more > 0 else ''}; --prune-output removes them"
    )


def as_json_of(result: "FlagResult", out: str) -> dict[str, object]:
    """Return what `--json` prints."""
    counts = result.counts
    output: dict[str, object] = {"out": out, "rows": {s: counts.rows[s] for s in State}}
    if counts.digest:
        output["kept"] = {s: counts.kept[s] for s in State}
        output["dropped"] = {s: counts.rows[s] - counts.kept[s] for s in State}
        output["digest"] = counts.digest
    if counts.unreadable:
        output["unreadable_lines"] = counts.unreadable
    output["url_columns"] = [
        {"url_column": name, "column_choice": choice} for name, choice in counts.columns
    ]
    if counts.as_of:
        output["as_of"] = {basis: counts.as_of[basis] for basis in AsOfBasis}
    output["unusable"] = dict(sorted(counts.unusable.items()))
    if counts.damaged:
        output["cut_off"] = counts.damaged
    output["reasons"] = [_reason(counts, *reason) for reason in sorted(counts.reasons)]
    if result.finished_before:
        output["finished_before"] = list(result.finished_before)
    if result.outdated:
        output["outdated"] = list(result.outdated)
        output["removed"] = list(result.removed)
    return output


def _reason(counts: "Counts", state: str, basis: str) -> dict[str, object]:
    rows, kept = counts.reasons[state, basis], counts.kept_reasons[state, basis]
    reason: dict[str, object] = {"state": state, "basis": basis or None, "rows": rows}
    return reason | ({"kept": kept, "dropped": rows - kept} if counts.digest else {})


def show(result: "FlagResult", out: str, title: str) -> None:
    """Print the tables of a result."""
    from crawler.reports import tables
    from crawler.reports.summary import column_lines

    counts = result.counts
    if counts.digest:
        rows = [(s, counts.rows[s], counts.kept[s], counts.rows[s] - counts.kept[s]) for s in State]
        tables.show(title, ["state", "rows", "kept", "dropped"], rows)
        _show_dropped(counts)
        click.echo(f"Selection: sha256 {counts.digest}")
    else:
        tables.show(title, ["state", "rows"], [(s, counts.rows[s]) for s in State])
    if counts.as_of:
        bases = [(basis, counts.as_of[basis]) for basis in AsOfBasis if counts.as_of[basis]]
        tables.show("Rows by what their verdict rests on", ["as of", "rows"], bases)
    if counts.as_of[AsOfBasis.NO_DATE]:
        click.echo(f"Rows without a date that can be read: {counts.as_of[AsOfBasis.NO_DATE]:,}")
    for name, choice in counts.columns:
        total = counts.reasons.total()
        lines = column_lines(name, choice, total, total, counts.unusable)
        click.echo("\n".join(lines))
    if counts.unreadable:
        click.echo(f"Lines without a JSON object, written as they were: {counts.unreadable:,}")
    for path, place in counts.damaged.items():
        click.echo(f"Cut off or damaged: {path}, read up to {place}")
    if result.finished_before:
        click.echo(f"Finished before and left: {counted(len(result.finished_before), 'file')}")
    if result.removed:
        click.echo(f"Removed, since their files are gone: {counted(len(result.removed), 'file')}")
    click.echo(f"Written: {'standard output' if out == '-' else out}")


def _show_dropped(counts: "Counts") -> None:
    """Print the reasons for which rows are dropped, the most frequent first."""
    dropped = (counts.reasons - counts.kept_reasons).most_common()
    for (state, basis), rows in dropped[:_MAX_REASONS_SHOWN]:
        click.echo(f"Dropped as {state}, {basis or 'no signal'}: {rows:,}")
    if len(dropped) > _MAX_REASONS_SHOWN:
        rest = sum(rows for _, rows in dropped[_MAX_REASONS_SHOWN:])
        others = counted(len(dropped) - _MAX_REASONS_SHOWN, "other reason")
        click.echo(f"Dropped for {others}: {rest:,}")
