"""The whole flow on the web inside the package: every site is answered as it declares."""

import json
from contextlib import closing

import pyarrow.parquet as pq
import pytest

from crawler.demo import SITES
from crawler.flags import COLUMNS
from crawler.names import origin_key, origin_of
from crawler.rulesets import load
from crawler.store.database import connect_read_only
from crawler.verbs.explaining import explain
from crawler.vocab import Purpose

# A row that spells a host differently (bare, IDN, upper case) names the origin as we do.
KEYS = {site.host: origin_key(origin_of(site.written or site.origin)) for site in SITES}


@pytest.fixture
def findings(query):
    found = {}
    for row in query(
        "SELECT o.key, f.purpose, f.state, f.conflict, f.complete FROM finding AS f "
        "JOIN origin AS o ON o.id = f.origin WHERE f.rules = 'signals/1'"
    ):
        found.setdefault(row["key"], {})[row["purpose"]] = row
    return found


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.host)
def test_site_is_judged_as_it_declares(site, findings):
    found = findings[KEYS[site.host]]
    assert {p: found[p]["state"] for p in Purpose} == {p: site.expect[p].value for p in Purpose}
    assert {p for p in Purpose if found[p]["conflict"]} == set(site.conflict)
    if site.complete is not None:
        assert {bool(row["complete"]) for row in found.values()} == {site.complete}


SINGLE = [(s, path) for s in SITES for path in s.urls]


@pytest.mark.parametrize(("site", "path"), SINGLE, ids=[f"{s.host}{p}" for s, p in SINGLE])
def test_url_is_judged_as_it_declares(site, path, demonstration):
    url = (site.written or site.origin).rstrip("/") + path
    with closing(connect_read_only(demonstration / "audit.db")) as db:
        said = explain(db, url, load("signals"), agent=None, whole_origin=False)
    got = {f.purpose: f.state for f in said.findings}
    assert {p: got[p] for p in site.urls[path]} == dict(site.urls[path])


def test_nobody_but_loopback_was_contacted(query):
    addresses = {row[0] for row in query("SELECT DISTINCT address FROM observations")}
    assert {a.rsplit(":", 1)[0] for a in addresses} == {"127.0.0.1", ""}


def test_every_host_was_visited_whole(query):
    assert query("SELECT origins, ended FROM runs")[0][:] == (
        len(query("SELECT 1 FROM origin")),
        "finished",
    )


def test_no_row_is_lost(query, demonstration):
    rows = pq.read_metadata(demonstration / "dataset.parquet").num_rows
    assert query("SELECT rows FROM datasets")[0][0] == rows
    for purpose in Purpose:
        cells = query("SELECT sum(rows) FROM dataset_summary WHERE purpose = ?", purpose)
        assert cells[0][0] == rows


def test_no_reader_crashed(query):
    assert query("SELECT * FROM issues WHERE code LIKE 'internal.%'") == []
    assert query("SELECT note FROM observations WHERE note LIKE 'internal%'") == []


def test_flagged_dataset_has_the_rows_of_the_dataset_in_their_order(demonstration):
    dataset = pq.read_table(demonstration / "dataset.parquet")
    flagged = pq.read_table(demonstration / "flagged.parquet")
    assert flagged.select(dataset.column_names).equals(dataset)
    assert flagged.column_names == [*dataset.column_names, *COLUMNS]


def test_rows_that_name_no_origin_are_unknown_never_false(demonstration):
    flagged = pq.read_table(demonstration / "flagged.parquet").to_pylist()
    lost = [r for r in flagged if not r["url"] or r["url"].startswith(("data:", "mailto:"))]
    assert lost
    assert {(r["tdm_state"], r["tdm_reserved"]) for r in lost} == {("unknown", None)}
    assert all(r["tdm_basis"].startswith("no origin: ") for r in lost)


def test_parties_named_by_policies_stand_once_with_all_their_origins(query):
    rows = query("SELECT * FROM rights_holders WHERE named = 1 ORDER BY rows DESC")
    (collective,) = (r for r in rows if r["holder"] == "Example Rights Collective")
    assert len(json.loads(collective["origins"])) == 4
    assert collective["tdm"] == "conditional"
    assert collective["mailbox"] == "licences@rights-collective.example"
    assert len({(r["holder"], r["contact_page"]) for r in rows}) == len(rows)


def test_a_site_that_reserves_nothing_has_no_since(query):
    silent = query(
        "SELECT since FROM rights_holders WHERE named = 0 AND tdm = 'silent' "
        "AND ai_train = 'silent' AND genai_train = 'silent'"
    )
    assert silent
    assert {row["since"] for row in silent} == {None}


def test_a_licence_names_its_holder(query):
    (row,) = query("SELECT * FROM rights_holders WHERE source = 'rsl.copyright'")
    assert row["holder"] == "Example Licensing Society"
    assert row["mailbox"] == "licensing@rights-collective.example"
    assert json.loads(row["origins"]) == ["http://rsl.demo.test"]
