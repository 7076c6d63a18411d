"""RSL in a page: a `link` that names a licence document, or a `script` that holds one.

A script speaks for the page it stands in. What it says about other paths of the origin is
kept as the path pattern of its statements.
"""

from crawler import page
from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.xml_document import read_xml
from crawler.protocols.rsl import _statements
from crawler.vocab import PAGES, DeclaredBy, Presence

NAME = "rsl_html"
VERSION = 1
TITLE = "RSL in pages"
SPEC = _statements.SPEC
FAMILY = _statements.FAMILY
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()

# Elements in a template or an iframe belong to no document that a reader sees.
_INERT = ("template", "iframe")


def parse(document: Document, /) -> Reading:
    """Read links and scripts of RSL's media type; other licence links say nothing here."""
    found = [e for e in page.elements(document.body) if _is_rsl(e) and e.where not in _INERT]
    links = _statements.pointer(_link(e) for e in found if e.tag == "link")
    inline = [_inline(element) for element in found if element.tag == "script"]
    readings = [links, *inline] if links.presence is not Presence.ABSENT else inline
    order = (Presence.PRESENT, Presence.MALFORMED)
    presences = {reading.presence for reading in readings}
    rules = [_statements.rules_of(reading) for reading in inline]
    return _statements.made(
        next((presence for presence in order if presence in presences), Presence.ABSENT),
        [one for each in rules for one in each.said],
        [issue for reading in readings for issue in reading.issues],
        names=links.names,
        parties=next((reading.parties for reading in inline if reading.parties), ()),
    )


def _is_rsl(element: Element) -> bool:
    media_type = (element.get("type") or "").partition(";")[0].strip().lower()
    if media_type != _statements.MEDIA_TYPE:
        return False
    return element.tag == "script" or (
        element.tag == "link" and "license" in (element.get("rel") or "").lower().split()
    )


def _link(element: Element) -> tuple[str, int, str]:
    return (element.get("href") or "").strip(), element.line, element.raw


def _inline(element: Element) -> Reading:
    """The document in a script, read by the code that reads one in a file."""
    text = element.text.lstrip()
    first = element.line + element.text[: len(element.text) - len(text)].count("\n")
    first += element.raw.count("\n")
    xml = read_xml(text.encode("utf-8", "replace"), "utf-8")
    return _statements.read(xml, DeclaredBy.PAGE, "script", first)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What the documents in the page say; links say nothing themselves."""
    return _statements.statements_for(reading, question)
