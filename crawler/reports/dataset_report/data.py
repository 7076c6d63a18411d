"""The report as data for JSON: sentences, and each figure with its queries and their rows."""

from collections.abc import Mapping

from crawler.reports.dataset_report.model import Report, Sentence
from crawler.store.figures import Table


def as_data(report: Report) -> dict[str, object]:
    """Return the report as data: numbers as the queries give them, not as they are printed."""
    return {
        "dataset": report.path,
        "purpose": report.purpose,
        **({"as_of": report.as_of} if report.as_of else {}),
        "rules": report.rules,
        "coverage": report.coverage.value,
        "lead": {
            "text": [_sentence(sentence) for sentence in report.lead],
            "tables": _tables(report.lead_tables),
        },
        "figures": {
            figure.key: {
                "number": number,
                "title": figure.title,
                "unit": figure.unit,
                "tables": _tables(figure.tables),
            }
            for number, figure in report.numbered()
        },
        "change": report.change,
        "limits": list(report.limits),
        "how": dict(report.facts),
        "caveat": report.caveat,
    }


def _sentence(parts: Sentence) -> str:
    return "".join(map(str, parts))


def _tables(tables: Mapping[str, Table]) -> dict[str, object]:
    return {name: {"sql": table.sql, "rows": table.dicts()} for name, table in tables.items()}
