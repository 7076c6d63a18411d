"""Tables on standard output: plain text on a pipe, formatted on a terminal."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from crawler.reports.run_report import RunReport
from crawler.reports.summary import Summary
from crawler.vocab import Outcome, Purpose, State


def console() -> Console:
    """Return a console on standard output; on a pipe it is wide enough that no cell is cut."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=160)


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; columns after the first are numbers."""
    table = Table(box=SIMPLE_HEAD)
    for n, name in enumerate(head):
        table.add_column(name, justify="right" if n else "left")
    for row in rows:
        table.add_row(*(f"{c:,}" if isinstance(c, int) else str(c) for c in row))
    out = console()
    out.print(title, style="bold")
    out.print(table)


def show_summary(numbers: Summary) -> None:
    """Print the tables at the end of `crawl` and `judge`."""
    reachable = numbers.total_rows - numbers.unattributable
    audience = f" as {numbers.agent} is told" if numbers.agent else ""
    show(
        f"Origins by state under {numbers.rules}{audience}: {numbers.total_origins:,} origins of "
        f"{reachable:,} rows ({numbers.unattributable:,} rows name no origin)",
        ["state", *Purpose],
        [[s, *(numbers.origins.get((p, s), 0) for p in Purpose)] for s in State],
    )
    show(
        f"Rows that are reserved, of {numbers.total_rows:,}",
        ["", *Purpose],
        [
            ["at least", *(numbers.bounds.get(p, (0, 0))[0] for p in Purpose)],
            ["at most", *(numbers.bounds.get(p, (0, 0))[1] for p in Purpose)],
        ],
    )
    if numbers.outcomes:
        found = [(o, numbers.outcomes[o]) for o in Outcome if o in numbers.outcomes]
        show("Attempts by outcome", ["outcome", "attempts"], found)
    if numbers.crashes:
        console().print(f"{numbers.crashes:,} documents crashed a reader: issues internal.crash")


def show_run_report(report: RunReport, min_coverage: float) -> None:
    """Print the numbers of a run, its slowest origins, and its failures."""
    unchanged = f", {report.not_modified:,} of them unchanged" if report.not_modified else ""
    out = console()
    out.print(
        f"Run {report.run}: {report.requests:,} requests{unchanged}, {report.size:,} octets in "
        f"{report.seconds:,.1f} s ({report.rate:,.1f} a second); "
        f"{report.seen:,} of {report.planned:,} planned resources seen"
    )
    show(
        "Slowest origins",
        ["origin", "attempts", "milliseconds", "slowest"],
        [[s.origin, s.attempts, s.elapsed_ms, s.slowest_ms] for s in report.slowest],
    )
    for failure in report.failures(min_coverage):
        out.print(f"Not as it should be: {failure}")
