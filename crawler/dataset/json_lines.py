"""Lines of JSONL files as they are written, and copies of them that DuckDB can read.

Rule for editors: `raw_rows` says which rows a file has. A copy has a line for each of them, and a
file that needs no copy has them for DuckDB as well, so that rows can be counted on both sides.
"""

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from crawler.dataset.bounds import bounded_lines, ignore_cut
from crawler.dataset.compression import open_plain
from crawler.dataset.dialect import encoding_of

#: SQL for whether a column `line` holds a JSON object. NaN, Infinity and a comma before a closing
#: bracket are taken, as DuckDB takes them where it reads a whole file.
IS_OBJECT = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"

_BOM = codecs.BOM_UTF8
_WHITE = b" \t\r\n"
_PIECE = 1 << 20
# DuckDB refuses JSON that is nested more than 128 deep.
_MAX_DEPTH = 100
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]')
# A pair of surrogates, or a lone one, or any other escape: `\\ud800` is no surrogate.
_ESCAPES = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def raw_rows(path: Path, on_cut: Callable[[], None] = ignore_cut) -> Iterator[bytes]:
    """Yield the octets of each row: its line with the line end, after the blank lines before it.

    Blank lines are no rows; those at the end of the file follow the last row. Lines end at a line
    feed alone: a carriage return is white space of JSON (RFC 8259, 2). UTF-16 comes as UTF-8.
    A line over `bounds.MAX_LINE` is `null`, and `on_cut` is called for it.
    """
    row, blank = b"", [b""]
    for line in _lines(path, on_cut):
        if not line.removeprefix(_BOM).strip(_WHITE):
            blank.append(line)
            continue
        if row:
            yield row
        row, blank = b"".join([*blank, line]), []
    if row:
        yield b"".join([row, *blank])


def rows_of_files(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the rows of several files as those of one.

    Between files a line ends, and no file after the first has a byte order mark.
    """
    previous = b""
    for number, path in enumerate(files):
        mark = _BOM if number else b""
        for row in raw_rows(path):
            if previous:
                yield previous if previous.endswith(b"\n") else previous + b"\n"
            previous, mark = row.removeprefix(mark), b""
    if previous:
        yield previous


def _lines(path: Path, on_cut: Callable[[], None]) -> Iterator[bytes]:
    with open_plain(path) as probe:
        is_utf16 = encoding_of(probe.read(4)) == "utf-16"
    if is_utf16:
        with io.TextIOWrapper(open_plain(path), "utf-16", "replace", newline="\n") as stream:
            for line in bounded_lines(stream, lambda _: "null\n", on_cut):
                yield line.encode("utf-8", "replace")
    else:
        # `BufferedReader` reads lines from any raw stream; that of zstandard has none itself.
        with open_plain(path) as raw, io.BufferedReader(raw, _PIECE) as octets:  # type: ignore[type-var]
            yield from bounded_lines(octets, lambda _: b"null\n", on_cut)


def needs_copy(path: Path) -> bool:
    """Return whether DuckDB would split an object file into other lines than `raw_rows` does."""
    with open_plain(path) as stream:
        if stream.read(len(_BOM)) == _BOM:
            return True
    with open_plain(path) as stream:
        return any(b"\r" in piece for piece in iter(lambda: stream.read(_PIECE), b""))


def write_copy(path: Path, copy: Path, on_cut: Callable[[], None] = ignore_cut) -> None:
    """Write a line for each row that DuckDB reads as this package does.

    A line that is not UTF-8 is read as Latin-1, a lone surrogate is U+FFFD, and what is nested too
    deep is no object. `on_cut` is that of `raw_rows`.
    """
    with copy.open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
        stream.writelines(f"{_readable(row)}\n" for row in raw_rows(path, on_cut))


def _readable(row: bytes) -> str:
    octets = row.removeprefix(_BOM).strip(_WHITE)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("cp1252", "replace")
    # NUL is nowhere allowed in JSON, and ends a line to DuckDB.
    text = text.replace("\r", " ").replace("\0", "\ufffd")
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(text) > _MAX_DEPTH:
        return "null"
    return _ESCAPES.sub(_escape, text) if "\\u" in text else text


def _escape(match: re.Match[str]) -> str:
    return r"\ufffd" if match[2] else match[0]


def _depth(text: str) -> int:
    """Return how deep brackets are nested outside of strings."""
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        first = match[0][0]
        depth += (first in "[{") - (first in "]}")
        deepest = max(deepest, depth)
    return deepest
