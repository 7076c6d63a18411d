"""Scheduler of a crawl: a bounded number of origins in flight, visits saved in batches.

Rules for editors:

- Take jobs lazily. A run may have millions of origins, and a job that was not taken needs no
  cleaning up when the crawl stops.
- A visit is saved whole or not at all; one that is cancelled is made again by the next crawl.
- Scrapy's scheduler is not used, see docs/decisions/0006-scrapy-as-downloader.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from crawler.model import Observation, Origin
from crawler.store.stored_responses import StoredResponses

#: Seconds that visits in flight are given when a crawl is stopped. Together with saving and
#: judging it keeps the promise of docs/crawling.md: five seconds from the signal to the exit.
GRACE_S = 2.5
# A transaction per visit would cost more than the visit; what waits to be saved is lost by a kill.
_BATCH_SIZE, _BATCH_S = 50, 1.0


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
    """All observations of an origin in one run, in the order they were made."""

    origin_id: int
    origin: Origin
    observations: tuple[Observation, ...]


class RunEnd(StrEnum):
    """End of a crawl. All but `finished` leave jobs for the next crawl."""

    FINISHED = "finished"
    STOPPED = "stopped"
    BUDGET = "budget"


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
    `time_budget` is in seconds. `on_visit` is called for each visit once it is saved.
    """

    def __init__(
        self,
        frontier: Frontier,
        visit: Callable[[OriginJob], Awaitable[Visit]],
        *,
        concurrency: int,
        time_budget: float | None = None,
        on_visit: Callable[[Visit], None] | None = None,
    ) -> None:
        self._frontier, self._visit, self._on_visit = frontier, visit, on_visit
        self._concurrency, self._time_budget = concurrency, time_budget
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
        self._call_later(GRACE_S, self._cancel_all)

    async def _work(self) -> None:
        while self._ended is RunEnd.FINISHED and (job := next(self._jobs, None)) is not None:
            self._add_to_batch(await self._visit(job))

    def _add_to_batch(self, visit: Visit) -> None:
        self._batch.append(visit)
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
        self._flush()
