"""The command that gives every row of a dataset its verdict."""

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._options import (
    agent_option,
    dataset_options,
    db_option,
    errors,
    quiet_options,
    rules_option,
    warn_of_unknown,
)
from crawler.vocab import Purpose, State

if TYPE_CHECKING:
    from crawler.commands.flag import FlagResult
    from crawler.commands.flag_writer import Counts

_MOST_REASONS = 12


@click.command()
@click.argument("dataset", nargs=-1, required=True, metavar="DATASET...")
@db_option
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write (.parquet, .csv, .tsv, .jsonl, .arrow; text also .gz or .zst), "
    "or a folder for one file each, of the same format.",
)
@dataset_options
@click.option(
    "--purpose",
    type=click.Choice([p.value for p in Purpose]),
    multiple=True,
    default=(Purpose.GENAI_TRAIN.value,),
    show_default=True,
    help="What the rows would be used for; of several, the strictest verdict is given.",
)
@agent_option
@click.option("--flags-only", is_flag=True, help="Only file, row number and verdict, not the data.")
@click.option(
    "--mask",
    type=click.Choice(["keep", "drop"]),
    help="Write only rows that are not reserved (keep), or only the others (drop).",
)
@click.option("--keep-unknown", is_flag=True, help="With --mask, keep rows of unknown state, too.")
@rules_option
@quiet_options
def flag(
    dataset: tuple[str, ...],
    db: Path,
    out: Path,
    url_column: str | None,
    purpose: tuple[str, ...],
    agent: str | None,
    flags_only: bool,
    mask: str | None,
    keep_unknown: bool,
    memory_limit: str,
    rules: str | None,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """The dataset with a verdict for every row, in the same order.

    \b
    Example:
      tdm-audit flag laion.parquet -o flagged.parquet --agent CCBot
    """
    from crawler.commands.flag import FlagRequest, Mask
    from crawler.commands.flag import flag as run
    from crawler.progress import Bar
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
    from crawler.store.derived import rule_set

    if keep_unknown and mask is None:
        raise click.UsageError("--keep-unknown needs --mask")
    warn_of_unknown(agent)
    with (
        errors(),
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
        Bar(shown=progress, quiet=quiet) as bar,
    ):
        request = FlagRequest(
            datasets=dataset,
            out=out,
            rules=rule_set(connection, rules),
            purposes=tuple(Purpose(p) for p in dict.fromkeys(purpose)),
            url_column=url_column,
            agent=agent,
            flags_only=flags_only,
            mask=None if mask is None else Mask(mask),
            keep_unknown=keep_unknown,
            memory_limit=memory_limit,
        )
        found = run(connection, request, bar, remember=db)
    if as_json:
        click.echo(json.dumps(_as_json(found, out), indent=2))
    elif not quiet:
        _show(found, out, f"Rows by state for {', '.join(purpose)} under {request.rules.label}")


def _as_json(found: "FlagResult", out: Path) -> dict[str, object]:
    counts = found.counts
    told: dict[str, object] = {"out": str(out), "rows": {s: counts.rows[s] for s in State}}
    if counts.digest:
        told["kept"] = {s: counts.kept[s] for s in State}
        told["dropped"] = {s: counts.rows[s] - counts.kept[s] for s in State}
        told["digest"] = counts.digest
    told["reasons"] = [_reason(counts, *reason) for reason in sorted(counts.reasons)]
    if found.finished_before:
        told["finished_before"] = [str(path) for path in found.finished_before]
    return told


def _reason(counts: "Counts", state: str, basis: str) -> dict[str, object]:
    rows, kept = counts.reasons[state, basis], counts.kept_reasons[state, basis]
    told: dict[str, object] = {"state": state, "basis": basis or None, "rows": rows}
    return told | ({"kept": kept, "dropped": rows - kept} if counts.digest else {})


def _show(found: "FlagResult", out: Path, title: str) -> None:
    from crawler.reports import tables

    counts = found.counts
    if counts.digest:
        rows = [(s, counts.rows[s], counts.kept[s], counts.rows[s] - counts.kept[s]) for s in State]
        tables.show(title, ["state", "rows", "kept", "dropped"], rows)
        _show_dropped(counts)
        click.echo(f"Selection: sha256 {counts.digest}")
    else:
        tables.show(title, ["state", "rows"], [(s, counts.rows[s]) for s in State])
    if found.finished_before:
        click.echo(f"Finished before and left: {len(found.finished_before):,} files")
    click.echo(f"Written: {out}")


def _show_dropped(counts: "Counts") -> None:
    """Why rows are dropped, the most frequent reasons first."""
    dropped = (counts.reasons - counts.kept_reasons).most_common()
    for (state, basis), rows in dropped[:_MOST_REASONS]:
        click.echo(f"Dropped as {state}, {basis or 'no signal'}: {rows:,}")
    if len(dropped) > _MOST_REASONS:
        rest = sum(rows for _, rows in dropped[_MOST_REASONS:])
        click.echo(f"Dropped for {len(dropped) - _MOST_REASONS:,} other reasons: {rest:,}")
