"""AIPREF in robots.txt: `Content-Usage` lines in groups, with or without a path.

The draft makes the line a rule of its group; RFC 9309 knows it as another record, which must not
end a group. Where the two differ about who is addressed, RFC 9309 decides, and an issue says so.
"""

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.aipref import _vocabulary
from crawler.protocols.aipref._vocabulary import FAMILY as FAMILY
from crawler.protocols.aipref._vocabulary import FIELD
from crawler.protocols.aipref._vocabulary import SPEC as SPEC
from crawler.protocols.interface import Carrier
from crawler.protocols.robots.extension_lines import (
    ParsedLine,
    group_lines,
    open_file,
    places,
    reading,
    split_path,
)
from crawler.protocols.robots.extension_scope import Precedence
from crawler.protocols.robots.extension_scope import statements_for as speaking
from crawler.vocab import Presence, Resource, Stance

NAME = "aipref_robots"
VERSION = 1
TITLE = "AIPREF in robots.txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "draft-ietf-aipref-attach-05, Content-Usage rule"
_KEYS = frozenset({FIELD})
# "Paths that cannot be crawled have no associated usage preferences"; identical paths combine.
_PRECEDENCE = Precedence(whole_line=True, allow_wins=False, crawled=frozenset(Stance))


def parse(document: Document, /) -> Reading:
    """Read the lines; one that is no dictionary says nothing, and the others count."""
    file = open_file(document.body)
    lines = group_lines(file, _KEYS) if file else []
    if file is None or not lines:
        return Reading(presence=Presence.ABSENT)
    issues = list(places(file, lines, FAMILY))
    told: list[ParsedLine] = []
    for line in lines:
        path, value = split_path(line.value)
        found = _vocabulary.preferences(value)
        issues += [line.issue(f"aipref.{code}", text) for code, text in found.issues]
        told.append(ParsedLine(line, path, found.said, _CLAUSE, valid=found.valid))
    return reading(file, told, issues, FAMILY)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What speaks to a question: the longest match of the agent's groups, equal ones together."""
    return speaking(reading, question, _PRECEDENCE)
