"""Ask the plan, fetch, record, ask again: one coroutine for each origin."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Self, cast

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http.request import NO_CALLBACK

from crawler import page
from crawler.fetch.clock import stamp
from crawler.fetch.http.client import ReceivedResponse
from crawler.fetch.http.conditional import NOT_MODIFIED, not_modified
from crawler.fetch.http.connector import RequestContext
from crawler.fetch.http.outcomes import outcome_of
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import Frontier, OriginJob, OriginScheduler, RunEnd, Visit
from crawler.fetch.workers.media_sandbox import MediaSandbox
from crawler.model import Observation, Origin, Target
from crawler.plan.history import OriginHistory
from crawler.plan.planner import PlanOptions, next_target
from crawler.protocols.parse import media_type
from crawler.urls import resolve
from crawler.vocab import PAGES, Outcome, Resource

_TEXTS = PAGES | {Resource.TERMS}
_HTML = frozenset(
    ("", "text/html", "application/xhtml+xml", "application/octet-stream", "unknown/unknown")
)


class ReservationsSpider(Spider):
    """Visits the origins of a workbook: `-a db=PATH [-a run=ID]`, or as `run.crawl` gives it."""

    name = "reservations"

    def __init__(
        self,
        *args: Any,
        options: FetchOptions,
        workbook: Frontier,
        on_visit: Callable[[Visit], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.options = options
        self.ended = RunEnd.FINISHED
        self.failure: Exception | None = None
        self._plan = PlanOptions(
            pages=options.pages,
            media=options.media,
            terms=options.terms,
            context=options.context,
            policy_files_always=options.policy_files_always,
        )
        self._room = MediaSandbox()
        self._pool = OriginScheduler(
            workbook,
            self.visit,
            concurrency=options.concurrency,
            time_budget=options.time_budget,
            on_visit=on_visit,
        )

    @classmethod
    def from_crawler(
        cls, crawler: Crawler, *args: Any, db: str = "output/audit.db", run: str = "", **kwargs: Any
    ) -> Self:
        """Give the command line of Scrapy what `run.crawl` passes: the options of the run."""
        if "workbook" not in kwargs:
            # Imported late: a crawl with another workbook needs no database.
            from crawler.fetch.frontier import open_frontier

            kwargs["workbook"] = book = open_frontier(db, int(run) if run else None)
            kwargs["options"] = book.options
        return super().from_crawler(crawler, *args, **kwargs)

    async def start(self) -> AsyncIterator[Any]:
        """Do all the work. Nothing is yielded: Scrapy's scheduler costs more per request than
        the request, and scans every waiting host for each.
        """
        try:
            self.ended = await self._pool.run()
        except Exception as error:  # Scrapy would log it and report success
            self.failure = error
        finally:
            self._room.close()
        nothing: tuple[Request, ...] = ()
        for request in nothing:
            yield request

    def stop(self) -> None:
        """Stop in good order: see `Pool.stop`."""
        self._pool.stop()

    async def visit(self, job: OriginJob) -> Visit:
        """Everything of one origin; a crash of ours becomes its last observation."""
        seen, crash = OriginHistory(), list[Observation]()
        try:
            while step := next_target(job.origin, job.samples, seen, self._plan):
                seen.add(await self._take(step, job))
        except Exception as error:  # one origin never stops the run
            crash.append(_internal(job.origin, len(seen.all), error))
        found = (*seen.all, *crash)
        return Visit(origin_id=job.origin_id, origin=job.origin, observations=found)

    async def _take(self, step: Target | Observation, job: OriginJob) -> Observation:
        if isinstance(step, Target):
            return await self._observe(step, job)
        return step if step.started_at else replace(step, started_at=stamp())

    async def _observe(self, target: Target, job: OriginJob) -> Observation:
        """One attempt, whatever comes of it."""
        host = resolve.host_of(resolve.origin_of(target.url))
        known = job.known.get((target.resource, target.url))
        cap = self.options.max_media if target.resource is Resource.MEDIA else 0
        trip = RequestContext(own_port=job.origin.port, cap=cap)
        meta = {"verbatim_url": True, "download_slot": host, "trip": trip}
        headers = dict(known.conditions) if known else None
        request = Request(target.url, callback=NO_CALLBACK, headers=headers, meta=meta)
        try:
            assert self.crawler.engine is not None
            response = cast("ReceivedResponse", await self.crawler.engine.download_async(request))
            if response.status == NOT_MODIFIED:
                found = not_modified(target, response, known)
            else:
                found = await self._looked_into(_answer(target, response))
        except Exception as error:  # translated in one table
            outcome, note = outcome_of(error)
            found = Observation(target=target, outcome=outcome, note=note)
        return replace(
            found,
            started_at=trip.started_at or stamp(),
            elapsed_ms=trip.elapsed_ms,
            address=trip.address,
            tls_version=trip.tls.version,
            tls_certificate=trip.tls.certificate,
            tls_verified=trip.tls.verified,
        )

    async def _looked_into(self, found: Observation) -> Observation:
        """An answer with the extract of the media file that it is, if it is one."""
        there = found.status is not None and 200 <= found.status < 300
        if found.target.resource is not Resource.MEDIA or not there:
            return found
        extract = await self._room.extract(found.body, truncated=found.truncated)
        return replace(found, extract=extract)


def _answer(target: Target, response: ReceivedResponse) -> Observation:
    found = Observation(
        target=target,
        outcome=Outcome.TOO_LARGE if response.truncated else Outcome.RESPONDED,
        status=response.status,
        headers=response.fields,
        body=response.body,
        size=len(response.body),
        truncated=response.truncated,
        note=response.note,
    )
    kind, charset = media_type(found)
    if target.resource in _TEXTS and 200 <= response.status < 300 and kind in _HTML:
        return replace(found, extract=page.extract(response.body, charset))
    return found


def _internal(origin: Origin, hop: int, error: Exception) -> Observation:
    # The hop is beyond any that was taken, so that nothing seen has the same key.
    target = Target(
        resource=Resource.HOME, asked=f"{origin.url}/", url=f"{origin.url}/", hop=hop + 1
    )
    note = f"internal: {error!r}"[:300]
    return Observation(target=target, outcome=Outcome.BROKEN, started_at=stamp(), note=note)
