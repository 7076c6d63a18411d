"""A bounded window of origins, fed lazily, saved whole and in batches."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from crawler.model import Observation, Origin
from crawler.store.stored_responses import KnownAnswers

#: Seconds that origins in flight are given when a crawl is stopped; who stops it waits for five.
GRACE = 2.5
_BATCH, _BATCH_SECONDS = 50, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginJob:
    """An origin to visit; `samples` are URLs of pages of it, `known` what it sent before."""

    origin_id: int
    origin: Origin
    samples: tuple[str, ...] = ()
    known: KnownAnswers = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Everything seen of an origin, in order."""

    origin_id: int
    origin: Origin
    observations: tuple[Observation, ...]


class RunEnd(StrEnum):
    """How a crawl ended; all but `finished` leave jobs for the next."""

    FINISHED = "finished"
    STOPPED = "stopped"
    BUDGET = "budget"


class Frontier(Protocol):
    """Where jobs come from and visits go; all of it is called from the event loop."""

    def jobs(self) -> Iterator[OriginJob]:
        """The jobs still to be done, taken one at a time while visits are being saved."""

    def save(self, visits: Sequence[Visit]) -> None:
        """Store visits whole: all of them or, if this raises, none."""

    def finish(self, ended: RunEnd) -> None:
        """Take note of how it ended; called once, after the last visit was saved."""


class OriginScheduler:
    """Workers that take the next job when they are done with one.

    A visit that is cut off is not saved, so its origin is visited again by the next crawl.
    """

    def __init__(
        self,
        workbook: Frontier,
        visit: Callable[[OriginJob], Awaitable[Visit]],
        *,
        concurrency: int,
        time_budget: float | None = None,
        on_visit: Callable[[Visit], None] | None = None,
    ) -> None:
        self._workbook, self._visit, self._on_visit = workbook, visit, on_visit
        self._concurrency, self._budget = concurrency, time_budget
        self._ended = RunEnd.FINISHED
        self._workers: list[asyncio.Task[None]] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._batch: list[Visit] = []
        self._saving: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None

    async def run(self) -> RunEnd:
        """Work until there are no jobs or `stop` is called; raises what the workbook raises."""
        self._jobs = iter(self._workbook.jobs())
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        if self._budget is not None:
            self._in(self._budget, self.stop, RunEnd.BUDGET)
        try:
            await asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            await self._clear()
        self._workbook.finish(self._ended)
        return self._ended

    def stop(self, how: RunEnd = RunEnd.STOPPED) -> None:
        """Take no more jobs, and give those in flight a few seconds; a second call, none."""
        if self._ended is not RunEnd.FINISHED:
            self._cut()
            return
        self._ended = how
        self._in(GRACE, self._cut)

    async def _work(self) -> None:
        while self._ended is RunEnd.FINISHED and (job := next(self._jobs, None)) is not None:
            self._keep(await self._visit(job))

    def _keep(self, visit: Visit) -> None:
        self._batch.append(visit)
        if len(self._batch) >= _BATCH:
            self._save()
        elif self._saving is None:
            loop = asyncio.get_running_loop()
            self._saving = loop.call_later(_BATCH_SECONDS, self._save_in_time)

    def _save(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        batch, self._batch = self._batch, []
        if batch:
            self._workbook.save(batch)
        if self._on_visit is not None:
            for visit in batch:
                self._on_visit(visit)

    def _save_in_time(self) -> None:
        try:
            self._save()
        except Exception as error:  # a timer has nobody to raise to; `run` does
            self._failure = error
            self._cut()

    def _cut(self) -> None:
        for worker in self._workers:
            worker.cancel()

    def _in(self, seconds: float, call: Callable[..., None], *args: object) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, call, *args))

    async def _clear(self) -> None:
        """Leave nothing running, save what is whole, and raise what went wrong first."""
        self._cut()
        ended = await asyncio.gather(*self._workers, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        failures = [e for e in (self._failure, *ended) if isinstance(e, Exception)]
        if failures:
            raise failures[0]
        self._save()
