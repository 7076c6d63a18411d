"""Pages of adversaries change nothing but their own rows, in a database of honest sites."""

import json

import pytest

from crawler import page
from crawler.commands.judge import rebuild
from crawler.model import Document
from crawler.protocols.context import copyright_notice, rights_metadata
from crawler.vocab import Resource
from tests.store.conftest import SIGNALS, answer, audit

__all__ = ["audit"]

RESERVE = '[{"location":"/","tdm-reservation":1}]'


def ld(**node: object) -> str:
    value = {"@context": "https://schema.org", "@type": "WebPage"} | node
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


VICTIM = {"@type": "Organization", "name": "Victim Verlag GmbH", "leiCode": "5493001KJTIIGC8Y1R12"}
HONEST = [
    answer("a.example", Resource.HOME, "/", ld(copyrightHolder=VICTIM)),
    answer("b.example", Resource.HOME, "/", ld(copyrightHolder=VICTIM)),
    answer("c.example", Resource.HOME, "/", "<footer>© 2024 Other Ltd</footer>"),
    answer("a.example", Resource.TRUST_TXT, "/.well-known/trust.txt", "control=c.example"),
]
HOSTILE = {
    "the name of another": ld(copyrightHolder="Victim Verlag GmbH", license="https://a.example/l"),
    "the name of another, in a foot": "<footer>© 2024 Other Ltd</footer>",
    "another name with the identifier of another by URL": ld(
        copyrightHolder={"@type": "Organization", "@id": "https://a.example/#o", "name": "Evil"}
    ),
    "markup in a name": ld(copyrightHolder="<script>alert(1)</script> Ltd")
    + "<footer>© 2024 &lt;img src=x onerror=alert(1)&gt; GmbH</footer>",
    "a formula in a name": ld(copyrightHolder='=HYPERLINK("https://e.example";"x") Ltd'),
    "ten thousand names": ld(copyrightHolder=[f"Name {n} Ltd" for n in range(2_000)])
    + ld(publisher=[f"Publisher {n} Ltd" for n in range(2_000)])
    + "".join(f"<footer>© 2024 Foot {n} Ltd</footer>" for n in range(4_000))
    + "".join(f'<meta name="copyright" content="Meta {n} Ltd">' for n in range(2_000)),
    "a quotation mark and a new line": ld(copyrightHolder="Victim\n'; DROP TABLE party; -- Ltd"),
    "a long name": ld(copyrightHolder="A" * 60_000 + " Ltd"),
}
# What of a victim can be copied: its whole node, with all that leads to it.
WHOLE = VICTIM | {
    "@id": "https://a.example/#us",
    "url": "https://a.example/",
    "sameAs": ["https://www.wikidata.org/wiki/Q42"],
    "email": "licensing@a.example",
    "vatID": "DE123456789",
    "parentOrganization": {"@type": "Organization", "name": "Victim Holding plc"},
}
COPIES = {
    "lei": {"leiCode": VICTIM["leiCode"]},
    "lei and name": VICTIM,
    "wikidata": {"sameAs": WHOLE["sameAs"]},
    "@id": {"@id": WHOLE["@id"]},
    "@id and name": {"@id": WHOLE["@id"], "name": VICTIM["name"]},
    "vat": {"vatID": WHOLE["vatID"]},
    "name and mailbox": {"name": VICTIM["name"], "email": WHOLE["email"]},
    "everything": WHOLE,
}
COLUMNS = "holder, source, role, confidence, names, sites, members, origins, rows, tdm, since"


def holders(db) -> list[tuple[object, ...]]:
    """The rows of others: without those of the adversary, and those of what anybody can write."""
    query = f"SELECT {COLUMNS} FROM rights_holders WHERE origins NOT LIKE '%evil%'"
    return db.execute(f"{query} AND grouped IS NOT 'low' ORDER BY holder, origins").fetchall()


def low_members(db) -> set[tuple[str, str, str]]:
    """Members of low groups that are not the adversary, and the groups that they have."""
    query = "SELECT low_group, site, party_group FROM party_low_group WHERE site != 'evil.example'"
    return set(db.execute(query))


def without_the_adversary(db) -> None:
    db.execute("PRAGMA foreign_keys = OFF")
    for trigger in ("observation_stays", "observation_is_final"):
        db.execute(f"DROP TRIGGER {trigger}")
    evil_origin = "(SELECT id FROM origin WHERE site = 'evil.example')"
    for table in ("resource_evidence", "finding", "observation_row"):
        db.execute(f"DELETE FROM {table} WHERE origin IN {evil_origin}")
    rebuild(db, chosen=SIGNALS)


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_an_adversary_changes_no_row_of_others(tmp_path, body, request):
    make = request.getfixturevalue("audit")
    evil = [
        answer("0.evil.example", Resource.HOME, "/", body),
        answer("0.evil.example", Resource.TDMREP_JSON, "/.well-known/tdmrep.json", RESERVE),
        answer("0.evil.example", Resource.TRUST_TXT, "/.well-known/trust.txt", "control=a.example"),
    ]
    db = make(*HONEST, *evil)
    found = holders(db)
    victims = [row for row in found if row[0] == "Victim Verlag GmbH"]
    assert [(row[5], row[8], row[9]) for row in victims] == [(1, 3, "silent")] * 2
    low = low_members(db)
    own = db.execute("SELECT count(*) FROM parties WHERE site = 'evil.example'").fetchone()[0]
    assert own <= 110
    # The same rows as without the adversary.
    without_the_adversary(db)
    assert holders(db) == found
    assert low_members(db) <= low


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copied_identifier_changes_nothing_but_its_own_row(audit, copy):
    def victim(host: str, other: str):
        node = ld(copyrightHolder=WHOLE, acquireLicensePage=f"https://{other}/licence")
        return answer(host, Resource.HOME, "/", node)

    # Both sites of the victim refer to each other; the adversary refers to both.
    node = {"@type": "Organization", "name": "Evil Ltd"} | copy
    evil = ld(copyrightHolder=node, acquireLicensePage="https://a.example/licence")
    evil += ld(publisher=node, acquireLicensePage="https://b.example/licence")
    db = audit(
        victim("a.example", "b.example"), victim("b.example", "a.example"), *HONEST[2:],
        answer("0.evil.example", Resource.HOME, "/", evil),
        answer("0.evil.example", Resource.TDMREP_JSON, "/.well-known/tdmrep.json", RESERVE),
        answer("0.evil.example", Resource.TRUST_TXT, "/.well-known/trust.txt", "control=a.example"),
    )  # fmt: skip
    found = holders(db)
    victims = [row for row in found if row[0] == VICTIM["name"]]
    assert [(row[5], row[8], row[9]) for row in victims] == [(2, 6, "silent")]
    own = "SELECT rows, grouped, tdm FROM rights_holders WHERE origins = json_array(?)"
    assert set(db.execute(own, ("https://0.evil.example",))) == {(3, None, "reserved")}
    # Where it wrote the same, a row of its own says so, and why that is no more than low.
    low = "SELECT confidence, rows_once, members FROM rights_holders WHERE grouped = 'low'"
    rows = db.execute(low).fetchall()
    assert {row[:2] for row in rows} <= {("low", 0)}
    links = {m["link"] for row in rows for m in json.loads(row[2]) if m["site"] == "evil.example"}
    assert bool(links) == (copy != COPIES["@id"])
    assert all(link.endswith("; no other side confirms it") for link in links)
    once = db.execute("SELECT sum(rows_once) FROM rights_holders").fetchone()
    without_the_adversary(db)
    assert holders(db) == found
    assert low_members(db) == set()
    assert once == (12,)


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_names_are_text_of_bounded_length(body):
    document = Document(body=page.extract(body.encode()))
    for protocol in (rights_metadata, copyright_notice):
        parties = protocol.parse(document).parties
        assert len(parties) <= 50
        assert all(len(p.name) <= 160 and "<" not in p.name for p in parties)
