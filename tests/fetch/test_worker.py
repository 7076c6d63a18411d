"""A batch frontier holds each shard open until all its visits are saved."""

import contextlib

import pytest

from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import OriginJob, RunEnd, Visit
from crawler.fetch.workers.worker import BatchFrontier
from crawler.model import Origin

HERE = Origin(scheme="https", host="a.test", port=443, site="a.test")


class ShardFrontier:
    """A shard with two origins, numbered by its name."""

    options = FetchOptions()

    def __init__(self, name):
        self.name, self.saved, self.open = name, [], True

    def jobs(self):
        for n in (1, 2):
            yield OriginJob(origin_id=int(self.name) * 10 + n, origin=HERE)

    def save(self, visits):
        assert self.open
        self.saved += [visit.origin_id for visit in visits]

    def close(self):
        assert self.open
        self.open = False


@pytest.fixture
def shards():
    return {name: ShardFrontier(name) for name in "123"}


@pytest.fixture
def frontier(shards):
    paths = iter(("2", "3", ""))
    return BatchFrontier("1", shards.get, lambda: next(paths), contextlib.nullcontext)


def visit(*numbers):
    return [Visit(origin_id=n, origin=HERE, observations=()) for n in numbers]


def test_a_shard_is_let_go_once_all_of_it_is_saved(frontier, shards):
    jobs = frontier.jobs()
    assert [next(jobs).origin_id for _ in range(3)] == [11, 12, 21]
    frontier.save(visit(12))
    assert shards["1"].open
    frontier.save(visit(11, 21))
    assert not shards["1"].open
    assert shards["2"].open, "another job of it was not taken yet"
    assert [job.origin_id for job in jobs] == [22, 31, 32]
    frontier.save(visit(22, 31, 32))
    assert [shard.open for shard in shards.values()] == [False] * 3
    frontier.finish(RunEnd.FINISHED)
    assert [shard.saved for shard in shards.values()] == [[12, 11], [21, 22], [31, 32]]


def test_what_was_saved_before_the_last_job_was_taken_does_not_close_a_shard(frontier, shards):
    jobs = frontier.jobs()
    frontier.save(visit(next(jobs).origin_id))
    assert shards["1"].open
    frontier.save(visit(next(jobs).origin_id))
    assert shards["1"].open
    assert next(jobs).origin_id == 21
    assert not shards["1"].open


def test_a_crawl_that_stops_lets_every_shard_go(frontier, shards):
    jobs = frontier.jobs()
    for _ in range(3):
        next(jobs)
    frontier.save(visit(11))
    frontier.finish(RunEnd.STOPPED)
    assert [shards[name].open for name in "12"] == [False, False]
    assert shards["1"].saved == [11]
