"""Organisations and persons, legal forms of all EU states, and names as they are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import legal_forms
from crawler.legal_forms import form_before, form_in, is_sole_trader
from crawler.organisations import comparable, is_name, is_organisation

FORMS = {
    "AT": "Beispiel Ges.m.b.H.", "BE": "Exemple SRL", "BG": "Пример ООД", "CY": "Sample Ltd",
    "CZ": "Příklad s. r. o.", "DE": "Beispiel GmbH & Co. KG", "DK": "Eksempel A/S",
    "EE": "Näide OÜ", "EL": "Παράδειγμα Α.Ε.", "ES": "Ejemplo, S.L.U.", "FI": "Esimerkki Oy",
    "FR": "Exemple SARL", "HR": "Primjer d.o.o.", "HU": "Példa Zrt.", "IE": "Sample DAC",
    "IT": "Esempio S.p.A.", "LT": "UAB Pavyzdys", "LU": "Beispill S.à r.l.", "LV": "SIA Piemērs",
    "MT": "Sample plc", "NL": "Voorbeeld B.V.", "PL": "Przykład Sp. z o.o.", "PT": "Exemplo, Lda.",
    "RO": "Exemplu S.R.L.", "SE": "Exempel AB (publ)", "SI": "Primer d.d.", "SK": "Príklad a.s.",
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS.values(), ids=FORMS)
def test_every_state_has_a_form(name):
    assert is_organisation(name)
    assert len(comparable(name).split()) == 1


def test_the_list_has_all_states():
    assert set(FORMS) <= set(legal_forms._FORMS)
    assert len(FORMS) == 27


@pytest.mark.parametrize(
    "name",
    [
        "The New York Examples Company",
        "Universität Beispiel",
        "Musterverlag",
        "News Agency of Example",
        "Example University Press",
        "EXAMPLE HOLDING GMBH",
    ],
)
def test_organisations(name):
    assert is_organisation(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Jane Doe", "Jane Doe Photography", "Max Muster e.K.", "Inhaber: Max Muster", "Sparrow"),
        *("John Press", "as you like it", "News", "", "GmbH", "A" * 200 + " Ltd", "<b>A</b> Ltd"),
        *("a@b.example Ltd", "https://a.example Ltd", "1234"),
    ],
)
def test_everything_else_may_be_a_person(name):
    assert not is_organisation(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ACME GmbH & Co. KG", "acme"),
        ("The Müller Company", "Muller company"),
        ("Foo & Bar Ltd", "FOO AND BAR"),
        ("Straße AG", "STRASSE"),
        ("L’Œuvre S.A.", "l'œuvre"),
        ("Ørsted A/S", "ørsted"),
    ],
)
def test_names_are_compared_without_what_differs_in_writing(one, other):
    assert comparable(one) == comparable(other) != ""


def test_different_names_stay_different():
    assert comparable("ACME News GmbH") != comparable("ACME GmbH")
    assert comparable("!!!") == ""
    assert comparable("The") == "the"


def test_where_a_form_stands():
    assert form_in("A GmbH & Co. KG, Berlin") == (2, 15)
    assert form_in("GmbH") is None
    assert form_in("A lot") is None
    assert form_before("UAB Delfi") == 4
    assert form_before("Delfi") == 0
    assert is_sole_trader("Muster e.K.")
    assert not is_sole_trader("Muster S.p.A.")


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_not(text):
    assert isinstance(is_organisation(text), bool)
    assert is_name(text) or not is_organisation(text)
