"""Robots meta elements: where they stand, whom they name, and what is none of them."""

import os
from pathlib import Path

import pytest

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.robots_directives import meta_robots, x_robots_tag
from crawler.vocab import DeclaredBy

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)
NOAI = '<meta name="robots" content="noai">'


def read(markup: str | bytes):
    body = markup.encode() if isinstance(markup, str) else markup
    return meta_robots.parse(Document(body=page.extract(body)))


def head(*elements: str) -> str:
    return f"<html><head>{''.join(elements)}</head><body>text</body></html>"


def summary(reading):
    """Presence, counting and lenient directives as `name agent`, and issue codes."""
    named = [
        (f"{s.rule.removeprefix('directives.meta.')} {s.agent}", s) for s in reading.statements
    ]
    counting = [text for text, s in named if s.counts]
    lenient = [text for text, s in named if not s.counts]
    codes = [issue.code.removeprefix("directives.") for issue in reading.issues]
    return reading.presence.value, counting, lenient, codes


FOUND = ("present", ["noai *"], [], [])
NOTHING = ("present", [], [], [])
ABSENT = ("absent", [], [], [])


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param(head(NOAI), FOUND, id="noai"),
        pytest.param(
            head('<meta name="robots" content="NOAI,NOIMAGEAI">'),
            ("present", ["noai *", "noimageai *"], [], []),
            id="X15",
        ),
        pytest.param(
            head('<meta name="bingbot" content="nocache, noarchive">'),
            ("present", ["nocache bingbot"], [], []),
            id="X16",
        ),
        pytest.param(
            head('<meta name="bingbot" content="nocache">', "<meta name=robots content=noarchive>"),
            ("present", ["nocache bingbot", "noarchive Amazonbot"], [], []),
            id="X16 in two elements",
        ),
        pytest.param(
            head('<meta name="robots" content="noarchive">'),
            ("present", ["noarchive bingbot", "noarchive Amazonbot"], [], []),
            id="X13",
        ),
        pytest.param(head('<meta name="GOOGLEBOT" content="NOARCHIVE">'), NOTHING, id="X13 Google"),
        pytest.param(
            head("<META CONTENT='NoAI' NAME=' Robots '/>"), FOUND, id="any case and order"
        ),
        pytest.param(
            head('<meta name="GPTBot" content="noai">'),
            ("present", ["noai GPTBot"], [], []),
            id="an agent",
        ),
        pytest.param(
            head('<meta name="anthropic-ai" content="noai">'),
            ("present", ["noai anthropic-ai"], [], []),
            id="an agent of the catalogue",
        ),
        pytest.param(
            head('<meta name="SomeNewBot" content="noai, nofollow">'),
            ("present", ["noai SomeNewBot"], [], []),
            id="ends in bot",
        ),
        pytest.param(head(f'<meta name="{"a" * 70}bot" content="noai">'), ABSENT, id="no token"),
        pytest.param(
            head('<meta name="CCBot" content="nofollow">'), NOTHING, id="a search control"
        ),
        pytest.param(head('<meta name="robots" content="">'), NOTHING, id="empty"),
        pytest.param(head('<meta name="robots">'), NOTHING, id="no content"),
        pytest.param(
            head('<meta name="robots" content="noindex, follow">', NOAI),
            FOUND,
            id="38 two elements",
        ),
        pytest.param(
            head('<meta name="robots" content="max-snippet:-1, noai">'), FOUND, id="X09 36"
        ),
        pytest.param(
            head('<meta name="robots" content="noindex, foo">'),
            ("present", [], [], ["unknown"]),
            id="unknown",
        ),
        pytest.param(
            head('<meta name="robots" content="GPTBot: noai">'),
            ("malformed", [], ["noai GPTBot"], ["agent_in_content"]),
            id="an agent in the content",
        ),
        pytest.param(
            f"<html><head></head><body>{NOAI}",
            ("malformed", [], ["noai *"], ["meta.in_body"]),
            id="body",
        ),
        pytest.param(
            head(f"<noscript>{NOAI}</noscript>"),
            ("malformed", [], ["noai *"], ["meta.in_noscript"]),
            id="noscript",
        ),
        pytest.param(
            head(f"<template>{NOAI}</template>"),
            ("absent", [], [], ["meta.in_template"]),
            id="template",
        ),
        pytest.param(
            f"<body><iframe>{NOAI}</iframe>", ("absent", [], [], ["meta.in_iframe"]), id="iframe"
        ),
        pytest.param(
            head('<meta http-equiv="X-Robots-Tag" content="noai">'),
            ("malformed", [], ["noai *"], ["meta.http_equiv"]),
            id="http-equiv",
        ),
        pytest.param(
            head('<meta property="robots" content="noai">'),
            ("malformed", [], ["noai *"], ["meta.property"]),
            id="property",
        ),
        pytest.param(
            head('<meta name="X-Robots-Tag" content="noai">'),
            ("malformed", [], ["noai *"], ["meta.header_name"]),
            id="the name of the header",
        ),
        pytest.param(head(f"<!-- {NOAI} -->"), ABSENT, id="comment"),
        pytest.param(head(f"<script>var a = '{NOAI}';</script>"), ABSENT, id="script"),
        pytest.param(
            head('<meta property="og:description" content="Marie-Laure de Noailles, noai">'),
            ABSENT,
            id="a description",
        ),
        pytest.param(head('<meta name="keywords" content="noai">'), ABSENT, id="keywords"),
        pytest.param(head('<meta content="noai">'), ABSENT, id="no name"),
        pytest.param(head('<link name="robots" content="noai">'), ABSENT, id="not a meta element"),
    ],
)
def test_meta_elements(markup, expected):
    assert summary(read(markup)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/page.html", [("noai", ""), ("noimageai", "file types")]),
        ("/a.png", [("noai", ""), ("noimageai", "")]),
    ],
    ids=["X15 the page", "X15 an image"],
)
def test_noimageai_covers_images_of_the_page(path, expected):
    reading = read(head('<meta name="robots" content="noai, noimageai">'))
    applicable = meta_robots.statements_for(reading, Question(path=path))
    assert [
        (one.statement.rule.rpartition(".")[2], one.limited_to) for one in applicable
    ] == expected


def test_a_statement_quotes_its_element():
    (one,) = read(f"<html>\n<head>\n{NOAI}</head>").statements
    assert (one.raw, one.line, one.place) == (NOAI, 3, "meta robots")
    assert (one.n, one.tier, one.rule) == (1, 2, "directives.meta.noai")
    assert (one.declared_by, one.path, one.media) == (DeclaredBy.PAGE, None, None)


def test_bytes_that_are_no_extract_are_absent():
    assert summary(meta_robots.parse(Document(body=b"<meta"))) == ABSENT


def test_header_and_meta_have_equal_rank():
    assert (meta_robots.FAMILY, meta_robots.RANK) == (x_robots_tag.FAMILY, x_robots_tag.RANK)


@pytest.mark.corpus
def test_real_pages():
    files = sorted(CORPUS.glob("html/*"))
    if not files:
        pytest.skip(f"no corpus at {CORPUS}")
    found = {file.name: read(file.read_bytes()).statements for file in files}
    counting = {name: [s for s in statements if s.counts] for name, statements in found.items()}
    assert sum(len(statements) for statements in found.values()) == sum(map(len, counting.values()))
    assert {
        name for name, statements in counting.items() if any(s.agent == "*" for s in statements)
    } == {
        "Jack5079__Jack5079__src_layouts_Layout.astro",
        "Max-Lamm__maxlamm.de__layouts__default_baseof.html",
        "camoufly__camo-website__believe.html",
        "camoufly__camo-website__index.html",
        "camoufly__camo-website__tdm-policy.html",
        "djibe__recommandations-medicales__layouts__partials_meta.html",
        "healsdata__ai-training-opt-out__meta-tags.html",
    }
    assert sum(1 for statements in counting.values() if statements) == 12
