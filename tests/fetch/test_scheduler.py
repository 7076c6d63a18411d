"""Jobs are taken lazily, visits saved in batches, and failures told."""

import asyncio
from itertools import count

import pytest

from crawler.fetch import scheduler
from crawler.fetch.scheduler import OriginJob, OriginScheduler, RunEnd, Visit
from crawler.model import Origin

ORIGIN = Origin(scheme="https", host="a.example", port=443, site="a.example")


class Book:
    def __init__(self, jobs, fails=False):
        self.given, self.fails = jobs, fails
        self.taken, self.saved = 0, []

    def jobs(self):
        for number in self.given:
            self.taken += 1
            yield OriginJob(origin_id=number, origin=ORIGIN)

    def finish(self, ended):
        self.ended = ended

    def save(self, visits):
        if self.fails:
            raise OSError("full")
        self.saved.append([visit.origin_id for visit in visits])


async def at_once(job):
    return Visit(origin_id=job.origin_id, origin=ORIGIN, observations=())


async def never(job):
    await asyncio.sleep(1000)


def test_batches_of_fifty():
    book, told = Book(range(120)), []
    made = OriginScheduler(
        book, at_once, concurrency=3, on_visit=lambda v: told.append(v.origin_id)
    )
    assert asyncio.run(made.run()) is RunEnd.FINISHED
    assert [len(batch) for batch in book.saved] == [50, 50, 20]
    assert [number for batch in book.saved for number in batch] == told == list(range(120))


def test_jobs_are_not_taken_before_somebody_can_do_them():
    book = Book(count())

    async def watch():
        made = OriginScheduler(book, never, concurrency=7)
        task = asyncio.create_task(made.run())
        await asyncio.sleep(0.01)
        made.stop()
        made.stop()
        return await task

    assert asyncio.run(watch()) is RunEnd.STOPPED
    assert (book.taken, book.saved) == (7, [])


def test_visits_in_flight_have_a_while_when_stopped(monkeypatch):
    monkeypatch.setattr(scheduler, "GRACE", 0.05)
    book = Book([1, 2, 3])

    async def visit(job):
        return await (at_once(job) if job.origin_id == 1 else never(job))

    made = OriginScheduler(book, visit, concurrency=2, time_budget=0.01)
    assert asyncio.run(made.run()) is RunEnd.BUDGET
    assert book.saved == [[1]]


def test_what_is_whole_is_saved_in_time(monkeypatch):
    monkeypatch.setattr(scheduler, "_BATCH_SECONDS", 0.01)
    book = Book([1, 2])

    async def visit(job):
        if job.origin_id == 2:
            await asyncio.sleep(0.05)
            assert book.saved == [[1]]
        return await at_once(job)

    assert asyncio.run(OriginScheduler(book, visit, concurrency=2).run()) is RunEnd.FINISHED
    assert book.saved == [[1], [2]]


@pytest.mark.parametrize(
    ("jobs", "visit"),
    [
        pytest.param([1], at_once, id="at the end"),
        pytest.param(range(60), at_once, id="when a batch is full"),
    ],
)
def test_a_workbook_that_cannot_save_fails_the_run(jobs, visit):
    with pytest.raises(OSError, match="full"):
        asyncio.run(OriginScheduler(Book(jobs, fails=True), visit, concurrency=2).run())


def test_a_workbook_that_cannot_save_in_time_fails_the_run(monkeypatch):
    monkeypatch.setattr(scheduler, "_BATCH_SECONDS", 0.01)

    async def visit(job):
        return await (at_once(job) if job.origin_id == 1 else never(job))

    with pytest.raises(OSError, match="full"):
        asyncio.run(OriginScheduler(Book([1, 2], fails=True), visit, concurrency=2).run())


def test_no_jobs():
    book = Book([])
    assert asyncio.run(OriginScheduler(book, at_once, concurrency=2).run()) is RunEnd.FINISHED
    assert book.saved == []
