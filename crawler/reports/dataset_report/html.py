"""The report as one HTML file without script: charts are tables and bars of CSS, one is SVG."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crawler.reports.dataset_report import words
from crawler.reports.dataset_report.model import Number, Report, StateName
from crawler.reports.visible import visible

# Names of the figures in the line of links.
_NAMES = (
    ("answer", "Answer"),
    ("states", "Purposes"),
    ("readings", "Readings"),
    ("coverage", "Not seen"),
    ("signals", "Signals"),
    ("agents", "Agents"),
    ("leverage", "Leverage"),
    ("sites", "Sites"),
    ("conflicts", "Conflicts"),
    ("prose", "Prose"),
    ("limits", "Limits"),
    ("how", "How"),
)


def as_html(report: Report) -> str:
    """Return the report as HTML. Nothing in it is loaded from anywhere."""
    return _environment().get_template("report.html").render(report=report)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crawler.reports.dataset_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_shown,
    )
    css, _, _ = environment.loader.get_source(environment, "report.css")  # type: ignore[union-attr]
    environment.tests["number_cell"] = lambda value: isinstance(value, Number)
    environment.tests["state_cell"] = lambda value: isinstance(value, StateName)
    environment.globals.update(
        css=Markup(css),
        names=_NAMES,
        states=words.STATES,
        presences=words.PRESENCES,
        signs=words.SIGNS,
        meanings=words.MEANINGS,
    )
    return environment


def _shown(value: Any) -> Any:
    """Return text with control characters and marks of direction as escapes."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return "\n".join(map(visible, value.split("\n")))
    return value
