"""Robots directives in a page: `<meta name="robots">`, or the token of an agent as its name.

They cover the page, and `noimageai` covers the images that it shows. An element outside the head,
or with another attribute than `name`, is a lenient reading.
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
VERSION = 2
TITLE = "Robots meta elements"
SPEC = _directives.SPEC
FAMILY = _directives.FAMILY
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()

_WHITE = " \t\n\f\r"
_NAMING = ("name", "property", "http-equiv")
_MAX_NAME = 64
#: Names that authors write for `robots`.
_NEAR_NAMES = frozenset(("x-robots-tag", "robot", "robots-tag", "robots.txt"))
# Elements in a template or an iframe are not part of the document.
_INERT = frozenset(("meta.in_template", "meta.in_iframe"))


def parse(document: Document, /) -> Reading:
    """Parse the meta elements of a page extract. Directives of all elements add up."""
    every = list(_lines(page.read_elements(document.body)))
    inert = [line for line in every if _INERT.intersection(line.deviations)]
    active = [line for line in every if not _INERT.intersection(line.deviations)]
    return _directives.build_reading(active, inert)


def _lines(elements: tuple[Element, ...]) -> Iterator[DirectiveLine]:
    for element in elements:
        for attribute in _NAMING if element.tag == "meta" else ():
            written = (element.get(attribute) or "").strip(_WHITE)
            agent = _agent(written)
            if agent:
                yield DirectiveLine(
                    declared_by=DeclaredBy.PAGE,
                    name=clean(written.lower()),
                    agent=agent,
                    value=element.get("content") or "",
                    number=element.line,
                    raw=element.raw,
                    deviations=tuple(_deviations(element, attribute, written.lower())),
                )
                break


def _agent(name: str) -> str:
    """Return the agent of an element: `*`, a token as written, or empty for other elements."""
    lower = name.lower()
    if lower == "robots" or lower in _NEAR_NAMES:
        return "*"
    is_token = len(name) <= _MAX_NAME and (lower.endswith("bot") or agents.find(name))
    return clean(name) if is_token else ""


def _deviations(element: Element, attribute: str, name: str) -> Iterator[str]:
    """Yield what keeps an element from the strict reading: its place, attribute or name."""
    if element.where != "head":
        yield f"meta.in_{element.where}"
    if attribute != "name":
        yield f"meta.{attribute.replace('-', '_')}"
    elif name in _NEAR_NAMES:
        yield "meta.header_name" if name == "x-robots-tag" else "meta.name_misspelt"


def statements_for(reading: Reading, question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return the statements for the agent asked about, those that count first."""
    return _directives.statements_for(reading, question)
