"""Tell the format of a file by its first bytes; its name decides only where they leave a choice.

Rule for editors: no DuckDB and no Arrow here, as in `files`.
"""

import codecs
import json
import re
from pathlib import Path
from typing import Any

from crawler.dataset.compression import (
    COMPRESSIONS,
    compression_named,
    compression_of,
    compression_of_bytes,
    head_of,
)
from crawler.dataset.dialect import URL_NAMES
from crawler.dataset.formats import BY_NAME, TEXT, DatasetFormat, format_of_name
from crawler.dataset.unread import unread_kind

_HEAD = 64 * 1024
_LINES = 100
_TAR_MAGIC, _TAR_AT = b"ustar", 257
_PACKED = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow"}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# `[::1]` and `[2001:db8::1]` begin lines of lists of hosts, not JSON.
_ARRAY = re.compile(r'\[\s*(?:[{"\[\]]|\Z)')
# A key in reverse order, a time, and a JSON object or the fields of a CDX line.
_CDX = re.compile(r" CDX [A-Za-z]|!OpenWayback-CDXJ|\S+ \d{14} (?:\{|\S+(?: \S+){5,9}\s*$)", re.M)
_TABULAR = ("csv", "tsv")
_JSON = ("json", "jsonl")
_DELIMITERS = "\t,;|"
_DECODER = json.JSONDecoder()


def known_format(path: Path) -> DatasetFormat | None:
    """Return the format by suffix, a suffix of compression removed; None if it is unknown."""
    uncompressed = path.with_suffix("") if compression_named(path) != "none" else path
    return format_of_name(uncompressed.name)


def without_suffixes(path: Path) -> Path:
    """Return a path without its suffixes of format and compression."""
    while path.suffix.lower() in COMPRESSIONS or (path.suffix and known_format(path)):
        path = path.with_suffix("")
    return path


def detect(path: Path) -> DatasetFormat | str | None:
    """Return the format of a file, or a sentence that says why it is not read.

    None is a text of no known format, and a name that does not tell either: a list of lines, or
    notes.
    """
    named, head = known_format(path), head_of(path, _HEAD)
    if compression_of_bytes(head) != "none" and compression_of(path) != "none":
        return f"{path} is compressed twice; decompress it once."
    if why := unread_kind(head, path):
        return f"{path} {why}."
    packed = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
    if packed:
        return _packed(path, BY_NAME[packed])
    if head[_TAR_AT:].startswith(_TAR_MAGIC):
        return BY_NAME["tar"]
    return _text_format(head, named)


def _packed(path: Path, found: DatasetFormat) -> DatasetFormat | str:
    if compression_of(path) == "none":
        return found
    return f"{path} is compressed {found.title}; decompress it, it is compressed inside."


def _text_format(head: bytes, named: DatasetFormat | None) -> DatasetFormat | None:
    text = _decoded(head)
    start = text.lstrip()[:_HEAD]
    if start.startswith("WARC/"):
        return BY_NAME["warc"]
    name = named.name if named else ""
    if found := _json_format(start, name, is_cut=len(head) == _HEAD):
        return BY_NAME[found]
    if name not in (*_TABULAR, *_JSON) and _CDX.match(text):
        return BY_NAME["cdx"]
    if named is not None and not named.is_packed and named is not TEXT:
        return named
    return _table_format(start) or named


def _decoded(head: bytes) -> str:
    if head.startswith(_UTF16):
        return head.decode("utf-16", "replace")
    return head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")


def _json_format(start: str, name: str, *, is_cut: bool) -> str | None:
    """Return `jsonl` for a text with an object a line, `json` for any other JSON, else None."""
    if start.startswith("{"):
        lines = start.split("\n")[:_LINES]
        if is_cut and len(lines) == 1:
            return "jsonl"  # a very long line; what is indented has short ones
        # The first line may be broken, and a document may have an object on a line of its own.
        if _is_object(lines[0]) or any(_is_object(line) for line in lines if line[:1] == "{"):
            return "jsonl"
        if name == "jsonl":
            return "jsonl" if len(lines[0].rstrip()) > 1 else "json"
        return "json" if name in ("json", "") and _begins_object(start) else None
    if name not in (*_TABULAR, "jsonl", "cdx", "warc") and _ARRAY.match(start):
        return "json"
    if name == "jsonl" and start.startswith("["):
        return "json" if _ARRAY.match(start) and not _is_value(start.split("\n")[0]) else "jsonl"
    return None


def _is_object(line: str) -> bool:
    value = _value(line)
    return isinstance(value, dict)


def _is_value(line: str) -> bool:
    return _value(line) is not None


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _begins_object(start: str) -> bool:
    """Return whether a text begins with a member of an object, or with an empty object."""
    rest = start[1:].lstrip()
    if not rest or rest.startswith("}"):
        return True
    try:
        name, end = _DECODER.raw_decode(rest)
    except (ValueError, RecursionError):
        return False
    return isinstance(name, str) and rest[end:].lstrip().startswith(":")


def _table_format(start: str) -> DatasetFormat | None:
    """Return CSV or TSV for a text whose first line names a column of URLs among others."""
    first = start.split("\n", 1)[0].strip().lower()
    for delimiter in _DELIMITERS:
        cells = [cell.strip().strip('"') for cell in first.split(delimiter)]
        if len(cells) > 1 and set(cells) & set(URL_NAMES):
            return BY_NAME["tsv" if delimiter == "\t" else "csv"]
    return None
