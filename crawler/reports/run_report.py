"""What a run did, and whether that is good enough to be left alone with it."""

import sqlite3
from dataclasses import dataclass

from crawler.vocab import CONTEXT, Resource

#: Share of the planned resources that a run should have seen.
MIN_COVERAGE = 0.9
_SLOWEST = 5
# What keeps a page from being understood is not what this counts: an answer that says what is
# there, or that nothing is, was seen (RFC 9110, 15.5.5 and 15.5.11).
_ANSWERS = "outcome IN ('responded', 'too_large') AND status IN (200, 203, 204, 206, 304, 404, 410)"
_NOT_PLANNED = tuple(sorted({*CONTEXT, Resource.OTHER_ROBOTS_TXT}))

_TOTALS = """
    SELECT
        count(*),
        sum(outcome NOT IN ('withheld', 'redirect_limit', 'blocked_address', 'not_found_host')
            AND note NOT LIKE 'asked once, for %'),
        sum(size),
        sum(status = 304),
        sum(note LIKE 'internal: %'),
        24 * 3600 * (julianday(max(observed_at)) - julianday(min(observed_at)))
    FROM observations WHERE run = ?
"""
# Bare columns come from the row with the last hop, which is where a chain ended.
_COVERAGE = f"""
    SELECT count(*), sum({_ANSWERS}) FROM (
        SELECT outcome, status, max(hop) FROM observations
        WHERE run = ? AND resource NOT IN ({", ".join("?" * len(_NOT_PLANNED))})
        GROUP BY origin, resource, asked
    )
"""  # noqa: S608 - our own words
_SLOW = """
    SELECT origin, count(*), sum(elapsed_ms) AS ms, max(elapsed_ms) FROM observations
    WHERE run = ? GROUP BY origin ORDER BY ms DESC, origin LIMIT ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowHost:
    """An origin and how long it kept us waiting, in all and at most for one request."""

    origin: str
    attempts: int
    elapsed_ms: int
    slowest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run in numbers. `attempts` are recorded, also those that were withheld; `requests` were
    sent. `size` counts octets of bodies after decompression, `seconds` pass from the first
    request to the last. `planned` and `seen` count resources; `crashes` are faults of ours.
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
    slowest: tuple[SlowHost, ...]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def coverage(self) -> float:
        """Share of the planned resources that were seen; 1 where nothing was planned."""
        return self.seen / self.planned if self.planned else 1.0

    def failures(self, min_coverage: float) -> tuple[str, ...]:
        """What a run must not show, in words."""
        said = []
        if self.crashes:
            said.append(f"{self.crashes:,} faults of this program (internal.crash)")
        if self.coverage < min_coverage:
            said.append(
                f"coverage {self.coverage:.4f} is below {min_coverage:g}: "
                f"{self.seen:,} of {self.planned:,} planned resources were seen"
            )
        return tuple(said)


def run_report(db: sqlite3.Connection, run: int) -> RunReport:
    """Read the numbers of a run off the public views."""
    attempts, requests, size, unchanged, faults, seconds = db.execute(_TOTALS, (run,)).fetchone()
    planned, seen = db.execute(_COVERAGE, (run, *_NOT_PLANNED)).fetchone()
    slow = db.execute(_SLOW, (run, _SLOWEST)).fetchall()
    crashed = db.execute(
        "SELECT count(*) FROM issues WHERE code = 'internal.crash' AND observation IN "
        "(SELECT observation FROM observations WHERE run = ?)",
        (run,),
    ).fetchone()[0]
    return RunReport(
        run=run,
        attempts=attempts,
        requests=requests or 0,
        size=size or 0,
        not_modified=unchanged or 0,
        seconds=round(seconds or 0.0, 3),
        planned=planned,
        seen=seen or 0,
        crashes=(faults or 0) + crashed,
        slowest=tuple(
            SlowHost(origin=origin, attempts=count, elapsed_ms=ms, slowest_ms=worst)
            for origin, count, ms, worst in slow
        ),
    )


def as_json(report: RunReport, min_coverage: float) -> dict[str, object]:
    """The report as data, with what was asserted about it."""
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
