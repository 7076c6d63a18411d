"""Content signals in a response header: `Content-Signal`, for the resource answered."""

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement, numbered
from crawler.protocols.content_signals import _values
from crawler.protocols.content_signals._values import FAMILY as FAMILY
from crawler.protocols.content_signals._values import FIELD
from crawler.protocols.content_signals._values import SPEC as SPEC
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document
from crawler.protocols.parsing.header_fields import fields, whole
from crawler.vocab import CONTENT, Presence

NAME = "content_signal_header"
VERSION = 1
TITLE = "Content signals response header"
RANK = 0
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT
HEADERS: tuple[str, ...] = (FIELD,)

_CLAUSE = "Content Signals Policy, (a) to (c), in a response header"
_LINES = 20


def parse(document: Document, /) -> Reading:
    """Read the field; each line speaks for itself, since nothing settles lines that disagree."""
    lines = fields(document, FIELD)
    issues: list[Issue] = []
    statements: list[Statement] = []
    valid = False
    for line in lines[:_LINES]:
        found = _values.signals(line.value)
        valid = valid or found.valid
        issues += [line.issue(f"content_signal.{code}", text) for code, text in found.issues]
        statements += [line.statement(said, _CLAUSE) for said in found.said]
    present = Presence.PRESENT if valid else Presence.MALFORMED
    return Reading(
        presence=present if lines else Presence.ABSENT,
        statements=numbered(statements),
        issues=json_document.capped(issues, FAMILY),
    )


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the header says about the resource it came with, the counting first."""
    return whole(reading)
