"""Comments of robots.txt: sentences that are candidates, and never statements."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.prose import patterns, robots_comments
from crawler.protocols.prose.patterns import Sentence


def candidates(text: str | bytes) -> list[tuple[str, str, str, int | None]]:
    body = text.encode() if isinstance(text, str) else text
    reading = robots_comments.parse(Document(body=body))
    assert reading.statements == ()
    assert robots_comments.statements_for(reading, Question()) == ()
    assert reading.presence.value == ("present" if reading.candidates else "absent")
    return [(c.strength, c.kind, c.pattern, c.line) for c in reading.candidates]


PREAMBLE = """# ANY RESTRICTIONS EXPRESSED VIA CONTENT SIGNALS ARE EXPRESS RESERVATIONS OF
# RIGHTS UNDER ARTICLE 4 OF THE EUROPEAN UNION DIRECTIVE 2019/790 ON COPYRIGHT.
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "# We reserve all rights to text and data mining under Art. 4(3) Directive 2019/790.",
            [("candidate", "reservation", "en.article-4", 1)],
            id="N01",
        ),
        pytest.param(
            "User-agent: *\n# § 44b UrhG Nutzungsvorbehalt\nAllow: /",
            [("candidate", "reservation", "de.44b", 2)],
            id="N02",
        ),
        pytest.param("# All rights reserved.", [], id="N03"),
        pytest.param(
            "# You may not scrape this site",
            [("candidate", "anti_scraping", "en.scraping", 1)],
            id="N04",
        ),
        pytest.param(
            "# An article about text and data mining.",
            [("mention", "reservation", "en.mention", 1)],
            id="N05",
        ),
        pytest.param(PREAMBLE, [("mention", "template", "template.content-signals", 1)], id="N06"),
        pytest.param(
            "#\n# Hello there. No text and\n# data mining!\n# No text and data mining!",
            [("candidate", "reservation", "en.tdm", 2)],
            id="a sentence on two lines, twice",
        ),
        pytest.param(
            "# Uses:\n# - text and data mining\n# - prohibited",
            [("mention", "reservation", "en.mention", 2)],
            id="points of a list are apart",
        ),
        pytest.param("# The Crawl-delay must not be small.", [], id="crawl-delay"),
        pytest.param(
            "# TDM reservation, see /.well-known/tdmrep.json",
            [("mention", "reservation", "en.mention", 1)],
            id="a pointer to the file",
        ),
        pytest.param("<!-- # no text and data mining -->", [], id="markup"),
        pytest.param(b"\xff\xfe#\x00", [], id="UTF-16"),
        pytest.param("Disallow: /", [], id="no comment"),
        pytest.param("#\n###\n# ---", [], id="empty comments"),
        pytest.param(
            b"# no text and data mining, \xff",
            [("candidate", "reservation", "en.tdm", 1)],
            id="foreign octets",
        ),
        pytest.param(
            "# L'éditeur s'oppose à la fouille de textes et de données (art. L. 122-5-3 CPI).",
            [("candidate", "reservation", "fr.l122-5-3", 1)],
            id="French",
        ),
        pytest.param(
            "# Se reserva la minería de textos y datos (art. 67 del RDL 24/2021).",
            [("candidate", "reservation", "es.67-rdl-24-2021", 1)],
            id="Spanish",
        ),
        pytest.param(
            "# È riservata l'estrazione di testo e di dati, art. 70-quater LdA.",
            [("candidate", "reservation", "it.70-quater", 1)],
            id="Italian",
        ),
        pytest.param(
            "# Tekst- en datamining is voorbehouden (artikel 15o Auteurswet).",
            [("candidate", "reservation", "nl.15o", 1)],
            id="Dutch",
        ),
        pytest.param(
            "# Wydawca zastrzega eksplorację tekstów i danych.",
            [("candidate", "reservation", "pl.tdm", 1)],
            id="Polish",
        ),
        pytest.param(
            "# A prospeção de textos e dados é proibida.",
            [("candidate", "reservation", "pt.tdm", 1)],
            id="Portuguese",
        ),
        pytest.param(
            "# Text- och datautvinning är förbjuden.",
            [("candidate", "reservation", "sv.tdm", 1)],
            id="Swedish",
        ),
        pytest.param(
            "# Tekst- og datamining er ikke tilladt.",
            [("candidate", "reservation", "da.tdm", 1)],
            id="Danish",
        ),
        pytest.param(
            "# Vytěžování textů a dat je vyhrazeno.",
            [("candidate", "reservation", "cs.tdm", 1)],
            id="Czech",
        ),
        pytest.param(
            "# Training of AI models on our texts is prohibited.",
            [("candidate", "reservation", "en.ai_training", 1)],
            id="AI training",
        ),
    ],
)
def test_comments(text, expected):
    assert candidates(text) == expected


def test_candidates_are_bounded():
    many = "".join(f"#\n# Text and data mining no. {n} is prohibited\n" for n in range(3000))
    assert len(candidates(many)) == patterns.MAX_CANDIDATES
    long = robots_comments.parse(Document(body=b"# " + b"x " * 500 + b"no text and data mining"))
    assert [len(c.snippet) <= patterns.MAX_SNIPPET for c in long.candidates] == [True]
    assert "data mining" in long.candidates[0].snippet


def test_a_snippet_without_a_match_is_the_beginning_of_the_text():
    assert patterns.snippet("x" * 400, re.compile("absent")) == "x" * 300


def test_every_pattern_has_a_unique_id_and_contains_a_stem():
    known = patterns.load_patterns()
    assert len({p.id for p in known}) == len(known)
    assert {p.language for p in known} >= set("en de fr es it nl pl pt sv da cs".split())
    assert {p.kind for p in known} == {"reservation", "anti_scraping", "template"}
    for pattern in known:
        for word in pattern.all[0].pattern.removeprefix(r"(?<!\w)(?:").split("|"):
            plain = word.replace("\\", "")
            assert any(stem in plain for stem in patterns.STEMS), (pattern.id, plain)


def test_patterns_in_the_language_of_the_page_come_first():
    sentences = [Sentence(1, "Data mining er forbudt og data mining är förbjuden.")]
    assert [c.pattern for c in patterns.find_candidates(sentences, "page", "da-DK")] == ["da.tdm"]
    assert [c.pattern for c in patterns.find_candidates(sentences, "page", "sv")] == ["sv.tdm"]


WORDS = st.sampled_from(
    "# text and data mining prohibited § 44b vorbehalten . \n \r - scrape may not AI training é "
    "User-agent: * Art. 4(3) \x00 İ".split(" ")
)


@settings(max_examples=150, deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.lists(WORDS, max_size=60).map(lambda words: " ".join(words).encode()),
    )
)
def test_any_bytes_give_a_reading(body):
    reading = robots_comments.parse(Document(body=body))
    assert robots_comments.parse(Document(body=body)) == reading
    for candidate in reading.candidates:
        candidate.snippet.encode()
        assert 0 < len(candidate.snippet) <= 300
        assert candidate.line is not None
        assert 1 <= candidate.line <= body.count(b"\n") + body.count(b"\r") + 1
