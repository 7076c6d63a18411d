"""`crawl`: ingest a dataset, fetch what is missing or stale, and judge it."""

import sqlite3
import time
from collections import Counter
from dataclasses import replace

from crawler import rulesets
from crawler.clock import stamp
from crawler.commands.ask import ask, read_list
from crawler.commands.crawl_request import Asked, CrawlRequest, CrawlResult, ProgressListener
from crawler.commands.ingest import IngestRequest, ingest
from crawler.commands.judge import rebuild
from crawler.commands.visiting import begin_run, visit_due
from crawler.dataset.facet_specs import Facet, check
from crawler.fetch.descriptors import require_descriptors
from crawler.fetch.scheduler import RunEnd
from crawler.interrupts import exit_on_signal
from crawler.plurals import agreeing, counted
from crawler.rulesets import RuleSet
from crawler.store import dataset_versions, derived, manifests, old_shards, runs
from crawler.store.creating import exclusive_lock_to_create
from crawler.store.database import (
    checkpoint,
    connect,
    sqlite_errors_as_store_error,
    transaction,
)
from crawler.store.evidence_reader import cut_off, origins_waiting
from crawler.store.local_failures import save_local_failures
from crawler.store.queries import dataset_ids, visited_origins

__all__ = [
    "CrawlRequest",
    "CrawlResult",
    "ProgressListener",
    "crawl",
    "crawl_stored",
    "has_work",
    "ingest_request",
    "samples_of",
]

# URLs sampled for each origin at least: a later crawl may fetch more pages of a dataset, which is
# read only once.
_MIN_SAMPLES = 3
# Time for judging when a crawl was stopped; the next command judges the rest.
_JUDGE_SECONDS_IF_STOPPED = 1.0


def crawl(request: CrawlRequest, listener: ProgressListener | None = None) -> CrawlResult:
    """Ingest, fetch and judge, with an exclusive lock on the database.

    Evidence that was stored before stays, whatever happens. A signal while fetching ends the crawl
    in good order (see `CrawlResult.ended`).
    Raises what `ingest` does, `FacetsError`, `RuleSetError`, `TooFewDescriptorsError`,
    `StoreBusyError` at once if another process holds the database, and `StoppedEarlyError` if a
    signal comes before or after fetching.
    """
    listener = listener or ProgressListener()
    if request.rules is not None and not request.db.exists():
        rulesets.load(request.rules)  # the first thing to say
    check([Facet(*facet) for facet in request.facets])
    require_descriptors()
    with (
        exit_on_signal(),
        exclusive_lock_to_create(request.db),
        sqlite_errors_as_store_error(request.db),
    ):
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
    begun = time.monotonic()
    rules = derived.rule_set(db, request.rules)
    notes: dict[int, str] = {}
    result = CrawlResult(run=None, dataset=None, due=0, visited=0, ended=RunEnd.FINISHED)
    # First, so that a list that cannot be read is said before anything is requested.
    listed = read_list(db, request, listener) if request.ask else None
    if request.datasets:
        result = _crawl_dataset(db, request, listener, notes)
    asked: Asked | None = None
    if listed is not None and result.ended is RunEnd.FINISHED:
        asked, ended = ask(db, request, listener, notes, begun, listed)
        result = replace(result, asked=asked, ended=ended)
    # A budget ends requests; nobody waits for the end of the command, as after a signal.
    is_over = asked is not None and result.ended is RunEnd.BUDGET
    _judge(db, rules, RunEnd.FINISHED if is_over else result.ended, request.keep_contacts, listener)
    return replace(
        result,
        head=manifests.head(db),
        local_failures=Counter(notes.values()),
        # Last, so that what is removed is said.
        warnings=(*result.warnings, *old_shards.remove(request.db)),
    )


def crawl_stored(
    db: sqlite3.Connection, request: CrawlRequest, listener: ProgressListener
) -> list[CrawlResult]:
    """Visit what is due of the datasets that are stored and count, a run for each; then judge.

    The caller holds the database, and `exit_on_signal`. Raises what `crawl` does.
    """
    rules = derived.rule_set(db, request.rules)
    results: list[CrawlResult] = []
    for dataset in dataset_ids(db):
        notes: dict[int, str] = {}
        result = _visit_dataset(db, request, dataset, listener, notes)
        results.append(replace(result, local_failures=Counter(notes.values())))
        if result.ended is not RunEnd.FINISHED:
            break
    ended = results[-1].ended if results else RunEnd.FINISHED
    _judge(db, rules, ended, request.keep_contacts, listener)
    return results


def has_work(db: sqlite3.Connection, request: CrawlRequest) -> bool:
    """Return whether `crawl_stored` would change anything."""
    if derived.is_outdated(db, derived.rule_set(db, request.rules)):
        return True
    if not manifests.covers_all_datasets(db) or next(origins_waiting(db), None) is not None:
        return True
    for dataset in dataset_ids(db):
        run = None if request.new_run else runs.unfinished_run(db, dataset)
        if run is not None or runs.count_due(db, _due(request, dataset, run)):
            return True
    return False


def _crawl_dataset(
    db: sqlite3.Connection,
    request: CrawlRequest,
    listener: ProgressListener,
    notes: dict[int, str],
) -> CrawlResult:
    listener.begin("reading the dataset", None)
    dataset = ingest(db, request.db, ingest_request(request))
    return _visit_dataset(db, request, dataset, listener, notes)


def _visit_dataset(
    db: sqlite3.Connection,
    request: CrawlRequest,
    dataset: int,
    listener: ProgressListener,
    notes: dict[int, str],
) -> CrawlResult:
    """Visit the origins of a dataset that are due, in the run that is to be continued or a new one.

    `notes` takes the origins that stay due because of this machine, and why.
    """
    run = None if request.new_run else runs.unfinished_run(db, dataset)
    due = _due(request, dataset, run)
    waiting = runs.count_due(db, due)
    warnings = (*_warnings(db, due), *_double_counts(db, dataset))
    ended, visited = RunEnd.FINISHED, 0
    if waiting and run is None:
        due = begin_run(db, request, due)
        run = due.run
    if run is not None:
        ended, visited = visit_due(db, request, due, listener, notes)
        save_local_failures(db, run, notes, stamp())
    elif not manifests.covers_all_datasets(db):
        # Otherwise the end of a run makes the manifest.
        with transaction(db):
            manifests.write(db, "ingest", [])
    return CrawlResult(
        run=run, dataset=dataset, due=waiting, visited=visited, ended=ended, warnings=warnings
    )


def ingest_request(request: CrawlRequest) -> IngestRequest:
    """Return how the dataset of a crawl is read."""
    return IngestRequest(
        datasets=request.datasets,
        url_columns=request.url_columns,
        weight_column=request.weight_column,
        samples=samples_of(request.fetch.pages, request.fetch.media),
        memory_limit=request.memory_limit,
        name=request.name,
        facets=request.facets,
        collected_column=request.collected_column,
        provenance=request.provenance,
    )


def samples_of(pages: int, media: int) -> int:
    """Return how many URLs of each origin are sampled, for crawls that request these numbers."""
    return max(_MIN_SAMPLES, runs.samples_for(pages, media))


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
            f"{counted(number, 'origin')} {agreeing(number, 'was', 'were')} visited later than "
            f"now, at {latest}: a clock is or was wrong, so they are visited again"
        )
    return tuple(warnings)


def _double_counts(db: sqlite3.Connection, dataset: int) -> tuple[str, ...]:
    """Return a warning if the files of another dataset that counts are among these."""
    shared = dataset_versions.shared_files(db, dataset)
    if shared is None:
        return ()
    name, same, files = shared
    return (
        f"{same:,} of {counted(files, 'file')} {agreeing(same, 'is', 'are')} also in the dataset "
        f"{name}, so their rows count twice; if "
        f"this is a newer version of it, give --dataset {name}, and `tdm-audit forget` the other",
    )


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
