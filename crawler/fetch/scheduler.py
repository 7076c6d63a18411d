"""Scheduler of a crawl: a bounded number of origins in flight, visits saved in batches.

Rules for editors:

- Take jobs lazily. A run may have millions of origins, and a job that was not taken needs no
  cleaning up when the crawl stops.
- A visit is saved whole or not at all; one that is cancelled is made again by the next crawl.
- Scrapy's scheduler is not used, see docs/decisions/0006-scrapy-as-downloader.md.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from crawler.fetch.reach import NetworkWatch, Reach
from crawler.model import Observation, Origin
from crawler.store.stored_responses import StoredResponses

#: Seconds that visits in flight are given when a crawl is stopped. Together with saving and
#: judging it keeps the promise of docs/crawling.md: five seconds from the signal to the exit.
GRACE_S = 2.5
# A transaction per visit would cost more than the visit; what waits to be saved is lost by a kill.
_BATCH_SIZE, _BATCH_S = 50, 1.0
# Visits of an origin while this machine is short of something, seconds between two of them, and
# origins that wait for another visit in memory; more of them are left to the next crawl.
_ATTEMPTS, _PAUSE_S, _MAX_WAITING = 4, 0.5, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginJob:
    """An origin to visit.

    `samples` are URLs of pages and media files of the dataset; `stored_responses` are responses
    of earlier runs that may be revalidated (RFC 9111, 4.3).
    """

    origin_id: int
    origin: Origin
    samples: tuple[str, ...] = ()
    stored_responses: StoredResponses = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """All observations of an origin in one run, in the order they were made.

    `reach` is how far its requests came. `local_failure` is why this machine could not go on; such
    a visit is not stored, and its origin stays due.
    """

    origin_id: int
    origin: Origin
    observations: tuple[Observation, ...]
    reach: Reach = Reach.ANSWERED
    local_failure: str = ""


class RunEnd(StrEnum):
    """End of a crawl. All but `finished` leave jobs for the next crawl."""

    FINISHED = "finished"
    STOPPED = "stopped"
    BUDGET = "budget"
    LOCAL_FAILURE = "local_failure"
    NO_NETWORK = "no_network"


class Frontier(Protocol):
    """Source of jobs and sink of visits. Called from the event loop only."""

    def jobs(self) -> Iterator[OriginJob]:
        """Yield the jobs still to be done; `save` is called between two of them."""

    def save(self, visits: Sequence[Visit]) -> None:
        """Store all of the visits or, if this raises, none of them."""

    def finish(self, ended: RunEnd) -> None:
        """Record how the crawl ended; called once, after the last visit was saved."""


class OriginScheduler:
    """Visit the origins of a frontier with `concurrency` coroutines.

    `visit` makes one visit and does not raise for what goes wrong in the network.
    `time_budget` is in seconds. `on_visit` is called for each visit once it is saved, and
    `on_local_failure` for each origin that stays due, with what this machine was short of.

    A local failure halves the number of origins in flight, which then grows slowly.
    """

    def __init__(
        self,
        frontier: Frontier,
        visit: Callable[[OriginJob], Awaitable[Visit]],
        *,
        concurrency: int,
        time_budget: float | None = None,
        on_visit: Callable[[Visit], None] | None = None,
        on_local_failure: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self._frontier, self._visit, self._on_visit = frontier, visit, on_visit
        self._concurrency, self._time_budget = concurrency, time_budget
        self._on_local_failure = on_local_failure
        self._watch: NetworkWatch[Visit] = NetworkWatch()
        self._waiting: deque[OriginJob] = deque()
        self._attempts: Counter[int] = Counter()
        self._left_due = 0
        self._in_flight, self._limit, self._cuts = 0, float(concurrency), 0
        self._room = asyncio.Event()
        self._ended = RunEnd.FINISHED
        self._workers: list[asyncio.Task[None]] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._batch: list[Visit] = []
        self._flush_timer: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None

    async def run(self) -> RunEnd:
        """Visit until there are no jobs or `stop` is called. Raises what the frontier raises."""
        self._jobs = iter(self._frontier.jobs())
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        if self._time_budget is not None:
            self._call_later(self._time_budget, self.stop, RunEnd.BUDGET)
        try:
            await asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            await self._shutdown()
        self._frontier.finish(self._ended)
        return self._ended

    def stop(self, ended: RunEnd = RunEnd.STOPPED) -> None:
        """Take no more jobs and give visits in flight `GRACE_S`; a second call cancels them."""
        if self._ended is not RunEnd.FINISHED:
            self._cancel_all()
            return
        self._ended = ended
        self._room.set()
        self._call_later(GRACE_S, self._cancel_all)

    async def _work(self) -> None:
        while await self._is_going_on() and (job := self._next_job()) is not None:
            self._in_flight, cuts = self._in_flight + 1, self._cuts
            try:
                visit = await self._visit(job)
            finally:
                self._in_flight -= 1
                self._room.set()
            if visit.local_failure:
                self._put_off(job, visit.local_failure, is_first=cuts == self._cuts)
                await asyncio.sleep(_PAUSE_S)
                continue
            self._attempts.pop(job.origin_id, None)
            self._limit = min(self._concurrency, self._limit + 1 / self._limit)
            self._add_to_batch(self._watch.take(visit))
            if self._watch.is_down and self._ended is RunEnd.FINISHED:
                self.stop(RunEnd.NO_NETWORK)

    async def _is_going_on(self) -> bool:
        """Wait until one more origin may be in flight; return False if the crawl is to stop."""
        while self._ended is RunEnd.FINISHED and self._in_flight >= int(self._limit):
            self._room.clear()
            await self._room.wait()
        return self._ended is RunEnd.FINISHED

    def _next_job(self) -> OriginJob | None:
        """Return the next job of the frontier; at its end, those that were put off."""
        job = next(self._jobs, None)
        return self._waiting.popleft() if job is None and self._waiting else job

    def _put_off(self, job: OriginJob, why: str, *, is_first: bool) -> None:
        """Visit an origin again later, or leave it due.

        `is_first`: no other local failure since this visit began.
        """
        if is_first:
            self._limit, self._cuts = max(1.0, self._limit / 2), self._cuts + 1
        self._attempts[job.origin_id] += 1
        if self._attempts[job.origin_id] < _ATTEMPTS and len(self._waiting) < _MAX_WAITING:
            self._waiting.append(job)
            return
        del self._attempts[job.origin_id]
        self._left_due += 1
        self._on_local_failure(why)

    def _add_to_batch(self, visits: Sequence[Visit]) -> None:
        self._batch += visits
        if len(self._batch) >= _BATCH_SIZE:
            self._flush()
        elif self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(_BATCH_S, self._flush_on_timer)

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        # Emptied first: if saving raises, `_shutdown` must not save the same visits again.
        batch, self._batch = self._batch, []
        if batch:
            self._frontier.save(batch)
        if self._on_visit is not None:
            for visit in batch:
                self._on_visit(visit)

    def _flush_on_timer(self) -> None:
        try:
            self._flush()
        except Exception as error:  # a timer has no caller to raise to; `run` raises it
            self._failure = error
            self._cancel_all()

    def _cancel_all(self) -> None:
        for worker in self._workers:
            worker.cancel()

    def _call_later(self, seconds: float, callback: Callable[..., None], *args: object) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, callback, *args))

    async def _shutdown(self) -> None:
        """Cancel what still runs, raise the first failure or else save the last batch."""
        self._cancel_all()
        results = await asyncio.gather(*self._workers, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        failures = [e for e in (self._failure, *results) if isinstance(e, Exception)]
        if failures:
            raise failures[0]
        self._batch += self._watch.finish()
        self._flush()
        if self._ended is RunEnd.FINISHED and self._watch.is_down:
            self._ended = RunEnd.NO_NETWORK
        elif self._ended is RunEnd.FINISHED and self._left_due:
            self._ended = RunEnd.LOCAL_FAILURE
