"""The parts of a report that are about a time in the past."""

from crawler.instants import Instant
from crawler.plurals import counted
from crawler.reports.dataset_report import words
from crawler.reports.dataset_report.model import Cell, Figure, Grid
from crawler.reports.dataset_report.report_queries import ReportQueries

_BASES = {
    "seen": "looks before and after showed the same",
    "before_only": "looks before, and none since that showed anything",
    "changed_between": "looks before and after showed different things",
    "unknown_at_collection": "no look before shows what held then",
    "never_asked": "nothing was ever requested, or the row names no origin",
}
LIMITS = (
    "What is said is of the looks around that time. Between two looks a host may have said "
    "something else and taken it back.",
    "Evidence of today is never shown as that of another time: what was not looked at before is "
    "unknown, whatever was found later.",
)


def named(instant: Instant) -> str:
    """Return a time in words."""
    return f"{instant} (the whole day in UTC)" if instant.is_day else str(instant)


def bases(queries: ReportQueries) -> Figure:
    """Return what the states rest on."""
    found = {row["basis"]: row for row in queries.table("bases").dicts()}
    rows: list[tuple[Cell, ...]] = []
    for basis, meaning in _BASES.items():
        row = found.get(basis, {"origins": 0, "rows": 0, "share": 0.0})
        origins, amount = words.count(row["origins"]), words.count(row["rows"])
        rows.append((basis, meaning, origins, amount, words.share(row["share"])))
    return Figure(
        key="bases",
        title="What the states rest on",
        unit=f"Share of {counted(queries.facts['rows'], 'row')}; "
        f"{words.PURPOSES[queries.purpose]} under {queries.rules}.",
        kind="grid",
        grid=Grid(
            head=("basis", "meaning", "origins", "rows", "of rows"),
            rows=tuple(rows),
            numeric=frozenset({2, 3, 4}),
        ),
        tables={"bases": queries.table("bases")},
        drawn={"head": 0},
    )
