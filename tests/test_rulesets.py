"""Rule sets of users: what a file may contain, and what a database makes of it."""

import csv
import json
import sqlite3
from contextlib import closing

import pytest

from crawler import rulesets
from crawler.demo import LoopbackWeb, Site
from crawler.demo.answers import text
from crawler.demo.site import everywhere
from crawler.rulesets import RuleSetError, UnknownRuleSetError, load
from crawler.vocab import Purpose, State

HOUSE = {
    "id": '"house"',
    "version": "1",
    "title": '"Ours"',
    "description": '"Only what names mining."',
    "tiers": "[1]",
    "refused_counts_as": '"refused"',
    "textual_counts_as": '"nothing"',
    "reserved_states": '["reserved", "conditional"]',
    "applies_from": "2026-11-22",
}
REFUSING = {"id": '"refusing"', "tiers": "[4]", "refused_counts_as": '"reserved"'}


def toml(**changes):
    """The text of a rule set, with other values for some keys; None leaves a key out."""
    return "".join(f"{k} = {v}\n" for k, v in (HOUSE | changes).items() if v is not None)


def rows_of(path, sql, *values):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql, values).fetchall()


@pytest.fixture
def house(tmp_path):
    """Writes the user's file and gives its path."""

    def write(name="house.toml", **changes):
        path = tmp_path / name
        path.write_text(toml(**changes), "utf-8")
        return path

    return write


def test_a_file_is_read_whole(house):
    rules = load(str(house()))
    assert (rules.label, rules.tiers, rules.is_packaged) == ("house/1", frozenset({1}), False)
    assert rules.reserved_states == {State.RESERVED, State.CONDITIONAL}
    assert rules.text == toml()


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf" + toml().encode())
    assert load(str(tmp_path / "bom.toml")).text == toml()


@pytest.mark.parametrize("name", rulesets.NAMES)
def test_rule_sets_of_the_package_have_their_names(name):
    assert (load(name).id, load(name).is_packaged) == (name, True)


WRONG = [
    ("surplus key", {"not_from": '["x"]'}, "unknown key 'not_from'; a rule set has id, version"),
    *((f"no {key}", {key: None}, f"{key} is missing; it must be") for key in HOUSE),
    ("name of the package", {"id": '"strict"'}, "the name of a rule set of the package"),
    ("name in capitals", {"id": '"Strict"'}, "the name of a rule set of the package"),
    ("space in the id", {"id": '"my house"'}, "id is 'my house'; it must be 1 to 40 letters"),
    ("line end in the id", {"id": r'"house\n"'}, "id is"),
    ("empty id", {"id": '""'}, "id is ''"),
    ("long id", {"id": f'"{"a" * 41}"'}, "id is 'aaa"),
    ("number for an id", {"id": "7"}, "id is 7"),
    ("version as text", {"version": '"1"'}, "version is '1'; it must be a whole number"),
    ("version 0", {"version": "0"}, "version is 0"),
    ("version too great", {"version": "1000000"}, "version is 1000000"),
    ("version true", {"version": "true"}, "version is True"),
    ("empty title", {"title": '" "'}, "title is ' '; it must be a text"),
    ("a number for prose", {"description": "1"}, "description is 1"),
    ("no tiers", {"tiers": "[]"}, "tiers is []; it must be a list of whole numbers from 1 to 4"),
    ("tier 5", {"tiers": "[1, 5]"}, "tiers is [1, 5]"),
    ("tier true", {"tiers": "[true]"}, "tiers is [True]"),
    ("one tier", {"tiers": "1"}, "tiers is 1"),
    ("refused", {"refused_counts_as": '"permitted"'}, '"refused" or "reserved"'),
    ("refused as list", {"refused_counts_as": '["refused"]'}, '"refused" or "reserved"'),
    ("textual", {"textual_counts_as": '"refused"'}, '"nothing" or "reserved"'),
    ("unknown", {"reserved_states": '["unknown"]'}, "it must be a list of reserved, conditional"),
    ("no such state", {"reserved_states": '["legal"]'}, "reserved_states is ['legal']"),
    ("a table for a state", {"reserved_states": "[{}]"}, "reserved_states is [{}]"),
    ("date in quotes", {"applies_from": '"2026-11-22"'}, "applies_from is '2026-11-22'"),
    ("a time of day", {"applies_from": "2026-11-22T00:00:00"}, "applies_from is"),
    ("no TOML", {"tiers": "[1"}, "not TOML: "),
    ("nested without end", {"tiers": "[" * 30_000}, "not TOML: "),
    ("too long", {"title": f'"{"a" * 70_000}"'}, "at most 64 KiB"),
]


@pytest.mark.parametrize(("changes", "said"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_an_unfit_file_is_refused_with_file_and_key(changes, said, house):
    path = house(**changes)
    with pytest.raises(RuleSetError) as error:
        load(str(path))
    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    (tmp_path / "folder.toml").mkdir()
    for name, said in [
        ("none.toml", "cannot read the rule set"),
        ("folder.toml", "cannot read the rule set"),
        ("nul\0.toml", "cannot read the rule set"),
        ("latin.toml", "not UTF-8 at octet 9"),
    ]:
        with pytest.raises(RuleSetError, match=said):
            load(str(tmp_path / name))


def test_a_name_that_is_none_lists_those_there_are():
    with pytest.raises(UnknownRuleSetError, match="signals, inclusive, strict, or name a file"):
        load("none")


def judge(tdm_audit, db, *rules):
    done = tdm_audit("judge", "--db", db, "--quiet", *rules)
    assert done.returncode == 0, done.stderr


def shown(db):
    return rows_of(db, "SELECT label FROM ruleset WHERE chosen = 1")[0][0]


def judged(db):
    return {label for (label,) in rows_of(db, "SELECT DISTINCT rules FROM findings")}


PACKAGE = {load(name).label for name in rulesets.NAMES}


def test_a_users_rule_set_is_stored_whole_and_judged_beside_the_others(
    demo_db_copy, house, tdm_audit
):
    before = rows_of(demo_db_copy, "SELECT count(*) FROM observations")
    judge(tdm_audit, demo_db_copy, "--rules", house())
    assert shown(demo_db_copy) == "house/1"
    assert judged(demo_db_copy) == PACKAGE | {"house/1"}
    assert rows_of(demo_db_copy, "SELECT text FROM ruleset WHERE id = 'house'") == [(toml(),)]
    assert rows_of(demo_db_copy, "SELECT DISTINCT rules FROM reservations") == [("house/1",)]
    assert rows_of(demo_db_copy, "SELECT count(*) FROM observations") == before


def test_a_users_rule_set_decides(demo_db_copy, house, tdm_audit):
    counted = "SELECT count(*) FROM findings WHERE rules = ? AND state = 'refused'"
    assert rows_of(demo_db_copy, counted, "signals/2")[0][0] > 0
    judge(tdm_audit, demo_db_copy, "--rules", house(**REFUSING))
    assert rows_of(demo_db_copy, counted, "refusing/1") == [(0,)]
    protocols = "SELECT DISTINCT tier FROM findings WHERE rules = 'refusing/1' AND tier IS NOT NULL"
    assert rows_of(demo_db_copy, protocols) == [(4,)]


def test_what_is_shown_stays_until_another_is_named(demo_db_copy, house, tdm_audit):
    path = house()
    judge(tdm_audit, demo_db_copy, "--rules", path)
    path.unlink()
    judge(tdm_audit, demo_db_copy)
    assert shown(demo_db_copy) == "house/1"
    judge(tdm_audit, demo_db_copy, "--rules", "strict")
    assert (shown(demo_db_copy), judged(demo_db_copy)) == ("strict/2", PACKAGE | {"house/1"})
    judge(tdm_audit, demo_db_copy, "--rules", "house")
    assert shown(demo_db_copy) == "house/1"


def test_one_version_of_each_is_judged(demo_db_copy, house, tdm_audit):
    judge(tdm_audit, demo_db_copy, "--rules", house())
    judge(tdm_audit, demo_db_copy, "--rules", house(version="2", tiers="[1, 2]"))
    assert judged(demo_db_copy) == PACKAGE | {"house/2"}
    judge(tdm_audit, demo_db_copy, "--rules", "house/1")
    assert (shown(demo_db_copy), judged(demo_db_copy)) == ("house/1", PACKAGE | {"house/1"})
    judge(tdm_audit, demo_db_copy, "--rules", "signals")
    assert judged(demo_db_copy) == PACKAGE | {"house/2"}


@pytest.mark.parametrize("command", ["judge", "explain", "flag"])
def test_one_label_has_one_text(command, demo_db_copy, house, tdm_audit, tmp_path):
    judge(tdm_audit, demo_db_copy, "--rules", house())
    (tmp_path / "d.txt").write_text("http://unanimous.demo.test/\n")
    arguments = {
        "judge": ["judge"],
        "explain": ["explain", "unanimous.demo.test"],
        "flag": ["flag", tmp_path / "d.txt", "-o", tmp_path / "out.csv"],
    }[command]
    done = tdm_audit(*arguments, "--db", demo_db_copy, "--rules", house(tiers="[1, 2]"))
    assert done.returncode == 1
    assert "house/1 is in this database with another text; raise version" in done.stderr
    assert "to 2 or more" in done.stderr
    assert shown(demo_db_copy) == "house/1"


def test_an_unknown_name_lists_those_of_the_database_too(demo_db_copy, house, tdm_audit):
    judge(tdm_audit, demo_db_copy, "--rules", house())
    done = tdm_audit("judge", "--db", demo_db_copy, "--rules", "none")
    assert "there are signals, inclusive, strict, house, or name a file" in done.stderr


def test_explain_and_flag_take_what_the_database_shows(demo_db_copy, house, tdm_audit, tmp_path):
    judge(tdm_audit, demo_db_copy, "--rules", house())
    said = json.loads(
        tdm_audit("explain", "unanimous.demo.test", "--db", demo_db_copy, "--json").stdout
    )
    assert said["rules"] == "house/1"
    (tmp_path / "d.txt").write_text("http://unanimous.demo.test/\n")
    flag = ("flag", tmp_path / "d.txt", "--db", demo_db_copy, "-o", tmp_path / "out.csv")
    assert tdm_audit(*flag).returncode == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [row["tdm_rules"] for row in csv.DictReader(file)] == ["house/1"]
    assert tdm_audit(*flag, "--rules", "strict").returncode == 0
    assert "strict/2" in (tmp_path / "out.csv").read_text("utf-8")


def test_crawl_keeps_what_is_shown_and_fails_before_it_asks(house, tmp_path, tdm_audit):
    pages = {"/robots.txt": text("User-agent: *\nDisallow: /")}
    site = Site(host="a.test", about="", expect=everywhere(State.REFUSED), pages=pages)
    (tmp_path / "d.txt").write_text("http://a.test/\n")
    db = tmp_path / "a.db"
    with LoopbackWeb([site]) as web:

        def crawl(*more):
            return tdm_audit(
                "crawl", tmp_path / "d.txt", "--db", db, "--delay", "0", "--timeout", "3s",
                "--quiet", "--connect-to", f"::127.0.0.1:{web.port}",
                "--allow-network", "127.0.0.1/32", *more,
            )  # fmt: skip

        bad = house("bad.toml", tiers="[9]")
        for wrong, status in (("none", 2), (tmp_path / "none.toml", 1), (bad, 1)):
            assert crawl("--rules", wrong).returncode == status
            assert not db.exists()
        done = crawl("--rules", house(**REFUSING))
        assert (done.returncode, done.stderr) == (0, "")
        asked = len(web.log)
        assert asked > 0
        assert rows_of(db, "SELECT rules, tdm FROM reservations") == [("refusing/1", "reserved")]
        again = crawl("--max-age", "0s")
        assert (again.returncode, again.stderr) == (0, "")
        assert rows_of(db, "SELECT rules, tdm FROM reservations") == [("refusing/1", "reserved")]
        asked = len(web.log)
        other = crawl("--max-age", "0s", "--rules", house(**REFUSING | {"tiers": "[1]"}))
        assert other.returncode == 1
        assert "raise version" in other.stderr
        assert len(web.log) == asked


def test_sensitivity_shows_every_rule_set_side_by_side(demo_db_copy, house, tdm_audit):
    judge(tdm_audit, demo_db_copy, "--rules", house())
    total = "SELECT rows, origins FROM datasets"
    rows, origins = rows_of(demo_db_copy, total)[0]
    sums = rows_of(
        demo_db_copy,
        "SELECT purpose, rules, sum(rows), sum(origins), round(sum(share), 4), max(shown) "
        "FROM sensitivity GROUP BY purpose, rules",
    )
    assert {(p, r) for p, r, *_ in sums} == {(p, r) for p in Purpose for r in judged(demo_db_copy)}
    assert {s[2:5] for s in sums} == {(rows, origins, 1.0)}
    assert {s[1] for s in sums if s[5]} == {"house/1"}
    one = "SELECT purpose, state, origins, rows, share FROM {} {} ORDER BY 1, 2"
    assert rows_of(demo_db_copy, one.format("sensitivity", "WHERE shown")) == rows_of(
        demo_db_copy, one.format("dataset_summary", "")
    )
    differ = "SELECT count(DISTINCT rows) FROM sensitivity WHERE purpose = 'tdm' AND state = ?"
    assert rows_of(demo_db_copy, differ, "reserved")[0][0] > 1


def test_sensitivity_counts_what_was_never_judged_as_unknown(demo_db_copy):
    with closing(sqlite3.connect(demo_db_copy, isolation_level=None)) as db:
        before = rows_of(demo_db_copy, "SELECT sum(rows) FROM sensitivity")
        db.execute("DELETE FROM finding WHERE origin % 2 = 0")
    assert rows_of(demo_db_copy, "SELECT sum(rows) FROM sensitivity") == before
