"""Detect how a CSV file is written: its delimiter, and whether its first row is a header.

DuckDB's own detection takes one ragged row for another delimiter and so reads a whole file as
one column; here the header decides first, and the rows only where there is none.
"""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from crawler.dataset.compression import open_plain
from crawler.model import Origin
from crawler.urls.canonical import origin_of

#: Names of columns that hold URLs or hosts, by preference.
URL_NAMES = (
    "url",
    "uri",
    "link",
    "href",
    "source_url",
    "image_url",
    "page_url",
    "webpage",
    "website",
    "domain",
    "host",
    "hostname",
    "origin",
    "urls",
    "uris",
    "links",
    "image_urls",
    "page_urls",
    "img_url",
    "raw_url",
    "target_uri",
    "warc-target-uri",
    "warc_target_uri",
    "domains",
    "hosts",
)
_ROLE = re.compile(r"([a-z][a-z0-9_-]*)=(.+)", re.DOTALL)
_DELIMITERS = (",", "\t", ";", "|")
# Octets and rows that are looked at; share of rows that must be as wide as the first.
_HEAD = 256 * 1024
_ROWS = 100
_AGREE = 0.8
# Characters of a line that does not end and is looked at all the same (the csv module takes
# 131,072 in a cell), and of a cell that may be the name of a column.
_LONGEST_CELL, _LONGEST_NAME = 100_000, 1_000


class Dialect(NamedTuple):
    """Dialect of a CSV file. `delimiter` is empty where a row has one column.

    `late` means that blank lines precede the first row, which DuckDB takes for the header.
    """

    delimiter: str
    header: bool
    columns: tuple[str, ...]
    late: bool = False


def encoding_of(head: bytes) -> str:
    """Return the encoding of a byte order mark; UTF-8 without one."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def role_and_path(text: str) -> tuple[str, str]:
    """Split `role=path` as users name columns; the role is empty if there is none."""
    match = _ROLE.fullmatch(text)
    return ("", text) if match is None else (match[1], match[2])


def header_names(given: Iterable[str]) -> set[str]:
    """Return the names of columns that the user may mean, in lower case: of a path its start."""
    texts = {part for text in given for part in (text, role_and_path(text)[1])}
    return {part.lower() for text in texts for part in (text, re.split(r"[.\[]", text)[0])}


def _head(path: Path) -> str:
    """Return the first lines of a file, without a last one that is incomplete."""
    with open_plain(path) as stream:
        head = stream.read(_HEAD)
    text = head.decode(encoding_of(head), "replace")
    if len(head) < _HEAD or "\n" not in text:
        return text[:_LONGEST_CELL] if "\n" not in text else text
    return text[: text.rindex("\n") + 1]


def _rows(head: str, delimiter: str) -> list[list[str]]:
    """Return the first rows under a delimiter; none if the text cannot be read that way."""
    # An empty delimiter is not known to the csv module; a control character serves.
    reader = csv.reader(io.StringIO(head, newline=None), delimiter=delimiter or "\x1f")
    try:
        return [row for _, row in zip(range(_ROWS), reader, strict=False) if row]
    except csv.Error:
        return []


def _names(row: list[str]) -> list[str]:
    return [cell.strip().lower() for cell in row]


def _delimiter(head: str, known: set[str]) -> str:
    """Return the delimiter under which the first row names a known column, or the rows agree."""
    readings = {delimiter: _rows(head, delimiter) for delimiter in _DELIMITERS}
    wide = {d: rows for d, rows in readings.items() if rows and len(rows[0]) > 1}
    for delimiter, rows in wide.items():
        if known & set(_names(rows[0])):
            return delimiter
    # Before rows are compared: URLs have commas, so a file of one column may look like several.
    first = _rows(head, "")
    if first and known & set(_names(first[0])):
        return ""
    for delimiter, rows in wide.items():
        if sum(len(row) == len(rows[0]) for row in rows) >= _AGREE * len(rows):
            return delimiter
    return ""


def _is_header(row: list[str], known: set[str]) -> bool:
    """Return whether a first row names columns: it has a known name, or nothing like data."""
    if known & set(_names(row)):
        return True
    if any(len(cell) > _LONGEST_NAME for cell in row):
        return False
    return not any(
        isinstance(origin_of(cell), Origin) or cell.replace(".", "").isdigit() for cell in row
    )


def _unique(names: list[str]) -> tuple[str, ...]:
    """Return column names as DuckDB makes them: unique ignoring case, and never empty."""
    taken: dict[str, str] = {}
    for position, name in enumerate(names):
        wanted = name.strip() or f"column{position}"
        candidate, n = wanted, 1
        while candidate.lower() in taken:
            candidate, n = f"{wanted}_{n}", n + 1
        taken[candidate.lower()] = candidate
    return tuple(taken.values())


def dialect_of(
    path: Path, given: Collection[str] = (), delimiter: str | None = None
) -> Dialect | None:
    """Return how a CSV file is written; None for a file without a row.

    `given` are column names that the user gave; a first row that has one of them is a header. A
    file of one column without a header gets the column `url`; of several, `column0`, `column1` ...
    Without a `delimiter` it is detected.
    """
    head = _head(path)
    known = {*URL_NAMES, *header_names(given)}
    if delimiter is None:
        delimiter = _delimiter(head, known)
    rows = _rows(head, delimiter)
    if not rows:
        return None
    if _is_header(rows[0], known):
        return Dialect(delimiter, True, _unique(rows[0]), head.startswith(("\r", "\n")))
    width = len(rows[0])
    numbered = tuple(f"column{n}" for n in range(width))
    return Dialect(delimiter, False, ("url",) if width == 1 else numbered)
