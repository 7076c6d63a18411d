"""Imprint pages: organisations are candidates, persons are not kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Question
from crawler.protocols.context import imprint

BODY = (
    "<body><nav>Menu Ltd</nav><h1>{}</h1><p>Angaben gemäß § 5:<br>\n<b>A Verlag</b> GmbH<br>Weg 1"
    "<p>Geschäftsführerin: Jane Doe<br>Telefon 030 1</p><p>Hosting: <a href=/>B AG</a></p>"
    "<script>C Ltd</script>D Ltd"
)


def read(title: str):
    body = f"<title>{title}</title>{BODY.format(title)}"
    return imprint.parse(Document(body=page.extract(body.encode())))


@pytest.mark.parametrize("title", ["Impressum", "Mentions légales", "Legal notice", "Aviso legal"])
def test_organisations_are_candidates(title):
    found = [(p.source, p.role, p.confidence, p.name, p.place) for p in read(title).parties]
    source = ("imprint.legal_name", "candidate", "low")
    assert found == [
        (*source, "A Verlag GmbH", "imprint, line 2"),
        (*source, "B AG", "imprint, line 2"),
        (*source, "D Ltd", "imprint, line 2"),
    ]


def test_persons_and_telephones_are_not_even_in_the_extract():
    extract = page.extract(f"<title>Impressum</title>{BODY.format('Impressum')}".encode())
    assert b"Verlag" in extract
    assert b"Jane" not in extract
    assert b"030" not in extract


def test_another_page_names_nobody():
    assert read("Contact").parties == ()
    assert read("Contact").presence == "absent"


def test_at_most_five_lines_are_kept():
    body = "<title>Imprint</title>" + "".join(f"<p>A{n} Ltd</p>" for n in range(10_000))
    assert len(imprint.parse(Document(body=page.extract(body.encode()))).parties) == 5


@given(st.binary(max_size=200))
def test_any_bytes_give_a_reading(body):
    reading = imprint.parse(Document(body=body))
    assert reading.statements == imprint.statements_for(reading, Question()) == ()
