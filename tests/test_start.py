"""`tdm-audit` alone, sections of commands, short helps, completion, and names that are misspelt."""

import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from crawler.cli import main
from crawler.cli.start import start_lines
from crawler.store.database import connect, public_views


def test_alone_it_says_how_to_begin(tdm_audit, tmp_path):
    done = tdm_audit(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Audit who reserves text and data mining")
    assert "Start here:\n  tdm-audit demo" in done.stdout
    assert "Audit:\n" in done.stdout


def test_after_the_demo_it_says_how_to_ask_it(demo_output, tdm_audit, tmp_path):
    (tmp_path / "output/demo").mkdir(parents=True)
    shutil.copy(demo_output / "audit.db", tmp_path / "output/demo/audit.db")
    said = tdm_audit(cwd=tmp_path).stdout
    assert "The demo left output/demo/audit.db. Ask it with --db:\n  tdm-audit report --db" in said
    for line in said.split("with --db:\n")[1].splitlines()[:2]:
        assert tdm_audit(*line.split()[1:], cwd=tmp_path).returncode == 0


def test_with_a_database_it_says_the_next_step(demo_output, tdm_audit, tmp_path):
    (tmp_path / "output").mkdir()
    shutil.copy(demo_output / "audit.db", tmp_path / "output" / "audit.db")
    done = tdm_audit(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "origins visited, the last on 20" in done.stdout
    assert "Next:\n  tdm-audit report" in done.stdout
    assert "Start here" not in done.stdout


def test_the_server_is_named_where_its_packages_are(demo_db_copy, monkeypatch):
    assert "tdm-audit serve" in "\n".join(start_lines(demo_db_copy))
    monkeypatch.setitem(sys.modules, "datasette", None)
    assert "tdm-audit serve" not in "\n".join(start_lines(demo_db_copy))


STEPS = [
    ("DELETE FROM evaluated_visit", "Not judged yet: 159 origins. Next: tdm-audit judge"),
    (
        "INSERT INTO run (started_at, command, version, versions, settings, user_agent, "
        "suffix_list, catalogue) VALUES ('2026', '/opt/bin/tdm-audit crawl ''my file.csv''', "
        "'0', '{}', '{}', 'a', 's', 'c')",
        "last run is not finished. Next: tdm-audit crawl 'my file.csv'",
    ),
]


@pytest.mark.parametrize(("change", "said"), STEPS, ids=["not judged", "not finished"])
def test_what_is_not_done_is_the_next_step(demo_db_copy, change, said):
    with closing(connect(demo_db_copy)) as db:
        db.execute(change)
    assert said in "\n".join(start_lines(demo_db_copy))


def test_a_file_that_is_no_database_is_no_failure(tmp_path):
    (tmp_path / "audit.db").write_text("no database, whatever its name is; " * 100)
    assert "it cannot be read" in "\n".join(start_lines(tmp_path / "audit.db"))


def test_every_command_is_summarised_without_being_cut():
    for name, command in main.commands.items():
        said = command.get_short_help_str(limit=100)
        assert 10 < len(said) <= 55, name
        assert said.endswith("."), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell, tdm_audit, tmp_path):
    done = tdm_audit("completion", shell)
    assert done.returncode == 0
    assert f"_TDM_AUDIT_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        (tmp_path / "script").write_text(done.stdout)
        checked = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, text=True)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_views_are_listed_and_suggested(tdm_audit):
    listed = tdm_audit("export", "--list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == sorted(public_views())
    misspelt = tdm_audit("export", "reservation", "-o", "x.csv")
    assert misspelt.returncode == 2
    assert "no view 'reservation'; did you mean reservations?; `tdm-audit export" in misspelt.stderr
    assert max(map(len, misspelt.stderr.splitlines())) < 120
    for words, said in (
        (["export"], "name a view; `tdm-audit export --list` lists them"),
        (["export", "runs"], "name a file with -o, or - for standard output"),
    ):
        done = tdm_audit(*words)
        assert done.returncode == 2
        assert said in done.stderr
