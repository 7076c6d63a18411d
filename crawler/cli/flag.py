"""`tdm-audit flag`: write a dataset again with a verdict for every row."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._as_of import (
    as_of_option,
    in_milliseconds,
    max_distance_option,
    require_as_of,
)
from crawler.cli._options import (
    FAILED,
    agent_option,
    dataset_options,
    db_option,
    exit_on_error,
    fail,
    output_options,
    rules_option,
    warn,
    warn_if_unknown,
)
from crawler.errors import UserError
from crawler.plurals import counted
from crawler.vocab import AsOfBasis, Purpose, State

if TYPE_CHECKING:
    from crawler.commands.flag import FlagResult
    from crawler.commands.flag_counts import Counts
    from crawler.instants import Instant

_MAX_REASONS_SHOWN = 12
_MAX_FILES_SHOWN = 5
# Formats that are no text, and so not for a terminal.
_BINARY = ("parquet", "arrow")


@click.command(short_help="Write a dataset with a verdict for each row.")
@click.argument("dataset", nargs=-1, required=True, metavar="DATASET...")
@db_option
@click.option(
    "-o",
    "--out",
    required=True,
    type=str,
    help="File to write (.parquet, .csv, .tsv, .jsonl, .json, .arrow; "
    "text also .gz, .zst, .bz2 or .xz), or a folder, for a file of the same format for each "
    "input file, or the URL of either (s3://...), or - for standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "tsv", "jsonl", *_BINARY]),
    help="Format on standard output (-o -).  [default: jsonl for JSONL, csv for other datasets]",
)
@dataset_options
@click.option(
    "--purpose",
    type=click.Choice([p.value for p in Purpose]),
    multiple=True,
    default=(Purpose.GENAI_TRAIN.value,),
    show_default=True,
    help="Intended use of the rows; of several, the strictest verdict is given.",
)
@agent_option
@as_of_option
@click.option(
    "--date-column",
    metavar="PATH",
    help="Answer each row for its own date or time, in this column: dates, times or ISO 8601.",
)
@max_distance_option
@click.option(
    "--flags-only", is_flag=True, help="Write file, row number and verdict without the data."
)
@click.option(
    "--mask",
    type=click.Choice(["keep", "drop"]),
    help="Write only rows that are not reserved (keep), or only the others (drop).",
)
@click.option("--keep-unknown", is_flag=True, help="With --mask, also keep rows of unknown state.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that write the files of a folder side by side, each within --memory-limit.",
)
@click.option(
    "--prune-output",
    is_flag=True,
    help="Remove files of the folder that were made from files which are gone from the dataset.",
)
@rules_option
@output_options
def flag(
    dataset: tuple[str, ...],
    db: Path,
    out: str,
    form: str | None,
    url_column: tuple[str, ...],
    purpose: tuple[str, ...],
    agent: str | None,
    as_of: "Instant | None",
    date_column: str | None,
    max_distance: float | None,
    flags_only: bool,
    mask: str | None,
    keep_unknown: bool,
    memory_limit: str,
    workers: int,
    prune_output: bool,
    rules: str | None,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Write a dataset again with a verdict for every row, in the same order.

    \b
    Examples:
      tdm-audit flag laion.parquet -o flagged.parquet --agent CCBot
      tdm-audit flag cc.parquet -o flagged.parquet --date-column fetch_time
    """
    from crawler.commands.flag import FlagRequest, Mask
    from crawler.commands.flag import flag as run
    from crawler.progress import Bar
    from crawler.remote import is_remote, shown_name
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
    from crawler.store.derived import rule_set

    if keep_unknown and mask is None:
        raise click.UsageError("--keep-unknown needs --mask")
    if as_of is not None and date_column is not None:
        raise click.UsageError("--as-of is one time for all rows: leave it or --date-column out")
    require_as_of(max_distance, as_of, date_column)
    to_stdout = out == "-"
    if form and not to_stdout:
        raise click.UsageError("--format is for -o -; the suffix of a file tells its format")
    warn_if_unknown(agent)
    with (
        exit_on_error(),
        _discarding_what_is_left(),
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
        Bar(shown=progress, quiet=quiet) as bar,
    ):
        request = FlagRequest(
            datasets=dataset,
            out=_name_of_stdout(form, dataset) if to_stdout else Path(out),
            remote_out=out if is_remote(out) else "",
            stream=sys.stdout.buffer if to_stdout else None,
            rules=rule_set(connection, rules),
            purposes=tuple(Purpose(p) for p in dict.fromkeys(purpose)),
            url_columns=url_column,
            agent=agent,
            flags_only=flags_only,
            mask=None if mask is None else Mask(mask),
            keep_unknown=keep_unknown,
            memory_limit=memory_limit,
            workers=workers,
            times=as_of if date_column is None else date_column,
            max_distance=in_milliseconds(max_distance),
        )
        result = run(connection, request, bar, cache_into=db, prune_output=prune_output)
    if left := [name for name in result.outdated if name not in result.removed]:
        warn(_of_outdated(left))
    # Where the rows went to standard output, what was done is told on standard error.
    with _summary(), redirect_stdout(sys.stderr if to_stdout else sys.stdout):
        if as_json:
            click.echo(json.dumps(_as_json(result, shown_name(out)), indent=2))
        elif not quiet:
            title = f"Rows by state for {', '.join(purpose)} under {request.rules.label}"
            _show(result, shown_name(out), title)


def _of_outdated(files: list[str]) -> str:
    """Return the sentence about files that are left of files which are gone."""
    named = ", ".join(files[:_MAX_FILES_SHOWN])
    more = len(files) - _MAX_FILES_SHOWN
    return (
        f"made from files that are gone from the dataset, and left as they are: {named}"
        f"{f' and {more:,} more' if more > 0 else ''}; --prune-output removes them"
    )


def _name_of_stdout(form: str | None, datasets: tuple[str, ...]) -> Path:
    """Return a name with the suffix of the format that is written to standard output."""
    from crawler.dataset.detection import known_format
    from crawler.dataset.files import locate
    from crawler.remote import is_remote

    if form in _BINARY and sys.stdout.isatty():
        raise click.UsageError(f"{form} is binary; send it to a file or a pipe")
    if form is None and any(map(is_remote, datasets)):  # it is not fetched for this
        named = known_format(Path(datasets[0]))
        form = "jsonl" if named and named.keeps_lines else "csv"
    if form is None:
        form = "jsonl" if locate(datasets)[1].keeps_lines else "csv"
    return Path(f"standard-output.{form}")


@contextmanager
def _discarding_what_is_left() -> Iterator[None]:
    """Leave standard output alone after it failed; end without a message if its reader left."""
    try:
        yield
    except UserError as error:
        if isinstance(error.__cause__, OSError):
            _discard_output()
        if isinstance(error.__cause__, BrokenPipeError):
            sys.exit(FAILED)
        raise


@contextmanager
def _summary() -> Iterator[None]:
    """Turn an error of standard output into a message, instead of a traceback at the end."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        _discard_output()
        if isinstance(error, BrokenPipeError):
            sys.exit(FAILED)
        fail(f"cannot write standard output: {error.strerror or error}", FAILED)


def _discard_output() -> None:
    """Keep Python from writing the rest of standard output at its end, and failing again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _as_json(result: "FlagResult", out: str) -> dict[str, object]:
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


def _show(result: "FlagResult", out: str, title: str) -> None:
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
