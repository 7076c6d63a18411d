"""RSL in pages: a `link` that names a licence document, or a `script` that holds one (RSL 1.0).

A script speaks for its own page. What it says about other paths of the origin is kept as the
path pattern of its statements.
"""

from dataclasses import replace

from crawler import page
from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.xml_document import read_xml
from crawler.protocols.rsl import _statements
from crawler.vocab import PAGES, DeclaredBy, Presence

NAME = "rsl_html"
VERSION = 3
TITLE = "RSL in pages"
SPEC = _statements.SPEC
FAMILY = _statements.FAMILY
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()

# Optional hooks of `interface`.
url_patterns = _statements.url_patterns
names_hosts = _statements.names_hosts

# Elements in a template or an iframe belong to no document that a reader sees.
_INERT = ("template", "iframe")


def parse(document: Document, /) -> Reading:
    """Return the reading of the links and scripts in a page extract that have RSL's media type.

    A licence link without that type is general metadata (HTML, link type `license`), not RSL.
    """
    elements = [
        element
        for element in page.read_elements(document.body)
        if _is_rsl(element) and element.where not in _INERT
    ]
    # A relative `href` is resolved as HTML resolves it (2.4.2); RSL asks for an absolute one.
    links = _statements.read_links(
        (_link(element) for element in elements if element.tag == "link"), follows_relative=True
    )
    inline = [_read_script(element) for element in elements if element.tag == "script"]
    readings = [links, *inline] if links.presence is not Presence.ABSENT else inline
    # One usable link or conforming document is enough for presence.
    order = (Presence.PRESENT, Presence.MALFORMED)
    presences = {reading.presence for reading in readings}
    rules = [_statements.rules_of(reading) for reading in inline]
    has_unread = links.has_unread or any(
        reading.presence is Presence.MALFORMED and not reading.statements for reading in inline
    )
    reading = _statements.make_reading(
        next((presence for presence in order if presence in presences), Presence.ABSENT),
        [licensed for each in rules for licensed in each.statements],
        [issue for reading in readings for issue in reading.issues],
        names=links.names,
        parties=next((reading.parties for reading in inline if reading.parties), ()),
    )
    return replace(reading, has_unread=has_unread)


def _is_rsl(element: Element) -> bool:
    media_type = (element.get("type") or "").partition(";")[0].strip().lower()
    if media_type != _statements.MEDIA_TYPE:
        return False
    return element.tag == "script" or (
        element.tag == "link" and "license" in (element.get("rel") or "").lower().split()
    )


def _link(element: Element) -> tuple[str, int, str]:
    return (element.get("href") or "").strip(), element.line, element.raw


def _read_script(element: Element) -> Reading:
    """Return the reading of the document in a script, with lines counted from the page's start."""
    text = element.text.lstrip()
    first = element.line + element.text[: len(element.text) - len(text)].count("\n")
    # The line of an element is where its tag begins; the tag itself may span lines.
    first += element.raw.count("\n")
    xml = read_xml(text.encode("utf-8", "replace"), "utf-8")
    return _statements.read_document(xml, DeclaredBy.PAGE, "script", first)


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements of the documents inside the page; links state nothing themselves."""
    return _statements.statements_for(reading, question)
