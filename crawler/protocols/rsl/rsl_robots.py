"""RSL in robots.txt: `License:` lines, which name licence documents.

A line before any group is for everybody, one inside a group for the agents of that group, in
place of those for everybody (RSL 1.0, robots.txt). All are named and read; to whom a document
speaks is known where all that name it are seen together: `audience_of`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from crawler import agents
from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.robots.document import File, read_file
from crawler.protocols.robots.line_reader import shown
from crawler.protocols.rsl import _statements
from crawler.protocols.rsl._licence import http_url
from crawler.urls import resolve
from crawler.vocab import Presence, Resource

NAME = "rsl_robots"
VERSION = 1
TITLE = "RSL License lines in robots.txt"
SPEC = _statements.SPEC
FAMILY = _statements.FAMILY
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

#: The audience that is everybody, or all of those asked about.
EVERYBODY = ("*",)
_MOST = 200
_AGENTS = 50


class License(NamedTuple):
    """A `License:` line: its URL and the agents of its group as written, none before any group."""

    url: str
    line: int
    agents: tuple[str, ...] = ()

    def is_for(self, agent: str) -> bool:
        """Whether the group names an agent, `*` among them; tokens have no case."""
        known = (form for token in self.agents for form in (token, *agents.candidates(token)))
        return agent.lower() in map(str.lower, known)


class _Licenses(NamedTuple):
    lines: tuple[License, ...]


def parse(document: Document, /) -> Reading:
    """Name the documents of all lines; a relative URI is none (RSL 1.0, robots.txt)."""
    file = read_file(document.body)
    if file is None or (file.html and not file.robots.groups):
        return Reading(presence=Presence.ABSENT)
    licenses = _licenses(file)
    texts = file.lines.texts
    found = _statements.pointer(
        (each.url, each.line, shown(texts[each.line - 1])) for each in licenses
    )
    some = [_grouped(each) for each in licenses if each.agents and "*" not in each.agents]
    return Reading(
        presence=found.presence,
        issues=(*found.issues[:_MOST], *some[: _MOST - len(found.issues[:_MOST])]),
        names=found.names,
        rules=_Licenses(licenses),
    )


def _grouped(found: License) -> Issue:
    return _statements.issue("license.group", ", ".join(found.agents[:10]), found.line)


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
        tokens = tuple(shown(lines.values[n - 1]) for n in named)
        found.append(License(shown(lines.values[number - 1]), number, tokens))
        if len(found) == _MOST:
            break
    return tuple(found)


def licenses_of(reading: Reading, agent: str) -> tuple[str, ...]:
    """The documents for an agent: those of its group, else those for everybody."""
    rules = reading.rules
    lines = rules.lines if isinstance(rules, _Licenses) else ()
    usable = [each for each in lines if http_url(each.url)]
    for group in (agent, "*"):
        own = tuple(each.url for each in usable if each.is_for(group))
        if own:
            return own
    return tuple(each.url for each in usable if not each.agents)


def audience_of(
    document: str, carriers: Iterable[tuple[str, Reading]], agent: str | None
) -> tuple[str, ...]:
    """The agents that a document speaks to, of all carriers (URL, reading) that may name it.

    Everybody where a header, a page or a line for everybody names it, and where nothing names
    it any more: what it says is not made less for want of a name. With `agent`, everybody or
    nobody: whether it speaks to that one.
    """
    told: dict[str, None] = {}
    named = False
    for base, reading in carriers:
        if document not in _documents(base, reading.names):
            continue
        if not isinstance(reading.rules, _Licenses):
            return EVERYBODY
        named = True
        told.update(dict.fromkeys(_told(document, base, reading, agent)))
    return EVERYBODY if "*" in told or not named else tuple(told)[:_AGENTS]


def _told(document: str, base: str, reading: Reading, agent: str | None) -> Iterable[str]:
    """Whom a robots.txt that names a document gives it to."""
    if agent not in (None, "*"):
        mine = document in _documents(base, licenses_of(reading, agent))
        return EVERYBODY if mine else ()
    lines = reading.rules.lines if isinstance(reading.rules, _Licenses) else ()
    naming = [each for each in lines if document in _documents(base, (each.url,))]
    return [token for each in naming for token in each.agents or EVERYBODY]


def _documents(base: str, names: Iterable[str]) -> set[str | None]:
    """Names as the URLs that are asked for."""
    return {resolve.join(base, name) for name in names}


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Nothing: the documents that are named speak for themselves."""
    return ()
