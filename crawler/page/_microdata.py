"""Microdata of a page as JSON-LD: the items that name a party (HTML, 5).

`ItemReader` is the pass over the tags of a page that RDFa is read by too.

Only properties that are about parties and licences are kept, and the items between them.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from crawler.page._attributes import attributes_of, plain_text
from crawler.page._tags import Tag, end_of_text

#: Limits: items of a page, characters of a value, tags that are looked at.
ITEMS, VALUE_CAP = 100, 500
_MAX_TAGS, _MAX_DEPTH = 20_000, 200
_PARTIES = frozenset(
    "copyrightHolder publisher sourceOrganization parentOrganization acquireLicensePage "
    "legalName".split()
)
PROPERTIES = _PARTIES | frozenset(
    "name url sameAs license isPartOf mainEntity mainEntityOfPage email leiCode vatID "
    "identifier contactPoint".split()
)
# Only pages with such an attribute are read; most microdata is about other things.
_INTERESTING = re.compile(
    rb"itemprop\s*=\s*[\"']?[^\"'>]{0,60}(?:" + "|".join(sorted(_PARTIES)).lower().encode() + rb")"
)
_BY_LOWER = {name.lower(): name for name in PROPERTIES}
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_TEXT = frozenset("script style title textarea xmp noembed noframes".split())
# Cheaper than the tokenizer of `_tags`: a tag with `<` or `>` in a value is passed over.
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][\w:-]*+)([^<>]*+)>|!--)")
# Characters of a tag, and those behind the last attribute that may belong to its element.
_TAG_CAP, AFTER = 2048, 4096
_ITEM = re.compile(r"\sitem(?:scope|prop|type|id|ref)", re.IGNORECASE)
_URLS = {"a": "href", "area": "href", "link": "href", "img": "src", "iframe": "src"}
_VALUES = {"meta": "content", "data": "value", "time": "datetime"}


class MicrodataItem(NamedTuple):
    """An outermost item with its line; `node` is a node of JSON-LD."""

    line: int
    node: dict[str, Any]


class OpenElement(NamedTuple):
    """An element that is open: its tag, the item that it begins, and the property that it fills.

    `start` is where its text begins, for a property whose value is text. `vocab` is the vocabulary
    that holds inside of it, None for that around it (RDFa).
    """

    name: str
    item: dict[str, Any] | None
    owner: dict[str, Any] | None
    properties: tuple[str, ...]
    start: int
    vocab: str | None = None
    line: int = 0


def items_of(text: str, lowercased: bytes) -> list[MicrodataItem]:
    """Return the items of a page, at most 100 with all that they contain."""
    if b"itemprop" not in lowercased or _INTERESTING.search(lowercased) is None:
        return []
    first = min(o for o in (text.find("itemscope"), text.find("ITEM"), len(text)) if o >= 0)
    last = max(map(text.rfind, ("itemprop", "itemscope", "ITEM")))
    return ItemReader(text).read(max(0, first - _TAG_CAP), last + AFTER)


class ItemReader:
    """One pass over the tags of a page. `marked` finds the tags that `begin` takes."""

    marked = _ITEM

    def __init__(self, text: str) -> None:
        self._text = text
        self.open: list[OpenElement] = []
        self.items: list[MicrodataItem] = []
        self._count = 0

    def read(self, offset: int, stop: int) -> list[MicrodataItem]:
        """Return the outermost items between two offsets."""
        text, line, counted_to = self._text, 1, 0
        next_tag, is_marked, opened = _TAG.search, self.marked.search, self.open
        for _ in range(_MAX_TAGS):
            match = next_tag(text, offset)
            if match is None or offset > stop:
                break
            offset = match.end()
            slash, name, attributes = match.groups()
            if name is None:
                offset = _end_of_comment(text, offset)
            elif slash:
                self._close(name.lower(), match.start())
            elif is_marked(attributes):
                line += text.count("\n", counted_to, match.start())
                counted_to = match.start()
                tag = Tag(name.lower(), False, match[0], line, "body", "")
                self.begin(tag.name, dict(next(attributes_of([tag]))), line, offset)
            elif (name := name.lower()) in _TEXT:
                offset = end_of_text(name, text, offset)
            elif opened and name not in VOID and len(opened) < _MAX_DEPTH:
                opened.append(OpenElement(name, None, None, (), offset))
        while self.open:
            self._finish(self.open.pop(), len(text))
        return self.kept(self.items)

    def kept(self, items: list[MicrodataItem]) -> list[MicrodataItem]:
        """Return the items that name a party."""
        return [item for item in items if _names_party(item.node)]

    def begin(self, name: str, attributes: dict[str, str], line: int, offset: int) -> None:
        """Enter an element with attributes of microdata."""
        owner = next((o.item for o in reversed(self.open) if o.item is not None), None)
        properties = tuple(_properties(attributes.get("itemprop", "")))
        item: dict[str, Any] | None = None
        if "itemscope" in attributes and self.has_room():
            item = _node(attributes)
            if owner is None or "itemprop" not in attributes:
                self.items.append(MicrodataItem(line, item))
            else:
                add(owner, properties, item)
        elif owner is not None and (value := _value(name, attributes)) is not None:
            add(owner, properties, value[:VALUE_CAP])
            properties = ()
        if name not in VOID:
            self.push(OpenElement(name, item, owner, () if item else properties, offset))

    def push(self, element: OpenElement) -> None:
        """Note that an element is open."""
        if len(self.open) < _MAX_DEPTH:
            self.open.append(element)

    def has_room(self) -> bool:
        """Count one more item; return False where there are too many."""
        self._count += 1
        return self._count <= ITEMS

    def _close(self, name: str, end: int) -> None:
        """Leave the innermost open element with this name, and all that are open in it."""
        opened = self.open
        # Most end tags are of the innermost element.
        if opened and opened[-1].name != name and all(one.name != name for one in opened):
            return
        while opened:
            element = opened.pop()
            if element.properties:
                self._finish(element, end)
            if element.name == name:
                return

    def _finish(self, element: OpenElement, end: int) -> None:
        if element.owner is not None and element.properties:
            inner = self._text[element.start : min(end, element.start + 4 * VALUE_CAP)]
            value = plain_text(_TAG.sub(" ", inner).partition("<")[0])[:VALUE_CAP]
            if value:
                self.finish_text(element, element.owner, value)

    def finish_text(self, element: OpenElement, owner: dict[str, Any], value: str) -> None:
        """Take the text inside an element as the value of its properties, of its owner."""
        add(owner, element.properties, value)


def _end_of_comment(text: str, offset: int) -> int:
    end = text.find("-->", offset)
    return len(text) if end < 0 else end


def _names_party(node: dict[str, Any]) -> bool:
    """Return whether an item, or one that it contains, has a property about a party."""
    return any(
        name in _PARTIES or (isinstance(value, dict) and _names_party(value))
        for name, values in node.items()
        for value in (values if isinstance(values, list) else ())
    )


def _properties(written: str) -> Iterator[str]:
    for name in written.split()[:10]:
        known = _BY_LOWER.get(name.rpartition("/")[2].lower())
        if known:
            yield known


def _node(attributes: dict[str, str]) -> dict[str, Any]:
    types = [kind.strip()[:VALUE_CAP] for kind in attributes.get("itemtype", "").split()[:5]]
    node: dict[str, Any] = {"@type": types}
    if attributes.get("itemid"):
        node["@id"] = attributes["itemid"].strip()[:VALUE_CAP]
    return node


def add(owner: dict[str, Any], properties: tuple[str, ...], value: object) -> None:
    """Add a value to properties of an item."""
    for name in properties:
        owner.setdefault(name, []).append(value)


def _value(name: str, attributes: dict[str, str]) -> str | None:
    """Return the value of a property that an attribute gives, None if it is the text inside."""
    if "content" in attributes:
        return attributes["content"].strip()
    attribute = _URLS.get(name) or _VALUES.get(name)
    return attributes.get(attribute, "").strip() if attribute else None
