"""`crawl`: ingest a dataset, fetch what is missing or stale, and judge it."""

import platform
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from crawler import __version__, agents, rulesets
from crawler.commands.ingest import IngestRequest, ingest
from crawler.commands.judge import rebuild
from crawler.fetch.clock import stamp
from crawler.fetch.frontier import DatabaseFrontier
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import RunEnd
from crawler.fetch.workers import coordinator
from crawler.interrupts import exit_on_signal
from crawler.rulesets import RuleSet
from crawler.store import derived, runs, shards
from crawler.store.database import connect, exclusive_lock, sqlite_errors_as_store_error
from crawler.urls import canonical

_LIBRARIES = ("scrapy", "aiohttp", "beautifulsoup4", "duckdb", "tldextract", "sqlite-utils")
# URLs sampled for each origin at least: a later crawl may fetch more pages of a dataset, which is
# read only once.
_MIN_SAMPLES = 3
# Time for judging when a crawl was stopped; the next command judges the rest.
_JUDGE_SECONDS_IF_STOPPED = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlRequest:
    """Options of one crawl.

    `datasets` are files, folders or patterns. `max_age` is how old a visit may be and still count
    as fresh. `rules` names a rule set or a file; None is the one that the database shows.
    `workers` is the number of worker processes, None for one a core; each gets at most `batch`
    origins at a time. `limit_origins` are the origins with most weight, else with most rows.
    """

    datasets: tuple[str, ...]
    db: Path
    fetch: FetchOptions
    command: str = "crawl"
    url_column: str | None = None
    weight_column: str | None = None
    memory_limit: str = "1GB"
    limit_origins: int | None = None
    max_age: timedelta = timedelta(hours=24)
    new_run: bool = False
    keep_pages: bool = False
    keep_contacts: bool = False
    rules: str | None = None
    workers: int | None = None
    batch: int = coordinator.MAX_BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressListener:
    """Callbacks for progress: `begin` with the name of a phase and its number of steps (None if
    unknown), then `step` for each of them.
    """

    begin: Callable[[str, int | None], None] = field(default=lambda _phase, _size: None)
    step: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlResult:
    """Result of a crawl: the number of its run (None if no origin was due) and of its dataset,
    how many origins were `due` and how many of them `visited`, and how the run ended.
    """

    run: int | None
    dataset: int
    due: int
    visited: int
    ended: RunEnd


def crawl(request: CrawlRequest, listener: ProgressListener | None = None) -> CrawlResult:
    """Ingest, fetch and judge, with an exclusive lock on the database.

    Evidence that was stored before stays, whatever happens. A signal while fetching ends the crawl
    in good order (see `CrawlResult.ended`).
    Raises what `ingest` does, `RuleSetError`, `StoreBusyError` at once if another process holds
    the database, and `StoppedEarlyError` if a signal comes before or after fetching.
    """
    listener = listener or ProgressListener()
    if request.rules is not None and not request.db.exists():
        rulesets.load(request.rules)  # before a database is created: a wrong name must leave none
    with exit_on_signal(), exclusive_lock(request.db), sqlite_errors_as_store_error(request.db):
        db = connect(request.db, create=True)
        try:
            return _crawl(db, request, listener)
        finally:
            db.close()


def _crawl(
    db: sqlite3.Connection, request: CrawlRequest, listener: ProgressListener
) -> CrawlResult:
    rules = derived.rule_set(db, request.rules)
    listener.begin("reading the dataset", None)
    dataset = ingest(db, request.db, _ingest_request(request))
    run = None if request.new_run else runs.unfinished_run(db, dataset)
    due = _due(request, dataset, run)
    shards.merge_leftovers(db, request.db)
    waiting = runs.count_due(db, due)
    ended, visited = RunEnd.FINISHED, 0
    if waiting and run is None:
        run = runs.begin_run(db, _new_run(request, due), stamp())
        due = replace(due, run=run)
    if run is not None:
        ended, visited = _fetch(db, request, due, listener)
    _judge(db, rules, ended, request.keep_contacts, listener)
    return CrawlResult(run=run, dataset=dataset, due=waiting, visited=visited, ended=ended)


def _ingest_request(request: CrawlRequest) -> IngestRequest:
    return IngestRequest(
        datasets=request.datasets,
        url_column=request.url_column,
        weight_column=request.weight_column,
        samples=max(_MIN_SAMPLES, runs.samples_for(request.fetch.pages, request.fetch.media)),
        memory_limit=request.memory_limit,
    )


def _due(request: CrawlRequest, dataset: int, run: int | None) -> runs.Due:
    now = datetime.fromisoformat(stamp())
    fresh = (now - request.max_age).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return runs.Due(
        run=run or 0,
        datasets=(dataset,),
        fresh_since=fresh,
        limit=request.limit_origins,
        pages=runs.samples_for(request.fetch.pages, request.fetch.media),
    )


def _new_run(request: CrawlRequest, due: runs.Due) -> runs.NewRun:
    settings = asdict(request.fetch)
    settings |= {"dataset": due.datasets[0], "fresh_since": due.fresh_since}
    settings |= {"max_age_seconds": request.max_age.total_seconds()}
    settings |= {"limit_origins": request.limit_origins, "keep_pages": request.keep_pages}
    settings |= {"keep_contacts": request.keep_contacts, "workers": _workers(request)}
    return runs.NewRun(
        command=request.command,
        version=__version__,
        versions={"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
        settings=settings,
        user_agent=request.fetch.user_agent,
        suffix_list=canonical.suffix_list_version(),
        catalogue=agents.VERSION,
    )


def _workers(request: CrawlRequest) -> int:
    """Return the number of worker processes: no more than origins are fetched at a time."""
    return min(
        request.workers or coordinator.cores(), request.fetch.concurrency, coordinator.MAX_WORKERS
    )


def _fetch(
    db: sqlite3.Connection, request: CrawlRequest, due: runs.Due, listener: ProgressListener
) -> tuple[RunEnd, int]:
    visited = 0

    def on_visits(visits: int) -> None:
        nonlocal visited
        visited += visits
        for _ in range(visits):
            listener.step()

    waiting, workers = runs.count_due(db, due), _workers(request)
    listener.begin("asking origins", waiting)
    if workers == 1 or coordinator.fits_one_process(waiting, request.batch):
        # Imported here because it is slow; a process that only coordinates workers needs no Scrapy.
        from crawler.fetch.scrapy_.run import crawl as fetch

        frontier = DatabaseFrontier(db, due, keep_pages=request.keep_pages)
        ended = fetch(frontier, request.fetch, lambda _visit: on_visits(1))
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
    )
    return ended, visited


def _judge(
    db: sqlite3.Connection,
    rules: RuleSet,
    ended: RunEnd,
    keep_contacts: bool,
    listener: ProgressListener,
) -> None:
    """Judge the origins visited since they were judged; all, if `derived.is_outdated`."""
    waiting = derived.is_empty(db) or not derived.is_outdated(db, rules)
    is_stopped = ended is not RunEnd.FINISHED
    if is_stopped and not waiting:
        return  # judging everything is one transaction, which cannot be cut short
    listener.begin("judging", None)
    rebuild(
        db,
        chosen=rules,
        waiting=waiting,
        seconds=_JUDGE_SECONDS_IF_STOPPED if is_stopped else None,
        keep_contacts=keep_contacts,
        on_origin=listener.step,
    )
