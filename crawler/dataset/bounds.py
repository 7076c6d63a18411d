"""Bounds of what a dataset may cost, whoever wrote it: columns, lines, files that are no files."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, AnyStr

#: Columns of a file. DuckDB's work grows with their square: 20,000 take half a minute for one row.
MAX_COLUMNS = 2_000
#: Octets of a line that DuckDB reads in place, and of one in a copy, where quotes are doubled and
#: an octet may become three.
MAX_SCANNED_LINE, MAX_COPIED_LINE = 16 * 1024 * 1024, 128 * 1024 * 1024
#: Characters of a line that is kept whole. A longer one has no end that could be waited for.
MAX_LINE = 32 * 1024 * 1024
#: Characters that are left of a longer line: more than a URL may have, so that is too long, too.
CUT_LINE = 64 * 1024
# Names of columns that a message lists, and characters of each.
_MOST_NAMES, _LONGEST_NAME = 40, 60
_SPECIAL = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def ignore_cut() -> None:
    """Do nothing about a line that was cut."""


def special_file(path: Path) -> str:
    """Return what a path is that can be opened and is no file; empty for a file.

    A dataset is read several times, which neither a pipe nor a device can bear.
    """
    mode = path.stat().st_mode
    return next((name for is_kind, name in _SPECIAL if is_kind(mode)), "")


def bounded_lines(
    stream: IO[AnyStr],
    cut: Callable[[AnyStr], AnyStr],
    on_cut: Callable[[], None] = ignore_cut,
    *,
    longest: int = MAX_LINE,
) -> Iterator[AnyStr]:
    """Yield the lines of a stream; `cut` makes a line of the beginning of one over `longest`.

    `on_cut` is called for each of these.
    """
    while line := stream.readline(longest + 1):
        if len(line) > longest and not _ends(line):
            on_cut()
            while (more := stream.readline(longest)) and not _ends(more):
                pass
            line = cut(line)
        yield line


def cut_text(line: str) -> str:
    """Return the beginning of a line of text that is too long."""
    return line[:CUT_LINE] + "\n"


def _ends(line: str | bytes) -> bool:
    return line[-1:] in ("\n", b"\n")


def names_in_message(names: list[str]) -> str:
    """Return names of columns for a message: not too many, and none too long."""
    shown = [name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..." for name in names]
    more = len(shown) - _MOST_NAMES
    return ", ".join(shown[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
