"""Scheduler of a crawl: a bounded number of origins in flight, visits saved in batches.

Rules for editors:

- Take jobs lazily. A run may have millions of origins, and a job that was not taken needs no
  cleaning up when the crawl stops.
- A visit is saved whole or not at all; one that is cancelled is made again by the next crawl.
- Which job comes next is for `job_queue`, who holds a slot for `slots`.
- Scrapy's scheduler is not used, see docs/explanation/decisions/0006-scrapy-as-downloader.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from crawler.fetch import slots
from crawler.fetch.job_queue import JobQueue, OriginJob
from crawler.fetch.reach import NetworkWatch, Reach
from crawler.fetch.slots import BusyError, Slot, Slots
from crawler.model import Observation, Origin

__all__ = ["GRACE_S", "Frontier", "OriginJob", "OriginScheduler", "RunEnd", "Visit"]

#: Seconds that visits in flight are given when a crawl is stopped. Together with saving and
#: judging it keeps the promise of docs/reference/crawling.md: five seconds from the signal to the
#: exit.
GRACE_S = 2.5
# A transaction per visit would cost more than the visit; what waits to be saved is lost by a kill.
# It holds the bodies that were received, so it is bounded by their size, too.
_BATCH_SIZE, _BATCH_S, _BATCH_OCTETS = 50, 1.0, 8 * 1024 * 1024
# Seconds between two visits while this machine is short of something.
_PAUSE_S = 0.5
#: Visits that have begun and wait for others, without a slot: a visit that waits for a host or an
#: address holds what it has received.
MAX_WAITING = 256


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
    """Visit the origins of a frontier, `concurrency` of them at a time.

    `visit` makes one visit and does not raise for what goes wrong in the network. It runs with
    its slot as `slots.current`, and raises `BusyError` if it is to begin later.
    `time_budget` is in seconds. `on_visit` is called for each visit once it is saved, and
    `on_local_failure` for each origin that stays due, with its number and what this machine was
    short of.

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
        on_local_failure: Callable[[int, str], None] = lambda _origin, _why: None,
    ) -> None:
        self._frontier, self._visit, self._on_visit = frontier, visit, on_visit
        self._concurrency, self._time_budget = concurrency, time_budget
        self._on_local_failure = on_local_failure
        self._watch: NetworkWatch[Visit] = NetworkWatch()
        self._something_ended = asyncio.Event()
        self._slots, self._cuts = Slots(concurrency, self._something_ended.set), 0
        self._ended = RunEnd.FINISHED
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._batch: list[Visit] = []
        self._batch_octets = 0
        self._flush_timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None

    async def run(self) -> RunEnd:
        """Visit until there are no jobs or `stop` is called. Raises what the frontier raises."""
        self._queue = JobQueue(iter(self._frontier.jobs()))
        if self._time_budget is not None:
            self._call_later(self._time_budget, self.stop, RunEnd.BUDGET)
        try:
            await self._work()
        finally:
            await self._shutdown()
        self._frontier.finish(self._ended)
        return self._ended

    @property
    def is_stopping(self) -> bool:
        """Return whether no more visits begin, since the crawl was stopped."""
        return self._ended is not RunEnd.FINISHED

    def stop(self, ended: RunEnd = RunEnd.STOPPED) -> None:
        """Take no more jobs and give visits in flight `GRACE_S`; a second call cancels them."""
        if self._ended is not RunEnd.FINISHED:
            self._cancel_all()
            return
        self._ended = ended
        self._something_ended.set()
        self._call_later(GRACE_S, self._cancel_all)

    async def _work(self) -> None:
        """Begin visits while there are jobs and slots, and wait until all of them have ended."""
        while self._failure is None:
            self._something_ended.clear()
            while self._may_begin() and (found := self._queue.next()) is not None:
                self._begin(found.job, self._slots.begin(found.place))
            if not self._tasks:
                return
            await self._something_ended.wait()

    def _may_begin(self) -> bool:
        has_room = len(self._tasks) < self._concurrency + MAX_WAITING
        return self._ended is RunEnd.FINISHED and has_room and self._slots.is_free

    def _begin(self, job: OriginJob, slot: Slot) -> None:
        task = asyncio.create_task(self._carry_out(job, slot))
        self._tasks.add(task)
        task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._something_ended.set()
        if not task.cancelled() and self._failure is None:
            self._failure = task.exception()

    async def _carry_out(self, job: OriginJob, slot: Slot) -> None:
        """Make one visit, and take what it found; or begin it again later."""
        slots.current.set(slot)
        cuts = self._cuts
        try:
            visit = await self._visit(job)
            if visit.local_failure:
                self._put_off(job, visit.local_failure, is_first=cuts == self._cuts)
                await asyncio.sleep(_PAUSE_S)
                return
        except BusyError as error:
            self._queue.set_aside(job, error.place)
            return
        finally:
            slot.end()
        self._queue.forget_attempts(job)
        self._slots.size = min(self._concurrency, self._slots.size + 1 / self._slots.size)
        self._add_to_batch(self._watch.take(visit))
        if self._watch.is_down and self._ended is RunEnd.FINISHED:
            self.stop(RunEnd.NO_NETWORK)

    def _put_off(self, job: OriginJob, why: str, *, is_first: bool) -> None:
        """Visit an origin again later, or leave it due.

        `is_first`: no other local failure since this visit began.
        """
        if is_first:
            self._slots.size, self._cuts = max(1.0, self._slots.size / 2), self._cuts + 1
        if not self._queue.put_off(job):
            self._on_local_failure(job.origin_id, why)

    def _add_to_batch(self, visits: Sequence[Visit]) -> None:
        self._batch += visits
        self._batch_octets += sum(
            len(o.body) + len(o.extract) for visit in visits for o in visit.observations
        )
        if len(self._batch) >= _BATCH_SIZE or self._batch_octets >= _BATCH_OCTETS:
            self._flush()
        elif self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(_BATCH_S, self._flush_on_timer)

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        # Emptied first: if saving raises, `_shutdown` must not save the same visits again.
        batch, self._batch, self._batch_octets = self._batch, [], 0
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
        for task in self._tasks:
            task.cancel()

    def _call_later(self, seconds: float, callback: Callable[..., None], *args: object) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, callback, *args))

    async def _shutdown(self) -> None:
        """Cancel what still runs, raise the first failure or else save the last batch."""
        self._cancel_all()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        if self._failure is not None:
            raise self._failure
        self._batch += self._watch.finish()
        self._flush()
        if self._ended is RunEnd.FINISHED and self._watch.is_down:
            self._ended = RunEnd.NO_NETWORK
        if self._ended is RunEnd.NO_NETWORK:
            for visit in self._watch.held:
                self._on_local_failure(visit.origin_id, "no answer from any host")
        elif self._ended is RunEnd.FINISHED and self._queue.left_due:
            self._ended = RunEnd.LOCAL_FAILURE
