"""The figures of the report, in their order."""

from crawler.reports.dataset_report import as_of, charts, lists
from crawler.reports.dataset_report.model import Figure
from crawler.reports.dataset_report.report_queries import ReportQueries

_FIGURES = (
    charts.answer,
    charts.states,
    charts.readings,
    charts.coverage,
    lists.signals,
    lists.agents,
    lists.leverage,
    lists.sites,
    lists.named,
    lists.conflicts,
    lists.prose,
)
# Those that are made of states alone.
_AS_OF = (charts.answer, charts.states, charts.readings, as_of.bases, lists.leverage, lists.sites)


def all_of(queries: ReportQueries, *, past: bool) -> tuple[Figure, ...]:
    """Return the figures in their order, for the present or for a time in the past."""
    return tuple(figure(queries) for figure in (_AS_OF if past else _FIGURES))
