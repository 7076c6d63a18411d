"""The demo dataset is always the same, covers all sites, and is as untidy as real ones."""

import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crawler.demo.dataset import GARBAGE, SITES, rows, write_dataset
from crawler.demo.site import Site

COLUMNS = ["url", "caption", "width", "height", "tokens"]


def test_rows_repeat() -> None:
    assert rows() == rows()
    assert 1_300 <= len(rows()) <= 2_000


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_same_bytes_are_written_twice(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    assert write_dataset(first) == write_dataset(str(second)) == len(rows())
    assert first.read_bytes() == second.read_bytes()


def test_parquet_and_csv_hold_the_same_rows(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a.parquet")
    write_dataset(tmp_path / "a.CSV")
    table = pq.read_table(tmp_path / "a.parquet")
    with (tmp_path / "a.CSV").open(encoding="utf-8", newline="") as file:
        header, *records = csv.reader(file)
    assert table.column_names == header == COLUMNS
    assert [url or "" for url in table["url"].to_pylist()] == [record[0] for record in records]
    assert table["tokens"].to_pylist() == [int(record[4]) for record in records]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"written as \.parquet or \.csv, not \.xlsx"):
        write_dataset(tmp_path / "a.xlsx")


@pytest.mark.parametrize("site", [pytest.param(s, id=s.host) for s in SITES])
def test_every_site_has_several_rows_and_those_it_is_asked_about(site: Site) -> None:
    written = site.written or site.origin
    urls = {row.url for row in rows() if row.url and row.url.startswith(written)}
    assert len(urls) >= 4
    assert {written, f"{written}/"} <= urls
    assert {written + path for path in site.urls} <= urls


def test_no_site_is_written_as_the_beginning_of_another() -> None:
    """Else the rows of one would count for the other."""
    written = sorted((s.written or s.origin) + "/" for s in SITES)
    assert [a for a, b in pairwise(written) if b.startswith(a)] == []


@pytest.mark.parametrize(
    "fragment",
    [
        pytest.param(".jpg", id="an image"),
        pytest.param(".JPG", id="an extension in upper case"),
        pytest.param(".pdf", id="a PDF"),
        pytest.param("%20", id="percent-encoding"),
        pytest.param("?w=200", id="a query"),
        pytest.param("#top", id="a fragment"),
        pytest.param(":8080/", id="a port"),
        pytest.param("bücher", id="a host in Unicode"),
        pytest.param("HTTP://UPPER-CASE.Demo.TEST", id="upper case"),
    ],
)
def test_urls_come_in_many_shapes(fragment: str) -> None:
    assert any(fragment in (row.url or "") for row in rows())


def test_rows_without_a_scheme_or_a_path_are_there() -> None:
    urls = {row.url for row in rows()}
    assert {"bare-host.demo.test", "bare-host.demo.test/", "http://a.example"} <= urls


def test_garbage_is_there_and_mixed_in() -> None:
    table = rows()
    counts = Counter(row.url for row in table if row.url in GARBAGE)
    assert set(counts) == set(GARBAGE)
    places = [n for n, row in enumerate(table) if row.url in GARBAGE]
    assert places[0] < len(table) // 4 < 3 * len(table) // 4 < places[-1]


def test_images_have_a_size_and_texts_a_weight() -> None:
    usable = [row for row in rows() if row.url not in GARBAGE]
    images = [row for row in usable if row.caption.startswith("Photograph")]
    texts = [row for row in usable if row.caption.startswith("Text")]
    assert len(images) + len(texts) == len(usable)
    assert {(row.width is None, row.tokens == 0) for row in images} == {(False, True)}
    assert {(row.width is None, row.tokens == 0) for row in texts} == {(True, False)}
