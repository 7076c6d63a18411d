"""RSL, Really Simple Licensing: the licence document that an origin or a page names.

What it prohibits is reserved, what it permits for money is offered on terms, and what a list
of permissions does not name is not licensed. A document that does not conform decides
nothing, and one that could not be had is no reservation.
"""

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.xml_document import read_xml
from crawler.protocols.rsl import _statements
from crawler.vocab import DeclaredBy, Presence, Resource

NAME = "rsl"
VERSION = 1
TITLE = "RSL licence document"
SPEC = _statements.SPEC
FAMILY = _statements.FAMILY
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.RSL_LICENSE})
HEADERS: tuple[str, ...] = ()


def parse(document: Document, /) -> Reading:
    """Read a document; another Content-Type is no fault where the namespace is right."""
    body = document.body
    if not body.strip():
        return Reading(presence=Presence.ABSENT, issues=(_statements.issue("empty"),))
    if b"\x00" not in body[:4] and b"<" not in body[:4096]:
        text = body[:400].decode("utf-8", "replace")
        return Reading(
            presence=Presence.ABSENT, issues=(_statements.issue("other_format", text, 1),)
        )
    xml = read_xml(body)
    if xml.fault == "xml" and "html" in document.media_type:
        xml = xml._replace(fault="html")
    return _statements.read(xml, DeclaredBy.ORIGIN_FILE, "RSL")


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What decides for a path, or for the whole origin; what does not count comes last."""
    return _statements.statements_for(reading, question)
