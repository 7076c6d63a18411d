"""Copyright notices of a page: the line in its foot, and `meta` elements with a notice.

A notice names who claims the copyright, often by the default of a template. A name is public
only where it is an organisation's; notices name persons as often.
"""

from collections.abc import Iterator

from crawler import page
from crawler.model import AppliedStatement, Document, Party, Question, Reading
from crawler.organisations import comparable
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import parties
from crawler.protocols.parsing.notice_text import holder_in, name_in
from crawler.vocab import PAGES, Presence

NAME = "copyright_notice"
VERSION = 1
TITLE = "Copyright notice of a page"
SPEC = "https://www.unesco.org/en/legal-affairs/universal-copyright-convention"
FAMILY = "copyright_notice"
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_METAS = frozenset(
    (
        "copyright",
        "dc.rights",
        "dcterms.rights",
        "rights",
        "copyrightnotice",
        "dcterms.rights.holder",
    )
)


def parse(document: Document, /) -> Reading:
    """Return a reading with the parties that notices of a page extract name."""
    elements = page.read_elements(document.body)
    named = parties.unique_parties([*_of_metas(elements), *_of_lines(elements)])
    return Reading(presence=Presence.PRESENT if named else Presence.ABSENT, parties=named)


def _of_lines(elements: tuple[Element, ...]) -> Iterator[Party | None]:
    """Yield the parties of lines in the foot; of lines that name the same party the first."""
    seen: set[str] = set()
    for element in elements:
        if element.tag != page.NOTICE or element.where not in ("footer", "tail"):
            continue
        name = holder_in(element.text)
        if name and (key := comparable(name)) not in seen:
            seen.add(key)
            # At the end of a page without a foot, the notice may be about anything above it.
            in_foot = element.where == "footer"
            yield parties.make_party(
                "copyright_notice.foot" if in_foot else "copyright_notice.end",
                "holder",
                parties.MEDIUM if in_foot else parties.LOW,
                name=name,
                place=f"{'foot' if in_foot else 'end'} of the page, line {element.line}",
            )


def _of_metas(elements: tuple[Element, ...]) -> Iterator[Party | None]:
    for element in elements:
        if element.tag != "meta" or element.where in ("template", "iframe"):
            continue
        written = element.get("name") or element.get("property") or element.get("itemprop") or ""
        name = written.strip().lower().replace(":", ".")
        text = " ".join((element.get("content") or "").split())[:500]
        holder = name_in(text) if name in _METAS and not parties.is_web_url(text) else ""
        if holder:
            yield parties.make_party(
                f"meta.{name}",
                "holder",
                parties.MEDIUM,
                name=holder,
                place=f"meta element, line {element.line}",
            )


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: a notice of copyright is no reservation of mining."""
    return ()
