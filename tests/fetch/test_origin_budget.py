"""An origin has a budget of time, CPU time and octets; what is left is withheld, never absent."""

import asyncio
import json
from dataclasses import dataclass

import pytest

from crawler.demo.answers import head, html, status, text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.fetch.charging import cpu_charged_steps
from crawler.fetch.http.client import Client
from crawler.fetch.http.connector import MAX_FRAMING_OCTETS, RequestContext
from crawler.fetch.http.outcomes import BrokenAnswerError
from crawler.fetch.options import FetchOptions
from crawler.plan import budget
from crawler.plan.budget import OriginBudget, Spent
from tests.conftest import patience
from tests.crawl_helpers import crawl, requests_without_files, rows

MANY_RULES = text("User-agent: *\n" + "".join(f"Disallow: /{n}/*x\n" for n in range(30_000)))
LARGE = text("x" * 300_000)
_WITHHELD = "SELECT resource FROM observation WHERE outcome = 'withheld'"


@dataclass(frozen=True)
class Slow:
    """Answers 404 after a while."""

    seconds: float

    async def play(self, exchange):
        await asyncio.sleep(self.seconds)
        return await status(404).play(exchange)


@dataclass(frozen=True)
class InChunks:
    """Sends a body in chunks of one size, each with an extension."""

    body: bytes
    size: int
    extension: bytes = b""

    async def play(self, exchange):
        chunks = [self.body[at : at + self.size] for at in range(0, len(self.body), self.size)]
        fields = (("Content-Type", "text/plain"), ("Transfer-Encoding", "chunked"))
        await exchange.send(head(200, fields))
        sent = b"".join(b"%x%b\r\n%b\r\n" % (len(c), self.extension, c) for c in chunks)
        await exchange.send(sent + b"0\r\n\r\n")
        return True


def _site(host, otherwise=None, **pages):
    named = {f"/{path.replace('_', '.')}": answer for path, answer in pages.items()}
    more = {} if otherwise is None else {"otherwise": otherwise}
    return Site(host=host, about="", expect={}, pages={"/": html(), **named}, **more)


@pytest.mark.parametrize(
    ("answers", "option", "name", "most"),
    [
        pytest.param({"otherwise": Slow(0.3)}, ("--origin-time", "500ms"), "time", 2, id="time"),
        pytest.param({"robots_txt": MANY_RULES}, ("--origin-cpu", "5ms"), "CPU time", 1, id="CPU"),
        pytest.param({"otherwise": LARGE}, ("--origin-bytes", "500KB"), "octets", 2, id="octets"),
    ],
)
def test_what_a_budget_does_not_cover_is_withheld(answers, option, name, most, tmp_path):
    """The neighbour that stays within its budget is not concerned."""
    sites = [_site("greedy.test", **answers), _site("modest.test")]
    urls = [f"http://{site.host}/" for site in sites]
    generous = {"--origin-time": "1h", "--origin-cpu": "1h", "--origin-bytes": "1GB"}
    if name == "CPU time":  # the neighbour needs some, too
        urls = urls[:1]
    limits = [word for pair in (generous | dict([option])).items() for word in pair]
    with LoopbackWeb(sites) as web:
        done = crawl(tmp_path, web, urls, *limits, timeout=f"{patience(5)}s")
        requests = [r.host for r in web.log]
    assert done.returncode == 0, done.stderr
    assert 1 <= requests.count("greedy.test") <= most
    notes = rows(tmp_path, "SELECT DISTINCT note, outcome FROM observation WHERE status IS NULL")
    assert len(notes) == 1
    assert (notes[0][0].startswith(f"budget used up: {name}, "), notes[0][1]) == (True, "withheld")
    presence = "SELECT DISTINCT presence FROM coverage WHERE outcome = 'withheld'"
    assert rows(tmp_path, presence) == [("unseen",)]
    states = dict(rows(tmp_path, "SELECT host, ai_train FROM reservations"))
    assert states.pop("greedy.test") == "unknown"
    assert set(states.values()) <= {"silent"}
    report = json.loads(done.stdout)["report"]
    assert report["budgets_used_up"] == {name: 1}


def test_every_planned_resource_is_recorded(tmp_path):
    with LoopbackWeb([_site("a.test", text("x" * 1000))]) as web:
        crawl(tmp_path, web, ["http://a.test/"], "--origin-bytes", "900B")
        assert len(web.log) == 1
    # `trust.txt` at the root is planned only where the well-known one is missing.
    assert len(rows(tmp_path, _WITHHELD)) == requests_without_files() - 2


def test_no_limit(tmp_path):
    with LoopbackWeb([_site("a.test", text("x" * 1000))]) as web:
        none = ("--origin-bytes", "0", "--origin-time", "0", "--origin-cpu", "0")
        done = crawl(tmp_path, web, ["http://a.test/"], *none)
    assert rows(tmp_path, _WITHHELD) == []
    assert json.loads(done.stdout)["report"]["budgets_used_up"] == {}


def test_files_that_were_asked_for_add_to_the_budget():
    usual = FetchOptions().origin_budget
    assert usual == OriginBudget(time=30.0, cpu=2.0, octets=64_000_000)
    assert FetchOptions(pages=0).origin_budget == usual
    more = FetchOptions(pages=3, media=4, terms=4).origin_budget
    assert more == OriginBudget(time=60.0, cpu=4.0, octets=64_000_000 + 10 * 16 * 1024 * 1024)
    chosen = FetchOptions(media=3, origin_time=1.0, origin_cpu=0.0, origin_bytes=5)
    assert chosen.origin_budget == OriginBudget(time=1.0, cpu=0.0, octets=5)


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        ({}, ""),
        ({"time": 1.9, "cpu": 0.9, "octets": 99}, ""),
        ({"time": 2.0}, "budget used up: time, 2.0 of 2 s"),
        ({"cpu": 1.04}, "budget used up: CPU time, 1.0 of 1 s"),
        ({"octets": 1234}, "budget used up: octets, 1,234 of 100"),
    ],
)
def test_reason(spent, expected):
    limits = OriginBudget(time=2.0, cpu=1.0, octets=100)
    assert budget.reason(Spent(**spent), limits) == expected
    assert budget.reason(Spent(**spent), OriginBudget()) == ""


def _get(web, *paths, **options):
    """Send requests at the same time, and return context and result of each."""

    async def ask():
        asker = Client(FetchOptions(delay=0, allow_network=("127.0.0.1/32",), **options))

        async def one(path):
            context = RequestContext(own_port=web.port)
            try:
                result = await asker.get(f"http://127.0.0.1:{web.port}{path}", {}, context)
            except Exception as error:
                result = error
            return context, result

        try:
            return await asyncio.gather(*map(one, paths))
        finally:
            await asker.close()

    return asyncio.run(ask())


def test_waiting_for_others_is_not_charged():
    with LoopbackWeb([_site("127.0.0.1", slow=Slow(1.0), quick=status(404))]) as web:
        (slow, _), (quick, _) = _get(web, "/slow", "/quick", per_address=1)
    assert slow.spent.time >= 1.0
    assert quick.spent.time < slow.spent.time


def test_octets_are_those_of_the_wire():
    with LoopbackWeb([_site("127.0.0.1", a=InChunks(b"x" * 1000, 10))]) as web:
        ((context, response),) = _get(web, "/a")
    assert response.body == b"x" * 1000
    assert 1500 < context.spent.octets < 2000
    assert context.spent.cpu > 0


@pytest.mark.parametrize(
    ("answer", "is_broken"),
    [
        pytest.param(InChunks(b"x" * 500_000, 1), True, id="chunks of one octet"),
        pytest.param(InChunks(b"x" * 900_000, 8), True, id="chunks of eight"),
        pytest.param(InChunks(b"x" * 50_000, 8), False, id="chunks of eight in a small file"),
        pytest.param(InChunks(b"x" * 900_000, 24), False, id="chunks of twenty-four"),
        pytest.param(InChunks(b"line\n" * 5_000, 5), False, id="lines of a small file"),
        pytest.param(InChunks(b"x" * 900_000, 100), False, id="chunks of a hundred"),
        pytest.param(InChunks(b"x" * 90_000, 10, b";a=" + b"b" * 99), True, id="extensions"),
        pytest.param(InChunks(b"x" * 3_000_000, 1_000_000), False, id="large chunks"),
    ],
)
def test_chunks_with_much_framing(answer, is_broken):
    with LoopbackWeb([_site("127.0.0.1", a=answer)]) as web:
        ((context, result),) = _get(web, "/a")
    assert isinstance(result, BrokenAnswerError) == is_broken
    if is_broken:
        assert "octets of framing" in str(result)
        # What was in the buffers of the kernel came, too.
        assert context.spent.octets < MAX_FRAMING_OCTETS + 2_000_000
    else:
        assert result.body == answer.body[: FetchOptions().max_body]


def test_only_the_steps_of_the_coroutine_are_charged():
    spent, other = Spent(), Spent()

    async def busy(rounds):
        for _ in range(5):
            sum(range(rounds))
            await asyncio.sleep(0)
        return rounds

    async def both():
        return await asyncio.gather(
            cpu_charged_steps(busy(10), spent), cpu_charged_steps(busy(3_000_000), other)
        )

    assert asyncio.run(both()) == [10, 3_000_000]
    assert 0 < spent.cpu < other.cpu / 10


def test_what_is_raised_and_cancelled_passes_through():
    async def fails():
        await asyncio.sleep(0)
        raise LookupError

    async def scene():
        with pytest.raises(LookupError):
            await cpu_charged_steps(fails(), Spent())
        seen = []

        async def waits():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        async def charged():
            await cpu_charged_steps(waits(), Spent())

        task = asyncio.create_task(charged())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return seen, task.cancelled()

    assert asyncio.run(scene()) == (["cancelled"], True)
