"""Content signals in robots.txt: `Content-Signal` lines in groups.

The policy's text, usually put in front as a comment, calls restrictions express reservations
under Article 4 of Directive (EU) 2019/790; with that text in the file they are tier 1.
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
from crawler.protocols.robots.document import File
from crawler.protocols.robots.extension_lines import (
    ExtensionLine,
    ParsedLine,
    group_lines,
    open_file,
    places,
    reading,
    split_path,
)
from crawler.protocols.robots.extension_scope import Precedence
from crawler.protocols.robots.extension_scope import statements_for as speaking
from crawler.vocab import DeclaredBy, Presence, Resource

NAME = "content_signal_robots"
VERSION = 1
TITLE = "Content signals in robots.txt"
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.ROBOTS_TXT})
HEADERS: tuple[str, ...] = ()

_CLAUSE = "Content Signals Policy, (a) to (c)"
_KEYS = frozenset({FIELD})
# A signal restricts use, whether or not the path may be crawled.
_PRECEDENCE = Precedence(whole_line=False, allow_wins=False, crawled=frozenset())
_POLICY = re.compile(r"content-signal = (?:yes|no), you may")
_EXPRESS = "express reservations of rights under article 4"
_MARK = re.compile(r"\s*#+\s*(begin|end) cloudflare managed content", re.IGNORECASE)
_BLOCKS = 20


def parse(document: Document, /) -> Reading:
    """Read the lines; the policy's text alone says nothing (clause c)."""
    file = open_file(document.body)
    if file is None or b"content-signal" not in document.body.lower():
        return Reading(presence=Presence.ABSENT)
    comments = _comments(file)
    lines = group_lines(file, _KEYS)
    if not lines:
        return _nothing(comments)
    return _read(file, lines, express=_EXPRESS in comments)


def _nothing(comments: str) -> Reading:
    found = _POLICY.search(comments)
    issue = Issue(code="content_signal.preamble_only", excerpt=found[0] if found else "")
    return Reading(presence=Presence.ABSENT, issues=(issue,) if found else ())


def _read(file: File, lines: list[ExtensionLine], *, express: bool) -> Reading:
    blocks = list(islice(_managed(file), _BLOCKS))
    issues = list(places(file, lines, FAMILY))
    told: list[ParsedLine] = []
    for line in lines:
        path, value = split_path(line.value)
        found = _values.signals(value, express=express)
        issues += [line.issue(f"content_signal.{code}", text) for code, text in found.issues]
        managed = any(line.number in block for block in blocks)
        by = DeclaredBy.CDN_MANAGED if managed else DeclaredBy.ORIGIN_FILE
        told.append(ParsedLine(line, path, found.said, _CLAUSE, by, found.valid))
    return reading(file, told, issues, FAMILY)


def _comments(file: File) -> str:
    """The text of all comments in lower case, with single spaces: sentences span lines."""
    found = (text.partition("#")[2] for text in file.lines.texts if "#" in text)
    return " ".join(" ".join(found).lower().replace("#", " ").split())


def _managed(file: File) -> Iterator[range]:
    """The lines of blocks that the content delivery network writes, with both marks."""
    begin = None
    for number, text in enumerate(file.lines.texts, start=1):
        mark = _MARK.match(text) if "#" in text else None
        if mark and mark[1].lower() == "begin":
            begin = number
        elif mark and begin is not None:
            yield range(begin, number)
            begin = None


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What speaks to a question: for each purpose the longest match, equal ones together."""
    return speaking(reading, question, _PRECEDENCE)
