"""Hosts and addresses that make others wait hold up nobody else: the order as servers see it."""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from crawler.demo.answers import Plain, RedirectsTo, html, status, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.fetch.job_queue import JobQueue, OriginJob
from crawler.fetch.scheduler import OriginScheduler, RunEnd, Visit
from crawler.fetch.slots import BusyError, Slots, Turns, current_slot
from crawler.model import Origin
from tests.conftest import patience
from tests.fetch.test_crawl import finish, start

# The slow are more than there are slots, and than may wait for their turn.
CONCURRENCY, PER_ADDRESS, SLOW, QUICK = 8, 3, 24, 20
_GONE = status(404)


@dataclass
class WaitsForOthers:
    """Answers once all of the quick hosts have been visited, or in vain after a while."""

    gate: threading.Event
    answer: Plain = _GONE
    now: int = 0
    most_before: int = 0
    begun: int = field(default=0)

    async def play(self, exchange):
        if not self.gate.is_set():
            self.begun += 1
        for _ in range(int(patience(200))):
            if self.gate.is_set():
                return await self.answer.play(exchange)
            await asyncio.sleep(0.05)
        return False


@dataclass
class Counted:
    """Sees the home page of every quick host, and then opens the gate."""

    gate: threading.Event
    seen: set = field(default_factory=set)

    async def play(self, exchange):
        self.seen.add(exchange.request.host)
        if len(self.seen) == QUICK:
            self.gate.set()
        return await html().play(exchange)


def _sites(slow, gate):
    counted = Counted(gate)
    quick = [
        Site(host=f"q{n}.test", about="", expect={}, pages={"/": counted}) for n in range(QUICK)
    ]
    return [*slow, *quick], [{"url": f"http://q{n}.test"} for n in range(QUICK)]


def _one_address(waits):
    sites = [
        Site(host=f"s{n}.test", about="", expect={}, pages={}, otherwise=waits) for n in range(SLOW)
    ]
    return sites, [{"url": f"http://{site.host}"} for site in sites], PER_ADDRESS


def _one_host(waits):
    site = Site(host="s0.test", about="", expect={}, pages={}, otherwise=waits)
    return [site], [{"url": f"http://s0.test:{8000 + n}"} for n in range(SLOW)], 1


def _one_target(waits):
    """Each has an address for itself, and all of them redirect to one host."""
    target = Site(host="target.test", about="", expect={}, pages={}, otherwise=waits)
    to_target = RedirectsTo("http://target.test/robots.txt")
    sites = [
        Site(host=f"s{n}.test", about="", expect={}, pages={"/robots.txt": to_target})
        for n in range(SLOW)
    ]
    return [target, *sites], [{"url": f"http://{site.host}"} for site in sites], 1


@pytest.mark.parametrize(
    "slow",
    [
        pytest.param(_one_address, id="many hosts at one address"),
        pytest.param(_one_host, id="many origins of one host"),
        pytest.param(_one_target, id="many hosts that redirect to one"),
    ],
)
def test_who_waits_for_others_holds_no_slot(slow):
    """The slow come first in the order, and answer only when all others have been served."""
    gate = threading.Event()
    waits = WaitsForOthers(gate, text("User-agent: *\nDisallow: /\n"))
    sites, jobs, most = slow(waits)
    sites, quick = _sites(sites, gate)
    with LoopbackWeb(sites, listen=(("127.0.0.1", 0), ("127.0.0.2", 0))) as web:
        # The slow are at the second address; where they only redirect, their target is.
        away = "target.test" if slow is _one_target else "s{}.test"
        rules = [f"{away.format(n)}::127.0.0.2:{web.ports[1]}" for n in range(SLOW)]
        rules.append(f"::127.0.0.1:{web.ports[0]}")
        process = start(
            [*jobs, *quick],
            connect_to=rules,
            allow_network=["127.0.0.0/30"],
            concurrency=CONCURRENCY,
            per_address=PER_ADDRESS,
            timeout=patience(8),
        )
        visits, end = finish(process)
    assert gate.is_set()
    assert (len(visits), end["ended"]) == (SLOW + QUICK, "finished")
    # No more than may be in flight there at once had been asked before all others were served.
    assert 0 < waits.begun <= most
    assert {o["outcome"] for v in visits for o in v["observations"]} == {"responded", "withheld"}


def _origin(number):
    return Origin(scheme="http", host=f"h{number}.example", port=80, site="example")


def _jobs(numbers):
    return iter(OriginJob(origin_id=n, origin=_origin(n)) for n in numbers)


class Frontier:
    """Gives jobs with these numbers, and remembers the order of the visits."""

    def __init__(self, numbers):
        self.numbers, self.saved = numbers, []

    def jobs(self):
        return _jobs(self.numbers)

    def save(self, visits):
        self.saved += [visit.origin_id for visit in visits]

    def finish(self, ended):
        self.ended = ended


def _crawl(numbers, key_of, limit, concurrency):
    """Make visits of one request each, to the place `key_of` a number; return what happened."""
    turns, frontier, begun = Turns(limit), Frontier(numbers), []
    now: dict[str, int] = {}
    most: dict[str, int] = {}

    async def visit(job):
        key = key_of(job.origin_id)
        async with turns.turn(key, current_slot()):
            begun.append(job.origin_id)
            now[key] = now.get(key, 0) + 1
            most[key] = max(most.get(key, 0), now[key])
            most["all"] = max(most.get("all", 0), sum(now.values()))
            for _ in range(5):
                await asyncio.sleep(0)
            now[key] -= 1
        return Visit(origin_id=job.origin_id, origin=job.origin, observations=())

    ended = asyncio.run(OriginScheduler(frontier, visit, concurrency=concurrency).run())
    assert ended is RunEnd.FINISHED
    assert sorted(frontier.saved) == list(numbers)
    return begun, most


def test_places_take_turns():
    """A thousand for one place and, behind them, ten for another: these need not wait."""
    begun, most = _crawl(range(1010), lambda n: "a" if n < 1000 else "b", limit=2, concurrency=8)
    assert most == {"a": 2, "b": 2, "all": 4}
    assert max(begun.index(n) for n in range(1000, 1010)) < 100
    assert [n for n in begun if n < 1000] == list(range(1000))


def test_no_more_than_the_slots_at_once():
    begun, most = _crawl(range(300), lambda n: str(n % 30), limit=2, concurrency=8)
    assert len(begun) == 300
    assert most["all"] == 8


def test_what_is_set_aside_is_bounded(monkeypatch):
    monkeypatch.setattr("crawler.fetch.job_queue.MAX_ASIDE", 20)
    taken = []

    def jobs():
        for job in _jobs(range(100)):
            taken.append(job.origin_id)
            yield job

    queue, turns, place = JobQueue(jobs()), Turns(1), None
    for _ in range(2):
        turns.enter("a")

    async def is_busy():
        async with turns.turn("a", Slots(1).begin()):
            raise AssertionError

    with pytest.raises(BusyError) as raised:
        asyncio.run(is_busy())
    place = raised.value.place
    while (found := queue.next()) is not None:
        queue.set_aside(found.job, place)
    assert len(taken) == 20
    turns.leave("a")
    following = queue.next()
    assert (following.job.origin_id, following.place) == (0, place)


def test_a_visit_that_is_cut_while_it_waits_frees_its_slot():
    async def scene():
        slots, turns = Slots(1), Turns(1)
        first, second = slots.begin(), None
        async with turns.turn("a", first):
            slots.size = 2
            second = slots.begin()
            slots.size = 1

            async def wait():
                async with turns.turn("a", second):
                    raise AssertionError

            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        first.end()
        second.end()
        return slots.is_free, turns.has_room("a")

    assert asyncio.run(scene()) == (True, True)
