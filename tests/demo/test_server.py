"""The loopback server does what each answer is named for, seen from plain sockets."""

import gc
import http.client
import socket
import threading
import time
import zlib
from collections.abc import Iterator

import pytest

from crawler.demo.answers import (
    Answer,
    OldHttp,
    Plain,
    RedirectLoop,
    RedirectsTo,
    html,
    status,
    text,
)
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
from crawler.demo.site import SILENT, Site
from tests.conftest import patience

HOST = "one.test"
BODY = b"0123456789" * 100
ANSWERS: dict[str, Answer] = {
    "/": html(),
    "/repeated": Plain(headers=(("TDM-Reservation", "1"), ("TDM-Reservation", "1")), body=b"x"),
    "/repeated?q": text("with a query"),
    "/gone": status(410),
    "/away": RedirectsTo("http://two.test/there", 308),
    "/loop": RedirectLoop(),
    "/old": OldHttp(headers=(("Content-Type", "text/plain"),), body=BODY),
    "/drops": DropsConnection(),
    "/stops": StopsHalfway(BODY),
    "/resets": ResetsHalfway(BODY),
    "/silent": NeverAnswers(),
    "/silent-for-a-moment": NeverAnswers(0.05),
    "/slow": SendsSlowly(b"slow", 0.05),
    "/chunks": BreaksChunking(b"[]"),
    "/endless": EndlessBody(b"start", b"more.", limit=3 * 65_535),
    "/endless-headers": EndlessHeaders(),
    "/bomb": GzipBomb(3 * 1024 * 1024),
    "/other-protocol": BadStatusLine(),
}
ONE = Site(host=HOST, about="Everything at once.", expect=SILENT, pages=ANSWERS)
TWO = Site(host="two.test", about="", expect=SILENT, pages={}, otherwise=text("two"))


@pytest.fixture(name="web", scope="module")
def _web() -> Iterator[LoopbackWeb]:
    with LoopbackWeb([ONE, TWO]) as web:
        yield web


class Client:
    """A connection of `http.client`, closed in every case."""

    def __init__(self, web: LoopbackWeb, timeout: float = patience(10)) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=timeout)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def get(self, path: str, host: str = HOST, **headers: str) -> http.client.HTTPResponse:
        self.connection.request("GET", path, headers={"Host": host, **headers})
        return self.connection.getresponse()


def raw(web: LoopbackWeb, octets: bytes) -> bytes:
    """All that comes back for these octets until the server closes."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=patience(10)) as connection:
        connection.sendall(octets)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def asked(path: str, extra: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{extra}\r\n".encode()


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        pytest.param(HOST, "/", (200, html().body), id="the home page"),
        pytest.param("ONE.test.:8080", "/", (200, html().body), id="case, port and dot of a host"),
        pytest.param("two.test", "/any/path?q=1", (200, b"two"), id="otherwise"),
        pytest.param(HOST, "/repeated?q", (200, b"with a query"), id="a path with its query"),
        pytest.param(HOST, "/gone?q", (410, b"410 Gone\n"), id="a path without its query"),
        pytest.param(HOST, "/unlisted", (404, b"404 Not Found\n"), id="an unlisted path"),
        pytest.param("unknown.test", "/", (404, b"404 Not Found\n"), id="an unknown host"),
    ],
)
def test_the_host_header_tells_the_site(
    web: LoopbackWeb, host: str, path: str, expected: tuple[int, bytes]
) -> None:
    with Client(web) as client:
        response = client.get(path, host)
        assert (response.status, response.read()) == expected


def test_repeated_headers_are_sent_repeatedly(web: LoopbackWeb) -> None:
    with Client(web) as client:
        response = client.get("/repeated")
        response.read()
        assert response.headers.get_all("tdm-reservation") == ["1", "1"]


def test_a_connection_is_kept_for_many_requests(web: LoopbackWeb) -> None:
    with Client(web) as client:
        sockets = set()
        for _ in range(50):
            client.get("/").read()
            sockets.add(client.connection.sock)
        assert len(sockets) == 1


@pytest.mark.parametrize(
    "request_head",
    [
        pytest.param(asked("/", "Connection: close\r\n"), id="the client says close"),
        pytest.param(b"GET / HTTP/1.0\r\nHost: one.test\r\n\r\n", id="the client is 1.0"),
    ],
)
def test_a_connection_ends_when_the_client_wants_it(web: LoopbackWeb, request_head: bytes) -> None:
    assert raw(web, request_head).endswith(html().body)


def test_who_has_the_body_already_gets_304(web: LoopbackWeb) -> None:
    with Client(web) as client:
        first = client.get("/")
        first.read()
        again = client.get("/", **{"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.read()) == (304, b"")


def test_head_brings_no_body(web: LoopbackWeb) -> None:
    answer = raw(web, b"HEAD / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/away", (308, "http://two.test/there"), id="elsewhere"),
        pytest.param("/loop", (301, "/loop"), id="to itself"),
    ],
)
def test_redirects(web: LoopbackWeb, path: str, expected: tuple[int, str]) -> None:
    with Client(web) as client:
        response = client.get(path)
        assert (response.status, response.headers["Location"]) == expected


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("/drops", http.client.RemoteDisconnected, id="DropsConnection"),
        pytest.param("/stops", http.client.IncompleteRead, id="StopsHalfway"),
        pytest.param("/chunks", http.client.IncompleteRead, id="BreaksChunking"),
        pytest.param("/other-protocol", http.client.BadStatusLine, id="BadStatusLine"),
        pytest.param("/endless-headers", http.client.HTTPException, id="EndlessHeaders"),
    ],
)
def test_broken_answers_break_a_client(web: LoopbackWeb, path: str, error: type[Exception]) -> None:
    with Client(web) as client, pytest.raises(error):
        client.get(path).read()


def test_a_reset_is_a_reset(web: LoopbackWeb) -> None:
    with pytest.raises(ConnectionResetError):
        raw(web, asked("/resets"))


def test_half_a_body_is_half_a_body(web: LoopbackWeb) -> None:
    head, _, body = raw(web, asked("/stops")).partition(b"\r\n\r\n")
    assert b"Content-Length: 1000" in head
    assert body == BODY[:500]


def test_old_http_has_no_length_and_ends_with_the_connection(web: LoopbackWeb) -> None:
    head, _, body = raw(web, asked("/old")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 ")
    assert b"content-length" not in head.lower()
    assert body == BODY


def test_silence_outlasts_the_patience_of_a_client(web: LoopbackWeb) -> None:
    with Client(web, timeout=0.2) as client, pytest.raises(TimeoutError):
        client.get("/silent")


def test_silence_is_bounded(web: LoopbackWeb) -> None:
    assert raw(web, asked("/silent-for-a-moment")) == b""


def test_a_slow_body_comes_byte_by_byte(web: LoopbackWeb) -> None:
    began = time.monotonic()
    with Client(web) as client:
        response = client.get("/slow")
        assert [response.read1(10) for _ in range(4)] == [b"s", b"l", b"o", b"w"]
    assert time.monotonic() - began >= 0.2


def test_an_endless_body_is_bounded(web: LoopbackWeb) -> None:
    body = raw(web, asked("/endless")).partition(b"\r\n\r\n")[2]
    assert body == b"start" + b"more." * (3 * 65_535 // 5)


def test_endless_headers_are_bounded() -> None:
    short = Site(host=HOST, about="", expect=SILENT, pages={"/": EndlessHeaders(limit=200_000)})
    with LoopbackWeb([short]) as web:
        answer = raw(web, asked("/"))
    assert 100_000 < len(answer) <= 200_000
    assert b"\r\n\r\n" not in answer


def test_a_bomb_is_small_until_it_is_opened(web: LoopbackWeb) -> None:
    with Client(web) as client:
        response = client.get("/bomb")
        body = response.read()
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(body) < 10_000
    assert len(zlib.decompress(body, wbits=31)) > 3 * 1024 * 1024


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="a TLS handshake"),
        pytest.param(b"what is this\r\nfor: a request?\r\n\r\n", id="another protocol"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, id="a head too long"),
    ],
)
def test_what_is_no_request_is_hung_up_on(web: LoopbackWeb, octets: bytes) -> None:
    try:
        answer = raw(web, octets)
    except ConnectionResetError:  # the kernel resets when it held octets nobody had read
        answer = b""
    assert answer == b""


def test_only_reading_is_allowed(web: LoopbackWeb) -> None:
    answer = raw(web, b"POST / HTTP/1.1\r\nHost: one.test\r\nContent-Length: 2\r\n\r\nhi")
    assert answer.startswith(b"HTTP/1.1 405 ")


def test_the_log_keeps_what_was_asked_and_forgets_the_oldest() -> None:
    with LoopbackWeb([ONE], log_size=2) as web, Client(web) as client:
        for path in ("/gone", "/unlisted", "/?q=1"):
            client.get(path, "One.test:80", **{"User-Agent": "a-test"}).read()
        log = web.log
    assert [(r.method, r.host, r.path, r.header("user-agent")) for r in log] == [
        ("GET", HOST, "/unlisted", "a-test"),
        ("GET", HOST, "/?q=1", "a-test"),
    ]
    assert log[0].time < log[1].time
    assert {r.port for r in log} == {web.port}


def test_several_addresses_serve_the_same_web() -> None:
    with LoopbackWeb([ONE], listen=(("127.0.0.1", 0), ("127.0.0.2", 0))) as web:
        for address, port in zip(("127.0.0.1", "127.0.0.2"), web.ports, strict=True):
            with socket.create_connection((address, port), timeout=patience(10)) as connection:
                connection.sendall(asked("/gone"))
                assert connection.recv(12) == b"HTTP/1.1 410"


def test_it_stops_at_once_with_clients_on_the_line() -> None:
    before = threading.active_count()
    with LoopbackWeb([ONE]) as web:
        waiting = [
            socket.create_connection(("127.0.0.1", web.port), patience(10)) for _ in range(5)
        ]
        for connection, path in zip(
            waiting, ("/silent", "/slow", "/bomb", "/endless-headers", "/"), strict=True
        ):
            connection.sendall(asked(path))
        while len(web.log) < 5:
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < patience(5)
    for connection in waiting:
        connection.close()
    gc.collect()  # an unclosed transport would warn here, and a warning is an error
    assert threading.active_count() == before


def test_an_address_that_cannot_be_bound_is_an_error() -> None:
    with LoopbackWeb([ONE]) as web, pytest.raises(OSError, match="in use"):
        LoopbackWeb([TWO], listen=(("127.0.0.1", web.port),)).__enter__()
