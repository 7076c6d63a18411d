"""Print what came of the URLs of `crawl --ask`, and of a dry run of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._output import say
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.commands.crawl_request import Asked
    from crawler.store.request_lists import ListTotals


def check_ask(datasets: tuple[str, ...], options: Mapping[str, Any]) -> None:
    """Raise `UsageError` if there is nothing to crawl, or one of --ask and --budget alone."""
    ask, budget = options["ask"], options["budget"]
    if not datasets and not ask:
        raise click.UsageError("Missing argument 'DATASET...'; or give --ask FILE.")
    if budget == 0:
        raise click.UsageError("--budget is the time after which no request begins, such as 2h")
    if ask and budget is None:
        raise click.UsageError("--ask needs --budget, the time after which no request begins: 2h")
    if budget is not None and not ask:
        raise click.UsageError("--budget is the time for --ask; --time-budget is that of a crawl")
    if options["report"] is not None and not datasets:
        raise click.UsageError("--report is about a dataset: name one beside --ask")


def ask_json(asked: "Asked") -> dict[str, Any]:
    """Return what came of a list as JSON."""
    return list_json(asked.totals) | {
        "asked_now": asked.now,
        "runs": list(asked.runs),
        "stopped_origins": asked.stopped,
        "stopped_urls": asked.held,
    }


def list_json(totals: "ListTotals") -> dict[str, Any]:
    """Return a list in numbers as JSON."""
    return {
        "path": totals.path,
        "rows": totals.rows,
        "unusable": dict(totals.unusable),
        "urls": totals.urls,
        "origins": totals.origins,
        "asked": totals.settled,
        "answered": totals.answered,
        "withheld": totals.withheld,
        "failed": totals.failed,
        "waiting": totals.waiting,
    }


def say_asked(asked: "Asked") -> None:
    """Say how many of how many URLs were asked, and what to do next."""
    totals = asked.totals
    say(list_lines(totals))
    say(
        [
            f"Asked: {totals.settled:,} of {counted(totals.urls, 'URL')}, {asked.now:,} by this "
            f"command ({totals.answered:,} answered, {totals.withheld:,} withheld by "
            f"robots.txt or a budget, {totals.failed:,} without an answer)"
        ]
    )
    if asked.held:
        say(
            [
                f"Left for a later command: {counted(asked.held, 'URL')} of "
                f"{counted(asked.stopped, 'origin')} without an answer, with a request to slow "
                "down, or with a budget that is used up"
            ]
        )
    say([f"Next: {next_step(asked)}"])


def next_step(asked: "Asked") -> str:
    """Return what to do after a command."""
    if asked.totals.waiting > asked.held:
        return f"run the same command again for {counted(asked.totals.waiting, 'more URL')}"
    if asked.totals.waiting:
        return "run the same command again later, and flag the rows with `tdm-audit flag`"
    return "flag the rows with `tdm-audit flag`; `tdm-audit explain URL` tells why"


def list_lines(totals: "ListTotals") -> list[str]:
    """Return what a list holds."""
    lines = [
        f"URLs to ask: {totals.urls:,} of {counted(totals.origins, 'origin')} in {totals.path}"
    ]
    unusable = sum(totals.unusable.values())
    if unusable:
        reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in totals.unusable.items())
        lines.append(
            f"Without a usable URL: {unusable:,} of {counted(totals.rows, 'row')} ({reasons})"
        )
    return lines


def ask_failures(asked: "Asked", min_coverage: float, max_unusable: float) -> tuple[str, ...]:
    """Return what is wrong for `--strict`: too few URLs were asked, too many rows have none."""
    totals = asked.totals
    failures = []
    if totals.settled < min_coverage * totals.urls:
        failures.append(
            f"{totals.settled:,} of {counted(totals.urls, 'URL')} asked, less than --min-coverage "
            f"{min_coverage:g}"
        )
    unusable = sum(totals.unusable.values())
    if unusable > max_unusable * totals.rows:
        failures.append(
            f"{unusable / totals.rows:.0%} of the rows of {totals.path} have no usable URL, more "
            f"than --max-unusable {max_unusable:.0%}"
        )
    return tuple(failures)
