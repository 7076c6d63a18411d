"""The figures that are bars of shares: the answer, the states, the readings, the coverage."""

from collections.abc import Iterable
from typing import Any

from crawler.plurals import agreeing, counted
from crawler.reports.dataset_report import words
from crawler.reports.dataset_report.model import Cell, Figure, Grid, Number, Part
from crawler.reports.dataset_report.report_queries import ReportQueries


def answer(queries: ReportQueries) -> Figure:
    """Return the three readings of each purpose, in rows and weight."""
    rows: list[tuple[Cell, ...]] = []
    ranges = []
    for purpose, name in words.PURPOSES.items():
        by_row, by_weight = queries.bounds(purpose, "rows"), queries.bounds(purpose, "weight")
        for bounds, unit in ((by_row, "rows"), (by_weight, queries.weight_name)):
            if bounds is None:
                continue
            keys = ("share_min", "share_shown", "share_max", "share_unknown")
            numbers = [words.share(bounds[key]) for key in keys]
            rows.append((name, f"of {unit}", *numbers))
            ranges.append((name, purpose, unit, numbers))
    whole = counted(queries.facts["rows"], "row")
    weight = (
        f" and of {words.amount(queries.facts['weight'])} {queries.weight_name} of the rows that "
        "name an origin"
        if queries.weight_name
        else ""
    )
    return Figure(
        key="answer",
        title="How much is reserved, at least and at most",
        unit=f"Share of {whole}{weight}. Narrowest: wholly reserved under the rule set "
        f"strict. Shown: wholly, on terms or in part under {queries.rules}. Widest: also by "
        "refusals and prose (inclusive), and all that is unknown.",
        kind="range",
        grid=Grid(
            head=("purpose", "unit", "narrowest", "shown", "widest", "unknown"),
            rows=tuple(rows),
            numeric=frozenset({2, 3, 4, 5}),
        ),
        tables={"bounds": queries.table("bounds")},
        drawn={"ranges": ranges},
    )


def _stack(found: Iterable[dict[str, Any]], column: str) -> tuple[Part, ...]:
    by_name = {row["state"]: row[column] for row in found}
    return tuple(
        Part(name, words.share(by_name[name])) for name in words.STATES if by_name.get(name)
    )


def states(queries: ReportQueries) -> Figure:
    """Return the states of each purpose, in rows and weight."""
    rows = queries.table("states").dicts()
    bars, cells = [], []
    for purpose, name in words.PURPOSES.items():
        of = [r for r in rows if r["purpose"] == purpose]
        stacks = [_stack(of, "share")]
        if queries.weight_name:
            stacks.append(_stack(of, "weight_share"))
        bars.append((name, "", stacks))
        cells += _state_rows(name, of, queries.weight_name)
    rows_in_all = counted(queries.facts["rows"], "row")
    bars_of = (
        f"First bar: {rows_in_all}. Second bar: {words.amount(queries.facts['weight'])} "
        f"{queries.weight_name} of the rows that name an origin."
        if queries.weight_name
        else f"Each bar is {rows_in_all}."
    )
    return Figure(
        key="states",
        title="What the sources say, by purpose",
        unit=f"{bars_of} Every bar adds up to 100 %; what is unknown is part of it.",
        kind="stacks",
        grid=_state_grid(("purpose", "unit"), cells),
        tables={"states": queries.table("states")},
        drawn={
            "bars": bars,
            "head": ("purpose", "rows", *([queries.weight_name] if queries.weight_name else [])),
            "legend": "states",
        },
    )


def _state_rows(
    name: str, found: list[dict[str, Any]], weight_name: str, *more: str
) -> list[tuple[Cell, ...]]:
    units = [("share", "rows")] + ([("weight_share", weight_name)] if weight_name else [])
    lines: list[tuple[Cell, ...]] = []
    for column, unit in units:
        by_state = {row["state"]: row[column] for row in found}
        shares = (words.share(by_state.get(state) or 0.0) for state in words.STATES)
        lines.append((name, *more, unit, *shares))
    return lines


def _state_grid(first: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> Grid:
    columns = range(len(first), len(first) + len(words.STATES))
    return Grid(head=(*first, *words.STATES), rows=tuple(rows), numeric=frozenset(columns))


def readings(queries: ReportQueries) -> Figure:
    """Return the states under each rule set."""
    rows = queries.table("readings").dicts()
    purposes = tuple(dict.fromkeys((queries.purpose, "tdm")))
    column = "weight_share" if queries.weight_name else "share"
    order = {name: n for n, name in enumerate(words.READINGS)}
    labels = sorted(
        {r["rules"] for r in rows}, key=lambda r: (order.get(r.split("/")[0], len(order)), r)
    )
    bars, cells = [], []
    for label in labels:
        stacks = []
        for purpose in purposes:
            of = [r for r in rows if (r["rules"], r["purpose"]) == (label, purpose)]
            stacks.append(_stack(of, column))
            cells += _state_rows(label, of, queries.weight_name, words.PURPOSES[purpose])
        bars.append((label, words.READINGS.get(label.split("/")[0], ""), stacks))
    whole = (
        f"{words.amount(queries.facts['weight'])} {queries.weight_name} of the rows that name an "
        "origin"
        if queries.weight_name
        else counted(queries.facts["rows"], "row")
    )
    return Figure(
        key="readings",
        title="How much depends on the reading",
        unit=f"Share of {whole}. Each line reads the same evidence by another rule set. Courts "
        "have not settled which reading is right.",
        kind="stacks",
        grid=_state_grid(("rule set", "purpose", "unit"), cells),
        tables={"readings": queries.table("readings")},
        drawn={
            "bars": bars,
            "head": ("rule set", *(words.PURPOSES[p] for p in purposes)),
            "legend": "",
        },
    )


def _reason(row: dict[str, Any]) -> str:
    """Return why places were not seen, and how many."""
    outcome = words.OUTCOMES.get(row["outcome"], row["outcome"])
    status = (
        f" {row['status']}, not readable" if row["status"] == 200 else f" {row['status'] or ''}"
    )
    return f"{outcome}{status.rstrip()}: {row['places']:,}"


def coverage(queries: ReportQueries) -> Figure:
    """Return what became of the planned places."""
    seen = queries.seen
    number = seen["seen"] or 0
    reasons: dict[str, list[str]] = {}
    for row in queries.table("unseen").dicts():
        reasons.setdefault(row["resource"], []).append(_reason(row))
    bars, cells = [], []
    found = [row for row in queries.table("coverage").dicts() if row["resource"] is not None]
    for row in found:
        parts = tuple(
            Part(name, Number(row[name], f"{row[name]:,}")) for name in words.PRESENCES if row[name]
        )
        why = ", ".join(reasons.get(row["resource"], ()))
        bars.append((row["resource"], f"{row['planned']:,} asked for", parts, row["planned"], why))
        numbers = (words.count(row[name]) for name in ("planned", *words.PRESENCES))
        cells.append((row["resource"], *numbers, why))
    asked = {row["resource"] for row in found}
    left_out = ["registries of works", "anything behind a login or a script"]
    left_out += [] if "media" in asked else ["metadata inside files (no --media)"]
    left_out += [] if "terms" in asked else ["terms of use in prose (no --terms)"]
    return Figure(
        key="coverage",
        title="What was looked at, and what was not seen",
        unit=f"{words.count(number)} of {counted(seen['planned'], 'planned place')} "
        f"{agreeing(number, 'was', 'were')} seen ({words.share(seen['share'])}). A place is one "
        "file or page of one origin. Files for context and robots.txt of other hosts are listed, "
        f"and are in no total.{queries.scope} Not looked at: {', '.join(left_out)}.",
        kind="coverage",
        grid=Grid(
            head=("place", "asked for", *words.PRESENCES, "why not seen"),
            rows=tuple(cells),
            numeric=frozenset(range(1, 6)),
        ),
        tables={n: queries.table(n) for n in ("coverage", "unseen")},
        drawn={"bars": bars, "legend": "presences"},
    )
