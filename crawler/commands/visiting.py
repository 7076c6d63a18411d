"""Visit the origins that are due, in this process or in workers, as a run of the database."""

import platform
import sqlite3
from dataclasses import asdict, replace
from importlib.metadata import version

from crawler import __version__, agents
from crawler.clock import stamp
from crawler.commands.crawl_request import CrawlRequest, ProgressListener
from crawler.fetch.frontier import DatabaseFrontier
from crawler.fetch.scheduler import RunEnd
from crawler.fetch.workers import coordinator
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
    settings |= {"keep_contacts": request.keep_contacts, "workers": _workers(request)}
    settings |= {"most_per_address": most_per_address(request)}
    return runs.NewRun(
        command=request.command,
        version=__version__,
        versions={"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
        settings=settings,
        user_agent=request.fetch.user_agent,
        suffix_list=canonical.suffix_list_version(),
        catalogue=agents.VERSION,
    )


def most_per_address(request: CrawlRequest) -> int:
    """Return the most requests in flight to one address, over all processes of the crawl."""
    workers, alone = _workers(request), request.fetch.per_address
    # Few origins are visited by one process, whatever the number of workers.
    return request.processes * max(
        alone, workers * coordinator.share(request.fetch, workers).per_address
    )


def _workers(request: CrawlRequest) -> int:
    """Return the number of worker processes: no more than origins are fetched at a time."""
    return min(
        request.workers or coordinator.cores(), request.fetch.concurrency, coordinator.MAX_WORKERS
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

    def on_visits(visits: int) -> None:
        nonlocal visited
        visited += visits
        for _ in range(visits):
            listener.step()

    waiting, workers = runs.count_due(db, due), _workers(request)
    listener.begin("asking origins" if due.list is None else "asking URLs of origins", waiting)
    if workers == 1 or coordinator.fits_one_process(waiting, request.batch):
        # Imported here because it is slow; a process that only coordinates workers needs no Scrapy.
        from crawler.fetch.scrapy_.run import crawl as fetch

        frontier = DatabaseFrontier(db, due, keep_pages=request.keep_pages)
        ended = fetch(frontier, request.fetch, lambda _visit: on_visits(1), on_local_failure)
        return ended, visited
    ended = coordinator.crawl_in_processes(
        db,
        request.db,
        due,
        request.fetch,
        workers=workers,
        keep_pages=request.keep_pages,
        max_batch=request.batch,
        on_visits=on_visits,
        on_local_failure=on_local_failure,
    )
    return ended, visited
