"""RSL in robots.txt: `License:` lines, which name licence documents.

A line before any group is for everybody, one inside a group for the agents of that group
(RSL 1.0); older documents say that it belongs to no agent. All are named and read.
"""

from typing import NamedTuple

from crawler.model import Document, Issue, Question, Reading, Voice
from crawler.protocols import _rsl
from crawler.protocols._interface import Carrier
from crawler.protocols._robots_file import File, read_file
from crawler.protocols._robots_lines import shown
from crawler.protocols._rsl_licence import http_url
from crawler.vocab import Presence, Resource

NAME = "rsl_robots"
VERSION = 1
TITLE = "RSL License lines in robots.txt"
SPEC = _rsl.SPEC
FAMILY = _rsl.FAMILY
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_MOST = 200


class License(NamedTuple):
    """A `License:` line: its URL as written, and the agents of its group in lower case."""

    url: str
    line: int
    agents: tuple[str, ...] = ()


class _Licenses(NamedTuple):
    lines: tuple[License, ...]


def parse(document: Document, /) -> Reading:
    """Name the documents of all lines; a relative URI is none (RSL 1.0, robots.txt)."""
    file = read_file(document.body)
    if file is None or (file.html and not file.robots.groups):
        return Reading(presence=Presence.ABSENT)
    licenses = _licenses(file)
    texts = file.lines.texts
    found = _rsl.pointer((each.url, each.line, shown(texts[each.line - 1])) for each in licenses)
    some = [_grouped(each) for each in licenses if each.agents and "*" not in each.agents]
    return Reading(
        presence=found.presence,
        issues=(*found.issues[:_MOST], *some[: _MOST - len(found.issues[:_MOST])]),
        names=found.names,
        rules=_Licenses(licenses),
    )


def _grouped(found: License) -> Issue:
    return _rsl.issue("license.group", ", ".join(found.agents[:10]), found.line)


def _licenses(file: File) -> tuple[License, ...]:
    """The lines in order, each with the agents of the group that it stands in."""
    lines, groups = file.lines, file.robots.groups
    found: list[License] = []
    at = -1
    for number, (kind, key) in enumerate(zip(lines.kinds, lines.keys, strict=True), start=1):
        if kind != "other" or key.lower() != "license":
            continue
        while at + 1 < len(groups) and groups[at + 1].agents[0] < number:
            at += 1
        named = groups[at].agents if at >= 0 else ()
        agents = tuple(shown(lines.values[n - 1]).lower() for n in named)
        found.append(License(shown(lines.values[number - 1]), number, agents))
        if len(found) == _MOST:
            break
    return tuple(found)


def licenses_of(reading: Reading, agent: str) -> tuple[str, ...]:
    """The documents for an agent: those of its group, else those for everybody."""
    rules = reading.rules
    lines = rules.lines if isinstance(rules, _Licenses) else ()
    usable = [each for each in lines if http_url(each.url)]
    for group in (agent.lower(), "*"):
        own = tuple(each.url for each in usable if group in each.agents)
        if own:
            return own
    return tuple(each.url for each in usable if not each.agents)


def voices(_reading: Reading, _question: Question, /) -> tuple[Voice, ...]:
    """Nothing: the documents that are named speak for themselves."""
    return ()
