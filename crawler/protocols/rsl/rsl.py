"""RSL licence document: the XML file that robots.txt, a header or a page names (RSL 1.0).

What it prohibits is reserved. What it permits for money is offered on terms. What a list of
permissions does not name is not licensed. What it says of another host is nothing about this
one. A document that does not conform does not count, and a document that could not be fetched
is no reservation.
"""

from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.xml_document import read_xml
from crawler.protocols.rsl import _statements, rsl_robots
from crawler.vocab import DeclaredBy, Presence, Resource

NAME = "rsl"
VERSION = 3
TITLE = "RSL licence document"
SPEC = _statements.SPEC
FAMILY = _statements.FAMILY
RANK = 0
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.RSL_LICENSE})
HEADERS: tuple[str, ...] = ()

# Optional hooks of `interface`. The audience follows from the carriers that name a document.
# It is defined here and not in `rsl_robots`: the evaluator finds a hook by RESOURCES.
url_patterns = _statements.url_patterns
names_hosts = _statements.names_hosts
audience = rsl_robots.audience_of
is_named_loosely = rsl_robots.loose_name_of
named_documents = rsl_robots.documents_named_by


def parse(document: Document, /) -> Reading:
    """Return the reading of a licence document.

    RSL 1.0 lets clients accept another Content-Type where the namespace is right.
    """
    body = document.body
    if not body.strip():
        return Reading(presence=Presence.ABSENT, issues=(_statements.issue("empty"),))
    # Without `<` there is no markup. Octets of zero hint at another encoding of `<`: then the XML
    # parser decides.
    if b"\x00" not in body[:4] and b"<" not in body[:4096]:
        text = body[:400].decode("utf-8", "replace")
        return Reading(
            presence=Presence.ABSENT, issues=(_statements.issue("other_format", text, 1),)
        )
    xml = read_xml(body)
    if xml.fault == "xml" and "html" in document.media_type:
        xml = xml._replace(fault="html")
    return _statements.read_document(xml, DeclaredBy.ORIGIN_FILE, "RSL")


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements that decide for a path, or for the whole origin.

    Statements that do not count come last.
    """
    return _statements.statements_for(reading, question)
