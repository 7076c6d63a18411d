"""Content signals in robots.txt: `Content-Signal` lines in groups.

The text of the policy is usually a comment before the lines. It calls restrictions express
reservations of rights under Article 4 of Directive (EU) 2019/790. With that text in the file,
restrictions are tier 1.
"""

import re
from collections.abc import Iterator
from itertools import islice

from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.content_signals import _values
from crawler.protocols.content_signals._values import FAMILY as FAMILY
from crawler.protocols.content_signals._values import FIELD
from crawler.protocols.content_signals._values import SPEC as SPEC
from crawler.protocols.interface import Carrier
from crawler.protocols.robots import extension_scope
from crawler.protocols.robots.document import RobotsFile
from crawler.protocols.robots.extension_lines import (
    ExtensionLine,
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
from crawler.vocab import DeclaredBy, Presence, Resource

NAME = "content_signal_robots"
VERSION = 5
TITLE = "Content signals in robots.txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "Content Signals Policy, (a) to (c)"
# The policy shows the signal as a line of a group, before `Allow`: it is a rule of the group, and
# ends the agent lines above it.
_KEYS = frozenset({FIELD})
# A signal restricts use, whether or not the path may be crawled. Longest match and equal lines
# are not settled by the policy: docs/reference/protocols/content_signal_robots.md says what we do.
_PRECEDENCE = Precedence(whole_line=False, allow_wins=False, crawled=frozenset())
# A sentence of the preamble, and the one that makes restrictions express.
_PREAMBLE = re.compile(r"content-signal = (?:yes|no), you may")
_EXPRESS = "express reservations of rights under article 4"
_MARK = re.compile(r"\s*#+\s*(begin|end) cloudflare managed content", re.IGNORECASE)
_MAX_BLOCKS = 20


def parse(document: Document, /) -> Reading:
    """Parse the lines. The preamble without a line says nothing (clause c)."""
    file = read_extensible(document.body, _KEYS)
    if file is None:
        return Reading(presence=Presence.ABSENT)
    lines = group_lines(file, _KEYS)
    # Most files have neither: their comments are not joined.
    if not lines and b"content-signal" not in document.body.lower():
        return Reading(presence=Presence.ABSENT)
    comments = _comments(file)
    if not lines:
        return _without_lines(comments)
    return _with_lines(file, lines, express=_EXPRESS in comments)


def _without_lines(comments: str) -> Reading:
    preamble = _PREAMBLE.search(comments)
    issue = Issue(code="content_signal.preamble_only", excerpt=preamble[0] if preamble else "")
    return Reading(presence=Presence.ABSENT, issues=(issue,) if preamble else ())


def _with_lines(file: RobotsFile, lines: list[ExtensionLine], *, express: bool) -> Reading:
    blocks = list(islice(_managed_blocks(file), _MAX_BLOCKS))
    issues = list(placement_issues(file, lines, FAMILY))
    parsed: list[ParsedLine] = []
    for line in lines:
        path, value = split_path(line.value)
        signals = _values.parse_signals(value, express=express)
        issues += [line.issue(f"content_signal.{code}", text) for code, text in signals.issues]
        managed = any(line.number in block for block in blocks)
        source = DeclaredBy.CDN_MANAGED if managed else DeclaredBy.ORIGIN_FILE
        parsed.append(ParsedLine(line, path, signals.directives, _CLAUSE, source, signals.valid))
    return build_reading(file, parsed, issues, FAMILY)


def _comments(file: RobotsFile) -> str:
    """Return all comments as one text in lower case, with single spaces: sentences span lines."""
    comments = (text.partition("#")[2] for text in file.lines.texts if "#" in text)
    return " ".join(" ".join(comments).lower().replace("#", " ").split())


def _managed_blocks(file: RobotsFile) -> Iterator[range]:
    """Yield the line numbers of blocks that the network writes; a block needs both marks."""
    begin = None
    for number, text in enumerate(file.lines.texts, start=1):
        mark = _MARK.match(text) if "#" in text else None
        if mark and mark[1].lower() == "begin":
            begin = number
        elif mark and begin is not None:
            yield range(begin, number)
            begin = None


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the longest match for each purpose; equal lines all apply."""
    return extension_scope.statements_for(reading, question, _PRECEDENCE)
