"""What a server, or this machine's own network, can do to a crawl."""

import asyncio
import gzip
import json
import subprocess
import zlib
from dataclasses import dataclass

import pytest

from crawler.demo.answers import text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.fetch.http import body
from crawler.fetch.http.client import Client
from crawler.fetch.http.connector import MAX_INTERIM, MAX_INTERIM_OCTETS, RequestContext
from crawler.fetch.http.outcomes import BrokenAnswerError, outcome_of
from crawler.fetch.options import FetchOptions
from crawler.fetch.reach import MANY_HOSTS, NetworkWatch, Reach, farthest
from crawler.fetch.scheduler import Visit
from crawler.model import Origin
from tests.conftest import patience
from tests.crawl_helpers import command, rows, start

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MEGABYTE = 1024 * 1024


@dataclass
class Octets:
    """Sends some octets, again and again up to a limit, and counts what was taken."""

    begin: bytes
    again: bytes = b""
    limit: int = 0
    sent: int = 0

    async def play(self, exchange):
        await exchange.send(self.begin)
        while self.again and self.sent < self.limit:
            await exchange.send(self.again)
            self.sent += len(self.again)
        return not self.again


def asked(answer, times=1):
    """Return the outcome, note and body of the last of some requests."""

    async def ask():
        site = Site(host="a.test", about="", expect={}, pages={"/": answer})
        with LoopbackWeb([site]) as web:
            options = FetchOptions(
                allow_network=("127.0.0.1/32",), connect_to=(f"::127.0.0.1:{web.port}",), delay=0
            )
            client = Client(options)
            try:
                for _ in range(times):
                    context = RequestContext(own_port=80)
                    response = await client.get("http://a.test/", {}, context)
            except Exception as error:
                return *map(str, outcome_of(error)), b""
            else:
                return "responded", response.note, response.body
            finally:
                await client.close()

    return asyncio.run(ask())


def interim(fields=b"", number=100):
    return b"HTTP/1.1 %d Wait\r\n%s\r\n" % (number, fields)


HINTS = b"Link: </style.css>; rel=preload\r\n"
TOO_MANY = f"more than {MAX_INTERIM} interim responses"
TOO_LONG = f"interim responses of more than {MAX_INTERIM_OCTETS} octets"


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        pytest.param(Octets(b"", interim() * 4000, 64 * MEGABYTE), TOO_MANY, id="endless 100"),
        pytest.param(
            Octets(b"", interim(HINTS, 103) * 99, 64 * MEGABYTE), TOO_MANY, id="endless 103"
        ),
        pytest.param(
            Octets(b"", b"HTTP/1.1 102 Wait\n\n" * 999, 64 * MEGABYTE), TOO_MANY, id="bare LF"
        ),
        pytest.param(
            Octets(b"", interim(b"X: %s\r\n" % (b"y" * 8000) * 2), 64 * MEGABYTE),
            TOO_LONG,
            id="few and long",
        ),
        pytest.param(Octets(interim() * (MAX_INTERIM + 1) + OK), TOO_MANY, id="one too many"),
    ],
)
def test_interim_responses_are_bounded(answer, note):
    assert asked(answer) == ("broken", note, b"")
    # What the kernel buffers on both sides, not what the server has.
    assert answer.sent < 32 * MEGABYTE


def test_usual_interim_responses_are_passed_over():
    assert asked(Octets(interim(HINTS, 103) * MAX_INTERIM + OK)) == ("responded", "", b"ok")


def test_the_count_begins_again_with_each_request_of_a_connection():
    assert asked(Octets(interim() * 15 + OK), times=4) == ("responded", "", b"ok")


async def turns_while(reading):
    """Return the result of a coroutine, and how many turns another one had meanwhile."""
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(count())
    try:
        return await asyncio.gather(reading, return_exceptions=True), turns
    finally:
        other.cancel()


def decoded(data, coding="gzip", cap=MEGABYTE, chunk=256 * 1024):
    async def chunks():
        for at in range(0, len(data), chunk):
            yield data[at : at + chunk]

    (result,), turns = asyncio.run(turns_while(body.read(chunks(), coding, cap)))
    return result, turns


@pytest.mark.parametrize(
    ("data", "chunk"),
    [
        pytest.param(gzip.compress(b"") * 100_000, 2 * MEGABYTE, id="empty members"),
        pytest.param(gzip.compress(b"x") * 50_000, 256 * 1024, id="members of an octet"),
        pytest.param(gzip.compress(b"") * 20_000, 19, id="in chunks of no member"),
        pytest.param(gzip.compress(b"", 0) * (body.MAX_MEMBERS + 1), 7, id="one too many"),
    ],
)
def test_gzip_members_are_bounded(data, chunk, monkeypatch):
    made = 0
    make = zlib.decompressobj

    def counted(*args):
        nonlocal made
        made += 1
        return make(*args)

    monkeypatch.setattr(zlib, "decompressobj", counted)
    result, _ = decoded(data, chunk=chunk)
    assert isinstance(result, BrokenAnswerError)
    assert (str(result), made) == (
        f"gzip has more than {body.MAX_MEMBERS} members",
        body.MAX_MEMBERS,
    )


@pytest.mark.parametrize(
    ("data", "coding"),
    [
        pytest.param(gzip.compress(b"x" * 16 * MEGABYTE), "gzip", id="a bomb in one chunk"),
        pytest.param(zlib.compress(b"x" * 16 * MEGABYTE), "deflate", id="deflate"),
        pytest.param(gzip.compress(b"x" * 32_000) * 524, "gzip", id="many members"),
    ],
)
def test_decoding_gives_other_hosts_their_turn(data, coding):
    result, turns = decoded(data, coding, cap=16 * MEGABYTE, chunk=2 * MEGABYTE)
    assert set(result.octets) == {ord("x")}
    assert len(result.octets) > 15 * MEGABYTE
    assert turns > 50


def test_padding_is_looked_at_once():
    result, _ = decoded(gzip.compress(b"x") + bytes(MEGABYTE), cap=2 * MEGABYTE)
    assert result == body.Body(b"x", False)


def in_transfer_coding(value, content, *more):
    fields = b"".join(b"%s\r\n" % line for line in (b"Transfer-Encoding: " + value, *more))
    return Octets(
        b"HTTP/1.1 200 OK\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (fields, len(content), content)
    )


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"gzip, chunked", id="gzip, chunked"),
        pytest.param(b"deflate, chunked", id="deflate"),
        pytest.param(b"GZIP,chunked", id="in capitals"),
        pytest.param(b"x-gzip , chunked", id="x-gzip"),
        pytest.param(b"gzip;q=1, identity, chunked", id="with a parameter"),
        pytest.param(b"gzip\r\nTransfer-Encoding: chunked", id="in two fields"),
    ],
)
def test_a_transfer_coding_is_never_read_as_plain(value):
    outcome, _, content = asked(in_transfer_coding(value, gzip.compress(b"User-agent: *")))
    assert (outcome, content) == ("broken", b"")


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b", chunked"])
def test_chunked_is_undone(value):
    assert asked(in_transfer_coding(value, b"ok")) == ("responded", "", b"ok")


def test_a_304_may_name_the_coding_of_a_200():
    answer = Octets(b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
    assert asked(answer) == ("responded", "", b"")


HOSTS = [f"host{n}.test" for n in range(200)]
RESERVED = {"/.well-known/tdmrep.json": text('[{"location": "/", "tdm-reservation": 1}]')}


def run(arguments, *before):
    """Run the command, with other words before it, and return its result."""
    with start([*before, *arguments]) as process:
        out, err = process.communicate(timeout=patience(200))
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def short_of(limit):
    return "bash", "-c", f'ulimit -n {limit}; exec "$@"', "bash"


@pytest.fixture(scope="module")
def web():
    sites = [Site(host=host, about="", expect={}, pages=RESERVED) for host in HOSTS]
    with LoopbackWeb(sites) as served:
        yield served


OUTCOMES = "SELECT DISTINCT outcome, note FROM observations WHERE outcome != 'responded'"
LOCAL = """
    SELECT note, resource, presence, status, last_outcome, observation, count(DISTINCT origin)
    FROM coverage WHERE outcome = 'local_failure' GROUP BY note
"""


def left_due(note, hosts):
    """Return the rows of `LOCAL` for hosts that one fault kept from being visited."""
    return [(note, "robots_txt", "unseen", None, "local_failure", None, hosts)]


def test_few_descriptors_are_no_refusal_of_a_host(web, tmp_path):
    urls = [f"http://{host}/" for host in HOSTS]
    arguments = command(tmp_path, web, urls, timeout="60s")
    first = run(arguments, *short_of(64))
    assert first.returncode in (0, 1), first.stderr
    assert rows(tmp_path, OUTCOMES) == []
    left = json.loads(first.stdout)["due"] - json.loads(first.stdout)["visited"]
    assert bool(left) == bool(first.returncode)
    assert ("stay due" in first.stderr) == bool(left)
    assert run(arguments).returncode == 0
    assert rows(tmp_path, OUTCOMES) == []
    assert rows(tmp_path, "SELECT count(*) FROM reservations WHERE tdm = 'reserved'") == [(200,)]


def needs(*before):
    """Skip if these words before a command do not work here."""
    try:
        works = subprocess.run([*before, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        works = False
    if not works:
        pytest.skip(f"`{' '.join(before)}` does not work here, so the fault cannot be made")
    return before


# An address for which this machine forbids every connection: EACCES, as of a local firewall.
FORBIDDEN = "10.9.9.9"
FIREWALL = f'ip link set lo up && ip route add prohibit {FORBIDDEN}/32 && exec "$@"'


@pytest.mark.parametrize("hosts", [5, 200])
def test_a_fault_that_persists_leaves_origins_due_and_fails(hosts, web, tmp_path):
    before = needs("unshare", "-n", "bash", "-c", FIREWALL, "bash")
    urls = [f"http://{host}/" for host in HOSTS[:hosts]]
    arguments = command(tmp_path, web, urls, timeout="60s")
    forbidden = ["--allow-network", FORBIDDEN]
    forbidden += ["--connect-to", f"host0.test::{FORBIDDEN}:", "--connect-to", f"::{FORBIDDEN}:"]
    at = arguments.index("--connect-to")
    done = run([*arguments[:at], *arguments[at + 2 :], *forbidden], *before)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert f"{hosts} origins could not be visited" in done.stderr
    assert json.loads(done.stdout)["local_failures"] == {"Permission denied": hosts}
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(0,)]
    assert rows(tmp_path, "SELECT ended FROM runs") == [(None,)]
    assert rows(tmp_path, LOCAL) == left_due("Permission denied", hosts)
    assert run(arguments).returncode == 0
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(hosts,)]
    assert rows(tmp_path, LOCAL) == []


@pytest.mark.parametrize("quiet", [(), ("--quiet",)], ids=["json", "quiet"])
def test_a_machine_without_network_visits_nothing(quiet, web, tmp_path):
    before = needs("unshare", "-n")
    arguments = command(tmp_path, web, [f"http://host{n}.example.org/" for n in range(5)], *quiet)
    at = arguments.index("--connect-to")
    del arguments[at : at + 2]
    done = run(arguments, *before)
    assert done.returncode == 1
    assert "this machine seems to have no network" in done.stderr
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(0,)]
    assert rows(tmp_path, "SELECT count(*) FROM observation") == [(0,)]
    assert rows(tmp_path, LOCAL) == left_due("no answer from any host", 5)
    # What stayed due is asked by the next command, with a network.
    connected = [*arguments, "--connect-to", f"::127.0.0.1:{web.port}"]
    assert run(connected).returncode == 0
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(5,)]
    assert rows(tmp_path, LOCAL) == []


def test_a_machine_without_even_loopback_visits_nothing(web, tmp_path):
    arguments = command(tmp_path, web, [f"http://{host}/" for host in HOSTS], timeout="60s")
    done = run(arguments, *needs("unshare", "-n"))  # even the loopback interface is down
    assert (done.returncode, "no network" in done.stderr) == (1, True), done.stderr
    assert rows(tmp_path, "SELECT count(*) FROM visit") == [(0,)]
    assert json.loads(done.stdout)["ended"] == "no_network"


def visit(number, reach):
    origin = Origin(scheme="http", host=f"h{number}.test", port=80, site="test")
    return Visit(origin_id=number, origin=origin, observations=(), reach=reach)


U, P, N, A = Reach
MANY = MANY_HOSTS


@pytest.mark.parametrize(
    ("reaches", "routes", "stored", "is_down"),
    [
        pytest.param([P] * 5, (True,), [], True, id="no resolver"),
        pytest.param([N] * 5, (False,), [], True, id="no route, and every name unknown"),
        pytest.param([N, P, N], (False,), [], True, id="no route, mixed"),
        pytest.param([P] * 2, (False,), [0, 1], False, id="two hosts are too few"),
        pytest.param([N] * 5, (True,), [0, 1, 2, 3, 4], False, id="dead names with a route"),
        pytest.param([P, P, P, A], (False,), [0, 1, 2, 3], False, id="one answered at last"),
        pytest.param([P, P, P, N], (True,), [0, 1, 2, 3], False, id="the resolver answered"),
        pytest.param([A, P, P, P], (True,), [0, 1, 2, 3], False, id="dead hosts behind one"),
        pytest.param([A, N, N, N], (False,), [0, 1, 2, 3], False, id="never had a route"),
        pytest.param([A, N, N, N], (True, False), [0], True, id="the route was lost"),
        pytest.param([A] + [P] * MANY, (True,), [0], True, id="the resolver was lost"),
        pytest.param([U] * 5, (False,), [0, 1, 2, 3, 4], False, id="nothing was asked"),
        pytest.param([], (False,), [], False, id="nothing"),
    ],
)
def test_the_watch(reaches, routes, stored, is_down):
    left = list(routes)
    watch = NetworkWatch(lambda: left.pop(0) if len(left) > 1 else left[0])
    got = [v for n, reach in enumerate(reaches) for v in watch.take(visit(n, reach))]
    got += watch.finish()
    assert ([v.origin_id for v in got], watch.is_down) == (stored, is_down)


def test_one_host_of_many_ports_is_no_proof():
    watch = NetworkWatch(lambda: False)
    assert [watch.take(visit(1, P)) for _ in range(5)] == [[]] * 5
    assert (len(watch.finish()), watch.is_down) == (5, False)


def test_the_farthest_of_the_requests_counts():
    assert [farthest(r) for r in ([], [P, N], [P, A, P], [U])] == [U, N, A, U]


def test_empty_lines_before_a_response_are_bounded():
    answer = Octets(b"", b"\r\n" * 20000, 64 * MEGABYTE)
    assert asked(answer) == ("broken", "more octets than any response needs", b"")
    # What the kernel buffers on both sides, not what the server has.
    assert answer.sent < 5 * MEGABYTE + 16 * MEGABYTE
