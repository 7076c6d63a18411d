"""Robots directives in a page: `<meta name="robots">`, or the token of an agent as its name.

They cover the page, `noimageai` the images it shows. An element outside the head, or one that
uses another attribute than `name`, is a lenient reading.
"""

from collections.abc import Iterator

from crawler import agents, page
from crawler.model import AppliedStatement, Document, Question, Reading
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.robots_directives import _directives
from crawler.protocols.robots_directives._tokens import DirectiveLine
from crawler.vocab import PAGES, DeclaredBy

NAME = "meta_robots"
VERSION = 1
TITLE = "Robots meta elements"
SPEC = _directives.SPEC
FAMILY = _directives.FAMILY
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()

_WHITE = " \t\n\f\r"
_NAMING = ("name", "property", "http-equiv")
_LONGEST_NAME = 64
# Elements in a template or an iframe belong to no document that a reader sees.
_INERT = frozenset(("meta.in_template", "meta.in_iframe"))


def parse(document: Document, /) -> Reading:
    """Read the meta elements of an extract; each adds to what the others say."""
    found = list(_metas(page.elements(document.body)))
    inert = [line for line in found if _INERT.intersection(line.odd)]
    return _directives.read([line for line in found if not _INERT.intersection(line.odd)], inert)


def _metas(elements: tuple[Element, ...]) -> Iterator[DirectiveLine]:
    for element in elements:
        for attribute in _NAMING if element.tag == "meta" else ():
            written = (element.get(attribute) or "").strip(_WHITE)
            agent = _agent(written)
            if agent:
                content = element.get("content") or ""
                odd = tuple(_odd(element, attribute, written.lower()))
                place = (DeclaredBy.PAGE, clean(written.lower()), agent, content)
                yield DirectiveLine(*place, element.line, element.raw, odd)
                break


def _agent(name: str) -> str:
    """Whom an element is for: `*`, an agent as written, or nobody (another kind of element)."""
    lower = name.lower()
    if lower in ("robots", "x-robots-tag"):
        return "*"
    token = len(name) <= _LONGEST_NAME and (lower.endswith("bot") or agents.find(name))
    return clean(name) if token else ""


def _odd(element: Element, attribute: str, name: str) -> Iterator[str]:
    """What keeps an element from the strict reading: its place, its attribute, its name."""
    if element.where != "head":
        yield f"meta.in_{element.where}"
    if attribute != "name":
        yield f"meta.{attribute.replace('-', '_')}"
    elif name == "x-robots-tag":
        yield "meta.header_name"


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """What the page says to the agent asked about, the counting first."""
    return _directives.statements_for(reading, question)
