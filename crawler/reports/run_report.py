"""Report of a run in numbers, and the failures that an unattended run must not have."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from crawler.plurals import agreeing, counted
from crawler.store.queries import claim_counts, crash_count
from crawler.store.run_statistics import (
    SlowOrigin,
    budgets_used_up,
    resource_coverage,
    run_totals,
    slowest_origins,
)

#: Share of the planned resources that a run should have seen.
MIN_COVERAGE = 0.9
# Origins that the report lists.
_SLOWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run in numbers.

    `attempts` are all observations, also those that were withheld; `requests` were sent. `size` is
    in octets of bodies after decompression; `seconds` pass from the first request to the last.
    `planned` and `seen` count resources; `crashes` are errors of this program. `stale` counts the
    origins of the database that are judged on evidence which the last attempt could not renew.
    `used_up` counts the origins that used up a budget, by the budget's name.
    """

    run: int
    attempts: int
    requests: int
    size: int
    not_modified: int
    seconds: float
    planned: int
    seen: int
    crashes: int
    stale: int
    used_up: Mapping[str, int]
    slowest: tuple[SlowOrigin, ...]

    @property
    def rate(self) -> float:
        """Return requests per second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def coverage(self) -> float:
        """Return the share of the planned resources that were seen; 1 if nothing was planned."""
        return self.seen / self.planned if self.planned else 1.0

    def failures(self, min_coverage: float) -> tuple[str, ...]:
        """Return a sentence for each thing that is wrong with the run."""
        sentences = []
        if self.crashes:
            sentences.append(f"{counted(self.crashes, 'fault')} of this program (internal.crash)")
        if self.coverage < min_coverage:
            verb = agreeing(self.stale, "is", "are")
            stale = f"; {counted(self.stale, 'origin')} {verb} judged on stale evidence"
            sentences.append(
                f"coverage {self.coverage:.4f} is below {min_coverage:g}: "
                f"{self.seen:,} of {counted(self.planned, 'planned place')} answered"
                f"{stale if self.stale else ''}"
            )
        return tuple(sentences)


def run_report(db: sqlite3.Connection, run: int) -> RunReport:
    """Return the numbers of a run."""
    totals = run_totals(db, run)
    planned, seen = resource_coverage(db, run)
    return RunReport(
        run=run,
        attempts=totals.attempts,
        requests=totals.requests,
        size=totals.size,
        not_modified=totals.not_modified,
        seconds=round(totals.seconds, 3),
        planned=planned,
        seen=seen,
        crashes=totals.faults + crash_count(db, run),
        stale=claim_counts(db)[0],
        used_up=budgets_used_up(db, run),
        slowest=tuple(slowest_origins(db, run, _SLOWEST)),
    )


def as_json(report: RunReport, min_coverage: float) -> dict[str, object]:
    """Return the report as data for JSON, with its failures under `min_coverage`."""
    return {
        "run": report.run,
        "attempts": report.attempts,
        "requests": report.requests,
        "bytes": report.size,
        "not_modified": report.not_modified,
        "seconds": report.seconds,
        "requests_per_second": round(report.rate, 2),
        "planned": report.planned,
        "seen": report.seen,
        "coverage": round(report.coverage, 4),
        "min_coverage": min_coverage,
        "internal_crashes": report.crashes,
        "stale_origins": report.stale,
        "budgets_used_up": dict(report.used_up),
        "slowest": [
            {
                "origin": host.origin,
                "attempts": host.attempts,
                "elapsed_ms": host.elapsed_ms,
                "slowest_ms": host.slowest_ms,
            }
            for host in report.slowest
        ],
        "failures": list(report.failures(min_coverage)),
    }
