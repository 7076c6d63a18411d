"""Parties in the database: what is personal, pages of shared documents, and who is one party."""

# ruff: noqa: E501 - rows are easier to read in whole lines

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization

from crawler.commands.judge import rebuild
from crawler.model import Observation
from crawler.reports.summary import as_json, named_sentence, summary
from crawler.store import contacts
from crawler.store.database import connect
from crawler.vocab import Resource
from tests.fetch.certificates import ORGANISATION, sign
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


def test_a_copied_name_and_identifier_are_a_low_group_beside_its_parts(audit):
    html = ld(copyrightHolder=ACME)
    db = audit(home("a.example", html), home("b.example", html))
    assert holders(db) == [
        ("ACME", "holder", "low", ["a.example", "b.example"], 6),
        ("ACME", "holder", "medium", ["a.example"], 3),
        ("ACME", "holder", "medium", ["b.example"], 3),
    ]
    assert holders(db, named=0) == []


def test_a_name_alone_is_one_party_on_one_site_only(audit):
    html = ld(copyrightHolder="News Ltd")
    db = audit(*(home(h, html) for h in ("www.a.example", "m.a.example", "b.example")))
    assert holders(db) == [
        ("News Ltd", "holder", "low", ["b.example", "m.a.example", "www.a.example"], 9),
        ("News Ltd", "holder", "medium", ["b.example"], 3),
        ("News Ltd", "holder", "medium", ["m.a.example", "www.a.example"], 6),
    ]


def test_rows_are_added_up_once_however_many_are_named(audit):
    page = ld(copyrightHolder="News Ltd", publisher="Press GmbH", sourceOrganization="Wire Ltd")
    foot = "<footer>© 2024 Press GmbH</footer>"
    db = audit(
        home("a.example", page), home("m.a.example", page + foot), home("b.example", page),
        home("c.example", foot), home("d.example", "nothing"),
    )  # fmt: skip
    total, once, named = db.execute(
        "SELECT sum(rows), sum(rows_once), sum(rows_once * named) FROM rights_holders"
    ).fetchone()
    (rows_named,) = db.execute("SELECT rows_named FROM named_share").fetchone()
    assert (named, once) == (rows_named, 15) == (12, 15)
    assert total > once
    low = "SELECT holder, rows_once, weight_once, parts FROM rights_holders WHERE grouped = 'low'"
    found = db.execute(f"{low} ORDER BY holder").fetchall()
    assert [(row[:3], len(json.loads(row[3]))) for row in found] == [
        (("News Ltd", 0, None), 2), (("Press GmbH", 0, None), 3)
    ]  # fmt: skip
    parts = {part for row in found for part in json.loads(row[3])}
    others = "SELECT party_group FROM rights_holders WHERE named AND grouped IS NOT 'low'"
    assert parts <= {key for (key,) in db.execute(others)}


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
        "SELECT tdm, ai_train, genai_train, ai_input, search, since, named_at FROM rights_holders "
        "WHERE sites = 2"
    )
    assert db.execute(query).fetchall() == [("reserved",) * 3 + ("silent",) * 2 + (AT, AT)]


def test_a_database_without_parties_has_none(tmp_path):
    with closing(connect(tmp_path / "x.db", create=True)) as db:
        assert db.execute("SELECT * FROM rights_holders").fetchall() == []


def groups(db) -> list[tuple[object, ...]]:
    query = "SELECT holder, sites, grouped, names, identifiers, members FROM rights_holders"
    return [
        (*row[:3], json.loads(row[3]), json.loads(row[4] or "[]"), json.loads(row[5]))
        for row in db.execute(f"{query} WHERE named ORDER BY grouped IS 'low', holder, sites")
    ]


def low_links(db) -> list[list[str]]:
    """What is equal in each low group, for each of its sites."""
    return [
        [f"{m['site']}: {m['link'].removesuffix('; no other side confirms it')}" for m in members]
        for _, _, grouped, *_, members in groups(db)
        if grouped == "low"
    ]


LEI = "5493001KJTIIGC8Y1R12"


def test_sites_that_refer_to_each_other_with_an_identifier_of_a_register_are_one_group(audit):
    def named(name: str, other: str):
        licence = {"acquireLicensePage": f"https://www.{other}/licence"}
        return ld(
            copyrightHolder={"@type": "Organization", "name": name, "leiCode": LEI}, **licence
        )

    db = audit(
        home("a.example", named("ACME Group", "c.example")),
        home("b.example", named("ACME Group", "a.example")),
        home("c.example", named("ACME Verlag", "a.example")),
    )
    (alone, (holder, sites, grouped, names, identifiers, members), *low) = groups(db)
    assert (alone[:3], members[0]["site"], alone[5][0]["site"]) == (
        ("ACME Group", 1, None), "a.example", "b.example",
    )  # fmt: skip
    assert (holder, sites, grouped) == ("ACME Group", 2, "high")
    assert (names, identifiers) == (["ACME Group", "ACME Verlag"], [f"lei:{LEI}"])
    assert members[1] == {
        "site": "c.example",
        "party": "acme verlag",
        "confidence": "high",
        "link": f"identifier lei:{LEI}, both sites refer to each other",
        "sources": ["schema.copyrightHolder"],
    }
    assert [len(members) for *_, members in low] == [2, 3]


def test_an_equal_name_and_a_mailbox_that_anybody_can_copy_are_a_low_link(audit):
    def site(host: str, name: str, mailbox: str):
        return home(host, ld(copyrightHolder={"name": name, "email": mailbox}))

    db = audit(
        site("a.example", "ACME GmbH", "licensing@a.example"),
        site("b.example", "Acme, GMBH", "licensing@a.example"),
        site("c.example", "ACME GmbH", "licensing@c.example"),
        site("d.example", "Other GmbH", "licensing@a.example"),
    )
    found = [(holder, sites, grouped) for holder, sites, grouped, *_ in groups(db)]
    assert sorted(found, key=str) == [
        ("ACME GmbH", 1, None), ("ACME GmbH", 1, None), ("ACME GmbH", 3, "low"),
        ("Acme, GMBH", 1, None), ("Other GmbH", 1, None),
    ]  # fmt: skip
    mailbox = "name acme, mailbox licensing@a.example"
    assert low_links(db) == [
        [f"a.example: {mailbox}", f"b.example: {mailbox}", "c.example: name acme"]
    ]
    keys = db.execute("SELECT DISTINCT compared_as FROM rights_holders ORDER BY 1").fetchall()
    assert keys == [("acme",), ("other",)]


def test_an_equal_name_and_mailboxes_at_each_other_are_a_medium_link(audit):
    def site(host: str, other: str):
        return home(host, ld(copyrightHolder={"name": "ACME GmbH", "email": f"info@{other}"}))

    db = audit(site("a.example", "b.example"), site("b.example", "www.a.example"))
    ((_, sites, grouped, *_, members),) = groups(db)
    assert (sites, grouped) == (2, "medium")
    assert members[0]["link"] == "name acme, both sites refer to each other"


def test_marks_of_a_site_are_second_links_and_common_licences_are_none(audit):
    def site(host: str, name: str = "ACME GmbH", **more: object):
        return home(host, ld(copyrightHolder=name, **more))

    def ads(host: str, domain: str):
        return answer(host, Resource.ADS_TXT, "/ads.txt", f"OWNERDOMAIN={domain}")

    by = "https://creativecommons.org/licenses/by/4.0/"
    db = audit(
        site("a.example"), ads("a.example", "acme.example"),
        site("b.example"), ads("b.example", "acme.example"),
        site("c.example", license=by), site("d.example", license=by),
        site("e.example", license="https://acme.example/l"),
        site("f.example", license="https://acme.example/l"),
    )  # fmt: skip
    assert [(sites, grouped) for _, sites, grouped, *_ in groups(db)] == [
        *[(1, None)] * 6, (6, "low")
    ]  # fmt: skip
    ads_txt, licence = "ads.txt domain acme.example", "licence page https://acme.example/l"
    assert low_links(db) == [
        [
            f"a.example: name acme, {ads_txt}",
            f"b.example: name acme, {ads_txt}",
            "c.example: name acme",
            "d.example: name acme",
            f"e.example: name acme, {licence}",
            f"f.example: name acme, {licence}",
        ]
    ]


def test_an_equal_parent_is_a_second_link(audit):
    publisher = {"@type": "Organization", "name": "ACME", "parentOrganization": "Group plc"}
    page = ld(publisher=publisher)
    db = audit(home("a.example", page), home("b.example", page))
    parent = "name acme, parent organisation group"
    assert low_links(db) == [[f"a.example: {parent}", f"b.example: {parent}"]]


def test_trust_files_of_both_sides_join_the_parent_by_its_name(audit):
    db = audit(
        trust("child.example", "controlledby=parent.example"),
        trust("parent.example", "control=child.example"),
        home("parent.example", "<footer>© 2024 Parent Ltd</footer>"),
    )
    ((holder, sites, grouped, names, _, members),) = groups(db)
    assert (holder, sites, grouped) == ("Parent Ltd", 2, "high")
    assert names == ["Parent Ltd", "parent.example"]
    assert {m["link"] for m in members} == {"statements of both sites"}


def test_every_name_has_its_place_and_the_digest_of_its_document(audit):
    db = audit(home("a.example", "\n" + ld(copyrightHolder=ACME)))
    row = db.execute("SELECT place, document, stored, compared_as FROM parties").fetchone()
    assert (row[0], row[3]) == ("JSON-LD, line 2", "acme")
    assert row[1] == row[2] == db.execute("SELECT stored FROM observations").fetchone()[0]


def test_the_share_that_is_named_is_in_every_row(audit):
    db = audit(home("a.example", ld(copyrightHolder=ACME)), home("b.example", "x"))
    shares = db.execute("SELECT DISTINCT named_rows_share, named_weight_share FROM rights_holders")
    # The dataset of the fixture says three rows, of which each origin has three.
    assert shares.fetchall() == [(1.0, None)]
    query = "SELECT origins, origins_named, rows_named, weight, weight_share FROM named_share"
    assert db.execute(query).fetchall() == [(2, 1, 3, None, None)]


def test_the_share_that_is_named_is_in_every_summary(audit):
    db = audit(
        home("www.a.example", ld(copyrightHolder=ACME)), home("m.a.example", "x"),
        home("b.example", ld(publisher="Jane Doe")), home("c.example", "x"),
    )  # fmt: skip
    query = "SELECT sites, sites_named, sites_share, rows_named FROM named_share"
    assert db.execute(query).fetchall() == [(3, 1, 0.333333, 3)]
    numbers = summary(db, 1, None)
    assert as_json(numbers)["named"] == {
        "sites": 3, "sites_named": 1, "rows_named": 3, "rows_share": 1.0, "weight_share": None,
    }  # fmt: skip
    assert named_sentence(numbers) == (
        "Who is named: a source names a rights holder for 100.0% of the rows, on 1 of 3 sites; "
        "names are repeated, not verified (rights_holders)"
    )
    weighed = numbers.named._replace(rows_share=0.25, weight_share=0.125)
    with_weight = replace(numbers, weight_name="tokens", named=weighed)
    assert "for 25.0% of the rows and 12.5% of the tokens, on" in named_sentence(with_weight)
    nothing = replace(numbers, named=numbers.named._replace(rows_share=None))
    assert named_sentence(nothing) == named_sentence(replace(numbers, named=None)) == ""


def test_where_to_ask_for_a_licence_and_on_which_terms(audit):
    rsl = (
        '<rsl xmlns="https://rslstandard.org/rsl"><content url="/" server="https://s.example/rsl">'
        '<license><permits type="usage">ai-train</permits><payment type="subscription">'
        "<custom>https://a.example/buy</custom></payment></license>"
        '<copyright contactEmail="licensing@a.example">A Ltd</copyright></content></rsl>'
    )
    db = audit(
        answer("a.example", Resource.RSL_LICENSE, "/rsl.xml", rsl),
        answer(
            "a.example",
            Resource.SECURITY_TXT,
            "/.well-known/security.txt",
            "Contact: https://a.example/report",
        ),
        answer(
            "b.example",
            Resource.TDMREP_JSON,
            "/.well-known/tdmrep.json",
            '[{"location":"/","tdm-reservation":1,"tdm-policy":"/policy.json"}]',
        ),
    )
    query = "SELECT site, channel, address, name, offers, uses, source FROM how_to_license"
    assert db.execute(f"{query} ORDER BY 1, 2").fetchall() == [
        ("a.example", "custom_offer", "https://a.example/buy", None, '["payment"]', '["ai_train"]', "rsl.custom"),
        ("a.example", "mailbox", "licensing@a.example", "A Ltd", None, None, "rsl.copyright"),
        ("a.example", "rsl_server", "https://s.example/rsl", None, '["payment"]', '["ai_train"]', "rsl.server"),
        ("b.example", "policy", "https://b.example/policy.json", None, None, '["ai_train","genai_train","tdm"]', "tdmrep_file"),
    ]  # fmt: skip


def certified(observation: Observation, certificate: bytes, *, kept: bool = True) -> Observation:
    return replace(
        observation,
        tls_version="TLSv1.3",
        tls_certificate=hashlib.sha256(certificate).hexdigest(),
        tls_verified="ok",
        certificate=certificate if kept else b"",
    )


def test_a_name_that_is_in_the_certificates_too_is_a_second_link(audit):
    signed = sign("a.example", organisation="ACME GmbH", policy=ORGANISATION).certificate
    der = signed.public_bytes(serialization.Encoding.DER)
    other = sign("c.example").certificate.public_bytes(serialization.Encoding.DER)
    foot = "<footer>© 2024 Acme GmbH</footer>"
    elsewhere = home("d.example", foot)
    elsewhere = replace(
        elsewhere, target=replace(elsewhere.target, url="https://cdn.example/", hop=1)
    )
    db = audit(
        certified(home("a.example", foot), der),
        certified(home("b.example", foot), der),
        certified(home("c.example", foot), other, kept=False),
        certified(elsewhere, der),
    )
    operators = "SELECT site FROM parties WHERE role = 'operator' ORDER BY 1"
    assert db.execute(operators).fetchall() == [("a.example",), ("b.example",)]
    found = [(sites, grouped, members[0]["link"]) for _, sites, grouped, *_, members in groups(db)]
    assert (2, "medium", "name acme, certificate of acme") in found
    assert [grouped for _, grouped, _ in found] == [None, None, "medium", "low"]
