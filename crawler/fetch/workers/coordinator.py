"""Coordinator of worker processes: starts them, assigns batches, merges what they store.

Rules for editors:

- Only this process writes into the audit database. A worker writes into the shards assigned to
  it; what is whole in them is merged every second, and once more when the worker has ended.
- Any process may be killed at any moment. Merging a shard twice changes nothing, so requeue in
  doubt.
- All workers together must not do more than one process may: see `share`.
"""

import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from crawler import subprocesses
from crawler.clock import stamp
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import GRACE_S, RunEnd
from crawler.fetch.workers.batch_queue import MAX_BATCH, MAX_LOSSES, MIN_BATCH, BatchQueue
from crawler.fetch.workers.handle import WorkerHandle, WorkersError, start_worker
from crawler.interrupts import handle_signals
from crawler.store import runs
from crawler.store.shards import Shard

__all__ = [
    "MAX_BATCH",
    "MAX_WORKERS",
    "Coordinator",
    "cores",
    "crawl_in_processes",
    "fits_one_process",
    "share",
]

#: The most worker processes: as many as requests in flight to one address, so that each of them
#: may have one.
MAX_WORKERS = FetchOptions().per_address
# Origins after which a worker is replaced, so that memory it leaks is returned.
_MAX_ORIGINS_PER_WORKER = 10_000
# Seconds between two polls of the workers, and between two merges of their shards.
_POLL_S, _MERGE_S = 0.05, 1.0
# Seconds after the grace period of a worker's own scheduler until it is killed.
_KILL_MARGIN_S = 0.8


def cores() -> int:
    """Return the number of usable cores, at most `MAX_WORKERS`."""
    return min(MAX_WORKERS, subprocesses.cores())


def fits_one_process(origins: int, max_batch: int = MAX_BATCH) -> bool:
    """Return whether one process visits the origins sooner than workers would be started."""
    return origins < 4 * min(MIN_BATCH, max_batch)


def share(options: FetchOptions, workers: int) -> FetchOptions:
    """Return the options of each worker, so that all together keep within `options`.

    The time budget is left to the coordinator.
    """
    return replace(
        options,
        concurrency=max(1, options.concurrency // workers),
        per_address=max(1, options.per_address // workers),
        time_budget=None,
    )


class Coordinator:
    """Run up to `workers` processes until the queue is empty.

    `on_visits` is called with the number of visits of each merge, `on_local_failure` for each
    origin that stays due because this machine was short of something.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        run: int,
        queue: BatchQueue,
        *,
        workers: int,
        on_visits: Callable[[int], None],
        on_local_failure: Callable[[int, str], None] = lambda _origin, _why: None,
    ) -> None:
        self._db, self._run, self._queue = db, run, queue
        self._max_workers, self._on_visits = workers, on_visits
        self._on_local_failure, self._leaves_due = on_local_failure, False
        self._workers: list[WorkerHandle] = []
        self._ended = RunEnd.FINISHED
        self._failure = ""
        self._pending_signals = 0
        self._kill_at = 0.0

    @property
    def _is_stopping(self) -> bool:
        return self._ended is not RunEnd.FINISHED

    def work(self, time_budget: float | None) -> RunEnd:
        """Crawl until all is done, `stop` is called or `time_budget` seconds are over.

        Raises `WorkersError` if workers cannot be started or fail too often.
        """
        started = merged = time.monotonic()
        try:
            while self._spawn_workers() or self._workers:
                time.sleep(_POLL_S)
                now = time.monotonic()
                if time_budget is not None and now - started >= time_budget:
                    self._begin_stop(RunEnd.BUDGET)
                self._handle_signals()
                if now - merged >= _MERGE_S:
                    self._merge_shards()
                    # Taken again: a merge may last longer than the interval.
                    merged = time.monotonic()
                self._poll_workers()
        finally:
            for worker in self._workers:
                worker.close()
        if self._failure:
            raise WorkersError(self._failure)
        self._queue.clear()
        if self._leaves_due and not self._is_stopping:
            return RunEnd.LOCAL_FAILURE
        return self._ended

    def stop(self) -> None:
        """Stop in good order; a second call stops at once. Safe to call from a signal handler."""
        # Only counted here: a handler may run in the middle of any statement of `work`.
        self._pending_signals += 1

    def _handle_signals(self) -> None:
        while self._pending_signals:
            self._pending_signals -= 1
            if self._is_stopping:
                self._forward_signal()
            else:
                self._begin_stop(RunEnd.STOPPED)

    def _begin_stop(self, ended: RunEnd) -> None:
        """Let the workers finish what is in flight, and assign nothing more."""
        if not self._is_stopping:
            self._ended, self._kill_at = ended, time.monotonic() + GRACE_S + _KILL_MARGIN_S
            self._forward_signal()

    def _forward_signal(self) -> None:
        # Workers have a session of their own, so no signal of the terminal reaches them directly.
        for worker in self._workers:
            worker.process.send_signal(signal.SIGTERM)

    def _fail(self, why: str) -> None:
        self._failure = self._failure or why
        self._begin_stop(RunEnd.STOPPED)

    def _next_shard(self) -> Shard | None:
        return None if self._is_stopping else self._queue.next()

    def _spawn_workers(self) -> bool:
        """Start workers while there are shards for them; return whether any was started."""
        started = []
        while len(self._workers) < self._max_workers and (shard := self._next_shard()) is not None:
            self._workers.append(worker := start_worker(self._run))
            worker.assign(shard)
            started.append(worker)
        # A second shard each, so that no worker waits between two; only once every worker has one.
        for worker in started:
            worker.assign(self._next_shard())
        return bool(started)

    def _poll_workers(self) -> None:
        """Answer the messages of the workers, and reap those that have ended."""
        for worker in list(self._workers):
            # Asked before the messages are read: what a worker sent before it ended is then there.
            has_ended = worker.process.poll() is not None
            for message in worker.messages:
                if "failed" in message:
                    self._fail(message["failed"])
                elif "left_due" in message:
                    worker.leaves_due = self._leaves_due = True
                    self._on_local_failure(*message["left_due"])
                elif "ended" in message:
                    self._begin_stop(RunEnd(message["ended"]))
                elif not has_ended:
                    may_go_on = worker.origins < _MAX_ORIGINS_PER_WORKER
                    worker.assign(self._next_shard() if may_go_on else None)
            if has_ended:
                self._reap(worker)
            elif self._is_stopping and time.monotonic() > self._kill_at:
                worker.process.kill()

    def _reap(self, worker: WorkerHandle) -> None:
        """Merge the finished visits of a worker that has ended, and requeue the rest."""
        self._workers.remove(worker)
        worker.close()
        for shard in worker.shards:
            shard.merge(self._db, self._on_visits)
            leaves_due = worker.leaves_due and not worker.process.returncode
            if shard.is_merged or self._is_stopping or leaves_due:
                self._queue.discard(shard)
                continue
            self._queue.requeue(shard)
            # A worker that ended well over its later shards only had no time to begin them.
            is_loss = worker.process.returncode or shard is worker.shards[0]
            if is_loss and self._queue.count_loss(shard):
                self._fail(
                    f"workers ended {MAX_LOSSES + 1} times before they were done with the same "
                    "origins; nothing stored is lost: run again, with --workers 1 to see why"
                )

    def _merge_shards(self) -> None:
        for worker in self._workers:
            for shard in worker.shards:
                shard.merge(self._db, self._on_visits)


def crawl_in_processes(
    db: sqlite3.Connection,
    path: Path,
    due: runs.Due,
    options: FetchOptions,
    *,
    workers: int,
    keep_pages: bool = False,
    max_batch: int = MAX_BATCH,
    on_visits: Callable[[int], None] = lambda _visits: None,
    on_local_failure: Callable[[int, str], None] = lambda _origin, _why: None,
) -> RunEnd:
    """Visit what is due in worker processes and return how it ended.

    `db` is the connection to the database at `path`, whose lock the caller holds. `on_visits` is
    called with numbers of visits as they are stored, `on_local_failure` for each origin that stays
    due because this machine was short of something.
    SIGINT and SIGTERM stop it as they stop `scrapy_.run.crawl`.
    Raises `WorkersError` and `StoreError`.
    """
    settings = runs.settings_of(db, due.run) | asdict(share(options, workers))
    # A shard holds only what is due, so the limit of origins must not apply to it again.
    settings |= {"fresh_since": due.fresh_since, "due_at": due.now}
    settings |= {"limit_origins": None, "keep_pages": keep_pages}
    queue = BatchQueue(db, path, due, settings, workers=workers, max_batch=max_batch)
    coordinator = Coordinator(
        db,
        due.run,
        queue,
        workers=workers,
        on_visits=on_visits,
        on_local_failure=on_local_failure,
    )
    with handle_signals(coordinator.stop):
        ended = coordinator.work(options.time_budget)
    if ended is RunEnd.FINISHED:
        runs.end_run(db, due.run, ended, stamp())
    return ended
