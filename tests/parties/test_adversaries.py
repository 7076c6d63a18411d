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
COLUMNS = "holder, source, role, confidence, names, sites, members, origins, rows, tdm, since"


def holders(db) -> list[tuple[object, ...]]:
    query = f"SELECT {COLUMNS} FROM rights_holders WHERE origins NOT LIKE '%evil%'"
    return db.execute(f"{query} ORDER BY holder, origins").fetchall()


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
    assert [(row[5], row[8], row[9]) for row in victims] == [(2, 6, "silent")]
    own = db.execute("SELECT count(*) FROM parties WHERE site = 'evil.example'").fetchone()[0]
    assert own <= 110
    # The same rows as without the adversary.
    db.execute("PRAGMA foreign_keys = OFF")
    for trigger in ("observation_stays", "observation_is_final"):
        db.execute(f"DROP TRIGGER {trigger}")
    evil_origin = "(SELECT id FROM origin WHERE site = 'evil.example')"
    for table in ("resource_evidence", "finding", "observation_row"):
        db.execute(f"DELETE FROM {table} WHERE origin IN {evil_origin}")
    rebuild(db, chosen=SIGNALS)
    assert holders(db) == found


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_names_are_text_of_bounded_length(body):
    document = Document(body=page.extract(body.encode()))
    for protocol in (rights_metadata, copyright_notice):
        parties = protocol.parse(document).parties
        assert len(parties) <= 50
        assert all(len(p.name) <= 160 and "<" not in p.name for p in parties)


def test_an_identifier_of_a_register_is_the_one_thing_that_joins_by_itself(audit):
    copy = answer("0.evil.example", Resource.HOME, "/", ld(copyrightHolder=VICTIM))
    db = audit(*HONEST, copy)
    query = "SELECT sites, members FROM rights_holders WHERE holder = 'Victim Verlag GmbH'"
    ((sites, members),) = db.execute(query).fetchall()
    assert sites == 3
    evil = next(m for m in json.loads(members) if m["site"] == "evil.example")
    assert evil["link"] == "identifier lei:5493001KJTIIGC8Y1R12"
    assert evil["sources"] == ["schema.copyrightHolder"]
