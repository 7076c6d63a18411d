"""Text of pages: candidates by place, links to terms in order, and extracts of any age."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.prose import page_text


def read(markup: str):
    reading = page_text.parse(Document(body=page.extract(markup.encode())))
    assert reading.statements == ()
    assert page_text.statements_for(reading, Question()) == ()
    return reading


def candidates(markup: str) -> list[tuple[str, str, str, int | None]]:
    return [(c.strength, c.kind, c.location, c.line) for c in read(markup).candidates]


N01 = "We reserve all rights to text and data mining under Art. 4(3) Directive 2019/790."
ARTICLE = "Text and data mining, explained: what publishers prohibit."


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param(
            f"<title>Terms of use</title>\n<body>\n<p>{N01}</p>",
            [("candidate", "reservation", "legal_page", 3)],
            id="N01",
        ),
        pytest.param(
            f"<title>News</title><p>{N01}", [("mention", "reservation", "page", 1)], id="elsewhere"
        ),
        pytest.param(
            f"<p>News</p><footer>\n{N01}</footer><p>x",
            [("candidate", "reservation", "page", 2)],
            id="footer",
        ),
        pytest.param(
            "<html lang=fr><footer>L'entraînement de modèles est soumis à une licence.</footer>",
            [("candidate", "reservation", "page", 1)],
            id="D7 a footer on training",
        ),
        pytest.param(
            "<title>Terms</title><p>Our texts may not be used to train any model.",
            [("candidate", "reservation", "legal_page", 1)],
            id="D7 terms on training",
        ),
        pytest.param("<title>Terms</title><p>All rights reserved.", [], id="N03"),
        pytest.param(
            "<h1>Terms</h1><p>You may not <b>scrape</b> this site",
            [("candidate", "anti_scraping", "legal_page", 1)],
            id="N04",
        ),
        pytest.param(
            f"<title>Mining</title><p>{ARTICLE}", [("mention", "reservation", "page", 1)], id="N05"
        ),
        pytest.param(
            f'<link rel=canonical href="https://h/agb.html"><p>{N01}',
            [("candidate", "reservation", "legal_page", 1)],
            id="its own address",
        ),
        pytest.param(
            f'<link rel=canonical href="https://[/agb"><link rel=canonical><p>{N01}',
            [("mention", "reservation", "page", 1)],
            id="no address",
        ),
        pytest.param(f"<script>'{N01}'</script><!-- {N01} --><a title='{N01}'>", [], id="unseen"),
        pytest.param(
            "<html lang=de><title>Impressum</title><p>Die Nutzung f&uuml;r Text- und "
            "Data-Mining im Sinne von § 44b UrhG bleibt vorbehalten.",
            [("candidate", "reservation", "legal_page", 1)],
            id="German",
        ),
    ],
)
def test_candidates(markup, expected):
    assert candidates(markup) == expected


def test_links_to_terms_are_named_by_rank():
    links = (
        '<a href="/impressum">Impressum</a><a href="/legal">x</a><a href="/a">News</a>'
        "<a href='/x'>Terms &amp; conditions</a><a href=/tdm-policy>TDM</a><a href='#terms'>t</a>"
        '<a href="https://policies.google.com/terms">Terms</a><a name=terms>y</a><a href="/legal">'
        '<a href="/agbx-of-nobody">z</a><article>terms</article>'
    )
    assert read(links).names == ("/tdm-policy", "/x", "/legal", "/impressum")
    assert read(links).presence.value == "present"


def test_an_extract_of_the_first_version_has_no_text():
    old = json.loads(page.extract(f"<title>Terms</title><p>{N01}".encode()))
    for name in ("heading", "passages", "links"):
        del old[name]
    reading = page_text.parse(Document(body=json.dumps(old | {"version": 1}).encode()))
    assert (reading.candidates, reading.names, reading.presence.value) == ((), (), "absent")


@given(
    st.one_of(
        st.binary(max_size=100),
        st.recursive(
            st.one_of(st.none(), st.integers(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(["passages", "links", "title", "elements", "lang"]), inner
                ),
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_bytes_give_a_reading(body):
    assert page_text.parse(Document(body=body)) == page_text.parse(Document(body=body))


@given(st.text(max_size=300))
def test_any_page_gives_a_reading(text):
    markup = f"<p>{text}</p>text and data mining<a href='/terms{text}'>"
    for candidate in page_text.parse(
        Document(body=page.extract(markup.encode("utf-8", "replace")))
    ).candidates:
        assert candidate.strength == "mention"


@pytest.mark.parametrize(
    "sentence",
    [
        "We do not allow text and data mining of this site under Art. 4(3) DSM.",
        "TDM opt-out according to § 44b UrhG",
        "Use of this content for machine learning requires a licence.",
        "Art. 4 (3) CDSM: all rights reserved",
        "Die Verwendung zum Training von KI ist untersagt.",
        "Opt-out selon l'article 4.3 de la directive DSM",
    ],
)
def test_the_footer_of_a_page_is_searched_for_it(sentence):
    extract = page.extract(f"<html><p>x</p><footer>{sentence}</footer></html>".encode())
    reading = page_text.parse(Document(body=extract))
    assert [c.strength for c in reading.candidates] == ["candidate"]
