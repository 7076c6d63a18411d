"""`tdm-audit changes`: who began, stopped or changed to reserve, the heaviest first."""

import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._dataset_options import chosen_dataset_option
from crawler.cli._options import (
    CONDITION_HOLDS,
    exit_on_error,
    fail,
    output,
    say_json,
)
from crawler.cli._parts import audit_option, one_database, opened_for_reading
from crawler.plurals import counted
from crawler.vocab import Purpose

if TYPE_CHECKING:
    from crawler.store.changes import Change, ChangeFilter
    from crawler.store.queryable import Queryable

_KINDS = ("began", "stopped", "stricter", "looser", "scope")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# What fits into a number of SQLite.
_MOST_DIGITS = 18
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z?")


class Moment(click.ParamType[Any]):
    """A number of a run, a day (`2026-11-22`) or a time in UTC (`2026-11-22T05:30Z`).

    With `is_end` the value is the first one behind it: the whole day or run is meant.
    """

    name = "moment"

    def __init__(self, *, is_end: bool = False) -> None:
        self._is_end = is_end

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return a number, or a time as the database writes it."""
        text = str(value).strip()
        if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
            return int(text) + self._is_end
        bound = _bound(text, is_end=self._is_end)
        if bound is None:
            self.fail(f"{value!r} is no run and no date; write 3 or 2026-11-22", param, ctx)
        return bound


def _bound(text: str, *, is_end: bool) -> str | None:
    """Return a day or a time as the database writes it; None if it is neither."""
    try:
        if _DAY.fullmatch(text):
            return f"{date.fromisoformat(text) + timedelta(days=is_end)}T00:00:00.000Z"
        if _TIME.fullmatch(text):
            date.fromisoformat(text[:10])
            return text.rstrip("Z") + ("~" if is_end else "")
    except (ValueError, OverflowError):
        pass
    return None


@click.command(name="changes", short_help="List who began, stopped or changed to reserve.")
@audit_option
@click.option("--since", type=Moment(), metavar="RUN|DATE", help="Seen first by this run or later.")
@click.option(
    "--until", type=Moment(is_end=True), metavar="RUN|DATE", help="Seen first until then."
)
@click.option("--purpose", type=click.Choice([p.value for p in Purpose]), help="Of this purpose.")
@click.option("--kind", type=click.Choice(_KINDS), help="Of this kind.")
@click.option(
    "--rules", metavar="ID", help="Under this rule set.  [default: the one that the views show]"
)
@chosen_dataset_option
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the N heaviest.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "atom"]),
    default="table",
    show_default=True,
    help="Format.",
)
@click.option(
    "--fail-on", type=click.Choice(_KINDS), help="Exit with 5 if there is a change of this kind."
)
def changes_command(
    db: Path | str, rules: str | None, form: str, fail_on: str | None, **options: Any
) -> None:
    """List who began, stopped or changed to reserve, the heaviest first.

    A change is one of effect: a file that was only rewritten is none. Each has the last look that
    showed the state before, and the first look that showed the state since.

    \b
    Examples:
      tdm-audit changes --since 2026-11-01 --purpose genai_train
      tdm-audit changes --since 12 --fail-on began
      tdm-audit changes --format atom > changes.atom
    """
    from crawler.store.changes import ChangeFilter, change_counts, changes
    from crawler.store.chosen_version import choose_named

    if one_database(db) is None:
        _refuse_runs(options["since"], options["until"])
    with exit_on_error(), opened_for_reading(db) as connection, output():
        label = _label(connection, rules)
        _check_runs(connection, options["since"], options["until"])
        options["dataset"] = choose_named(connection, options["dataset"])
        wanted = ChangeFilter(rules=label, **options)
        _print(connection, wanted, list(changes(connection, wanted)), form)
        counts = change_counts(connection, wanted)
    if fail_on is not None and counts[fail_on]:
        fail(
            f"{counted(counts[fail_on], 'origin')} with changes of kind {fail_on}", CONDITION_HOLDS
        )


def _label(connection: "Queryable", rules: str | None) -> str | None:
    """Return the label of a rule set that findings are stored under."""
    from crawler.store.derived import rule_set

    return None if rules is None else rule_set(connection, rules).label


def _refuse_runs(since: object, until: object) -> None:
    """Raise wrong usage for a run of an audit in parts."""
    for name, bound in (("--since", since), ("--until", until)):
        if isinstance(bound, int):
            raise click.UsageError(
                f"{name}: each part of an audit counts its own runs, so "
                f"{bound - (name == '--until')} names none; give a date, such as 2026-11-22"
            )


def _check_runs(connection: "Queryable", since: object, until: object) -> None:
    """Raise wrong usage for a run that there is not."""
    from crawler.store.changes import has_run, last_run

    for name, bound in (("--since", since), ("--until", until)):
        if isinstance(bound, int):
            number = bound - (name == "--until")
            if not has_run(connection, number):
                last = last_run(connection)
                known = f"the last one is {last}" if last else "nothing was crawled yet"
                raise click.UsageError(f"{name}: there is no run {number}; {known}")


def _print(
    connection: "Queryable", wanted: "ChangeFilter", found: "list[Change]", form: str
) -> None:
    from crawler.reports import changes as reports
    from crawler.store.changes import change_counts

    counts = change_counts(connection, wanted)
    if form == "json":
        say_json({"origins": counts, "changes": [reports.as_json(change) for change in found]})
    elif form == "csv":
        reports.write_table(found, sys.stdout)
    elif form == "atom":
        sys.stdout.buffer.write(reports.atom(found, "Changes of reservations"))
    elif found:
        reports.show(f"Changes: {reports.counts_line(counts)}", found)
    else:
        click.echo("No changes.")
