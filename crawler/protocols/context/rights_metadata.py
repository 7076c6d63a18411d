"""Rights metadata of a page: parties in schema.org, Dublin Core, Open Graph and licence links.

A page names a rights holder, a publisher or a licence, often by the default of a tool. It is
the claim of one side about the page's content, and never a reservation. Sentences in elements
about rights are candidates.
"""

from collections.abc import Iterator
from dataclasses import replace

from crawler import page
from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.page import Element
from crawler.protocols.context._schema_org import schema_parties, text_party
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.prose import text_search
from crawler.vocab import PAGES, Presence

NAME = "rights_metadata"
VERSION = 4
TITLE = "Rights metadata of a page"
SPEC = "https://schema.org/copyrightHolder, https://www.dublincore.org/specifications/dublin-core/"
FAMILY = "rights_metadata"
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_INERT = ("template", "iframe")
# The name of a site is that of a party only where it is an organisation's.
_HOLDERS = {
    "dcterms.rightsholder": ("holder", parties.MEDIUM),
    "dc.rightsholder": ("holder", parties.MEDIUM),
    "dc.publisher": ("publisher", parties.LOW),
    "dcterms.publisher": ("publisher", parties.LOW),
    "og.site_name": ("publisher", parties.LOW),
}
_DC_LICENCES = frozenset(("dcterms.license", "dcterms.rights", "dc.rights"))
#: Names of meta elements in which people write sentences about rights.
_RIGHTS = frozenset(
    (
        *("copyright", "rights", "dc.rights", "dcterms.rights", "dcterms.accessrights"),
        *("dc.rights.license", "dcterms.license", "usage-rights", "usageterms", "license"),
        *("xmprights.usageterms", "rights-standard", "copyrightnotice", "tdm", "ai-policy"),
    )
)
_REL = "rel.license"
_RSL = "application/rsl+xml"


def parse(document: Document, /) -> Reading:
    """Return a reading with the parties of a page extract; absent where it names none."""
    elements = [e for e in page.read_elements(document.body) if e.where not in _INERT]
    issues: list[Issue] = []
    named = parties.unique_parties([*schema_parties(elements, issues), *_dublin_core(elements)])
    candidates = text_search.search_paragraphs(_rights_texts(elements), "page_metadata")
    presence_without_party = Presence.MALFORMED if issues else Presence.ABSENT
    return Reading(
        presence=Presence.PRESENT if named or candidates else presence_without_party,
        parties=named,
        candidates=candidates,
        issues=json_document.limit_issues(issues, FAMILY),
    )


def _rights_texts(elements: list[Element]) -> Iterator[text_search.Paragraph]:
    """Yield the texts of elements about rights, each with its line."""
    for element in elements:
        for name, value in _pairs(element) if element.tag == "meta" else ():
            if name in _RIGHTS:
                yield [(element.line, value)]


def _dublin_core(elements: list[Element]) -> Iterator[Party | None]:
    """Yield the parties of `meta` elements with the page's licence, or the licence alone."""
    found = [(*p, _place(element)) for element in elements for p in _pairs(element) if p[1]]
    licences = [(name, url) for name, url, _ in found if name == _REL or name in _DC_LICENCES]
    # `dc.rights` is often prose; only an address is a licence page.
    licences = [(name, url) for name, url in licences if parties.page_url(url)]
    has_party = False
    for name, value, place in found:
        if name not in _HOLDERS:
            continue
        party = text_party(name, *_HOLDERS[name], value, place)
        # A title such as the name of a blog says nothing, unless it is an organisation's.
        if party is not None and (party.name or name != "og.site_name"):
            has_party = has_party or name != "og.site_name"
            page_of_licence = licences[0][1] if licences and name != "og.site_name" else ""
            yield replace(party, licence_page=parties.page_url(page_of_licence))
    for name, url in licences[: 0 if has_party else 1]:
        yield parties.make_party(name, "offers_licence", parties.LOW, licence_page=url)


def _place(element: Element) -> str:
    what = "RDFa" if element.tag == page.RDFA else "meta element"
    return f"{what}, line {element.line}"


def _pairs(element: Element) -> Iterator[tuple[str, str]]:
    """Yield (name, value) pairs of an element, such as `dc.publisher` or `rel.license`."""
    if element.tag in ("meta", page.RDFA):
        name = element.get("name") or element.get("property") or element.get("itemprop") or ""
        yield name.strip().lower().replace(":", "."), (element.get("content") or "").strip()
    # A link with RSL's media type is read by `rsl_html`.
    elif element.tag in ("link", "a") and (element.get("type") or "").strip().lower() != _RSL:
        href = (element.get("href") or "").strip()
        for rel in (element.get("rel") or "").lower().split()[:20]:
            yield (_REL if rel == "license" else rel), parties.mark_relative(href)


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: a party is no reservation."""
    return ()
