"""What many tests share: the corpus if it is there, the command, and one demonstration."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler.cli import main

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("TDM_AUDIT_CORPUS", ROOT.parent / "shared" / "corpus"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus of real files at {CORPUS}; set TDM_AUDIT_CORPUS")
    return CORPUS


def run(*arguments: object, cwd: Path = ROOT, timeout: float = 120) -> subprocess.CompletedProcess:
    """The command as a user runs it; in a process of its own if it crawls, since that
    takes signals and threads.
    """
    if arguments[0] not in ("crawl", "check", "demo"):
        return _inside(list(map(str, arguments)), cwd)
    command = [sys.executable, "-m", "crawler", *map(str, arguments)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False
    )


def _inside(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess:
    with contextlib.chdir(cwd):
        done = CliRunner(env={"COLUMNS": "160"}).invoke(main, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def tdm_audit():
    return run


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory) -> Path:
    """The folder that `tdm-audit demo` leaves behind; do not write into it."""
    output = tmp_path_factory.mktemp("demo")
    done = run("demo", "--output", output)
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture
def audit(demonstration, tmp_path) -> Path:
    """A copy of the demonstration's database, to do with as one likes."""
    copy = tmp_path / "audit.db"
    shutil.copy(demonstration / "audit.db", copy)
    return copy


@pytest.fixture
def query(demonstration):
    """Ask the demonstration's database a question."""
    db = sqlite3.connect(f"{(demonstration / 'audit.db').as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    yield lambda sql, *values: db.execute(sql, values).fetchall()
    db.close()
