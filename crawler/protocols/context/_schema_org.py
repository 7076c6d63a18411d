"""Parties in schema.org: JSON-LD, and microdata and RDFa that the extract keeps as JSON-LD.

Rules for editors. Only nodes about the page itself count: a page that sells a book must not
name the book's publisher, and the holder of one picture is not that of the page. Issues have no
excerpt, since it could hold a person's name.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from crawler import page
from crawler.model import Issue, Party
from crawler.page import Element
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.parsing.json_document import Object

_MAX_NODES = 2000
_PREFIXES = ("", "schema:", "https://schema.org/", "http://schema.org/")
# Properties that lead to nodes about the page itself; others lead to works that it mentions.
_PAGE_NODES = ("@graph", "mainEntity", "mainEntityOfPage", "isPartOf")
# Types that a site publishes itself. The publisher of a Book or a Movie is another party.
_PUBLISHED = ("Article", "Blog", "BlogPosting", "CreativeWork", "Page", "Report", "WebSite")
_FILES = ("ImageObject", "VideoObject", "AudioObject", "MediaObject", "Photograph")
_ORGANISATIONS = (
    *(
        "Organization",
        "Corporation",
        "Consortium",
        "Cooperative",
        "NGO",
        "LocalBusiness",
        "Library",
    ),
    *("Museum", "Airline", "CollegeOrUniversity", "School", "OnlineBusiness", "OnlineStore"),
)
# A publisher is often the default of a content management system: low confidence.
_HOLDERS = (
    ("copyrightHolder", "holder", parties.MEDIUM),
    ("publisher", "publisher", parties.LOW),
    ("sourceOrganization", "source", parties.LOW),
)
_PARENT = "parentOrganization"
_LICENCES = ("acquireLicensePage", "license")
_ADDRESS = ("streetAddress", "postalCode", "addressLocality", "addressCountry")

# What elements of an extract stand for, other than scripts.
_SYNTAXES = {page.MICRODATA: "microdata", page.RDFA: "RDFa"}

_Nodes = dict[str, Object]


class _Node(NamedTuple):
    """A node about the page, and the place of its script or item."""

    node: Object
    place: str


def schema_parties(elements: list[Element], issues: list[Issue]) -> Iterator[Party | None]:
    """Yield the parties that schema.org names on a page (None for a node without one).

    `issues` gets those of scripts that cannot be read.
    """
    nodes = [found for element in elements for found in _nodes_of(element, issues)]
    # Nodes refer to each other by `@id`, also across scripts. A node that holds nothing but its
    # `@id` is a reference.
    known = {
        uid: found.node
        for found in nodes
        if (uid := _text(found.node, "@id")) and len(found.node.members) > 1
    }
    for found in nodes:
        yield from _node_parties(found, known)


def _nodes_of(element: Element, issues: list[Issue]) -> Iterator[_Node]:
    place = f"{_SYNTAXES.get(element.tag, 'JSON-LD')}, line {element.line}"
    for node in _nodes(_values(element, issues)):
        yield _Node(node, place)


def _values(element: Element, issues: list[Issue]) -> Iterator[object]:
    """Yield the JSON-LD values of a script that name schema.org; contexts are never fetched."""
    kind = (element.get("type") or "").lower()
    is_data = element.tag in _SYNTAXES or (element.tag == "script" and "ld+json" in kind)
    if not is_data or not element.text.strip():
        return
    # The extract cuts a script at the cap, and JSON that is cut cannot be read.
    if len(element.text) >= page.TEXT_CAP:
        issues.append(Issue(code="rights_metadata.too_long", line=element.line))
        return
    read = json_document.read_json(element.text, "rights_metadata")
    if read.fault:
        issues.append(Issue(code="rights_metadata.json", line=element.line))
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


def _node_parties(found: _Node, known: _Nodes) -> Iterator[Party | None]:
    """Yield the parties of a node with its licence, or the licence alone."""
    node, place = found
    kinds = _texts(node, "@type")
    licence = next((url for name in _LICENCES for url in _texts(node, name)), "")
    if any(kind.endswith(_FILES) for kind in kinds):
        yield from _file_parties(found, licence, known)
        return
    has_party = False
    published = any(kind.endswith(_PUBLISHED) for kind in kinds)
    for name, role, confidence in _HOLDERS if published else _HOLDERS[:1]:
        for value in _each(node, name)[: parties.MAX_PARTIES]:
            party = _party(f"schema.{name}", role, confidence, value, place, known)
            has_party = has_party or party is not None
            yield _with_licence(party, licence)
            yield from _parents(value, place, known)
    if not has_party:
        yield _with_licence(_unnamed("schema.license", licence), licence)
    if _text(node, "legalName") and any(kind.endswith(_ORGANISATIONS) for kind in kinds):
        # The page describes the organisation. Whether it is its own, nothing says.
        yield _party("schema.legalName", "candidate", parties.LOW, node, place, known)


def _file_parties(found: _Node, licence: str, known: _Nodes) -> Iterator[Party | None]:
    """Yield the holders of one file on the page, such as a picture: parties of that file only."""
    for value in _each(found.node, "copyrightHolder")[: parties.MAX_PARTIES]:
        party = _party(
            "schema.file.copyrightHolder", "owner", parties.LOW, value, found.place, known
        )
        yield _with_licence(party, licence)


def _parents(value: object, place: str, known: _Nodes) -> Iterator[Party | None]:
    """Yield the parent organisations of a party."""
    node = _resolved(value, known)
    for parent in _each(node, _PARENT)[: parties.MAX_PARTIES] if node else ():
        yield _party(f"schema.{_PARENT}", "parent", parties.LOW, parent, place, known)


def _party(
    source: str, role: str, confidence: str, value: object, place: str, known: _Nodes
) -> Party | None:
    """Return the party that a value gives: text, a node, or the `@id` of another node."""
    if isinstance(value, str):
        return text_party(source, role, confidence, value, place)
    node = _resolved(value, known)
    if node is None:
        return None
    points = [c for c in _each(node, "contactPoint")[:20] if isinstance(c, Object)]
    return parties.make_party(
        source,
        role,
        confidence,
        name=_text(node, "legalName", "name", "@value"),
        uid=next(
            (u for u in (_text(node, "@id"), _text(node, "url")) if parties.is_web_url(u)), ""
        ),
        contact=[_text(p, "url") for p in points] + [_text(p, "email") for p in [node, *points]],
        personal=[_text(p, "telephone") for p in [node, *points]] + [_address(node)],
        is_person=_is_person(_texts(node, "@type")),
        place=place,
        identifiers=_identifiers(node),
    )


def text_party(source: str, role: str, confidence: str, text: str, place: str) -> Party | None:
    """Return the party that a text names: an address is its identifier, anything else its name."""
    text = text.strip()
    name, uid = ("", text) if parties.is_web_url(text) else (text, "")
    return parties.make_party(source, role, confidence, name=name, uid=uid, place=place)


def _resolved(value: object, known: _Nodes) -> Object | None:
    """Return a node, or the one that it refers to; None for other values."""
    if not isinstance(value, Object):
        return None
    return known.get(_text(value, "@id"), value) if len(value.members) == 1 else value


def _is_person(kinds: list[str]) -> bool | None:
    """Return what types say of a party: True for a person, False for an organisation, else None."""
    if any(kind.endswith("Person") for kind in kinds):
        return True
    return False if any(kind.endswith(_ORGANISATIONS) for kind in kinds) else None


def _identifiers(node: Object) -> Iterator[str]:
    """Yield texts that may be identifiers of a register."""
    yield from (f"lei:{code}" for code in _texts(node, "leiCode"))
    yield from (f"vat:{code}" for code in _texts(node, "vatID"))
    for value in _each(node, "identifier")[:20]:
        kind = _text(value, "propertyID", "name") if isinstance(value, Object) else ""
        code = _text(value, "value") if isinstance(value, Object) else _plain(value)
        yield f"{kind.lower()}:{code}" if kind and code else code
    yield from _texts(node, "sameAs")[:50]


def _address(node: Object) -> str:
    """Return a postal address on one line; empty where the node has none."""
    address = next(iter(_each(node, "address")), None)
    if isinstance(address, Object):
        return ", ".join(_texts(address, *_ADDRESS))
    return _plain(address)


def _with_licence(party: Party | None, licence: str) -> Party | None:
    return replace(party, licence_page=parties.page_url(licence)) if party else None


def _unnamed(source: str, licence: str) -> Party | None:
    """Return the unnamed party that offers a licence."""
    return parties.make_party(source, "offers_licence", parties.LOW, licence_page=licence)


def _each(node: Object, name: str) -> list[object]:
    """Return the values of a property under all prefixes of schema.org; JSON-LD allows a list."""
    # Most nodes have few members and none of these names: one pass over them is cheapest.
    if not any(key.endswith(name) for key, _ in node.members):
        return []
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
