"""The SQL for plain authorities and paths accepts only what Python leaves unchanged."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.dataset.url_parts import create_views
from crawler.model import Origin
from crawler.protocols.url_patterns import path_forms
from crawler.urls.canonical import origin_of, page_url, path_of

LABELS = st.text(st.sampled_from("ab9-_Z.é"), min_size=1, max_size=4)
PORTS = st.sampled_from(["", ":", ":0", ":80", ":443", ":8080", ":65535", ":65536", ":x"])
AUTHORITIES = st.builds(
    lambda labels, port: ".".join(labels) + port,
    st.lists(
        st.sampled_from(["a", "example", "xn--bcher-kva", "1", "-", "org", "a" * 64]) | LABELS
    ),
    PORTS,
)
PIECES = [*"ab/.?&%~*$'\"\\ é", "%2e", "%41", "%C3", "%7E", "%zz", "/../"]
PATHS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.fixture(scope="module")
def accepts():
    """Tell whether a macro of plain_urls.sql is true of a text."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE source (url VARCHAR)")
    create_views(connection)

    def ask(macro: str, text: str) -> bool:
        return bool(connection.execute(f"SELECT {macro}(?)", [text]).fetchone()[0])

    yield ask
    connection.close()


@pytest.mark.parametrize(
    ("macro", "text", "expected"),
    [
        ("is_plain_authority", "www.example.org", True),
        ("is_plain_authority", "www.example.org:8080", True),
        ("is_plain_authority", "example", False),
        ("is_plain_authority", "192.0.2.1", False),
        ("is_plain_authority", "xn--bcher-kva.example", False),
        ("is_plain_authority", "WWW.example.org", False),
        ("is_plain_authority", "a.example:99999", False),
        ("is_plain_authority", ".".join(["a" * 50] * 6), False),
        ("is_plain_page", "https://a.example/b?c=%C3%A9", True),
        ("is_plain_page", "https://a.example/", False),
        ("is_plain_page", "https://a.example/b/%2e%2e/", False),
        ("is_plain_page", "https://a.example/b/../c", False),
        ("is_plain_page", "https://a.example/b?", True),
        ("is_normal_path", "", True),
        ("is_normal_path", "/a/b?c", True),
        ("is_normal_path", "/a%41", False),
        ("is_normal_path", "/a%c3", False),
        ("is_normal_path", "/a?", True),
    ],
)
def test_what_is_plain(accepts, macro, text, expected):
    assert accepts(macro, text) is expected


@settings(max_examples=300, deadline=None)
@given(AUTHORITIES)
def test_python_keeps_a_plain_authority(accepts, authority):
    if accepts("is_plain_authority", authority):
        origin = origin_of(f"http://{authority}/")
        assert isinstance(origin, Origin)
        host, _, port = authority.partition(":")
        assert (origin.host, origin.port) == (host, int(port or 80))


@settings(max_examples=300, deadline=None)
@given(PATHS)
def test_python_keeps_a_plain_page(accepts, path):
    page = f"https://a.example/{path}"
    if accepts("is_plain_page", page):
        assert page_url(page) == page


@settings(max_examples=300, deadline=None)
@given(PATHS)
def test_python_keeps_a_normal_path(accepts, tail):
    path = f"/{tail}"
    if accepts("is_normal_path", path):
        found = path_of(f"https://a.example{path}")
        assert (found, path_forms(found).path) == (path, path)
