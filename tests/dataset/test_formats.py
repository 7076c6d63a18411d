"""The registry of formats: one entry for each, and a handler behind it."""

from pathlib import Path

import pytest

from crawler.dataset.detection import known_format, without_suffixes
from crawler.dataset.formats import BY_NAME, FORMATS
from crawler.dataset.formats.handler import FormatHandler
from crawler.dataset.sinks import SUFFIXES, output_name, writable


def test_names_and_suffixes_are_of_one_format():
    suffixes = [suffix for one in FORMATS for suffix in one.suffixes]
    assert len(BY_NAME) == len(FORMATS)
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_every_format_has_a_handler(one):
    handler = one.handler()
    assert isinstance(handler, FormatHandler)
    assert handler.format is one
    assert BY_NAME[one.rows_written_as].is_writable


def test_suffixes_that_help_texts_name_can_be_written():
    assert all(writable(Path(f"a{suffix}")) for suffix in SUFFIXES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "csv"),
        ("a.TAB.gz", "tsv"),
        ("a.pq", "parquet"),
        ("cdx-00012.gz", "cdx"),
        ("a.warc.gz", "warc"),
        (".csv", None),
        ("a.", None),
        ("a.b", None),
    ],
)
def test_formats_by_file_name(name, expected):
    found = known_format(Path(name))
    assert (found and found.name) == expected


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("d/a.csv.gz", "csv", "d/a.csv.gz"),
        ("d/a.txt", "text", "d/a.csv"),
        ("d/a.txt.zst", "text", "d/a.csv.zst"),
        ("d/a", "text", "d/a.csv"),
        ("d/a.warc.gz", "warc", "d/a.parquet"),
        ("cdx-00012.gz", "cdx", "cdx-00012.parquet"),
    ],
)
def test_names_of_files_with_the_rows_of_another(name, form, expected):
    assert output_name(Path(name), BY_NAME[form]) == Path(expected)


def test_a_name_without_suffixes():
    assert without_suffixes(Path("d/a.b.csv.gz")) == Path("d/a.b")
