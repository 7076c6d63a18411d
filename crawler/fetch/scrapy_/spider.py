"""Scrapy spider: ask the planner for the next request, send it, record the observation, repeat.

Rules for editors:

- One coroutine per origin. What was seen of an origin is local to `visit`.
- Every attempt gives one observation, whatever happens; exceptions are translated by
  `http.outcomes` only.
- Nothing is interpreted here. The one exception is the extract of pages and media files, made
  now because the whole is not kept.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Self, cast

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http.request import NO_CALLBACK

from crawler import page
from crawler.clock import stamp
from crawler.fetch.charging import cpu_charged
from crawler.fetch.http.client import ReceivedResponse
from crawler.fetch.http.conditional import NOT_MODIFIED, may_be_confirmed, not_modified
from crawler.fetch.http.connector import RequestContext
from crawler.fetch.http.outcomes import is_local, outcome_of, reach_of
from crawler.fetch.media_sandbox import MediaSandbox
from crawler.fetch.options import FetchOptions
from crawler.fetch.reach import Reach, farthest
from crawler.fetch.scheduler import Frontier, OriginJob, OriginScheduler, RunEnd, Visit
from crawler.fetch.slots import BusyError, EndedError, Turns, current_slot
from crawler.model import Observation, Origin, Target
from crawler.plan import budget
from crawler.plan.budget import Spent
from crawler.plan.history import OriginHistory
from crawler.plan.planner import PlanOptions, has_ended, next_target
from crawler.protocols.parse import media_type
from crawler.urls import resolve
from crawler.vocab import PAGES, SAMPLED, Outcome, Resource

_TEXT_RESOURCES = PAGES | {Resource.TERMS}
# Types of servers that do not know better, under which they send HTML and other files.
_UNKNOWN_TYPES = frozenset(("", "application/octet-stream", "unknown/unknown"))
_HTML_TYPES = frozenset(("text/html", "application/xhtml+xml")) | _UNKNOWN_TYPES


class ReservationsSpider(Spider):
    """Visit the origins of a frontier.

    `run.crawl` passes `frontier` and `options`. From Scrapy's command line,
    `-a db=PATH [-a run=ID]` opens the frontier of a run; see `from_crawler`.

    After the crawl, `ended` says how it ended and `failure` holds what the frontier raised.
    """

    name = "reservations"

    def __init__(
        self,
        *args: Any,
        options: FetchOptions,
        frontier: Frontier,
        on_visit: Callable[[Visit], None] | None = None,
        on_local_failure: Callable[[int, str], None] = lambda _origin, _why: None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.options = options
        self.ended = RunEnd.FINISHED
        self.failure: Exception | None = None
        self._plan_options = PlanOptions(
            pages=options.pages,
            adaptive_pages=options.adaptive_pages,
            media=options.media,
            terms=options.terms,
            context=options.context,
            policy_files_always=options.policy_files_always,
            listed=options.listed,
        )
        self._sandbox = MediaSandbox()
        # Scrapy sends one request at a time to a host; a visit that waits for those of others holds
        # no slot meanwhile.
        self._hosts = Turns(1)
        self._scheduler = OriginScheduler(
            frontier,
            self.visit,
            concurrency=options.concurrency,
            time_budget=options.time_budget,
            on_visit=on_visit,
            on_local_failure=on_local_failure,
        )

    @classmethod
    def from_crawler(
        cls, crawler: Crawler, *args: Any, db: str = "output/audit.db", run: str = "", **kwargs: Any
    ) -> Self:
        """Make the spider; open the frontier from `db` and `run` if none was passed."""
        if "frontier" not in kwargs:
            # Imported late: a crawl with another frontier needs no database.
            from crawler.fetch.frontier import open_frontier

            kwargs["frontier"] = frontier = open_frontier(db, int(run) if run else None)
            kwargs["options"] = frontier.options
        return super().from_crawler(crawler, *args, **kwargs)

    async def start(self) -> AsyncIterator[Any]:
        """Do the whole crawl, and yield no request to Scrapy's scheduler.

        A request that is yielded passes the scheduler, the scraper and their signals, which costs
        more than the request; see docs/explanation/decisions/0006-scrapy-as-downloader.md.
        """
        try:
            self.ended = await self._scheduler.run()
        except Exception as error:  # Scrapy would log it and report success
            self.failure = error
        finally:
            self._sandbox.close()
        # Scrapy wants an asynchronous generator, and a `yield` makes it one.
        nothing: tuple[Request, ...] = ()
        for request in nothing:
            yield request

    def stop(self) -> None:
        """Stop in good order; see `OriginScheduler.stop`."""
        self._scheduler.stop()

    async def visit(self, job: OriginJob) -> Visit:
        """Fetch all that the planner asks for of one origin.

        A crash of this program becomes the last observation, so that one origin never stops a run.
        A local failure ends the visit: nothing of it will be stored. Once a budget of the origin is
        used up, the planner withholds what is left. Raises `BusyError` if the visit is to begin
        later.

        A visit for URLs of a list may end before all of them were requested: when the crawl is
        stopped, or by a local failure. What was requested is stored then.
        """
        history, crash, local_failure = OriginHistory(job.known), list[Observation](), ""
        reaches, spent = list[Reach](), Spent()
        step: Target | Observation | None = None
        try:
            while not local_failure and (step := self._next_step(job, history, spent)):
                if self._is_ending():
                    raise EndedError
                observation = await self._carry_out(step, job, reaches, spent)
                current_slot().is_fresh = False
                history.add(observation)
                if observation.outcome is Outcome.LOCAL_FAILURE:
                    local_failure = observation.note
        except BusyError:
            raise
        except (asyncio.CancelledError, EndedError) as end:
            if not self._may_end(job, history):
                raise asyncio.CancelledError from end
        except Exception as error:  # one origin never stops the run
            if is_local(error):
                local_failure = outcome_of(error)[1]
            crash.append(_crash_observation(job.origin, len(history.observations), error))
        made = history.observations[len(job.known) :]
        if self._may_end(job, history):
            made, local_failure = self._whole(made, history, step), ""
        return Visit(
            origin_id=job.origin_id,
            origin=job.origin,
            observations=(*made, *crash),
            reach=farthest(reaches),
            local_failure=local_failure,
        )

    def _is_ending(self) -> bool:
        """Return whether visits for URLs of a list send no more requests."""
        return self._plan_options.listed and self._scheduler.is_stopping

    def _may_end(self, job: OriginJob, history: OriginHistory) -> bool:
        """Return whether nothing but URLs of a list may be left to request."""
        made = history.observations[len(job.known) :]
        return self._plan_options.listed and any(o.target.resource in SAMPLED for o in made)

    def _whole(
        self,
        observations: Sequence[Observation],
        history: OriginHistory,
        step: Target | Observation | None,
    ) -> list[Observation]:
        """Return the observations of URLs of a list that need no further request.

        `step` is the one at which the visit ended, None if nothing was left. If that is a document
        to which a page links, the page is left out, too: it is requested again with the document.
        """
        chains = dict.fromkeys((o.target.resource, o.target.asked) for o in observations)
        kept = {chain for chain in chains if has_ended(chain, history, self._plan_options)}
        target = step.target if isinstance(step, Observation) else step
        if target is not None and target.resource not in SAMPLED:
            kept.discard(next(chain for chain in reversed(chains) if chain[0] in SAMPLED))
        return [
            o
            for o in observations
            if (o.target.resource, o.target.asked) in kept
            and o.outcome is not Outcome.LOCAL_FAILURE
        ]

    def _next_step(
        self, job: OriginJob, history: OriginHistory, spent: Spent
    ) -> Target | Observation | None:
        """Return the planner's next step; deciding on it is charged to the origin, too."""
        while True:
            history.used_up = budget.reason(spent, self.options.origin_budget)
            with cpu_charged(spent):
                step = next_target(job.origin, job.samples, history, self._plan_options)
            is_covered = history.used_up or not budget.reason(spent, self.options.origin_budget)
            if is_covered or not isinstance(step, Target):
                return step

    async def _carry_out(
        self, step: Target | Observation, job: OriginJob, reaches: list[Reach], spent: Spent
    ) -> Observation:
        """Return the observation of a step; the planner makes those of withheld requests itself."""
        if isinstance(step, Target):
            return await self._fetch(step, job, reaches, spent)
        # The planner is pure and has no clock.
        return step if step.started_at else replace(step, started_at=stamp())

    async def _fetch(
        self, target: Target, job: OriginJob, reaches: list[Reach], spent: Spent
    ) -> Observation:
        """Send one request and return its observation; network errors do not raise.

        How far it came is added to `reaches`, what it took to `spent`.
        """
        host = resolve.host_of(resolve.origin_text(target.url))
        stored = job.stored_responses.get((target.resource, target.url))
        if not may_be_confirmed(stored, self.options.full_every):
            stored = None
        cap = self.options.max_media if target.resource is Resource.MEDIA else 0
        context = RequestContext(
            own_port=job.origin.port, cap=cap, spent=spent, is_ending=self._is_ending
        )
        # Verbatim: without it Scrapy normalises the URL, and another URL would be asked.
        meta = {"verbatim_url": True, "download_slot": host, "request_context": context}
        headers = dict(stored.conditions) if stored else None
        request = Request(target.url, callback=NO_CALLBACK, headers=headers, meta=meta)
        try:
            async with self._hosts.turn(host, context.slot):
                response = await self._download(request)
            reaches.append(Reach.ANSWERED)
            if response.status == NOT_MODIFIED:
                observation = not_modified(target, response, stored)
            else:
                with cpu_charged(spent):
                    observation = _observation_of(target, response)
                observation = await self._with_media_extract(observation)
        except (BusyError, EndedError):
            raise
        except Exception as error:  # translated in one table
            outcome, note = outcome_of(error)
            reaches.append(reach_of(error, context.address))
            observation = Observation(target=target, outcome=outcome, note=note)
        return replace(
            observation,
            note="; ".join(filter(None, (target.in_spite_of, observation.note))),
            started_at=context.started_at or stamp(),
            elapsed_ms=context.elapsed_ms,
            address=context.address,
            tls_version=context.tls.version,
            tls_certificate=context.tls.certificate,
            tls_verified=context.tls.verified,
            certificate=context.tls.document,
        )

    async def _download(self, request: Request) -> ReceivedResponse:
        assert self.crawler.engine is not None
        return cast("ReceivedResponse", await self.crawler.engine.download_async(request))

    async def _with_media_extract(self, observation: Observation) -> Observation:
        """Add the extract of a media file; return any other observation unchanged."""
        status = observation.status
        is_success = status is not None and 200 <= status < 300
        if observation.target.resource is not Resource.MEDIA or not is_success:
            return observation
        extract = await self._sandbox.extract(
            observation.body,
            truncated=observation.truncated,
            origin=resolve.origin_text(observation.target.asked),
        )
        return replace(observation, extract=extract)


def _observation_of(target: Target, response: ReceivedResponse) -> Observation:
    """Return the observation of a response, with the extract if it is a page."""
    observation = Observation(
        target=target,
        outcome=Outcome.TOO_LARGE if response.truncated else Outcome.RESPONDED,
        status=response.status,
        headers=response.fields,
        body=response.body,
        size=len(response.body),
        truncated=response.truncated,
        note=response.note,
    )
    is_success = 200 <= response.status < 300
    kind, charset = media_type(observation)
    if target.resource in _TEXT_RESOURCES and is_success and kind in _HTML_TYPES:
        if kind in _UNKNOWN_TYPES and page.is_other_file(response.body):
            return observation
        return replace(observation, extract=page.extract(response.body, charset))
    return observation


def _crash_observation(origin: Origin, hop: int, error: Exception) -> Observation:
    # The hop is beyond any that was taken, so that no stored observation has the same key.
    target = Target(
        resource=Resource.HOME, asked=f"{origin.url}/", url=f"{origin.url}/", hop=hop + 1
    )
    note = f"internal: {error!r}"[:300]
    return Observation(target=target, outcome=Outcome.BROKEN, started_at=stamp(), note=note)
