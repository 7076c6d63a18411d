"""One request at a time on real sockets: where it goes, over which TLS, and how much comes back."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
import uvloop

from crawler.demo.answers import text
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.fetch.http.client import Client
from crawler.fetch.http.connector import Connector, RequestContext
from crawler.fetch.http.outcomes import outcome_of
from crawler.fetch.options import FetchOptions
from tests.fetch.certificates import TlsServer, sign

ALLOWED = ("127.0.0.1/32",)
PAGE = Site(host="a.test", about="", expect={}, pages={"/": text("x")})


class Names:
    """Resolver with fixed answers: each question takes the next answer, at the end the last."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "."): list(said) for name, said in answers.items()}
        self.asked = []

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):  # noqa: ARG002 - aiohttp's
        self.asked.append(host)
        said = self.answers[host]
        addresses = said.pop(0) if len(said) > 1 else said[0]
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self):
        pass


@asynccontextmanager
async def client(names=None, *, dns_ttl=300, allow=ALLOWED, **options):
    chosen = FetchOptions(allow_network=allow, delay=0, timeout=3, connect_timeout=2, **options)
    made = Client(chosen, Connector(chosen, resolver=names, dns_ttl=dns_ttl))
    try:
        yield made
    finally:
        await made.close()


async def attempt(asker, url):
    """Return the status or outcome of one request, and its context."""
    context = RequestContext()
    try:
        answer = await asker.get(url, {}, context)
    except Exception as error:
        return str(outcome_of(error)[0]), context
    return answer.status, context


def run(question):
    """Ask in an event loop as a crawl has it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        return loop.run(question)


def outcomes(urls, names=None, **options):
    async def ask():
        async with client(names, **options) as asker:
            return [(await attempt(asker, url))[0] for url in urls]

    return run(ask())


class Listener:
    """A port of 127.0.0.2 or ::1 that must not be connected to; `was_called` says if it was."""

    def __init__(self, address, port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.bind((address, port))
        self.socket.listen()
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def was_called(self):
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


WRITTEN = [
    "127.0.0.2",
    "127.2",
    "2130706434",
    "0x7f000002",
    "0177.0.0.2",
    "0x7f.0.0.2",
    "[::ffff:127.0.0.2]",
    "[::ffff:7f00:2]",
    "[64:ff9b::7f00:2]",
    "[2002:7f00:2::]",
    "[::127.0.0.2]",
    "[::1]",
    "[::]",
    "0.0.0.0",
    "0",
]


@pytest.mark.parametrize("host", WRITTEN)
def test_no_way_of_writing_an_address_leads_around_the_guard(host):
    with Listener("127.0.0.2") as v4, Listener("::1", v4.port) as v6:
        (came,) = outcomes([f"http://{host}:{v4.port}/"])
        # Those that are no addresses to a browser are asked of DNS, or not sent at all.
        assert came in ("blocked_address", "broken", "not_found_host")
        assert (v4.was_called, v6.was_called) == (False, False)


RESOLVED = [
    "127.0.0.2",
    "::1",
    "::ffff:127.0.0.2",
    "::127.0.0.2",
    "64:ff9b::7f00:2",
    "2002:7f00:2::",
    "fe80::1%lo",
    "0.0.0.0",
]


@pytest.mark.parametrize("address", RESOLVED)
def test_no_answer_of_dns_leads_around_the_guard(address):
    with Listener("127.0.0.2") as v4, Listener("::1", v4.port) as v6:
        names = Names(inside_test=[[address]])
        assert outcomes([f"http://inside.test:{v4.port}/"], names) == ["blocked_address"]
        assert (v4.was_called, v6.was_called) == (False, False)


def test_of_mixed_answers_only_what_is_allowed_is_connected_to():
    with (
        LoopbackWeb([PAGE]) as web,
        Listener("127.0.0.2", web.port) as inside,
        Listener("::1", web.port) as inside6,
    ):
        names = Names(a_test=[["127.0.0.2", "::1", "127.0.0.1"]])
        assert outcomes([f"http://a.test:{web.port}/"], names) == [200]
        assert (inside.was_called, inside6.was_called) == (False, False)


@pytest.mark.parametrize("dns_ttl", [0, 300], ids=["asked each time", "remembered"])
def test_what_dns_says_after_the_check_is_checked_too(dns_ttl):
    with LoopbackWeb([PAGE]) as web, Listener("127.0.0.2", web.port) as inside:
        names = Names(a_test=[["127.0.0.1"], ["127.0.0.2"]])
        came = outcomes([f"http://a.test:{web.port}/"], names, dns_ttl=dns_ttl)
        assert came == (["blocked_address"] if dns_ttl == 0 else [200])
        assert not inside.was_called


def test_a_kept_connection_is_not_lent_to_whoever_may_not_go_there():
    with LoopbackWeb([PAGE]) as web:

        async def ask():
            async with client(Names(a_test=[["127.0.0.1"]])) as asker:
                url = f"http://a.test:{web.port}/"
                first = await attempt(asker, url)
                asker._connector._allowed = ()
                return first[0], (await attempt(asker, url))[0]

        assert run(ask()) == (200, "blocked_address")
    assert len(web.log) == 1


@pytest.fixture(scope="module")
def authority():
    return sign("authority.test")


@pytest.fixture
def trusting(authority, tmp_path, monkeypatch):
    """This test's clients trust the authority, as OpenSSL is told whom to trust."""
    path = tmp_path / "authority.pem"
    path.write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


CERTIFICATES = {
    "good": (lambda ca: sign("a.test", by=ca), "ok"),
    "expired": (lambda ca: sign("a.test", by=ca, expired=True), "certificate has expired"),
    "wrong host": (
        lambda ca: sign("b.test", by=ca),
        "Hostname mismatch, certificate is not valid for 'a.test'",
    ),
    "self-signed": (lambda _: sign("a.test"), "self-signed certificate"),
    "unknown authority": (
        lambda _: sign("a.test", by=sign("other.test")),
        "unable to get local issuer certificate",
    ),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_are_recorded_and_never_an_obstacle(name, authority, trusting, tmp_path):
    make, expected = CERTIFICATES[name]
    signed = make(authority)
    with TlsServer(signed, tmp_path) as server:

        async def ask():
            async with client(Names(a_test=[["127.0.0.1"]])) as asker:
                url = f"https://a.test:{server.port}/"
                return [await attempt(asker, url) for _ in range(2)]

        (status, context), (again, later) = run(ask())
    assert (status, again) == (404, 404)
    assert context.tls[:3] == ("TLSv1.3", signed.digest, expected)
    assert later.tls == context.tls, "a connection that is used again keeps its facts"
    assert (server.requests, server.connections) == (2, 1)


def test_both_connections_are_guarded(authority, trusting, tmp_path):
    """DNS is not asked between the two: the second goes where the first was let to."""
    with TlsServer(sign("b.test", by=authority), tmp_path) as server:
        names = Names(a_test=[["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"]])

        async def ask():
            async with client(names, dns_ttl=0) as asker:
                return await attempt(asker, f"https://a.test:{server.port}/")

        came, context = run(ask())
    assert (came, context.address) == (404, f"127.0.0.1:{server.port}")
    assert len(names.asked) == 2


class Drips:
    """Begins an answer and sends an octet of its header section now and then."""

    sent = 0

    async def play(self, exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(300):
            await asyncio.sleep(0.1)
            await exchange.send(b"x")
            self.sent += 1
        return False


def test_a_head_that_drips_costs_the_timeout():
    drips = Drips()
    with LoopbackWeb([Site(host="a.test", about="", expect={}, pages={"/": drips})]) as web:

        async def ask():
            async with client(Names(a_test=[["127.0.0.1"]])) as asker:
                return await attempt(asker, f"http://a.test:{web.port}/")

        came, context = run(ask())
    assert came == "timed_out"
    assert 0 < drips.sent < 300, "given up long before the answer was complete"
    assert context.address == f"127.0.0.1:{web.port}"


def test_plain_http_has_no_tls():
    with LoopbackWeb([PAGE]) as web:

        async def ask():
            async with client(Names(a_test=[["127.0.0.1"]])) as asker:
                return await attempt(asker, f"http://a.test:{web.port}/")

        came, context = run(ask())
    assert (came, context.tls[:3]) == (200, ("", "", ""))


def test_a_handshake_that_cannot_be_done_is_tls_failed():
    with LoopbackWeb([]) as web:
        urls = [f"https://a.test:{web.port}/"]
        assert outcomes(urls, Names(a_test=[["127.0.0.1"]])) == ["tls_failed"]
