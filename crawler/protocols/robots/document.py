"""A robots.txt read once for all the protocols that write their lines into it."""

from functools import lru_cache
from typing import NamedTuple

from crawler.model import Issue
from crawler.protocols.robots.groups import Robots, read_groups
from crawler.protocols.robots.line_reader import (
    Lines,
    decode,
    is_utf16,
    looks_like_html,
    read_lines,
)


class File(NamedTuple):
    """The lines of a file, what was odd about its bytes, and its lenient groups.

    `html` says that it begins as markup, `cut` that it is longer than anybody must read.
    """

    lines: Lines
    issues: tuple[Issue, ...]
    robots: Robots
    html: bool
    cut: bool


@lru_cache(maxsize=64)
def read_file(body: bytes) -> File | None:
    """Read a body; None for UTF-16, which nobody may expect to be read (RFC 9309, 2.3)."""
    if is_utf16(body):
        return None
    text, issues, cut = decode(body)
    lines = read_lines(text, bom=any(issue.code == "robots.bom" for issue in issues))
    robots = read_groups(lines, strict=False)
    return File(lines, tuple(issues), robots, looks_like_html(body), cut)
