"""AIPREF in robots.txt: `Content-Usage` lines in groups, with or without a path.

draft-ietf-aipref-attach-05, 3, makes the line a rule, which ends the agent lines above it. In
RFC 9309 it is another record, which must not end a group (2.2.4). The lines of this protocol are
grouped by attach-05 and the rules of access by RFC 9309; an issue tells where the two differ.
"""

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.aipref import _vocabulary
from crawler.protocols.aipref._vocabulary import FAMILY as FAMILY
from crawler.protocols.aipref._vocabulary import FIELD
from crawler.protocols.aipref._vocabulary import SPEC as SPEC
from crawler.protocols.interface import Carrier
from crawler.protocols.robots import extension_scope
from crawler.protocols.robots.extension_lines import (
    ParsedLine,
    build_reading,
    group_lines,
    placement_issues,
    read_extensible,
    split_path,
)
from crawler.protocols.robots.extension_lines import named_agents as named_agents
from crawler.protocols.robots.extension_lines import url_patterns as url_patterns
from crawler.protocols.robots.extension_scope import Precedence
from crawler.vocab import Presence, Resource, Stance

NAME = "aipref_robots"
VERSION = 4
TITLE = "AIPREF in robots.txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "draft-ietf-aipref-attach-05, Content-Usage rule"
_KEYS = frozenset({FIELD})
# attach-05: "paths that cannot be crawled have no associated usage preferences"; preferences of
# identical paths combine, and a longer match replaces all preferences of a shorter one.
_PRECEDENCE = Precedence(whole_line=True, allow_wins=False, crawled=frozenset(Stance))


def parse(document: Document, /) -> Reading:
    """Parse the lines. A line that is no dictionary has no effect; the others count."""
    file = read_extensible(document.body, _KEYS)
    lines = group_lines(file, _KEYS) if file else []
    if file is None or not lines:
        return Reading(presence=Presence.ABSENT)
    issues = list(placement_issues(file, lines, FAMILY))
    parsed: list[ParsedLine] = []
    for line in lines:
        path, value = split_path(line.value)
        preferences = _vocabulary.parse_preferences(value)
        issues += [line.issue(f"aipref.{code}", text) for code, text in preferences.issues]
        parsed.append(
            ParsedLine(line, path, preferences.directives, _CLAUSE, valid=preferences.valid)
        )
    return build_reading(file, parsed, issues, FAMILY)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the longest match in the groups of the agent; equal lines combine."""
    return extension_scope.statements_for(reading, question, _PRECEDENCE)
