"""`import --as parties`: lists of others as evidence, and what is wrong in one sentence."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.commands.import_parties import PartyListError, import_parties
from crawler.vocab import Resource
from tests.store.conftest import answer, audit

__all__ = ["audit"]

NODE = {"@context": "https://schema.org", "@type": "WebPage", "copyrightHolder": "A News Ltd"}
PAGE = f'<head><script type="application/ld+json">{json.dumps(NODE)}</script></head>'
LEI = "5493001KJTIIGC8Y1R12"


@pytest.fixture
def db(audit):
    hosts = ("www.a.example", "b.example", "sub.c.example")
    return audit(
        *(answer(h, Resource.HOME, "/", PAGE if h.startswith("www") else "x") for h in hosts)
    )


def run(tmp_path, text: str, **options: str):
    file = tmp_path / "list.csv"
    file.write_text(text, "utf-8")
    return import_parties(tmp_path / "audit.db", file, **options)


HEAD = "domain,name,identifier,publisher,version\n"


def parties(db) -> list[tuple[str, ...]]:
    query = "SELECT origin, name, identifiers, confidence, place FROM parties WHERE source = 'list'"
    return db.execute(f"{query} ORDER BY 1, 2").fetchall()


def test_a_list_names_the_parties_of_its_domains(db, tmp_path):
    text = (
        f"{HEAD}a.example,B Holding plc,{LEI},Council,2026\n"
        "https://WWW.b.example/x,B Holding plc,https://www.wikidata.org/wiki/Q42,Council,2026\n"
        "c.example,C Verlag GmbH,,Council,2026\nnowhere.example,D Ltd,,Council,2026\n"
    )
    imported = run(tmp_path, text)
    assert (imported.lists, imported.rows, imported.origins) == ((("Council", "2026"),), 4, 3)
    assert parties(db) == [
        ("https://b.example", "B Holding plc", '["wikidata:Q42"]', "medium", "row 2"),
        ("https://sub.c.example", "C Verlag GmbH", None, "medium", "row 3"),
        ("https://www.a.example", "B Holding plc", f'["lei:{LEI}"]', "medium", "row 1"),
    ]


def test_what_a_site_says_stays_and_an_equal_name_joins(db, tmp_path):
    run(tmp_path, f"{HEAD}a.example,B Holding plc,{LEI},C,1\nb.example,b holding,{LEI},C,1\n")
    query = "SELECT holder, sites, grouped, source FROM rights_holders WHERE named ORDER BY 1"
    assert db.execute(query).fetchall() == [
        ("A News Ltd", 1, None, "schema.copyrightHolder"),
        ("B Holding plc", 2, "high", "list"),
    ]
    query = "SELECT origins, origins_named, rows_named FROM named_share"
    assert db.execute(query).fetchall() == [(3, 2, 6)]


def test_the_same_list_twice_changes_nothing(db, tmp_path):
    first = run(tmp_path, f"{HEAD}a.example,A Ltd,,C,1\n")
    again = run(tmp_path, f"{HEAD}a.example,A Ltd,,C,1\n")
    assert (first.known, again.lists, again.known) == ((), (), (("C", "1"),))
    assert len(parties(db)) == 1
    other = run(tmp_path, f"{HEAD}a.example,A Ltd,,C,2\n")
    assert other.lists == (("C", "2"),)
    assert len(parties(db)) == 2


def test_names_that_may_be_those_of_persons_are_left_out(db, tmp_path):
    imported = run(tmp_path, f"{HEAD}a.example,Jane Doe,Q1,C,1\nb.example,Jane & Co,{LEI},C,1\n")
    assert (imported.rows, imported.unnamed) == (2, 1)
    assert [row[1] for row in parties(db)] == ["Jane & Co"]
    assert "Jane Doe" not in "\n".join(db.iterdump())


def test_lists_are_never_changed(db, tmp_path):
    run(tmp_path, f"{HEAD}a.example,A Ltd,,C,1\n")
    for change in ("DELETE FROM party_list_entry", "UPDATE party_list SET publisher = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(change)


FORMATS = {
    "CSV": f'{HEAD}"a.example","A, B Ltd",lei:{LEI},C,1\n',
    "TSV with a mark, columns in another order": "\ufeffName\tDomain\nA, B Ltd\ta.example\n",
    "JSON Lines": '{"domain": "a.example", "name": "A, B Ltd", "identifier": null}\n\n',
    "identifiers in a list": '{"domain": "a.example", "name": "A, B Ltd", "identifier": ["Q1"]}',
}


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS)
def test_formats(db, tmp_path, text):
    run(tmp_path, text, publisher="C", version="1")
    assert [row[1] for row in parties(db)] == ["A, B Ltd"]


WRONG = {
    "no columns": ("a,b\n1,2\n", "has no columns"),
    "empty": ("", "has no columns"),
    "no publisher": (f"{HEAD}a.example,A Ltd,,,\n", "row 1: who published this list"),
    "no row": (f"{HEAD}a b,A Ltd,,C,1\na.example,,,C,1\n", "has no row with a domain"),
    "not JSON": ('{"domain": 1}\n[]\n', "line 2: no JSON object"),
    "broken JSON": ("{\n", "line 1: no JSON object"),
    "no UTF-8": (b"\xff\xfe", "is not UTF-8"),
    "a cell without an end": (f'{HEAD}"a.example', "unexpected end of data"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_list_is_an_error(db, tmp_path, text, message):
    file = tmp_path / "list.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PartyListError, match=message):
        import_parties(tmp_path / "audit.db", file)
    assert parties(db) == []


def test_a_file_that_is_too_large_is_an_error(db, tmp_path, monkeypatch):
    monkeypatch.setattr("crawler.commands.import_parties.MAX_BYTES", 10)
    with pytest.raises(PartyListError, match="is larger than"):
        run(tmp_path, f"{HEAD}a.example,A Ltd,,C,1\n")


def test_the_command_says_what_it_did(db, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text(f"{HEAD}a.example,A Ltd,,C,1\nb.example,Jane Doe,,C,1\n,,,,\n", "utf-8")
    command = ["import", str(file), "--as", "parties", "--db", str(tmp_path / "audit.db")]
    first, again = (CliRunner().invoke(main, command) for _ in range(2))
    assert first.output.splitlines() == [
        "Imported the list of C 1.",
        "2 rows, naming 1 origin of this audit.",
        "Left out, since they may name persons: 1 name.",
        "Left out, without a usable domain or without name and identifier: 1 row.",
    ]
    assert again.output.startswith("The list of C 1 was imported before.")
    assert CliRunner().invoke(main, [*command, "--quiet"]).output == ""
    assert CliRunner().invoke(main, [*command, "--db", str(tmp_path / "no.db")]).exit_code == 1
