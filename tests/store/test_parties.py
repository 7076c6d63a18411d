"""Parties in the database: what is personal, pages of shared documents, and who is one party."""

import json
import sqlite3
from contextlib import closing

import pytest

from crawler.commands.judge import rebuild
from crawler.model import Observation
from crawler.store import contacts
from crawler.store.database import connect
from crawler.vocab import Resource
from tests.store.conftest import AT, SIGNALS, answer


def home(host: str, body: str) -> Observation:
    return answer(host, Resource.HOME, "/", body)


def trust(host: str, body: str) -> Observation:
    return answer(host, Resource.TRUST_TXT, "/.well-known/trust.txt", body)


def ld(**node: object) -> str:
    node = {"@context": "https://schema.org", "@type": "WebPage"} | node
    return f'<head><script type="application/ld+json">{json.dumps(node)}</script></head>'


def holders(db, named=1):
    query = "SELECT holder, role, confidence, origins, rows FROM rights_holders WHERE named = ?"
    rows = db.execute(f"{query} ORDER BY holder, origins", (named,))
    return [(*row[:3], [o.split("//")[1] for o in json.loads(row[3])], row[4]) for row in rows]


ACME = {"@type": "Organization", "@id": "https://acme.example/#us", "name": "ACME"}


def test_one_name_and_identifier_is_one_party(audit):
    html = ld(copyrightHolder=ACME)
    db = audit(home("a.example", html), home("b.example", html))
    assert holders(db) == [("ACME", "holder", "medium", ["a.example", "b.example"], 6)]
    assert holders(db, named=0) == []


def test_a_name_alone_is_one_party_on_one_site_only(audit):
    html = ld(copyrightHolder="News Ltd")
    db = audit(*(home(h, html) for h in ("www.a.example", "m.a.example", "b.example")))
    assert holders(db) == [
        ("News Ltd", "holder", "medium", ["b.example"], 3),
        ("News Ltd", "holder", "medium", ["m.a.example", "www.a.example"], 6),
    ]


def test_roles_and_sources_of_a_party_stand_in_one_row(audit):
    db = audit(home("a.example", ld(copyrightHolder=ACME, publisher=ACME)))
    query = "SELECT role, source, confidence FROM rights_holders"
    assert db.execute(query).fetchall() == [
        ("holder,publisher", "schema.copyrightHolder,schema.publisher", "medium")
    ]


def test_j07_both_sides_make_a_controller_sure(audit):
    db = audit(
        trust("www.child.example", "controlledby=https://parent.example/"),
        trust("parent.example", "control=https://www.child.example/\ncontrol=other.example"),
        trust("orphan.example", "controlledby=parent.example"),
        trust("self.example", "controlledby=self.example\ncontrol=self.example"),
    )
    found = db.execute(
        "SELECT origin, role, uid, confidence FROM parties ORDER BY 1, 2, 3"
    ).fetchall()
    assert found == [
        ("https://orphan.example", "controller", "parent.example", "low"),
        ("https://parent.example", "controlled", "child.example", "high"),
        ("https://parent.example", "controlled", "other.example", "low"),
        ("https://self.example", "controlled", "self.example", "low"),
        ("https://self.example", "controller", "self.example", "low"),
        ("https://www.child.example", "controller", "parent.example", "high"),
    ]
    found = holders(db)
    assert ("parent.example", "controller", "high", ["www.child.example"], 3) in found
    assert ("parent.example", "controller", "low", ["orphan.example"], 3) in found
    assert [row[0] for row in holders(db, named=0)] == ["parent.example"]


def test_a_domain_or_a_contact_names_no_holder(audit):
    db = audit(
        home("a.example", "<head><link rel=license href=/l></head>"),
        answer("a.example", Resource.ADS_TXT, "/ads.txt", "OWNERDOMAIN=owner.example"),
        answer(
            "a.example",
            Resource.SECURITY_TXT,
            "/.well-known/security.txt",
            "Contact: https://a.example/report",
        ),
    )
    (row,) = db.execute(
        "SELECT holder, named, uid, source, role, confidence, licence_page, contact_page "
        "FROM rights_holders"
    ).fetchall()
    assert row == (
        "a.example",
        0,
        None,
        "ads_txt.ownerdomain,rel.license,security_txt.contact",
        "owner_domain,offers_licence,contact",
        "low",
        "https://a.example/l",
        "https://a.example/report",
    )


def test_pages_of_a_shared_document_lead_to_each_host(audit):
    html = ld(copyrightHolder="A", license="/terms")
    db = audit(home("a.example", html), home("b.example", html))
    assert db.execute("SELECT count(*) FROM party").fetchone() == (1,)
    assert db.execute("SELECT origin, licence_page FROM parties ORDER BY 1").fetchall() == [
        ("https://a.example", "https://a.example/terms"),
        ("https://b.example", "https://b.example/terms"),
    ]


PERSON = ld(
    copyrightHolder={"@type": "Person", "name": "Jane Doe", "email": "jane@a.example"},
    license="https://l.example/by",
)


def everything(db) -> str:
    """All that the derived tables and the views about parties hold, as text."""
    tables = ("party", "party_page", "issue", "statement", "parties", "rights_holders", "issues")
    return repr([db.execute(f"SELECT * FROM {table}").fetchall() for table in tables])


def test_a_person_is_stored_only_where_it_is_asked_for(audit):
    db = audit(home("a.example", PERSON))
    assert "Jane" not in everything(db)
    assert "jane" not in everything(db)
    assert [row[0] for row in holders(db, named=0)] == ["a.example"]
    rebuild(db, chosen=SIGNALS, run=1, keep_contacts=True)
    assert "Jane" not in everything(db)
    assert kept(db) == [["jane@a.example", "Jane Doe"]]
    assert contacts.path_of(db).stat().st_mode & 0o077 == 0
    for view in ("parties", "rights_holders"):
        assert "Jane" not in repr(db.execute(f"SELECT * FROM {view}").fetchall())
    rebuild(db, chosen=SIGNALS, run=1)
    assert not contacts.path_of(db).exists()


def kept(db) -> list[list[str]]:
    """The personal data in the file beside the database."""
    with closing(sqlite3.connect(contacts.path_of(db))) as file:
        return [json.loads(private) for (private,) in file.execute("SELECT private FROM contact")]


def test_contacts_are_kept_by_a_whole_rebuild(audit):
    db = audit(home("a.example", PERSON), keep_contacts=True)
    rebuild(db, chosen=SIGNALS, keep_contacts=True)
    assert kept(db) == [["jane@a.example", "Jane Doe"]]


def test_a_judging_that_fails_leaves_the_contacts_as_they_were(audit):
    db = audit(home("a.example", PERSON), keep_contacts=True)

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(db, chosen=SIGNALS, keep_contacts=True, on_origin=fail)
    assert kept(db) == [["jane@a.example", "Jane Doe"]]


def test_states_and_times_are_those_of_the_origins(audit):
    db = audit(
        home("a.example", ld(copyrightHolder=ACME)),
        answer(
            "a.example",
            Resource.TDMREP_JSON,
            "/.well-known/tdmrep.json",
            '[{"location":"/","tdm-reservation":1}]',
        ),
        home("b.example", ld(copyrightHolder=ACME)),
    )
    query = (
        "SELECT tdm, ai_train, genai_train, ai_input, search, since, named_at FROM rights_holders"
    )
    assert db.execute(query).fetchall() == [("reserved",) * 3 + ("silent",) * 2 + (AT, AT)]


def test_a_database_without_parties_has_none(tmp_path):
    with closing(connect(tmp_path / "x.db", create=True)) as db:
        assert db.execute("SELECT * FROM rights_holders").fetchall() == []
