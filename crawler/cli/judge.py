"""`tdm-audit judge`: rebuild findings from stored evidence."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from crawler import rulesets
from crawler.cli._dataset_options import chosen_dataset_option
from crawler.cli._options import (
    CONDITION_HOLDS,
    agent_option,
    exit_on_error,
    fail,
    keep_contacts_option,
    output,
    output_options,
    rules_option,
    say,
    say_json,
    warn_if_unknown,
)
from crawler.cli._part_work import judge_parts
from crawler.cli._parts import audit_option, check_parts_options, parts_options
from crawler.plurals import counted

# For type checkers only; see crawl.py.
if TYPE_CHECKING:
    import sqlite3

    from crawler.reports.summary import Summary
    from crawler.store.flips import FlipGroup


@click.command(short_help="Rebuild findings from evidence, without the network.")
@audit_option
@rules_option
@agent_option
@chosen_dataset_option
@keep_contacts_option
@click.option("--diff", is_flag=True, help="Show which states differ from those stored, and why.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    help="Format of the difference, which is all that is printed then; with --diff.",
)
@click.option(
    "--fail-on-flip", is_flag=True, help="Exit with 5 if a state differs; implies --diff."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Of an audit in parts: processes that judge at the same time.  [default: one per core]",
)
@parts_options
@output_options
def judge(
    db: Path | str,
    rules: str | None,
    agent: str | None,
    dataset: str | None,
    keep_contacts: bool,
    diff: bool,
    form: str | None,
    fail_on_flip: bool,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
    **of_parts: Any,
) -> None:
    """Rebuild statements and findings from stored evidence, without the network.

    All evidence is judged; with --dataset only that dataset is summarised.

    With --agent nothing is stored: origins and rows are counted by their states for that agent.

    With --diff the same evidence is judged by this version and compared with what is stored: the
    states that differ are listed by what changed, a protocol, a rule set or other code.

    \b
    Examples:
      tdm-audit judge --rules strict
      tdm-audit judge --agent CCBot
      tdm-audit judge --diff --format markdown
      tdm-audit judge --db /data/audit --workers 4
    """
    from crawler.commands.judge import rebuild
    from crawler.progress import Bar
    from crawler.reports import summary as summaries
    from crawler.store import flips
    from crawler.store.chosen_version import choose
    from crawler.store.database import (
        checkpoint,
        connect,
        exclusive_lock,
        require,
        sqlite_errors_as_store_error,
    )
    from crawler.store.dataset_versions import resolve
    from crawler.store.derived import rule_set
    from crawler.store.queries import dataset_ids, visited_origins

    file = check_parts_options(db, of_parts)
    if file is None:
        common = {"db": db, "quiet": quiet, "as_json": as_json, "progress": progress}
        judge_parts(of_parts | common | {"rules": rules})
        return
    db = file
    if of_parts["workers"] is not None:
        raise click.UsageError("--workers is for an audit in parts; one database is one process")
    if rules is not None and not db.exists():
        with exit_on_error():
            rulesets.load(rules)  # without a database, a wrong name is the first thing to say
    diff = diff or fail_on_flip
    if form is not None and not diff:
        raise click.UsageError("--format is for --diff")
    if diff and agent is not None:
        raise click.UsageError("--diff compares what is stored, and --agent stores nothing")
    if form is not None and as_json:
        raise click.UsageError("--format and --json are two ways to say the same; give one")
    if agent is not None:
        _judge_for(agent, db, rules, dataset, quiet=quiet, as_json=as_json, progress=progress)
        return
    with exit_on_error():
        require(db)
        with (
            exclusive_lock(db),
            sqlite_errors_as_store_error(db),
            closing(connect(db)) as connection,
            Bar(shown=progress, quiet=quiet) as bar,
        ):
            chosen = rule_set(connection, rules)
            shown = None if dataset is None else resolve(connection, dataset)
            bar.begin("judging", visited_origins(connection))
            before = flips.last(connection)
            judged = rebuild(
                connection,
                chosen=chosen,
                keep_contacts=keep_contacts,
                compare=diff,
                on_origin=bar.step,
            )
            found = _difference(connection, before) if diff else None
            if shown is not None:
                choose(connection, shown)
            results = [summaries.summary(connection, d, None) for d in dataset_ids(connection)]
            checkpoint(connection)
    last_line = f"{counted(judged, 'origin')} judged; the views now show {chosen.label}"
    if form is None:
        _print_result(judged, results, last_line, found, quiet=quiet, as_json=as_json)
    if found is not None and not quiet and not as_json:
        _print_difference(found, form or "table")
    if fail_on_flip and found is not None and found.flipped:
        fail(f"{counted(found.flipped, 'origin')} with a state that differs", CONDITION_HOLDS)


class _Difference(NamedTuple):
    """The difference of two judgings: origins compared, those that differ, and the groups of flips.

    `is_first` says that nothing was judged before.
    """

    compared: int
    flipped: int
    groups: "list[FlipGroup]"
    is_first: bool


def _difference(connection: "sqlite3.Connection", before: int) -> _Difference:
    """Return how the judging that was just done differs from the one before it.

    `before` is the number of the last one that was compared earlier.
    """
    from crawler.store import flips

    judging = flips.last(connection)
    if judging == before:
        return _Difference(0, 0, [], is_first=True)
    compared, flipped = flips.compared(connection, judging)
    return _Difference(compared, flipped, flips.groups(connection, judging), is_first=False)


def _print_difference(found: _Difference, form: str) -> None:
    from crawler.reports import flips

    title = flips.headline(found.compared, found.flipped)
    with output():
        if form == "json":
            say_json(flips.as_json(found.compared, found.flipped, found.groups))
        elif form == "markdown" and found.groups:
            click.echo(flips.markdown(found.groups))
        elif found.groups:
            flips.show(title, found.groups)
        else:
            say([flips.NOTHING_BEFORE if found.is_first else title])


def _judge_for(
    agent: str,
    db: Path,
    rules: str | None,
    dataset: str | None,
    *,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Count states for one agent; the database is only read."""
    from crawler.commands.agent_summary import summarise_for_agent
    from crawler.progress import Bar
    from crawler.store.chosen_version import choose_named
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
    from crawler.store.derived import rule_set
    from crawler.store.queries import dataset_origins

    warn_if_unknown(agent)
    with (
        exit_on_error(),
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
        Bar(shown=progress, quiet=quiet) as bar,
    ):
        chosen = rule_set(connection, rules)
        choose_named(connection, dataset)
        bar.begin("judging", dataset_origins(connection))
        judged, results = summarise_for_agent(connection, chosen, agent, on_origin=bar.step)
    last_line = f"{counted(judged, 'origin')} judged for {agent}; nothing was stored"
    _print_result(judged, results, last_line, None, quiet=quiet, as_json=as_json)


def _print_result(
    judged: int,
    results: "list[Summary]",
    last_line: str,
    found: _Difference | None,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    from crawler.reports import flips, tables
    from crawler.reports import summary as summaries
    from crawler.reports.headline import headline

    if quiet:
        return
    with output():
        if as_json:
            data = {"judged": judged, "datasets": [summaries.as_json(n) for n in results]}
            if found is not None:
                data["diff"] = flips.as_json(found.compared, found.flipped, found.groups)
            say_json(data)
            return
        for summary in results:
            name = f"{summary.path}: " if len(results) > 1 else ""
            say([f"{name}{headline(summary)}"])
        for summary in results:
            tables.show_summary(summary)
        say([last_line])
