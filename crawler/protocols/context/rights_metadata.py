"""Rights metadata of a page: parties in schema.org JSON-LD, Dublin Core and licence links.

A page names a rights holder, a publisher or a licence, often by the default of a tool. It is
the claim of one side about the page's content, and never a reservation. Sentences in elements
about rights are candidates.

Rules for editors. Only nodes about the page itself count: a page that sells a book must not
name the book's publisher. Issues have no excerpt, since it could hold a person's name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from crawler import page
from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.parsing.json_document import Object
from crawler.protocols.prose import text_search
from crawler.vocab import PAGES, Presence

NAME = "rights_metadata"
VERSION = 2
TITLE = "Rights metadata of a page"
SPEC = "https://schema.org/copyrightHolder, https://www.dublincore.org/specifications/dublin-core/"
FAMILY = "rights_metadata"
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_INERT = ("template", "iframe")
_MAX_NODES = 2000
_PREFIXES = ("", "schema:", "https://schema.org/", "http://schema.org/")
# Properties that lead to nodes about the page itself; others lead to works that it mentions.
_PAGE_NODES = ("@graph", "mainEntity", "mainEntityOfPage", "isPartOf")
# Types that a site publishes itself. The publisher of a Book or a Movie is another party.
_PUBLISHED = ("Article", "Blog", "BlogPosting", "CreativeWork", "Page", "Report", "WebSite")
# A publisher is often the default of a content management system: low confidence.
_HOLDERS = (
    ("copyrightHolder", "holder", parties.MEDIUM),
    ("publisher", "publisher", parties.LOW),
)
_LICENCES = ("acquireLicensePage", "license")
_ADDRESS = ("streetAddress", "postalCode", "addressLocality", "addressCountry")
_DC_HOLDERS = {
    "dcterms.rightsholder": ("holder", parties.MEDIUM),
    "dc.publisher": ("publisher", parties.LOW),
    "dcterms.publisher": ("publisher", parties.LOW),
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

_Nodes = dict[str, Object]


def parse(document: Document, /) -> Reading:
    """Return a reading with the parties of a page extract; absent where it names none."""
    elements = [e for e in page.read_elements(document.body) if e.where not in _INERT]
    issues: list[Issue] = []
    named = parties.unique_parties([*_schema(elements, issues), *_dublin_core(elements)])
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


def _schema(elements: list[Element], issues: list[Issue]) -> Iterator[Party | None]:
    """Yield the parties in the JSON-LD of a page (None for a node without one)."""
    nodes = list(_nodes(value for e in elements for value in _json_ld(e, issues)))
    # Nodes refer to each other by `@id`, also across scripts. A node that holds nothing but its
    # `@id` is a reference.
    known = {uid: node for node in nodes if (uid := _text(node, "@id")) and len(node.members) > 1}
    for node in nodes:
        yield from _node_parties(node, known)


def _json_ld(element: Element, issues: list[Issue]) -> Iterator[object]:
    """Yield the JSON-LD values of a script that name schema.org; contexts are never fetched."""
    kind = (element.get("type") or "").lower()
    if element.tag != "script" or "ld+json" not in kind or not element.text.strip():
        return
    # The extract cuts a script at the cap, and JSON that is cut cannot be read.
    if len(element.text) >= page.TEXT_CAP:
        issues.append(Issue(code=f"{FAMILY}.too_long", line=element.line))
        return
    read = json_document.read_json(element.text, FAMILY)
    if read.fault:
        issues.append(Issue(code=f"{FAMILY}.json", line=element.line))
    yield from (item.value for item in read.items if "schema.org" in item.raw)


def _nodes(values: Iterable[object]) -> Iterator[Object]:
    """Yield the nodes about the page breadth first, from at most 2,000 values."""
    queue = list(values)
    for value in queue:
        if isinstance(value, list):
            queue += value[: _MAX_NODES - len(queue)] if len(queue) < _MAX_NODES else ()
        elif isinstance(value, Object):
            yield value
            inner = [child for name in _PAGE_NODES for child in _each(value, name)]
            queue += inner[: _MAX_NODES - len(queue)] if len(queue) < _MAX_NODES else ()


def _node_parties(node: Object, known: _Nodes) -> Iterator[Party | None]:
    """Yield the parties of a node with its licence, or the licence alone."""
    licence = next((url for name in _LICENCES for url in _texts(node, name)), "")
    published = any(kind.endswith(_PUBLISHED) for kind in _texts(node, "@type"))
    has_party = False
    for name, role, confidence in _HOLDERS if published else _HOLDERS[:1]:
        for value in _each(node, name)[: parties.MAX_PARTIES]:
            party = _party(f"schema.{name}", role, confidence, value, known)
            has_party = has_party or party is not None
            yield _with_licence(party, licence)
    if not has_party:
        yield _licence("schema.license", licence)


def _party(source: str, role: str, confidence: str, value: object, known: _Nodes) -> Party | None:
    """Return the party that a value gives: text, a node, or the `@id` of another node."""
    if isinstance(value, str):
        text = value.strip()
        name, uid = ("", text) if parties.is_web_url(text) else (text, "")
        return parties.make_party(source, role, confidence, name=name, uid=uid)
    if not isinstance(value, Object):
        return None
    node = known.get(_text(value, "@id"), value) if len(value.members) == 1 else value
    points = [c for c in _each(node, "contactPoint")[:20] if isinstance(c, Object)]
    return parties.make_party(
        source,
        role,
        confidence,
        name=_text(node, "name", "legalName", "@value"),
        uid=next(
            (u for u in (_text(node, "@id"), _text(node, "url")) if parties.is_web_url(u)), ""
        ),
        contact=[_text(p, "url") for p in points] + [_text(p, "email") for p in [node, *points]],
        personal=[_text(p, "telephone") for p in [node, *points]] + [_address(node)],
        is_person=any(kind.endswith("Person") for kind in _texts(node, "@type")),
    )


def _address(node: Object) -> str:
    """Return a postal address on one line; empty where the node has none."""
    address = next(iter(_each(node, "address")), None)
    if isinstance(address, Object):
        return ", ".join(_texts(address, *_ADDRESS))
    return _plain(address)


def _dublin_core(elements: list[Element]) -> Iterator[Party | None]:
    """Yield the parties of Dublin Core elements with the page's licence, or the licence alone."""
    pairs = [pair for element in elements for pair in _pairs(element) if pair[1]]
    licences = [(name, url) for name, url in pairs if name == _REL or name in _DC_LICENCES]
    # `dc.rights` is often prose; only an address is a licence page.
    licences = [(name, url) for name, url in licences if parties.page_url(url)]
    holders = [(name, value) for name, value in pairs if name in _DC_HOLDERS]
    for name, value in holders:
        party = _party(name, *_DC_HOLDERS[name], value, {})
        yield _with_licence(party, licences[0][1] if licences else "")
    for name, url in licences[: 0 if holders else 1]:
        yield _licence(name, url)


def _pairs(element: Element) -> Iterator[tuple[str, str]]:
    """Yield (name, value) pairs of an element, such as `dc.publisher` or `rel.license`."""
    if element.tag == "meta":
        name = element.get("name") or element.get("property") or element.get("itemprop") or ""
        yield name.strip().lower().replace(":", "."), (element.get("content") or "").strip()
    # A link with RSL's media type is read by `rsl_html`.
    elif element.tag in ("link", "a") and (element.get("type") or "").strip().lower() != _RSL:
        href = (element.get("href") or "").strip()
        for rel in (element.get("rel") or "").lower().split()[:20]:
            yield (_REL if rel == "license" else rel), parties.mark_relative(href)


def _with_licence(party: Party | None, licence: str) -> Party | None:
    return replace(party, licence_page=parties.page_url(licence)) if party else None


def _licence(source: str, licence: str) -> Party | None:
    """Return the unnamed party that offers a licence."""
    return parties.make_party(source, "offers_licence", parties.LOW, licence_page=licence)


def _each(node: Object, name: str) -> list[object]:
    """Return the values of a property under all prefixes of schema.org; JSON-LD allows a list."""
    values: list[object] = []
    for prefix in ("",) if name.startswith("@") else _PREFIXES:
        value = node.get(prefix + name)
        values += value if isinstance(value, list) else [] if value is None else [value]
    return values


def _texts(node: Object, *names: str) -> list[str]:
    """Return the texts of several properties, in the order of the names."""
    return [text for name in names for value in _each(node, name) if (text := _plain(value))]


def _text(node: Object, *names: str) -> str:
    return next(iter(_texts(node, *names)), "")


def _plain(value: object) -> str:
    """Return the text of a value: a string, a literal, or the identifier or name of a node."""
    if isinstance(value, Object):
        members = (value.get(name) for name in ("@id", "@value", "url", "name"))
        value = next((text for text in members if isinstance(text, str)), None)
    return value.strip()[:4096] if isinstance(value, str) else ""


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: a party is no reservation."""
    return ()
