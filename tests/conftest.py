"""Fixtures and limits that many tests share: the corpus, the command, the demo and its database.

Rules for editors: no test asserts on wall time. A limit only ends a test that hangs; it is
written as `patience(seconds)`, so that one factor scales all of them.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, settings

from crawler import subprocesses
from crawler.cli import main

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("TDM_AUDIT_CORPUS", ROOT.parent / "shared" / "corpus"))
#: Factor for every time limit. 4 holds on two cores while two other CPU-bound processes run.
SLOWNESS = float(os.environ.get("TDM_AUDIT_TEST_SLOWNESS", "4"))

# Hypothesis measures wall time in two places, `deadline` and `too_slow`: both fail on a busy
# machine. In CI the examples are the same in every run, so that a failure comes with a change.
settings.register_profile(
    "no_deadlines",
    deadline=None,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("no_deadlines")


def patience(seconds: float) -> float:
    """Return how long to wait, in seconds, for what an idle machine does within `seconds`."""
    return seconds * SLOWNESS


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Return the folder of real files; skip the test where there is none."""
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus of real files at {CORPUS}; set TDM_AUDIT_CORPUS")
    return CORPUS


def run(*arguments: object, cwd: Path = ROOT, timeout: float = 120) -> subprocess.CompletedProcess:
    """Run the command as a user does; `timeout` is in seconds on an idle machine.

    Commands that crawl run in a subprocess, since they install signal handlers and start
    threads. All others run in this process, which is faster.
    """
    is_dry = "--dry-run" in arguments
    if not arguments or is_dry or arguments[0] not in ("crawl", "check", "demo"):
        return _run_in_process(list(map(str, arguments)), cwd)
    return subprocess.run(
        [sys.executable, "-m", "crawler", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=patience(timeout),
        check=False,
    )


def _run_in_process(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess:
    with contextlib.chdir(cwd):
        result = CliRunner(env={"COLUMNS": "160"}).invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="session")
def tdm_audit():
    """Return the function that runs the command."""
    return run


@pytest.fixture
def started(monkeypatch):
    """Record the helper processes; `then` is called with each as soon as it has started."""
    seen = SimpleNamespace(processes=[], then=lambda _process: None)
    real = subprocesses.start

    def watched(module):
        seen.processes.append(process := real(module))
        seen.then(process)
        return process

    monkeypatch.setattr(subprocesses, "start", watched)
    return seen


@pytest.fixture(scope="session")
def demo_output(tmp_path_factory) -> Path:
    """Return the folder that `tdm-audit demo` leaves behind. Tests must not write into it."""
    output = tmp_path_factory.mktemp("demo")
    done = run("demo", "--output", output)
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture
def demo_db_copy(demo_output, tmp_path) -> Path:
    """Return a copy of the demo's database that the test may change."""
    copy = tmp_path / "audit.db"
    shutil.copy(demo_output / "audit.db", copy)
    return copy


@pytest.fixture
def query(demo_output):
    """Return a function that runs a query on the demo's database."""
    db = sqlite3.connect(f"{(demo_output / 'audit.db').as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    yield lambda sql, *values: db.execute(sql, values).fetchall()
    db.close()
