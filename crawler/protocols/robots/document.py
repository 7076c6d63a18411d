"""robots.txt body, parsed once and cached for all the protocols that have lines in it."""

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


class RobotsFile(NamedTuple):
    """A parsed body: its lines, issues with its bytes, and its groups as read leniently.

    `robots` holds the groups by the grammar of the protocol that reads the file, `crawl` those
    of RFC 9309; they differ only for protocols whose lines are rules (see `with_rules`).
    `html` says that the body begins as markup. `cut` says that it was longer than
    `line_reader.MAX_BYTES`, and that the rest was dropped.
    """

    lines: Lines
    issues: tuple[Issue, ...]
    robots: Robots
    crawl: Robots
    html: bool
    cut: bool


# Seven protocols read the same body one after the other, so a few entries are enough.
@lru_cache(maxsize=64)
def read_file(body: bytes) -> RobotsFile | None:
    """Parse a body. Return None for UTF-16: the file must be UTF-8 (RFC 9309, 2.3)."""
    if is_utf16(body):
        return None
    text, issues, cut = decode(body)
    lines = read_lines(text, bom=any(issue.code == "robots.bom" for issue in issues))
    robots = read_groups(lines, strict=False)
    return RobotsFile(lines, tuple(issues), robots, robots, looks_like_html(body), cut)


def with_rules(file: RobotsFile, keys: frozenset[str]) -> RobotsFile:
    """Return a file with its groups as a protocol reads them whose lines are rules of a group.

    draft-ietf-aipref-attach-05, 3: the line is a rule, so it ends the agent lines above it.
    """
    return file._replace(robots=read_groups(file.lines, strict=False, rule_keys=keys))
