"""Erased evidence is gone from every file, still verifies, and frees nothing."""

import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner

from crawler import page
from crawler.cli import main
from crawler.commands import hold
from crawler.commands.explain import explain
from crawler.commands.judge import rebuild
from crawler.commands.prune import Retention, prune
from crawler.commands.redact import redact
from crawler.commands.verify import prove, verify
from crawler.errors import UserError
from crawler.instants import instant_of
from crawler.model import Origin, RevalidatedResponse
from crawler.store import (
    bodies,
    contacts,
    evidence_writer,
    flag_cache,
    leaves,
    manifests,
    merkle,
    runs,
    search_index,
)
from crawler.store.bodies import WithheldBodyError
from crawler.store.cache_files import cache_folder
from crawler.store.database import StoreError, checkpoint, connect, connect_read_only, transaction
from crawler.store.holds import HoldError
from crawler.store.redaction_targets import TargetError
from crawler.store.stored_responses import stored_responses
from crawler.vocab import Resource
from tests.store.conftest import NEW_RUN, answer
from tests.store.test_order import SIGNALS, day, ingest, look, store
from tests.store.test_verify import changed, differences, dump, flips, untouched

NAME = "Rénée Übelhör"
ROBOTS = f"# asked by {NAME}, no text mining\nUser-agent: GPTBot # {NAME}\nDisallow: /{NAME}\n"
PAGE = f'<head><meta name="robots" content="noai"><meta name="author" content="{NAME}"></head>'
HOME = '<head><meta name="robots" content="noai"></head>'
CONTACT = f"Contact: mailto:renee@a.test\n# {NAME}\n"
TRUST = f"contact=mailto:renee@a.test {NAME}\n"
PARTY = json.dumps(
    {"@context": "https://schema.org", "@type": "WebPage", "copyrightHolder": NAME},
    ensure_ascii=False,
)
CERTIFICATE = f"a certificate of {NAME}".encode()
CERTIFIED = {
    "certificate": CERTIFICATE,
    "tls_certificate": hashlib.sha256(CERTIFICATE).hexdigest(),
    "tls_verified": "ok",
}
URL = "https://a.test/~renee-uebelhoer?q=1"
TO = "https://a.test/moved/renee-uebelhoer"
SHARED = "User-agent: *\nDisallow:\n"
ORIGINS = [Origin(scheme="https", host=h, port=443, site=h) for h in ("a.test", "b.test")]


def seen(host, resource, path, body, at, **facts):
    return replace(answer(host, resource, path, body), started_at=at, **facts)


def visits(at):
    """What two hosts answer: one names a person everywhere, one has what others have."""
    hop = seen("a.test", Resource.PAGE, "/~renee-uebelhoer?q=1", "", at, status=302)
    hop = replace(hop, headers=(("Location", TO), ("X-Author", NAME)), extract=b"")
    final = seen("a.test", Resource.PAGE, "/~renee-uebelhoer?q=1", PAGE, at)
    final = replace(final, target=replace(final.target, url=TO, hop=1), note=f"led by {NAME}")
    html = f'{HOME}<script type="application/ld+json">{PARTY}</script>'
    return (
        (
            seen("a.test", Resource.ROBOTS_TXT, "/robots.txt", ROBOTS, at),
            seen("a.test", Resource.AI_TXT, "/ai.txt", SHARED, at),
            seen("a.test", Resource.TDMREP_JSON, "/.well-known/tdmrep.json", "", at, status=404),
            seen("a.test", Resource.SECURITY_TXT, "/.well-known/security.txt", CONTACT, at),
            seen("a.test", Resource.HOME, "/", html, at, **CERTIFIED),
            hop,
            final,
        ),
        (
            seen("b.test", Resource.ROBOTS_TXT, "/robots.txt", SHARED, at),
            seen("b.test", Resource.AI_TXT, "/ai.txt", SHARED, at),
            seen("b.test", Resource.TDMREP_JSON, "/.well-known/tdmrep.json", "", at, status=404),
            seen("b.test", Resource.HOME, "/", HOME, at),
        ),
    )


def crawl(db, at):
    """Store a run of both hosts."""
    run = runs.begin_run(db, NEW_RUN, at)
    with transaction(db):
        for n, observations in enumerate(visits(at), start=1):
            evidence_writer.save_visit(db, run, n, observations, at, keep_pages=True)
    runs.end_run(db, run, "finished", at)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Two runs of two hosts, judged, with contacts, a cache of flags and a 304."""
    path = tmp_path_factory.mktemp("redaction") / "audit.db"
    with closing(connect(path, create=True)) as db:
        new = evidence_writer.NewDataset(
            path="d", files=(), format="csv", url_column="url", weight_column="", rows=3, rejects=()
        )
        samples = {"a.test": ["/~renee-uebelhoer?q=1", "/news"], "b.test": []}
        with transaction(db):
            rows = [(o.host, o, 3, None, samples[o.host]) for o in ORIGINS]
            evidence_writer.add_dataset(db, new, rows, day(0))
        db.execute("INSERT INTO request_list VALUES (1, 'l', ?, '', '', 2, '{}', '')", ("0" * 64,))
        for n, listed in enumerate(samples["a.test"]):
            insert = "INSERT INTO requested_url (origin, path, list, n) VALUES (1, ?, 1, ?)"
            db.execute(insert, (listed, n))
        db.execute("INSERT INTO listed VALUES (1)")
        crawl(db, day(1))
        crawl(db, day(2))
        confirm(db)
        rebuild(db, chosen=SIGNALS, keep_contacts=True)
        flag_cache.save(db, "key", {"table": NAME.encode()})
        manifests.publish(db, path)
        checkpoint(db)
    return path


def confirm(db):
    """Store a 304 to the page: it has the URL of what it confirms."""
    query = "SELECT max(id) FROM observation WHERE resource = 'page' AND hop = 1"
    (number,) = db.execute(query).fetchone()
    last = seen("a.test", Resource.PAGE, "/~renee-uebelhoer?q=1", "", day(3), status=304)
    last = replace(last, extract=b"", confirms=RevalidatedResponse(observation=number))
    run = runs.begin_run(db, NEW_RUN, day(3))
    with transaction(db):
        evidence_writer.save_visit(db, run, 1, (last,), day(3))
    runs.end_run(db, run, "finished", day(3))


@pytest.fixture
def path(original, tmp_path):
    for name in (original, contacts_of(original), manifests.file_beside(original)):
        if name.exists():
            shutil.copy(name, tmp_path / name.name)
    return tmp_path / "audit.db"


def contacts_of(path):
    return Path(f"{path}{contacts.SUFFIX}")


def digest_of(path, resource, column="stored"):
    with closing(sqlite3.connect(path)) as db:
        query = f"SELECT {column} FROM observation WHERE resource = ? AND status = 200"
        return db.execute(query, (resource,)).fetchone()[0]


def compressed(path, digest):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT content FROM body WHERE digest = ?", (digest,)).fetchone()[0]


def files_with(path, *octets):
    """Return the files of a database that hold any of some octets, also inside bodies."""
    found = set()
    for file in path.parent.glob(f"{path.name}*"):
        content = file.read_bytes()
        found |= {file.name for one in octets if one in content}
    with closing(sqlite3.connect(path)) as db:
        for (content,) in db.execute("SELECT content FROM body WHERE content <> x''"):
            body = zstandard.decompress(content, max_output_size=1 << 20)
            found |= {"a body" for one in octets if one in body}
        found |= {"the cache of flags" for _ in db.execute("SELECT 1 FROM flag_cache")}
    return found


def encoded(text):
    """Return a text as files may have it."""
    escaped = json.dumps(text)[1:-1].encode()
    return (text.encode(), text.encode("utf-16-le"), escaped, text.encode("latin-1"))


URLS = (b"uebelhoer",)


def test_bytes_are_gone_from_every_file_of_the_database(path):
    octets = [compressed(path, digest_of(path, r)) for r in ("robots_txt", "page", "home")]
    octets += encoded(NAME)
    assert files_with(path, *octets) >= {"audit.db", "a body", "the cache of flags"}
    # Its log and shared memory stay while another program has the database open.
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT count(*) FROM run").fetchone()
        for resource in ("robots_txt", "page", "home", "security_txt"):
            redact(path, "body", digest_of(path, resource), "ticket 17")
        redact(path, "body", digest_of(path, "page", "digest"), "ticket 17")
        redact(path, "body", digest_of(path, "home", "digest"), "ticket 17")
        redact(path, "body", CERTIFIED["tls_certificate"], "ticket 17")
        redact(path, "url", URL, "ticket 17")
        assert {f.name for f in path.parent.iterdir()} >= {"audit.db-wal", "audit.db-shm"}
        assert files_with(path, *octets, *URLS) == set()


def test_what_an_origin_sent_where_another_one_led_to_it_is_erased_with_it(path):
    own = f"<title>{NAME} by way of b.test</title>"
    hop = replace(
        seen("b.test", Resource.PAGE, "/x", "", day(4), status=302),
        headers=(("Location", TO),),
        extract=b"",
    )
    last = seen("b.test", Resource.PAGE, "/x", own, day(4))
    last = replace(last, target=replace(last.target, url=TO, hop=1))
    with closing(connect(path)) as db:
        run = runs.begin_run(db, NEW_RUN, day(4))
        with transaction(db):
            visit = (*visits(day(4))[1], hop, last)
            evidence_writer.save_visit(db, run, 2, visit, day(4), keep_pages=True)
        runs.end_run(db, run, "finished", day(4))
        rebuild(db, chosen=SIGNALS, keep_contacts=True)
    redact(path, "origin", "a.test", "ticket 18")
    assert files_with(path, *encoded(NAME), *URLS) == set()
    # What b.test sent by itself is not a.test's: also a file that both have.
    query = (
        "SELECT DISTINCT resource FROM observation JOIN body ON stored = body.digest "
        "WHERE origin = 2 AND content <> x'' ORDER BY resource"
    )
    with closing(connect_read_only(path)) as db:
        kept = {resource for (resource,) in db.execute(query)}
    assert kept == {"ai_txt", "home", "robots_txt", "tdmrep_json"}


def test_the_search_index_of_the_browser_is_erased_with_it(path, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = cache_folder()
    with (
        closing(connect_read_only(path)) as db,
        closing(search_index.open_index(db, folder, path)) as index,
    ):
        assert search_index.search(db, index, "Übelhör", 9)
    other = folder / "another.search"
    other.touch()
    redact(path, "body", digest_of(path, "robots_txt"), "ticket 17")
    assert list(folder.iterdir()) == [other]


def test_an_origin_is_erased_with_its_urls_headers_contacts_and_samples(path):
    assert "audit.db" in files_with(path, *URLS)
    assert b"renee@a.test" in contacts_of(path).read_bytes()
    done = redact(path, "origin", "a.test", "ticket 17")
    assert files_with(path, *encoded(NAME), *URLS, b"renee@a.test") == set()
    assert done.withheld.samples == 2
    # Both hosts sent this robots.txt.
    assert bodies_of(path)[SHARED.encode()]
    with closing(sqlite3.connect(path)) as db:
        (shared,) = db.execute(
            "SELECT DISTINCT stored FROM observation AS o JOIN origin AS g ON g.id = o.origin "
            "WHERE key = 'b.test' AND resource = 'ai_txt'"
        ).fetchone()
    assert shared in done.shared


def bodies_of(path):
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT digest FROM body").fetchall()
        return {bodies.load_body(db, digest): digest for (digest,) in rows}


REDACTIONS = {
    "a policy file": ("body", lambda path: digest_of(path, "robots_txt")),
    "an extract": ("body", lambda path: digest_of(path, "page")),
    "a page": ("body", lambda path: digest_of(path, "page", "digest")),
    "an observation": ("observation", lambda _path: 1),
    "a URL": ("url", lambda _path: URL),
    "where it was led to": ("url", lambda _path: TO),
    "an origin": ("origin", lambda _path: "https://a.test/"),
}


@pytest.mark.parametrize(("selector", "value"), REDACTIONS.values(), ids=REDACTIONS)
def test_it_verifies_and_says_how_much_is_withheld(path, selector, value):
    with closing(connect_read_only(path)) as db:
        heads = [digest for *_, digest in manifests.stored(db)]
    redact(path, selector, value(path), "ticket 17")
    with closing(connect_read_only(path)) as db:
        found = verify(db, with_derived=True, head=heads[-1], file=manifests.file_beside(path))
        assert found.differences == []
        assert found.counts["erased_bodies"] + found.counts["erased_rows"] > 0
        assert [kind for _, kind, _, _ in manifests.stored(db)] == ["run"] * 3 + ["redact"]
        assert db.execute("SELECT count(*), reason FROM redactions").fetchone() == (1, "ticket 17")
        query = "SELECT DISTINCT erased_because FROM observations WHERE erased_at IS NOT NULL"
        assert db.execute(query).fetchall() == [("ticket 17",)]


@pytest.mark.parametrize(("selector", "value"), REDACTIONS.values(), ids=REDACTIONS)
def test_to_redact_again_changes_nothing_and_is_no_other_redaction(path, selector, value):
    named = value(path)
    first = redact(path, selector, named, "ticket 17")
    before = dump(path)
    if selector == "url":
        with pytest.raises(TargetError, match="nothing is known of"):
            redact(path, selector, named, "another ticket")
    else:
        again = redact(path, selector, named, "another ticket")
        assert again.head == first.head
        assert again.withheld._replace(origins=0) == (0, 0, 0, 0, 0, 0, 0)
    assert dump(path) == before


def test_a_row_that_is_withheld_is_proven_by_its_leaf(path):
    with closing(connect_read_only(path)) as db:
        before = prove(db, 1)
    redact(path, "observation", 1, "ticket 17")
    with closing(connect_read_only(path)) as db:
        proof = prove(db, 1)
    assert proof == before | {"row": None}
    way = [bytes.fromhex(node) for node in proof["path"]]
    leaf = bytes.fromhex(proof["leaf"])
    root = merkle.root_of_proof(leaf, proof["index"], proof["size"], way)
    assert root.hex() == proof["root"]


def test_what_confirms_a_redacted_row_is_redacted_with_it(path):
    with closing(sqlite3.connect(path)) as db:
        (confirming,) = db.execute("SELECT id FROM observation WHERE status = 304").fetchone()
        query = "SELECT confirms FROM observation WHERE id = ?"
        (number,) = db.execute(query, (confirming,)).fetchone()
    redact(path, "observation", number, "ticket 17")
    with closing(sqlite3.connect(path)) as db:
        rows = {n for (n,) in db.execute("SELECT observation FROM withheld_row")}
        query = "SELECT DISTINCT asked FROM observation WHERE id IN (?, ?)"
        places = db.execute(query, (number, confirming)).fetchall()
    assert {number, number - 1, confirming} <= rows
    # Looks at one place are still looks at one place.
    assert places == [("https://a.test/withheld-by-redaction-1/1",)]


LOGS = (*leaves.LOGS, "body", "observation_row", "sample", "manifest")
TAMPERING = {
    "bytes that are there again": [
        "UPDATE body SET content = x'28b52ffd2000010000' WHERE content = x''"
    ],
    "a body that is emptied": ["UPDATE body SET content = x'' WHERE content <> x''"],
    "a row that is withheld and not logged": [
        "INSERT INTO withheld_row (redaction, observation, was, becomes) "
        f"SELECT 1, 2, '{'0' * 64}', '{'1' * 64}'"
    ],
    "a body that is withheld and not logged": [
        "INSERT INTO withheld_body (digest, size, redaction) SELECT digest, size, 1 FROM body "
        "WHERE content <> x'' LIMIT 1",
        "UPDATE body SET content = x'' WHERE digest = (SELECT digest FROM withheld_body "
        "ORDER BY id DESC LIMIT 1)",
    ],
    "another URL in what is left": [
        "UPDATE observation_row SET url = 'https://x.test/' WHERE id = 1"
    ],
    "another status in what is left": ["UPDATE observation_row SET status = 404 WHERE id = 1"],
    "a redaction less": [
        "DELETE FROM withheld_row", "DELETE FROM withheld_body", "DELETE FROM redaction"
    ],
    "another reason": ["UPDATE redaction SET reason = 'another'"],
    "a hold less": ["DELETE FROM hold_release", "DELETE FROM hold"],
    "a hold that never was": ["INSERT INTO hold (reason, added_at) VALUES ('x', 'y')"],
}  # fmt: skip


@pytest.fixture(scope="module")
def redacted(original, tmp_path_factory):
    """A database with rows in every log."""
    path = tmp_path_factory.mktemp("redacted") / "audit.db"
    shutil.copy(original, path)
    redact(path, "body", digest_of(path, "security_txt"), "ticket 17")
    redact(path, "observation", 1, "ticket 18")
    redact(path, "url", URL, "ticket 19")
    hold.add(path, "case 4")
    hold.release(path, 1)
    prune(path, Retention(page_bodies=0.0), confirmed=True)
    with closing(connect(path)) as db, transaction(db):
        db.execute(
            "INSERT INTO stamp (manifest, authority, token, received_at) "
            "SELECT digest, 'https://tsa.test', x'30', '' FROM manifest WHERE n = 1"
        )
    hold.add(path, "case 5")
    with closing(connect(path)) as db:
        checkpoint(db)
    return path


@pytest.mark.parametrize("statements", TAMPERING.values(), ids=TAMPERING)
def test_tampering_with_what_is_withheld_is_found(redacted, tmp_path, statements):
    copy = untouched(redacted, tmp_path / "copy.db")
    assert differences(copy) == []
    changed(copy, *statements)
    assert differences(copy)


def test_every_changed_cell_of_the_logs_is_found(redacted, tmp_path):
    copy = tmp_path / "changed.db"
    before, missed, tried = dump(untouched(redacted, copy)), [], 0
    for statement in flips(redacted, LOGS):
        untouched(redacted, copy)
        try:
            changed(copy, "PRAGMA ignore_check_constraints = ON", statement)
        except sqlite3.Error:
            continue
        if dump(copy) == before:
            continue
        tried += 1
        if not differences(copy):
            missed.append(statement)
    # Keys of rows that only say which row is meant: a wrong one is found by the leaf of that row.
    assert missed == []
    assert tried > 30


@pytest.mark.parametrize("table", leaves.LOGS)
def test_logs_are_append_only(redacted, tmp_path, table):
    shutil.copy(redacted, tmp_path / "copy.db")
    with closing(connect(tmp_path / "copy.db")) as db:
        assert db.execute(f"SELECT count(*) > 0 FROM {table}").fetchone() == (1,)
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)


REFUSED = {
    "other bytes": "UPDATE body SET content = x'00' WHERE content = x''",
    "no bytes without a log": "UPDATE body SET content = x'' WHERE content <> x''",
    "another size": "UPDATE body SET size = 7 WHERE content = x''",
    "a row that is withheld": "UPDATE observation_row SET url = '' WHERE headers = 'null'",
    "a row that is not": "UPDATE observation_row SET headers = 'null' WHERE headers <> 'null'",
    "a row that is made whole with other words": "UPDATE observation_row SET base = NULL, "
    "note = 'x' WHERE base IS NOT NULL",
    "a sample that is not": "UPDATE sample SET url = '' WHERE url <> ''",
    "a sample that is": "UPDATE sample SET url = '/x' WHERE url = ''",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_triggers_let_nothing_else_through(redacted, tmp_path, statement):
    shutil.copy(redacted, tmp_path / "copy.db")
    with (
        closing(connect(tmp_path / "copy.db")) as db,
        pytest.raises(sqlite3.IntegrityError, match=r"append-only|final"),
    ):
        db.execute(statement)


def test_a_hold_refuses_until_it_is_released(path):
    before = hold.add(path, "case 4") and dump(path)
    with pytest.raises(HoldError, match=r"hold 1 stands since .* \(case 4\)"):
        redact(path, "origin", "a.test", "ticket 17")
    with pytest.raises(HoldError, match="release 1"):
        prune(path, Retention(page_bodies=0.0), confirmed=True)
    assert dump(path) == before
    hold.add(path, "case 5")
    hold.release(path, 1)
    with pytest.raises(HoldError, match="hold 2 stands"):
        redact(path, "origin", "a.test", "ticket 17")
    hold.release(path, 2)
    with pytest.raises(HoldError, match="was released"):
        hold.release(path, 2)
    redact(path, "origin", "a.test", "ticket 17")
    assert differences(path) == []
    with closing(connect_read_only(path)) as db:
        kinds = [kind for _, kind, _, _ in manifests.stored(db)][3:]
    assert kinds == ["hold", "hold", "release", "release", "redact"]


def test_a_reader_keeps_the_bytes_until_the_same_command_is_run_again(path, monkeypatch):
    monkeypatch.setattr("crawler.store.erasure.BUSY_MS", 10)
    octets = compressed(path, digest := digest_of(path, "robots_txt"))
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM body").fetchone()
        with pytest.raises(StoreError, match="another program reads"):
            redact(path, "body", digest, "ticket 17")
        assert files_with(path, octets) == {"audit.db"}
        with closing(connect_read_only(path)) as db:
            found = verify(db, with_derived=True)
            assert (found.differences, found.counts["unfinished_erasures"]) == ([], 1)
        assert not found.is_whole
        other.rollback()
        redact(path, "body", digest, "ticket 17")
        assert files_with(path, octets) == set()
        with closing(connect_read_only(path)) as db:
            assert verify(db).counts["unfinished_erasures"] == 0


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.mark.parametrize("erased", ["a body", "contacts"])
def test_an_erasure_that_was_cut_short_fails_verify_until_it_is_finished(path, monkeypatch, erased):
    def cut_short(*_):
        raise StoreError("killed here")

    digest = digest_of(path, "robots_txt")
    # What follows the transaction that erases.
    monkeypatch.setattr("crawler.store.contacts.erase", cut_short)
    if erased == "contacts":
        with pytest.raises(StoreError, match="killed here"):
            prune(path, Retention(contacts=0.0), confirmed=True)
    else:
        with pytest.raises(StoreError, match="killed here"):
            redact(path, "body", digest, "ticket 17")
    monkeypatch.undo()
    found = run("verify", "--db", path)
    assert found.exit_code == 5
    assert found.stderr.count("\n") == 1
    assert "was cut short, so erased bytes may be in the file" in found.stderr
    assert "`tdm-audit prune --finish --yes` finishes it" in found.stderr
    assert json.loads(run("verify", "--db", path, "--json").stdout)["whole"] is False
    assert "--yes finishes it" in run("prune", "--finish", "--db", path).stdout
    assert run("verify", "--db", path, "--quiet").exit_code == 5
    assert run("prune", "--finish", "--yes", "--db", path).exit_code == 0
    assert run("verify", "--db", path, "--derived").exit_code == 0
    assert "No erasure is unfinished" in run("prune", "--finish", "--yes", "--db", path).stdout
    if erased == "contacts":
        with closing(connect_read_only(path)) as db:
            assert contacts.count_unseen(db, "~") == 0


def test_a_url_that_is_gone_does_not_keep_an_erasure_from_being_finished(path):
    redact(path, "url", URL, "ticket 17")
    with closing(connect(path)) as db:
        db.execute("INSERT INTO unfinished_erasure VALUES ('')")
    assert redact(path, "url", URL, "ticket 17").withheld.observations == 0
    with pytest.raises(TargetError):
        redact(path, "url", URL, "ticket 17")


def test_the_same_bytes_stay_withheld_when_they_are_sent_again(path):
    digests = [digest_of(path, "robots_txt"), digest_of(path, "page", "digest")]
    for digest in digests:
        redact(path, "body", digest, "ticket 17")
    with closing(connect(path)) as db:
        # Nothing is asked for conditionally where the bytes are gone.
        assert {r for r, _ in stored_responses(db, 1, whole_pages=False)}.isdisjoint(
            {Resource.ROBOTS_TXT, Resource.PAGE}
        )
        crawl(db, day(9))
        rebuild(db, chosen=SIGNALS)
        for digest in digests:
            with pytest.raises(WithheldBodyError, match=r"erased on .*: ticket 17"):
                bodies.read_body(db, digest)
        query = "SELECT stored, erased_because FROM observations WHERE run = 4 AND resource = ?"
        assert db.execute(query, ("robots_txt",)).fetchone() == (digests[0], "ticket 17")
        # Of a page its extract would quote it, so there is none.
        assert db.execute(f"{query} AND hop = 1", ("page",)).fetchone() == (digests[1], "ticket 17")
        checkpoint(db)
    assert files_with(path, NAME.encode()) == {"audit.db", "a body"}  # of the home page
    assert differences(path, with_derived=True) == []


def test_other_bytes_are_another_fact(path):
    redact(path, "body", digest_of(path, "robots_txt"), "ticket 17")
    with closing(connect(path)) as db:
        run = runs.begin_run(db, NEW_RUN, day(9))
        now = seen("a.test", Resource.ROBOTS_TXT, "/robots.txt", SHARED, day(9))
        with transaction(db):
            evidence_writer.save_visit(db, run, 1, (now,), day(9))
        rebuild(db, chosen=SIGNALS)
        query = (
            "SELECT presence FROM coverage WHERE resource = 'robots_txt' AND origin LIKE '%a.test'"
        )
        assert db.execute(query).fetchone() == ("present",)


def test_what_was_pruned_is_stored_again_when_it_is_sent_again(path):
    digest = digest_of(path, "page")
    prune(path, Retention(page_bodies=0.0), confirmed=True)
    assert digest not in bodies_of(path).values() or None in bodies_of(path)
    with closing(connect(path)) as db:
        with pytest.raises(WithheldBodyError, match="pruned, page bodies"):
            bodies.read_body(db, digest)
        crawl(db, day(9))
        rebuild(db, chosen=SIGNALS)
        assert json.loads(bodies.read_body(db, digest))
        assert db.execute("SELECT count(*) FROM body WHERE content = x''").fetchone() == (0,)
        checkpoint(db)
    assert differences(path, with_derived=True) == []
    prune(path, Retention(page_bodies=0.0), confirmed=True)
    assert differences(path, with_derived=True) == []


def test_policy_files_are_never_pruned(path):
    stored = bodies_of(path)
    found, head = prune(path, Retention(0.0, 0.0, 0.0), confirmed=False)
    assert [one.what for one in found] == ["page_bodies", "contacts", "media"]
    assert found[0].items
    assert bodies_of(path) == stored
    with closing(connect_read_only(path)) as db:
        assert manifests.head(db) == head
    prune(path, Retention(0.0, 0.0, 0.0), confirmed=True)
    left = bodies_of(path)
    assert {ROBOTS.encode(), SHARED.encode(), CONTACT.encode()} <= left.keys()
    assert PAGE.encode() not in left
    assert files_with(path, page.extract(PAGE.encode())) == set()
    with closing(connect_read_only(path)) as db:
        assert verify(db, with_derived=True).differences == []
        query = "SELECT what, items FROM prunings"
        assert dict(db.execute(query)).keys() == {"page_bodies", "contacts"}


def test_nothing_younger_than_the_period_is_pruned(path, monkeypatch):
    monkeypatch.setenv("TDM_AUDIT_NOW", "2026-03-01T00:00:00Z")
    # Of the last run, which is of 3 January, a 304 of the 4th confirms the page.
    items = {}
    for days in (60, 56.5, 50):
        found, _ = prune(path, Retention(page_bodies=days * 86400), confirmed=False)
        items[days] = found[0].items
    assert items == {60: 0, 56.5: 4, 50: 6}


def test_pruned_contacts_stay_away_whatever_is_judged(path):
    assert contact_rows(path)
    prune(path, Retention(contacts=0.0), confirmed=True)
    assert contact_rows(path) == []
    with closing(connect(path)) as db:
        rebuild(db, chosen=SIGNALS, keep_contacts=True)
    assert contact_rows(path) == []
    with closing(connect(path)) as db:
        crawl(db, "2099-01-01T00:00:00.000Z")
        rebuild(db, chosen=SIGNALS, keep_contacts=True)
    assert contact_rows(path)


def contact_rows(path):
    with closing(sqlite3.connect(contacts_of(path))) as db:
        return db.execute("SELECT * FROM contact").fetchall()


def test_a_redacted_sample_is_neither_asked_for_nor_taken_over(path):
    redact(path, "url", URL, "ticket 17")
    with closing(connect(path)) as db:
        due = runs.Due(run=0, datasets=(1,), fresh_since="", limit=None, pages=9)
        assert runs.samples_of(db, due, 1) == ("/news",)
        query = "SELECT path FROM requested_url WHERE NOT erased"
        assert db.execute(query).fetchall() == [("/news",)]


WRONG = {
    "an unknown digest": ("body", "0" * 64, "no bytes are known under"),
    "no bytes": ("body", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "no"),
    "an unknown observation": ("observation", 999, "there is no observation 999"),
    "an unknown URL": ("url", "https://a.test/other", "nothing is known of"),
    "no URL": ("url", "::", "names no host"),
    "an unknown origin": ("origin", "c.test", "is not in this database"),
}


@pytest.mark.parametrize(("selector", "value", "said"), WRONG.values(), ids=WRONG)
def test_what_is_not_there_cannot_be_redacted(path, selector, value, said):
    before = dump(path)
    with pytest.raises(TargetError, match=said):
        redact(path, selector, value, "ticket 17")
    with pytest.raises(UserError, match="reason"):
        redact(path, "origin", "a.test", " ")
    assert dump(path) == before


COMMANDS = {
    "a preview": (["redact", "--origin", "a.test", "--reason", "x", "--dry-run"], 0, "Would be"),
    "without a reason": (["redact", "--origin", "a.test"], 2, "--reason"),
    "an empty reason": (["redact", "--origin", "a.test", "--reason", ""], 2, "needs a reason"),
    "nothing": (["redact", "--reason", "x"], 2, "give one of"),
    "too much": (["redact", "--origin", "a", "--body", "b", "--reason", "x"], 2, "give one of"),
    "prune nothing": (["prune"], 2, "give --page-bodies-older-than"),
    "a wrong period": (["prune", "--page-bodies-older-than", "3"], 2, "has no unit"),
    "not confirmed": (["prune", "--media"], 0, "Nothing was erased"),
    "no hold": (["hold", "list"], 0, "There is no hold"),
    "no such hold": (["hold", "release", "4"], 1, "there is no hold 4"),
    "a hold without a reason": (["hold", "add", " "], 1, "needs a reason"),
}


@pytest.mark.parametrize(("words", "status", "said"), COMMANDS.values(), ids=COMMANDS)
def test_commands(path, tdm_audit, words, status, said):
    done = tdm_audit(*words, "--db", path)
    assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done.stderr


def test_the_commands_together(path, tdm_audit):
    digest = digest_of(path, "robots_txt")
    done = tdm_audit("redact", "--body", digest[:12], "--reason", "ticket 17", "--db", path)
    assert done.returncode == 0, done.stderr
    assert re.search("Erased: 1 body .*Out of reach are copies.*Head: ", done.stdout, re.DOTALL)
    shown = tdm_audit("explain", "--body", digest, "--db", path)
    assert (shown.returncode, "erased on" in shown.stderr) == (1, True)
    shown = tdm_audit("explain", "a.test", "--db", path)
    assert re.search("unseen +robots_txt.*\n.*erased on .*: ticket 17", shown.stdout)
    shown = tdm_audit("explain", "a.test", "--json", "--db", path)
    assert '"erased_because": "ticket 17"' in shown.stdout
    shown = tdm_audit("verify", "--db", path)
    assert (shown.returncode, "Erased, as the log says: 1 body, 0 rows" in shown.stdout) == (
        0,
        True,
    )
    assert tdm_audit("hold", "add", "case 4", "--db", path).returncode == 0
    assert tdm_audit("redact", "--origin", "a.test", "--reason", "x", "--db", path).returncode == 1
    assert "stands  case 4" in tdm_audit("hold", "list", "--db", path).stdout


def test_freedom_does_not_go_on_over_a_look_that_was_erased(tmp_path):
    path = tmp_path / "audit.db"
    reserves = b"User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n"
    free = b"User-agent: *\nDisallow:\n"
    with closing(connect(path, create=True)) as db:
        ingest(db)
        for n, robots in enumerate((free, reserves, free), start=1):
            store(db, look(day(n), 200, robots), started=day(n))
        rebuild(db, chosen=SIGNALS)
    redact(path, "body", hashlib.sha256(reserves).hexdigest(), "ticket 17")
    query = (
        "SELECT state, substr(valid_from, 1, 10), substr(valid_to, 1, 10) FROM history "
        "WHERE purpose = 'genai_train' AND rules = 'signals/2' ORDER BY valid_from"
    )
    days = [day(n)[:10] for n in (1, 2, 3)]
    with closing(connect_read_only(path)) as db:
        states = ("silent", "unknown", "silent")
        assert db.execute(query).fetchall() == [
            (s, d, d) for s, d in zip(states, days, strict=True)
        ]
        for at in ("2026-01-02T12:00:00Z", "2026-01-03T12:00:00Z"):
            told = explain(
                db, "a.test", SIGNALS, agent=None, whole_origin=True, as_of=instant_of(at)
            )
            assert {a.state for a in told.as_of.answers if a.purpose == "genai_train"} == {
                "unknown"
            }
