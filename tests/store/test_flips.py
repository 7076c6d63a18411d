"""Answers that differ since code or rules were changed: which, why, and where to look."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.protocols.files import ai_txt
from crawler.store import evidence_writer, flips, runs
from crawler.store.database import checkpoint, connect, transaction
from crawler.vocab import Resource
from tests.conftest import ROOT, patience
from tests.store.conftest import AT, NEW_RUN, SIGNALS, answer

LATER = "2026-11-23T00:00:00.000Z"
RESERVES = "User-Agent: *\n\nDisallow: /\n"
NEW = ai_txt.VERSION + 1
OWN = 'id = "own"\nversion = {}\ntitle = "Own"\ndescription = "Of a test."\ntiers = {}\n'
OWN += "\n".join(rulesets.load("signals").text.partition("tiers")[2].splitlines()[1:]) + "\n"


@pytest.fixture
def db(audit):
    """Three origins: of one a change of ai_txt and of tiers matters, of one only that of tiers."""
    return audit(
        answer("a.example", Resource.AI_TXT, "/ai.txt", RESERVES),
        answer("b.example", Resource.ROBOTS_TXT, "/robots.txt", "User-agent: GPTBot\nDisallow: /"),
        answer("c.example", Resource.ROBOTS_TXT, "/robots.txt", "User-agent: *\nDisallow:\n"),
    )


@pytest.fixture(scope="module")
def other_version(tmp_path_factory):
    """A copy of the package with another version of ai_txt, to which every rule is `Allow`."""
    folder = tmp_path_factory.mktemp("other")
    shutil.copytree(
        ROOT / "crawler", folder / "crawler", ignore=shutil.ignore_patterns("__pycache__")
    )
    file = folder / "crawler/protocols/files/ai_txt.py"
    source = file.read_text()
    changed = source.replace(f"VERSION = {ai_txt.VERSION}", f"VERSION = {NEW}").replace(
        'Stance.RESERVED if line.key == "disallow" else', ""
    )
    assert changed.count("\n") == source.count("\n")
    assert changed != source.replace(f"VERSION = {ai_txt.VERSION}", f"VERSION = {NEW}")
    file.write_text(changed)
    return folder


def run_other(folder: Path, db: sqlite3.Connection, *arguments: str):
    """Run the command of another version of the package on a database."""
    checkpoint(db)
    return subprocess.run(
        [sys.executable, "-m", "crawler", "judge", "--db", path_of(db), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )


def path_of(db: sqlite3.Connection) -> str:
    return db.execute("PRAGMA database_list").fetchone()[2]


def shown(db: sqlite3.Connection) -> list[tuple]:
    query = "SELECT origin, rules, purpose, was, became, why, url, line FROM flips ORDER BY 1, 2, 3"
    return db.execute(query).fetchall()


def test_a_protocol_of_another_version_flips_what_it_decided(db, other_version):
    done = run_other(other_version, db, "--diff", "--format", "json", "--fail-on-flip")
    assert done.returncode == 5
    assert "1 origin with a state that differs" in done.stderr
    found = json.loads(done.stdout)
    assert (found["compared"], found["flipped"]) == (3, 1)
    why, url = f"protocol ai_txt {ai_txt.VERSION}>{NEW}", "https://a.example/ai.txt"
    assert {(f["why"], f["was"], f["origins"], f["rows"], f["example"], f["line"])
            for f in found["flips"]} == {(why, "reserved", 1, 3, url, 3)}  # fmt: skip
    ids = ["inclusive", "signals", "strict"]
    became = {f["rules"]: f["became"] for f in found["flips"] if f["purposes"] == "ai_train"}
    assert became == dict.fromkeys(ids, "permitted")
    assert {(row[0], row[5], row[6]) for row in shown(db)} == {("https://a.example", why, url)}


def test_the_other_version_then_differs_in_nothing_and_markdown_is_for_a_changelog(
    db, other_version
):
    first = run_other(other_version, db, "--diff", "--format", "markdown")
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0] == f"- protocol ai_txt {ai_txt.VERSION}>{NEW}:"
    assert (
        "  - 1 origin, 3 rows, from `reserved` to `permitted` under `signals` (ai_train), such as "
        "<https://a.example/ai.txt>, line 3"
    ) in lines
    again = run_other(other_version, db, "--fail-on-flip")
    assert again.returncode == 0
    assert "No answer differs: 3 origins compared." in again.stdout


def test_what_is_stored_of_a_change_does_not_depend_on_being_asked_for(db, other_version):
    assert run_other(other_version, db, "--quiet").returncode == 0
    ((judging, protocols, before, origins, flipped),) = db.execute(
        "SELECT judging, protocols, protocols_before, origins, flipped FROM judgings"
    ).fetchall()
    assert (origins, flipped) == (3, 1)
    assert json.loads(protocols)["ai_txt"] == NEW
    assert json.loads(before)["ai_txt"] == ai_txt.VERSION
    assert flips.last(db) == judging


def own(tmp_path: Path, version: int, tiers: str) -> rulesets.RuleSet:
    file = tmp_path / "own.toml"
    file.write_text(OWN.format(version, tiers))
    return rulesets.load(str(file))


def test_a_rule_file_of_another_version_is_compared_by_its_id(db, tmp_path, tdm_audit):
    rebuild(db, chosen=own(tmp_path, 1, "[1, 2, 3, 4]"))
    own(tmp_path, 2, "[1, 2]")
    checkpoint(db)
    rules = ("--rules", tmp_path / "own.toml")
    done = tdm_audit("judge", "--db", path_of(db), *rules, "--diff", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["diff"]["flips"]
    assert found == {
        "why": "rules own/1>2",
        "rules": "own",
        "was": "partial",
        "became": "silent",
        "purposes": "genai_train",
        "origins": 1,
        "rows": 3,
        "example": "https://b.example/robots.txt",
        "line": 2,
    }
    again = tdm_audit("judge", "--db", path_of(db), *rules, "--diff", "--format", "table")
    assert again.stdout == "No answer differs: 3 origins compared.\n"


def test_both_reasons_are_given_where_both_changed(db, tmp_path, other_version):
    rebuild(db, chosen=own(tmp_path, 1, "[2]"))
    own(tmp_path, 2, "[1, 2, 3, 4]")
    done = run_other(other_version, db, "--rules", str(tmp_path / "own.toml"), "--diff")
    assert done.returncode == 0, done.stderr
    why = {(row[0][8:], row[1]): row[5] for row in shown(db)}
    protocol = f"protocol ai_txt {ai_txt.VERSION}>{NEW}"
    assert why["a.example", "own"] == f"{protocol}, rules own/1>2"
    assert why["a.example", "signals"] == protocol
    assert why["b.example", "own"] == "rules own/1>2"


def test_an_origin_with_newer_evidence_is_left_out(db, other_version):
    rows = db.execute("SELECT id, url FROM origin ORDER BY id").fetchall()
    with transaction(db):
        run = runs.begin_run(db, NEW_RUN, LATER)
        seen = answer("a.example", Resource.AI_TXT, "/ai.txt", "User-Agent: *\nAllow: /\n")
        seen = replace(seen, started_at=LATER)
        evidence_writer.save_visit(db, run, rows[0][0], [seen], LATER)
    done = run_other(other_version, db, "--diff", "--format", "json")
    assert json.loads(done.stdout) == {"compared": 2, "flipped": 0, "flips": []}


def test_the_first_judging_has_nothing_to_compare_with(tmp_path, tdm_audit):
    path = tmp_path / "new.db"
    with closing(connect(path, create=True)) as db:
        checkpoint(db)
    done = tdm_audit("judge", "--db", path, "--diff", "--fail-on-flip")
    assert done.returncode == 0
    assert "Nothing was judged before" in done.stdout


def test_flips_are_append_only_and_a_rebuild_keeps_them(db, other_version):
    run_other(other_version, db, "--quiet")
    before = shown(db)
    assert before
    for statement in (
        "UPDATE flip SET became = 'silent'",
        "DELETE FROM flip",
        f"UPDATE judging SET at = '{AT}'",
        "DELETE FROM judging",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    rebuild(db, chosen=SIGNALS)  # this version again: the answers flip back
    back = [row for row in shown(db) if row not in before]
    assert {(row[3], row[4]) for row in back} == {(row[4], row[3]) for row in before}


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--format", "json"), 2, "--format is for --diff"),
        (("--diff", "--agent", "CCBot"), 2, "--agent stores nothing"),
        (("--diff", "--format", "json", "--json"), 2, "give one"),
        (("--diff", "--format", "xml"), 2, "'xml' is not one of"),
        (("--diff", "--quiet"), 0, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_options(db, options, status, says, tdm_audit):
    checkpoint(db)
    done = tdm_audit("judge", "--db", path_of(db), *options)
    assert done.returncode == status
    assert re.search(re.escape(says), done.stderr)
    if "--quiet" in options:
        assert done.stdout == ""
