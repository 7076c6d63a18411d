"""Print what a crawl did and its summary, and exit with its status."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.cli._ask import ask_failures, ask_json, say_asked
from crawler.cli._options import FAILED, STOPPED, exit_on_error, fail, output, say, say_json
from crawler.plurals import counted

if TYPE_CHECKING:
    from crawler.commands.crawl import CrawlResult


def write_report(db: Path, out: Path, dataset: int | None, *, quiet: bool) -> None:
    """Write the report of `--report` about a dataset."""
    from crawler.commands.report import ReportRequest, format_of, write_report
    from crawler.store.database import connect_read_only, sqlite_errors_as_store_error

    with (
        exit_on_error(),
        sqlite_errors_as_store_error(db),
        closing(connect_read_only(db)) as connection,
        output(),
    ):
        write_report(connection, out, ReportRequest(form=format_of(out), dataset=dataset))
        if not quiet:
            say([f"Report: {out}"])


def print_crawl(
    result: "CrawlResult",
    db: Path,
    min_coverage: float,
    max_unusable: float,
    *,
    quiet: bool,
    as_json: bool,
) -> tuple[str, ...]:
    """Print what a crawl did and its summary; return the failures for `--strict`."""
    from crawler.fetch.scheduler import RunEnd

    facts: dict[str, object] = {"run": result.run, "due": result.due}
    facts |= {"visited": result.visited, "ended": result.ended}
    facts |= {"local_failures": result.local_failures, "head": result.head}
    reported: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    with output():
        if result.dataset is not None:
            numbers = _DatasetNumbers(db, result, result.dataset, summarised=not quiet)
            reported = () if numbers.report is None else numbers.report.failures(min_coverage)
            failures = numbers.unusable(max_unusable)
            if as_json and not quiet:
                facts |= numbers.as_json(min_coverage)
            elif not quiet:
                numbers.show(min_coverage)
        if result.asked is not None:
            facts |= {"ask": ask_json(result.asked)}
            if result.ended is RunEnd.FINISHED:
                failures += ask_failures(result.asked, min_coverage, max_unusable)
        if as_json and not quiet:
            say_json(facts)
        elif not quiet:
            if result.asked is not None:
                say_asked(result.asked)
            if result.fault_of_machine:
                say([f"Not as it should be: {result.fault_of_machine}"])
            for failure in failures:
                say([f"Not as it should be: {failure}"])
            say([f"Evidence and findings: {db}"])
            if result.head:
                say([f"Head of the evidence, to keep elsewhere: {result.head}"])
    return (*reported, *failures)


class _DatasetNumbers:
    """The numbers of a crawl of a dataset; `summarised` if they are to be printed."""

    def __init__(self, db: Path, result: "CrawlResult", dataset: int, *, summarised: bool) -> None:
        from crawler.reports.changes import run_changes
        from crawler.reports.run_report import run_report
        from crawler.reports.summary import summary
        from crawler.store.database import connect_read_only, sqlite_errors_as_store_error
        from crawler.store.queries import dataset_totals

        run, self._due = result.run, result.due
        with (
            exit_on_error(),
            sqlite_errors_as_store_error(db),
            closing(connect_read_only(db)) as connection,
        ):
            self.report = None if run is None else run_report(connection, run)
            self._summary = summary(connection, dataset, run) if summarised else None
            self._totals = dataset_totals(connection, dataset)
            self._changed = None
            if summarised and run is not None:
                self._changed = run_changes(connection, run)

    def unusable(self, allowed: float) -> tuple[str, ...]:
        """Return the failure if more than the allowed share of the rows has no usable URL."""
        from crawler.reports.summary import too_many_unusable

        totals = self._totals
        return too_many_unusable(totals.unattributable, totals.rows, totals.url_column, allowed)

    def as_json(self, min_coverage: float) -> dict[str, object]:
        """Return the numbers as JSON."""
        from crawler.reports import run_report as reports
        from crawler.reports import summary as summaries

        assert self._summary is not None
        return summaries.as_json(self._summary) | {
            "report": self.report and reports.as_json(self.report, min_coverage),
            "changes": self._changed and self._changed.as_json(),
        }

    def show(self, min_coverage: float) -> None:
        """Print the numbers as tables."""
        from crawler.reports import tables
        from crawler.reports.headline import headline

        assert self._summary is not None
        say([headline(self._summary)])
        if not self._due:
            say(["Nothing is due: every origin was visited within --max-age."])
        tables.show_summary(self._summary)
        if self.report is not None:
            tables.show_run_report(self.report, min_coverage)
        if self._changed is not None:
            self._changed.show()


def fail_if(failures: tuple[str, ...], strict: bool) -> None:
    """Exit with a failure if there are any and they count."""
    if failures and strict:
        fail("; ".join(failures), FAILED)


def end_crawl(result: "CrawlResult", failures: tuple[str, ...], *, strict: bool) -> None:
    """Exit with the status of a crawl, unless it is 0."""
    from crawler.fetch.scheduler import RunEnd

    if result.fault_of_machine:
        fail(result.fault_of_machine, FAILED)
    if result.ended is not RunEnd.FINISHED:
        cause = "by a signal" if result.ended is not RunEnd.BUDGET else "by the time budget"
        if result.asked is not None and result.ended is RunEnd.BUDGET:
            cause = f"by the budget with {counted(result.asked.totals.waiting, 'URL')} left"
        fail(f"stopped early {cause}; run the same command again to continue", STOPPED)
    fail_if(failures, strict)
