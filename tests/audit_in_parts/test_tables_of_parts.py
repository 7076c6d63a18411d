"""Tables that are lost, cut or altered never change a number: they are made again, and named."""

import json
import shutil

import pytest

from crawler.commands.whole import opened_whole
from crawler.store import exported_tables
from crawler.store.database import StoreError
from crawler.store.part_tables import wrong_tables
from tests.audit_in_parts.folders import newest, opened
from tests.conftest import run

TABLES = ("finding", "reservations", "origin")
NUMBERS = "SELECT purpose, state, origins, rows FROM dataset_summary ORDER BY 1, 2"


def numbers(folder):
    with opened_whole(opened(folder)) as whole:
        return (
            whole.execute(NUMBERS).fetchall(),
            whole.execute("SELECT count(*) FROM findings").fetchone(),
        )


def table(folder, name, part=1):
    return folder / "audit" / "tables" / name / f"{part:05d}-g1.parquet"


def lose(file):
    file.unlink()


def cut(file):
    file.write_bytes(file.read_bytes()[:-10])


def alter(file):
    """Change a byte, and leave the size."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def swap(file):
    """Put the rows of another part in its place."""
    file.write_bytes(file.with_name("00002-g1.parquet").read_bytes())


DAMAGES = [
    *((damage, name) for damage in (lose, cut, alter) for name in (*TABLES, "state_set")),
    *((swap, name) for name in TABLES),
]


@pytest.mark.parametrize(("damage", "name"), DAMAGES)
def test_the_numbers_stay(crawled, damage, name):
    before = numbers(crawled)
    damage(table(crawled, name))
    part = next(files.newest for files in opened(crawled).listed() if files.newest.part == 1)
    named = [wrong for wrong, _ in wrong_tables(opened(crawled), part)]
    # One that is missing is no difference: it is made again.
    assert named == ([] if damage is lose else [f"{name}/00001-g1.parquet"])
    assert numbers(crawled) == before
    assert list(wrong_tables(opened(crawled), part)) == []


def test_rows_that_were_not_put_are_not_read(crawled):
    before = numbers(crawled)
    part = next(files.newest for files in opened(crawled).listed() if files.newest.part == 1)
    there = {file.parent.name for file in (crawled / "audit/tables").glob("*/00001-g1.parquet")}
    extra = next(name for name in sorted(exported_tables.TABLES) if name not in there)
    table(crawled, extra).parent.mkdir(exist_ok=True)
    table(crawled, extra).write_bytes(table(crawled, "finding").read_bytes())
    ((name, what),) = wrong_tables(opened(crawled), part)
    assert (name, what[:11]) == (f"{extra}/00001-g1.parquet", "was not put")
    assert numbers(crawled) == before
    assert not table(crawled, extra).exists()


def test_verify_names_a_table(crawled):
    alter(table(crawled, "finding"))
    done = run("verify", "--db", crawled / "audit")
    assert (done.returncode, "finding/00001-g1.parquet" in done.stdout + done.stderr) == (5, True)
    assert run("report", "--db", crawled / "audit", "-o", crawled / "r.html").returncode == 0
    assert run("verify", "--db", crawled / "audit").returncode == 0


def test_tables_that_are_gone_are_no_difference_and_are_made_again(crawled):
    before = numbers(crawled)
    shutil.rmtree(crawled / "audit/tables")
    assert run("verify", "--db", crawled / "audit").returncode == 0
    assert numbers(crawled) == before


def test_verify_names_groups_of_parties(crawled):
    before = numbers(crawled)
    file = next((crawled / "audit/tables/party_group").glob("all-*"))
    alter(file)
    done = run("verify", "--db", crawled / "audit")
    assert (done.returncode, file.name in done.stdout) == (5, True), done.stdout
    assert numbers(crawled) == before
    assert run("verify", "--db", crawled / "audit").returncode == 0


def test_a_list_that_is_damaged_is_made_again(crawled):
    before = numbers(crawled)
    newest(crawled)[1].with_name("g1-tables.json").write_text("{}")
    done = run("verify", "--db", crawled / "audit")
    assert (done.returncode, "g1-tables.json: is no list of tables" in done.stdout) == (5, True)
    assert numbers(crawled) == before
    assert json.loads(newest(crawled)[1].with_name("g1-tables.json").read_text())["files"]


def test_parts_of_two_rule_sets_are_not_added_up(crawled):
    done = run("judge", "--db", crawled / "audit", "--part", "1", "--rules", "strict")
    assert done.returncode == 0, done.stderr
    with pytest.raises(StoreError, match="under signals/2 and part 1 under strict/2"):
        numbers(crawled)
    for command in (("report", "-o", "-"), ("export", "sites", "-o", "-"), ("changes",)):
        done = run(*command, "--db", crawled / "audit")
        assert (done.returncode, done.stdout, "judges all" in done.stderr) == (1, "", True)
    assert run("judge", "--db", crawled / "audit", "--rules", "strict").returncode == 0
    assert run("changes", "--db", crawled / "audit").returncode == 0
