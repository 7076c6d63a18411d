"""`tdm-audit flag`: write a dataset again with a verdict for every row."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli._as_of import (
    as_of_option,
    in_milliseconds,
    max_distance_option,
    require_as_of,
)
from crawler.cli._flag_output import as_json_of, of_outdated, show
from crawler.cli._options import (
    FAILED,
    agent_option,
    dataset_options,
    exit_on_error,
    fail,
    output_options,
    rules_option,
    warn,
    warn_if_unknown,
)
from crawler.cli._parts import audit_option, one_database, open_folder
from crawler.errors import UserError
from crawler.vocab import Purpose

if TYPE_CHECKING:
    from crawler.commands.flag_task import FlagResult
    from crawler.instants import Instant
    from crawler.rulesets import RuleSet

# Formats that are no text, and so not for a terminal.
_BINARY = ("parquet", "arrow")


@click.command(short_help="Write a dataset with a verdict for each row.")
@click.argument("dataset", nargs=-1, required=True, metavar="DATASET...")
@audit_option
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
    db: Path | str,
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
    from crawler.commands.flag_request import FlagRequest, Mask
    from crawler.progress import Bar
    from crawler.remote import is_remote, shown_name

    if keep_unknown and mask is None:
        raise click.UsageError("--keep-unknown needs --mask")
    if as_of is not None and date_column is not None:
        raise click.UsageError("--as-of is one time for all rows: leave it or --date-column out")
    require_as_of(max_distance, as_of, date_column)
    times = as_of if date_column is None else date_column
    if times is not None and one_database(db) is None:
        raise click.UsageError(
            f"`flag` on an audit in parts, as {db} is one, gives verdicts of the present; leave "
            "--as-of and --date-column out, or name the database of a part"
        )
    to_stdout = out == "-"
    if form and not to_stdout:
        raise click.UsageError("--format is for -o -; the suffix of a file tells its format")
    warn_if_unknown(agent)
    with (
        exit_on_error(),
        _discarding_what_is_left(),
        _opened(db, rules, memory_limit) as (rule_set, run),
        Bar(shown=progress, quiet=quiet) as bar,
    ):
        request = FlagRequest(
            datasets=dataset,
            out=_name_of_stdout(form, dataset) if to_stdout else Path(out),
            remote_out=out if is_remote(out) else "",
            stream=sys.stdout.buffer if to_stdout else None,
            rules=rule_set,
            purposes=tuple(Purpose(p) for p in dict.fromkeys(purpose)),
            url_columns=url_column,
            agent=agent,
            flags_only=flags_only,
            mask=None if mask is None else Mask(mask),
            keep_unknown=keep_unknown,
            memory_limit=memory_limit,
            workers=workers,
            times=times,
            max_distance=in_milliseconds(max_distance),
        )
        result = run(request, bar, prune_output=prune_output)
    if left := [name for name in result.outdated if name not in result.removed]:
        warn(of_outdated(left))
    # Where the rows went to standard output, what was done is told on standard error.
    with _summary(), redirect_stdout(sys.stderr if to_stdout else sys.stdout):
        if as_json:
            click.echo(json.dumps(as_json_of(result, shown_name(out)), indent=2))
        elif not quiet:
            title = f"Rows by state for {', '.join(purpose)} under {request.rules.label}"
            show(result, shown_name(out), title)


@contextmanager
def _opened(
    db: Path | str, rules: str | None, memory_limit: str
) -> "Iterator[tuple[RuleSet, Callable[..., FlagResult]]]":
    """Give the rule set of a database or of an audit in parts, and what flags a request from it."""
    if (one := one_database(db)) is not None:
        from crawler.commands.flag import flag as run
        from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
        from crawler.store.derived import rule_set

        with sqlite_errors_as_store_error(one), closing(connect_read_only(one)) as connection:
            yield rule_set(connection, rules), partial(run, connection, cache_into=one)
        return
    from crawler.commands.flag_parts import flag_parts
    from crawler.dataset.duck import connect
    from crawler.interrupts import exit_on_signal
    from crawler.store.excerpts import opened_excerpts
    from crawler.store.part_scratch import scratch_folder

    place = str(db) if isinstance(db, str) else str(db.absolute())
    with (
        exit_on_signal(),
        scratch_folder() as scratch,
        opened_excerpts(open_folder(db), place, scratch) as excerpts,
    ):
        with closing(connect(scratch, memory_limit)) as duck:
            found = excerpts.rule_set(duck, rules)
        yield found, partial(flag_parts, excerpts)


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
