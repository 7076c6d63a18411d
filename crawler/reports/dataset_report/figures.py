"""The figures of the report, in their order."""

from crawler.reports.dataset_report import charts, lists
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
    lists.conflicts,
    lists.prose,
)


def all_of(queries: ReportQueries) -> tuple[Figure, ...]:
    """Return the figures in their order."""
    return tuple(figure(queries) for figure in _FIGURES)
