"""Request lists: what they show, that they are final and covered, and how they are removed."""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.commands.ingest_plan import IngestRequest
from crawler.commands.redact import redact
from crawler.commands.request_list import due_of, store_list
from crawler.commands.verify import verify
from crawler.store import manifests, request_lists, runs
from crawler.store.database import connect, connect_read_only, transaction
from crawler.vocab import Outcome, Resource
from tests.store.test_final import REFUSED, as_it_was
from tests.store.test_order import day, ingest, look, seen, store
from tests.store.test_verify import changed

PATHS = ("/", "/shut", "/gone", "/never", "/never")
SHUT = "robots.txt refuses it, line 2 (Disallow: /shut)"


def page(path, at, status=200, **facts):
    one = seen(Resource.PAGE, at, status)
    url = f"https://a.test{path}"
    return replace(one, target=replace(one.target, asked=url, url=url), **facts)


@pytest.fixture
def path(tmp_path):
    """A database with a list that was asked for in part."""
    path = tmp_path / "audit.db"
    (tmp_path / "list.txt").write_text("".join(f"https://a.test{p}\n" for p in PATHS) + "nope\n")
    with closing(connect(path, create=True)) as db:
        ingest(db)
        assert listed(db, path) == 1
        more = (
            page("/shut", day(1), None, outcome=Outcome.WITHHELD, note=SHUT),
            page("/gone", day(1), None, outcome=Outcome.REFUSED, note="refused"),
        )
        store(db, (*look(day(1)), *more), list=1)
        manifests.publish(db, path)
    return path


def listed(db, path):
    return store_list(db, path, IngestRequest(datasets=(str(path.with_name("list.txt")),)))


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def rows(path, query):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def differences(path):
    with closing(connect_read_only(path)) as db:
        found = verify(db)
    return found.differences, found.counts["lists_not_covered"]


def test_views_say_what_was_asked_when_and_why_not(path):
    query = (
        "SELECT list, rows, unattributable, urls, origins, answered, withheld, failed, waiting, "
        "erased, first_asked_at, last_asked_at FROM request_lists"
    )
    assert rows(path, query) == [(1, 6, 1, 4, 1, 1, 1, 1, 1, 0, day(1), day(1))]
    query = "SELECT url, asked_at, outcome, status, note FROM requested_urls ORDER BY place"
    assert rows(path, query) == [
        ("https://a.test/", day(1), "responded", 404, None),
        ("https://a.test/shut", day(1), "withheld", None, SHUT),
        ("https://a.test/gone", day(1), "refused", None, "refused"),
        ("https://a.test/never", None, None, None, None),
    ]
    query = "SELECT outcome, note, urls, example FROM request_outcomes WHERE outcome = 'withheld'"
    assert rows(path, query) == [("withheld", SHUT, 1, "https://a.test/shut")]
    query = "SELECT count(*) FROM requested_urls JOIN observations USING (observation)"
    assert rows(path, query) == [(3,)]


def test_datasets_lists_them(path):
    found = json.loads(run("datasets", "--db", path, "--json").stdout)["request_lists"]
    assert [(one["list"], one["urls"], one["waiting"]) for one in found] == [(1, 4, 1)]
    assert "Request lists" in run("datasets", "--db", path).stdout


def test_a_list_is_in_a_manifest_as_soon_as_it_is_stored(path):
    assert differences(path) == ([], 0)
    ((kind, text),) = rows(path, "SELECT kind, text FROM manifest WHERE n = 1")
    assert kind == "list"
    assert json.loads(text)["lists"]["1"]["requested_url"]["rows"] == 4


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE requested_url SET asked_at = '2026-01-01T00:00:00.000Z' WHERE path = '/shut'",
        "UPDATE requested_url SET outcome = 'responded' WHERE path = '/shut'",
        "UPDATE requested_url SET observation = 1 WHERE path = '/shut'",
        "UPDATE requested_url SET asked_at = NULL, outcome = NULL WHERE path = '/shut'",
        "UPDATE requested_url SET asked_at = '2026-01-01T00:00:00.000Z', outcome = 'responded', "
        "observation = 1 WHERE path = '/never'",
        "UPDATE requested_url SET erased = 1 WHERE path = '/never'",
        "DELETE FROM requested_url WHERE path = '/never'",
        "DELETE FROM listed",
        "INSERT INTO forgotten_list VALUES (1, '', '', 1, 1, '', '', '')",
    ],
)
def test_verify_finds_what_was_changed(path, change):
    changed(path, change)
    assert differences(path)[0]


def test_manifests_of_the_format_before_still_verify_and_the_next_one_covers_lists(path):
    with closing(connect_read_only(path)) as db:
        chain = manifests.stored(db)
    previous, old = "", []
    for n, kind, text, _ in chain:
        facts = json.loads(text) | {"format": "tdm-audit manifest/2", "previous": previous}
        for part in ("lists", "party_lists", "removed_lists"):
            del facts[part]
        made = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(made.encode()).hexdigest()
        old.append(f"INSERT INTO manifest VALUES ({n}, '{kind}', '{made}', '{previous}')")
    changed(path, "DELETE FROM manifest", *old)
    assert differences(path) == ([], 1)
    assert "Not covered yet: 1 list;" in run("verify", "--db", path).stdout
    assert run("adopt", "--db", path).exit_code == 0
    assert differences(path) == ([], 0)


def test_forget_removes_a_list_but_no_evidence_and_not_under_a_hold(path):
    before = rows(path, "SELECT * FROM observation_row ORDER BY id")
    assert run("hold", "add", "case 1", "--db", path).exit_code == 0
    done = run("forget", "--list", "1", "--yes", "--db", path)
    assert (done.exit_code, "hold 1 stands since" in done.stderr) == (1, True)
    assert run("forget", "d@1", "--yes", "--db", path).exit_code == 1
    assert run("hold", "release", "1", "--db", path).exit_code == 0
    assert "Would be removed" in run("forget", "--list", "1", "--db", path).stdout
    assert rows(path, "SELECT count(*) FROM request_list") == [(1,)]
    assert run("forget", "--list", "1", "--yes", "--db", path).exit_code == 0
    assert rows(path, "SELECT * FROM observation_row ORDER BY id") == before
    assert rows(path, "SELECT count(*) FROM requested_url") == [(0,)]
    assert rows(path, "SELECT list, urls FROM forgotten_lists") == [(1, 4)]
    assert differences(path) == ([], 0)
    changed(path, "UPDATE forgotten_list SET command = 'another'")
    assert differences(path)[0]


def test_a_list_that_is_read_again_knows_what_was_asked(path):
    assert run("forget", "--list", "1", "--yes", "--db", path).exit_code == 0
    with closing(connect(path)) as db:
        assert listed(db, path) == 2
    assert rows(path, "SELECT list, answered, withheld, failed, waiting FROM request_lists") == [
        (2, 1, 1, 1, 1)
    ]
    assert differences(path) == ([], 0)


def test_a_run_that_was_cut_short_ends_with_its_list(path):
    with closing(connect(path)) as db:
        number = store(db, (), ended=None, list=1)
    assert run("forget", "--list", "1", "--yes", "--db", path).exit_code == 0
    assert rows(path, f"SELECT ended FROM run WHERE id = {number}") == [("stopped",)]
    assert differences(path) == ([], 0)


def test_the_lists_of_a_dataset_go_with_it(path):
    with closing(connect(path)) as db:
        (digest,) = db.execute("SELECT digest FROM request_list").fetchone()
        with transaction(db):
            db.execute(
                "INSERT INTO dataset (id, name, path, digest, bytes, format, url_column, "
                "column_given, weight_column, rows, ingested_at) "
                "VALUES (7, 'asked', 'list.txt', ?, 0, 'text', 'url', 0, '', 1, '')",
                (digest,),
            )
            db.execute("INSERT INTO ingested VALUES (7)")
    assert "request lists" not in run("forget", "d@1", "--yes", "--db", path).stdout
    assert rows(path, "SELECT count(*) FROM request_list") == [(1,)]
    done = run("forget", "asked@1", "--yes", "--db", path)
    assert "Removed: request lists" in done.stdout
    assert rows(path, "SELECT count(*) FROM request_list") == [(0,)]
    assert differences(path) == ([], 0)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "give the name of a dataset, or --list N"),
        (("d", "--list", "1"), 2, "give the name of a dataset, or --list N"),
        (("--list", "1", "--all"), 2, "are for the name of a dataset"),
        (("--list", "9"), 1, "there is no request list 9"),
    ],
)
def test_what_cannot_be_forgotten_is_one_sentence(path, words, code, said):
    done = run("forget", *words, "--db", path)
    assert done.exit_code == code
    assert said in done.stderr


@pytest.mark.parametrize("selector", ["url", "origin"])
def test_a_redaction_reaches_lists_and_what_is_erased_is_not_asked(path, selector):
    value = {"url": "https://a.test/never", "origin": "a.test"}[selector]
    done = redact(path, selector, value, "ticket 1")
    assert done.withheld.requested == (1 if selector == "url" else 4)
    assert b"/never" not in Path(path).read_bytes()
    assert differences(path) == ([], 0)
    with closing(connect_read_only(path)) as db:
        due = due_of(1, timedelta(days=36_500))
        assert request_lists.totals(db, due).waiting == 0
        assert runs.samples_of(db, due, 1) == ()
    assert rows(path, "SELECT requested FROM redactions") == [(done.withheld.requested,)]
    erased = rows(path, "SELECT sum(erased), count(*) FROM requested_urls")
    assert erased == [(done.withheld.requested, 4)]
    changed(path, "UPDATE requested_url SET path = path || 'x' WHERE erased")
    assert differences(path)[0]


def test_only_what_was_logged_as_erased_can_lose_its_path(path):
    with closing(connect(path)) as db, REFUSED:
        db.execute("UPDATE requested_url SET path = '/x', erased = 1 WHERE path = '/never'")


def test_lists_of_a_database_of_the_version_before_are_kept(tmp_path):
    path = tmp_path / "old.db"
    observed = (
        "INSERT INTO observation_row (id, run, origin, resource, asked, hop, url, outcome, status, "
        "headers, size, truncated, observed_at, elapsed_ms, address, note, tls_version, "
        "tls_certificate, tls_verified) VALUES (?, 1, 1, 'page', 'https://a.test/x', 0, '', "
        "'responded', 200, '[]', 0, 0, ?, 0, '', '', '', '', '')"
    )
    with closing(as_it_was(path, "0034")) as old:
        old.execute(
            "INSERT INTO run VALUES (1, ?, NULL, NULL, '', '', '{}', '{}', '', '', '')", (day(0),)
        )
        old.execute(
            "INSERT INTO origin VALUES (1, 'a.test', 'https', 'a.test', 443, 'a.test', 0, '')"
        )
        old.execute("INSERT INTO request_list VALUES (1, 'l', ?, '', '', 2, '{}', '')", ("0" * 64,))
        for n, listed_path in enumerate(("/x", "/y")):
            insert = "INSERT INTO requested_url VALUES (1, ?, 1, ?, NULL, NULL)"
            old.execute(insert, (listed_path, n))
        old.executemany(observed, [(1, day(1)), (2, day(2))])
        old.execute("INSERT INTO redaction VALUES (1, 'ticket', ?)", (day(2),))
        old.execute(
            "INSERT INTO withheld_row VALUES (1, 1, 1, NULL, NULL, NULL, ?, ?)",
            ("0" * 64, "1" * 64),
        )
    with closing(connect(path)) as db:
        query = "SELECT path, asked_at, observation, erased FROM requested_url ORDER BY n"
        assert db.execute(query).fetchall() == [("/x", day(2), 2, 0), ("/y", None, None, 0)]
        query = "SELECT id, observation, list, was FROM withheld_row"
        assert db.execute(query).fetchall() == [(1, 1, None, "0" * 64)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        for statement in ("DELETE FROM withheld_row", "DELETE FROM request_list"):
            with REFUSED:
                db.execute(statement)
