"""Cache keys: documents with equal keys have equal readings, by every protocol."""

import gzip
import html
import json
import zlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Question
from crawler.protocols import PROTOCOLS
from crawler.protocols.interface import Carrier
from crawler.protocols.parse import parse
from crawler.protocols.parse_cache import (
    IGNORED_LINK_RELATIONS,
    IGNORED_META_PREFIXES,
    IGNORED_METAS,
    needs_original,
    normalise_for_cache,
)
from crawler.protocols.robots.line_reader import MAX_BYTES
from crawler.protocols.url_patterns import url_patterns_of
from crawler.vocab import PAGES, Resource
from tests.strategies import UNTIMED

ROBOTS = [p for p in PROTOCOLS if Resource.ROBOTS_TXT in p.RESOURCES and p.CARRIER is Carrier.BODY]
PAGE = [p for p in PROTOCOLS if p.RESOURCES & PAGES and p.CARRIER is Carrier.PAGE]
QUESTIONS = [
    Question(path=path, agent=agent) for path in (None, "/a/b.jpg") for agent in (None, "GPTBot")
]

LEFT_OUT = {
    "plain": (b"Sitemap: https://h1.test/s.xml\n", b"Sitemap: https://h2.test/t.xml\n"),
    "case and white space": (b"SITEMAP:  \thttp://h1.test\r\n", b"SITEMAP:http://h2.test\r\n"),
    "at the end": (b"Sitemap: /1", b"Sitemap: /2"),
}
KEPT = {
    "a comment behind": (b"Sitemap: /1 # a\n", b"Sitemap: /1 # b\n"),
    "a rule": (b"User-agent: *\nDisallow: /1\n", b"User-agent: *\nDisallow: /2\n"),
    "a comment": (b"# Sitemap: /1\n", b"# Sitemap: /2\n"),
    "CR, then a rule": (b"Sitemap: /1\rDisallow: /1\n", b"Sitemap: /1\rDisallow: /2\n"),
    "indented": (b" Sitemap: /1\n", b" Sitemap: /2\n"),
    "not ASCII": (b"Sitemap: /\xff\n", b"Sitemap: /\xfe\n"),
    "short addresses, too long with others in their place": (
        b"Sitemap: /1\n" + b"#" * (MAX_BYTES - 13),
        b"Sitemap: /2\n" + b"#" * (MAX_BYTES - 13),
    ),
    "markup, of which the beginning is quoted": (
        b"<html>" + b"-" * 77 + b"\nSitemap: /1\n",
        b"<html>" + b"-" * 77 + b"\nSitemap: /2\n",
    ),
    "too long to be read whole": (
        b"Sitemap: /1\n" + b"#" * MAX_BYTES,
        b"Sitemap: /2\n" + b"#" * MAX_BYTES,
    ),
}


def robots(body):
    return normalise_for_cache(Carrier.BODY, Resource.ROBOTS_TXT, Document(body=body))


@pytest.mark.parametrize(("one", "other"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_addresses_of_sitemaps_are_left_out(one, other):
    assert robots(one).key == robots(other).key


@pytest.mark.parametrize(("one", "other"), KEPT.values(), ids=KEPT)
def test_everything_else_is_kept(one, other):
    assert robots(one).key != robots(other).key


def test_a_key_belongs_to_a_resource_and_to_what_the_server_said():
    body = b"Sitemap: /1\n"
    given = [
        (Carrier.BODY, Resource.ROBOTS_TXT, Document(body=body)),
        (Carrier.HEADERS, Resource.ROBOTS_TXT, Document(body=body)),
        (Carrier.BODY, Resource.AI_TXT, Document(body=body)),
        (Carrier.BODY, Resource.ROBOTS_TXT, Document(body=body, media_type="text/html")),
        (Carrier.BODY, Resource.ROBOTS_TXT, Document(body=body, charset="utf-16")),
        (Carrier.BODY, Resource.ROBOTS_TXT, Document(body=body, truncated=True)),
    ]
    assert len({normalise_for_cache(*each).key for each in given}) == len(given)


LINES = st.sampled_from(
    b"User-agent: *|User-agent: GPTBot|Useragent: CCBot|Disallow: /|Disallow: /a|Allow: /a/b"
    b"|Sitemap: https://h.test/s.xml|sitemap: /x|sitemap:|Sitemap: a b|Sitemap /x|# no AI training"
    b"|#|License: https://h.test/rsl.xml|Content-Usage: train-ai=n|Content-Signal: ai-train=no"
    b"|DisallowAITraining: /|<html>|{|Host: h.test||\xff|\xef\xbb\xbfSitemap: /y".split(b"|")
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@UNTIMED
@given(
    st.lists(st.tuples(LINES, ENDS), max_size=15).map(lambda some: b"".join(map(b"".join, some)))
)
def test_robots_txt_is_read_as_its_normal_form(body):
    found = robots(body).document
    readings = [(parse(p, found), parse(p, Document(body=body))) for p in ROBOTS]
    assume(not needs_original(one for one, _ in readings))
    for protocol, (one, other) in zip(ROBOTS, readings, strict=True):
        assert one == other
        assert url_patterns_of(protocol, one) == url_patterns_of(protocol, other)
        for question in QUESTIONS:
            assert protocol.statements_for(one, question) == protocol.statements_for(
                other, question
            )


def test_quoted_sitemap_is_noticed():
    body = b"User-agent: GPTBot\nSitemap: https://h.test/s.xml\nUser-agent: CCBot\nDisallow: /\n"
    readings = [parse(protocol, robots(body).document) for protocol in ROBOTS]
    assert needs_original(readings)
    assert not needs_original(parse(protocol, Document(body=body)) for protocol in ROBOTS)


def extracted(*elements, body=""):
    return page.extract(f"<html lang=en><head>{''.join(elements)}</head>{body}".encode())


def of_page(extract):
    return normalise_for_cache(Carrier.PAGE, Resource.HOME, Document(body=extract)).key


USUAL = [
    *(f'<meta name="{name}" content="x">' for name in sorted(IGNORED_METAS)),
    *(f'<meta property="{start}title" content="x">' for start in IGNORED_META_PREFIXES),
    *(f'<link rel="{rel}" href="/x" type="text/x">' for rel in sorted(IGNORED_LINK_RELATIONS)),
    '<meta charset="utf-8">',
    '<meta http-equiv=" X-UA-Compatible " content="IE=edge">',
    "<link>",
]
UNUSUAL = [
    '<meta name="robots" content="noai">',
    '<meta name="tdm-reservation" content="1">',
    '<meta name="viewport" property="tdm-reservation" content="1">',
    '<meta property="twitter:bot" content="noai">',
    '<meta name="dcterms.rightsHolder" content="Somebody">',
    '<link rel="license" type="application/rsl+xml" href="/rsl.xml">',
    '<link rel="stylesheet license" type="application/rsl+xml" href="/rsl.xml">',
    '<a rel="license" href="/licence">licence</a>',
    '<script type="application/ld+json">{"@context": "https://schema.org", "@type": "WebPage",'
    ' "copyrightHolder": "Somebody"}</script>',
]
FOOT = "<body><footer>Text and data mining is reserved. <a href=/terms>Terms</a></footer></body>"


@pytest.mark.parametrize("element", USUAL)
def test_usual_elements_say_nothing_to_any_protocol(element):
    with_it, without = extracted(element), extracted()
    assert of_page(with_it) == of_page(without)
    for protocol in PAGE:
        assert parse(protocol, Document(body=with_it)) == parse(protocol, Document(body=without))


@pytest.mark.parametrize("element", UNUSUAL)
def test_elements_with_a_statement_are_in_the_key(element):
    assert of_page(extracted(element)) != of_page(extracted())


def test_d4_the_marks_of_a_page_are_in_the_key():
    markup = b'<meta name="tdm-reservation" content="1">'
    bodies = [markup, gzip.compress(markup), zlib.compress(markup), gzip.compress(markup)[:-9]]
    bodies += [b"", b"\x00" * 9]
    assert len({of_page(page.extract(body)) for body in bodies}) == len(bodies)


TITLE = st.sampled_from(["", "<title>Terms of use</title>", "<title>Host 1</title>"])
CANONICAL = st.sampled_from(["", '<link rel="canonical" href="/terms">'])
PAGES_OF_A_SITE = st.builds(
    lambda title, canonical, elements, body: extracted(title, canonical, *elements, body=body),
    TITLE,
    CANONICAL,
    st.lists(st.sampled_from(USUAL[:3] + UNUSUAL[:3]), max_size=3),
    st.sampled_from(["", FOOT]),
)


@UNTIMED
@given(PAGES_OF_A_SITE, PAGES_OF_A_SITE)
def test_pages_with_equal_keys_have_equal_readings(one, other):
    assume(of_page(one) == of_page(other))
    for protocol in PAGE:
        assert parse(protocol, Document(body=one)) == parse(protocol, Document(body=other))


ODD = st.sampled_from(
    [None, 0, True, 1, "", "x", [], [[]], [["a"]], {}, {"a": 1}, ["ab"], [[1, 2]]]
)


@st.composite
def damaged(draw):
    """An extract as no version of this program makes it."""
    whole = json.loads(draw(PAGES_OF_A_SITE))
    part = draw(st.sampled_from([whole, *whole["elements"]]))
    key = draw(st.sampled_from(sorted(part)))
    if draw(st.booleans()):
        del part[key]
    else:
        part[key] = draw(ODD)
    return json.dumps(whole).encode()


@UNTIMED
@given(st.lists(damaged() | PAGES_OF_A_SITE, min_size=2, max_size=6))
def test_damaged_extracts_with_equal_keys_have_equal_readings(extracts):
    by_key = {}
    for extract in extracts:
        readings = [parse(protocol, Document(body=extract)) for protocol in PAGE]
        assert by_key.setdefault(of_page(extract), readings) == readings


NO_EXTRACTS = [b"", b"[]", b"{", b'{"elements":[],"links":[],"passages":[]}']


@pytest.mark.parametrize("extract", NO_EXTRACTS)
def test_bytes_that_are_no_extract_are_looked_at_as_protocols_do(extract):
    assert page.split_raw_elements(extract) is None
    assert of_page(extract) == (*of_page(b"nothing")[:-1], (page.Prose(), page.Marks(), ()))


TEXT = st.text(
    st.sampled_from('a"\\],[{}:é') | st.characters(exclude_categories=("Cs",)), max_size=40
)
MARKS = st.sampled_from(
    [
        *(',"elements":[', '],"heading":"', '{"attributes":', '},{"attributes":'),
        *(',"links":', ',"passages":[],"title":"', ',"version":2}'),
    ]
)
HOSTILE = st.lists(TEXT | MARKS, max_size=4).map("".join)


@UNTIMED
@given(HOSTILE, HOSTILE, HOSTILE, st.booleans())
def test_elements_are_cut_out_as_json_has_them(title, heading, value, linked):
    link = '<a href="/terms">Terms of use</a>' if linked else ""
    extract = extracted(
        f"<title>{html.escape(title)}</title>",
        f'<meta name="description" content="{html.escape(value)}">',
        f'<script type="application/ld+json">{value.replace("<", "")}</script>',
        body=f"<body><h1>{html.escape(heading)}</h1>{link}</body>",
    )
    bare, prose = page.split_raw_elements(extract), page.read_prose(extract)
    if prose.passages or page.read_marks(extract).unreadable:
        assert bare is None
    else:
        assert tuple(map(page.parse_raw_element, bare.elements)) == page.read_elements(extract)
        assert json.loads(bare.links) == [list(each) for each in prose.links]


def test_extracts_of_other_versions_are_parsed():
    whole = extracted("<meta name=robots content=noai>")
    later = whole.replace(f'"version":{page.VERSION}'.encode(), b'"version":99')
    assert page.split_raw_elements(whole) is not None
    assert page.split_raw_elements(later) is None
    assert of_page(later)[-1][-1] == page.read_elements(whole)


def test_damaged_elements_are_looked_at_as_protocols_do():
    whole = extracted("<meta name=robots content=noai>")
    broken = whole.replace(b'"where":"head"', b'"where":"head')
    assert page.split_raw_elements(broken) is not None
    assert of_page(broken) == of_page(b"nothing")


def test_header_lines_are_no_page():
    given = [Document(body=body) for body in (b"tdm-reservation: 0\r\n", b"tdm-reservation: 1\r\n")]
    assert (
        len({normalise_for_cache(Carrier.HEADERS, Resource.HOME, each).key for each in given}) == 2
    )


def test_title_matters_where_there_is_text_of_interest():
    titled = "<title>Terms of use</title>"
    assert of_page(extracted(titled)) == of_page(extracted())
    assert of_page(extracted(titled, body=FOOT)) != of_page(extracted(body=FOOT))


@pytest.mark.corpus
def test_real_robots_txt_are_read_as_their_normal_form(corpus):
    files = sorted((corpus / "robots").rglob("*.txt"))[:400]
    assert files
    normalised = 0
    for file in files:
        body = file.read_bytes()
        readings = [parse(protocol, robots(body).document) for protocol in ROBOTS]
        original = [parse(p, Document(body=body)) for p in ROBOTS]
        expected = readings if needs_original(readings) else original
        assert readings == expected, file.name
        normalised += readings == original
    assert normalised > len(files) * 0.9
