"""Rights metadata of a page: whom schema.org, Dublin Core and licence links name.

A page names a holder, a publisher or a licence in words that many tools write by default. It
is one side's word about the page's own content, and never a reservation.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from crawler import page
from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.parsing.json_document import Object
from crawler.vocab import PAGES, Presence

NAME = "rights_metadata"
VERSION = 1
TITLE = "Rights metadata of a page"
SPEC = "https://schema.org/copyrightHolder, https://www.dublincore.org/specifications/dublin-core/"
FAMILY = "rights_metadata"
RANK = 0
CARRIER = Carrier.PAGE
RESOURCES = PAGES
HEADERS: tuple[str, ...] = ()

_INERT = ("template", "iframe")
_STEPS = 2000
_PREFIXES = ("", "schema:", "https://schema.org/", "http://schema.org/")
# Nodes that speak of the page itself; others describe works that it only mentions.
_OWN = ("@graph", "mainEntity", "mainEntityOfPage", "isPartOf")
# What a site publishes itself. The publisher of a Book or a Movie is somebody else.
_PUBLISHED = ("Article", "Blog", "BlogPosting", "CreativeWork", "Page", "Report", "WebSite")
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
_REL = "rel.license"
_RSL = "application/rsl+xml"

_Nodes = dict[str, Object]


def parse(document: Document, /) -> Reading:
    """Read an extract; a page that says nothing of rights has none of this."""
    elements = [e for e in page.elements(document.body) if e.where not in _INERT]
    issues: list[Issue] = []
    found = [*_schema(elements, issues), *_dublin_core(elements)]
    named = parties.unique(found)
    silent = Presence.MALFORMED if issues else Presence.ABSENT
    return Reading(
        presence=Presence.PRESENT if named else silent,
        parties=named,
        issues=json_document.capped(issues, FAMILY),
    )


def _schema(elements: list[Element], issues: list[Issue]) -> Iterator[Party | None]:
    """Whom the JSON-LD of the page names; nodes refer to each other across its scripts."""
    nodes = list(_nodes(value for e in elements for value in _json_ld(e, issues)))
    known = {uid: node for node in nodes if (uid := _text(node, "@id")) and len(node.members) > 1}
    for node in nodes:
        yield from _named(node, known)


def _json_ld(element: Element, issues: list[Issue]) -> Iterator[object]:
    """The values of a script that speaks of schema.org; contexts are never fetched."""
    kind = (element.get("type") or "").lower()
    if element.tag != "script" or "ld+json" not in kind or not element.text.strip():
        return
    if len(element.text) >= page.TEXT_CAP:
        issues.append(Issue(code=f"{FAMILY}.too_long", line=element.line))
        return
    read = json_document.read_json(element.text, FAMILY)
    if read.fault:
        # Without an excerpt, which could be a person's name.
        issues.append(Issue(code=f"{FAMILY}.json", line=element.line))
    yield from (item.value for item in read.items if "schema.org" in item.raw)


def _nodes(values: Iterable[object]) -> Iterator[Object]:
    """The nodes about the page, outermost first; what nests without end is cut off."""
    queue = list(values)
    for value in queue:
        if isinstance(value, list):
            queue += value[: _STEPS - len(queue)] if len(queue) < _STEPS else ()
        elif isinstance(value, Object):
            yield value
            inner = [one for name in _OWN for one in _each(value, name)]
            queue += inner[: _STEPS - len(queue)] if len(queue) < _STEPS else ()


def _named(node: Object, known: _Nodes) -> Iterator[Party | None]:
    """The parties of a node with its licence, or the licence alone."""
    licence = next((url for name in _LICENCES for url in _texts(node, name)), "")
    published = any(kind.endswith(_PUBLISHED) for kind in _texts(node, "@type"))
    alone = True
    for name, role, confidence in _HOLDERS if published else _HOLDERS[:1]:
        for value in _each(node, name)[: parties.MOST]:
            found = _party(f"schema.{name}", role, confidence, value, known)
            alone = alone and found is None
            yield _with_licence(found, licence)
    if alone:
        yield _licence("schema.license", licence)


def _party(source: str, role: str, confidence: str, value: object, known: _Nodes) -> Party | None:
    """A party given as text, as a node, or by the identifier of a node elsewhere on the page."""
    if isinstance(value, str):
        text = value.strip()
        name, uid = ("", text) if parties.is_web(text) else (text, "")
        return parties.party(source, role, confidence, name=name, uid=uid)
    if not isinstance(value, Object):
        return None
    node = known.get(_text(value, "@id"), value) if len(value.members) == 1 else value
    reached = [node, *(c for c in _each(node, "contactPoint")[:20] if isinstance(c, Object))]
    return parties.party(
        source,
        role,
        confidence,
        name=_text(node, "name", "legalName", "@value"),
        uid=next((u for u in (_text(node, "@id"), _text(node, "url")) if parties.is_web(u)), ""),
        contact=[_text(p, "url") for p in reached[1:]] + [_text(p, "email") for p in reached],
        personal=[_text(p, "telephone") for p in reached] + [_address(node)],
        is_person=any(kind.endswith("Person") for kind in _texts(node, "@type")),
    )


def _address(node: Object) -> str:
    """A postal address on one line, empty where none is given."""
    given = next(iter(_each(node, "address")), None)
    return ", ".join(_texts(given, *_ADDRESS)) if isinstance(given, Object) else _plain(given)


def _dublin_core(elements: list[Element]) -> Iterator[Party | None]:
    """Whom elements of the page name, with the licence of the page; or the licence alone."""
    pairs = [pair for element in elements for pair in _pairs(element) if pair[1]]
    licences = [(name, url) for name, url in pairs if name == _REL or name in _DC_LICENCES]
    licences = [(name, url) for name, url in licences if parties.page_of(url)]
    holders = [(name, value) for name, value in pairs if name in _DC_HOLDERS]
    for name, value in holders:
        found = _party(name, *_DC_HOLDERS[name], value, {})
        yield _with_licence(found, licences[0][1] if licences else "")
    for name, url in licences[: 0 if holders else 1]:
        yield _licence(name, url)


def _pairs(element: Element) -> Iterator[tuple[str, str]]:
    """What an element says: names in lower case with a dot, `rel.license` for a link."""
    if element.tag == "meta":
        name = element.get("name") or element.get("property") or ""
        yield name.strip().lower().replace(":", "."), (element.get("content") or "").strip()
    elif element.tag in ("link", "a") and (element.get("type") or "").strip().lower() != _RSL:
        href = (element.get("href") or "").strip()
        for rel in (element.get("rel") or "").lower().split()[:20]:
            yield (_REL if rel == "license" else rel), parties.reference(href)


def _with_licence(found: Party | None, licence: str) -> Party | None:
    return replace(found, licence_page=parties.page_of(licence)) if found else None


def _licence(source: str, licence: str) -> Party | None:
    """A licence that a page offers without saying who does."""
    return parties.party(source, "offers_licence", parties.LOW, licence_page=licence)


def _each(node: Object, name: str) -> list[object]:
    """The values of a property, however its name is written; JSON-LD takes one or a list."""
    found: list[object] = []
    for prefix in ("",) if name.startswith("@") else _PREFIXES:
        value = node.get(prefix + name)
        found += value if isinstance(value, list) else [] if value is None else [value]
    return found


def _texts(node: Object, *names: str) -> list[str]:
    """The texts given to the names, in their order."""
    return [text for name in names for value in _each(node, name) if (text := _plain(value))]


def _text(node: Object, *names: str) -> str:
    return next(iter(_texts(node, *names)), "")


def _plain(value: object) -> str:
    """The text of a value: a string, a literal, or what a node is known by."""
    if isinstance(value, Object):
        found = (value.get(name) for name in ("@id", "@value", "url", "name"))
        value = next((text for text in found if isinstance(text, str)), None)
    return value.strip()[:4096] if isinstance(value, str) else ""


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Nothing: to be named is not to reserve."""
    return ()
