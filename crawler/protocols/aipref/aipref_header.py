"""AIPREF in response headers: `Content-Usage`, for the content of the message it comes with."""

from crawler.model import AppliedStatement, Document, Question, Reading, numbered
from crawler.protocols.aipref import _vocabulary
from crawler.protocols.aipref._vocabulary import FAMILY as FAMILY
from crawler.protocols.aipref._vocabulary import FIELD
from crawler.protocols.aipref._vocabulary import SPEC as SPEC
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document
from crawler.protocols.parsing.header_fields import fields, whole
from crawler.vocab import CONTENT, Presence

NAME = "aipref_header"
VERSION = 1
TITLE = "AIPREF response header"
RANK = 0
CARRIER = Carrier.HEADERS
RESOURCES = CONTENT
HEADERS: tuple[str, ...] = (FIELD,)

_CLAUSE = "draft-ietf-aipref-attach-05, Content-Usage header field"


def parse(document: Document, /) -> Reading:
    """Read the field; several lines are one dictionary, valid or not as a whole (RFC 9651, 4.2)."""
    lines = fields(document, FIELD)
    if not lines:
        return Reading(presence=Presence.ABSENT)
    found = _vocabulary.preferences(", ".join(line.value for line in lines if line.value))
    text = "\n".join(line.text for line in lines)
    field = lines[0]._replace(text=text)
    issues = [field.issue(f"aipref.{code}", excerpt) for code, excerpt in found.issues]
    return Reading(
        presence=Presence.PRESENT if found.valid else Presence.MALFORMED,
        statements=numbered([field.statement(said, _CLAUSE) for said in found.said]),
        issues=json_document.capped(issues, FAMILY),
    )


def statements_for(reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """All that the header says about the content it came with, the counting first."""
    return whole(reading)
