"""`report`: write what is known of a dataset as one file, from the public views."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from crawler.errors import WrongUsageError
from crawler.instants import Instant
from crawler.reports.dataset_report.build import build
from crawler.reports.dataset_report.data import as_data
from crawler.reports.dataset_report.html import as_html
from crawler.reports.dataset_report.markdown import as_markdown
from crawler.reports.export import replaced
from crawler.reports.visible import json_text
from crawler.store.as_of import choose_instant
from crawler.store.figures import aggregated_once
from crawler.store.queryable import Queryable
from crawler.vocab import Purpose

DEFAULT_PURPOSE = Purpose.GENAI_TRAIN
#: Sites that are listed.
DEFAULT_TOP = 25


class Format(StrEnum):
    """The formats of a report."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"


_SUFFIXES = {"": Format.HTML, ".htm": Format.HTML} | {f".{form}": form for form in Format}


class FormatError(WrongUsageError):
    """The suffix of a file is that of no report; the message lists those that are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """Options of one report; `dataset` None is the newest one.

    `as_of` is a time in the past, `max_distance` how many days before it the last look may be.
    """

    form: Format = Format.HTML
    dataset: int | None = None
    purpose: Purpose = DEFAULT_PURPOSE
    top: int = DEFAULT_TOP
    as_of: Instant | None = None
    max_distance: float | None = None


def format_of(out: Path) -> Format:
    """Return the format of a file by its suffix; HTML if it has none. Raises `FormatError`."""
    suffix = out.suffix.lower()
    form = _SUFFIXES.get(suffix)
    if form is None:
        hint = "; open the .html in a browser and print it" if suffix == ".pdf" else ""
        raise FormatError(f"{out.name}: a report is .html, .md or .json, not {suffix}{hint}")
    return form


def report_text(db: Queryable, request: ReportRequest) -> str:
    """Return the report as text. Raises `NothingToReportError`."""
    if request.as_of is not None:
        choose_instant(db, request.as_of, request.max_distance)
    with aggregated_once(db):
        report = build(
            db,
            dataset=request.dataset,
            purpose=request.purpose,
            top=request.top,
            instant=request.as_of,
        )
    if request.form is Format.JSON:
        return json_text(as_data(report)) + "\n"
    return as_markdown(report) if request.form is Format.MARKDOWN else as_html(report)


def write_report(db: Queryable, out: Path, request: ReportRequest) -> None:
    """Write the report to a file, which appears when it is whole, or to a device or a pipe.

    Raises `NothingToReportError`, and `ExportError` if it cannot be written.
    """
    text = report_text(db, request)
    with replaced(out) as unfinished:
        # Half of a surrogate pair cannot be UTF-8; texts of the database have none.
        unfinished.write_text(text, "utf-8", errors="backslashreplace")
