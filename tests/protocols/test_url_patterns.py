from difflib import get_close_matches

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document
from crawler.protocols import PROTOCOLS, parse
from crawler.protocols.content_signals import content_signal_robots
from crawler.protocols.files import ai_txt, trust_txt
from crawler.protocols.parsing.path_patterns import compile_pattern
from crawler.protocols.robots import robots_txt
from crawler.protocols.rsl import rsl
from crawler.protocols.tdmrep import tdmrep_file
from crawler.protocols.url_patterns import ComparedPart, UrlPattern, path_forms, url_patterns_of
from tests.strategies import PATHS, PATTERNS, ROBOTS, UNTIMED


def patterns_of(protocol, body: str) -> list[tuple[str, str]]:
    reading = parse.parse(protocol, Document(body=body.encode()))
    return [(pattern.part, pattern.sql_pattern) for pattern in url_patterns_of(protocol, reading)]


@pytest.mark.parametrize(
    ("protocol", "body", "expected"),
    [
        pytest.param(robots_txt, "User-agent: *\nDisallow:\n", [], id="no rules"),
        pytest.param(
            robots_txt,
            "User-agent: *\nDisallow: /\n",
            [("path", "/robots.txt")],
            id="all but robots.txt",
        ),
        pytest.param(
            robots_txt,
            "User-agent: GPTBot\nDisallow: /a*b_c$\nAllow: /%7Ex\nUser-agent: *\nDisallow: /50%25",
            [
                ("path", "/a%b\\_c"),
                ("path", "/~x%"),
                ("path", "/50\\%25%"),
                ("path", "/robots.txt"),
            ],
            id="every group, once, in normal form",
        ),
        pytest.param(
            ai_txt,
            "User-Agent: *\nDisallow: *.JPG\nDisallow: /x$\nDisallow: /\n",
            [("lower", "%.jpg"), ("bare", "/x")],
            id="types, paths without query",
        ),
        pytest.param(
            tdmrep_file,
            '[{"location": "/a/*", "tdm-reservation": 1}, {"location": "/", "tdm-reservation": 0}]',
            [("path", "/a/%%")],
            id="locations",
        ),
        pytest.param(
            rsl,
            "<rsl xmlns='https://rslstandard.org/rsl'><content url='/a'><license>"
            "<prohibits type='usage'>all</prohibits></license></content>"
            "<content><license><prohibits type='usage'>search</prohibits></license></content>"
            "</rsl>",
            [("path", "/a%")],
            id="contents",
        ),
        pytest.param(
            content_signal_robots,
            "User-agent: *\nContent-Signal: /b ai-train=no\nDisallow: /c\n",
            [("path", "/c%"), ("path", "/robots.txt"), ("path", "/b%")],
            id="lines with a path, and rules of crawling",
        ),
        pytest.param(trust_txt, "datatrainingallowed=no", [], id="a protocol without paths"),
    ],
)
def test_patterns_of_a_document(protocol, body, expected):
    assert patterns_of(protocol, body) == expected


@UNTIMED
@given(pattern=PATTERNS, path=PATHS, part=st.sampled_from(list(ComparedPart)))
def test_sql_and_python_match_the_same_paths(pattern, path, part):
    url_pattern, forms = UrlPattern(part, compile_pattern(pattern)), path_forms(path)
    query = "SELECT ?::VARCHAR LIKE ?::VARCHAR ESCAPE '\\'"
    [(got,)] = duckdb.execute(query, [getattr(forms, part), url_pattern.sql_pattern]).fetchall()
    assert got == url_pattern.matches(forms)


@UNTIMED
@given(body=ROBOTS)
def test_no_protocol_raises(body):
    document = Document(body=body.encode())
    for protocol in PROTOCOLS:
        assert isinstance(url_patterns_of(protocol, parse.parse(protocol, document)), tuple)


def test_optional_hooks_are_spelled_as_the_interface_has_them():
    """A hook with a typing error would be no hook, and every URL would get one answer."""
    hooks = ("url_patterns", "audience")
    similar = {
        name
        for protocol in PROTOCOLS
        for name in vars(protocol)
        if not name.startswith("_") and get_close_matches(name, hooks, cutoff=0.87)
    }
    assert similar == set(hooks)
