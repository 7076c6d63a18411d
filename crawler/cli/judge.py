"""`tdm-audit judge`: rebuild findings from stored evidence."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler import rulesets
from crawler.cli._dataset_options import chosen_dataset_option
from crawler.cli._options import (
    agent_option,
    db_option,
    exit_on_error,
    keep_contacts_option,
    output,
    output_options,
    rules_option,
    say,
    say_json,
    warn_if_unknown,
)

# For type checkers only; see crawl.py.
if TYPE_CHECKING:
    from crawler.reports.summary import Summary


@click.command(short_help="Rebuild findings from evidence, without the network.")
@db_option
@rules_option
@agent_option
@chosen_dataset_option
@keep_contacts_option
@output_options
def judge(
    db: Path,
    rules: str | None,
    agent: str | None,
    dataset: str | None,
    keep_contacts: bool,
    quiet: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Rebuild statements and findings from stored evidence, without the network.

    All evidence is judged; with --dataset only that dataset is summarised.

    With --agent nothing is stored: origins and rows are counted by their states for that agent.

    \b
    Examples:
      tdm-audit judge --rules strict
      tdm-audit judge --agent CCBot
    """
    from crawler.commands.judge import rebuild
    from crawler.progress import Bar
    from crawler.reports import summary as summaries
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

    if rules is not None and not db.exists():
        with exit_on_error():
            rulesets.load(rules)  # without a database, a wrong name is the first thing to say
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
            judged = rebuild(
                connection, chosen=chosen, keep_contacts=keep_contacts, on_origin=bar.step
            )
            if shown is not None:
                choose(connection, shown)
            results = [summaries.summary(connection, d, None) for d in dataset_ids(connection)]
            checkpoint(connection)
    last_line = f"{judged:,} origins judged; the views now show {chosen.label}"
    _print_result(judged, results, last_line, quiet=quiet, as_json=as_json)


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
    last_line = f"{judged:,} origins judged for {agent}; nothing was stored"
    _print_result(judged, results, last_line, quiet=quiet, as_json=as_json)


def _print_result(
    judged: int, results: "list[Summary]", last_line: str, *, quiet: bool, as_json: bool
) -> None:
    from crawler.reports import summary as summaries
    from crawler.reports import tables
    from crawler.reports.headline import headline

    if quiet:
        return
    with output():
        if as_json:
            say_json({"judged": judged, "datasets": [summaries.as_json(n) for n in results]})
            return
        for summary in results:
            name = f"{summary.path}: " if len(results) > 1 else ""
            say([f"{name}{headline(summary)}"])
        for summary in results:
            tables.show_summary(summary)
        say([last_line])
