"""Manifests: whatever is changed in a database is found, and a rewritten history by its head."""

import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing, suppress

import pytest

from crawler.commands.judge import rebuild
from crawler.commands.verify import verify
from crawler.errors import UserError
from crawler.store import derived, facet_writer, leaves, manifests, merkle, runs
from crawler.store.database import checkpoint, connect, connect_read_only, transaction
from crawler.store.local_failures import save_local_failures
from crawler.store.verification import proof_of, verify_evidence
from tests.store.test_final import FORGOTTEN, SAID, fill
from tests.store.test_history import ALL, BOTH, GPTBOT, OPEN
from tests.store.test_order import SIGNALS, day, ingest, look, store

# The leaves and roots of certificate-transparency/test vectors, by the number of leaves.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
INPUTS += ["606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_those_of_rfc_6962(size):
    assert merkle.root([bytes.fromhex(one) for one in INPUTS[:size]]).hex() == ROOTS[size]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 31, 64, 100])
def test_every_leaf_has_a_short_proof_and_no_other_leaf_has_it(size):
    rows = [bytes([n]) * 32 for n in range(size)]
    top = merkle.root(rows)
    for n, row in enumerate(rows):
        path = merkle.proof(rows, n)
        assert merkle.root_of_proof(row, n, size, path) == top
        assert merkle.root_of_proof(b"other", n, size, path) != top
        assert merkle.root_of_proof(row, n + 1, size, path) != top
        assert len(path) <= (size - 1).bit_length()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A database with rows in every table of evidence, and a 304; judged, whole."""
    path = tmp_path_factory.mktemp("verify") / "audit.db"
    made(path, OPEN, GPTBOT, BOTH, ALL)
    return path


def made(path, *robots):
    """Make a database of some looks."""
    with closing(connect(path, create=True)) as db:
        fill(db)
        with transaction(db):
            facets(db, ("de", 3))
        for n, body in enumerate(robots, start=2):
            run = store(db, look(day(n), 200, body), started=day(n), ended=None)
            save_local_failures(db, run, {1: "no memory"}, day(n))
            runs.end_run(db, run, "finished", day(n))
        rebuild(db, chosen=SIGNALS)
        manifests.publish(db, path)
        checkpoint(db)


def facets(db, *values):
    """Store facets of dataset 8, in place of those that it had."""
    totals = [("language", value, rows) for value, rows in values]
    rows = [("a.test", *total, 0.5) for total in totals]
    facet_writer.save_facets(db, 8, (("language", "lang"),), totals, rows)


@pytest.fixture
def path(original, tmp_path):
    for name in (original, manifests.file_beside(original)):
        shutil.copy(name, tmp_path / name.name)
    return tmp_path / "audit.db"


def changed(path, *statements):
    """Change a database as somebody could who is stopped by nothing, and leaves no trace."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        triggers = db.execute(query).fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)


def differences(path, **options):
    with closing(connect_read_only(path)) as db:
        return verify(db, **options).differences


def test_a_whole_database_is_whole(path):
    with closing(connect_read_only(path)) as db:
        found = verify(db, with_derived=True, file=manifests.file_beside(path))
        assert found.differences == []
        assert found.counts["not_covered"] == 0
        chain = manifests.stored(db)
        assert verify(db, head=chain[0][3]).differences == []
    assert [kind for _, kind, _, _ in chain] == ["run"] * 5
    assert found.head == chain[-1][3]


EVIDENCE = (
    "run observation_row visit origin dataset dataset_file version_reject dataset_role "
    "dataset_role_reject dataset_role_origin version_origin sample "
    "forgotten ingested body manifest local_failure facet_total facet_origin facet_value "
    "request_list requested_url listed forgotten_list party_list party_list_entry imported"
).split()
VOCABULARY = "outcome presence purpose stance state reads resource reject agent description".split()


def columns_of(path, tables):
    with closing(sqlite3.connect(path)) as db:
        for table in tables:
            for name, kind in db.execute("SELECT name, type FROM pragma_table_info(?)", (table,)):
                yield table, name, kind


OTHER = {
    "TEXT": "CASE WHEN json_valid({0}) AND {0} LIKE '{{%' THEN '{{\"a\":1}}' "
    "WHEN length({0}) = 64 THEN substr('f' || {0}, 1, 64) ELSE {0} || 'x' END",
    "INTEGER": "1 - {0}",
    "REAL": "{0} + 0.5",
    "BLOB": "x'28b52ffd2000010000' || {0}",
}


def flips(path, tables):
    """Yield statements that change one cell each: of one row, in every column."""
    for table, column, kind in columns_of(path, tables):
        if table == "dataset" and column in SAID:
            continue
        other = OTHER[kind].format(column)
        where = f"{column} IS NOT NULL" if kind != "INTEGER" else "true"
        change = f"coalesce({other}, 7)" if kind == "INTEGER" else other
        yield (
            f"UPDATE OR IGNORE {table} SET {column} = {change} WHERE ({column}) IN "
            f"(SELECT {column} FROM {table} WHERE {where} LIMIT 1)"
        )


def dump(path):
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def untouched(path, copy):
    """Make a copy that is changed by no statement, and in which triggers have come last."""
    shutil.copy(path, copy)
    changed(copy)
    return copy


def test_every_changed_cell_of_evidence_is_found(path, tmp_path):
    copy = tmp_path / "changed.db"
    before, missed, tried = dump(untouched(path, copy)), [], 0
    for statement in flips(path, [*EVIDENCE, *VOCABULARY]):
        shutil.copy(path, copy)
        try:
            changed(copy, "PRAGMA ignore_check_constraints = ON", statement)
        except sqlite3.Error:
            continue  # the schema itself refuses the value
        if dump(copy) == before:
            continue
        tried += 1
        with closing(sqlite3.connect(copy)) as db:
            if next(verify_evidence(db), None) is None:
                missed.append(statement)
    assert missed == []
    assert tried > 60


def test_every_changed_cell_of_what_is_derived_is_found(path, tmp_path):
    with closing(connect(path)) as db:
        rebuild(db, chosen=SIGNALS)
    copy = tmp_path / "changed.db"
    before, missed, tried = dump(untouched(path, copy)), [], 0
    with closing(sqlite3.connect(path)) as rebuilt:
        for statement in flips(path, [*derived.TABLES, "reading", "ruleset", "protocol"]):
            shutil.copy(path, copy)
            try:
                changed(copy, "PRAGMA ignore_check_constraints = ON", statement)
            except sqlite3.Error:
                continue
            if dump(copy) == before:
                continue
            tried += 1
            with closing(sqlite3.connect(copy)) as db:
                if next(derived.compare(rebuilt, db), None) is None:
                    missed.append(statement)
    assert missed == []
    assert tried > 40


WHOLESALE = {
    "a row more in a run that ended": [
        "INSERT INTO observation_row SELECT 99, run, origin, resource, asked, 7, url, outcome, "
        "status, headers, digest, stored, size, truncated, observed_at, elapsed_ms, address, note, "
        "tls_version, tls_certificate, tls_verified, confirms, NULL FROM observation LIMIT 1"
    ],
    "a row less": ["DELETE FROM visit WHERE run = 2"],
    "a run less": [
        f"DELETE FROM {t} WHERE run = 2" for t in ("visit", "observation_row")
    ] + ["DELETE FROM run WHERE id = 2"],
    "a run more": [
        "INSERT INTO run SELECT 77, started_at, ended_at, ended, command, version, versions, "
        "settings, user_agent, suffix_list, catalogue FROM run LIMIT 1"
    ],
    "a body less": ["DELETE FROM body"],
    "a manifest less": ["DELETE FROM manifest WHERE n = 2"],
    "manifests swapped": [
        "UPDATE manifest SET n = 20 WHERE n = 2",
        "UPDATE manifest SET n = 2 WHERE n = 3",
        "UPDATE manifest SET n = 3 WHERE n = 20",
    ],
    "two rows swapped between runs": [
        "UPDATE visit SET run = 30 WHERE run = 2",
        "UPDATE visit SET run = 2 WHERE run = 3",
        "UPDATE visit SET run = 3 WHERE run = 30",
        "UPDATE observation_row SET run = 30 WHERE run = 2",
        "UPDATE observation_row SET run = 2 WHERE run = 3",
        "UPDATE observation_row SET run = 3 WHERE run = 30",
    ],
    "rows of a dataset removed without saying so": ["DELETE FROM sample"],
    "a view that says otherwise": [
        "DROP VIEW agents", "CREATE VIEW agents AS SELECT 1 AS token"
    ],
}  # fmt: skip


@pytest.mark.parametrize("statements", WHOLESALE.values(), ids=WHOLESALE)
def test_what_is_added_removed_or_moved_is_found(path, statements):
    changed(path, *statements)
    assert differences(path)


def test_facets_may_be_stored_again_and_the_next_manifest_covers_them(path):
    with closing(connect(path)) as db:
        with transaction(db):
            facets(db, ("de", 2), ("fr", 1))
        found = verify(db)
        assert (found.differences, found.counts["facets_not_covered"]) == ([], 1)
        store(db, look(day(9), 200, OPEN), started=day(9))
        assert verify(db).counts["facets_not_covered"] == 0
        checkpoint(db)
    assert differences(path) == []
    for statement in (
        "UPDATE facet_total SET rows = rows + 1",
        "DELETE FROM facet_origin",
        "UPDATE facet_value SET value = 'en' WHERE value = 'fr'",
    ):
        copy = untouched(path, path.with_name("changed.db"))
        changed(copy, statement)
        assert {d.key for d in differences(copy)} == {"dataset 8"}


def test_failures_of_this_machine_are_final_with_their_run(path):
    with closing(connect(path)) as db:
        for statement in ("UPDATE local_failure SET note = 'x'", "DELETE FROM local_failure"):
            with pytest.raises(sqlite3.IntegrityError, match="a run that ended is final"):
                db.execute(statement)
        save_local_failures(db, 2, {1: "too late"}, day(9))
        assert db.execute("SELECT DISTINCT note FROM local_failure").fetchall() == [("no memory",)]
        run = store(db, (), ended=None)
        for note in ("no memory", "no descriptors"):
            save_local_failures(db, run, {1: note}, day(9))
        runs.end_run(db, run, "finished", day(9))
        query = "SELECT note FROM local_failure WHERE run = ?"
        assert db.execute(query, (run,)).fetchall() == [("no descriptors",)]
        assert verify(db).differences == []


def as_before_logs(path):
    """Rewrite the manifests of a database in their first format."""
    with closing(sqlite3.connect(path)) as db:
        previous, statements = "", []
        for n, text in db.execute("SELECT n, text FROM manifest ORDER BY n").fetchall():
            facts = json.loads(text) | {"format": "tdm-audit manifest/1", "previous": previous}
            del facts["logs"], facts["facets"]
            for part in ("lists", "party_lists", "removed_lists"):
                del facts[part]
            for trees in facts["runs"].values():
                del trees["local_failure"]
            text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
            previous = hashlib.sha256(text.encode()).hexdigest()
            quoted = text.replace("'", "''")
            statements.append(
                f"UPDATE manifest SET text = '{quoted}', digest = '{previous}' WHERE n = {n}"
            )
    changed(
        path,
        *statements,
        "INSERT OR IGNORE INTO facets_changed VALUES (8)",
        "DELETE FROM forgotten_list",
        "DELETE FROM listed WHERE list = 2",
    )


def test_manifests_of_the_first_format_still_verify(path):
    as_before_logs(path)
    assert differences(path) == []
    with closing(connect(path)) as db:
        store(db, look(day(9), 200, OPEN), started=day(9))
        assert verify(db).differences == []
        assert verify(db).counts["facets_not_covered"] == 0
        formats = [json.loads(text)["format"] for _, _, text, _ in manifests.stored(db)]
        checkpoint(db)
    assert formats == ["tdm-audit manifest/1"] * 5 + ["tdm-audit manifest/3"]
    changed(path, "UPDATE visit SET finished_at = 'x' WHERE run = 1")
    assert differences(path)


BROKEN = {
    "no parts": '{"a": 1}',
    "no object": "[1]",
    "another format": '{"format": "tdm-audit manifest/9"}',
    "parts that are none": '{"format": "tdm-audit manifest/2", "runs": 1, "datasets": {}}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_manifest_that_is_none_is_a_difference(path, text):
    changed(path, f"UPDATE manifest SET text = '{text}' WHERE n = 2")
    assert "manifest" in {d.table for d in differences(path)}


def test_a_trigger_that_was_dropped_is_found(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER body_stays")
    assert [d.key for d in differences(path)] == ["trigger body_stays"]


def test_a_flipped_octet_of_the_file_is_found_where_it_changes_anything(path, tmp_path):
    copy, octets = tmp_path / "flipped.db", path.read_bytes()
    before, found = dump(path), 0
    for n in range(40):
        # Everywhere in the file, and nowhere by chance.
        position = 100 + n * (len(octets) - 100) // 40 + n * 7
        flipped = bytearray(octets)
        flipped[position] ^= 1 << n % 8
        copy.write_bytes(flipped)
        try:
            if dump(copy) == before:
                continue
        except (sqlite3.Error, UnicodeDecodeError):
            found += 1
            continue  # SQLite or Python cannot read it at all
        with suppress(UserError, sqlite3.Error, UnicodeDecodeError):
            assert differences(copy, with_derived=True), position
        found += 1
    assert found > 3


def rewritten(path):
    """Make the same database again with another past, and manifests that agree with it."""
    made(path, OPEN, OPEN, BOTH, ALL)


def test_a_rewritten_history_is_found_by_what_was_kept_outside(path, tmp_path):
    with closing(connect_read_only(path)) as db:
        heads = [digest for *_, digest in manifests.stored(db)]
    other = tmp_path / "rewritten.db"
    rewritten(other)
    assert differences(other, with_derived=True) == []
    assert [bool(differences(other, head=head)) for head in heads] == [
        False,
        False,
        True,
        True,
        True,
    ]
    found = differences(other, file=manifests.file_beside(path))
    assert [d.key for d in found] == ["3", "4", "5"]


def test_runs_that_were_cut_off_are_found_by_a_later_head(path):
    with closing(connect_read_only(path)) as db:
        head = manifests.head(db)
    tables = ("visit", "observation_row", "local_failure")
    changed(
        path,
        *(f"DELETE FROM {table} WHERE run = 5" for table in tables),
        "UPDATE requested_url SET (asked_at, observation) = (SELECT observed_at, id "
        "FROM observation_row WHERE resource = 'home' ORDER BY run DESC LIMIT 1) WHERE path = '/'",
        "DELETE FROM run WHERE id = 5",
        "DELETE FROM manifest WHERE n = 5",
    )
    with closing(connect(path)) as db:
        rebuild(db, chosen=SIGNALS)
    assert differences(path, with_derived=True) == []
    assert [d.key for d in differences(path, head=head)] == [head]
    assert [d.key for d in differences(path, file=manifests.file_beside(path))] == ["5"]


def test_a_database_that_is_older_than_manifests_is_adopted(path, tdm_audit):
    changed(path, "DELETE FROM manifest")
    manifests.file_beside(path).unlink()
    assert {d.what for d in differences(path)} == {"has no manifest; `tdm-audit adopt` makes one"}
    done = tdm_audit("adopt", "--db", path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Adopted 5 runs.")
    assert differences(path, with_derived=True) == []
    with closing(connect_read_only(path)) as db:
        ((_, kind, text, digest),) = manifests.stored(db)
    assert (kind, f"Head: {digest}" in done.stdout) == ("adopt", True)
    assert manifests.file_beside(path).read_text() == f"{text}\n"
    assert tdm_audit("adopt", "--db", path).stdout.startswith("Every run has a manifest.")


def test_a_removed_dataset_is_no_difference_and_its_removal_is_covered(path):
    with closing(connect(path)) as db, transaction(db):
        db.execute(FORGOTTEN.format(8), (day(9),))
        for table in ("sample", "version_origin", "facet_total", "facet_origin"):
            db.execute(f"DELETE FROM {table} WHERE dataset = 8")
        db.execute("DELETE FROM dataset WHERE id = 8")
        manifests.write(db, "remove", [])
    assert differences(path) == []
    changed(path, "UPDATE forgotten SET command = 'another' WHERE dataset = 8")
    assert [d.table for d in differences(path)] == ["forgotten"]


def test_a_proof_needs_no_database(path):
    with closing(connect_read_only(path)) as db:
        numbers = [n for (n,) in db.execute("SELECT id FROM observation")]
        proofs = [proof_of(db, n) for n in numbers]
        heads = {digest for *_, digest in manifests.stored(db)}
    for proof in proofs:
        leaf = hashlib.sha256(b"observation\n" + proof["row"].encode()).digest()
        assert leaf.hex() == proof["leaf"]
        way = [bytes.fromhex(node) for node in proof["path"]]
        top = merkle.root_of_proof(leaf, proof["index"], proof["size"], way).hex()
        text = proof["manifest_text"]
        assert top == json.loads(text)["runs"][str(proof["run"])]["observation"]["root"]
        assert hashlib.sha256(text.encode()).hexdigest() in heads


def test_a_leaf_is_what_another_language_would_make_of_the_row(path):
    with closing(connect_read_only(path)) as db:
        key, rows, weight = db.execute(
            "SELECT key, rows, weight FROM version_origin JOIN origin ON origin.id = origin"
        ).fetchone()
        (leaf,) = leaves.leaves(db, "version_origin", 8)
        (of_origin,) = leaves.leaves(db, "origin", 1)
        origin = db.execute("SELECT key, scheme, host, port, site, assumed, url FROM origin")
        text = json.dumps(origin.fetchone(), separators=(",", ":"), ensure_ascii=False)
    assert leaf == hashlib.sha256(f'version_origin\n["{key}",{rows},null]'.encode()).digest()
    assert weight is None
    assert of_origin == hashlib.sha256(f"origin\n{text}".encode()).digest()
    assert of_origin.hex() == VECTOR


VECTOR = "a77e57511c5fe4e14e83576fd7a0681920e53833b57d9bda2728b88955198ef6"


def test_manifests_do_not_depend_on_the_order_in_which_rows_were_stored(tmp_path):
    roots = []
    for order in (1, -1):
        with closing(connect(tmp_path / f"{order}.db", create=True)) as db:
            ingest(db)
            store(db, look(day(1), 200, GPTBOT)[::order], started=day(1))
            ((_, _, text, _),) = manifests.stored(db)
            roots.append(text)
    assert roots[0] == roots[1]


def test_the_file_beside_the_database_is_completed_and_never_overwritten(path):
    file = manifests.file_beside(path)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:2]) + lines[2][:30])
    with closing(connect_read_only(path)) as db:
        manifests.publish(db, path)
        assert file.read_text() == "".join(lines)
        file.write_text("another\n" + "".join(lines[1:3]))
        manifests.publish(db, path)
    assert file.read_text() == "another\n" + "".join(lines[1:])


COMMANDS = {
    "whole": ([], 0, r"Whole: 5 manifests.*Self-consistent; nothing outside vouches for it"),
    "with the head": (["--head", "{head}"], 0, "Vouched for by the head"),
    "in capitals": (["--head", "{HEAD}"], 0, "Vouched for by the head"),
    "derived": (["--derived"], 0, "What was derived is what the evidence gives"),
    "another head": (["--head", "0" * 64], 5, "is not in the chain"),
    "no digest": (["--head", "zz"], 2, "is no digest of 64 hexadecimal digits"),
    "an empty head": (["--head", ""], 2, "is no digest of 64 hexadecimal digits"),
    "a proof": (["--prove", "1"], 0, '"manifest_digest"'),
    "no such proof": (["--prove", "999"], 1, "there is no observation 999"),
    "no file": (["--manifests", "nowhere"], 2, "does not exist"),
    "data": (["--json"], 0, '"whole": true'),
}


@pytest.mark.parametrize(("words", "status", "said"), COMMANDS.values(), ids=COMMANDS)
def test_the_command(path, tdm_audit, words, status, said):
    with closing(connect_read_only(path)) as db:
        head = manifests.head(db)
    done = tdm_audit(
        "verify", "--db", path, *(w.format(head=head, HEAD=head.upper()) for w in words)
    )
    assert done.returncode == status
    assert re.search(said, done.stdout + done.stderr, re.DOTALL)
