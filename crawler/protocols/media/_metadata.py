"""Parts shared by the protocols that read media extracts: XMP properties and their readings."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.media import Media, Packet
from crawler.model import AppliedStatement, Issue, Reading, Statement, numbered
from crawler.protocols.parsing.json_document import clean, excerpt, limit_issues
from crawler.protocols.parsing.xml_document import Node, read_xml
from crawler.vocab import Presence

_MAX_ITEMS = 20
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# An attribute without quotes, as in the TDMRep report's example for PDF.
_UNQUOTED_ATTRIBUTE = re.compile(r"""(\s[\w:.-]++=)([^\s"'<>]++)(?=[\s/>])""")


class Property(NamedTuple):
    """A property of the file that an XMP packet describes.

    `space` is the namespace, `name` the local name, `line` the line in the packet, and `place`
    the position of the packet in the file.
    """

    space: str
    name: str
    value: str
    line: int
    place: str

    @property
    def raw(self) -> str:
        """Name and value, independent of their serialisation."""
        return f"{self.name}: {self.value}"

    def issue(self, code: str) -> Issue:
        """Return an issue with this property as its excerpt."""
        return Issue(code=code, line=self.line, excerpt=excerpt(self.raw))


def find_properties(
    media: Media, spaces: frozenset[str], family: str, issues: list[Issue]
) -> Iterator[Property]:
    """Yield the properties of some namespaces in the XMP packets of a file.

    Namespaces are compared, not prefixes. A packet that is not well-formed is repaired by
    quoting its attributes, or skipped; `issues` gets one issue for it.
    """
    for packet, root in _roots(media, spaces, family, issues):
        yield from _properties(root, packet, spaces)


class Structure(NamedTuple):
    """A property whose value has fields: one of them for each item of an array.

    `fields` are the texts of an item by local name; a simple value has the name "".
    """

    space: str
    name: str
    fields: dict[str, str]
    line: int
    place: str


def find_structures(media: Media, spaces: frozenset[str]) -> Iterator[Structure]:
    """Yield the properties of some namespaces with the fields of their values."""
    for packet, root in _roots(media, spaces, "", []):
        for node in _descriptions(root):
            for key, value in node.attributes.items():
                space, _, name = key.rpartition(" ")
                if space in spaces:
                    yield Structure(space, name, {"": value.strip()}, node.line, packet.place)
            for child in node.children:
                if child.space in spaces:
                    for fields in _items(child):
                        yield Structure(child.space, child.name, fields, child.line, packet.place)


def _items(node: Node) -> Iterator[dict[str, str]]:
    """Yield the fields of a value, or of each item of an array (RDF/XML, 2.15)."""
    arrays = [c for c in node.children if c.space == _RDF and c.name in ("Seq", "Bag", "Alt")]
    items = [item for array in arrays for item in array.each("li")] if arrays else [node]
    for item in items[:_MAX_ITEMS]:
        inner = [c for c in item.children if (c.space, c.name) == (_RDF, "Description")]
        fields = {c.name: _value(c) for each in (item, *inner) for c in each.children}
        for each in (item, *inner):
            fields |= {key.rpartition(" ")[2]: value for key, value in each.attributes.items()}
        text = item.attributes.get(f"{_RDF} resource") or item.text
        yield fields | ({"": text} if text else {})


def _roots(
    media: Media, spaces: frozenset[str], family: str, issues: list[Issue]
) -> Iterator[tuple[Packet, Node]]:
    """Yield the packets that mention one of the namespaces, with the root of their XML."""
    for packet in media.packets:
        # Most packets mention none of the namespaces: a text search is cheaper than parsing.
        if packet.cut or not any(space in packet.text for space in spaces):
            continue
        text = clean(packet.text)
        xml = read_xml(text.encode(), "utf-8")
        if xml.fault == "xml":
            repaired = read_xml(_UNQUOTED_ATTRIBUTE.sub(r'\1"\2"', text).encode(), "utf-8")
            code = f"{family}.xmp_malformed" if repaired.root is None else f"{family}.xmp_mended"
            issues.append(Issue(code=code, line=xml.line, excerpt=excerpt(xml.message)))
            xml = repaired
        elif xml.root is None:
            issues.append(Issue(code=f"{family}.xmp_refused", line=xml.line, excerpt=xml.message))
        if xml.root is not None:
            yield packet, xml.root


def _properties(root: Node, packet: Packet, spaces: frozenset[str]) -> Iterator[Property]:
    for node in _descriptions(root):
        # XMP writes a simple property as an attribute or as an element (RDF/XML, 2.5).
        for key, value in node.attributes.items():
            space, _, name = key.rpartition(" ")
            if space in spaces:
                yield Property(space, name, value.strip(), node.line, packet.place)
        for child in node.children:
            if child.space in spaces:
                yield Property(child.space, child.name, _value(child), child.line, packet.place)


def _descriptions(root: Node) -> Iterator[Node]:
    """Yield the nodes directly under `rdf:RDF` (RDF/XML, 2.2).

    Nodes inside them describe other files, such as the sources of a composite image.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        if (node.space, node.name) == (_RDF, "RDF"):
            yield from node.children
        else:
            pending += reversed(node.children)


def _value(node: Node) -> str:
    """Return the value of a property element: `rdf:resource`, text, or the first of an array."""
    value = node.attributes.get(f"{_RDF} resource") or node.text
    return (value or next((v for c in node.children if (v := _value(c))), "")).strip()


def report_unread_parts(
    media: Media, parts: frozenset[str], family: str, issues: list[Issue]
) -> bool:
    """Return whether a part that a protocol needs was not read; add an issue for each.

    `parts` are names as in `MediaFault.part`.
    """
    faults = [fault for fault in media.faults if fault.part in parts]
    issues += [Issue(code=f"{family}.unread", excerpt=excerpt(fault.why)) for fault in faults]
    cut = [packet for packet in media.packets if packet.cut] if "xmp" in parts else []
    issues += [Issue(code=f"{family}.xmp_too_large", excerpt=packet.place) for packet in cut]
    return bool(faults or cut)


def make_reading(
    statements: list[Statement],
    issues: list[Issue],
    family: str,
    *,
    given: bool,
    valid: bool,
    unseen: bool,
) -> Reading:
    """Return the reading of a media file.

    `given` means that the file has something of the protocol, `valid` that some of it is as
    specified. `unseen` means that a part was not read: then nothing found is not absence.
    """
    absent = Presence.UNSEEN if unseen else Presence.ABSENT
    present = Presence.PRESENT if valid else Presence.MALFORMED
    return Reading(
        presence=present if given else absent,
        statements=numbered(statements),
        issues=limit_issues(issues, family),
    )


def statements_of_file(reading: Reading) -> tuple[AppliedStatement, ...]:
    """Return all statements of a file about itself; those that count come first."""
    ordered = sorted(reading.statements, key=lambda statement: not statement.counts)
    return tuple(AppliedStatement(statement=statement) for statement in ordered)
