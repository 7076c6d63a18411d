"""RSL in robots.txt: `License:` lines, which name licence documents (RSL 1.0, robots.txt).

A line before any group is for everybody. A line inside a group is for the agents of that group
and replaces the lines for everybody. All documents are named and read. For whom a document
speaks follows only from all carriers that name it: `audience_of`.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from crawler import agents
from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import EVERYBODY, Carrier
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.parsing.near_names import NearNames
from crawler.protocols.robots.document import RobotsFile, read_file
from crawler.protocols.robots.line_reader import (
    AGENT,
    ALLOW,
    DISALLOW,
    EXTENSION_KEYS,
    OTHER,
    to_printable,
)
from crawler.protocols.rsl import _statements
from crawler.protocols.rsl._licence import is_http_url
from crawler.urls import resolve
from crawler.vocab import Presence, Resource

NAME = "rsl_robots"
VERSION = 3
TITLE = "RSL License lines in robots.txt"
SPEC = _statements.SPEC
FAMILY = _statements.FAMILY
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_SPELLINGS = NearNames(("license",), {"licence": "license"})
_MAX_LINES = 200
_MAX_ISSUES = 200
_MAX_AGENTS = 50


class License(NamedTuple):
    """A `License:` line.

    `agents` are the agents of its group as written; empty for a line before any group. `is_near`
    is set for a key such as `Licence`, which RSL does not have: a lenient reading.
    """

    url: str
    line: int
    agents: tuple[str, ...] = ()
    is_near: bool = False

    def is_for(self, agent: str) -> bool:
        """Return whether the group names an agent (or `*`), compared without case."""
        known = (form for token in self.agents for form in (token, *agents.token_forms(token)))
        return agent.lower() in map(str.lower, known)


class _Licenses(NamedTuple):
    """The rules of a reading (`Reading.rules`): its `License:` lines.

    `unlicensed` are the agents of groups without such a line, as written, except `*`.
    """

    lines: tuple[License, ...]
    unlicensed: tuple[str, ...] = ()


def parse(document: Document, /) -> Reading:
    """Return a reading that names the documents of all lines.

    A relative URI names no document: RSL 1.0, robots.txt, asks for an absolute one.
    """
    file = read_file(document.body)
    # A page served for robots.txt may still hold groups in its text; then it is read as a file.
    if file is None or (file.html and not file.robots.groups):
        return Reading(presence=Presence.ABSENT)
    groups = _groups(file)
    licenses = _licenses(groups)
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
    all_near = bool(licenses) and all(license.is_near for license in licenses)
    misspelt = (
        _statements.issue("license.near_miss", to_printable(texts[one.line - 1]), one.line)
        for one in licenses
        if one.is_near
    )
    issues = (*links.issues, *misspelt)[:_MAX_ISSUES]
    return Reading(
        presence=Presence.MALFORMED if all_near else links.presence,
        issues=(*issues, *limited[: _MAX_ISSUES - len(issues)]),
        names=links.names,
        has_unread=links.has_unread,
        rules=_Licenses(licenses, _unlicensed(groups) if licenses else ()),
    )


def _group_issue(license: License) -> Issue:
    return _statements.issue("license.group", ", ".join(license.agents[:10]), license.line)


class _LicenseGroup(NamedTuple):
    """A group by the grammar of RSL: its agents as written, and its lines."""

    agents: list[str]
    licenses: list[License]


def _groups(file: RobotsFile) -> list[_LicenseGroup]:
    """Return the groups in order, first the one for everybody, with the first 200 lines in all.

    RSL 1.0, 4.4.2: a `License` line belongs to the group that it is in, like a rule. So it ends
    the agent lines above it, which RFC 9309, 2.2, reserves to `Allow` and `Disallow`; and so do
    the lines of other extensions. Otherwise a licence for one agent would be one for everybody.
    """
    lines = file.lines
    groups = [_LicenseGroup([], [])]
    is_open, count = False, 0
    for number, (kind, key) in enumerate(zip(lines.kinds, lines.keys, strict=True), start=1):
        name = key.strip().lower()
        if kind == AGENT:
            if not is_open:
                groups.append(_LicenseGroup([], []))
            groups[-1].agents.append(to_printable(lines.values[number - 1]))
        elif kind == OTHER and count < _MAX_LINES and _is_license(name):
            url = to_printable(lines.values[number - 1])
            is_near = name != "license" or bool(lines.deviations[number - 1])
            groups[-1].licenses.append(License(url, number, is_near=is_near))
            count += 1
        # Blank lines, comments and records such as Sitemap end nothing (RFC 9309, 2.2).
        is_open = kind == AGENT or (
            is_open and kind not in (ALLOW, DISALLOW) and name not in EXTENSION_KEYS
        )
    return groups


@lru_cache(maxsize=4096)
def _is_license(key: str) -> bool:
    """Return whether a key is `license`, or was meant for it: `Licence`, `Licenses`."""
    return key == "license" or (key not in EXTENSION_KEYS and bool(_SPELLINGS.meant(key)))


def _licenses(groups: list[_LicenseGroup]) -> tuple[License, ...]:
    """Return the lines in order, each with the agents of the group that it is in."""
    return tuple(
        license._replace(agents=tuple(group.agents))
        for group in groups
        for license in group.licenses
    )


def _unlicensed(groups: list[_LicenseGroup]) -> tuple[str, ...]:
    """Return the agents of groups without a `License` line, each once and at most 50."""
    licensed = {a.lower() for group in groups if group.licenses for a in group.agents}
    tokens = dict.fromkeys(token for group in groups for token in group.agents)
    others = [token for token in tokens if token != "*" and token.lower() not in licensed]
    return tuple(others[:_MAX_AGENTS])


def named_agents(reading: Reading, /) -> Iterator[str]:
    """Yield the product tokens that lines speak to apart from everybody, as written.

    This is the optional hook of `interface`.
    """
    rules = reading.rules
    if isinstance(rules, _Licenses) and any(license.agents for license in rules.lines):
        tokens = (token for license in rules.lines for token in license.agents)
        yield from dict.fromkeys(token for token in (*tokens, *rules.unlicensed) if token != "*")


def licenses_of(reading: Reading, agent: str) -> tuple[str, ...]:
    """Return the URLs for an agent: those of its group, else of `*`, else those for everybody.

    RSL 1.0, 4.4.2: a group's lines replace those for everybody, for that group. An agent
    that a group names does not belong to the group `*` (RFC 9309, 2.2.1).
    """
    rules = reading.rules if isinstance(reading.rules, _Licenses) else _Licenses(())
    usable = [license for license in rules.lines if is_http_url(license.url)]
    # A misspelt line replaces none that is spelt as specified.
    usable = [license for license in usable if not license.is_near] or usable
    has_own_group = License("", 0, rules.unlicensed).is_for(agent)
    for token in (agent,) if has_own_group else (agent, "*"):
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
    the result is `EVERYBODY` if the document speaks to that agent, else empty. It is empty for
    a document that nothing names any more: a link that was taken away offers and reserves nothing.
    """
    tokens: dict[str, None] = {}
    for base, reading in carriers:
        if document not in _documents(base, reading.names):
            continue
        if not isinstance(reading.rules, _Licenses):
            return EVERYBODY
        tokens.update(dict.fromkeys(_addressees(document, base, reading, agent)))
    return EVERYBODY if "*" in tokens else tuple(tokens)[:_MAX_AGENTS]


def documents_named_by(carriers: Iterable[tuple[str, Reading]]) -> tuple[str, ...]:
    """Return the URLs of the documents that carriers name as RSL wants it, each once.

    This is the hook `named_documents` of `rsl`.
    """
    urls = {
        resolve.join(base, name): None
        for base, reading in carriers
        for name in reading.names
        if is_http_url(name)
    }
    return tuple(url for url in urls if url is not None)


def loose_name_of(document: str, carriers: Iterable[tuple[str, Reading]]) -> bool:
    """Return whether a document is named by relative URLs or misspelt keys only.

    This is the hook `is_named_loosely` of `rsl`; the arguments are those of `audience_of`.
    """
    naming = [
        is_http_url(name) and not _is_misspelt(name, reading)
        for base, reading in carriers
        for name in reading.names
        if document in _documents(base, (name,))
    ]
    return bool(naming) and not any(naming)


def _is_misspelt(url: str, reading: Reading) -> bool:
    """Return whether all lines of a robots.txt that name a URL have a misspelt key."""
    lines = reading.rules.lines if isinstance(reading.rules, _Licenses) else ()
    naming = [line.is_near for line in lines if clean(line.url) == url]
    return bool(naming) and all(naming)


def _addressees(document: str, base: str, reading: Reading, agent: str | None) -> Iterable[str]:
    """Return the agents for which one robots.txt names a document."""
    if agent not in (None, "*"):
        is_for_agent = document in _documents(base, licenses_of(reading, agent))
        return EVERYBODY if is_for_agent else ()
    rules = reading.rules if isinstance(reading.rules, _Licenses) else _Licenses(())
    naming = [license for license in rules.lines if document in _documents(base, (license.url,))]
    if all(license.is_near for license in naming):
        return [token for license in naming for token in license.agents or EVERYBODY]
    # RSL 1.0, 4.4.2: with lines in the group `*`, those for everybody are left to other groups.
    is_replaced = any(
        "*" in other.agents and is_http_url(other.url) and not other.is_near
        for other in rules.lines
    )
    everybody = rules.unlicensed if is_replaced else EVERYBODY
    return [token for license in naming for token in license.agents or everybody]


def _documents(base: str, names: Iterable[str]) -> set[str | None]:
    """Return the URLs that names lead to, as the crawler requests them."""
    return {resolve.join(base, name) for name in names}


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: the named documents make the statements."""
    return ()
