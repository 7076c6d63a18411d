"""RDFa of a page: items and terms that an extract keeps, and the parties that they name."""

# ruff: noqa: E501 - markup is easier to read in whole lines

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document
from crawler.protocols.context import rights_metadata

ORGANISATION = (
    '<span property="publisher" typeof="Organization"><b property="name">A <i>Verlag</i></b></span>'
)
SCHEMA = 'vocab="https://schema.org/"'


def parties(markup: str) -> list[tuple[str, str, str]]:
    """Source, name or else identifier, and place."""
    reading = rights_metadata.parse(Document(body=page.extract(markup.encode())))
    return [
        (p.source, p.name or p.uid, p.place.removeprefix("RDFa, line ")) for p in reading.parties
    ]


MARKUP = {
    "Lite, nested": (f'<body {SCHEMA}>\n<div typeof="NewsArticle">{ORGANISATION}</div>', [("schema.publisher", "A Verlag", "2")]),
    "content": (f'<div {SCHEMA} typeof=WebSite><meta property=publisher content="A Ltd"></div>', [("schema.publisher", "A Ltd", "1")]),
    "schema: without a declaration": ('<div typeof="schema:WebPage"><span property="schema:copyrightHolder">A Ltd</span></div>', [("schema.copyrightHolder", "A Ltd", "1")]),
    "a prefix of its own": ('<div prefix="og: http://ogp.me/ns# s: http://schema.org/" typeof="s:WebPage"><span property="s:copyrightHolder">A Ltd</span></div>', [("schema.copyrightHolder", "A Ltd", "1")]),
    "a whole URL": ('<div typeof="x"><span property="http://schema.org/copyrightHolder">A Ltd</span></div>', [("schema.copyrightHolder", "A Ltd", "1")]),
    "a reference": (
        f'<body {SCHEMA}><div typeof=WebSite><link property=publisher resource="#o"></div>\n'
        '<div resource="#o" typeof=Organization><b property=legalName>A Ltd</b></div>',
        [("schema.publisher", "A Ltd", "1"), ("schema.legalName", "A Ltd", "2")],
    ),
    "a reference by href": (
        f'<body {SCHEMA}><div typeof=WebSite><a property=publisher href="https://a.example/#o">x</a></div>'
        '<div about="https://a.example/#o" typeof=Organization><b property=name>A News</b></div>',
        [("schema.publisher", "A News", "1")],
    ),
    "only an address": (f'<div {SCHEMA} typeof=WebSite><a property=publisher href="https://a.example/">x</a></div>', [("schema.publisher", "https://a.example/", "1")]),
    "a subject without a type": (f'<div {SCHEMA}><div about="/x"><b property=copyrightHolder>A Ltd</b></div></div>', [("schema.copyrightHolder", "A Ltd", "1")]),
    "resource without a type": (f'<div {SCHEMA}><div resource="/x"><b property=copyrightHolder>A Ltd</b></div></div>', [("schema.copyrightHolder", "A Ltd", "1")]),
    "a subject of a property": (f'<div {SCHEMA} typeof=Book><b about="" property=copyrightHolder>A Ltd</b></div>', [("schema.copyrightHolder", "A Ltd", "1")]),
    "the page itself": (f'<div {SCHEMA}>\n<b property=copyrightHolder>A Ltd</b><b property=copyrightHolder>B Ltd</b></div>', [("schema.copyrightHolder", "A Ltd", "2"), ("schema.copyrightHolder", "B Ltd", "2")]),
    "a relation": ('<a rel="schema:copyrightHolder" href="https://a.example/">x</a><p typeof=x property=x>', [("schema.copyrightHolder", "https://a.example/", "1")]),
    "another vocabulary inside": (f'<div {SCHEMA} typeof=WebSite><p vocab="http://x.example/"><b property=publisher>A Ltd</b></p><b property=publisher>B Ltd</b></div>', [("schema.publisher", "B Ltd", "1")]),
    "no vocabulary": ('<div typeof=WebSite><b property=publisher>A Ltd</b></div>', []),
    "the publisher of a book": (f'<div {SCHEMA} typeof=Book><b property=publisher>A Ltd</b></div>', []),
    "an author": (f'<div {SCHEMA} typeof=Article><p property=author typeof=Organization><b property=legalName>A Ltd</b></p><b property=publisher>B Ltd</b></div>', [("schema.publisher", "B Ltd", "1")]),
    "a person": (f'<div {SCHEMA} typeof=Article><p property=publisher typeof=Person><b property=name>B Ltd</b></p></div>', [("schema.publisher", "", "1")]),
    "Dublin Core": ('<p><b property="dc:publisher">A Ltd</b>\n<b property="dcterms:rightsHolder">B Ltd</b>', [("dcterms.publisher", "A Ltd", "1"), ("dcterms.rightsholder", "B Ltd", "2")]),
    "Dublin Core, a relation": ('<a rel="dcterms:publisher" resource="https://a.example/">x</a><p property=x>', [("dcterms.publisher", "https://a.example/", "1")]),
    "Dublin Core of another thing": ('<div about="https://b.example/book"><b property="dc:publisher">A Ltd</b></div>', []),
    "Dublin Core, a thing": ('<p property="dc:publisher" typeof="foaf:Organization" resource="https://a.example/">x</p>', [("dcterms.publisher", "https://a.example/", "1")]),
    "Open Graph": ('<meta property="article:publisher" content="https://f.example/x"><p vocab="http://schema.org/">', []),
    "no name of a party": (f'<div {SCHEMA} typeof=Article><b property=name>A Ltd</b></div>', []),
}  # fmt: skip


@pytest.mark.parametrize(("markup", "expected"), MARKUP.values(), ids=MARKUP)
def test_parties_in_rdfa(markup, expected):
    assert parties(markup) == expected


def test_the_element_of_an_extract_is_json_ld():
    extract = page.extract(f"<div {SCHEMA} typeof=Article>{ORGANISATION}</div>".encode())
    (element,) = (e for e in page.read_elements(extract) if e.tag == page.RDFA)
    assert json.loads(element.text) == {
        "@context": "https://schema.org",
        "@type": ["Article"],
        "publisher": [{"@type": ["Organization"], "name": ["A Verlag"]}],
    }
    # The form that caches rely on.
    assert len(page.split_raw_elements(extract).elements) == 1


def test_items_and_terms_are_bounded():
    many = f'<body {SCHEMA}>' + "".join(
        f'<div typeof=WebSite><b property="publisher dc:publisher">A{n} Ltd</b></div>' for n in range(500)
    ) + "".join(f'<b property="dc:publisher">B{n} Ltd</b>' for n in range(500))  # fmt: skip
    elements = [e for e in page.read_elements(page.extract(many.encode())) if e.tag == page.RDFA]
    assert [bool(e.text) for e in elements] == [True] * 100 + [False] * 100


TOKENS = st.sampled_from(
    [f"<div {SCHEMA}>", "<p typeof=WebSite>", "<b property=publisher>", "</b>", "</p>", "</div>", "A Ltd",
     '<p about="#x">', "<p resource=x>", '<a rel="dc:publisher" href=x>', "<", ">", '"', "<!--", "prefix='s: ",
     '<p property="publisher" typeof>', "<meta property=publisher content>", "\n"]
)  # fmt: skip


@given(st.lists(TOKENS, max_size=25))
def test_any_markup_is_read(tokens):
    markup = "".join(tokens) + '<b property="dc:publisher">Z Ltd'
    assert page.read_elements(page.extract(markup.encode())) is not None
    assert all(len(name) <= 500 for _, name, _ in parties(markup))


@pytest.mark.parametrize(
    "markup",
    [
        "<p typeof=x>",
        "<b property=publisher>",
        "<p about=x typeof=y property=publisher>",
        '<p prefix="a: b ',
    ],
)
def test_hostile_pages_are_read_in_linear_time(markup):
    begun = time.process_time()
    page.extract(f"<body {SCHEMA}><b property=publisher>x</b>{markup * 60_000}".encode())
    assert time.process_time() - begun < 10
