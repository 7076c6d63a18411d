"""The report as Markdown, for the summary of a job or a card of a dataset."""

import re
from collections.abc import Iterator, Mapping
from html import escape

from crawler.reports.dataset_report.model import Cell, Grid, Number, Report, Sentence
from crawler.reports.visible import visible
from crawler.store.figures import Table

# Characters that Markdown would act on (CommonMark, 2.4); those of HTML become entities.
_ACTIVE = re.compile(r"([\\`*_{}\[\]#|~!])")


def as_markdown(report: Report) -> str:
    """Return the report as Markdown with tables."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# Text and data mining reservations on the sources of {_text(report.title)}"
    for sentence in report.lead:
        yield ""
        yield _sentence(sentence)
    yield from _queries(report.lead_tables)
    for number, figure in report.numbered():
        yield ""
        yield f"## {number}. {_text(figure.title)}"
        yield ""
        yield _text(figure.unit)
        yield ""
        yield from _grid(figure.grid) if figure.grid.rows else [_text(figure.if_empty)]
        yield from _queries(figure.tables)
    yield from ("", "## Over time", "", _text(report.change))
    yield from ("", "## What this does not show", "")
    yield from (f"- {_text(limit)}" for limit in report.limits)
    yield from ("", "## How it was made", "")
    yield from (f"- {name}: {_text(fact)}" for name, fact in report.facts)
    yield ""
    yield (
        f"{report.caveat} Coverage: {report.coverage} {report.covered}; "
        f"rule set: {_text(report.rules)}."
    )


def _sentence(parts: Sentence) -> str:
    return "".join(f"**{p}**" if isinstance(p, Number) else _text(p) for p in parts)


def _grid(grid: Grid) -> Iterator[str]:
    yield f"| {' | '.join(map(_text, grid.head))} |"
    yield "|" + "|".join("--:" if n in grid.numeric else "---" for n in range(len(grid.head))) + "|"
    for row in grid.rows:
        yield f"| {' | '.join(map(_text, row))} |"


def _queries(tables: Mapping[str, Table]) -> Iterator[str]:
    yield from ("", "<details><summary>How to get these numbers</summary>", "", "```sql")
    yield "\n".join(table.sql for table in tables.values())
    yield from ("```", "", "</details>")


def _text(cell: Cell) -> str:
    return escape(_ACTIVE.sub(r"\\\1", visible(str(cell))), quote=False)
