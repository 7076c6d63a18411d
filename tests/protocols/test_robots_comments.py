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


@pytest.mark.parametrize(
    ("sentence", "pattern"),
    [
        (
            "We do not allow text and data mining of this site under Art. 4(3) DSM.",
            "en.article-4",
        ),
        ("Art. 4 (3) CDSM: all rights reserved", "en.article-4"),
        ("We don't permit TDM on these pages.", "en.tdm"),
        ("We have opted-out of data mining.", "en.tdm"),
        ("TDM opt-out according to § 44b UrhG", "de.44b"),
        ("Die Verwendung zum Training von KI ist untersagt.", "de.ai_training"),
        ("Text und Data Mining nur mit Lizenz", "de.tdm"),
        ("Toute fouille de textes est soumise à autorisation.", "fr.tdm"),
        ("Use of this content for machine learning requires a licence.", "en.machine_learning"),
        ("Die Nutzung für maschinelles Lernen bedarf einer Lizenz.", "de.machine_learning"),
        (
            "L'exploitation pour le machine learning est interdite.",
            "fr.machine_learning",
        ),
        (
            "L'entraînement de modèles d'IA sur nos contenus est conditionné à une licence.",
            "fr.model_training",
        ),
        ("L'entraînement de modèles est soumis à un accord préalable.", "fr.model_training"),
        ("Nous refusons que nos articles servent à entraîner des IA.", "fr.model_training"),
        ("Nous nous opposons à la fouille de textes et de données.", "fr.tdm"),
        ("This site does not allow its content to be used for AI training.", "en.model_training"),
        ("Training of models on our texts requires a licence.", "en.model_training"),
        ("Our articles are not to be used to fine-tune an LLM.", "en.model_training"),
        ("Das Training von KI-Modellen ist lizenzpflichtig.", "de.model_training"),
        ("Die Nutzung als Trainingsdaten für KI ist nicht zulässig.", "de.model_training"),
        ("El entrenamiento de modelos requiere una licencia.", "es.model_training"),
        ("No se autoriza el uso para entrenar algoritmos.", "es.model_training"),
        ("L'addestramento di modelli è soggetto a licenza.", "it.model_training"),
        ("Deze teksten mogen niet worden gebruikt om AI te trainen.", "nl.model_training"),
        ("Trainen van modellen vereist een licentie.", "nl.model_training"),
    ],
)
def test_clauses_on_training_on_one_line_or_two(sentence, pattern):
    words = sentence.split()
    halves = f"# {' '.join(words[:4])}\n# {' '.join(words[4:])}\nUser-agent: *\n"
    expected = [("candidate", "reservation", pattern, 1)]
    assert candidates(f"# {sentence}") == candidates(halves) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "We use machine learning to improve our products.",
        "Our machine learning courses are subject to change.",
        "Data mining is a field of computer science.",
        "We offer training courses for model builders; you may not be late.",
        "Our staff training on models is never free.",
        "Nos formations sont soumises à une inscription.",
        "The training of our team requires patience.",
        "Het model van de trein is niet toegestaan in de kast.",
    ],
)
def test_other_sentences_on_training_are_no_candidates(sentence):
    assert candidates(f"# {sentence}") == []


def test_a_comment_behind_a_rule_is_read():
    text = "Disallow: /a#b # Text and data\n# mining is prohibited\nDisallow: /c#tdm is prohibited"
    assert candidates(text) == [("candidate", "reservation", "en.tdm", 1)]


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
