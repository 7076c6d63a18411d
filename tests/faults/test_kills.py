"""A crawl killed at any moment and started again leaves the evidence of one that was not.

The moments are numbers of requests, or of steps in files and databases, and are the same each
time.
"""

import contextlib
import os
import random  # noqa: TID251 - seeded, so that the moments are the same each time
import signal
import threading
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import pytest

from crawler.demo.server import LoopbackWeb
from tests.crawl_helpers import command, rows
from tests.faults.evidence import EVIDENCE, HOSTS, SITES, URLS, assert_true_so_far, evidence

SEED = 20261122
#: How often crawls are killed.
KILLS = 40 if "TDM_AUDIT_TEST_ALL" in os.environ else 20
# The most requests of a command that is killed: a third of what a crawl sends.
MOST = 160


@dataclass
class Killer:
    """Kills a command when the web has served some requests."""

    pid: int = 0
    left: int = 0
    _ready: threading.Event = field(default_factory=threading.Event)

    def aim(self, start, requests):
        """Start a command that will be killed; return its process id."""
        self._ready.clear()
        self.left = requests
        self.pid = start()
        self._ready.set()
        return self.pid

    def served(self):
        self.left -= 1
        if self.left:
            return
        self._ready.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Counted:
    """Answers as another, and counts."""

    answer: object
    killer: Killer

    async def play(self, exchange):
        self.killer.served()
        return await self.answer.play(exchange)


def counted(site, killer):
    pages = {path: Counted(answer, killer) for path, answer in site.pages.items()}
    otherwise = Counted(site.otherwise, killer)
    return replace(site, pages=MappingProxyType(pages), otherwise=otherwise)


@pytest.fixture(scope="module")
def killer():
    return Killer()


@pytest.fixture(scope="module")
def web(killer):
    with LoopbackWeb([counted(site, killer) for site in SITES]) as served:
        yield served


@pytest.fixture(scope="module")
def killed(tmp_path_factory, web, commands, killer, calm):
    """Return the folders of crawls that were killed again and again until they were whole, and how
    many origins were visited after each kill, by folder.
    """
    dice, kills, visited = random.Random(SEED), 0, {}
    while kills < KILLS:
        folder = tmp_path_factory.mktemp("rough")
        arguments = command(folder, web, URLS, "--concurrency", "2")[3:]
        visited[folder], status = [0], -signal.SIGKILL
        while kills < KILLS and status:
            moment = dice.randint(1, MOST)
            pid = killer.aim(lambda: commands.start(arguments), moment)  # noqa: B023
            status = commands.wait(pid).status
            assert status in (0, -signal.SIGKILL)
            kills += bool(status)
            visited[folder].append(assert_true_so_far(folder, calm))
        killer.left = 0
        done = commands.run(arguments)
        assert done.status == 0, done.err
    return visited


def test_it_never_got_less_and_was_killed_in_between(killed):
    assert list(killed.values()) == [sorted(visited) for visited in killed.values()]
    assert any(0 < number < HOSTS for visited in killed.values() for number in visited)


@pytest.mark.parametrize("what", EVIDENCE)
def test_the_evidence_is_that_of_an_undisturbed_crawl(killed, calm, what):
    assert [evidence(folder)[what] == calm[what] for folder in killed] == [True] * len(killed)


def test_nothing_but_the_database_is_left(killed, calm):
    for folder in killed:
        assert assert_true_so_far(folder, calm) == HOSTS
        beside = ("dataset.txt", "audit.db.lock", "audit.db.manifests.jsonl")
        assert {p.name for p in folder.iterdir()} == {"audit.db", *beside}


@pytest.fixture(scope="module")
def steps(tmp_path_factory, web, commands):
    """Return how many steps a command takes until it would send its first request, and to end."""
    folder = tmp_path_factory.mktemp("steps")
    arguments = command(folder, web, URLS[:1], "--time-budget", "0s")[3:]
    return commands.run(arguments, die_at=-1).steps


@pytest.mark.parametrize("moment", range(20))
def test_a_kill_of_the_first_second_leaves_a_database_that_opens_or_none(
    moment, steps, web, commands, calm, tmp_path
):
    """Twenty moments of the first second: from the lock to the first finding."""
    step = random.Random(SEED + moment).randrange(steps * moment // 20, steps * (moment + 1) // 20)
    arguments = command(tmp_path, web, URLS[:1])[3:]
    assert commands.run(arguments, die_at=step + 1).status == -signal.SIGKILL
    assert_true_so_far(tmp_path, calm, hosts=1)
    done = commands.run(arguments)
    assert (done.status, done.err) == (0, "")
    assert not [p.name for p in tmp_path.iterdir() if ".new" in p.name]
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(1,)]
