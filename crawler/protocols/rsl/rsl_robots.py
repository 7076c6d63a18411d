"""RSL in robots.txt: `License:` lines, which name licence documents (RSL 1.0, robots.txt).

A line before any group is for everybody. A line inside a group is for the agents of that group
and replaces the lines for everybody. All documents are named and read. For whom a document
speaks follows only from all carriers that name it: `audience_of`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from crawler import agents
from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import EVERYBODY, Carrier
from crawler.protocols.robots.document import RobotsFile, read_file
from crawler.protocols.robots.line_reader import to_printable
from crawler.protocols.rsl import _statements
from crawler.protocols.rsl._licence import is_http_url
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

_MAX_LINES = 200
_MAX_ISSUES = 200
_MAX_AGENTS = 50


class License(NamedTuple):
    """A `License:` line.

    `agents` are the agents of its group as written; empty for a line before any group.
    """

    url: str
    line: int
    agents: tuple[str, ...] = ()

    def is_for(self, agent: str) -> bool:
        """Return whether the group names an agent (or `*`), compared without case."""
        known = (form for token in self.agents for form in (token, *agents.token_forms(token)))
        return agent.lower() in map(str.lower, known)


class _Licenses(NamedTuple):
    """The rules of a reading (`Reading.rules`): its `License:` lines."""

    lines: tuple[License, ...]


def parse(document: Document, /) -> Reading:
    """Return a reading that names the documents of all lines.

    A relative URI names no document: RSL 1.0, robots.txt, asks for an absolute one.
    """
    file = read_file(document.body)
    # A page served for robots.txt may still hold groups in its text; then it is read as a file.
    if file is None or (file.html and not file.robots.groups):
        return Reading(presence=Presence.ABSENT)
    licenses = _licenses(file)
    texts = file.lines.texts
    links = _statements.read_links(
        (license.url, license.line, to_printable(texts[license.line - 1])) for license in licenses
    )
    # The guide of draft 0.9 ties a line to no agent. RSL 1.0 decides; issues show where it does.
    limited = [
        _group_issue(license)
        for license in licenses
        if license.agents and "*" not in license.agents
    ]
    issues = links.issues[:_MAX_ISSUES]
    return Reading(
        presence=links.presence,
        issues=(*issues, *limited[: _MAX_ISSUES - len(issues)]),
        names=links.names,
        rules=_Licenses(licenses),
    )


def _group_issue(license: License) -> Issue:
    return _statements.issue("license.group", ", ".join(license.agents[:10]), license.line)


def _licenses(file: RobotsFile) -> tuple[License, ...]:
    """Return the first 200 lines in order, each with the agents of the group that it is in."""
    lines, groups = file.lines, file.robots.groups
    licenses: list[License] = []
    group = -1
    for number, (kind, key) in enumerate(zip(lines.kinds, lines.keys, strict=True), start=1):
        if kind != "other" or key.lower() != "license":
            continue
        # RFC 9309, 2.2: only the next group ends a group, so a blank line does not.
        while group + 1 < len(groups) and groups[group + 1].agents[0] < number:
            group += 1
        agent_lines = groups[group].agents if group >= 0 else ()
        tokens = tuple(to_printable(lines.values[n - 1]) for n in agent_lines)
        licenses.append(License(to_printable(lines.values[number - 1]), number, tokens))
        if len(licenses) == _MAX_LINES:
            break
    return tuple(licenses)


def licenses_of(reading: Reading, agent: str) -> tuple[str, ...]:
    """Return the URLs for an agent: those of its group, else of `*`, else those for everybody."""
    rules = reading.rules
    lines = rules.lines if isinstance(rules, _Licenses) else ()
    usable = [license for license in lines if is_http_url(license.url)]
    for token in (agent, "*"):
        urls = tuple(license.url for license in usable if license.is_for(token))
        if urls:
            return urls
    return tuple(license.url for license in usable if not license.agents)


def audience_of(
    document: str, carriers: Iterable[tuple[str, Reading]], agent: str | None
) -> tuple[str, ...]:
    """Return the product tokens of the agents that a licence document speaks to.

    This is the hook `audience` of `rsl` (see `interface.AudienceHook`). `document` is a URL;
    `carriers` are the URLs and readings of all carriers of RSL on the origin. The result is
    `EVERYBODY` where a header, a page or a line for everybody names the document. With `agent`,
    the result is `EVERYBODY` if the document speaks to that agent, else empty.
    """
    tokens: dict[str, None] = {}
    is_named = False
    for base, reading in carriers:
        if document not in _documents(base, reading.names):
            continue
        if not isinstance(reading.rules, _Licenses):
            return EVERYBODY
        is_named = True
        tokens.update(dict.fromkeys(_addressees(document, base, reading, agent)))
    # A document that no carrier names any more speaks to everybody: that is the stricter side.
    return EVERYBODY if "*" in tokens or not is_named else tuple(tokens)[:_MAX_AGENTS]


def _addressees(document: str, base: str, reading: Reading, agent: str | None) -> Iterable[str]:
    """Return the agents for which one robots.txt names a document."""
    if agent not in (None, "*"):
        is_for_agent = document in _documents(base, licenses_of(reading, agent))
        return EVERYBODY if is_for_agent else ()
    lines = reading.rules.lines if isinstance(reading.rules, _Licenses) else ()
    naming = [license for license in lines if document in _documents(base, (license.url,))]
    return [token for license in naming for token in license.agents or EVERYBODY]


def _documents(base: str, names: Iterable[str]) -> set[str | None]:
    """Return the URLs that names lead to, as the crawler requests them."""
    return {resolve.join(base, name) for name in names}


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: the named documents make the statements."""
    return ()
