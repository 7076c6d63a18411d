"""Where `flag` writes to: standard output, full disks, and cells that a spreadsheet would run."""

import csv
import hashlib
import io
import json
import os
import pty
import resource
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.commands.flag_sink import _without_formulas
from crawler.flags import COLUMNS
from tests.conftest import ROOT, patience

URL = "http://unanimous.demo.test/a"
ROWS = 20_000
# Octets of the largest file: enough for the shared memory of SQLite, not for the rows.
LARGEST = 64 * 1024


@pytest.fixture
def run(demo_db_copy, tmp_path):
    def running(*arguments, largest=None, **options):
        def limit():
            if largest is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

        command = [sys.executable, "-m", "crawler", "flag", *arguments, "--db", str(demo_db_copy)]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            preexec_fn=limit,
            timeout=patience(120),
            check=False,
            **({"stdout": subprocess.PIPE} | options),
            stderr=subprocess.PIPE,
        )

    return running


@pytest.fixture
def datasets(tmp_path):
    words = [f"={hashlib.sha256(b'%d' % n).hexdigest()}" for n in range(ROWS)]
    lines = [json.dumps({"url": URL, "n": word}) for word in words]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    (tmp_path / "in.csv").write_text("\n".join(["url,n", *(f"{URL},{word}" for word in words)]))
    pq.write_table(pa.table({"url": [URL] * ROWS, "n": words}), tmp_path / "in.parquet")


READ = {
    "csv": lambda data: list(csv.DictReader(io.StringIO(data.decode()))),
    "tsv": lambda data: list(csv.DictReader(io.StringIO(data.decode()), delimiter="\t")),
    "jsonl": lambda data: [json.loads(line) for line in data.splitlines()],
    "parquet": lambda data: pq.read_table(io.BytesIO(data)).to_pylist(),
    "arrow": lambda data: pa.ipc.open_stream(data).read_all().to_pylist(),
}


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("source", ["in.csv", "in.jsonl", "in.parquet"])
def test_rows_go_to_standard_output_and_the_summary_to_standard_error(run, datasets, source, form):
    done = run(source, "-o", "-", "--format", form)
    assert done.returncode == 0, done.stderr
    rows = READ[form](done.stdout)
    assert [row["tdm_state"] for row in rows] == ["reserved"] * ROWS
    assert list(rows[0])[-len(COLUMNS) :] == list(COLUMNS)
    assert b"Written: standard output" in done.stderr


@pytest.mark.parametrize(("source", "form"), [("in.jsonl", "jsonl"), ("in.csv", "csv")])
def test_the_format_on_standard_output_is_that_of_lines_or_csv(run, datasets, source, form):
    done = run(source, "-o", "-", "--json")
    assert len(READ[form](done.stdout)) == ROWS
    assert json.loads(done.stderr)["rows"]["reserved"] == ROWS


def test_a_format_is_for_standard_output_alone(run, datasets):
    done = run("in.csv", "-o", "out.csv", "--format", "csv")
    assert (done.returncode, b"--format is for -o -" in done.stderr) == (2, True)


def test_a_terminal_gets_no_binary(run, datasets):
    ours, theirs = pty.openpty()
    done = run("in.csv", "-o", "-", "--format", "parquet", stdout=theirs)
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, b"parquet is binary" in done.stderr) == (2, True)


def told(done):
    """Return the lines on standard error without progress, which are to be one sentence."""
    return [line for line in done.stderr.decode().splitlines() if line]


@pytest.mark.parametrize("out", ["out.parquet", "out.csv", "out.csv.gz", "out.jsonl", "out.arrow"])
@pytest.mark.parametrize("source", ["in.csv", "in.jsonl", "in.parquet"])
def test_h3_a_full_disk_is_not_blamed_on_the_dataset(run, datasets, tmp_path, source, out):
    done = run(source, "-o", out, "--progress", largest=LARGEST)
    assert done.returncode == 1
    [line] = [line for line in told(done) if "tdm-audit:" in line]
    assert "File too large" in line
    assert f"cannot write {out}" in line
    assert source not in line
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / out).exists()
    assert list(tmp_path.glob(".*.part")) == []


def test_h3_temporary_files_that_do_not_fit_are_named(run, datasets, tmp_path):
    (tmp_path / "broken.jsonl").write_text(f'{{"url":"{URL}"}}\n' * ROWS + "broken\n")
    done = run("broken.jsonl", "-o", "out.jsonl", largest=LARGEST)
    assert done.returncode == 1
    [line] = told(done)
    assert line.startswith("tdm-audit: Cannot write temporary files to ")
    assert "broken.jsonl" not in line


@pytest.mark.parametrize(
    "arguments", [["-o", "-"], ["-o", "-", "--format", "parquet"], ["-o", "out.parquet"]], ids=str
)
def test_h3_a_full_standard_output_is_told_in_one_sentence(run, datasets, arguments):
    with open("/dev/full", "wb") as full:
        done = run("in.csv", *arguments, stdout=full)
    assert done.returncode == 1
    assert told(done) == ["tdm-audit: cannot write standard output: No space left on device"]


def test_a_reader_that_leaves_ends_it_without_a_word(run, datasets):
    read, write = os.pipe()
    os.close(read)
    done = run("in.csv", "-o", "-", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


def test_h5_cells_of_the_dataset_stay_and_cells_of_verdicts_are_no_formulas(run, datasets):
    rows = READ["csv"](run("in.csv", "-o", "-").stdout)
    assert {row["n"][0] for row in rows} == {"="}
    words = pa.array([*FORMULAS, "a=1", "https://a.example/=1", "", None])
    column = _without_formulas(words.dictionary_encode())
    assert column.to_pylist() == [
        *(f"'{formula}" for formula in FORMULAS),
        *("a=1", "https://a.example/=1", "", None),
    ]
    flags = pa.array([True, None])
    assert _without_formulas(flags) is flags
