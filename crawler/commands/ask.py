"""Request the URLs of a list one by one, in rounds, until all were asked or a budget is used up.

A round is a run of the database: it visits each origin that has URLs left, and requests at most
`MAX_URLS` of them. So memory depends neither on the number of URLs nor on the largest origin, and
origins take turns. What was requested is stored when a visit ends, also one that was stopped.
"""

import math
import sqlite3
import time
from dataclasses import replace

from crawler.clock import stamp
from crawler.commands.crawl_request import Asked, CrawlRequest, ProgressListener
from crawler.commands.ingest_plan import IngestRequest
from crawler.commands.request_list import MAX_URLS, due_of, store_list
from crawler.commands.visiting import begin_run, visit_due
from crawler.dataset.remote import local_copies
from crawler.fetch.scheduler import RunEnd
from crawler.store import request_lists, runs
from crawler.store.local_failures import save_local_failures


def ask(
    db: sqlite3.Connection,
    request: CrawlRequest,
    listener: ProgressListener,
    notes: dict[int, str],
    begun: float,
    number: int,
) -> tuple[Asked, RunEnd]:
    """Request the URLs of a list that were not requested within `request.max_age`.

    `number` is that of the list. `begun` is the time of `time.monotonic` at which the command
    began. `notes` takes the origins that stay due because of this machine.
    """
    runs.end_unfinished(db, number, stamp())
    due = due_of(number, request.max_age)
    before = request_lists.totals(db, due)
    made: list[int] = []
    stopped: set[int] = set()
    ended = RunEnd.FINISHED
    while ended is RunEnd.FINISHED:
        due = replace(due, run=0, now=stamp(), stopped=tuple(sorted(stopped)))
        seconds = _seconds_left(request, begun)
        if not runs.count_due(db, due):
            break
        if seconds <= 0:
            ended = RunEnd.BUDGET
            break
        wanted = _for_list(request, seconds)
        due = begin_run(db, wanted, due)
        made.append(due.run)
        request_lists.begin_round(db, due)
        ended, _ = visit_due(db, wanted, due, listener, notes)
        save_local_failures(db, due.run, notes, stamp())
        runs.end_unfinished(db, number, stamp(), ended)
        # Where the command itself was stopped, no host is to blame for what is left.
        if ended is RunEnd.FINISHED:
            stopped.update(request_lists.stopped_in_round(db, replace(due, now=stamp())))
    due = replace(due, now=stamp(), stopped=tuple(sorted(stopped)))
    after = request_lists.totals(db, due)
    asked = Asked(
        totals=after,
        now=before.waiting - after.waiting,
        runs=tuple(made),
        stopped=len(stopped),
        held=request_lists.waiting_of(db, due),
    )
    return asked, ended


def read_list(db: sqlite3.Connection, request: CrawlRequest, listener: ProgressListener) -> int:
    """Store the list `request.ask`; return its number. Raises what `ingest` does."""
    # A dataset that is not there is said before anything of the list is stored.
    if request.datasets:
        with local_copies(request.datasets) as copies:
            copies.locate()
    listener.begin("reading the URLs", None)
    return store_list(db, request.db, list_request(request))


def list_request(request: CrawlRequest) -> IngestRequest:
    """Return how the list of a crawl is read."""
    return IngestRequest(
        datasets=request.ask, url_columns=request.url_columns, memory_limit=request.memory_limit
    )


def _seconds_left(request: CrawlRequest, begun: float) -> float:
    whole = request.fetch.time_budget
    budget = min(request.budget, math.inf if whole is None else whole)
    return begun + budget - time.monotonic()


def _for_list(request: CrawlRequest, seconds: float) -> CrawlRequest:
    """Return the request with the fetch options of a round, which may last some seconds."""
    fetch = replace(
        request.fetch, listed=True, pages=MAX_URLS, adaptive_pages=False, time_budget=seconds
    )
    return replace(request, fetch=fetch, limit_origins=None)
