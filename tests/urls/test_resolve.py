"""References resolved against a base, and the parts of absolute URLs."""

import pytest

from crawler.urls import resolve

BASE = "https://a.example/d/f?q#x"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param("g", "https://a.example/d/g", id="relative"),
        pytest.param("/g?y#z", "https://a.example/g?y", id="fragment dropped"),
        pytest.param("//u:p@B.example:443/", "https://b.example/", id="credentials dropped"),
        pytest.param("", "https://a.example/d/f?q", id="empty"),
        pytest.param("g?", "https://a.example/d/g?", id="empty query"),
        pytest.param("/\udcfc/ü", "https://a.example/%FC/%C3%BC", id="octets outside US-ASCII"),
        pytest.param("mailto:a@b.example", None, id="not http"),
        pytest.param("http://[::1", None, id="no URL"),
    ],
)
def test_join(reference, expected):
    assert resolve.join(BASE, reference) == expected


@pytest.mark.parametrize(
    ("url", "origin", "host", "path"),
    [
        ("https://a.example/x?y", "https://a.example", "a.example", "/x?y"),
        ("http://a.example.:8080", "http://a.example.:8080", "a.example", "/"),
        ("https://a.example/x?", "https://a.example", "a.example", "/x?"),
        ("https://a.example/x?#y", "https://a.example", "a.example", "/x?"),
        ("https://a.example/x#?", "https://a.example", "a.example", "/x"),
        ("http://[2001:db8::1]:81/", "http://[2001:db8::1]:81", "[2001:db8::1]", "/"),
    ],
)
def test_parts(url, origin, host, path):
    assert resolve.origin_text(url) == origin
    assert resolve.host_of(origin) == host
    assert resolve.path_and_query(url) == path


def test_very_long_urls_are_not_asked():
    assert resolve.is_askable("https://a.example/" + "x" * 4000)
    assert not resolve.is_askable("https://a.example/" + "x" * 5000)
