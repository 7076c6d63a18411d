"""`crawl`: ingest a dataset, fetch what is missing or stale, and judge it."""

import platform
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from crawler import __version__, agents, rulesets
from crawler.clock import stamp
from crawler.commands.ingest import IngestRequest, ingest
from crawler.commands.judge import rebuild
from crawler.fetch.descriptors import require_descriptors
from crawler.fetch.frontier import DatabaseFrontier
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import RunEnd
from crawler.fetch.workers import coordinator
from crawler.interrupts import exit_on_signal
from crawler.rulesets import RuleSet
from crawler.store import dataset_versions, derived, manifests, runs, shards
from crawler.store.database import (
    checkpoint,
    connect,
    exclusive_lock,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.evidence_reader import cut_off, origins_waiting
from crawler.store.local_failures import save_local_failures
from crawler.store.provenance import Provenance
from crawler.store.queries import visited_origins
from crawler.urls import canonical

_LIBRARIES = ("scrapy", "aiohttp", "beautifulsoup4", "duckdb", "tldextract", "sqlite-utils")
# URLs sampled for each origin at least: a later crawl may fetch more pages of a dataset, which is
# read only once.
_MIN_SAMPLES = 3
_NOT_GIVEN = Provenance()
# Time for judging when a crawl was stopped; the next command judges the rest.
_JUDGE_SECONDS_IF_STOPPED = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlRequest:
    """Options of one crawl.

    `datasets` are files, folders or patterns. `max_age` is how old a visit may be and still count
    as fresh. `rules` names a rule set or a file; None is the one that the database shows.
    `workers` is the number of worker processes, None for one a core; each gets at most `batch`
    origins at a time. `limit_origins` are the origins
    with most weight, else with most rows. The last four options are those of `IngestRequest`.
    """

    datasets: tuple[str, ...]
    db: Path
    fetch: FetchOptions
    command: str = "crawl"
    url_columns: tuple[str, ...] = ()
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
    name: str | None = None
    facets: tuple[tuple[str, str], ...] = ()
    collected_column: str | None = None
    provenance: Provenance = _NOT_GIVEN


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
    how many origins were `due` and how many of them `visited`, and how the run ended. `warnings`
    are sentences for the user. `head` is the digest of the last manifest. `local_failures` counts
    origins that stay due because this machine was short of something, by what it was.
    """

    run: int | None
    dataset: int
    due: int
    visited: int
    ended: RunEnd
    warnings: tuple[str, ...] = ()
    head: str = ""
    local_failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def fault_of_machine(self) -> str:
        """Return a sentence if origins stay due by a fault of this machine, else an empty text."""
        if self.ended is RunEnd.NO_NETWORK:
            return (
                "no answer from any host: this machine seems to have no network, or its DNS does "
                "not answer; nothing of this is stored, so run the same command again"
            )
        if self.ended is RunEnd.LOCAL_FAILURE:
            whys = ", ".join(sorted(self.local_failures))
            return (
                f"{sum(self.local_failures.values()):,} origins could not be visited because of "
                f"this machine ({whys}) and stay due; raise its limits or lower --concurrency, "
                "and run the same command again"
            )
        return ""


def crawl(request: CrawlRequest, listener: ProgressListener | None = None) -> CrawlResult:
    """Ingest, fetch and judge, with an exclusive lock on the database.

    Evidence that was stored before stays, whatever happens. A signal while fetching ends the crawl
    in good order (see `CrawlResult.ended`).
    Raises what `ingest` does, `RuleSetError`, `TooFewDescriptorsError`, `StoreBusyError` at once if
    another process holds the database, and `StoppedEarlyError` if a signal comes before or after
    fetching.
    """
    listener = listener or ProgressListener()
    if request.rules is not None and not request.db.exists():
        rulesets.load(request.rules)  # before a database is created: a wrong name must leave none
    require_descriptors()
    with exit_on_signal(), exclusive_lock(request.db), sqlite_errors_as_store_error(request.db):
        db = connect(request.db, create=True)
        try:
            result = _crawl(db, request, listener)
            manifests.publish(db, request.db)
            checkpoint(db)
        finally:
            db.close()
    return result


def _crawl(
    db: sqlite3.Connection, request: CrawlRequest, listener: ProgressListener
) -> CrawlResult:
    rules = derived.rule_set(db, request.rules)
    listener.begin("reading the dataset", None)
    dataset = ingest(db, request.db, ingest_request(request))
    run = None if request.new_run else runs.unfinished_run(db, dataset)
    due = _due(request, dataset, run)
    shards.merge_leftovers(db, request.db)
    waiting = runs.count_due(db, due)
    warnings = (*_warnings(db, due), *_double_counts(db, dataset))
    ended, visited = RunEnd.FINISHED, 0
    notes: dict[int, str] = {}
    if waiting and run is None:
        run = runs.begin_run(db, _new_run(request, due), stamp())
        due = replace(due, run=run)
    if run is not None:
        ended, visited = _fetch(db, request, due, listener, notes)
        save_local_failures(db, run, notes, stamp())
    elif not manifests.covers_all_datasets(db):
        # Otherwise the end of a run makes the manifest.
        with transaction(db):
            manifests.write(db, "ingest", [])
    _judge(db, rules, ended, request.keep_contacts, listener)
    return CrawlResult(
        run=run,
        dataset=dataset,
        due=waiting,
        visited=visited,
        ended=ended,
        warnings=warnings,
        head=manifests.head(db),
        local_failures=Counter(notes.values()),
    )


def ingest_request(request: CrawlRequest) -> IngestRequest:
    """Return how the dataset of a crawl is read."""
    return IngestRequest(
        datasets=request.datasets,
        url_columns=request.url_columns,
        weight_column=request.weight_column,
        samples=max(_MIN_SAMPLES, runs.samples_for(request.fetch.pages, request.fetch.media)),
        memory_limit=request.memory_limit,
        name=request.name,
        facets=request.facets,
        collected_column=request.collected_column,
        provenance=request.provenance,
    )


def _due(request: CrawlRequest, dataset: int, run: int | None) -> runs.Due:
    return runs.Due(
        run=run or 0,
        datasets=(dataset,),
        fresh_since=stamp(ago=request.max_age.total_seconds()),
        limit=request.limit_origins,
        pages=runs.samples_for(request.fetch.pages, request.fetch.media),
        now=stamp(),
    )


def _warnings(db: sqlite3.Connection, due: runs.Due) -> tuple[str, ...]:
    warnings = []
    if where := cut_off(db, due.datasets[0]):
        warnings.append(f"the dataset is damaged or cut off, and what is left was read: {where}")
    number, latest = runs.count_due_again(db, due)
    if number:
        warnings.append(
            f"{number} origins were visited later than now, at {latest}: a clock is or was wrong, "
            "so they are visited again"
        )
    return tuple(warnings)


def _double_counts(db: sqlite3.Connection, dataset: int) -> tuple[str, ...]:
    """Return a warning if the files of another dataset that counts are among these."""
    shared = dataset_versions.shared_files(db, dataset)
    if shared is None:
        return ()
    name, same, files = shared
    return (
        f"{same} of {files} files are also in the dataset {name}, so their rows count twice; if "
        f"this is a newer version of it, give --dataset {name}, and `tdm-audit forget` the other",
    )


def _new_run(request: CrawlRequest, due: runs.Due) -> runs.NewRun:
    settings = asdict(request.fetch)
    settings |= {"dataset": due.datasets[0], "fresh_since": due.fresh_since}
    settings |= {"due_at": due.now}
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
    db: sqlite3.Connection,
    request: CrawlRequest,
    due: runs.Due,
    listener: ProgressListener,
    notes: dict[int, str],
) -> tuple[RunEnd, int]:
    visited = 0

    def on_local_failure(origin: int, why: str) -> None:
        notes[origin] = why

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
    waiting_origins = sum(1 for _ in origins_waiting(db)) if waiting else visited_origins(db)
    listener.begin("judging", waiting_origins)
    rebuild(
        db,
        chosen=rules,
        waiting=waiting,
        seconds=_JUDGE_SECONDS_IF_STOPPED if is_stopped else None,
        keep_contacts=keep_contacts,
        on_origin=listener.step,
    )
