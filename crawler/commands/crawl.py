"""Crawl: ingest, fetch what is missing or stale, parse, judge, sum up."""

import platform
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from crawler import __version__, agents, rulesets
from crawler.commands.ingest import Wanted, ingest
from crawler.commands.interrupts import exit_on_signal
from crawler.commands.judge import rebuild
from crawler.fetch.clock import stamp
from crawler.fetch.frontier import DatabaseFrontier
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import RunEnd
from crawler.fetch.workers import coordinator
from crawler.rulesets import RuleSet
from crawler.store import derived, runs, shards
from crawler.store.database import connect, exclusive_lock, sqlite_errors_as_store_error
from crawler.urls import canonical

_LIBRARIES = ("scrapy", "aiohttp", "beautifulsoup4", "duckdb", "tldextract", "sqlite-utils")
# Pages drawn for each origin, so that a later run of the same dataset may ask for more of them.
_SAMPLES = 3
# Seconds for judging when a crawl is stopped: the next command judges the rest.
_HURRY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlRequest:
    """What an operator asks for. `max_age` is how old a visit may be and still count as fresh;
    `rules` names a rule set or a file, None for the one that the database shows. `workers` are
    processes side by side, None for one a core; each asks at most `batch` origins at a time.
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
    batch: int = coordinator.LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who wants to know how far it is: a phase begins with its size, then steps come."""

    begin: Callable[[str, int | None], None] = field(default=lambda _phase, _size: None)
    step: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlResult:
    """What a crawl did. `run` is None if nothing was due."""

    run: int | None
    dataset: int
    due: int
    visited: int
    ended: RunEnd


def crawl(request: CrawlRequest, watcher: Watcher | None = None) -> CrawlResult:
    """Do all of it, holding the database. What was stored before stays, whatever happens.

    Raises what `ingest` does and `RuleSetError`; `StoreBusyError` at once if another
    run holds it, and `StoppedEarlyError` if a signal comes before or after fetching.
    """
    watcher = watcher or Watcher()
    if request.rules is not None and not request.db.exists():
        rulesets.load(request.rules)  # a mistake leaves no database behind
    with exit_on_signal(), exclusive_lock(request.db), sqlite_errors_as_store_error(request.db):
        db = connect(request.db, create=True)
        try:
            return _crawl(db, request, watcher)
        finally:
            db.close()


def _crawl(db: sqlite3.Connection, request: CrawlRequest, watcher: Watcher) -> CrawlResult:
    rules = derived.rule_set(db, request.rules)
    watcher.begin("reading the dataset", None)
    dataset = ingest(db, request.db, _wanted(request))
    run = None if request.new_run else runs.unfinished_run(db, dataset)
    due = _due(request, dataset, run)
    shards.take_in_left(db, request.db)
    waiting = runs.count_due(db, due)
    ended, visited = RunEnd.FINISHED, 0
    if waiting and run is None:
        run = runs.begin_run(db, _new_run(request, due), stamp())
        due = replace(due, run=run)
    if run is not None:
        ended, visited = _fetch(db, request, due, watcher)
    _judge(db, rules, ended, request.keep_contacts, watcher)
    return CrawlResult(run=run, dataset=dataset, due=waiting, visited=visited, ended=ended)


def _wanted(request: CrawlRequest) -> Wanted:
    return Wanted(
        datasets=request.datasets,
        url_column=request.url_column,
        weight_column=request.weight_column,
        samples=max(_SAMPLES, runs.samples_for(request.fetch.pages, request.fetch.media)),
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
    """How many processes; each asks one origin at least."""
    return min(
        request.workers or coordinator.cores(), request.fetch.concurrency, coordinator.MOST_WORKERS
    )


def _fetch(
    db: sqlite3.Connection, request: CrawlRequest, due: runs.Due, watcher: Watcher
) -> tuple[RunEnd, int]:
    visited = 0

    def stored(visits: int) -> None:
        nonlocal visited
        visited += visits
        for _ in range(visits):
            watcher.step()

    waiting, workers = runs.count_due(db, due), _workers(request)
    watcher.begin("asking origins", waiting)
    if workers == 1 or coordinator.are_few(waiting, request.batch):
        # Scrapy takes its time to be imported; where workers ask, only they need it.
        from crawler.fetch.scrapy_.run import crawl as fetch

        workbook = DatabaseFrontier(db, due, keep_pages=request.keep_pages)
        ended = fetch(workbook, request.fetch, lambda _visit: stored(1))
        return ended, visited
    ended = coordinator.crawl_apart(
        db,
        request.db,
        due,
        request.fetch,
        workers=workers,
        keep_pages=request.keep_pages,
        largest=request.batch,
        on_visits=stored,
    )
    return ended, visited


def _judge(
    db: sqlite3.Connection,
    rules: RuleSet,
    ended: RunEnd,
    keep_contacts: bool,
    watcher: Watcher,
) -> None:
    """Judge what was visited since; everything, if other code made what is there."""
    waiting = derived.is_empty(db) or not derived.is_outdated(db, rules)
    hurry = ended is not RunEnd.FINISHED
    if hurry and not waiting:
        return  # all of it takes its time
    watcher.begin("judging", None)
    rebuild(
        db,
        chosen=rules,
        waiting=waiting,
        seconds=_HURRY if hurry else None,
        keep_contacts=keep_contacts,
        on_origin=watcher.step,
    )
