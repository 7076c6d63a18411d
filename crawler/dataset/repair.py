"""Rewrite text files that DuckDB would refuse or lose rows of, so that every row is kept.

Repaired are octets that are not UTF-8, byte order marks, mixed line ends, rows with too
few or too many cells, and quotes that never end. The copy goes to a scratch directory; the dataset
itself is never written to. `json_lines` does the same for JSONL.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from crawler.dataset.bounds import bounded_lines, cut_text, ignore_cut
from crawler.dataset.compression import open_plain
from crawler.dataset.dialect import Dialect, encoding_of

#: Where cells beyond the header go, joined by the delimiter.
OVERFLOW = "_more_cells"

# A quote that has not ended after so many characters or lines is a stray one, not a long cell.
_MAX_RECORD = 64 * 1024
_MAX_LINES = 200


def lines(path: Path, on_cut: Callable[[], None] = ignore_cut) -> Iterator[str]:
    """Yield the lines of a file without their ends; a line that is not UTF-8 is read as Latin-1.

    A line over `bounds.MAX_LINE` is cut, and `on_cut` is called for it.
    """
    with open_plain(path) as probe:
        encoding = encoding_of(probe.read(4))
    # Surrogates stand for octets, and only UTF-8 can put them back.
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    with io.TextIOWrapper(open_plain(path), encoding, errors, newline=None) as stream:
        for line in bounded_lines(stream, cut_text, on_cut):
            yield _legible(line.removesuffix("\n"))


def _legible(line: str) -> str:
    if line.isascii():
        return line
    try:
        line.encode()
    except UnicodeEncodeError:
        return line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return line


def _open_quote(delimiter: str) -> re.Pattern[str]:
    """Matches a record whose last cell begins with a quote that does not end."""
    d = re.escape(delimiter) if delimiter else r"(?!)"
    plain = rf"(?:(?!{d})[\s\S])*+"
    cell = rf'(?:"(?:[^"]|"")*+"{plain}|(?!"){plain})'
    return re.compile(rf'(?:{cell}{d})*+"(?:[^"]|"")*+\Z')


def _is_whole(record: str, delimiter: str) -> bool:
    """Return whether a record of several lines is well-formed, so that its lines are one record."""
    try:
        return len(list(_reader(record, delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _reader(record: str, delimiter: str, *, strict: bool = False) -> Iterator[list[str]]:
    # The csv module wants a delimiter; a control character serves where there is none.
    return csv.reader(record.splitlines(True), delimiter=delimiter or "\x1f", strict=strict)


def _records(source: Iterator[str], delimiter: str) -> Iterator[tuple[str, bool]]:
    """Yield records of one line or more, with whether their quotes delimit cells."""
    unfinished = _open_quote(delimiter)
    waiting: deque[str] = deque()

    def following(position: int) -> str | None:
        while position >= len(waiting):
            line = next(source, None)
            if line is None:
                return None
            waiting.append(line)
        return waiting[position]

    while (record := following(0)) is not None:
        used = 1
        while unfinished.match(record) and used < _MAX_LINES and len(record) < _MAX_RECORD:
            line = following(used)
            if line is None:
                break
            record, used = f"{record}\n{line}", used + 1
        has_quotes = _is_whole(record, delimiter) if used > 1 else not unfinished.match(record)
        if not has_quotes:
            record, used = waiting[0], 1
        for _ in range(used):
            waiting.popleft()
        yield record, has_quotes


def _cells(record: str, delimiter: str, has_quotes: bool) -> list[str]:
    if not has_quotes:
        cells = record.split(delimiter) if delimiter else [record]
        return [cell.strip('"') for cell in cells]
    try:
        return next(_reader(record, delimiter), [""])
    except csv.Error:  # a cell over the limit of the csv module
        return record.split(delimiter) if delimiter else [record]


def repair_csv(
    path: Path, dialect: Dialect, copy: Path, on_cut: Callable[[], None] = ignore_cut
) -> bool:
    """Write the rows of a CSV file as the columns of its dialect and `OVERFLOW`.

    Return whether any row had more cells than columns. Blank lines are rows only where there
    is one column, as they are to DuckDB. `on_cut` is that of `lines`.
    """
    width, overflowed = len(dialect.columns), False
    with copy.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([*dialect.columns, OVERFLOW])
        header = dialect.header
        for record, has_quotes in _records(lines(path, on_cut), dialect.delimiter):
            if not record and (width > 1 or header):
                continue
            if header:
                header = False
                continue
            cells = _cells(record, dialect.delimiter, has_quotes)
            more = dialect.delimiter.join(cells[width:])
            overflowed = overflowed or len(cells) > width
            writer.writerow([*cells[:width], *[""] * (width - len(cells)), more])
    return overflowed


def repair_text(path: Path, copy: Path, on_cut: Callable[[], None] = ignore_cut) -> None:
    """Write the lines of a text file as UTF-8; `on_cut` is that of `lines`."""
    with copy.open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
        stream.writelines(f"{line}\n" for line in lines(path, on_cut))
