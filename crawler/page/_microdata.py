"""Microdata of a page as JSON-LD: the items that name a party (HTML, 5).

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
_PROPERTIES = _PARTIES | frozenset(
    "name url sameAs license isPartOf mainEntity mainEntityOfPage email leiCode vatID "
    "identifier contactPoint".split()
)
# Only pages with such an attribute are read; most microdata is about other things.
_INTERESTING = re.compile(
    rb"itemprop\s*=\s*[\"']?[^\"'>]{0,60}(?:" + "|".join(sorted(_PARTIES)).lower().encode() + rb")"
)
_BY_LOWER = {name.lower(): name for name in _PROPERTIES}
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_TEXT = frozenset("script style title textarea xmp noembed noframes".split())
# Cheaper than the tokenizer of `_tags`: a tag with `<` or `>` in a value is passed over.
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][\w:-]*+)([^<>]*+)>|!--)")
# Characters of a tag, and those behind the last attribute that may belong to its element.
_TAG_CAP, _AFTER = 2048, 4096
_ITEM = re.compile(r"\sitem", re.IGNORECASE)
_URLS = {"a": "href", "area": "href", "link": "href", "img": "src", "iframe": "src"}
_VALUES = {"meta": "content", "data": "value", "time": "datetime"}


class MicrodataItem(NamedTuple):
    """An outermost item with its line; `node` is a node of JSON-LD."""

    line: int
    node: dict[str, Any]


class _Open(NamedTuple):
    """An element that is open: its tag, the item that it begins, and the property that it fills.

    `start` is where its text begins, for a property whose value is text.
    """

    name: str
    item: dict[str, Any] | None
    owner: dict[str, Any] | None
    properties: tuple[str, ...]
    start: int


def items_of(text: str, lowercased: bytes) -> list[MicrodataItem]:
    """Return the items of a page, at most 100 with all that they contain."""
    if b"itemprop" not in lowercased or _INTERESTING.search(lowercased) is None:
        return []
    first = min(o for o in (text.find("item"), text.find("ITEM"), len(text)) if o >= 0)
    last = max(text.rfind("item"), text.rfind("ITEM"))
    return _ItemReader(text).read(max(0, first - _TAG_CAP), last + _AFTER)


class _ItemReader:
    """One pass over the tags of a page."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[_Open] = []
        self._items: list[MicrodataItem] = []
        self._count = 0

    def read(self, offset: int, stop: int) -> list[MicrodataItem]:
        """Return the outermost items between two offsets."""
        text, line, counted_to = self._text, 1, 0
        for _ in range(_MAX_TAGS):
            match = _TAG.search(text, offset)
            if match is None or offset > stop:
                break
            offset = match.end()
            slash, name, attributes = match.groups()
            if name is None:
                offset = _end_of_comment(text, offset)
            elif slash:
                self._close(name.lower(), match.start())
            elif _ITEM.search(attributes):
                line += text.count("\n", counted_to, match.start())
                counted_to = match.start()
                self._begin(name.lower(), match[0], line, offset)
            elif (name := name.lower()) in _TEXT:
                offset = end_of_text(name, text, offset)
            elif self._open and name not in _VOID and len(self._open) < _MAX_DEPTH:
                self._open.append(_Open(name, None, None, (), offset))
        while self._open:
            self._finish(self._open.pop(), len(text))
        return [item for item in self._items if _names_party(item.node)]

    def _begin(self, name: str, raw: str, line: int, offset: int) -> None:
        """Enter an element with attributes of microdata."""
        tag = Tag(name, closing=False, raw=raw, line=line, where="body", text="")
        attributes = dict(next(attributes_of([tag])))
        owner = next((o.item for o in reversed(self._open) if o.item is not None), None)
        properties = tuple(_properties(attributes.get("itemprop", "")))
        item: dict[str, Any] | None = None
        if "itemscope" in attributes and self._count < ITEMS:
            self._count += 1
            item = _node(attributes)
            if owner is None or "itemprop" not in attributes:
                self._items.append(MicrodataItem(line, item))
            else:
                _add(owner, properties, item)
        elif owner is not None and (value := _value(name, attributes)) is not None:
            _add(owner, properties, value[:VALUE_CAP])
            properties = ()
        if name not in _VOID and len(self._open) < _MAX_DEPTH:
            self._open.append(_Open(name, item, owner, () if item else properties, offset))

    def _close(self, name: str, end: int) -> None:
        """Leave the innermost open element with this name, and all that are open in it."""
        if not any(element.name == name for element in self._open):
            return
        while True:
            element = self._open.pop()
            self._finish(element, end)
            if element.name == name:
                return

    def _finish(self, element: _Open, end: int) -> None:
        if element.owner is not None and element.properties:
            inner = self._text[element.start : min(end, element.start + 4 * VALUE_CAP)]
            value = plain_text(_TAG.sub(" ", inner).partition("<")[0])[:VALUE_CAP]
            if value:
                _add(element.owner, element.properties, value)


def _end_of_comment(text: str, offset: int) -> int:
    end = text.find("-->", offset)
    return len(text) if end < 0 else end


def _names_party(node: dict[str, Any]) -> bool:
    """Return whether an item, or one that it contains, has a property about a party."""
    return any(
        name in _PARTIES or (isinstance(value, dict) and _names_party(value))
        for name, values in node.items()
        for value in values
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


def _add(owner: dict[str, Any], properties: tuple[str, ...], value: object) -> None:
    for name in properties:
        owner.setdefault(name, []).append(value)


def _value(name: str, attributes: dict[str, str]) -> str | None:
    """Return the value of a property that an attribute gives, None if it is the text inside."""
    if "content" in attributes:
        return attributes["content"].strip()
    attribute = _URLS.get(name) or _VALUES.get(name)
    return attributes.get(attribute, "").strip() if attribute else None
