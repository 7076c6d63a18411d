"""Several crawl processes side by side, and the one that hands them batches and keeps the whole.

Only this process writes into the database. Each worker writes what it sees into the shards of
its batches; what is whole in them is taken in every second, and when a worker is gone.
"""

import contextlib
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from crawler.fetch.clock import stamp
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import GRACE, RunEnd
from crawler.fetch.workers.handle import Worker, WorkersError, start
from crawler.store import runs
from crawler.store.batches import Batches
from crawler.store.shards import Shard, Shards

#: Processes side by side at most: as many as requests in flight to one address.
MOST_WORKERS = FetchOptions().per_address
#: Origins of a batch at most, and at least while there are so many.
LARGEST, SMALLEST = 1_000, 50
# Origins after which a process ends, so that what it leaks ends with it.
_LIFE = 10_000
# How often a batch may lose its process before something must be wrong with the batch.
_TRIES = 3
_TICK, _TAKING_IN, _LATE = 0.05, 1.0, 0.8
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def cores() -> int:
    """How many cores this process may use, as far as that many workers may be."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(MOST_WORKERS, len(affinity(0)) if affinity else os.cpu_count() or 1)


def are_few(origins: int, largest: int = LARGEST) -> bool:
    """Whether so few are asked sooner in one process than others are started."""
    return origins < 4 * min(SMALLEST, largest)


def share(options: FetchOptions, workers: int) -> FetchOptions:
    """What each of some workers may do, so that all of them together keep to the options."""
    return replace(
        options,
        concurrency=max(1, options.concurrency // workers),
        per_address=max(1, options.per_address // workers),
        time_budget=None,
    )


class Coordinator:
    """Workers, and the batches that are still to be done."""

    def __init__(
        self,
        db: sqlite3.Connection,
        path: Path,
        due: runs.Due,
        settings: Mapping[str, object],
        *,
        workers: int,
        largest: int,
        on_visits: Callable[[int], None],
    ) -> None:
        self._db, self._run, self._settings = db, due.run, settings
        self._number, self._largest, self._on_visits = workers, largest, on_visits
        self._shards = Shards(db, path, due.run)
        self._batches = Batches(db, due)
        self._workers: list[Worker] = []
        self._back: list[Shard] = []
        self._losses: Counter[Path] = Counter()
        self._ended = RunEnd.FINISHED
        self._failure = ""
        self._signals = 0
        self._cut_at = 0.0

    @property
    def _stops(self) -> bool:
        return self._ended is not RunEnd.FINISHED

    def work(self, time_budget: float | None) -> RunEnd:
        """Do all of it, or as much as there is time for; raises `WorkersError`."""
        begun = taken_in = time.monotonic()
        try:
            while self._staff() or self._workers:
                time.sleep(_TICK)
                now = time.monotonic()
                if time_budget is not None and now - begun >= time_budget:
                    self._stop(RunEnd.BUDGET)
                self._obey()
                if now - taken_in >= _TAKING_IN:
                    self._take_in()
                    taken_in = time.monotonic()
                self._attend()
        finally:
            for worker in self._workers:
                worker.close()
        if self._failure:
            raise WorkersError(self._failure)
        self._shards.clear()
        return self._ended

    def stop(self) -> None:
        """Stop in good order, soon; a second call, at once. For handlers of signals."""
        self._signals += 1

    def _obey(self) -> None:
        while self._signals:
            self._signals -= 1
            if self._stops:
                self._pass_on()
            else:
                self._stop(RunEnd.STOPPED)

    def _stop(self, how: RunEnd) -> None:
        """Have what is in flight finished, and nothing begun."""
        if not self._stops:
            self._ended, self._cut_at = how, time.monotonic() + GRACE + _LATE
            self._pass_on()

    def _pass_on(self) -> None:
        for worker in self._workers:
            worker.process.send_signal(signal.SIGTERM)

    def _fail(self, why: str) -> None:
        self._failure = self._failure or why
        self._stop(RunEnd.STOPPED)

    def _staff(self) -> bool:
        """Start workers while there are batches for them; whether there was one."""
        started = []
        while len(self._workers) < self._number and (shard := self._next()) is not None:
            self._workers.append(worker := start(self._run))
            worker.hand(shard)
            started.append(worker)
        for worker in started:
            worker.hand(self._next())  # one ahead, so that nobody has to wait
        return bool(started)

    def _next(self) -> Shard | None:
        """A batch that lost its process, else a new one: the smaller, the less there is to do,
        so that all workers end together.
        """
        if self._stops:
            return None
        if self._back:
            return self._back.pop()
        smallest = min(SMALLEST, self._largest)
        fair = self._batches.left // (4 * self._number)
        origins = self._batches.take(max(smallest, min(self._largest, fair)))
        return self._shards.make(origins, self._settings) if origins else None

    def _attend(self) -> None:
        """Answer the workers, and see to those that are gone."""
        for worker in list(self._workers):
            gone = worker.process.poll() is not None
            for said in worker.said():
                if "failed" in said:
                    self._fail(said["failed"])
                elif not gone:
                    worker.hand(self._next() if worker.origins < _LIFE else None)
            if gone:
                self._bury(worker)
            elif self._stops and time.monotonic() > self._cut_at:
                worker.process.kill()

    def _bury(self, worker: Worker) -> None:
        """Keep what a process left, and put back what it did not do."""
        self._workers.remove(worker)
        worker.close()
        for shard in worker.shards:
            shard.take_in(self._db, self._on_visits)
            if shard.is_whole or self._stops:
                self._shards.discard(shard)
                continue
            shard.close()
            self._back.append(shard)
            if worker.process.returncode or shard is worker.shards[0]:
                self._count_loss(shard)

    def _count_loss(self, shard: Shard) -> None:
        self._losses[shard.path] += 1
        if self._losses[shard.path] > _TRIES:
            self._fail(
                f"workers ended {_TRIES + 1} times before they were done with the same origins; "
                "nothing stored is lost: run again, with --workers 1 to see why"
            )

    def _take_in(self) -> None:
        for worker in self._workers:
            for shard in worker.shards:
                shard.take_in(self._db, self._on_visits)


def crawl_apart(
    db: sqlite3.Connection,
    path: Path,
    due: runs.Due,
    options: FetchOptions,
    *,
    workers: int,
    keep_pages: bool = False,
    largest: int = LARGEST,
    on_visits: Callable[[int], None] = lambda _number: None,
) -> RunEnd:
    """Visit what is due in processes of their own, tell `on_visits` of visits that were stored,
    and say how it ended.

    `db` is the connection to the database at `path`, whose lock the caller holds. SIGINT and
    SIGTERM stop it as they stop `run.crawl`. Raises `WorkersError` and `StoreError`.
    """
    settings = runs.settings_of(db, due.run) | asdict(share(options, workers))
    settings |= {"fresh_since": due.fresh_since, "limit_origins": None, "keep_pages": keep_pages}
    crew = Coordinator(
        db, path, due, settings, workers=workers, largest=largest, on_visits=on_visits
    )
    with _stopped_by_signals(crew):
        ended = crew.work(options.time_budget)
    if ended is RunEnd.FINISHED:
        runs.end_run(db, due.run, ended, stamp())
    return ended


@contextlib.contextmanager
def _stopped_by_signals(crew: Coordinator) -> Iterator[None]:
    before = {}
    with contextlib.suppress(ValueError):  # outside the main thread there are no signals
        before = {n: signal.signal(n, lambda *_: crew.stop()) for n in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
