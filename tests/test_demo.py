"""The whole flow on the demo web: every site is judged as it declares."""

import json
from contextlib import closing

import pyarrow.parquet as pq
import pytest

from crawler.commands.explain import explain
from crawler.demo import SITES
from crawler.flags import COLUMNS
from crawler.reports.explain import as_json, as_text
from crawler.rulesets import load
from crawler.store.database import connect_read_only
from crawler.urls.canonical import origin_key, origin_of
from crawler.vocab import Purpose

# A row that spells a host differently (bare, IDN, upper case) names the origin as we do.
KEYS = {site.host: origin_key(origin_of(site.written or site.origin)) for site in SITES}


@pytest.fixture
def findings(query):
    found = {}
    for row in query(
        "SELECT o.key, f.purpose, f.state, f.conflict, f.complete, f.exceptions, f.malformed "
        "FROM finding AS f "
        "JOIN origin AS o ON o.id = f.origin WHERE f.rules = 'signals/2'"
    ):
        found.setdefault(row["key"], {})[row["purpose"]] = row
    return found


PARAMS = [pytest.param(site, id=site.host) for site in SITES]


@pytest.mark.parametrize("site", PARAMS)
def test_site_is_judged_as_it_declares(site, findings):
    found = findings[KEYS[site.host]]
    assert {p: found[p]["state"] for p in Purpose} == {p: site.expect[p].value for p in Purpose}
    assert {p for p in Purpose if found[p]["conflict"]} == set(site.conflict)
    excepted = {p: tuple(json.loads(found[p]["exceptions"])) for p in Purpose}
    assert {p: agents for p, agents in excepted.items() if agents} == dict(site.exceptions)
    assert {p for p in Purpose if found[p]["malformed"]} == set(site.malformed)
    if site.complete is not None:
        assert {bool(row["complete"]) for row in found.values()} == {site.complete}


SINGLE = [(s, path) for s in SITES for path in s.urls]


@pytest.mark.parametrize(("site", "path"), SINGLE, ids=[f"{s.host}{p}" for s, p in SINGLE])
def test_url_is_judged_as_it_declares(site, path, demo_output):
    url = (site.written or site.origin).rstrip("/") + path
    with closing(connect_read_only(demo_output / "audit.db")) as db:
        explanation = explain(db, url, load("signals"), agent=None, whole_origin=False)
    got = {f.purpose: f.state for f in explanation.findings}
    assert {p: got[p] for p in site.urls[path]} == dict(site.urls[path])


def test_nobody_but_loopback_was_contacted(query):
    addresses = {row[0] for row in query("SELECT DISTINCT address FROM observations")}
    assert {a and a.rsplit(":", 1)[0] for a in addresses} == {"127.0.0.1", None}


def test_every_host_was_visited_whole(query):
    assert query("SELECT origins, ended FROM runs")[0][:] == (
        len(query("SELECT 1 FROM origin")),
        "finished",
    )


def test_no_row_is_lost(query, demo_output):
    rows = pq.read_metadata(demo_output / "dataset.parquet").num_rows
    assert query("SELECT rows FROM datasets")[0][0] == rows
    for purpose in Purpose:
        cells = query("SELECT sum(rows) FROM dataset_summary WHERE purpose = ?", purpose)
        assert cells[0][0] == rows


def test_no_reader_crashed(query):
    assert query("SELECT * FROM issues WHERE code LIKE 'internal.%'") == []
    assert query("SELECT note FROM observations WHERE note LIKE 'internal%'") == []


def test_flagged_dataset_has_the_rows_of_the_dataset_in_their_order(demo_output):
    dataset = pq.read_table(demo_output / "dataset.parquet")
    flagged = pq.read_table(demo_output / "flagged.parquet")
    assert flagged.select(dataset.column_names).equals(dataset)
    assert flagged.column_names == [*dataset.column_names, *COLUMNS]


def test_rows_that_name_no_origin_are_unknown_never_false(demo_output):
    flagged = pq.read_table(demo_output / "flagged.parquet").to_pylist()
    lost = [r for r in flagged if not r["url"] or r["url"].startswith(("data:", "mailto:"))]
    assert lost
    assert {(r["tdm_state"], r["tdm_reserved"]) for r in lost} == {("unknown", None)}
    assert all(r["tdm_basis"].startswith("no origin: ") for r in lost)


def test_a_party_named_by_policies_has_rows_of_each_site_and_one_of_its_name(query):
    rows = query("SELECT * FROM rights_holders WHERE named = 1")
    assert len({(r["grouped"], r["party_group"]) for r in rows}) == len(rows)
    # Any site can write a name and a mailbox, so that an equal name alone joins none.
    named = [r for r in rows if r["holder"] == "Example Rights Collective"]
    (collective,) = (r for r in named if r["grouped"] == "low")
    assert len(json.loads(collective["origins"])) == 4
    assert json.loads(collective["parts"]) == sorted(
        r["party_group"] for r in named if r["grouped"] != "low"
    )
    assert collective["rows_once"] == 0
    assert {r["tdm"] for r in named} == {"conditional"}
    assert {r["mailbox"] for r in named} == {"licences@rights-collective.example"}


def test_a_controller_that_does_not_say_so_is_a_row_for_itself(query):
    rows = query("SELECT * FROM rights_holders WHERE holder = 'trust-parent.example'")
    assert sorted((r["confidence"], *json.loads(r["origins"])) for r in rows) == [
        ("high", "http://newspaper.trust-child.example"),
        ("low", "http://claims.trust-child.example"),
    ]


def test_a_site_that_reserves_nothing_has_no_since(query):
    silent = query(
        "SELECT since FROM rights_holders WHERE named = 0 AND tdm = 'silent' "
        "AND ai_train = 'silent' AND genai_train = 'silent'"
    )
    assert silent
    assert {row["since"] for row in silent} == {None}


@pytest.mark.parametrize(
    ("holder", "confidence", "role", "licence_page", "origins"),
    [
        (
            "Demo Newspaper Company",
            "medium",
            "holder,publisher",
            "http://schema-org.demo.test/licences",
            ["http://schema-org.demo.test"],
        ),
        (
            "Demo Museum",
            "medium",
            "holder",
            "http://dublin-core.demo.test/reuse.html",
            ["http://dublin-core.demo.test"],
        ),
    ],
)
def test_parties_are_named_by_pages_and_trust_files(
    holder, confidence, role, licence_page, origins, query
):
    (row,) = query("SELECT * FROM rights_holders WHERE holder = ? AND named", holder)
    assert (row["confidence"], row["role"], row["licence_page"]) == (confidence, role, licence_page)
    assert json.loads(row["origins"]) == origins


def test_only_a_relation_that_both_files_declare_is_sure(query):
    found = query("SELECT origin, confidence FROM parties WHERE role = 'controller' ORDER BY 1")
    assert [row[:] for row in found] == [
        ("http://claims.trust-child.example", "low"),
        ("http://newspaper.trust-child.example", "high"),
    ]


def test_a_person_is_named_nowhere(query, demo_output):
    assert not list(demo_output.glob("*.contacts"))
    assert query("SELECT * FROM rights_holders WHERE holder LIKE '%Demo Photographer%'") == []
    host = "http://photographer.demo.test"
    named = query("SELECT DISTINCT role, name, uid FROM parties WHERE origin = ?", host)
    assert [row[:] for row in named] == [("holder", None, None)]


def test_an_explanation_says_what_a_naming_is_worth(demo_output):
    with closing(connect_read_only(demo_output / "audit.db")) as db:
        url = "http://schema-org.demo.test/"
        explanation = explain(db, url, load("signals"), agent=None, whole_origin=False)
    lines = list(as_text(explanation))
    assert any("who holds the rights was not checked" in line for line in lines)
    assert (
        "  holder         Demo Newspaper Company, by schema.copyrightHolder  "
        "(http://schema-org.demo.test/)"
    ) in lines
    assert (
        as_json(explanation)["parties"][0]["licence_page"] == "http://schema-org.demo.test/licences"
    )


def test_a_licence_names_its_holder(query):
    (row,) = query("SELECT * FROM rights_holders WHERE source = 'rsl.copyright'")
    assert row["holder"] == "Example Licensing Society"
    assert row["mailbox"] == "licensing@rights-collective.example"
    assert json.loads(row["origins"]) == ["http://rsl.demo.test"]


def test_prose_is_found_and_changes_nothing_but_the_inclusive_reading(query):
    found = query("SELECT origin, strength, kind, pattern, line FROM candidates ORDER BY 1, 5")
    assert [tuple(row) for row in found if row["kind"] != "template"] == [
        ("http://article.demo.test", "mention", "reservation", "en.mention", 5),
        ("http://comment.demo.test", "candidate", "reservation", "de.44b", 1),
        ("http://terms.demo.test", "candidate", "reservation", "en.article-4", 7),
        ("http://terms.demo.test", "candidate", "anti_scraping", "en.scraping", 8),
    ]
    flags = query(
        "SELECT host, textual_candidate FROM reservations "
        "WHERE host IN ('article.demo.test', 'comment.demo.test', 'terms.demo.test') ORDER BY 1"
    )
    assert [tuple(row) for row in flags] == [
        ("article.demo.test", 0),
        ("comment.demo.test", 1),
        ("terms.demo.test", 1),
    ]


@pytest.mark.parametrize("host", ["comment.demo.test", "terms.demo.test"])
def test_what_prose_decides_leads_back_to_bytes(query, host, demo_output):
    rows = query(
        "SELECT f.purpose, f.state, f.tier, f.statement, c.snippet, c.observation = f.observation "
        "AS same FROM findings AS f JOIN candidates AS c ON c.candidate = f.candidate "
        "WHERE f.rules = 'inclusive/2' AND f.origin = ? ORDER BY f.purpose",
        f"http://{host}",
    )
    assert [r["purpose"] for r in rows] == ["ai_train", "genai_train", "tdm"]
    assert {(r["state"], r["tier"], r["statement"], r["same"]) for r in rows} == {
        ("reserved", 4, None, 1)
    }
    (decided,) = query(
        "SELECT o.stored FROM findings AS f JOIN observations AS o USING (observation) "
        "WHERE f.rules = 'inclusive/2' AND f.origin = ? AND f.purpose = 'tdm'",
        f"http://{host}",
    )
    assert len(decided["stored"]) == 64
    assert query("SELECT * FROM trail WHERE origin = ?", f"http://{host}") == []
    with closing(connect_read_only(demo_output / "audit.db")) as db:
        for name, effect in (("signals", "changes nothing"), ("inclusive", "candidates count")):
            explanation = explain(db, f"http://{host}", load(name), agent=None, whole_origin=True)
            assert any(f"({effect}" in line for line in as_text(explanation))
            assert as_json(explanation)["natural_language"][0]["strength"] == "candidate"
