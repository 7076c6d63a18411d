"""Real crawls of a loopback web, in a subprocess: what comes back, and how politely."""

import asyncio
import datetime
import gzip
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from scrapy.core.downloader import Slot

from crawler.demo.answers import OldHttp, Plain, RedirectLoop, RedirectsTo, head, html, status, text
from crawler.demo.misbehaviour import (
    BadStatusLine,
    BreaksChunking,
    DropsConnection,
    EndlessBody,
    EndlessHeaders,
    GzipBomb,
    NeverAnswers,
    ResetsHalfway,
    SendsSlowly,
    StopsHalfway,
)
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.fetch.options import FetchOptions
from crawler.fetch.scrapy_ import settings
from tests.conftest import patience
from tests.crawl_helpers import requests_without_files

ROOT = Path(__file__).parents[2]
CAP = 200_000
# Seconds of a request: what never answers costs as much, and what answers must make it.
TIMEOUT = patience(2)
LOOPBACK = ("127.0.0.1/32",)


@dataclass(frozen=True)
class Raw:
    """Sends these octets and hangs up."""

    octets: bytes

    async def play(self, exchange):
        await exchange.send(self.octets)
        return False


@dataclass
class Counts:
    """Takes its time, and remembers how many were served at once."""

    seconds: float
    now: list[str] = field(default_factory=list)
    most: int = 0
    most_of_a_host: int = 0

    async def play(self, exchange):
        host = exchange.request.host
        self.now.append(host)
        self.most = max(self.most, len(self.now))
        self.most_of_a_host = max(self.most_of_a_host, self.now.count(host))
        await asyncio.sleep(self.seconds)
        self.now.remove(host)
        await exchange.send(head(404, (("Content-Length", "0"),)))
        return True


def site(host, otherwise=None, **pages):
    named = {
        {"robots": "/robots.txt", "ai": "/ai.txt", "tdmrep": "/.well-known/tdmrep.json"}.get(
            name, "/" if name == "home" else f"/{name}"
        ): answer
        for name, answer in pages.items()
    }
    extra = {} if otherwise is None else {"otherwise": otherwise}
    return Site(host=host, about="", expect={}, pages=named, **extra)


def start(jobs, grace=None, **options):
    """Start a crawl in a subprocess; `grace` is in seconds, None for the usual ones."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fetch.crawl_json"],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    options = {"delay": 0, "allow_network": LOOPBACK, **options}
    task = {"jobs": jobs, "options": options} | ({} if grace is None else {"grace": grace})
    process.stdin.write(json.dumps(task))
    process.stdin.close()
    process.stdin = None
    return process


def finish(process):
    """Its visits in the order they were saved, and its last line."""
    out, err = process.communicate(timeout=patience(60))
    assert (process.returncode, err) == (0, "")
    *visits, end = map(json.loads, out.splitlines())
    return visits, end


def to(web, *hosts):
    return [f"{host}::127.0.0.1:{web.port}" for host in hosts]


def in_short(visit):
    return [f"{o['target']['resource']} {o['outcome']} {o['status']}" for o in visit]


def only(visit, *resources):
    """Return the observations of some resources: others may come to the plan."""
    return [o for o in visit if o["target"]["resource"] in resources]


PAGE = html(in_head='<meta name="tdm-reservation" content="1">')
SQUEEZED = gzip.compress(b"User-agent: *\nDisallow: /private\n")
MISBEHAVING = {
    "drops": DropsConnection(),
    "stops": StopsHalfway(b"x" * 1000),
    "resets": ResetsHalfway(b"x" * 1000),
    "chunks": BreaksChunking(),
    "status": BadStatusLine(),
    "headers": EndlessHeaders(),
    "length": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx"),
    "gzip": Raw(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + SQUEEZED[:-5]),
    "bomb": GzipBomb(4 * 1024 * 1024),
    "endless": EndlessBody(),
    "never": NeverAnswers(),
    "slowly": SendsSlowly(),
    "old": OldHttp(body=b"<p>old"),
    "no_content": Raw(b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"),
    "no_type": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<p>"),
    "more_than_said": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<p>and more"),
    "not_gzip": Raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n<p>"),
    "brotli": Raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\n\1\2\3"),
    "octets": Raw(b"HTTP/1.1 200 OK\r\nX-Name: \xfc\r\nContent-Length: 0\r\n\r\n"),
}
SITES = [
    site(
        "good.test",
        robots=Plain(
            headers=(
                ("content-TYPE", "text/plain"),
                ("Content-Encoding", "gzip"),
                ("X-A", "1"),
                ("x-a", "2"),
            ),
            body=SQUEEZED,
        ),
        ai=text("User-Agent: *\nDisallow: *.jpg\n"),
        home=PAGE,
        **{"private/page": PAGE, "page?q=1": PAGE, "image": text(b"\xff\xd8", "image/jpeg")},
    ),
    site(
        "redirects.test",
        robots=RedirectsTo("/one", 301),
        one=RedirectsTo("http://redirects.test/two", 308),
        two=text("User-agent: *\nDisallow:\n"),
        ai=RedirectLoop(),
        tdmrep=RedirectsTo("http://127.0.0.2/", 302),
        home=RedirectsTo("http://good.test/private/page", 303),
        far=RedirectsTo("/far/1"),
        **{f"far/{n}": RedirectsTo(f"/far/{n + 1}") for n in range(1, 8)},
    ),
    site("busy.test", ai=status(429, ("Retry-After", "60"))),
    site("closed.test", robots=status(503)),
    *[site(f"{name}.test", home=answer) for name, answer in MISBEHAVING.items()],
]
ELSEWHERE = [
    {"url": "http://nowhere.invalid"},
    {"url": "http://refuses.test"},
    {"url": "http://127.0.0.2"},
    {"url": "http://169.254.169.254"},
    {"url": "https://plain.test"},
    {"url": "https://bare.test", "assumed": True},
    {"url": "http://exa mple"},
]


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def certified():
    """A TLS server whose certificate nobody would trust, as (context, port) of its thread."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody.else")])
    now = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


@pytest.fixture(scope="module")
def tls_port(certified, tmp_path_factory):
    key, certificate = certified
    pem = tmp_path_factory.mktemp("tls") / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    port = []

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()

    def run():
        loop.run_until_complete(main())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield port[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture(scope="module")
def crawled(tls_port):
    """One crawl of all of it: observations by host, its end, and what the server saw."""
    jobs = [{"url": f"http://{s.host}"} for s in SITES]
    jobs[0]["samples"] = [f"http://good.test{p}" for p in ("/private/page", "/page?q=1", "/image")]
    jobs[1]["samples"] = ["http://redirects.test/far"]
    jobs += [*ELSEWHERE, {"url": "https://certified.test"}]
    with LoopbackWeb(SITES) as web:
        jobs.append({"url": f"http://localhost:{web.port}"})
        rules = [
            f"refuses.test::127.0.0.1:{closed_port()}",
            f"certified.test::127.0.0.1:{tls_port}",
            *to(web, *(s.host for s in SITES), "plain.test", "bare.test"),
        ]
        visits, end = finish(
            start(
                jobs,
                connect_to=rules,
                allow_network=(*LOOPBACK, "::1/128"),
                pages=3,
                timeout=TIMEOUT,
                connect_timeout=TIMEOUT,
                max_body=CAP,
                contact="https://audit.example/about",
            )
        )
        return {v["origin"]["host"]: v["observations"] for v in visits}, end, web


def home_of(crawled, name):
    return next(o for o in crawled[0][f"{name}.test"] if o["target"]["resource"] == "home")


def test_every_job_is_saved_and_reported(crawled):
    count = len(SITES) + len(ELSEWHERE) + 2
    assert crawled[1] == {"ended": "finished", "taken": count, "counted": count}
    assert len(crawled[0]) == count


def test_a_good_site(crawled):
    seen = crawled[0]["good.test"]
    robots, ai, home, *pages = only(seen, "robots_txt", "ai_txt", "home", "page")
    assert in_short([robots, ai, home, *pages]) == [
        "robots_txt responded 200",
        "ai_txt responded 200",
        "home responded 200",
        "page withheld None",
        "page responded 200",
        "page responded 200",
    ]
    image = pages[-1]
    assert robots["body"] == "User-agent: *\nDisallow: /private\n"
    assert robots["size"] == len(robots["body"])
    assert robots["headers"][:4] == [
        ["content-TYPE", "text/plain"],
        ["Content-Encoding", "gzip"],
        ["X-A", "1"],
        ["x-a", "2"],
    ]
    assert robots["address"].startswith("127.0.0.1:")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", robots["started_at"])
    assert '"tdm-reservation"' in home["extract"]
    assert image["extract"] == robots["extract"] == ""


def test_every_observation_says_when(crawled):
    missing = [o for seen in crawled[0].values() for o in seen if len(o["started_at"]) != 24]
    assert missing == []


def test_what_is_sent(crawled):
    sent = next(r for r in crawled[2].log if r.host == "good.test")
    assert dict(sent.headers) == {
        "Host": "good.test",
        "User-Agent": "tdm-audit/0.1.0 (+https://audit.example/about)",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
    }


def test_redirects_hop_by_hop(crawled):
    got = [
        f"{o['target']['resource']} {o['target']['hop']} {o['target']['url']} {o['outcome']}"
        for o in only(
            crawled[0]["redirects.test"],
            *("robots_txt", "ai_txt", "tdmrep_json", "other_robots_txt", "home", "page"),
        )
    ]
    assert got == [
        "robots_txt 0 http://redirects.test/robots.txt responded",
        "robots_txt 1 http://redirects.test/one responded",
        "robots_txt 2 http://redirects.test/two responded",
        "ai_txt 0 http://redirects.test/ai.txt responded",
        "ai_txt 1 http://redirects.test/ai.txt redirect_limit",
        "tdmrep_json 0 http://redirects.test/.well-known/tdmrep.json responded",
        "other_robots_txt 0 http://127.0.0.2/robots.txt blocked_address",
        "tdmrep_json 1 http://127.0.0.2/ withheld",
        "home 0 http://redirects.test/ responded",
        "other_robots_txt 0 http://good.test/robots.txt responded",
        "home 1 http://good.test/private/page withheld",
        *[f"page {n} http://redirects.test/far{f'/{n}' if n else ''} responded" for n in range(6)],
        "page 6 http://redirects.test/far/6 redirect_limit",
    ]


def test_a_busy_host_is_asked_no_more(crawled):
    _robots, ai, *others = crawled[0]["busy.test"]
    assert in_short([ai]) == ["ai_txt responded 429"]
    assert {o["outcome"] for o in others} == {"withheld"}
    assert [r.path for r in crawled[2].log if r.host == "busy.test"] == ["/robots.txt", "/ai.txt"]
    assert [r.path for r in crawled[2].log if r.host == "closed.test"] == ["/robots.txt"]


@pytest.mark.parametrize(
    ("host", "outcome", "note"),
    [
        ("nowhere.invalid", "not_found_host", "DNS: "),
        ("refuses.test", "refused", "connecting: "),
        ("127.0.0.2", "blocked_address", "not a public address: 127.0.0.2"),
        ("169.254.169.254", "blocked_address", "not a public address: 169.254.169.254"),
        ("plain.test", "tls_failed", "connecting: "),
        ("bare.test", "tls_failed", "connecting: "),
    ],
)
def test_failures_to_connect(crawled, host, outcome, note):
    first = crawled[0][host][0]
    assert (first["outcome"], first["status"]) == (outcome, None)
    assert first["note"].startswith(note)


@pytest.mark.parametrize(
    ("name", "outcome", "got_status", "note"),
    [
        ("drops", "broken", None, "closed without an answer"),
        ("stops", "broken", None, "answered 200, then 500 octets of 1000"),
        ("resets", "broken", None, ""),
        ("chunks", "broken", None, ""),
        ("status", "broken", None, "not HTTP: Bad status line"),
        ("headers", "broken", None, "not HTTP: "),
        ("length", "broken", None, "not HTTP: "),
        ("gzip", "broken", None, "gzip ends early, after "),
        ("bomb", "too_large", 200, ""),
        ("endless", "too_large", 200, ""),
        ("never", "timed_out", None, "no answer in time"),
        ("slowly", "timed_out", None, "answered 200, then "),
        ("old", "responded", 200, ""),
        ("no_content", "responded", 204, ""),
        ("no_type", "responded", 200, ""),
        ("more_than_said", "responded", 200, ""),
        ("not_gzip", "responded", 200, "said gzip and is not"),
        ("brotli", "broken", None, "Content-Encoding br was not asked for"),
        ("octets", "responded", 200, ""),
    ],
)
def test_misbehaviour(crawled, name, outcome, got_status, note):
    home = home_of(crawled, name)
    assert (home["outcome"], home["status"]) == (outcome, got_status)
    assert (home["note"] or "").startswith(note)


@pytest.mark.parametrize("name", ["bomb", "endless"])
def test_bodies_are_cut_at_the_cap(crawled, name):
    home = home_of(crawled, name)
    assert (home["size"], len(home["body"]), home["truncated"]) == (CAP, CAP, True)


@pytest.mark.parametrize("name", ["drops", "stops", "chunks", "gzip", "never", "slowly"])
def test_nothing_is_kept_of_what_did_not_come_whole(crawled, name):
    home = home_of(crawled, name)
    assert (home["body"], home["headers"], home["size"], home["extract"]) == ("", [], 0, "")


@pytest.mark.parametrize(
    ("name", "body"), [("old", "<p>old"), ("no_type", "<p>"), ("more_than_said", "<p>")]
)
def test_odd_answers_are_read(crawled, name, body):
    home = home_of(crawled, name)
    assert (home["body"], bool(home["extract"])) == (body, True)


def test_header_octets_survive(crawled):
    assert ["X-Name", "\udcfc"] in home_of(crawled, "octets")["headers"]


def test_a_slow_answer_costs_its_timeout_and_no_more(crawled):
    slowly, never = (home_of(crawled, name) for name in ("slowly", "never"))
    assert (slowly["outcome"], never["outcome"]) == ("timed_out", "timed_out")
    received = re.fullmatch(r"answered 200, then (\d+) octets of 280", slowly["note"])
    assert 0 < int(received[1]) < 280
    assert min(slowly["elapsed_ms"], never["elapsed_ms"]) > TIMEOUT * 950


def test_certificates_that_do_not_verify_are_no_obstacle(crawled):
    assert in_short(crawled[0]["certified.test"])[0] == "robots_txt responded 404"


def test_a_bare_host_is_asked_by_http_when_https_gives_no_answer(crawled):
    first, second, *_ = crawled[0]["bare.test"]
    assert (first["target"]["url"], first["outcome"]) == (
        "https://bare.test/robots.txt",
        "tls_failed",
    )
    assert (second["target"]["url"], second["status"]) == ("http://bare.test/robots.txt", 404)


def test_names_of_the_hosts_file_are_found(crawled):
    assert crawled[0]["localhost"][0]["status"] == 404


def test_a_crash_of_ours_is_an_observation(crawled):
    (only,) = crawled[0]["exa mple"]
    assert only["outcome"] == "broken"
    assert only["note"].startswith("internal: ")


def test_a_connect_to_target_must_be_allowed_too():
    with LoopbackWeb([site("a.test")]) as web:
        visits, _ = finish(
            start([{"url": "http://a.test"}], connect_to=to(web, "a.test"), allow_network=[])
        )
    assert visits[0]["observations"][0]["outcome"] == "blocked_address"
    assert web.log == ()


def test_one_request_to_a_host_at_a_time_and_the_delay_between():
    # Each answer takes long enough for both hosts to meet, and less than the delay.
    counts = Counts(0.3)
    with LoopbackWeb([site("a.test", counts), site("b.test", counts)]) as web:
        jobs = [{"url": u} for u in ("http://a.test", "http://a.test:8080", "http://b.test")]
        visits, _ = finish(start(jobs, connect_to=to(web, "a.test", "b.test"), delay=0.4))
        times = {h: [r.time for r in web.log if r.host == h] for h in ("a.test", "b.test")}
    assert len(visits) == 3
    assert (counts.most, counts.most_of_a_host) == (2, 1)
    gaps = {h: [later - earlier for earlier, later in pairwise(t)] for h, t in times.items()}
    assert (len(gaps["a.test"]), len(gaps["b.test"])) == (
        2 * requests_without_files() - 1,
        requests_without_files() - 1,
    )
    # The first request also opens the connection, which the server does not see the start of.
    # Half a delay is left to a busy server, which may see a request late and the next one in time.
    assert min(gaps["a.test"][1:] + gaps["b.test"][1:]) > 0.2


def test_the_delay_between_requests_is_never_shorter_than_asked_for():
    """Scrapy draws from 1 - jitter to 1 + jitter times the delay that it is given."""
    delay = FetchOptions(delay=2.0).delay * settings.DELAY_FACTOR
    slot = Slot(settings.CONCURRENT_REQUESTS_PER_DOMAIN, delay, settings.DOWNLOAD_DELAY_JITTER)
    assert slot.concurrency == 1
    drawn = [slot.download_delay() for _ in range(1000)]
    assert 2.0 <= min(drawn) < max(drawn) <= 3.0


def test_few_requests_to_one_address_at_a_time():
    counts = Counts(0.1)
    hosts = [f"h{n}.test" for n in range(8)]
    with LoopbackWeb([site(h, counts) for h in hosts]) as web:
        jobs = [{"url": f"http://{h}"} for h in hosts]
        visits, _ = finish(start(jobs, connect_to=to(web, *hosts), per_address=3))
    assert (len(visits), counts.most) == (8, 3)


def test_sigterm_saves_what_can_be_finished():
    slow = Counts(0.1)
    with LoopbackWeb([site("fast.test"), site("slow.test", slow)]) as web:
        jobs = [{"url": "http://fast.test"}, {"url": "http://slow.test"}]
        jobs += [{"url": f"http://slow.test:{port}"} for port in range(8000, 8100)]
        process = start(jobs, connect_to=to(web, "fast.test", "slow.test"), concurrency=2)
        wait_for(lambda: len(slow.now) > 0 and len(web.log) > 4)
        process.send_signal(signal.SIGTERM)
        visits, end = finish(process)
    assert end["ended"] == "stopped"
    # The others wait for their host, or were not even taken.
    assert len(visits) == end["counted"] <= end["taken"]
    assert len(visits) < len(jobs)
    assert {v["origin"]["host"] for v in visits} == {"fast.test", "slow.test"}


def test_a_second_signal_cuts_what_is_in_flight():
    with LoopbackWeb([site("fast.test"), site("never.test", NeverAnswers())]) as web:
        jobs = [{"url": "http://fast.test"}, {"url": "http://never.test"}]
        # Neither a timeout nor the end of the grace period could end it.
        addresses = to(web, "fast.test", "never.test")
        process = start(jobs, grace=10_000, connect_to=addresses, timeout=10_000)
        saved = json.loads(process.stdout.readline())
        wait_for(lambda: len(web.log) == requests_without_files() + 1)
        # Two signals, since the second of one kind is lost if the first is still pending.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        visits, end = finish(process)
    assert (saved["origin"]["host"], visits) == ("fast.test", [])
    assert end == {"ended": "stopped", "taken": 2, "counted": 1}


def test_a_budget_ends_a_crawl():
    hosts = [f"h{n}.test" for n in range(40)]
    with LoopbackWeb([site(h, Counts(0.05)) for h in hosts]) as web:
        jobs = [{"url": f"http://{h}"} for h in hosts]
        process = start(jobs, connect_to=to(web, *hosts), concurrency=1, time_budget=0.6)
        visits, end = finish(process)
    assert end["ended"] == "budget"
    assert 0 < len(visits) == end["taken"] < 40


def test_a_frontier_that_fails_fails_the_crawl():
    with LoopbackWeb([site("a.test")]) as web:
        process = start([{"url": "http://a.test", "poison": True}], connect_to=to(web, "a.test"))
        _, err = process.communicate(timeout=patience(30))
    assert process.returncode == 1
    assert err.rstrip().endswith("OSError: the disk is full")


def test_scrapy_knows_the_spider():
    listed = subprocess.run(
        [sys.executable, "-m", "scrapy", "list"], cwd=ROOT, capture_output=True, text=True
    )
    assert (listed.returncode, listed.stdout) == (0, "reservations\n")


def wait_for(condition, seconds=20):
    limit = time.monotonic() + patience(seconds)
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)
