"""Copyright notices: the name in the foot of a page, and in `meta` elements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.context import copyright_notice
from crawler.protocols.parsing.notice_text import holder_in, legal_name_in, name_in

NOTICES = {
    "sign, years, name and a stop": ("© 2010–2024 A Verlag GmbH. Alle Rechte", "A Verlag GmbH"),
    "word and sign": ("Copyright © 2024 A Ltd", "A Ltd"),
    "sign in letters": ("(c) 2024 A Ltd", "A Ltd"),
    "no blank behind the sign": ("©2024 A Ltd", "A Ltd"),
    "the name before the years": ("© A Ltd 2024", "A Ltd"),
    "the name before the sign": ("Welcome | A Ltd © 2024", "A Ltd"),
    "by": ("© 2024 by A Ltd", "A Ltd"),
    "years up to now": ("© 2010 - present A Ltd", "A Ltd"),
    "up to a legal form": ("© A S.p.A. Via Roma 1", "A S.p.A."),
    "forms in a row": ("© A GmbH & Co. KG, Berlin", "A GmbH & Co. KG"),
    "up to a bar": ("© Jane Doe | Theme by B Ltd", "Jane Doe"),
    "up to words": ("© Jane Doe Powered by B Ltd", "Jane Doe"),
    "up to a comma": ("© Jane Doe, Paris", "Jane Doe"),
    "an article is no preposition": ("© De Krant B.V.", "De Krant B.V."),
    "a quotation": ("© UAB „Žinios“ 2024", "UAB „Žinios“"),
    "the first notice with a name": ("© 2024 · © A Ltd", "A Ltd"),
    "years only": ("© 2024", ""),
    "rights only": ("© All rights reserved", ""),
    "the law": ("Protected by copyright and related rights", ""),
    "a picture": ("© Getty Images", ""),
    "a picture by somebody with a legal form": ("© Foto: A Ltd", ""),
    "an agency of pictures": ("© Bilder Nord GmbH", "Bilder Nord GmbH"),
    "software": ("© jQuery plugin", ""),
    "markup": ("© 2024 <b>A</b> Ltd", ""),
    "a template": ("© {{ year }} A", ""),
    "too many words": ("© " + "word " * 13, ""),
    "no sign": ("A Ltd", ""),
}


@pytest.mark.parametrize(("text", "name"), NOTICES.values(), ids=NOTICES)
def test_notices(text, name):
    assert holder_in(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A Ltd", "A Ltd"),
        ("1999-2024, A Ltd, London", "A Ltd"),
        ("(c) 2024 A Ltd", "A Ltd"),
        ("", ""),
        ("© 2024", ""),
    ],
)
def test_names_without_a_sign(text, name):
    assert name_in(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Herausgeber: A Verlag GmbH, Musterstr. 1", "A Verlag GmbH"),
        ("A Verlag GmbH", "A Verlag GmbH"),
        (f"{'x' * 70}: A Ltd", ""),
        ("Inhaber: Jane Doe", ""),
    ],
)
def test_legal_names(text, name):
    assert legal_name_in(text).removeprefix("x" * 70 + ": ") in (name, "A Ltd")


def read(html: str):
    return copyright_notice.parse(Document(body=page.extract(html.encode())))


def named(html: str) -> list[tuple[str, ...]]:
    return [(p.source, p.role, p.confidence, p.name, p.place) for p in read(html).parties]


def test_the_foot_names_a_holder():
    html = "<body><p>x</p>\n<footer>© 2024 A Ltd</footer><p>© A Ltd</p></body>"
    place = "foot of the page, line 2"
    assert named(html) == [("copyright_notice.foot", "holder", "medium", "A Ltd", place)]
    assert read(html).presence == "present"


def test_the_end_of_a_page_without_a_foot_is_less_sure():
    html = "<body><p>x</p><p>© 2024 A Ltd</p></body>"
    place = "end of the page, line 1"
    assert named(html) == [("copyright_notice.end", "holder", "low", "A Ltd", place)]
    assert named(html.replace("</body>", "<p>word</p>" * 80)) == []


def test_a_name_that_may_be_a_persons_is_private():
    (party,) = read("<footer>© 2024 Jane Doe</footer>").parties
    assert (party.name, party.private) == ("", ("Jane Doe",))


def test_meta_elements():
    html = (
        '<meta name="copyright" content="© A Ltd"><meta name="author" content="B Ltd">'
        '<meta name="rights" content="https://l.example/by"><meta property="dc:rights">'
        '<template><meta name="copyright" content="C Ltd"></template>'
    )
    place = "meta element, line 1"
    assert named(html) == [("meta.copyright", "holder", "medium", "A Ltd", place)]


def test_nothing_is_absent():
    assert read("<p>text</p>").presence == "absent"


@given(st.text(st.sampled_from("© copyrightABC2024.,-|&GmbHLtd\"'") | st.characters(), max_size=80))
def test_any_text_gives_a_name_or_none(text):
    for find in (holder_in, name_in, legal_name_in):
        assert len(find(text)) <= len(text)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_reading(body):
    reading = copyright_notice.parse(Document(body=body))
    assert reading.statements == copyright_notice.statements_for(reading, Question()) == ()
