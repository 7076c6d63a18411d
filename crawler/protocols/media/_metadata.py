"""What the readers of media extracts share: XMP properties, faults, and how statements speak."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.media import Media, Packet
from crawler.model import AppliedStatement, Issue, Reading, Statement, numbered
from crawler.protocols.parsing.json_document import capped, clean, excerpt
from crawler.protocols.parsing.xml_document import Node, read_xml
from crawler.vocab import Presence

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_UNQUOTED = re.compile(r"""(\s[\w:.-]++=)([^\s"'<>]++)(?=[\s/>])""")


class Property(NamedTuple):
    """A property of the resource that a packet describes: namespace, local name and value."""

    space: str
    name: str
    value: str
    line: int
    place: str

    @property
    def raw(self) -> str:
        """Name and value, however they were serialised."""
        return f"{self.name}: {self.value}"

    def issue(self, code: str) -> Issue:
        """An issue that quotes it."""
        return Issue(code=code, line=self.line, excerpt=excerpt(self.raw))


def properties(
    found: Media, spaces: frozenset[str], family: str, issues: list[Issue]
) -> Iterator[Property]:
    """Properties of some namespaces in the packets of a file, whatever their prefixes.

    A packet that is not well-formed is read where quoting its attributes mends it, as the
    example for PDF in the report on TDMRep needs.
    """
    for packet in found.packets:
        if packet.cut or not any(space in packet.text for space in spaces):
            continue
        text = clean(packet.text)
        read = read_xml(text.encode(), "utf-8")
        if read.fault == "xml":
            mended = read_xml(_UNQUOTED.sub(r'\1"\2"', text).encode(), "utf-8")
            code = f"{family}.xmp_malformed" if mended.root is None else f"{family}.xmp_mended"
            issues.append(Issue(code=code, line=read.line, excerpt=excerpt(read.message)))
            read = mended
        elif read.root is None:
            issues.append(Issue(code=f"{family}.xmp_refused", line=read.line, excerpt=read.message))
        if read.root is not None:
            yield from _properties(read.root, packet, spaces)


def _properties(root: Node, packet: Packet, spaces: frozenset[str]) -> Iterator[Property]:
    for node in _descriptions(root):
        for key, value in node.attributes.items():
            space, _, name = key.rpartition(" ")
            if space in spaces:
                yield Property(space, name, value.strip(), node.line, packet.place)
        for child in node.children:
            if child.space in spaces:
                yield Property(child.space, child.name, _value(child), child.line, packet.place)


def _descriptions(root: Node) -> Iterator[Node]:
    """The nodes directly under `rdf:RDF` (RDF/XML, 2.2); what they contain describes others."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if (node.space, node.name) == (_RDF, "RDF"):
            yield from node.children
        else:
            waiting += reversed(node.children)


def _value(node: Node) -> str:
    """The value of a property element: a resource, text, or the first of an array."""
    given = node.attributes.get(f"{_RDF} resource") or node.text
    return (given or next((v for c in node.children if (v := _value(c))), "")).strip()


def unread(found: Media, parts: frozenset[str], family: str, issues: list[Issue]) -> bool:
    """Whether something that a protocol would look into was not read; each is an issue."""
    faults = [f for f in found.faults if f.part in parts]
    issues += [Issue(code=f"{family}.unread", excerpt=excerpt(f.why)) for f in faults]
    cut = [p for p in found.packets if p.cut] if "xmp" in parts else []
    issues += [Issue(code=f"{family}.xmp_too_large", excerpt=p.place) for p in cut]
    return bool(faults or cut)


def reading(
    statements: list[Statement],
    issues: list[Issue],
    family: str,
    *,
    given: bool,
    valid: bool,
    unseen: bool,
) -> Reading:
    """A reading: `given` says that something of the protocol stands there, `valid` that some of
    it is as specified, and `unseen` that a part was not read, so that nothing is no absence.
    """
    absent = Presence.UNSEEN if unseen else Presence.ABSENT
    written = Presence.PRESENT if valid else Presence.MALFORMED
    return Reading(
        presence=written if given else absent,
        statements=numbered(statements),
        issues=capped(issues, family),
    )


def whole(read: Reading) -> tuple[AppliedStatement, ...]:
    """Every statement of a file about itself, the counting first."""
    ordered = sorted(read.statements, key=lambda statement: not statement.counts)
    return tuple(AppliedStatement(statement=statement) for statement in ordered)
