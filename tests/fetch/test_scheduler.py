"""The scheduler takes jobs lazily, saves visits in batches and raises what goes wrong."""

import asyncio
from itertools import count

import pytest

from crawler.fetch import scheduler
from crawler.fetch.scheduler import OriginJob, OriginScheduler, RunEnd, Visit
from crawler.model import Observation, Origin, Target
from crawler.vocab import Outcome, Resource
from tests.conftest import patience

ORIGIN = Origin(scheme="https", host="a.example", port=443, site="a.example")


class MemoryFrontier:
    """Gives jobs with these numbers, and remembers what was taken and saved."""

    def __init__(self, numbers, fails=False):
        self.numbers, self.fails = numbers, fails
        self.taken, self.saved = 0, []
        self.was_saved = asyncio.Event()

    def jobs(self):
        for number in self.numbers:
            self.taken += 1
            yield OriginJob(origin_id=number, origin=ORIGIN)

    def finish(self, ended):
        self.ended = ended

    def save(self, visits):
        if self.fails:
            raise OSError("full")
        self.saved.append([visit.origin_id for visit in visits])
        self.was_saved.set()


async def at_once(job):
    return Visit(origin_id=job.origin_id, origin=ORIGIN, observations=())


async def never(job):
    await asyncio.Event().wait()


async def first_at_once(job):
    return await (at_once(job) if job.origin_id == 1 else never(job))


def test_batches_of_fifty():
    frontier, visited = MemoryFrontier(range(120)), []
    made = OriginScheduler(
        frontier, at_once, concurrency=3, on_visit=lambda v: visited.append(v.origin_id)
    )
    assert asyncio.run(made.run()) is RunEnd.FINISHED
    assert [len(batch) for batch in frontier.saved] == [50, 50, 20]
    assert [number for batch in frontier.saved for number in batch] == visited == list(range(120))


def test_jobs_are_not_taken_before_they_can_be_done():
    frontier = MemoryFrontier(count())

    async def watch():
        made = OriginScheduler(frontier, never, concurrency=7)
        task = asyncio.create_task(made.run())
        for _ in range(50):
            await asyncio.sleep(0)
        made.stop()
        made.stop()
        return await task

    assert asyncio.run(watch()) is RunEnd.STOPPED
    assert (frontier.taken, frontier.saved) == (7, [])


def test_visits_in_flight_are_cancelled_after_the_grace_period(monkeypatch):
    monkeypatch.setattr(scheduler, "GRACE_S", 0.05)
    frontier = MemoryFrontier([1, 2, 3])
    made = OriginScheduler(frontier, first_at_once, concurrency=2, time_budget=0.01)
    assert asyncio.run(made.run()) is RunEnd.BUDGET
    assert frontier.saved == [[1]]


def test_visits_in_flight_may_end_within_the_grace_period(monkeypatch):
    monkeypatch.setattr(scheduler, "GRACE_S", patience(60))
    frontier = MemoryFrontier([1, 2, 3])

    async def watch():
        is_stopped = asyncio.Event()

        async def visit(job):
            await is_stopped.wait()
            return await at_once(job)

        made = OriginScheduler(frontier, visit, concurrency=2)
        task = asyncio.create_task(made.run())
        while frontier.taken < 2:
            await asyncio.sleep(0)
        made.stop()
        is_stopped.set()
        return await task

    assert asyncio.run(watch()) is RunEnd.STOPPED
    assert frontier.saved == [[1, 2]]


def test_a_visit_is_saved_while_another_is_in_flight(monkeypatch):
    monkeypatch.setattr(scheduler, "_BATCH_S", 0.01)
    frontier = MemoryFrontier([1, 2])

    async def visit(job):
        if job.origin_id == 2:
            async with asyncio.timeout(patience(10)):
                await frontier.was_saved.wait()
            assert frontier.saved == [[1]]
        return await at_once(job)

    assert asyncio.run(OriginScheduler(frontier, visit, concurrency=2).run()) is RunEnd.FINISHED
    assert frontier.saved == [[1], [2]]


@pytest.mark.parametrize(
    ("numbers", "visit"),
    [
        pytest.param([1], at_once, id="at the end"),
        pytest.param(range(60), at_once, id="when a batch is full"),
    ],
)
def test_a_frontier_that_cannot_save_fails_the_run(numbers, visit):
    with pytest.raises(OSError, match="full"):
        asyncio.run(
            OriginScheduler(MemoryFrontier(numbers, fails=True), visit, concurrency=2).run()
        )


def test_a_frontier_that_cannot_save_on_the_timer_fails_the_run(monkeypatch):
    monkeypatch.setattr(scheduler, "_BATCH_S", 0.01)
    frontier = MemoryFrontier([1, 2], fails=True)
    with pytest.raises(OSError, match="full"):
        asyncio.run(OriginScheduler(frontier, first_at_once, concurrency=2).run())


def test_no_jobs():
    frontier = MemoryFrontier([])
    made = OriginScheduler(frontier, at_once, concurrency=2)
    assert asyncio.run(made.run()) is RunEnd.FINISHED
    assert frontier.saved == []


def test_a_batch_is_bounded_by_the_size_of_its_bodies(monkeypatch):
    monkeypatch.setattr(scheduler, "_BATCH_OCTETS", 2500)
    frontier = MemoryFrontier(range(7))
    url = "https://a.example/"
    target = Target(resource=Resource.HOME, asked=url, url=url)

    async def visit(job):
        seen = Observation(target=target, outcome=Outcome.RESPONDED, status=200, body=b"x" * 1000)
        return Visit(origin_id=job.origin_id, origin=ORIGIN, observations=(seen,))

    assert asyncio.run(OriginScheduler(frontier, visit, concurrency=1).run()) is RunEnd.FINISHED
    assert frontier.saved == [[0, 1, 2], [3, 4, 5], [6]]
