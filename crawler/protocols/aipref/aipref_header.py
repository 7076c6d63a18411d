"""AIPREF in response headers: `Content-Usage` (draft-ietf-aipref-attach-05).

A header applies to the content of its message, not to the resource.
"""

from crawler.model import AppliedStatement, Document, Issue, Question, Reading, Statement, numbered
from crawler.protocols.aipref import _vocabulary
from crawler.protocols.aipref._vocabulary import FAMILY as FAMILY
from crawler.protocols.aipref._vocabulary import FIELD
from crawler.protocols.aipref._vocabulary import SPEC as SPEC
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document
from crawler.protocols.parsing.document_scope import statements_for_document
from crawler.protocols.parsing.header_fields import header_lines, split_lines
from crawler.protocols.parsing.near_names import header_spellings
from crawler.vocab import CONTENT, Presence

NAME = "aipref_header"
VERSION = 2
TITLE = "AIPREF response header"
RANK = 0
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT
HEADERS: tuple[str, ...] = (FIELD, *header_spellings(FIELD))

#: Statements kept of one response, which may be hostile.
_MAX_STATEMENTS = 500
_CLAUSE = "draft-ietf-aipref-attach-05, Content-Usage header field"


def parse(document: Document, /) -> Reading:
    """Parse the field. Several lines form one dictionary (RFC 9651, 4.2).

    A field with a misspelt name is a lenient reading.
    """
    near = [line for line in split_lines(document) if line.name in HEADERS and line.name != FIELD]
    issues = [line.issue("aipref.near_miss") for line in near]
    meant = [
        line.statement(one._replace(strict=False), _CLAUSE)
        for line in near
        for one in _vocabulary.parse_preferences(line.value.strip(" \t")).directives
    ]
    lines = header_lines(document, FIELD)
    if not lines:
        return _reading(Presence.MALFORMED if near else Presence.ABSENT, meant, issues)
    preferences = _vocabulary.parse_preferences(
        ", ".join(line.value for line in lines if line.value)
    )
    text = "\n".join(line.text for line in lines)
    field = lines[0]._replace(text=text)
    issues += [field.issue(f"aipref.{code}", excerpt) for code, excerpt in preferences.issues]
    presence = Presence.PRESENT if preferences.valid else Presence.MALFORMED
    statements = [field.statement(one, _CLAUSE) for one in preferences.directives]
    return _reading(presence, [*statements, *meant], issues)


def _reading(presence: Presence, statements: list[Statement], issues: list[Issue]) -> Reading:
    return Reading(
        presence=presence,
        statements=numbered(statements[:_MAX_STATEMENTS]),
        issues=json_document.limit_issues(issues, FAMILY),
    )


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return all statements, those that count first: they cover the content of the message."""
    return statements_for_document(reading)
