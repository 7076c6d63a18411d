"""TDMRep meta elements: where they stand, how they are written, what they mean together."""

import os
from pathlib import Path

import pytest

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.tdmrep import tdmrep_html
from crawler.vocab import DeclaredBy

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)
ONE = '<meta name="tdm-reservation" content="1">'
NIL = '<meta name="tdm-reservation" content="0">'
POLICY = '<meta name="tdm-policy" content="https://provider.com/policy.json">'


def read(markup: str | bytes):
    body = markup.encode() if isinstance(markup, str) else markup
    return tdmrep_html.parse(Document(body=page.extract(body)))


def head(*elements: str) -> str:
    return f"<html><head>{''.join(elements)}</head><body>text</body></html>"


def summary(reading):
    """Presence, counting and lenient stances, and issue codes."""
    applicable = tdmrep_html.statements_for(reading, Question(path="/page.html"))
    assert [applied.limited_to for applied in applicable] == [""] * len(applicable)
    counting = [one.statement.stance.value for one in applicable if one.statement.counts]
    meant = [one.statement.stance.value for one in applicable if not one.statement.counts]
    codes = [issue.code.removeprefix("tdmrep.") for issue in reading.issues]
    return reading.presence.value, counting, meant, codes


RESERVED = ("present", ["reserved"], [], [])
NOTHING = ("absent", [], [], [])


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param(head(ONE), RESERVED, id="T21 the page"),
        pytest.param(head('<img src="img.png">'), NOTHING, id="T21 an image says nothing"),
        pytest.param(head(NIL), ("present", ["permitted"], [], []), id="P28 0"),
        pytest.param(head(ONE, POLICY), ("present", ["conditional"], [], []), id="1 and policy"),
        pytest.param(head(NIL, POLICY), ("present", ["permitted"], [], []), id="T23"),
        pytest.param(head(POLICY), ("present", [], [], ["policy_alone"]), id="T22"),
        pytest.param(head('<meta name="TDM-Reservation" content="1">'), RESERVED, id="T28"),
        pytest.param(
            f"<html><head></head><body>{ONE}",
            ("malformed", [], ["reserved"], ["meta.in_body"]),
            id="T29 body",
        ),
        pytest.param(head(f"<!-- {ONE} -->"), NOTHING, id="T29 comment"),
        pytest.param(head(f"<script>var a = '{ONE}';</script>"), NOTHING, id="in a script"),
        pytest.param(
            head(f"<template>{ONE}</template>"),
            ("absent", [], [], ["meta.in_template"]),
            id="T29 template",
        ),
        pytest.param(
            f"<body><iframe>{ONE}</iframe>", ("absent", [], [], ["meta.in_iframe"]), id="T29 iframe"
        ),
        pytest.param(
            head(f"<noscript>{ONE}</noscript>"),
            ("malformed", [], ["reserved"], ["meta.in_noscript"]),
            id="P33 noscript",
        ),
        pytest.param(
            head('<meta http-equiv="tdm-reservation" content="1">'),
            ("malformed", [], ["reserved"], ["meta.http_equiv"]),
            id="T32",
        ),
        pytest.param(
            head('<meta property="tdm-reservation" content="1">'),
            ("malformed", [], ["reserved"], ["meta.property"]),
            id="P33 property",
        ),
        pytest.param(
            head('<meta name="tdm:reservation" content="1">'),
            ("malformed", [], ["reserved"], ["meta.epub_name"]),
            id="the name EPUB uses",
        ),
        pytest.param(
            head('<meta name="tdm_reservation" content="1">'),
            ("malformed", [], ["reserved"], ["legacy_key"]),
            id="underscore",
        ),
        pytest.param(head("<meta content=1 name=tdm-reservation>"), RESERVED, id="P33 reversed"),
        pytest.param(
            head("<META NAME='TDM-RESERVATION' CONTENT='1'/>"), RESERVED, id="P33 upper case"
        ),
        pytest.param(head("<style>" + "x" * 60_000 + "</style>", ONE), RESERVED, id="P33 50 kB"),
        pytest.param(ONE, RESERVED, id="no head, no body"),
        pytest.param(
            head('<meta name="tdm-reservation" content="yes">'),
            ("malformed", [], ["reserved"], ["type_mismatch"]),
            id="P27 yes",
        ),
        pytest.param(
            head('<meta name="tdm-reservation">'),
            ("malformed", [], [], ["value.not_a_bit"]),
            id="no content",
        ),
        pytest.param(
            head('<meta name="tdm-reservation" content="true">'),
            ("malformed", [], ["reserved"], ["type_mismatch"]),
            id="P27 true",
        ),
        pytest.param(
            head(ONE, ONE), ("present", ["reserved"], [], ["meta.repeated"]), id="P33 twice"
        ),
        pytest.param(
            head(ONE, NIL),
            ("present", ["reserved", "permitted"], [], ["meta.contradictory"]),
            id="P33 contradictory",
        ),
        pytest.param(
            head('<meta property="tdm-reservation" content="0">', ONE),
            ("present", ["reserved"], ["permitted"], ["meta.property", "meta.contradictory"]),
            id="the counting one first",
        ),
        pytest.param(
            head(ONE, POLICY, '<meta name="tdm-policy" content="/other">'),
            ("present", ["conditional"], [], ["meta.repeated"]),
            id="two policies",
        ),
        pytest.param(
            head(ONE, '<meta name="tdm_policy" content="/misspelt">', POLICY),
            ("present", ["conditional"], [], ["legacy_key", "meta.repeated"]),
            id="a well-formed policy goes before a misspelt one",
        ),
        pytest.param(
            head(ONE, '<meta name="tdm-policy" content="ask us">'),
            ("present", ["reserved"], [], ["policy.not_a_url"]),
            id="a policy one cannot visit",
        ),
        pytest.param(
            f"<head>{ONE}</head><body>{POLICY}",
            ("present", ["reserved"], [], ["meta.in_body"]),
            id="a strict statement has strict terms",
        ),
        pytest.param(
            head('<link name="tdm-reservation" content="1">'), NOTHING, id="not a meta element"
        ),
    ],
)
def test_meta_elements(markup, expected):
    assert summary(read(markup)) == expected


def test_a_statement_quotes_its_element():
    reading = read(f"<html>\n<head>\n{ONE}\n{POLICY}</head>")
    (one,) = reading.statements
    assert (one.raw, one.line, one.place) == (ONE, 3, "meta tdm-reservation")
    assert (one.n, one.tier, one.rule) == (1, 1, "tdmrep.html.1")
    assert (one.declared_by, one.path) == (DeclaredBy.PAGE, None)
    assert reading.names == ("https://provider.com/policy.json",)


def test_bytes_that_are_no_extract_are_absent():
    assert summary(tdmrep_html.parse(Document(body=b"<meta"))) == NOTHING


@pytest.mark.corpus
def test_real_pages():
    files = sorted([*CORPUS.glob("html/*"), *CORPUS.glob("tdmrep/*.html")])
    if not files:
        pytest.skip(f"no corpus at {CORPUS}")
    found = {file.name: read(file.read_bytes()) for file in files}
    reserving = {name for name, reading in found.items() if reading.statements}
    assert len(reserving) == 13
    assert {"spec_example_04.html", "camoufly__camo-website__index.html"} <= reserving
    assert all(s.counts for reading in found.values() for s in reading.statements)
