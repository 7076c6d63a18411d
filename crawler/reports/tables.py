"""Tables on standard output: plain text on a pipe, formatted on a terminal."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from crawler.plurals import agreeing, counted
from crawler.reports.run_report import RunReport
from crawler.reports.summary import Summary, collection_sentence, column_lines, named_sentence
from crawler.reports.visible import fit, visible
from crawler.store.bounds import Bounds
from crawler.vocab import Outcome, Purpose, State

# A cell of a column of numbers; it may be empty.
_NUMBER = re.compile(r"[-+]?[\d,.]*(?:e[-+]?\d+)?")
# On a pipe a line has no end: no cell is cut, and no sentence is wrapped.
_ENDLESS = 100_000


def console() -> Console:
    """Return a console on standard output that reads no markup in what it prints."""
    terminal = Console(highlight=False, markup=False, emoji=False)
    if terminal.is_terminal:
        return terminal
    return Console(highlight=False, markup=False, emoji=False, width=_ENDLESS)


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. Columns of numbers are set to the right. Titles and cells are plain text."""
    table = Table(box=SIMPLE_HEAD)
    cells = [[f"{c:,}" if isinstance(c, int) else visible(str(c)) for c in row] for row in rows]
    for n, name in enumerate(head):
        is_text = not all(_NUMBER.fullmatch(row[n]) for row in cells)
        table.add_column(Text(visible(name)), justify="left" if is_text else "right", no_wrap=True)
    for row in cells:
        table.add_row(*map(Text, row))
    out = console()
    _print(out, title, style="bold")
    if Measurement.get(out, out.options.update(width=_ENDLESS), table).maximum <= out.width:
        out.print(table)
        return
    # Too wide for the terminal, which would break words: a line for each name, and its numbers.
    _print(out, "")
    for first, *others in cells:
        _print(out, first)
        _print(out, "  " + ", ".join(f"{h} {c}" for h, c in zip(head[1:], others, strict=True)))
    _print(out, "")


def show_line(line: str) -> None:
    """Print one sentence, wrapped by words on a terminal."""
    _print(console(), line)


def _print(out: Console, line: str, style: str = "") -> None:
    for part in fit([line], out.width):
        out.print(Text(part, style), no_wrap=True, overflow="ignore", crop=False)


def show_summary(numbers: Summary) -> None:
    """Print the tables at the end of `crawl` and `judge`."""
    for line in column_lines(
        numbers.url_column,
        numbers.column_choice,
        numbers.records,
        numbers.total_rows,
        numbers.unusable,
    ):
        show_line(line)
    reachable = numbers.total_rows - numbers.unattributable
    audience = f", as {numbers.agent} is told" if numbers.agent else ""
    missing = numbers.unattributable
    verb = agreeing(missing, "names", "name")
    nameless = f"; {counted(missing, 'row')} {verb} no origin" if missing else ""
    show(
        "Origins by state",
        ["state", *Purpose],
        [[s, *(numbers.origins.get((p, s), 0) for p in Purpose)] for s in State],
    )
    show_line(
        f"Under {numbers.rules}{audience}: {counted(numbers.total_origins, 'origin')} of "
        f"{counted(reachable, 'row')}{nameless}."
    )
    _show_bounds(numbers)
    if numbers.roles:
        _show_roles(numbers)
    if numbers.malformed:
        console().print(
            f"{counted(numbers.malformed, 'origin')} attempted a reservation that is malformed: it "
            "counts only under inclusive (docs/explanation/rules.md)"
        )
    if numbers.stale:
        verb = agreeing(numbers.stale, "is", "are")
        console().print(
            f"{counted(numbers.stale, 'origin')} {verb} judged on stale evidence: the last attempt "
            "failed"
        )
    for sentence in (named_sentence(numbers), collection_sentence(numbers)):
        if sentence:
            show_line(sentence)
    if numbers.outcomes:
        found = [(o, numbers.outcomes[o]) for o in Outcome if o in numbers.outcomes]
        show("Attempts by outcome", ["outcome", "attempts"], found)
    if numbers.crashes:
        show_line(f"{counted(numbers.crashes, 'document')} crashed a reader: issues internal.crash")


def _show_bounds(numbers: Summary) -> None:
    """Print how much is reserved in three readings, in rows and in weight, and what they mean."""
    show(
        f"Reserved, of {counted(numbers.total_rows, 'row')}",
        ["", *Purpose],
        _readings(numbers.bounds),
    )
    if numbers.weight_bounds:
        show(
            f"Reserved, of {numbers.total_weight:,.0f} {numbers.weight_name}",
            ["", *Purpose],
            _readings(numbers.weight_bounds),
        )
    show_line(
        "narrowest: wholly, by signals that name mining or training (strict). shown: wholly, on "
        f"terms or in part ({numbers.rules}). widest: also by refusals and prose (inclusive), and "
        "all that is unknown."
    )


def _readings(bounds: Mapping[str, Bounds]) -> list[list[object]]:
    return [
        [name, *(round(bounds[p][n]) if p in bounds else 0 for p in Purpose)]
        for n, name in enumerate(Bounds._fields)
    ]


def _show_roles(numbers: Summary) -> None:
    """Print a table of the roles of columns, for the use that `flag` gives verdicts for."""
    unusable = ["without a usable URL", *(role.unattributable for role in numbers.roles)]
    elsewhere = [
        f"on another host than {numbers.roles[0].role}",
        *("not known" if role.other_hosts is None else role.other_hosts for role in numbers.roles),
    ]
    purpose = Purpose.GENAI_TRAIN
    show(
        f"URLs by role and state for {purpose}",
        ["", *(f"{role.role} ({role.url_column})" for role in numbers.roles)],
        [
            ["URLs", *(role.rows for role in numbers.roles)],
            ["origins", *(role.origins for role in numbers.roles)],
            unusable,
            elsewhere,
            *(
                [s, *(numbers.role_rows.get((r.role, purpose, s), 0) for r in numbers.roles)]
                for s in State
            ),
        ],
    )


def show_run_report(report: RunReport, min_coverage: float) -> None:
    """Print the numbers of a run, its slowest origins, and its failures."""
    unchanged = f", {report.not_modified:,} of them unchanged" if report.not_modified else ""
    show_line(
        f"Run {report.run}: {counted(report.requests, 'request')}{unchanged}, in "
        f"{report.seconds:,.1f} s ({report.rate:,.1f} a second); {counted(report.size, 'octet')}; "
        f"{report.seen:,} of {counted(report.planned, 'planned place')} answered"
    )
    if report.used_up:
        parts = [f"{name} {count:,}" for name, count in report.used_up.items()]
        show_line(
            f"Origins that used up a budget: {', '.join(parts)}; the rest of their places was "
            "not requested (--origin-time, --origin-cpu, --origin-bytes)"
        )
    show(
        "Slowest origins",
        ["origin", "attempts", "milliseconds", "slowest"],
        [[s.origin, s.attempts, s.elapsed_ms, s.slowest_ms] for s in report.slowest],
    )
    for failure in report.failures(min_coverage):
        show_line(f"Not as it should be: {failure}")
