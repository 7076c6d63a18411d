"""What a new database takes to be made: nothing that it does not need."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKE = """
import sys
from crawler.store.database import connect
connect(sys.argv[1], create=True).close()
import sqlite_utils.db
assert sqlite_utils.db.pd is None
import pandas
"""


def test_pandas_is_left_alone_and_can_be_imported_later(tmp_path):
    (tmp_path / "pandas.py").write_text("print('imported')\n", encoding="utf-8")
    command = [sys.executable, "-c", MAKE, str(tmp_path / "audit.db")]
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("imported\n", "")
