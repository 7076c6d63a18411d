"""The recipes for datasets: each page's commands, on a small dataset in the page's layout."""

import contextlib
import gzip
import importlib.util
import json
import re
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.conftest import ROOT
from tests.console_blocks import steps
from tests.dataset import layouts

FOLDER = ROOT / "docs" / "how-to" / "maintainer" / "datasets"
# Nothing is asked of this host: an address of this machine is refused before a connection is made.
URLS = [f"http://127.0.0.1:9/{n}" for n in range(3)]
IMAGES = [f"http://127.0.0.2:9/{n}.jpg" for n in range(3)]


def json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def packed(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def c4(top):
    rows = [{"text": "t", "timestamp": "2019-04-25T12:57:54Z", "url": url} for url in URLS]
    packed(top / "c4/en/c4-train.00000-of-01024.json.gz", gzip.compress(json_lines(rows)))


def fineweb(top):
    columns = {"text": ["t"] * 3, "id": ["<urn:uuid:1>"] * 3, "url": URLS, "dump": ["CC"] * 3}
    parquet(top / "fineweb/data/CC-MAIN-2024-10/000_00000.parquet", columns)
    packed(top / "fineweb/data/dataset_info.json", b"{}")


def dolma(top):
    rows = [{"id": f"{n}", "text": "t", "metadata": {"url": u}} for n, u in enumerate(URLS)]
    packed(top / "dolma/cc_en_head-0000.json.gz", gzip.compress(json_lines(rows)))


def redpajama(top):
    rows = [{"text": "t", "meta": {"url": url, "language": "en"}} for url in URLS]
    packed(top / "redpajama/cc_2023-06.jsonl", json_lines(rows))


def oscar(top):
    rows = [{"content": "t", "warc_headers": {"warc-target-uri": u}, "metadata": {}} for u in URLS]
    packed(top / "oscar/en_meta/en_meta_part_1.jsonl.zst", zstandard.compress(json_lines(rows)))


def obelics(top):
    columns = {
        "images": [[IMAGES[0], None], [IMAGES[1]], [None, IMAGES[2]]],
        "texts": [[None, "t"], [None], ["t", None]],
        "general_metadata": [json.dumps({"url": url}) for url in URLS],
    }
    parquet(top / "obelics/train-00000-of-01335.parquet", columns)


def laion(top):
    octets = [url.encode() for url in URLS]
    parquet(top / "laion/part-00000.snappy.parquet", {"URL": octets, "TEXT": ["words"] * 3})


def common_crawl_index(top):
    columns = {"url_surtkey": ["1,0,0,127)/"] * 3, "url": URLS, "url_host_name": ["127.0.0.1"] * 3}
    folder = "cc-index/crawl=CC-MAIN-2024-10/subset=warc"
    parquet(top / folder / "part-00000-x.c000.gz.parquet", columns)


def consumers(top):
    parquet(top / "urls.parquet", {"url": URLS, "text": ["t"] * 3})
    packed(top / "images/00000.tar", layouts.samples(URLS))


LAYOUTS = {
    "c4": c4,
    "fineweb": fineweb,
    "dolma": dolma,
    "redpajama": redpajama,
    "oscar": oscar,
    "obelics": obelics,
    "laion": laion,
    "common-crawl-index": common_crawl_index,
    "consumers": consumers,
}
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", LAYOUTS)
def test_the_commands_of_a_recipe_run(tmp_path, tdm_audit, page):
    LAYOUTS[page](tmp_path)
    for kind, text in BLOCK.findall((FOLDER / f"{page}.md").read_text("utf-8")):
        if kind == "python":
            run_if_installed(text, tmp_path)
            continue
        for step in steps(f"```{kind}\n{text}```"):
            program, *words = shlex.split(step.command)
            assert program == "tdm-audit"
            done = tdm_audit(*words, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert "Rows: 3" in done.stdout or "--dry-run" not in words
    for path in (tmp_path / "flagged").rglob("*.parquet"):
        rows = pq.read_table(path)
        assert rows["tdm_state"].to_pylist() == ["unknown"] * 3
        assert not any("empty" in basis for basis in rows["tdm_basis"].to_pylist())


def run_if_installed(text, folder):
    needed = re.findall(r"^import (\w+)$", text, re.MULTILINE)
    if all(importlib.util.find_spec(name) for name in needed):
        with contextlib.chdir(folder):
            exec(compile(text, "recipe", "exec"), {})


def test_every_page_with_commands_is_run():
    pages = {p.stem for p in FOLDER.glob("*.md") if "```console" in p.read_text("utf-8")}
    assert pages == set(LAYOUTS)
