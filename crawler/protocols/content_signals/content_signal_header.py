"""Content signals in a response header: `Content-Signal`, for the resource of the response.

The policy does not define this carrier. Cloudflare's converter of pages to Markdown sends it.
"""

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement, numbered
from crawler.protocols.content_signals import _values
from crawler.protocols.content_signals._values import FAMILY as FAMILY
from crawler.protocols.content_signals._values import FIELD
from crawler.protocols.content_signals._values import SPEC as SPEC
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document
from crawler.protocols.parsing.document_scope import statements_for_document
from crawler.protocols.parsing.header_fields import split_lines
from crawler.protocols.parsing.near_names import header_spellings
from crawler.vocab import CONTENT, Presence

NAME = "content_signal_header"
VERSION = 3
TITLE = "Content signals response header"
RANK = 0
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT
HEADERS: tuple[str, ...] = (FIELD, *header_spellings(FIELD))

_CLAUSE = "Content Signals Policy, (a) to (c), in a response header"
_MAX_LINES = 20


def parse(document: Document, /) -> Reading:
    """Parse the field. Each line counts: the policy has no rule for lines that disagree.

    A field with a misspelt name is a lenient reading.
    """
    lines = [line for line in split_lines(document) if line.name in HEADERS]
    # Misspelt fields come last, so that they never push one of the right name over the limit.
    lines.sort(key=lambda line: line.name != FIELD)
    issues: list[Issue] = []
    statements: list[Statement] = []
    valid = False
    for line in lines[:_MAX_LINES]:
        is_near = line.name != FIELD
        issues += [line.issue("content_signal.near_miss")] if is_near else []
        signals = _values.parse_signals(line.value.strip(" \t"), strict=not is_near)
        valid = valid or signals.valid
        issues += [line.issue(f"content_signal.{code}", text) for code, text in signals.issues]
        statements += [line.statement(one, _CLAUSE) for one in signals.directives]
    present = Presence.PRESENT if valid else Presence.MALFORMED
    return Reading(
        presence=present if lines else Presence.ABSENT,
        statements=numbered(statements),
        issues=json_document.limit_issues(issues, FAMILY),
    )


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, those that count first: they cover the resource."""
    return statements_for_document(reading)
