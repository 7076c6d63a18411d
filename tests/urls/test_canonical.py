"""Any text as a URL: its origin or why it has none, its site, its path and its page."""

import os
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.model import Origin
from crawler.urls import canonical
from crawler.urls.canonical import (
    MAX_URL_LENGTH,
    make_origin,
    names_whole_origin,
    origin_key,
    origin_of,
    page_of,
    page_url,
    path_of,
    site_of,
    suffix_list_version,
)
from crawler.vocab import Reject

NAMED = {
    "plain": ("https://example.org/a", "https://example.org"),
    "upper case": ("HTTPS://EXAMPLE.ORG/A", "https://example.org"),
    "white space around": ("  \x00\thttps://example.org/a \n", "https://example.org"),
    "no-break space and byte order mark around": (
        "\ufeffhttps://example.org\u00a0",
        "https://example.org",
    ),
    "a line end inside the scheme": ("ht\ntp://example.org", "http://example.org"),
    "a tab inside the host": ("http://exam\tple.org/", "http://example.org"),
    "user information is dropped": ("http://me:secret@example.org/", "http://example.org"),
    "an at sign in user information": ("http://a@b@example.org/", "http://example.org"),
    "default port of http": ("http://example.org:80/", "http://example.org"),
    "default port of https": ("https://example.org:443", "https://example.org"),
    "the other one's default port": ("http://example.org:443/", "http://example.org:443"),
    "explicit port": ("https://example.org:8443/x", "https://example.org:8443"),
    "port with leading zeros": ("http://example.org:08080/", "http://example.org:8080"),
    "empty port": ("http://example.org:/x", "http://example.org"),
    "trailing dot": ("https://example.org./", "https://example.org"),
    "no slash before the query": ("https://example.org?q=1", "https://example.org"),
    "no slash before the fragment": ("https://example.org#top", "https://example.org"),
    "IDN": ("http://münchen.example/", "http://xn--mnchen-3ya.example"),
    "IDN with a sharp s is no ss": ("http://faß.de", "http://xn--fa-hia.de"),
    "ideographic full stop": ("http://example。org/", "http://example.org"),
    "full-width letters": ("http://ｅｘａｍｐｌｅ.org/", "http://example.org"),
    "percent-encoded host": ("http://ex%61mple%2Eorg/", "http://example.org"),
    "IPv4": ("http://192.0.2.1/", "http://192.0.2.1"),
    "IPv4 in hex": ("http://0xC0.0x0.0x2.0x1/", "http://192.0.2.1"),
    "IPv4 in octal": ("http://0300.0.02.01/", "http://192.0.2.1"),
    "IPv4 as one number": ("http://3221225985/", "http://192.0.2.1"),
    "IPv4 with a trailing dot": ("http://192.0.2.1./", "http://192.0.2.1"),
    "IPv6": ("http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]"),
    "IPv6 with port": ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
    "IPv4 in IPv6": ("http://[::ffff:192.0.2.1]/", "http://[::ffff:c000:201]"),
    "backslashes": ("https:\\\\example.org\\a", "https://example.org"),
    "one slash": ("http:/example.org/a", "http://example.org"),
    "three slashes": ("http:///example.org/a", "http://example.org"),
    "no slashes": ("https:example.org", "https://example.org"),
    "underscore": ("http://my_host.example.org/", "http://my_host.example.org"),
    "hyphens at the ends of labels": ("http://-a-.example.org/", "http://-a-.example.org"),
    "one label with a scheme": ("http://intranet/", "http://intranet"),
    "lone surrogates in the path": ("http://example.org/\ud800", "http://example.org"),
}

ASSUMED = {
    "bare host": ("example.org", "https://example.org"),
    "bare host with path": ("Example.org/path", "https://example.org"),
    "bare host with port": ("example.org:8080/x", "https://example.org:8080"),
    "bare host with port and query": ("example.org:8080?x", "https://example.org:8080"),
    "bare host with empty port": ("example.org:", "https://example.org"),
    "bare host with trailing dot": ("example.org.", "https://example.org"),
    "bare IDN": ("münchen.example/x", "https://xn--mnchen-3ya.example"),
    "bare with ideographic stop": ("example。org", "https://example.org"),
    "localhost": ("localhost", "https://localhost"),
    "localhost with port": ("localhost:8000/x", "https://localhost:8000"),
    "bare IPv4": ("192.0.2.1/x", "https://192.0.2.1"),
    "bare IPv4 with port": ("192.0.2.1:81", "https://192.0.2.1:81"),
    "bare IPv6": ("[2001:db8::1]:81/x", "https://[2001:db8::1]:81"),
    "protocol-relative": ("//example.org/p", "https://example.org"),
    "protocol-relative with backslashes": ("\\\\example.org\\p", "https://example.org"),
    "a mail address in the path": ("example.org/@me", "https://example.org"),
}

REJECTED = {
    "nothing": (None, Reject.EMPTY),
    "empty": ("", Reject.EMPTY),
    "white space": (" \t\r\n\u00a0", Reject.EMPTY),
    "data": ("data:text/plain,x", Reject.NOT_HTTP),
    "ftp": ("ftp://example.org/", Reject.NOT_HTTP),
    "mailto": ("mailto:me@example.org", Reject.NOT_HTTP),
    "javascript": ("JavaScript:alert(1)", Reject.NOT_HTTP),
    "file": ("file:///etc/hosts", Reject.NOT_HTTP),
    "telephone number": ("tel:4912345", Reject.NOT_HTTP),
    "mail address": ("me@example.org", Reject.NOT_HTTP),
    "a scheme with a dot": ("soap.beep://example.org", Reject.NOT_HTTP),
    "scheme only": ("http:", Reject.NO_HOST),
    "scheme and slashes": ("https:///", Reject.NO_HOST),
    "only user information": ("https://me@/x", Reject.NO_HOST),
    "only a query": ("https://?x", Reject.NO_HOST),
    "a word": ("garbage", Reject.NO_HOST),
    "n/a": ("n/a", Reject.NO_HOST),
    "a number": ("551", Reject.NO_HOST),
    "a decimal number": ("1.5", Reject.NO_HOST),
    "dots": ("..", Reject.NO_HOST),
    "a path": ("/a/b.html", Reject.NO_HOST),
    "a sentence": ("not a url", Reject.BAD_HOST),
    "space in the host": ("http://exa mple.org/", Reject.BAD_HOST),
    "two trailing dots": ("https://example.org../", Reject.BAD_HOST),
    "empty label": ("https://a..example.org/", Reject.BAD_HOST),
    "leading dot": ("https://.example.org/", Reject.BAD_HOST),
    "bare with empty label": ("example..org", Reject.BAD_HOST),
    "comma in the host": ("http://a,b.example.org/", Reject.BAD_HOST),
    "asterisk in the host": ("http://*.example.org/", Reject.BAD_HOST),
    "percent-encoded slash": ("http://a%2Fb.example.org/", Reject.BAD_HOST),
    "NUL in the host": ("http://a\x00b.example.org/", Reject.BAD_HOST),
    "lone surrogate in the host": ("http://\ud800.example.org/", Reject.BAD_HOST),
    "IPv4 out of range": ("http://192.0.2.256/", Reject.BAD_HOST),
    "IPv6 that does not end": ("http://[2001:db8::1", Reject.BAD_HOST),
    "IPv6 with zone": ("http://[fe80::1%25eth0]/", Reject.BAD_HOST),
    "label of 64": (f"http://{'a' * 64}.org/", Reject.BAD_HOST),
    "name of 254": (f"http://{'a.' * 125}com./"[:-2] + "x/", Reject.BAD_HOST),
    "a bad host and a port": ("http://a b:80/", Reject.BAD_HOST),
    "port 0": ("http://example.org:0/", Reject.BAD_PORT),
    "port 65536": ("http://example.org:65536/", Reject.BAD_PORT),
    "port that is no number": ("http://example.org:http/", Reject.BAD_PORT),
    "bare with port out of range": ("example.org:99999", Reject.BAD_PORT),
    "too long": ("https://example.org/" + "a" * MAX_URL_LENGTH, Reject.TOO_LONG),
}


def rows(table):
    return [pytest.param(*row, id=name) for name, row in table.items()]


@pytest.mark.parametrize(("text", "expected"), rows(NAMED))
def test_a_url_names_its_origin(text, expected):
    got = origin_of(text)
    assert isinstance(got, Origin), got
    assert (got.url, got.assumed) == (expected, False)


@pytest.mark.parametrize(("text", "expected"), rows(ASSUMED))
def test_the_scheme_is_assumed(text, expected):
    got = origin_of(text)
    assert isinstance(got, Origin), got
    assert (got.url, got.assumed) == (expected, True)


@pytest.mark.parametrize(("text", "expected"), rows(REJECTED))
def test_what_names_no_origin_says_why(text, expected):
    got = origin_of(text)
    assert got is expected
    assert (page_url(text), path_of(text)) == ("", "/")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "https://example.org/" + "a" * (MAX_URL_LENGTH - 20), id="text of the longest kind"
        ),
        pytest.param(f"https://{'a' * 63}.org/", id="label of 63"),
        pytest.param(f"https://{'a.' * 125}com/", id="name of 253"),
    ],
)
def test_limits_are_inclusive(text):
    assert isinstance(origin_of(text), Origin)


@pytest.mark.parametrize(
    ("text", "path", "page"),
    [
        pytest.param("http://e.org", "/", "http://e.org/", id="empty path"),
        pytest.param("http://e.org/a/../b/./c", "/b/c", "http://e.org/b/c", id="dot segments"),
        pytest.param("http://e.org/%2e%2E/a", "/a", "http://e.org/a", id="encoded dot segments"),
        pytest.param("http://e.org/a?b=c#d", "/a?b=c", "http://e.org/a?b=c", id="fragment"),
        pytest.param("http://e.org/a?", "/a?", "http://e.org/a?", id="F2: empty query"),
        pytest.param("http://e.org?", "/?", "http://e.org/?", id="F2: empty query of no path"),
        pytest.param("e.org?#x?", "/?", "https://e.org/?", id="F2: empty query before a fragment"),
        pytest.param("http://e.org/a#?", "/a", "http://e.org/a", id="F2: a mark in a fragment"),
        pytest.param("http://e.org/a%3F", "/a%3F", "http://e.org/a%3F", id="F2: a mark in a path"),
        pytest.param("http://e.org/a??", "/a??", "http://e.org/a??", id="F2: a query of a mark"),
        pytest.param("http://e.org?b", "/?b", "http://e.org/?b", id="query without path"),
        pytest.param("http://me:x@e.org./a", "/a", "http://e.org/a", id="user information"),
        pytest.param("E.org/A b", "/A%20b", "https://e.org/A%20b", id="bare host"),
        pytest.param("e.org:81/ä", "/%C3%A4", "https://e.org:81/%C3%A4", id="bare with port"),
        pytest.param("http:\\\\e.org\\a", "/a", "http://e.org/a", id="backslashes"),
        pytest.param("http://e.org//a", "//a", "http://e.org//a", id="double slash"),
    ],
)
def test_path_and_page(text, path, page):
    assert (path_of(text), page_url(text)) == (path, page)


HOSTS_ALONE = {
    "a host": ("example.org", True),
    "upper case": ("EXAMPLE.org", True),
    "dot of the root": ("example.org.", True),
    "default port": ("example.org:443", True),
    "another port": ("example.org:8080", True),
    "empty port": ("example.org:", True),
    "white space around": (" example.org\t\n", True),
    "byte order mark": ("\ufeffexample.org", True),
    "a tab inside": ("exam\tple.org", True),
    "IDN": ("münchen.example", True),
    "ideographic stop": ("example。org", True),
    "percent-encoded": ("ex%61mple.org", True),
    "IPv4": ("192.0.2.1", True),
    "IPv6": ("[2001:db8::1]:443", True),
    "localhost": ("localhost", True),
    "a slash": ("example.org/", False),
    "a backslash": ("example.org\\", False),
    "an empty query": ("example.org?", False),
    "a query": ("example.org?q", False),
    "a fragment": ("example.org#x", False),
    "a scheme": ("http://example.org", False),
    "a scheme in upper case": ("HTTPS:example.org", False),
    "relative to the scheme": ("//example.org", False),
    "backslashes before it": ("\\\\example.org", False),
    "a word": ("words", False),
    "a number": ("1.5", False),
    "a mail address": ("me@example.org", False),
    "a port out of range": ("example.org:99999", False),
    "too long": ("a." * MAX_URL_LENGTH + "org", False),
    "nothing": (None, False),
}


@pytest.mark.parametrize(("text", "expected"), rows(HOSTS_ALONE))
def test_a_host_alone_names_the_whole_origin(text, expected):
    assert names_whole_origin(text) is expected


def test_a_page_that_encoding_makes_too_long_is_not_asked_for():
    text = "https://example.org/" + "ä" * 4000
    assert isinstance(origin_of(text), Origin)
    assert page_url(text) == ""


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("www.example.org", "example.org", id="domain"),
        pytest.param("example.org", "example.org", id="apex"),
        pytest.param("a.b.example.co.uk", "example.co.uk", id="suffix of two labels"),
        pytest.param("www.a.github.io", "a.github.io", id="private suffix"),
        pytest.param("b.github.io", "b.github.io", id="another site under it"),
        pytest.param("github.io", "github.io", id="a suffix is its own site"),
        pytest.param("x.y.kawasaki.jp", "x.y.kawasaki.jp", id="wildcard rule"),
        pytest.param("x.city.kawasaki.jp", "city.kawasaki.jp", id="exception rule"),
        pytest.param("a_b.example.org", "example.org", id="underscore"),
        pytest.param("www.xn--mnchen-3ya.de", "xn--mnchen-3ya.de", id="A-label"),
        pytest.param("a.xn--55qx5d.cn", "a.xn--55qx5d.cn", id="suffix of A-labels"),
        pytest.param("192.0.2.1", "192.0.2.1", id="IPv4"),
        pytest.param("[2001:db8::1]", "[2001:db8::1]", id="IPv6"),
        pytest.param("localhost", "localhost", id="one label"),
        pytest.param("xn--a", "xn--a", id="A-label that is none"),
    ],
)
def test_site(host, expected):
    assert site_of(host) == expected


labels = st.sampled_from(
    [
        *(
            "a",
            "www",
            "com",
            "co",
            "github",
            "city",
            "s3",
            "x_y",
            "xn--a",
            "xn--mnchen-3ya",
            "-a",
            "1",
        )
    ]
)
endings = st.sampled_from(["com", "co.uk", "github.io", "kawasaki.jp", "xn--p1ai", "test", "1.2"])


@given(st.lists(labels, max_size=3), endings)
def test_a_site_is_the_end_of_its_host_and_its_own_site(before, ending):
    host = ".".join([*before, ending])
    site = site_of(host)
    assert f".{host}".endswith(f".{site}")
    assert site_of(site) == site


def test_the_suffix_list_is_the_one_in_the_package(monkeypatch):
    def refuse(*args):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    canonical._extractor.cache_clear()
    assert site_of("www.never-asked-before.co.jp") == "never-asked-before.co.jp"
    assert re.fullmatch(r"tldextract [\d.]+ [0-9a-f]{12}", suffix_list_version())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("http://h.org/", "h.org", id="http"),
        pytest.param("https://h.org:443/", "h.org", id="https is the same"),
        pytest.param("http://h.org:8080/", "h.org:8080", id="port"),
        pytest.param("https://h.org:8080/", "h.org:8080", id="port under https"),
        pytest.param("http://h.org:443/", "h.org:443", id="443 under http is another place"),
        pytest.param("https://[::1]:81/", "[::1]:81", id="IPv6"),
    ],
)
def test_origin_key(text, expected):
    origin = origin_of(text)
    assert isinstance(origin, Origin)
    assert origin_key(origin) == expected


def test_an_origin_from_its_parts():
    assert make_origin("http", "www.example.org") == origin_of("http://www.example.org/")
    assert make_origin("https", "example.org", 81, assumed=True) == origin_of("example.org:81")


pieces = st.sampled_from(
    [
        *("http", "https", "HTTP", ":", "//", "/", "\\", "@", "?", "#", ".", "..", "[", "]", "::1"),
        *("example.org", "a", "xn--", "xn--a", "münchen", "localhost", "0x7f", "1", "127.0.0.1"),
        *(":80", ":0", ":99999", " ", "\t", "\n", "\x00", "\u00a0", "%2e", "%", "。", "\ud800"),
        *("_", "-", "ß", "🦆", "\u00ad", "data:", "e.g.", "~", "\x7f", "\ufeff"),
    ]
)
texts = st.one_of(st.text(max_size=40), st.lists(pieces, max_size=10).map("".join))


@settings(max_examples=400)
@given(texts)
def test_any_text_has_an_answer(text):
    got = origin_of(text)
    assert isinstance(got, Origin | Reject)
    assert path_of(text).startswith("/")
    assert (page_url(text) == "") == isinstance(got, Reject)


@settings(max_examples=400)
@given(texts)
def test_naming_is_idempotent(text):
    got = origin_of(text)
    if isinstance(got, Reject):
        return
    again = origin_of(got.url)
    assert again == make_origin(got.scheme, got.host, got.port)
    assert page_url(page_url(text)) == page_url(text)
    assert path_of(page_url(text)) == path_of(text)


CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
)


@pytest.mark.corpus
def test_the_hosts_of_a_real_list_are_hosts():
    path = CORPUS / "lists" / "dpi_top_2000_c4_token_and_urlcounts.csv"
    if not path.exists():
        pytest.skip("the corpus of real files is not there")
    lines = path.read_text("utf-8", "replace").splitlines()
    hosts = [m[1] for line in lines if (m := re.match(r"\d+,([a-z0-9.-]+),", line))]
    assert len(hosts) > 1000
    assert [host for host in hosts if origin_key(origin_of(host)) != host] == []


def test_pages_are_those_that_are_requested():
    origin, path = page_of(" HTTP://u:p@A.test:80/ü?x#y ")
    assert (origin_key(origin), path) == ("a.test", "/%C3%BC?x")
    assert page_of("garbage") is Reject.NO_HOST
    # A character is up to nine octets once it is percent-encoded.
    assert page_of("https://a.test/" + "ü" * (MAX_URL_LENGTH // 2)) is Reject.TOO_LONG
