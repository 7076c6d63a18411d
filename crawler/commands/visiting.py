"""Visit the origins that are due, as a run of the database."""

import platform
import sqlite3
from dataclasses import asdict, replace
from importlib.metadata import version

from crawler import __version__, agents
from crawler.clock import stamp
from crawler.commands.crawl_request import CrawlRequest, ProgressListener
from crawler.fetch.frontier import DatabaseFrontier
from crawler.fetch.scheduler import RunEnd, Visit
from crawler.store import runs
from crawler.urls import canonical

_LIBRARIES = ("scrapy", "aiohttp", "beautifulsoup4", "duckdb", "tldextract", "sqlite-utils")


def begin_run(db: sqlite3.Connection, request: CrawlRequest, due: runs.Due) -> runs.Due:
    """Store a new run; return what is due in it."""
    return replace(due, run=runs.begin_run(db, _new_run(request, due), stamp()))


def _new_run(request: CrawlRequest, due: runs.Due) -> runs.NewRun:
    settings = asdict(request.fetch)
    settings |= {"dataset": due.datasets[0] if due.datasets else None}
    if due.list is not None:
        settings |= {"list": due.list}
    settings |= {"fresh_since": due.fresh_since}
    settings |= {"due_at": due.now}
    settings |= {"max_age_seconds": request.max_age.total_seconds()}
    settings |= {"limit_origins": request.limit_origins, "keep_pages": request.keep_pages}
    settings |= {"keep_contacts": request.keep_contacts}
    settings |= {"most_per_address": request.most_per_address}
    return runs.NewRun(
        command=request.command,
        version=__version__,
        versions={"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
        settings=settings,
        user_agent=request.fetch.user_agent,
        suffix_list=canonical.suffix_list_version(),
        catalogue=agents.VERSION,
    )


def visit_due(
    db: sqlite3.Connection,
    request: CrawlRequest,
    due: runs.Due,
    listener: ProgressListener,
    notes: dict[int, str],
) -> tuple[RunEnd, int]:
    """Visit what is due in a run. Return how it ended, and the number of origins visited.

    `notes` takes the origins that stay due because of this machine, and why.
    """
    visited = 0

    def on_local_failure(origin: int, why: str) -> None:
        notes[origin] = why

    def on_visit(_visit: Visit) -> None:
        nonlocal visited
        visited += 1
        listener.step()

    waiting = runs.count_due(db, due)
    listener.begin("asking origins" if due.list is None else "asking URLs of origins", waiting)
    # Imported here because it is slow, and not needed if nothing is due.
    from crawler.fetch.scrapy_.run import crawl as fetch

    frontier = DatabaseFrontier(db, due, keep_pages=request.keep_pages)
    return fetch(frontier, request.fetch, on_visit, on_local_failure), visited
