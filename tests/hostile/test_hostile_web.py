"""A web of hosts that attack: each family alone within limits, all together, beside honest hosts.

Limits are on seconds of the processor, on memory, requests and octets, and never on time.
"""

import os
import sys
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.demo import SITES
from crawler.demo.answers import Plain, RedirectsTo
from crawler.demo.server import LoopbackWeb
from tests.conftest import patience
from tests.crawl_helpers import command, rows
from tests.forks import Commands
from tests.hostile.files import FILES
from tests.hostile.responses import RESPONSES, SMUGGLED
from tests.hostile.sites import at_every_path, at_robots, of_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits processes as Linux does")
MEGABYTE = 1024 * 1024
#: Attacks crawled by one process; 1 runs each alone.
TOGETHER = 1 if "TDM_AUDIT_TEST_ALL" in os.environ else 12
#: Seconds of the processor for an attack, and for each of those that are files of many rules.
SECONDS, SECONDS_OF_RULES = 1.5, 12
#: Octets of memory that an attack may take in addition to what honest hosts take. Of those that are
#: crawled together only files of many rules add up, since all of their rules are kept.
MEMORY = 80 * MEGABYTE
#: The same for all attacks together, most of them in flight at once.
MEMORY_OF_ALL = 600 * MEGABYTE
# A request for each planned resource, redirects, linked documents and pages.
REQUESTS = 60
# Most octets of a response: a mebibyte is kept, twice that is read, and buffers are on the way.
OCTETS_OF_RESPONSE = 12 * MEGABYTE


@dataclass
class Meter:
    """Octets that the web sent, by host."""

    sent: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Metered:
    """Answers as another, and measures."""

    answer: object
    meter: Meter

    async def play(self, exchange):
        host, sent = exchange.request.host, self.meter.sent

        class Writer:
            """Counts what passes, and is otherwise the writer of the exchange."""

            def write(self, data):
                sent[host] = sent.get(host, 0) + len(data)
                exchange.writer.write(data)

            def __getattr__(self, name):
                return getattr(exchange.writer, name)

        return await self.answer.play(replace(exchange, writer=Writer()))


def metered(site, meter):
    pages = {path: Metered(answer, meter) for path, answer in site.pages.items()}
    otherwise = Metered(site.otherwise, meter)
    return replace(site, pages=MappingProxyType(pages), otherwise=otherwise)


ATTACKS = {
    **{name: (at_every_path(name, a), at_robots(name, a)) for name, (a, _) in RESPONSES.items()},
    **{name: (of_files(name, pages),) for name, pages in FILES.items()},
}
#: Files of many rules, each of which is kept and weighed.
OF_RULES = {
    "wide JSON",
    "wide JSON of patterns",
    "10,000 hosts of policies",
    "10,000 policies",
    "a hundred thousand agents",
    "a group for each agent",
    "one JSON pattern",
}
#: Sites of the demo that answer well, with the findings that they must have.
HONEST = [
    site
    for site in SITES
    if site.port == 80
    and not site.written
    and site.complete
    and all(isinstance(a, Plain | RedirectsTo) for a in (*site.pages.values(), site.otherwise))
    and not any(
        isinstance(a, RedirectsTo) and "://" in a.url
        for a in (*site.pages.values(), site.otherwise)
    )
]


@pytest.fixture(scope="module")
def meter():
    return Meter()


@pytest.fixture(scope="module")
def web(meter):
    hostile = [site for sites in ATTACKS.values() for site in sites]
    with LoopbackWeb([metered(site, meter) for site in (*hostile, *HONEST)]) as served:
        yield served


@pytest.fixture(scope="module")
def commands():
    with Commands() as started:
        yield started


def urls_of(names):
    return [f"http://{site.host}/page" for name in names for site in ATTACKS[name]]


def crawled(folder, web, commands, urls, *more, timeout=2.0):
    """Crawl URLs in a child process, to the end, and return how it ended."""
    arguments = command(folder, web, urls, *more, timeout=f"{timeout:g}s")[3:]
    done = commands.run(arguments)
    assert (done.status, done.err) == (0, "")
    return done


@pytest.fixture(scope="module")
def usual(web, commands, tmp_path_factory):
    """Return what a crawl of some honest hosts takes of the processor and of memory."""
    urls = [f"http://{site.host}/" for site in HONEST[:TOGETHER]]
    return crawled(tmp_path_factory.mktemp("usual"), web, commands, urls)


NAMES = list(ATTACKS)
GROUPS = [NAMES[n : n + TOGETHER] for n in range(0, len(NAMES), TOGETHER)]


@pytest.mark.parametrize("names", GROUPS, ids=[names[0] for names in GROUPS])
def test_attacks_stay_within_limits_and_never_give_freedom(
    names, web, meter, commands, usual, tmp_path
):
    meter.sent.clear()
    before = len(web.log)
    done = crawled(tmp_path, web, commands, urls_of(names))
    seconds = sum(SECONDS_OF_RULES if name in OF_RULES else SECONDS for name in names)
    assert done.cpu < usual.cpu + seconds * patience(1) / 2
    if "coverage" not in sys.modules:  # which keeps what it traces in the same process
        of_rules = max(1, sum(name in OF_RULES for name in names))
        assert (done.peak - usual.peak) * 1024 < of_rules * MEMORY
    hosts = {site.host for name in names for site in ATTACKS[name]}
    asked = [request for request in web.log[before:] if request.host in hosts]
    assert len(asked) <= REQUESTS * len(hosts)
    assert not [request for request in asked if request.header("cookie")]
    for host, octets in meter.sent.items():
        requests = sum(request.host == host for request in asked)
        assert octets <= OCTETS_OF_RESPONSE * max(1, requests), host
    assert rows(tmp_path, CRASHES) == []
    outcomes_are_as_expected(tmp_path, names)
    no_answer_is_anothers(tmp_path)


CRASHES = """
    SELECT code, excerpt FROM issues WHERE code LIKE 'internal.%'
    UNION ALL SELECT note, url FROM observations WHERE note LIKE 'internal%'
"""
# Statuses that say something: a file, or that there is none.
READ = {200, 204, 404, 410}
OUTCOMES = """
    SELECT outcome, status, note FROM observations
    WHERE origin = ? AND resource IN ('ai_txt', 'robots_txt') AND asked LIKE '%' || ?
    ORDER BY observation DESC LIMIT 1
"""


def outcomes_are_as_expected(folder, names):
    """Assert how the attacked request of each attack ended: at robots.txt, and at another file.

    Any may time out on a busy machine. What could not be read gives no freedom.
    """
    for name in names:
        if name not in RESPONSES:
            continue
        expected = {"timed_out", *RESPONSES[name][1].split()}
        for site, path in zip(ATTACKS[name], ("/ai.txt", "/robots.txt"), strict=True):
            ((outcome, status, note),) = rows(folder, OUTCOMES, site.origin, path)
            if "stopped after timed_out" in (note or ""):
                continue
            assert outcome in expected, (name, path, outcome, status, note)
            if outcome not in ("responded", "too_large") or status not in READ:
                assert set(found(folder, [site]).values()) == {"unknown"}, name


def no_answer_is_anothers(folder):
    """Assert that nothing is stored of responses that no request asked for."""
    smuggled = "SELECT count(*) FROM body WHERE instr(content, ?)"
    assert rows(folder, smuggled, SMUGGLED) == [(0,)]
    addresses = "SELECT DISTINCT substr(address, 1, 10) FROM observations WHERE address != ''"
    assert rows(folder, addresses) == [("127.0.0.1:",)]


def expected(sites):
    return {
        (s.origin, purpose.value): state.value for s in sites for purpose, state in s.expect.items()
    }


def found(folder, sites):
    """Return the states of some sites' origins, by origin and purpose."""
    origins = {site.origin for site in sites}
    query = "SELECT origin, purpose, state FROM findings WHERE rules LIKE 'signals/%'"
    return {(o, purpose): state for o, purpose, state in rows(folder, query) if o in origins}


def test_all_attacks_together_change_no_answer_of_honest_hosts(web, commands, usual, tmp_path):
    """Hosts that attack come first, since they have more rows, and honest ones beside them."""
    honest = [f"http://{site.host}/" for site in HONEST]
    names = [name for name in ATTACKS if name not in OF_RULES]
    done = crawled(
        tmp_path, web, commands, [*urls_of(names), *urls_of(names), *honest], timeout=patience(1)
    )
    assert found(tmp_path, HONEST) == expected(HONEST)
    assert rows(tmp_path, CRASHES) == []
    if "coverage" not in sys.modules:
        assert (done.peak - usual.peak) * 1024 < MEMORY_OF_ALL
    no_answer_is_anothers(tmp_path)


@settings(max_examples=30 if TOGETHER == 1 else 5)
@given(
    names=st.lists(st.sampled_from(sorted(set(ATTACKS) - OF_RULES)), max_size=8, unique=True),
    honest=st.lists(st.sampled_from(HONEST), min_size=1, max_size=12, unique_by=lambda s: s.host),
    order=st.randoms(use_true_random=False),
    concurrency=st.sampled_from([4, 16, 64]),
)
def test_no_honest_host_is_judged_otherwise_because_of_its_neighbours(
    names, honest, order, concurrency, web, commands, tmp_path_factory
):
    urls = [*urls_of(names), *(f"http://{site.host}/" for site in honest)]
    order.shuffle(urls)
    folder = tmp_path_factory.mktemp("mix")
    crawled(folder, web, commands, urls, "--concurrency", concurrency, timeout=patience(1))
    assert found(folder, honest) == expected(honest)
