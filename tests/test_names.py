"""Names that users give: too long, empty, not UTF-8. Each is one sentence, and nothing is left."""

import os
import subprocess
import sys

import pytest

from tests.conftest import run

LONG = "x" * 300
COMMANDS = {
    "crawl": ("crawl", "{}"),
    "crawl --db": ("crawl", "d.txt", "--db", "{}"),
    "plan": ("plan", "d.txt", "--db", "{}"),
    "flag": ("flag", "{}", "-o", "out.csv"),
    "flag -o": ("flag", "d.txt", "-o", "{}.csv"),
    "report": ("report", "-o", "{}.html"),
    "report --db": ("report", "--db", "{}"),
    "export": ("export", "sites", "-o", "{}.csv"),
    "status": ("status", "--db", "{}"),
    "serve": ("serve", "--db", "{}"),
    "verify": ("verify", "--db", "{}"),
    "demo": ("demo", "--output", "{}"),
}
EMPTY = {
    "report -o": ("report", "-o", ""),
    "report --db": ("report", "--db", ""),
    "report --db=": ("report", "--db="),
    "flag": ("flag", "", "-o", "out.csv"),
    "crawl": ("crawl", ""),
    "explain": ("explain", ""),
    "datasets --db": ("datasets", "--db", ""),
    "hold list": ("hold", "list", "--db", ""),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "d.txt").write_text("http://a.example/\n")
    return tmp_path


def given(command, name):
    return [part.replace("{}", name) for part in COMMANDS[command]]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_too_long(folder, command):
    done = run(*given(command, LONG), cwd=folder)
    assert (done.returncode in (1, 2), done.stderr.count("\n")) in ((True, 1), (True, 4))
    assert "Traceback" not in done.stderr
    assert [file.name for file in folder.iterdir()] == ["d.txt"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_not_utf8(folder, command):
    done = subprocess.run(
        [sys.executable, "-m", "crawler", *given(command, os.fsdecode(b"caf\xe9/x"))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        timeout=120,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1, 2)
    assert done.stderr or done.returncode == 0


@pytest.mark.parametrize("command", EMPTY)
def test_an_empty_name_is_wrong_usage(folder, command):
    done = run(*EMPTY[command], cwd=folder)
    assert (done.returncode, "is empty" in done.stderr) == (2, True), done.stderr
    assert [file.name for file in folder.iterdir()] == ["d.txt"]


def test_an_empty_value_that_is_no_path_is_for_its_option(folder):
    done = run("check", "--contact", "", "http://127.0.0.1:9/", cwd=folder)
    assert done.returncode == 0, done.stderr


def test_a_signal_while_nothing_is_to_be_saved_is_one_sentence(folder):
    command = "import signal, os; os.kill(os.getpid(), signal.SIGINT)"
    script = f"from crawler.cli._output import output\nwith output():\n    {command}\n"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=os.getcwd()
    )
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "run the same command again" in done.stderr
