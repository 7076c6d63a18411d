"""`import` into a folder says what an import into one file says, also if it was cut short."""

import os
import re
import shutil
import signal

import pytest

from crawler.commands.whole import opened_whole
from tests.audit_in_parts.folders import crawl_command, newest, opened, plan, query
from tests.conftest import run
from tests.crawl_helpers import waited_for

PARTS = 4
HEAD = "domain,name,identifier,publisher,version\n"
# Hosts of the sites of the web, so that each part has some of them, and one that no part has.
ROWS = [f"h{n:02}.test,Holding {n % 5} GmbH,,Council,2026" for n in range(0, 40, 2)]
ROWS += ["elsewhere.example,Else Ltd,,Council,2026", "h01.test,Jane Doe,,Other,1"]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory, urls, web, commands):
    folder = tmp_path_factory.mktemp("crawled")
    plan(folder, urls, "--parts", str(PARTS))
    done = commands.run(crawl_command(folder, web, "--workers", "1"))
    assert done.status == 0, done.err
    (folder / "list.csv").write_text("".join(f"{row}\n" for row in [HEAD.strip(), *ROWS]))
    return folder


@pytest.fixture
def copied(crawled, tmp_path):
    shutil.copytree(crawled, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def one(crawled, calm, tmp_path_factory):
    """Return a database of one file with the same list, and what was printed."""
    db = tmp_path_factory.mktemp("one") / "audit.db"
    shutil.copy(calm, db)
    done = run("import", crawled / "list.csv", "--as", "parties", "--db", db)
    assert done.returncode == 0, done.stderr
    return db, done.stdout


def command(folder):
    return ("import", folder / "list.csv", "--as", "parties", "--db", folder / "audit")


def entries(paths):
    return query(paths, "SELECT line, domain FROM party_list_entry ORDER BY 1")


def assert_as_one(folder, one):
    parts = newest(folder)
    # Each row is in one part, and nothing is doubled.
    assert sorted(entries(parts)) == entries([one])
    assert len({line for line, _ in entries(parts)}) == len(ROWS)
    with opened_whole(opened(folder)) as whole:
        for view, columns in {
            "parties": "origin, role, name, identifiers, source, place",
            "rights_holders": "holder, sites, grouped, source, named",
            "named_share": "*",
        }.items():
            wanted = f"SELECT {columns} FROM {view}"
            assert sorted(whole.execute(wanted).fetchall(), key=repr) == sorted(
                query([one], wanted), key=repr
            ), view
    found = run("verify", "--db", folder / "audit", "--part", f"0-{PARTS - 1}")
    assert found.returncode == 0, found.stdout


def test_each_row_goes_to_the_part_of_its_site(copied, one):
    database, printed = one
    done = run(*command(copied))
    assert (done.returncode, done.stdout) == (0, printed)
    assert "naming" in done.stdout
    assert_as_one(copied, database)
    for part, path in enumerate(newest(copied)):
        sites = {site for (site,) in query([path], "SELECT site FROM origin")}
        own = {domain for _, domain in entries([path])} - {"elsewhere.example"}
        assert own
        assert own <= sites
        assert opened(copied).facts(opened(copied).require(part)).about["kind"] == "import"
    before = newest(copied)
    again = run(*command(copied))
    assert again.returncode == 0
    assert "The list of Council 2026 was imported before." in again.stdout
    assert newest(copied) == before
    # Nothing is judged or visited again because of it.
    assert run("status", "--db", copied / "audit", "--quiet").returncode == 0


def test_a_part_that_gets_nothing_stays_as_it_is(copied):
    (copied / "list.csv").write_text(f"{HEAD}h03.test,Three Ltd,,Council,1\n")
    done = run(*command(copied))
    assert done.returncode == 0, done.stderr
    assert re.search(r"1 row, naming 1 origin ", done.stdout)
    own = opened(copied).plan().part_of("h03.test")
    assert [path.name for path in newest(copied)] == [
        "g2.db" if part == own else "g1.db" for part in range(PARTS)
    ]


def test_a_part_that_is_in_use_ends_it_and_the_same_command_goes_on(copied, one):
    with opened(copied).storage.held("parts/00002"):
        done = run(*command(copied))
    assert done.returncode == 3
    assert [path.name for path in newest(copied)] == ["g2.db", "g2.db", "g1.db", "g1.db"]
    done = run(*command(copied))
    assert done.returncode == 0
    assert [path.name for path in newest(copied)] == ["g2.db"] * PARTS
    assert_as_one(copied, one[0])


def test_killed_at_some_steps_it_goes_on(crawled, tmp_path_factory, commands, one):
    folder = tmp_path_factory.mktemp("steps")
    shutil.copytree(crawled, folder, dirs_exist_ok=True)
    steps = commands.run(command(folder), die_at=10**9).steps
    assert steps > 100
    for share in (0.35, 0.6, 0.85):
        folder = tmp_path_factory.mktemp("killed")
        shutil.copytree(crawled, folder, dirs_exist_ok=True)
        assert commands.run(command(folder), die_at=int(steps * share)).status == -signal.SIGKILL
        done = commands.run(command(folder))
        assert done.status == 0, done.err
        assert_as_one(folder, one[0])


def test_stopped_by_a_signal_it_goes_on(copied, commands, one):
    first = newest(copied)[0].with_name("g2.db")
    pid = commands.start(command(copied))
    assert waited_for(first.exists)
    os.kill(pid, signal.SIGTERM)
    done = commands.wait(pid)
    # It may have been at its last part.
    assert done.status in (0, 4)
    assert not done.status or "run the same command again to continue" in done.err
    assert commands.run(command(copied)).status == 0
    assert_as_one(copied, one[0])


def test_a_file_that_is_no_list_changes_nothing(copied):
    before = newest(copied)
    (copied / "list.csv").write_text("a,b\n1,2\n")
    done = run(*command(copied))
    assert done.returncode == 1
    assert "has no columns" in done.stderr
    assert newest(copied) == before
    nothing = run(*command(copied)[:-1], copied / "empty")
    assert nothing.returncode != 0
