"""RDFa of a page as JSON-LD: the items that name a party (RDFa Lite 1.1, with `about` and `rel`).

Known are the names of schema.org and, about the page itself, those of Dublin Core. Other
vocabularies, lists and data types are passed over.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from crawler.page._microdata import (
    AFTER,
    ITEMS,
    PROPERTIES,
    VALUE_CAP,
    VOID,
    ItemReader,
    MicrodataItem,
    OpenElement,
    add,
)

SCHEMA, DUBLIN_CORE = "schema", "dcterms"
# Namespaces without scheme; those of Dublin Core differ in nothing that is read here.
_NAMESPACES = {
    "schema.org/": SCHEMA,
    "www.schema.org/": SCHEMA,
    "purl.org/dc/terms/": DUBLIN_CORE,
    "purl.org/dc/elements/1.1/": DUBLIN_CORE,
}
# Prefixes that a page need not declare (RDFa Core, Initial Context), and frequent ones.
_PREFIXES = {"schema": SCHEMA, "dcterms": DUBLIN_CORE, "dc": DUBLIN_CORE, "dc11": DUBLIN_CORE}
_TERMS = frozenset(("publisher", "rightsholder"))
# Most pages have no RDFa but `property` in their head, such as `article:publisher`; few have such a
# name in another attribute. `typeof` alone is a word of scripts.
_SYNTAX = (b"typeof=", b"vocab=", b":rightsholder", b":publisher")
_NAMES = (
    rb"(?:copyrightholder|publisher|rightsholder|sourceorganization|parentorganization"
    rb"|acquirelicensepage|legalname)(?=[\"'\s>/])"
)
# Each begins with a text, so that it is searched fast.
_INTERESTING = (
    re.compile(
        rb"property\s*+=\s*+[\"']?+(?!article:)(?:[^\"'>]{0,80}[\s:/#])?" + _NAMES,
    ),
    re.compile(rb"rel\s*+=\s*+[\"']?+[^\"'>]{0,80}[:/#]" + _NAMES),
)
_ATTRIBUTE = re.compile(
    r"\s(?:property|typeof|vocab|resource|about|prefix|rel\s*=\s*[\"']?[^\"'>]{0,80}:)",
    re.IGNORECASE,
)
_BOUND = re.compile(r"([\w.-]+):\s+(\S+)")
_BY_LOWER = {name.lower(): name for name in PROPERTIES}
_TERM_END = re.compile(r".*[:/#]", re.DOTALL)

_Node = dict[str, Any]


class DublinCoreTerm(NamedTuple):
    """A statement about the page itself, such as `dcterms.publisher`, with its line."""

    line: int
    name: str
    value: str


def rdfa_of(text: str, lowercased: bytes) -> tuple[list[MicrodataItem], list[DublinCoreTerm]]:
    """Return the items of a page, at most 100 with all that they contain, and its terms.

    What schema.org says of the page itself is an item with the `@id` "".
    """
    # Most pages have `property` in their head alone. One search of the rest is all that they cost.
    if lowercased.find(b"property=", max(0, lowercased.find(b"<body"))) < 0:
        return [], []
    has_syntax = any(word in lowercased for word in _SYNTAX)
    if not has_syntax or not any(pattern.search(lowercased) for pattern in _INTERESTING):
        return [], []
    reader = _RdfaReader(text)
    last = max(lowercased.rfind(b"property"), lowercased.rfind(b"typeof"), lowercased.rfind(b"rel"))
    return reader.read(0, last + AFTER), reader.terms[:ITEMS]


class _RdfaReader(ItemReader):
    """One pass over the tags of a page, with the vocabulary and prefixes that hold."""

    marked = _ATTRIBUTE

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._prefixes = dict(_PREFIXES)
        self.terms: list[DublinCoreTerm] = []
        self._page: _Node = {"@id": ""}

    def kept(self, items: list[MicrodataItem]) -> list[MicrodataItem]:
        """Return the items that name a party, and those that they refer to."""
        naming = super().kept(items)
        referred = {
            value["@id"]
            for item in naming
            for values in item.node.values()
            for value in values
            if isinstance(value, dict) and len(value) == 1 and "@id" in value
        }
        return [item for item in items if item in naming or item.node.get("@id") in referred]

    def begin(self, name: str, attributes: dict[str, str], line: int, offset: int) -> None:
        """Enter an element with attributes of RDFa."""
        for prefix, uri in _BOUND.findall(attributes.get("prefix", "")[:VALUE_CAP]):
            self._prefixes[prefix.lower()] = _namespace(uri)
        inherited = next((o.vocab for o in reversed(self.open) if o.vocab is not None), "")
        vocab = _namespace(attributes["vocab"]) if "vocab" in attributes else inherited
        owner = next((o.item for o in reversed(self.open) if o.item is not None), self._page)
        properties = tuple(self._names(attributes.get("property", ""), vocab))
        relations = tuple(self._names(attributes.get("rel", ""), ""))
        links = (*properties, *relations)
        is_link = "property" in attributes or "rel" in attributes
        if "about" in attributes and (is_link or "typeof" not in attributes):
            owner = self._subject(attributes["about"], line)
        elif "resource" in attributes and not is_link and "typeof" not in attributes:
            owner = self._subject(attributes["resource"], line)
        item, value = (None if owner is self._page else owner), _value(attributes)
        if "typeof" in attributes:
            item = value = _typed(attributes)
            # A property that is not known leads to a thing that is not read, such as an author.
            if not is_link and self.has_room():
                self.items.append(MicrodataItem(line, item))
        if value is not None:
            self._say(owner, links, value, line)
            properties = ()
        if name not in VOID:
            self.push(OpenElement(name, item, owner, properties, offset, vocab, line))

    def _subject(self, uid: str, line: int) -> _Node:
        """Return the node for a subject that an attribute gives; that of the page for none."""
        if not uid.strip() or not self.has_room():
            return self._page
        node: _Node = {"@id": uid.strip()[:VALUE_CAP]}
        self.items.append(MicrodataItem(line, node))
        return node

    def finish_text(self, element: OpenElement, owner: _Node, value: str) -> None:
        """Take the text inside an element as the value of its properties, of its owner."""
        self._say(owner, element.properties, value, element.line)

    def _say(self, owner: _Node, names: tuple[str, ...], value: object, line: int) -> None:
        terms = [name for name in names if name.startswith(DUBLIN_CORE)]
        if owner is self._page:
            # Of other things than the page, Dublin Core names parties of theirs.
            self.terms += [DublinCoreTerm(line, name, _text(value)) for name in terms]
        names = tuple(name for name in names if name not in terms)
        if owner is self._page and names and len(owner) == 1:
            self.items.append(MicrodataItem(line, owner))
        add(owner, names, value)

    def _names(self, written: str, vocab: str) -> Iterator[str]:
        """Yield the known properties among terms: names of schema.org, or `dcterms.…`."""
        for term in written.split()[:10]:
            prefix, colon, local = term.partition(":")
            if term.startswith(("http://", "https://")):
                end = max(term.rfind("/"), term.rfind("#")) + 1
                space, local = _namespace(term[:end]), term[end:]
            elif colon:
                space = self._prefixes.get(prefix.lower(), "")
            else:
                space, local = vocab, term
            local = local.lower()
            if space == SCHEMA and local in _BY_LOWER:
                yield _BY_LOWER[local]
            elif space == DUBLIN_CORE and local in _TERMS:
                yield f"{DUBLIN_CORE}.{local}"


def _namespace(uri: str) -> str:
    """Return the vocabulary of a namespace, empty for one that is not known."""
    bare = uri.strip().lower().partition("://")[2]
    return _NAMESPACES.get(bare if bare.endswith("/") else f"{bare}/", "")


def _typed(attributes: dict[str, str]) -> _Node:
    types = [_TERM_END.sub("", kind)[:VALUE_CAP] for kind in attributes["typeof"].split()[:5]]
    node: _Node = {"@type": types}
    names = ("resource", "href", "src") if "property" in attributes else ("resource", "about")
    uid = next((attributes[name].strip() for name in names if attributes.get(name)), "")
    return node | ({"@id": uid[:VALUE_CAP]} if uid else {})


def _value(attributes: dict[str, str]) -> str | _Node | None:
    """Return the value that attributes give: a text, a reference, or None for the text inside."""
    if "content" in attributes:
        return attributes["content"].strip()[:VALUE_CAP]
    given = (attributes[name] for name in ("resource", "href", "src") if name in attributes)
    uid = next(given, None)
    return None if uid is None else {"@id": uid.strip()[:VALUE_CAP]}


def _text(value: object) -> str:
    """Return the text of a value: its own, or the name or address of an item."""
    if not isinstance(value, dict):
        return str(value)
    found = (value.get(name) for name in ("legalName", "name", "@id", "url"))
    first = next((one for one in found if one), "")
    return _text(first[0] if isinstance(first, list) else first)
