"""The report as one HTML file without script: charts are tables and bars of CSS, one is SVG."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crawler.reports.dataset_report import words
from crawler.reports.dataset_report.model import Figure, Number, Report, StateName
from crawler.reports.visible import visible

# Names of the figures in the line of links.
_NAMES = (
    ("answer", "Answer"),
    ("states", "Purposes"),
    ("readings", "Readings"),
    ("bases", "Basis"),
    ("coverage", "Not seen"),
    ("signals", "Signals"),
    ("agents", "Agents"),
    ("leverage", "Leverage"),
    ("sites", "Sites"),
    ("named", "Named"),
    ("conflicts", "Conflicts"),
    ("prose", "Prose"),
    ("limits", "Limits"),
    ("how", "How"),
)


def as_html(report: Report) -> str:
    """Return the report as HTML. Nothing in it is loaded from anywhere."""
    return _environment().get_template("report.html").render(report=report)


def style_sheet() -> str:
    """Return the style sheet of the report, which has the looks of its figures."""
    return _source(_environment(), "report.css")


def figures_as_html(figures: Iterable[Figure]) -> tuple[Markup, str]:
    """Return figures, numbered from 1, and a style sheet with the lengths of their bars.

    For pages whose policy forbids style in attributes (CSP, `style-src` without `unsafe-inline`).
    """
    figure: Any = _environment().get_template("figures.html").module
    made = "\n".join(str(figure.figure(n, one)) for n, one in enumerate(figures, start=1))
    rules: dict[str, int] = {}

    def numbered(style: re.Match[str]) -> str:
        return f' data-style="{rules.setdefault(style[1], len(rules))}"'

    # Texts of others cannot look like an attribute: their quotation marks are escapes.
    html = re.sub(r' style="([^"]*)"', numbered, made)
    css = "".join(f'[data-style="{n}"]{{{rule}}}' for rule, n in rules.items())
    return Markup(html), css


def _source(environment: Environment, name: str) -> str:
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    return source


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crawler.reports.dataset_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=shown,
    )
    environment.tests["number_cell"] = lambda value: isinstance(value, Number)
    environment.tests["state_cell"] = lambda value: isinstance(value, StateName)
    environment.globals.update(
        css=Markup(_source(environment, "report.css")),
        names=_NAMES,
        states=words.STATES,
        presences=words.PRESENCES,
        signs=words.SIGNS,
        meanings=words.MEANINGS,
    )
    return environment


def shown(value: Any) -> Any:
    """Return text with control characters and marks of direction as escapes."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return "\n".join(map(visible, value.split("\n")))
    return value
